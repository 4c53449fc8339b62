"""Errors as the platform words them: ``{status, message, code, more_info}``, OAuth's form, and S3's XML.

ApiError     everything below the base path
OAuthError   the token and revoke end points
ObjectError  part uploads and audio links
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape

from aiohttp import web

from dubber_platform.store.refused import RefusedError, Why

DICTIONARY = "https://developer.dubber.net/docs/read/common_details/API_Error_Dictionary"


class ApiError(Exception):
    """A refusal with its HTTP status, its code from the error dictionary and its words."""

    def __init__(
        self,
        status: int,
        code: int,
        message: str,
        *,
        details: Sequence[str] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """``details`` are sentences that name the field at fault."""
        super().__init__(message)
        self.status, self.code, self.message = status, code, message
        self.details, self.headers = details, headers

    def response(self) -> web.Response:
        """The JSON answer."""
        body: dict[str, object] = {"status": self.status, "message": self.message, "code": self.code}
        body["more_info"] = f"{DICTIONARY}#{self.code}"
        if self.details:
            body["details"] = [{"code": 4001, "details": list(self.details), "message": "Invalid Parameters"}]
        return web.json_response(body, status=self.status, headers=self.headers)


class OAuthError(Exception):
    """A refusal of the token end point, RFC 6749 5.2."""

    def __init__(self, error: str, description: str, *, code: int, status: int = 400) -> None:
        """``error`` is OAuth's word, ``code`` the entry of the error dictionary it links to."""
        super().__init__(description)
        self.error, self.description, self.code, self.status = error, description, code, status

    def response(self) -> web.Response:
        """The JSON answer."""
        return web.json_response(
            {
                "error": self.error,
                "error_description": self.description,
                "error_url": f"{DICTIONARY}#{self.code}",
            },
            status=self.status,
            headers={"Cache-Control": "no-store"},
        )


class ObjectError(Exception):
    """A refusal of the object store, in S3's words."""

    def __init__(self, status: int, code: str, message: str) -> None:
        """``code`` is S3's, such as ``BadDigest``."""
        super().__init__(message)
        self.status, self.code, self.message = status, code, message

    def response(self) -> web.Response:
        """The XML answer."""
        text = (
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            f"<Error><Code>{self.code}</Code><Message>{escape(self.message)}</Message></Error>"
        )
        return web.Response(text=text, status=self.status, content_type="application/xml")


def invalid(*details: str) -> ApiError:
    """A request that cannot be used, with a sentence per fault."""
    return ApiError(400, 2000, "Validation Errors", details=details)


def bad_parameter(name: str, why: str) -> ApiError:
    """A query parameter that cannot be used."""
    return invalid(f"Invalid parameter: {name} ({why})")


def refused(error: RefusedError) -> ApiError:
    """What the store refused, in this interface's words."""
    if error.why is Why.UNKNOWN:
        return not_found()
    if error.why is Why.NOT_ALLOWED:
        return not_authorised()
    return invalid(str(error))


def not_found() -> ApiError:
    """The thing does not exist, or the caller may not know of it."""
    return ApiError(404, 1009, "Resource Not Found")


def not_authorised() -> ApiError:
    """The caller is known but may not do this."""
    return ApiError(403, 1019, "Forbidden: Not Authorized")


def needs_group_auth() -> ApiError:
    """The call is for group authentication only."""
    return ApiError(403, 1042, "Invalid Scope: group authentication is required")


def bad_token() -> ApiError:
    """No access token, or one that is unknown, revoked or too old."""
    headers = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
    return ApiError(401, 1038, "Invalid or expired access token", headers=headers)


def feature_off() -> ApiError:
    """The plan does not include this."""
    return ApiError(403, 1010, "Feature Not Enabled")
