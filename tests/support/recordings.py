"""Small recordings for tests that need a finished one on disk."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import spool
from callmodel.manifest import AudioFile, Party, RecordingManifest
from callmodel.modes import CallType, RecordingMode
from callmodel.subscriber import DubPointKey

ANSWERED_AT = datetime(2026, 3, 4, 9, 30, 0, tzinfo=UTC)
DUB_POINT = DubPointKey(service_provider="ACME1", external_group="ACME1SITE", external_identifier="1001@acme.test")


def descriptor(recording_id: str = "rec-1", **changes: Any) -> spool.Descriptor:
    """Facts of an inbound call to 1001."""
    facts: dict[str, Any] = {
        "recording_id": recording_id,
        "call_id": "call-1",
        "user": "1001",
        "mode": RecordingMode.ALWAYS,
        "call_type": CallType.INBOUND,
        "caller": Party(number="+33155512345", label="Alice"),
        "callee": Party(number="1001", label="Bob"),
        "dub_point": DUB_POINT,
        "external_tracking_id": "6f0c7d5e-0000-4000-8000-000000000001",
        "external_call_id": "callhalf-1:0",
        "sip_call_ids": ("BW093000@carrier.test",),
        "answered_at": ANSWERED_AT,
        "started_at": ANSWERED_AT,
        "ended_at": ANSWERED_AT,
        "duration_ms": 0.0,
        "audio": AudioFile(sample_rate_hz=changes.pop("sample_rate_hz", 8000), samples=0, size_bytes=0, sha256=""),
    }
    about = {name: changes.pop(name) for name in ("kept", "pauses_cut") if name in changes}
    return spool.Descriptor(facts=RecordingManifest(**{**facts, **changes}), **about)


def pcm(frames: int, seed: int = 1) -> bytes:
    """Stereo PCM16 that repeats nowhere near."""
    return b"".join(((i * 7919 * seed + seed) % 2**32).to_bytes(4, "little") for i in range(frames))


def write_audio(opened: spool.OpenRecording, body: bytes, *, rate: int = 8000, block: int = 4000) -> None:
    """``audio.part``, complete, as a recorder writes it."""
    head = spool.make_header(sample_rate_hz=rate, channels=2, data_bytes=0)
    writer = spool.open_writer(opened.directory / spool.AUDIO_PART, head=head, data_key=opened.data_key)
    for start in range(0, len(body), block):
        writer.append(body[start : start + block])
    writer.set_head(spool.make_header(sample_rate_hz=rate, channels=2, data_bytes=len(body)))
    writer.finish()


def manifest_of(facts: spool.Descriptor, opened: spool.OpenRecording, **changes: Any) -> RecordingManifest:
    """The manifest that fits the ``audio.part`` at hand."""
    size, sha256 = spool.digest(opened.directory / spool.AUDIO_PART, opened.data_key)
    samples = (size - spool.HEADER_BYTES) // 4
    duration_ms = samples * 1000 / facts.facts.audio.sample_rate_hz
    audio = AudioFile(
        sample_rate_hz=facts.facts.audio.sample_rate_hz,
        samples=samples,
        size_bytes=size,
        sha256=sha256,
        encrypted=opened.data_key is not None,
    )
    ended_at = facts.facts.started_at + timedelta(milliseconds=duration_ms)
    return replace(facts.facts, audio=audio, ended_at=ended_at, duration_ms=duration_ms, **changes)


def finished(
    data_dir: Path, recording_id: str = "rec-1", *, frames: int = 8000, at_rest_key: bytes | None = None, **changes: Any
) -> tuple[Path, RecordingManifest]:
    """A sealed recording: its directory and manifest."""
    facts = descriptor(recording_id, **changes)
    opened = spool.open_recording(data_dir, facts, at_rest_key=at_rest_key)
    write_audio(opened, pcm(frames), rate=facts.facts.audio.sample_rate_hz)
    manifest = manifest_of(facts, opened)
    return spool.seal(data_dir, manifest), manifest
