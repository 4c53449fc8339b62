"""One recording: heard, labelled, kept, and passed on."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from aiohttp import web
from sqlalchemy import select
from sqlalchemy.orm import Session

from dubber_platform.api.audio import audio_response
from dubber_platform.portal.asked import Asked
from dubber_platform.portal.heard import heard, waveform
from dubber_platform.portal.lines import Line, lines_of
from dubber_platform.portal.once import shown_once
from dubber_platform.portal.pages.recordings import number_of
from dubber_platform.portal.roles import ADMINISTRATORS, EVERYONE
from dubber_platform.portal.site import ask, platform_of
from dubber_platform.portal.trying import attempt, same
from dubber_platform.store import changes, detail
from dubber_platform.store.browse import Cursor, Filter, beside
from dubber_platform.store.companions import Team, TeamReach
from dubber_platform.store.detail import RecordingView
from dubber_platform.store.refused import RefusedError
from dubber_platform.store.rows import Reference
from dubber_platform.store.schema import Recording
from dubber_platform.store.visibility import Right, Viewer, visible
from webkit.forms import Form
from webkit.routes import page
from webkit.visit import Visit

YEARS: Final = range(1970, 2200)
METADATA_NAME: Final = re.compile(r"[A-Za-z0-9]{1,50}", re.ASCII)
METADATA_VALUE_MAX: Final = 255
METADATA_MAX: Final = 50
"""What the interface takes, too (``api/bodies.py``)."""
METADATA_TEXT_MAX: Final = METADATA_MAX * (50 + METADATA_VALUE_MAX + 3)
LINE_SHOWN: Final = 60
TAGS_TEXT_MAX: Final = (changes.TAG_MAX + 2) * changes.TAGS_MAX


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What the page shows."""

    recording: Recording
    view: RecordingView
    line: Line
    newer: int | None
    """In the list one came from."""
    older: int | None
    teams: tuple[Reference, ...]
    """That reach its user."""

    def may(self, right: str) -> bool:
        """Whether the viewer may treat it so."""
        return Right(right) in self.view.row.rights


async def show(visit: Visit) -> web.StreamResponse:
    """The page."""
    return await show_recording(visit)


async def show_recording(visit: Visit, form: Form | None = None) -> web.StreamResponse:
    """The page; with a form that came back, its problems."""
    number, asked, own = number_of(visit.match("recording")), Asked.of(visit), platform_of(visit)
    wanted = asked.filter(visit)
    shown = await ask(visit, lambda session, viewer: _shown(session, viewer, number, wanted, visit.now))
    last_kept = shown.view.expires_at - timedelta(microseconds=1)
    return await visit.page(
        "recording.html",
        status=200 if form is None else 422,
        shown=shown,
        view=shown.view,
        row=shown.view.row,
        asked=asked,
        heard=await heard(visit, own, shown.recording),
        fresh_link=shown_once(visit, f"share {number}"),
        last_day=last_kept.astimezone(visit.site.config.zone).date(),
        form=form,
    )


def _shown(session: Session, viewer: Viewer, number: int, wanted: Filter, now: datetime) -> Shown:
    view = detail.one(session, viewer, number, now=now)
    newer, older = _neighbours(session, viewer, view, wanted)
    return Shown(
        recording=visible(session, viewer, number),
        view=view,
        line=lines_of((view.row,))[0],
        newer=newer,
        older=older,
        teams=_teams(session, view),
    )


def _neighbours(session: Session, viewer: Viewer, view: RecordingView, wanted: Filter) -> tuple[int | None, int | None]:
    """The next newer and the next older one in the list one came from."""
    place = Cursor(start=view.row.start, recording_id=view.row.id)
    listed = Filter(text=wanted.text, unidentified=True) if view.row.account_id is None else wanted
    try:
        return beside(session, viewer, listed, place)
    except RefusedError:  # a team that is gone
        return None, None


def _teams(session: Session, view: RecordingView) -> tuple[Reference, ...]:
    if view.row.user is None:
        return ()
    rows = session.execute(
        select(Team.id, Team.name)
        .join(TeamReach, TeamReach.team_id == Team.id)
        .where(TeamReach.user_id == view.row.user.id, Team.account_id == view.row.account_id)
        .order_by(Team.name)
    )
    return tuple(Reference(id=team_id, name=name) for team_id, name in rows)


async def audio(visit: Visit) -> web.StreamResponse:
    """To be played; whole or in ranges."""
    return await _audio(visit, Right.LISTEN)


async def download(visit: Visit) -> web.StreamResponse:
    """To be saved."""
    return await _audio(visit, Right.DOWNLOAD)


async def _audio(visit: Visit, right: Right) -> web.StreamResponse:
    number = number_of(visit.match("recording"))
    recording = await ask(visit, lambda session, viewer: visible(session, viewer, number, right))
    return audio_response(platform_of(visit), recording, download=right is Right.DOWNLOAD)


async def peaks(visit: Visit) -> web.StreamResponse:
    """The waveform."""
    number = number_of(visit.match("recording"))
    recording = await ask(visit, lambda session, viewer: visible(session, viewer, number, Right.LISTEN))
    return await waveform(visit, platform_of(visit), recording)


async def set_tags(visit: Visit) -> web.StreamResponse:
    """Replace the tags."""
    form = visit.form()
    wanted = [tag.strip() for tag in form.text("tags", limit=TAGS_TEXT_MAX).split(",")]
    tags = list(dict.fromkeys(tag for tag in wanted if tag))
    long = next((tag for tag in tags if len(tag) > changes.TAG_MAX), None)
    if long is not None:
        form.refuse("tags", visit.t("“%(tag)s” is longer than %(limit)s characters.", tag=long, limit=changes.TAG_MAX))
    return await _changed(
        visit,
        form,
        lambda s, viewer, number: changes.set_tags(s, viewer, number, tags, now=visit.now),
        same("tags"),
        visit.t("The tags are saved."),
    )


async def add_note(visit: Visit) -> web.StreamResponse:
    """Write a note."""
    form = visit.form()
    text = form.lines("text", limit=changes.NOTE_MAX)
    return await _changed(
        visit,
        form,
        lambda s, viewer, number: changes.add_note(s, viewer, number, text, now=visit.now),
        {"text": "text", "notes": "text"},
        visit.t("The note is added."),
        "#notes",
    )


async def delete_note(visit: Visit) -> web.StreamResponse:
    """Take a note away."""
    note = number_of(visit.match("note"))
    return await _changed(
        visit,
        visit.form(),
        lambda s, viewer, number: changes.delete_note(s, viewer, number, note, now=visit.now),
        {},
        visit.t("The note is deleted."),
        "#notes",
    )


async def set_metadata(visit: Visit) -> web.StreamResponse:
    """Replace the metadata: a line for each, ``name: value``."""
    form = visit.form()
    wanted: dict[str, str] = {}
    for line in form.lines("metadata", limit=METADATA_TEXT_MAX).splitlines():
        name, colon, value = (part.strip() for part in line.partition(":"))
        if not line.strip():
            continue
        if not colon or METADATA_NAME.fullmatch(name) is None or not 0 < len(value) <= METADATA_VALUE_MAX:
            form.refuse("metadata", visit.t("This line does not fit: %(line)s", line=line[:LINE_SHOWN]))
        elif name in wanted:
            form.refuse("metadata", visit.t("“%(name)s” is there twice.", name=name))
        wanted[name] = value
    if len(wanted) > METADATA_MAX:
        form.refuse("metadata", visit.t("At most %(limit)s lines are possible.", limit=METADATA_MAX))
    return await _changed(
        visit,
        form,
        lambda s, viewer, number: changes.set_metadata(s, viewer, number, wanted, now=visit.now),
        {},
        visit.t("The metadata is saved."),
        "#details",
    )


async def set_retention(visit: Visit) -> web.StreamResponse:
    """Keep it up to and including a day."""
    form = visit.form()
    day = _date(visit, form, "until")
    until = datetime.max.replace(tzinfo=UTC)
    if day is not None:
        midnight = datetime.combine(day + timedelta(days=1), time.min, tzinfo=visit.site.config.zone)
        until = midnight.astimezone(UTC)
    return await _changed(
        visit,
        form,
        lambda s, viewer, number: changes.set_retention(s, viewer, number, until, now=visit.now),
        {"expiry_time": "until"},
        visit.t("The recording is kept until then."),
    )


async def set_hold(visit: Visit) -> web.StreamResponse:
    """Put it on legal hold, or release it."""
    form = visit.form()
    held = form.flag("held")
    reason = form.text("reason", limit=changes.REASON_MAX, required=held)
    done = visit.t("Nothing and nobody deletes this recording now.") if held else visit.t("The hold is released.")
    return await _changed(
        visit,
        form,
        lambda s, viewer, number: changes.set_hold(s, viewer, number, held, reason, now=visit.now),
        same("reason"),
        done,
    )


async def _changed(
    visit: Visit,
    form: Form,
    change: Callable[[Session, Viewer, int], object],
    fields: dict[str, str],
    done: str,
    place: str = "",
) -> web.StreamResponse:
    """Do it and go back to the page; or the page again with what is wrong."""
    number = number_of(visit.match("recording"))
    await attempt(visit, form, lambda session, viewer: change(session, viewer, number), fields)
    if not form.ok:
        return await show_recording(visit, form)
    visit.notice("success", done)
    return back(visit, place)


def back(visit: Visit, place: str = "") -> web.StreamResponse:
    """To the recording's page, with the list one came from still in its address."""
    address = visit.url(f"/recordings/{number_of(visit.match('recording'))}", **Asked.of(visit).query())
    return web.Response(status=303, headers={"Location": address + place})


def _date(visit: Visit, form: Form, name: str) -> date | None:
    text = form.text(name, limit=20, required=True)
    try:
        found = date.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.year not in YEARS:
        form.refuse(name, visit.t("This is not a date: %(given)s. Write it as 2026-12-31.", given=text))
        return None
    return found


ROUTES: Final = (
    page("GET", "/recordings/{recording}", show, allow=EVERYONE),
    page("GET", "/recordings/{recording}/audio", audio, allow=EVERYONE),
    page("GET", "/recordings/{recording}/peaks", peaks, allow=EVERYONE),
    page("GET", "/recordings/{recording}/download", download, allow=ADMINISTRATORS),
    page("POST", "/recordings/{recording}/tags", set_tags, allow=EVERYONE),
    page("POST", "/recordings/{recording}/metadata", set_metadata, allow=EVERYONE),
    page("POST", "/recordings/{recording}/notes", add_note, allow=EVERYONE),
    page("POST", "/recordings/{recording}/notes/{note}/delete", delete_note, allow=EVERYONE),
    page("POST", "/recordings/{recording}/retention", set_retention, allow=ADMINISTRATORS),
    page("POST", "/recordings/{recording}/hold", set_hold, allow=ADMINISTRATORS),
)
