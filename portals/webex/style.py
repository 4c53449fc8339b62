"""Errors as the Webex API writes them."""

from __future__ import annotations

import re
from typing import Any, Final
from uuid import uuid4

from aiohttp import web
from pydantic import Field

from portals.rest import RestError
from portals.webex.wire import Out

MESSAGES: Final = {
    400: "The request was invalid or cannot be otherwise served. An accompanying error message will explain further.",
    401: "The request requires a valid access token set in the Authorization request header.",
    403: "The server understood the request, but refused to fulfill it because the access token is missing required "
    "scopes or the user is missing required roles or licenses.",
    404: "The requested resource could not be found.",
    405: "The request was made to a resource using an HTTP request method that is not supported.",
    409: "The request could not be processed because it conflicts with some established rule of the system.",
    413: "The request was larger than the server is willing to accept.",
    415: "The request was made to a resource without specifying a media type or used a media type that is not "
    "supported.",
    416: "The requested range cannot be served.",
    500: "Something went wrong on the server. If the issue persists, feel free to contact the server's administrator.",
}
_TRACKING: Final = re.compile(r"[A-Za-z0-9_.-]{1,128}")


class ErrorEntry(Out):
    """One reason."""

    description: str
    error_code: int | None = None


class ErrorBody(Out):
    """Every refusal of ``/v1``."""

    message: str
    errors: list[ErrorEntry]
    tracking_id: str
    vendor_id: str | None = Field(default=None, description="Whose terms of service must be accepted first (409).")
    vendor_name: str | None = None
    terms_of_service_url: str | None = None


class WebexStyle:
    """``message``, ``errors`` with a description each that begins with the field's name, ``trackingId``."""

    error = ErrorBody
    content_type = "application/json"

    def response(self, error: RestError, tracking: str) -> web.Response:
        """The error on the wire."""
        message = MESSAGES.get(error.status, MESSAGES[400])
        reasons = [f"{p.field}: {p.message}" if p.field else p.message for p in error.problems] or [message]
        body: dict[str, Any] = {
            "message": message,
            "errors": [{"description": reason} for reason in reasons],
            "trackingId": tracking,
            **error.extra,
        }
        return web.json_response(body, status=error.status, headers=error.headers)

    def tracking(self, request: web.Request) -> str:
        """The caller's own, when it gave a usable one."""
        given = request.headers.get("TrackingID", "")
        return given if _TRACKING.fullmatch(given) else f"MEDIASERVER_{uuid4()}"
