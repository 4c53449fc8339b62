"""All of ``/api/v1`` as one application, to be mounted there."""

from __future__ import annotations

from aiohttp import web

from portals.api.description import ROUTES, STYLE
from portals.api.events import EventFeed, add_feed
from portals.rest import build
from portals.services import Services


def application(services: Services, *, feed: EventFeed | None = None) -> web.Application:
    """To be mounted at ``/api/v1``; made on the event loop it will run on."""
    app = build(ROUTES, services, STYLE)
    add_feed(app, services.switchboard, feed or EventFeed())
    return app
