"""Finished recordings. The upload job of a recording is made in the same transaction as its row."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Row, and_, or_, select

from callmodel.manifest import RecordingManifest
from callmodel.modes import RecordingResult
from catalog.engine import Database
from catalog.tables import recordings, upload_jobs
from catalog.uploads import TOPIC as UPLOADS_TOPIC
from catalog.uploads import JobState

TOPIC = "recordings"
"""Its version goes up with every change below."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingRecord:
    """One finished recording."""

    manifest: RecordingManifest
    path: Path
    """Its directory, as it was given to ``add_finished``."""
    local: bool
    """False once the local copy was removed after delivery."""
    added_at: datetime
    upload_state: JobState | None
    """None when it is not to be delivered."""
    remote_id: str | None


class Recordings:
    """Reads and writes recordings; each method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add_finished(
        self, manifest: RecordingManifest, path: Path, *, now: datetime, deliver: bool | None = None
    ) -> bool:
        """Add a recording with its upload job; False when it was known already (nothing changes then).

        ``deliver`` None: successful recordings are delivered, failed ones are only listed.
        """
        wanted = manifest.result is RecordingResult.SUCCESSFUL if deliver is None else deliver
        known = select(recordings.c.recording_id).where(recordings.c.recording_id == manifest.recording_id)
        with self._database.write(TOPIC, UPLOADS_TOPIC) as connection:
            if connection.execute(known).one_or_none() is not None:
                return False
            connection.execute(recordings.insert().values(**_columns(manifest), path=str(path), added_at=now))
            if wanted:
                job = {"recording_id": manifest.recording_id, "state": JobState.PENDING.value, "attempts": 0}
                connection.execute(upload_jobs.insert().values(**job, next_at=now, progress={}, updated_at=now))
        return True

    def get(self, recording_id: str) -> RecordingRecord | None:
        """One, by id."""
        with self._database.read() as connection:
            row = connection.execute(_query().where(recordings.c.recording_id == recording_id)).one_or_none()
        return None if row is None else _record(row)

    def ids(self) -> frozenset[str]:
        """Every recording there is."""
        with self._database.read() as connection:
            return frozenset(connection.execute(select(recordings.c.recording_id)).scalars())

    def list(
        self,
        *,
        user: str | None = None,
        call_id: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        before: tuple[datetime, str] | None = None,
        limit: int = 100,
    ) -> tuple[RecordingRecord, ...]:
        """Newest first; started from ``since`` to before ``until``; older than a ``(started_at, id)`` seen last."""
        started, identity = recordings.c.started_at, recordings.c.recording_id
        query = _query().order_by(started.desc(), identity.desc()).limit(limit)
        if user is not None:
            query = query.where(recordings.c.user == user)
        if call_id is not None:
            query = query.where(recordings.c.call_id == call_id)
        if since is not None:
            query = query.where(started >= since)
        if until is not None:
            query = query.where(started < until)
        if before is not None:
            query = query.where(or_(started < before[0], and_(started == before[0], identity < before[1])))
        with self._database.read() as connection:
            return tuple(_record(row) for row in connection.execute(query))

    def removable(self, *, limit: int = 1000) -> tuple[RecordingRecord, ...]:
        """Those whose delivery is confirmed and whose local copy is still here, oldest first."""
        query = _query().where(
            recordings.c.local.is_(True),
            upload_jobs.c.state == JobState.DONE.value,
            upload_jobs.c.last_error.is_(None),
        )
        with self._database.read() as connection:
            rows = connection.execute(query.order_by(recordings.c.started_at).limit(limit)).all()
        return tuple(_record(row) for row in rows)

    def mark_local_removed(self, recording_id: str) -> None:
        """Note that the local copy is gone."""
        with self._database.write(TOPIC) as connection:
            connection.execute(recordings.update().where(recordings.c.recording_id == recording_id).values(local=False))

    def delete(self, recording_id: str) -> bool:
        """Forget a recording and its job; False when it was unknown. Its files are the spool's business."""
        with self._database.write(TOPIC, UPLOADS_TOPIC) as connection:
            done = connection.execute(recordings.delete().where(recordings.c.recording_id == recording_id))
            return done.rowcount > 0

    def version(self) -> int:
        """Goes up with every change to any recording, by any process."""
        return self._database.version(TOPIC)


def _query() -> Any:
    jobs = recordings.outerjoin(upload_jobs)
    return select(recordings, upload_jobs.c.state, upload_jobs.c.remote_id).select_from(jobs)


def _columns(manifest: RecordingManifest) -> dict[str, Any]:
    return {
        "recording_id": manifest.recording_id,
        "call_id": manifest.call_id,
        "user": manifest.user,
        "mode": manifest.mode.value,
        "recording_type": manifest.recording_type.value,
        "call_type": manifest.call_type.value,
        "result": manifest.result.value,
        "caller_number": manifest.caller.number,
        "callee_number": manifest.callee.number,
        "external_tracking_id": manifest.external_tracking_id,
        "started_at": manifest.started_at,
        "ended_at": manifest.ended_at,
        "duration_ms": manifest.duration_ms,
        "salvaged": manifest.salvaged,
        "manifest": manifest.to_json(),
        "local": True,
    }


def _record(row: Row[Any]) -> RecordingRecord:
    return RecordingRecord(
        manifest=RecordingManifest.from_json(row.manifest),
        path=Path(row.path),
        local=row.local,
        added_at=row.added_at,
        upload_state=None if row.state is None else JobState(row.state),
        remote_id=row.remote_id,
    )
