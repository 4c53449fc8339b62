"""The outbox: one job per recording that is to be delivered.

A job is claimed by turning ``pending`` into ``running``; whoever claimed it
reports back. A report on a job that is not ``running`` any more (someone
parked it meanwhile) changes nothing.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Row, func, select

from catalog.engine import Database
from catalog.tables import upload_jobs as table

TOPIC = "uploads"
"""Its version goes up whenever a job may have become due or changed its state."""

MAX_ERROR_CHARS = 2000


class JobState(StrEnum):
    """Where a delivery stands."""

    PENDING = "pending"
    """To be tried at ``next_at``."""
    RUNNING = "running"
    """Someone is at it."""
    PARKED = "parked"
    """Will not be tried again until somebody says so."""
    DONE = "done"
    """The platform confirmed size and digest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadProgress:
    """How far a multi-part upload came, of which exact bytes."""

    sha256: str = ""
    """Of the file that is being delivered."""
    size_bytes: int = 0
    part_size_bytes: int = 0
    restarts: int = 0
    """How often the upload was begun anew because the platform's copy was not ours."""
    parts: tuple[tuple[int, str], ...] = ()
    """Part number (from 1) and the tag the store gave for it, in order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadJob:
    """One row of the outbox."""

    recording_id: str
    state: JobState
    attempts: int
    """Failed ones since the last success or retry by hand."""
    next_at: datetime
    last_error: str | None = None
    remote_id: str | None = None
    """The platform's id, once it gave one."""
    progress: UploadProgress = field(default_factory=UploadProgress)
    updated_at: datetime


class Uploads:
    """Reads and writes jobs; each method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def claim_due(self, now: datetime, *, limit: int = 1) -> tuple[UploadJob, ...]:
        """Take jobs whose time has come, the longest due first; nobody else gets them."""
        due = select(table).where(table.c.state == JobState.PENDING.value, table.c.next_at <= now)
        due = due.order_by(table.c.next_at, table.c.recording_id).limit(limit)
        with self._database.read() as connection:
            if connection.execute(due.limit(1)).first() is None:
                return ()
        with self._database.write(TOPIC) as connection:
            rows = connection.execute(due).all()
            ids = [row.recording_id for row in rows]
            running = {"state": JobState.RUNNING.value, "updated_at": now}
            connection.execute(table.update().where(table.c.recording_id.in_(ids)).values(**running))
            claimed = connection.execute(select(table).where(table.c.recording_id.in_(ids))).all()
        by_id = {row.recording_id: _job(row) for row in claimed}
        return tuple(by_id[recording_id] for recording_id in ids)

    def next_due_at(self) -> datetime | None:
        """When the first pending job falls due; None when none is pending."""
        query = select(table.c.next_at).where(table.c.state == JobState.PENDING.value).order_by(table.c.next_at)
        with self._database.read() as connection:
            found: datetime | None = connection.scalar(query.limit(1))
        return found

    def release_running(self, now: datetime) -> int:
        """At the uploader's start: jobs that a crash left running are pending again; how many."""
        pending = {"state": JobState.PENDING.value, "next_at": now, "updated_at": now}
        return self._update(table.c.state == JobState.RUNNING.value, pending)

    def save_progress(
        self, recording_id: str, *, remote_id: str | None, progress: UploadProgress, now: datetime
    ) -> bool:
        """Remember how far a running job came."""
        values = {"remote_id": remote_id, "progress": asdict(progress), "updated_at": now}
        return self._update(_running(recording_id), values, topics=()) > 0

    def report_done(self, recording_id: str, *, remote_id: str, now: datetime, note: str | None = None) -> bool:
        """A running job is delivered; a ``note`` says what keeps the local copy from being removed."""
        values = {"state": JobState.DONE.value, "remote_id": remote_id, "last_error": note, "updated_at": now}
        return self._update(_running(recording_id), values) > 0

    def report_retry(
        self, recording_id: str, *, attempts: int, next_at: datetime, error: str | None, now: datetime
    ) -> bool:
        """A running job goes back to wait until ``next_at``."""
        values = {
            "state": JobState.PENDING.value,
            "attempts": attempts,
            "next_at": next_at,
            "last_error": error[:MAX_ERROR_CHARS] if error is not None else None,
            "updated_at": now,
        }
        return self._update(_running(recording_id), values) > 0

    def report_parked(self, recording_id: str, *, attempts: int, reason: str, now: datetime) -> bool:
        """A running job is given up until somebody retries it."""
        values = {
            "state": JobState.PARKED.value,
            "attempts": attempts,
            "last_error": reason[:MAX_ERROR_CHARS],
            "updated_at": now,
        }
        return self._update(_running(recording_id), values) > 0

    def park(self, recording_id: str, *, reason: str, now: datetime) -> bool:
        """By hand: do not try it any more; False when it is delivered, parked or unknown."""
        states = (JobState.PENDING.value, JobState.RUNNING.value)
        values = {"state": JobState.PARKED.value, "last_error": reason[:MAX_ERROR_CHARS], "updated_at": now}
        where = (table.c.recording_id == recording_id) & table.c.state.in_(states)
        return self._update(where, values) > 0

    def retry(self, recording_id: str, *, now: datetime) -> bool:
        """By hand: try it at once, with a clean count; False when it is delivered, running or unknown."""
        states = (JobState.PENDING.value, JobState.PARKED.value)
        return self._retry((table.c.recording_id == recording_id) & table.c.state.in_(states), now) == 1

    def retry_all(self, *states: JobState, now: datetime) -> int:
        """By hand: try every delivery in these states (pending, parked) at once, in one transaction; how many."""
        if not set(states) <= {JobState.PENDING, JobState.PARKED}:
            raise ValueError("only what is pending or parked can be tried again")
        return self._retry(table.c.state.in_([state.value for state in states]), now)

    def _retry(self, where: ColumnElement[bool], now: datetime) -> int:
        values = {"state": JobState.PENDING.value, "attempts": 0, "next_at": now, "updated_at": now}
        with self._database.write(TOPIC) as connection:
            rows = connection.execute(select(table.c.recording_id, table.c.progress).where(where)).all()
            for row in rows:
                progress = {**row.progress, "restarts": 0} if row.progress else {}
                chosen = table.c.recording_id == row.recording_id
                connection.execute(table.update().where(chosen).values(**values, progress=progress))
        return len(rows)

    def get(self, recording_id: str) -> UploadJob | None:
        """One, by its recording."""
        with self._database.read() as connection:
            row = connection.execute(select(table).where(table.c.recording_id == recording_id)).one_or_none()
        return None if row is None else _job(row)

    def list(self, *, state: JobState | None = None, limit: int = 1000) -> tuple[UploadJob, ...]:
        """All, or those in one state; the next due first."""
        query = select(table).order_by(table.c.next_at, table.c.recording_id).limit(limit)
        if state is not None:
            query = query.where(table.c.state == state.value)
        with self._database.read() as connection:
            return tuple(_job(row) for row in connection.execute(query))

    def counts(self) -> dict[JobState, int]:
        """How many jobs are in each state."""
        query = select(table.c.state, func.count()).group_by(table.c.state)
        with self._database.read() as connection:
            found = {JobState(state): number for state, number in connection.execute(query)}
        return {state: found.get(state, 0) for state in JobState}

    def version(self) -> int:
        """Goes up when jobs were added or changed state, by any process."""
        return self._database.version(TOPIC)

    def _update(self, where: ColumnElement[bool], values: dict[str, Any], topics: tuple[str, ...] = (TOPIC,)) -> int:
        with self._database.write(*topics) as connection:
            return connection.execute(table.update().where(where).values(**values)).rowcount


def _running(recording_id: str) -> ColumnElement[bool]:
    return (table.c.recording_id == recording_id) & (table.c.state == JobState.RUNNING.value)


def _job(row: Row[Any]) -> UploadJob:
    progress = dict(row.progress)
    if progress:
        progress["parts"] = tuple((number, tag) for number, tag in progress["parts"])
    return UploadJob(
        recording_id=row.recording_id,
        state=JobState(row.state),
        attempts=row.attempts,
        next_at=row.next_at,
        last_error=row.last_error,
        remote_id=row.remote_id,
        progress=UploadProgress(**progress),
        updated_at=row.updated_at,
    )
