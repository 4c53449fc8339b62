"""What is done to several recordings of the list at once: star, tag, download, delete."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from aiohttp import web
from sqlalchemy.orm import Session

from dubber_platform.api.audio import file_name
from dubber_platform.api.removal import remove
from dubber_platform.portal.bundle import Entry, zipped
from dubber_platform.portal.lines import lines_of
from dubber_platform.portal.pages.recordings import number_of
from dubber_platform.portal.roles import ADMINISTRATORS, EVERYONE
from dubber_platform.portal.site import ask, platform_of
from dubber_platform.store.browse import PAGE_ROWS
from dubber_platform.store.changes import TAG_MAX, set_star, set_tags
from dubber_platform.store.files import AudioFiles
from dubber_platform.store.refused import RefusedError, Why
from dubber_platform.store.rows import rows_of, tags_by_id
from dubber_platform.store.visibility import ACTIVE, Right, Viewer, visible
from webkit.routes import page
from webkit.visit import Visit

CHOSEN_MAX: Final = PAGE_ROWS
Change = Callable[[Session, Viewer, int], object]


async def act(visit: Visit) -> web.StreamResponse:
    """One of the buttons below the list."""
    form = visit.form()
    chosen = numbers_of(form.all("chosen", limit=CHOSEN_MAX))
    action, back = form.sent("action"), visit.safe_next(form.sent("next"))
    if not chosen:
        visit.notice("warning", visit.t("No recording was chosen."))
    elif action == "delete":
        return visit.redirect("/recordings/delete", ids=",".join(map(str, chosen)), next=back)
    elif action == "move":
        return visit.redirect("/unidentified/move", ids=",".join(map(str, chosen)), next=back)
    elif action == "download":
        return await _download(visit, chosen)
    elif action in {"star", "unstar"}:
        await _star(visit, chosen, action == "star")
    elif action in {"tag", "untag"}:
        tag = form.text("tag", limit=TAG_MAX, required=True)
        if form.ok:
            await _tag(visit, chosen, tag, action == "tag")
        else:
            visit.notice("error", visit.t("Tag: %(problem)s", problem=form.errors["tag"]))
    else:
        raise web.HTTPBadRequest
    return web.Response(status=303, headers={"Location": back})


async def _star(visit: Visit, chosen: Sequence[int], starred: bool) -> None:
    done, refused = await _each(visit, chosen, lambda s, viewer, n: set_star(s, viewer, n, starred, now=visit.now))
    if done and starred:
        visit.notice(
            "success",
            visit.t.many(
                "%(num)s recording is among the most important now.",
                "%(num)s recordings are among the most important now.",
                done,
            ),
        )
    elif done:
        visit.notice(
            "success",
            visit.t.many(
                "%(num)s recording is not among the most important any more.",
                "%(num)s recordings are not among the most important any more.",
                done,
            ),
        )
    _tell_refused(visit, refused)


async def _tag(visit: Visit, chosen: Sequence[int], tag: str, wanted: bool) -> None:
    def change(session: Session, viewer: Viewer, number: int) -> None:
        known = tags_by_id(session, [number])[number]
        if wanted != (tag in known):
            set_tags(session, viewer, number, [t for t in known if t != tag] + [tag] * wanted, now=visit.now)
        else:
            visible(session, viewer, number, Right.LABEL)

    done, refused = await _each(visit, chosen, change)
    if done and wanted:
        visit.notice(
            "success",
            visit.t.many(
                "%(num)s recording has the tag “%(tag)s” now.",
                "%(num)s recordings have the tag “%(tag)s” now.",
                done,
                tag=tag,
            ),
        )
    elif done:
        visit.notice(
            "success",
            visit.t.many(
                "%(num)s recording is without the tag “%(tag)s” now.",
                "%(num)s recordings are without the tag “%(tag)s” now.",
                done,
                tag=tag,
            ),
        )
    _tell_refused(visit, refused)


async def _each(visit: Visit, chosen: Sequence[int], change: Change) -> tuple[int, int]:
    """How many were changed, and how many the store refused to; all in one transaction."""

    def work(session: Session, viewer: Viewer) -> tuple[int, int]:
        refused = 0
        for number in chosen:
            try:
                change(session, viewer, number)
            except RefusedError:
                refused += 1
        return len(chosen) - refused, refused

    return await ask(visit, work)


def _tell_refused(visit: Visit, refused: int) -> None:
    if refused:
        visit.notice(
            "warning",
            visit.t.many(
                "%(num)s recording was left as it is: it is not yours to change, or has too many tags.",
                "%(num)s recordings were left as they are: they are not yours to change, or have too many tags.",
                refused,
            ),
        )


async def _download(visit: Visit, chosen: Sequence[int]) -> web.StreamResponse:
    """Their audio as one ZIP file, sent while it is made."""
    files = platform_of(visit).files
    entries = await ask(visit, lambda session, viewer: _entries(session, viewer, chosen, files))
    response = web.StreamResponse(
        headers={
            "Content-Type": "application/zip",
            "Content-Disposition": f'attachment; filename="recordings-{visit.now:%Y%m%dT%H%M%SZ}.zip"',
            "Cache-Control": "private, no-store",
            "X-Content-Type-Options": "nosniff",
        }
    )
    await response.prepare(visit.request)
    parts = zipped(entries)
    while (part := await visit.run(next, parts, None)) is not None:
        if part:
            await response.write(part)
    await response.write_eof()
    return response


def _entries(session: Session, viewer: Viewer, chosen: Sequence[int], files: AudioFiles) -> list[Entry]:
    seen = [visible(session, viewer, number) for number in chosen]
    rows = [visible(session, viewer, row.id, Right.DOWNLOAD) for row in seen if row.status == ACTIVE]
    return [
        Entry(name=file_name(row), path=files.audio_path(row.id, row.media_type), at=row.start_time)
        for row in rows
        if row.media_type is not None
    ]


async def confirm_delete(visit: Visit) -> web.StreamResponse:
    """What would be deleted, and what cannot be."""
    chosen = numbers_of(visit.query("ids").split(","))
    rows = await ask(visit, lambda session, viewer: rows_of(session, viewer, chosen, ()))
    if not rows:
        raise web.HTTPNotFound
    return await visit.page(
        "recordings_delete.html",
        lines=lines_of(row for row in rows if not row.held),
        held=lines_of(row for row in rows if row.held),
        next=visit.safe_next(visit.query("next")),
    )


async def delete(visit: Visit) -> web.StreamResponse:
    """Gone for good, but for those on legal hold."""
    form = visit.form()
    chosen = numbers_of(form.all("chosen", limit=CHOSEN_MAX))
    viewer = await ask(visit, lambda _session, viewer: viewer)
    gone = held = 0
    for number in chosen:
        try:
            await remove(platform_of(visit), viewer, number)
            gone += 1
        except RefusedError as error:
            held += error.why is Why.HELD
            if error.why is Why.NOT_ALLOWED:
                raise
    if gone:
        visit.notice(
            "success", visit.t.many("%(num)s recording was deleted.", "%(num)s recordings were deleted.", gone)
        )
    if held:
        visit.notice(
            "warning",
            visit.t.many(
                "%(num)s recording was kept: it is on legal hold.",
                "%(num)s recordings were kept: they are on legal hold.",
                held,
            ),
        )
    return web.Response(status=303, headers={"Location": visit.safe_next(form.sent("next"))})


def numbers_of(texts: Sequence[str]) -> list[int]:
    """Ids of recordings, each once; HTTPNotFound for what is none."""
    return list(dict.fromkeys(number_of(text) for text in texts[:CHOSEN_MAX]))


ROUTES: Final = (
    page("POST", "/recordings/bulk", act, allow=EVERYONE),
    page("GET", "/recordings/delete", confirm_delete, allow=ADMINISTRATORS),
    page("POST", "/recordings/delete", delete, allow=ADMINISTRATORS),
)
