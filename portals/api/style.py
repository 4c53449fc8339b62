"""Errors as RFC 9457 has them."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any
from uuid import uuid4

from aiohttp import web
from pydantic import Field

from portals.api.wire import Out
from portals.rest import RestError


class FieldError(Out):
    """What is wrong with one field."""

    field: str
    message: str


class Problem(Out):
    """Every refusal of ``/api/v1``."""

    type: str = Field(description="about:blank: the status says what kind of problem it is.")
    title: str
    status: int
    detail: str
    instance: str = Field(description="Names this request: the log has it too, as TrackingID of the answer.")
    errors: list[FieldError] = Field(description="The fields that are wrong, when it is about fields.")


class ProblemStyle:
    """``application/problem+json``."""

    error = Problem
    content_type = "application/problem+json"

    def response(self, error: RestError, tracking: str) -> web.Response:
        """The error on the wire."""
        title = HTTPStatus(error.status).phrase
        body: dict[str, Any] = {
            "type": "about:blank",
            "title": title,
            "status": error.status,
            "detail": "; ".join(f"{p.field}: {p.message}" if p.field else p.message for p in error.problems) or title,
            "instance": f"urn:uuid:{tracking}",
            "errors": [{"field": p.field, "message": p.message} for p in error.problems if p.field],
            **error.extra,
        }
        return web.json_response(
            body, status=error.status, headers=error.headers, content_type="application/problem+json"
        )

    def tracking(self, _request: web.Request) -> str:
        """A new one each time."""
        return str(uuid4())
