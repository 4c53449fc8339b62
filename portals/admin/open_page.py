"""Pages in front of the portal, for whoever comes: without a session, but with the reader's language and theme."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web

from webkit.i18n import LANGUAGES
from webkit.security import HEADERS
from webkit.site import Site
from webkit.visit import THEMES, Visit


def open_page(
    site: Site, show: Callable[[Visit], Awaitable[web.StreamResponse]]
) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """A handler for a GET of the application that ``site`` is mounted in.

    The portal's cookie does not reach it, and it sets none but language and theme (``?lang=fr``).
    """

    async def answer(request: web.Request) -> web.StreamResponse:
        visit = Visit(site, request)
        chosen = {"lang": (visit.query("lang"), LANGUAGES), "theme": (visit.query("theme"), THEMES)}
        if any(value in known for value, known in chosen.values()):
            back = web.Response(status=303, headers={"Location": request.path})
            for name, (value, known) in chosen.items():
                if value in known:
                    visit.keep_preference(back, name, value)
            return back
        response = await show(visit)
        for header, text in HEADERS.items():
            response.headers.setdefault(header, text)
        response.headers["Cache-Control"] = "no-store"
        return response

    return answer
