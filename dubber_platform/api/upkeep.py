"""What the platform does by itself: lapsed uploads, ended retention, files nobody owns."""

from __future__ import annotations

import asyncio
import traceback

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from dubber_platform.api.activation import drop_withheld
from dubber_platform.api.context import Platform
from dubber_platform.store.recordings import lapsed_uploads, past_retention, withheld_audio
from dubber_platform.store.schema import Recording

log = structlog.get_logger("dubber_platform")

INTERVAL_S = 60.0


async def keep_up(own: Platform) -> None:
    """Sweep once, then every minute, until cancelled."""
    await drop_orphans(own)
    while True:
        try:
            await sweep(own)
        except Exception:
            log.error("platform.sweep_failed", trace=traceback.format_exc())
        await asyncio.sleep(INTERVAL_S)


async def sweep(own: Platform) -> list[int]:
    """Drop uploads that were not completed in time and recordings whose retention has ended, unless on hold; their ids.

    Audio that is not to be kept goes too; its recording stays.
    """
    dropped: list[int] = []
    for recording_id in await own.database.run(lambda session: [row.id for row in withheld_audio(session)]):
        async with own.lock(recording_id):
            await drop_withheld(own, recording_id)
    for recording_id in await own.database.run(lambda session: _overdue(own, session)):
        async with own.lock(recording_id):
            if await own.database.run(lambda session, which=recording_id: _drop(own, session, which)):  # type: ignore[misc]
                await asyncio.to_thread(own.files.drop, recording_id)
                dropped.append(recording_id)
    if dropped:
        log.info("platform.recordings_dropped", count=len(dropped))
    return dropped


async def drop_orphans(own: Platform) -> list[int]:
    """At the start: files of recordings the database does not know (a deletion cut short) go; their ids."""
    on_disk = await asyncio.to_thread(own.files.recording_ids)
    known = await own.database.run(lambda session: set(session.scalars(select(Recording.id))))
    orphans = sorted(on_disk - known)
    for recording_id in orphans:
        await asyncio.to_thread(own.files.drop, recording_id)
    return orphans


def _overdue(own: Platform, session: Session) -> list[int]:
    now = own.clock()
    rows = [*lapsed_uploads(session, now), *past_retention(session, now)]
    return sorted({row.id for row in rows})


def _drop(own: Platform, session: Session, recording_id: int) -> bool:
    """Look again under the lock: an upload may have been completed or a hold been put on meanwhile."""
    recording = session.get(Recording, recording_id)
    now = own.clock()
    if recording is None:
        return False
    lapsed = recording.upload_expires_at is not None and recording.upload_expires_at <= now
    if recording.legal_hold or (not lapsed and recording.expiry_time > now):
        return False
    session.delete(recording)
    return True
