"""From a table of routes to an application: every request is let in, checked and answered in one place."""

from __future__ import annotations

import traceback
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import structlog
from aiohttp import hdrs, web
from pydantic import BaseModel, ValidationError

from callmodel.errors import MediaServerError
from portals.rest.bearer import NOBODY, Bearers, check
from portals.rest.errors import RestError, invalid, refuse
from portals.rest.faults import as_refusal
from portals.rest.route import Answer, Asked, Reply, Route
from portals.rest.style import Style
from portals.services import Services

_log = structlog.get_logger("portals")

BODY_MAX_BYTES = 64 * 1024
"""Of a JSON body."""

Served = Callable[[web.Request], Awaitable[web.StreamResponse]]


def build(routes: Iterable[Route], services: Services, style: Style) -> web.Application:
    """An application that serves these routes and refuses everything else in the API's own form."""
    routes = tuple(routes)
    largest = max([BODY_MAX_BYTES, *(route.upload_max_bytes for route in routes)])
    app = web.Application(middlewares=[_refusals(style)], client_max_size=largest)
    bearers = Bearers(services.catalog, services.clock)
    for route in routes:
        app.router.add_route(route.method, route.resource, _served(route, services, bearers))
    return app


def _served(route: Route, services: Services, bearers: Bearers) -> Served:
    async def serve(request: web.Request) -> web.StreamResponse:
        caller = NOBODY
        if route.scopes:
            caller = await bearers.caller(request)
            check(caller, route.scopes, users=route.users)
        asked = Asked(
            request=request,
            services=services,
            caller=caller,
            path=dict(request.match_info),
            query=_query(request, route),
            body=await _body(request, route),
        )
        return _response(await route.handler(asked), route)

    return serve


def _query(request: web.Request, route: Route) -> BaseModel | None:
    if route.query is None:
        return None
    try:
        return route.query.model_validate(dict(request.query))
    except ValidationError as error:
        raise invalid(error) from error


async def _body(request: web.Request, route: Route) -> BaseModel | bytes | None:
    if route.body is None and not route.upload:
        return None
    limit = BODY_MAX_BYTES if route.body is not None else route.upload_max_bytes
    wanted = ("application/json",) if route.body is not None else route.upload
    if route.optional_body and not request.body_exists:
        return None
    if request.content_type not in wanted:
        raise refuse(415, f"the body must be {' or '.join(wanted)}")
    data = await _bytes(request, limit)
    if route.body is None:
        return data
    try:
        return route.body.model_validate_json(data)
    except ValidationError as error:
        raise invalid(error) from error


async def _bytes(request: web.Request, limit: int) -> bytes:
    too_large = refuse(413, f"the body is larger than {limit} bytes")
    if request.content_length is not None and request.content_length > limit:
        raise too_large
    data = bytearray()
    async for block in request.content.iter_chunked(65536):
        data += block
        if len(data) > limit:
            raise too_large
    return bytes(data)


def _response(answer: Answer, route: Route) -> web.StreamResponse:
    if isinstance(answer, web.StreamResponse):
        return answer
    reply = answer if isinstance(answer, Reply) else Reply(body=answer)
    if reply.body is None:
        return web.Response(status=reply.status or 204, headers=reply.headers)
    text = reply.body.model_dump_json(by_alias=True, exclude_none=True)
    return web.Response(
        text=text, status=reply.status or route.status, content_type="application/json", headers=reply.headers
    )


def _refusals(style: Style) -> Any:
    @web.middleware
    async def middleware(request: web.Request, handler: Served) -> web.StreamResponse:
        tracking = style.tracking(request)
        try:
            response = await _answered(request, handler)
        except RestError as error:
            response = style.response(error, tracking)
        if not response.prepared:
            response.headers["TrackingID"] = tracking
            response.headers.setdefault(hdrs.CACHE_CONTROL, "no-store")
            response.headers["X-Content-Type-Options"] = "nosniff"
        return response

    return middleware


async def _answered(request: web.Request, handler: Served) -> web.StreamResponse:
    """What the handler says; everything that it raises is a RestError from here on."""
    try:
        if not request.path.isprintable():
            raise refuse(404, "the path has characters that no path here has")
        return await handler(request)
    except RestError:
        raise
    except MediaServerError as error:
        raise as_refusal(error) from error
    except web.HTTPMethodNotAllowed as error:
        allowed = ", ".join(sorted(error.allowed_methods))
        refusal = refuse(405, f"{request.method} is not for this path; {allowed} is")
        refusal.headers[hdrs.ALLOW] = allowed
        raise refusal from error
    except web.HTTPException as error:
        raise refuse(error.status, error.reason) from error
    except (ConnectionError, web.RequestPayloadError) as error:
        # the body broke off: nobody may be there to read this
        raise refuse(400, "the body is incomplete") from error
    except Exception as error:  # a request's edge: the caller gets an answer, the log the trace without local variables
        _log.error("api.request_failed", method=request.method, path=request.path, trace=traceback.format_exc())
        raise refuse(500, "something went wrong on the server") from error
