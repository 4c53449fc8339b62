"""What people do to recordings: label, keep, move, delete. Each change asks for the right it needs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from dubber_platform.store import recordings
from dubber_platform.store.companions import Note
from dubber_platform.store.do_not_record import withhold
from dubber_platform.store.events import UPDATED, announce
from dubber_platform.store.refused import RefusedError, Why, text_field
from dubber_platform.store.schema import Account, DubPoint, Recording, User
from dubber_platform.store.search import reindex
from dubber_platform.store.visibility import Right, Viewer, account_seen, visible

TAG_MAX, TAGS_MAX = 25, 100
NOTE_MAX, NOTES_MAX = 2000, 200
REASON_MAX = 255
RETENTION_MAX = timedelta(days=100 * 366)


def set_tags(session: Session, viewer: Viewer, recording_id: int, tags: Iterable[str], *, now: datetime) -> None:
    """Replace the whole set."""
    recording = visible(session, viewer, recording_id, Right.LABEL)
    wanted = [text_field(tag, "tags", longest=TAG_MAX) for tag in tags]
    if len(wanted) > TAGS_MAX:
        raise RefusedError(Why.TOO_MANY, "tags", limit=TAGS_MAX)
    recordings.set_tags(session, recording, wanted, now)
    announce(session, recording, UPDATED, now)


def set_star(session: Session, viewer: Viewer, recording_id: int, starred: bool, *, now: datetime) -> None:
    """Count it among the most important, or not any more."""
    recording = visible(session, viewer, recording_id, Right.LABEL)
    if recording.starred != starred:
        recording.starred, recording.date_updated = starred, now
        session.flush()
        announce(session, recording, UPDATED, now)


def set_metadata(
    session: Session, viewer: Viewer, recording_id: int, metadata: Mapping[str, str], *, now: datetime
) -> None:
    """Replace the whole set; names and values were checked."""
    recording = visible(session, viewer, recording_id, Right.LABEL)
    recording.details, recording.date_updated = dict(metadata), now
    reindex(session, [recording.id])
    announce(session, recording, UPDATED, now)


def add_note(session: Session, viewer: Viewer, recording_id: int, text: str, *, now: datetime) -> int:
    """Write a note; its id."""
    recording = visible(session, viewer, recording_id, Right.LABEL)
    said = text_field(text, "text", longest=NOTE_MAX)
    if int(session.scalar(select(func.count()).where(Note.recording_id == recording_id)) or 0) >= NOTES_MAX:
        raise RefusedError(Why.TOO_MANY, "notes", limit=NOTES_MAX)
    note = Note(recording_id=recording_id, user_id=viewer.user_id, author=viewer.name, text=said, date_created=now)
    session.add(note)
    recording.date_updated = now
    reindex(session, [recording_id])
    announce(session, recording, UPDATED, now)
    return note.id


def delete_note(session: Session, viewer: Viewer, recording_id: int, note_id: int, *, now: datetime) -> None:
    """One's own; administrators anybody's."""
    recording = visible(session, viewer, recording_id, Right.LABEL)
    note = session.get(Note, note_id)
    if note is None or note.recording_id != recording_id:
        raise RefusedError(Why.UNKNOWN, "note")
    if note.user_id != viewer.user_id and not viewer.administers:
        raise RefusedError(Why.NOT_ALLOWED, "note")
    session.delete(note)
    recording.date_updated = now
    reindex(session, [recording_id])
    announce(session, recording, UPDATED, now)


def set_retention(session: Session, viewer: Viewer, recording_id: int, until: datetime, *, now: datetime) -> None:
    """Keep it until then; it is deleted soon after, unless it is on hold."""
    recording = visible(session, viewer, recording_id, Right.KEEP)
    if until <= now:
        raise RefusedError(Why.PAST, "expiry_time")
    if until - now > RETENTION_MAX:
        raise RefusedError(Why.TOO_FAR, "expiry_time")
    recording.expiry_time, recording.date_updated = until.astimezone(UTC), now
    session.flush()
    announce(session, recording, UPDATED, now)


def set_hold(session: Session, viewer: Viewer, recording_id: int, held: bool, reason: str, *, now: datetime) -> None:
    """On hold neither people nor retention delete it; why is asked for. Released, retention counts again."""
    recording = visible(session, viewer, recording_id, Right.KEEP)
    because = text_field(reason, "reason", longest=REASON_MAX, blank=not held)
    recording.legal_hold, recording.hold_reason = held, because if held else ""
    recording.held_by, recording.held_at = (viewer.username, now) if held else ("", None)
    recording.date_updated = now
    session.flush()
    announce(session, recording, UPDATED, now)


def delete(session: Session, viewer: Viewer, recording_id: int) -> None:
    """The row and all that hangs on it; its files are the caller's to drop after the commit (``api/removal.py``)."""
    recording = visible(session, viewer, recording_id, Right.DELETE)
    if recording.legal_hold:
        raise RefusedError(Why.HELD, "recording")
    session.delete(recording)
    session.flush()


def move_to_user(session: Session, viewer: Viewer, recording_id: int, user_id: str, *, now: datetime) -> bool:
    """Give it to a user of an account the viewer administers; True when its audio has to go (do not record)."""
    recording = visible(session, viewer, recording_id, Right.MOVE)
    user = session.get(User, user_id)
    if user is None or user.account_id is None or not account_seen(session, viewer, user.account_id):
        raise RefusedError(Why.NO_SUCH, "user")
    return give(session, recording, session.get_one(Account, user.account_id), user.id, now=now)


def give(
    session: Session,
    recording: Recording,
    account: Account,
    user_id: str | None,
    *,
    now: datetime,
    dub_point: DubPoint | None = None,
) -> bool:
    """Put a recording into an account, asking nobody; True when its audio has to go (do not record)."""
    recording.account_id, recording.group_id, recording.user_id = account.id, account.group_id, user_id
    if dub_point is not None:
        recording.dub_point_id = dub_point.id
    recording.date_updated = now
    withheld = recording.status == "Active" and withhold(session, recording)
    reindex(session, [recording.id])
    announce(session, recording, UPDATED, now)
    return withheld
