"""How an API writes its refusals."""

from __future__ import annotations

from typing import Protocol

from aiohttp import web
from pydantic import BaseModel

from portals.rest.errors import RestError


class Style(Protocol):
    """The form of one API's errors."""

    @property
    def error(self) -> type[BaseModel]:
        """Describes an error's body in the OpenAPI document."""
        ...

    @property
    def content_type(self) -> str:
        """Of an error."""
        ...

    def response(self, error: RestError, tracking: str) -> web.Response:
        """The error on the wire."""
        ...

    def tracking(self, request: web.Request) -> str:
        """A name under which this request may be asked about; a header of its answer."""
        ...
