"""All of ``/v1`` as one application, to be mounted there."""

from __future__ import annotations

from dataclasses import replace
from functools import wraps
from typing import Any, Final

from aiohttp import web

from portals.rest import Answer, Asked, Route, build, refuse
from portals.services import Services
from portals.webex import announcements, calls, ids, organisation, people, recording, recordings
from portals.webex.links import LINKS, Links
from portals.webex.people import PEOPLE_IDS
from portals.webex.style import WebexStyle
from portals.webex.wire import QueryIn


def _here_only(route: Route) -> Route:
    """The route, refusing requests that are for another organisation."""
    inner = route.handler

    @wraps(inner)
    async def handler(asked: Asked[Any, Any]) -> Answer:
        if isinstance(asked.query, QueryIn) and asked.query.org_id not in (None, _here(asked.services)):
            raise refuse(404, "there is no such organisation", field="orgId")
        return await inner(asked)

    more = (404,) if route.query is not None else ()
    return replace(route, handler=handler, errors=(*route.errors, *more))


def _here(services: Services) -> str:
    return ids.organisation_id(services.domain)


ROUTES: Final = tuple(
    _here_only(route)
    for module in (people, recording, organisation, announcements, calls, recordings)
    for route in module.ROUTES
)
STYLE: Final = WebexStyle()


def application(services: Services) -> web.Application:
    """To be mounted at ``/v1``."""
    app = build(ROUTES, services, STYLE)
    app[PEOPLE_IDS] = ids.PeopleIds(services.catalog)
    app[LINKS] = Links(services.clock)
    return app
