"""What a crash left in the spool: finished where it was being sealed, sealed where it was being written,
destroyed where it was not to be kept. To be run at start, before anything records into the same data directory.

What cannot be read (a damaged descriptor, the wrong key) stays where it is and is reported.
The bench's four tracks of an interrupted recording are not salvaged: their header only an encoder can complete.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from callmodel.errors import SpoolError
from callmodel.manifest import AudioFile, RecordingManifest
from spool import wav
from spool.chunks import final_head, whole_chunks
from spool.descriptor import Descriptor
from spool.disk import Disk
from spool.errors import disk_errors
from spool.keys import read_data_key
from spool.layout import (
    AUDIO_PART,
    GONE_PREFIX,
    HEARD_PART,
    MANIFEST_FILE,
    MANIFEST_PART,
    MARKS_FILE,
    OPEN_FILE,
    destroy,
    finish_seal,
    open_dir,
    read_descriptor,
    read_manifest,
    recordings_dir,
    seal,
    spool_dir,
)
from spool.marks import read_marks
from spool.reader import digest

_REAL_DISK = Disk()


class Fate(StrEnum):
    """What became of a recording that a crash left."""

    SALVAGED = "salvaged"
    """Was being written; sealed with what was there."""
    FINISHED = "finished"
    """Was being sealed; nothing is missing."""
    NOT_KEPT = "not-kept"
    """Was provisional; destroyed."""
    EMPTY = "empty"
    """Had no sample of audio yet; removed."""
    DESTROYED = "destroyed"
    """Was being destroyed."""
    UNREADABLE = "unreadable"
    """Left alone: see ``error``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """One recording found by the sweep."""

    recording_id: str
    fate: Fate
    directory: Path | None = None
    """Where it is now, when it still is."""
    manifest: RecordingManifest | None = None
    error: SpoolError | None = None


def salvage_sweep(data_dir: Path, *, at_rest_key: bytes | None = None, disk: Disk = _REAL_DISK) -> tuple[Swept, ...]:
    """Settle everything a crash left; what it returns as salvaged or finished is new to the catalogue."""
    found = []
    for directory in _directories(spool_dir(data_dir)):
        found.append(_settled(data_dir, directory, at_rest_key, disk))
    for day in _directories(recordings_dir(data_dir)):
        for directory in _directories(day):
            if not (directory / MANIFEST_FILE).exists():
                found.append(_settled(data_dir, directory, at_rest_key, disk))
    return tuple(found)


def _directories(parent: Path) -> list[Path]:
    with disk_errors():
        return sorted(p for p in parent.iterdir() if p.is_dir()) if parent.is_dir() else []


def _settled(data_dir: Path, directory: Path, at_rest_key: bytes | None, disk: Disk) -> Swept:
    recording_id = directory.name.removeprefix(GONE_PREFIX)
    try:
        fate, where = _settle(data_dir, directory, at_rest_key, disk)
        manifest = None if where is None else read_manifest(where)
    except SpoolError as error:
        return Swept(recording_id=recording_id, fate=Fate.UNREADABLE, directory=directory, error=error)
    return Swept(recording_id=recording_id, fate=fate, directory=where, manifest=manifest)


def _settle(data_dir: Path, directory: Path, at_rest_key: bytes | None, disk: Disk) -> tuple[Fate, Path | None]:
    if directory.name.startswith(GONE_PREFIX):
        destroy(data_dir, directory, disk=disk)
        return Fate.DESTROYED, None
    if (directory / MANIFEST_PART).exists():
        where = finish_seal(data_dir, directory, disk=disk)
        return (Fate.SALVAGED if read_manifest(where).salvaged else Fate.FINISHED), where
    if not (directory / OPEN_FILE).exists() and not (directory / AUDIO_PART).exists():
        # The descriptor comes before any audio: the crash was in between.
        destroy(data_dir, directory, disk=disk)
        return Fate.EMPTY, None
    descriptor = read_descriptor(directory)
    if not descriptor.kept:
        destroy(data_dir, directory, disk=disk)
        return Fate.NOT_KEPT, None
    manifest = _repair(directory, descriptor, read_data_key(directory, at_rest_key), disk)
    if manifest is None:
        destroy(data_dir, directory, disk=disk)
        return Fate.EMPTY, None
    return Fate.SALVAGED, seal(data_dir, manifest, disk=disk)


def _repair(directory: Path, descriptor: Descriptor, data_key: bytes | None, disk: Disk) -> RecordingManifest | None:
    """Make ``audio.part`` a complete file again; None when there is no sample in it."""
    path = directory / AUDIO_PART
    if not path.exists():
        return None
    frame = descriptor.facts.audio.channels * wav.BYTES_PER_SAMPLE
    if data_key is None:
        data_bytes = _repair_plain(path, descriptor, frame, disk)
    else:
        data_bytes = _repair_chunks(path, data_key, descriptor, frame, disk)
    if data_bytes == 0:
        return None
    if (directory / HEARD_PART).exists():
        disk.unlink(directory / HEARD_PART)
    size, sha256 = digest(path, data_key)
    samples = data_bytes // frame
    duration_ms = samples * 1000 / descriptor.facts.audio.sample_rate_hz
    marks = read_marks(directory / MARKS_FILE)
    audio = AudioFile(
        sample_rate_hz=descriptor.facts.audio.sample_rate_hz,
        channels=descriptor.facts.audio.channels,
        samples=samples,
        size_bytes=size,
        sha256=sha256,
        encrypted=data_key is not None,
    )
    return descriptor.salvaged(audio=audio, duration_ms=duration_ms, marks=marks)


def _header(descriptor: Descriptor, data_bytes: int) -> bytes:
    return wav.make_header(
        sample_rate_hz=descriptor.facts.audio.sample_rate_hz,
        channels=descriptor.facts.audio.channels,
        data_bytes=data_bytes,
    )


def _repair_plain(path: Path, descriptor: Descriptor, frame: int, disk: Disk) -> int:
    with disk_errors():
        size = path.stat().st_size
    data_bytes = min(max(0, size - wav.HEADER_BYTES), wav.MAX_DATA_BYTES) // frame * frame
    if data_bytes:
        disk.truncate(path, wav.HEADER_BYTES + data_bytes)
        disk.overwrite(path, 0, _header(descriptor, data_bytes))
    return data_bytes


def _repair_chunks(path: Path, data_key: bytes, descriptor: Descriptor, frame: int, disk: Disk) -> int:
    whole = whole_chunks(path, data_key)
    data_bytes = min(whole.body_bytes, wav.MAX_DATA_BYTES) // frame * frame
    if data_bytes:
        disk.truncate(path, whole.file_bytes)
        offset, head = final_head(
            path, data_key, _header(descriptor, data_bytes), body_bytes=data_bytes, chunks=whole.chunks
        )
        disk.overwrite(path, offset, head)
    return data_bytes


def settle(data_dir: Path, recording_id: str, *, at_rest_key: bytes | None = None, disk: Disk = _REAL_DISK) -> Swept:
    """Settle one open recording whose writer is gone, while others are still being written."""
    return _settled(data_dir, open_dir(data_dir, recording_id), at_rest_key, disk)
