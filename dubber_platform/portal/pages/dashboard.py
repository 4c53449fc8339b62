"""What one sees first: how much there is, how it grew, and what waits."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from dubber_platform.portal.bars import chart_of
from dubber_platform.portal.lines import lines_of
from dubber_platform.portal.roles import EVERYONE, GROUP_ADMINISTRATORS
from dubber_platform.portal.site import ask
from dubber_platform.store.dashboard import dashboard
from webkit.routes import page
from webkit.visit import Visit


async def show(visit: Visit) -> web.StreamResponse:
    """The dashboard."""
    found = await ask(visit, lambda session, viewer: dashboard(session, viewer, now=visit.now))
    return await visit.page(
        "dashboard.html",
        dashboard=found,
        chart=chart_of(found.days),
        lines=lines_of(found.last),
        sees_unidentified=visit.who.role in GROUP_ADMINISTRATORS,
    )


ROUTES: Final = (page("GET", "/", show, allow=EVERYONE),)
