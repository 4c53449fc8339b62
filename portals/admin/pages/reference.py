"""The reference of both HTTP APIs for people, at ``/api/v1/``: drawn from the tables that serve them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web

from portals.admin.open_page import open_page
from portals.api.description import APIS
from portals.api.reference import chapters, scopes
from webkit.site import Site
from webkit.visit import Visit


def reference(site: Site) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """A handler for ``GET /api/v1/``; nobody needs a token for it."""
    return open_page(site, _show)


async def _show(visit: Visit) -> web.StreamResponse:
    return await visit.page("reference.html", chapters=chapters(APIS, visit.t), scopes=scopes(visit.t))
