"""The moment a recording's audio is complete."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import delete
from sqlalchemy.orm import Session

from dubber_platform.api.context import Platform
from dubber_platform.api.hooks import announce
from dubber_platform.store.files import StoredAudio
from dubber_platform.store.schema import Part, Recording


def activate(
    session: Session, own: Platform, recording_id: int, stored: StoredAudio, parts_digest: str | None
) -> Recording:
    """Uploading becomes Active, with what the audio itself says; everyone who waits for it is told."""
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
    announce(session, own, recording, "recording.create")
    return recording
