"""One recording in full: facts, tags, notes, links, markers, and what the viewer may do with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from callmodel.mark_text import Marker, unpacked
from dubber_platform.store.companions import Note
from dubber_platform.store.rows import RecordingRow, rows_of
from dubber_platform.store.schema import Recording
from dubber_platform.store.search import UNSEARCHED_TAGS_BEGIN
from dubber_platform.store.sharing import ShareView, shares
from dubber_platform.store.visibility import Right, Viewer, rights_over, visible


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteView:
    """One note."""

    id: int
    author: str
    text: str
    date_created: datetime
    mine: bool
    may_delete: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """Why nothing may delete it."""

    reason: str
    by: str
    """User name."""
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingView:
    """One recording in full."""

    row: RecordingRow
    end: datetime | None
    expires_at: datetime
    """End of its retention."""
    channel: str
    metadata: Mapping[str, str]
    meta_tags: Mapping[str, str]
    """Without those that only programs read."""
    parties: tuple[Mapping[str, str], ...]
    """Additional parties and transfers."""
    media_type: str | None
    size: int | None
    sha256: str | None
    withheld_reason: str
    hold: Hold | None
    notes: tuple[NoteView, ...]
    shares: tuple[ShareView, ...]
    markers: tuple[Marker, ...]
    date_created: datetime
    date_updated: datetime


def one(session: Session, viewer: Viewer, recording_id: int, *, now: datetime) -> RecordingView:
    """RefusedError when the viewer may not see it."""
    recording = visible(session, viewer, recording_id)
    (row,) = rows_of(session, viewer, [recording_id], ())
    return RecordingView(
        row=row,
        end=recording.end_time,
        expires_at=recording.expiry_time,
        channel=recording.channel,
        metadata=recording.details,
        meta_tags={k: v for k, v in recording.meta_tags.items() if not k.startswith(UNSEARCHED_TAGS_BEGIN)},
        parties=tuple(recording.additional_parties) + tuple(recording.transfers),
        media_type=recording.media_type,
        size=recording.size,
        sha256=recording.sha256,
        withheld_reason=recording.withheld_reason,
        hold=_hold(recording),
        notes=notes(session, viewer, recording_id),
        shares=shares(session, viewer, recording_id, now=now),
        markers=markers_of(recording),
        date_created=recording.date_created,
        date_updated=recording.date_updated,
    )


def notes(session: Session, viewer: Viewer, recording_id: int) -> tuple[NoteView, ...]:
    """The notes of a recording, oldest first."""
    recording = visible(session, viewer, recording_id)
    may_label = Right.LABEL in rights_over(session, viewer, [recording])[recording_id]
    rows = session.scalars(select(Note).where(Note.recording_id == recording_id).order_by(Note.id))
    return tuple(
        NoteView(
            id=row.id,
            author=row.author,
            text=row.text,
            date_created=row.date_created,
            mine=row.user_id == viewer.user_id,
            may_delete=may_label and (row.user_id == viewer.user_id or viewer.administers),
        )
        for row in rows
    )


def markers_of(recording: Recording) -> tuple[Marker, ...]:
    """The marks the recorder sent in ``meta_tags``, in order of time."""
    names = sorted(name for name in recording.meta_tags if name.startswith(UNSEARCHED_TAGS_BEGIN))
    return unpacked(str(recording.meta_tags[name]) for name in names)


def _hold(recording: Recording) -> Hold | None:
    if not recording.legal_hold:
        return None
    since = recording.held_at or recording.date_updated
    return Hold(reason=recording.hold_reason, by=recording.held_by, since=since)
