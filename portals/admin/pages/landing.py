"""What people find at the root of the server: where everything is, and how to begin."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web

from portals.services import Services
from webkit.i18n import LANGUAGES, mark
from webkit.security import HEADERS
from webkit.site import Site
from webkit.visit import THEMES, Visit

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
    """A handler for ``GET /`` of the application that ``site`` is mounted in.

    It has no session: the portal's cookie does not reach it, and it sets none but language and theme (``?lang=fr``).
    """

    async def show(request: web.Request) -> web.StreamResponse:
        visit = Visit(site, request)
        chosen = {"lang": (visit.query("lang"), LANGUAGES), "theme": (visit.query("theme"), THEMES)}
        if any(value in known for value, known in chosen.values()):
            back = web.Response(status=303, headers={"Location": "/"})
            for name, (value, known) in chosen.items():
                if value in known:
                    visit.keep_preference(back, name, value)
            return back
        reachable = services.reachable()
        response = await _page(visit, reachable.sip, reachable.dubber_portal)
        for header, text in HEADERS.items():
            response.headers.setdefault(header, text)
        response.headers["Cache-Control"] = "no-store"
        return response

    return show


async def _page(visit: Visit, sip: dict[str, str], dubber_portal: str) -> web.StreamResponse:
    return await visit.page(
        "landing.html",
        sip=sip,
        server=sip.get("udp", ""),
        dubber_portal=dubber_portal,
        numbers=[(number, visit.t(text)) for number, text in NUMBERS],
    )
