"""The numbers one sees first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import InstrumentedAttribute, Session
from sqlalchemy.sql.elements import ColumnElement

from dubber_platform.store.browse import Filter, browse
from dubber_platform.store.rows import RecordingRow
from dubber_platform.store.schema import DubPoint, Recording, User
from dubber_platform.store.visibility import ACTIVE, DO_NOT_RECORD, Viewer, placed, unplaced

LAST_ROWS = 5
HISTORY_DAYS = 14


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """One day of the history (UTC)."""

    start: datetime
    recordings: int
    duration_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Dashboard:
    """What the viewer may see, in numbers."""

    recordings: int
    """Calls, without voicemails."""
    voicemails: int
    starred: int
    tagged: int
    withheld: int
    """Facts without audio: do not record."""
    duration_s: int
    """Of all of them."""
    storage_bytes: int
    today: int
    """Recordings and voicemails of this UTC day."""
    last: tuple[RecordingRow, ...]
    """The newest ones."""
    days: tuple[Day, ...]
    """The last fourteen UTC days, oldest first, today last."""
    unidentified: int
    """Waiting for a user; 0 without group authentication."""
    users: int | None
    """Of the account; None for standard users."""
    dub_points: int | None


def dashboard(session: Session, viewer: Viewer, *, now: datetime) -> Dashboard:
    """Everything at once, counted afresh."""
    counts = session.execute(
        select(
            func.count(),
            func.count().filter(Recording.recording_type == "voicemail"),
            func.count().filter(Recording.starred.is_(True)),
            func.count().filter(Recording.tagged.is_(True)),
            func.count().filter(Recording.status == DO_NOT_RECORD),
            _sum(Recording.duration),
            func.coalesce(func.sum(Recording.size).filter(Recording.status == ACTIVE), 0),
        ).where(placed(viewer), Recording.status.in_((ACTIVE, DO_NOT_RECORD)))
    ).one()
    total, voicemails, starred, tagged, withheld, duration_s, storage = (int(number) for number in counts)
    days = _days(session, viewer, now)
    return Dashboard(
        recordings=total - voicemails,
        voicemails=voicemails,
        starred=starred,
        tagged=tagged,
        withheld=withheld,
        duration_s=duration_s,
        storage_bytes=storage,
        today=days[-1].recordings,
        last=browse(session, viewer, Filter(), rows=LAST_ROWS).rows,
        days=days,
        unidentified=_unidentified(session, viewer),
        users=_number(session, User, viewer),
        dub_points=_number(session, DubPoint, viewer),
    )


def _days(session: Session, viewer: Viewer, now: datetime) -> tuple[Day, ...]:
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    first = today - timedelta(days=HISTORY_DAYS - 1)
    day = func.date(Recording.start_time)
    rows = session.execute(
        select(day, func.count(), _sum(Recording.duration))
        .where(placed(viewer), Recording.status.in_((ACTIVE, DO_NOT_RECORD)), Recording.start_time >= first)
        .where(Recording.start_time < today + timedelta(days=1))
        .group_by(day)
    )
    known = {str(date): (int(count), int(duration)) for date, count, duration in rows}
    days = [first + timedelta(days=number) for number in range(HISTORY_DAYS)]
    numbers = [known.get(start.date().isoformat(), (0, 0)) for start in days]
    return tuple(
        Day(start=start, recordings=count, duration_s=duration)
        for start, (count, duration) in zip(days, numbers, strict=True)
    )


def _sum(what: InstrumentedAttribute[int | None]) -> ColumnElement[int]:
    return func.coalesce(func.sum(what), 0)


def _unidentified(session: Session, viewer: Viewer) -> int:
    if not viewer.groups:
        return 0
    waiting = select(func.count()).where(unplaced(viewer), Recording.status.in_((ACTIVE, DO_NOT_RECORD)))
    return int(session.scalar(waiting) or 0)


def _number(session: Session, kind: type[User] | type[DubPoint], viewer: Viewer) -> int | None:
    if not viewer.administers:
        return None
    return int(session.scalar(select(func.count()).where(kind.account_id == viewer.account_id)) or 0)
