"""What people find at the root of the server: where everything is, and how to begin."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web

from portals.admin.open_page import open_page
from portals.services import Services
from webkit.i18n import mark
from webkit.site import Site
from webkit.visit import Visit

NUMBERS: Final = (
    ("9001", mark("Echo: you hear yourself")),
    ("9002", mark("A party that talks")),
    ("9003", mark("A tone of 1004 Hz at 0 dBm0")),
    ("9004", mark("Says the keys back that you press")),
    ("9005", mark("Says your address and codec")),
    ("9006", mark("Busy")),
    ("9007", mark("Rings for ever")),
    ("9008", mark("Rings with early media, then answers")),
    ("9009", mark("Answers and stays silent")),
)


def landing(site: Site, services: Services) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """A handler for ``GET /`` of the application that ``site`` is mounted in."""

    async def show(visit: Visit) -> web.StreamResponse:
        reachable = services.reachable()
        return await visit.page(
            "landing.html",
            sip=reachable.sip,
            server=reachable.sip.get("udp", ""),
            dubber_portal=reachable.dubber_portal,
            numbers=[(number, visit.t(text)) for number, text in NUMBERS],
        )

    return open_page(site, show)
