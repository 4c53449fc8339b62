"""What there is: the table of ``/api/v1``, and the description of both APIs that it serves itself."""

from __future__ import annotations

import asyncio
import json
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final

from aiohttp import web

from portals import webex
from portals.api import access, events, live, provider, recordings, service, users
from portals.api.style import ProblemStyle
from portals.rest import Asked, Route
from portals.rest.openapi import Api, document

STYLE: Final = ProblemStyle()
TAG: Final = "Description"


async def get_openapi(_asked: Asked[None, None]) -> web.Response:
    """Both APIs, as OpenAPI 3.1; nobody needs a token for it."""
    return web.Response(text=await asyncio.to_thread(_openapi_text), content_type="application/json")


DESCRIPTION: Final = (
    Route(method="GET", path="/openapi.json", handler=get_openapi, summary="This description", tag=TAG),
)

ROUTES: Final = tuple(
    route
    for table in (
        provider.ROUTES,
        users.ROUTES,
        service.ROUTES,
        live.ROUTES,
        events.ROUTES,
        recordings.ROUTES,
        access.ROUTES,
        DESCRIPTION,
    )
    for route in table
)

APIS: Final = (
    Api(
        prefix="/v1",
        title="Webex shapes",
        about="The carrier in the shapes of the Webex Calling REST API: clients that speak it work unchanged.",
        routes=webex.ROUTES,
        style=webex.STYLE,
    ),
    Api(
        prefix="/api/v1",
        title="Own API",
        about="What only this product has.",
        routes=ROUTES,
        style=STYLE,
    ),
)


@lru_cache(maxsize=1)
def openapi() -> dict[str, Any]:
    """The document; do not change it."""
    try:
        number = version("call-recording-mediaserver")
    except PackageNotFoundError:
        number = "0"
    return document(
        APIS,
        title="Call recording media server",
        about="The HTTP APIs of the carrier. Every request needs a bearer token, but for this description.",
        version=number,
    )


@lru_cache(maxsize=1)
def _openapi_text() -> str:
    return json.dumps(openapi(), indent=1, ensure_ascii=False)
