"""The moment a recording's audio is complete."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from sqlalchemy import delete
from sqlalchemy.orm import Session

from dubber_platform.api.context import Platform
from dubber_platform.store.do_not_record import withhold
from dubber_platform.store.events import CREATED, announce
from dubber_platform.store.files import StoredAudio
from dubber_platform.store.schema import Part, Recording
from dubber_platform.store.visibility import DO_NOT_RECORD


async def activate(own: Platform, recording_id: int, stored: StoredAudio, parts_digest: str | None) -> Recording:
    """Uploading becomes Active, with what the audio itself says; everyone who waits for it is told.

    When the other party is on the user's do-not-record list it becomes ``Do Not Record``: size and digest tell the
    sender that all of it arrived, then the audio goes.
    """
    recording = await own.database.run(lambda session: _activate(session, own, recording_id, stored, parts_digest))
    if recording.status == DO_NOT_RECORD:
        await drop_withheld(own, recording_id)
    return recording


async def drop_withheld(own: Platform, recording_id: int) -> None:
    """Remove audio that is not to be kept, then note that it is gone: the order that a crash cannot spoil."""
    await asyncio.to_thread(own.files.drop, recording_id)

    def note(session: Session) -> None:
        recording = session.get(Recording, recording_id)
        if recording is not None and recording.status == DO_NOT_RECORD:
            recording.media_type = None

    await own.database.run(note)


def _activate(
    session: Session, own: Platform, recording_id: int, stored: StoredAudio, parts_digest: str | None
) -> Recording:
    recording = session.get_one(Recording, recording_id)
    recording.status = "Active"
    recording.media_type, recording.size, recording.sha256 = stored.facts.media_type, stored.size, stored.sha256
    if recording.duration is None:
        recording.duration = stored.facts.duration_s
    if recording.end_time is None:
        recording.end_time = recording.start_time + timedelta(seconds=recording.duration)
    recording.parts_digest, recording.upload_expires_at = parts_digest, None
    recording.date_updated = own.clock()
    session.execute(delete(Part).where(Part.recording_id == recording_id))
    withhold(session, recording)
    announce(session, recording, CREATED, own.clock())
    return recording
