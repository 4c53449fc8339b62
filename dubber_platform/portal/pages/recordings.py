"""The list of recordings: everything one may see, newest first, searched and narrowed down by its address."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from aiohttp import web
from sqlalchemy.orm import Session

from dubber_platform.portal import choices
from dubber_platform.portal.asked import TEXT_MAX, Asked
from dubber_platform.portal.lines import Line, lines_of
from dubber_platform.portal.roles import EVERYONE
from dubber_platform.portal.site import ask
from dubber_platform.store.browse import Page, browse
from dubber_platform.store.changes import set_star
from dubber_platform.store.rows import Reference
from dubber_platform.store.visibility import Right, Viewer
from webkit.routes import page
from webkit.visit import Visit

PRESET_DAYS: Final = (1, 7, 30, 90)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """What the page shows."""

    page: Page
    lines: tuple[Line, ...]
    scopes: tuple[Reference, ...]
    dub_point: Reference | None
    """The one the list is restricted to."""
    user: Reference | None

    def may(self, right: Right) -> bool:
        """Anything on this page may be treated so."""
        return any(right in line.row.rights for line in self.lines)


async def show(visit: Visit) -> web.StreamResponse:
    """One page of the list; only the list itself while somebody types a search."""
    asked = Asked.of(visit)
    wanted = asked.filter(visit)

    def look(session: Session, viewer: Viewer) -> Listed:
        found = browse(session, viewer, wanted)
        return Listed(
            page=found,
            lines=lines_of(found.rows),
            scopes=choices.scopes(session, viewer),
            dub_point=choices.dub_point_named(session, viewer, asked.dub_point) if asked.dub_point else None,
            user=choices.user_named(session, viewer, asked.user) if asked.user else None,
        )

    listed = await ask(visit, look)
    today = visit.now.astimezone(visit.site.config.zone).date()
    response = await visit.page(
        "recordings.html",
        status=422 if asked.problems else 200,
        fragment="list",
        asked=asked,
        listed=listed,
        presets=[(days, (today - timedelta(days=days - 1)).isoformat()) for days in PRESET_DAYS],
    )
    if visit.in_place:
        response.headers["HX-Push-Url"] = asked.path(visit)
    return response


async def choose_dub_point(visit: Visit) -> web.StreamResponse:
    """The searchable list behind the down-arrow; a page of its own without script."""
    asked, find = Asked.of(visit), visit.query("find", limit=TEXT_MAX)
    found = await ask(visit, lambda session, viewer: choices.dub_points(session, viewer, find))
    return await visit.page(
        "dub_point_choice.html", fragment="choices", asked=asked, find=find, found=found, most=choices.CHOICES_MAX
    )


async def star(visit: Visit) -> web.StreamResponse:
    """Count one among the most important, or not any more; in place with script."""
    recording_id, form = number_of(visit.match("recording")), visit.form()
    starred = form.flag("starred")
    await ask(visit, lambda session, viewer: set_star(session, viewer, recording_id, starred, now=visit.now))
    if visit.in_place:
        return await visit.page("star.html", fragment="star", recording_id=recording_id, starred=starred)
    return web.Response(status=303, headers={"Location": visit.safe_next(form.sent("next"))})


def number_of(text: str) -> int:
    """A recording's id in an address or a form; HTTPNotFound when it is none."""
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise web.HTTPNotFound
    return int(text)


ROUTES: Final = (
    page("GET", "/recordings", show, allow=EVERYONE),
    page("GET", "/recordings/dub-points", choose_dub_point, allow=EVERYONE),
    page("POST", "/recordings/star/{recording}", star, allow=EVERYONE),
)
