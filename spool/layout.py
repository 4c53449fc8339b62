"""Where recordings live, and how one is opened, kept, sealed and destroyed.

::

    DATA/spool/<id>/                     open: open.json, audio.part, heard.part, marks.jsonl, key.json (encrypted)
    DATA/recordings/<yyyy-mm-dd>/<id>/   finished: manifest.json, audio.wav, heard.flac, key.json (encrypted)
    DATA/spool/.gone-<id>/               being destroyed

Sealing is a row of steps, each of which may be the last before a crash:
the facts are on disk as ``manifest.part`` before the first name changes, every
step can be repeated, and ``manifest.json`` appears last. The day is the UTC
date of the first sample.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from callmodel.manifest import RecordingManifest
from spool.descriptor import Descriptor
from spool.disk import Disk
from spool.errors import CorruptError, DiskFaultError, disk_errors
from spool.keys import KEY_FILE, new_data_key

OPEN_FILE = "open.json"
AUDIO_PART = "audio.part"
AUDIO_FILE = "audio.wav"
HEARD_PART = "heard.part"
HEARD_FILE = "heard.flac"
MARKS_FILE = "marks.jsonl"
MANIFEST_FILE = "manifest.json"
MANIFEST_PART = "manifest.part"
TEMPORARY = "writing.tmp"
GONE_PREFIX = ".gone-"
MAX_JSON_BYTES = 64 << 20

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_REAL_DISK = Disk()


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenRecording:
    """A directory to write into."""

    directory: Path
    data_key: bytes | None
    """The recording's own key, for the writer of its files; None: unencrypted."""


def spool_dir(data_dir: Path) -> Path:
    """Where open recordings are."""
    return data_dir / "spool"


def recordings_dir(data_dir: Path) -> Path:
    """Where finished recordings are, by day."""
    return data_dir / "recordings"


def open_dir(data_dir: Path, recording_id: str) -> Path:
    """Directory of an open recording; ValueError when the id could not be a directory's name."""
    return spool_dir(data_dir) / checked_id(recording_id)


def finished_dir(data_dir: Path, manifest: RecordingManifest) -> Path:
    """Directory of a finished recording."""
    return recordings_dir(data_dir) / manifest.started_at.date().isoformat() / checked_id(manifest.recording_id)


def checked_id(recording_id: str) -> str:
    """The id itself when it is safe as a file name: 1 to 128 of ``A-Z a-z 0-9 . _ -``, no dot first."""
    if not _ID.fullmatch(recording_id):
        raise ValueError(f"{recording_id!r} cannot be a recording id")
    return recording_id


def open_recording(
    data_dir: Path, descriptor: Descriptor, *, at_rest_key: bytes | None = None, disk: Disk = _REAL_DISK
) -> OpenRecording:
    """Make the directory of a new recording. Its facts are on disk before any audio can be."""
    directory = open_dir(data_dir, descriptor.facts.recording_id)
    if directory.exists():
        raise DiskFaultError(f"recording {descriptor.facts.recording_id} exists already")
    disk.make_dir(spool_dir(data_dir))
    disk.make_dir(directory)
    data_key = None if at_rest_key is None else new_data_key(directory, at_rest_key, disk)
    _put(directory, OPEN_FILE, descriptor.to_json(), disk)
    disk.sync_dir(spool_dir(data_dir))
    return OpenRecording(directory=directory, data_key=data_key)


def read_descriptor(directory: Path) -> Descriptor:
    """The facts of an open recording."""
    return Descriptor.from_json(_read_json(directory / OPEN_FILE))


def update_descriptor(directory: Path, *, disk: Disk = _REAL_DISK, **changes: Any) -> Descriptor:
    """Replace fields of an open recording's facts, such as ``kept=True`` when ``*44`` was dialled."""
    descriptor = replace(read_descriptor(directory), **changes)
    _put(directory, OPEN_FILE, descriptor.to_json(), disk)
    return descriptor


def seal(data_dir: Path, manifest: RecordingManifest, *, disk: Disk = _REAL_DISK) -> Path:
    """Finish a recording whose ``audio.part`` is complete; returns its final directory.

    Doing it again is harmless. CorruptError when the audio is missing, or its length is not the manifest's.
    """
    final = finished_dir(data_dir, manifest)
    if (final / MANIFEST_FILE).exists():
        return final
    directory = open_dir(data_dir, manifest.recording_id)
    if not (directory / MANIFEST_PART).exists() and not final.exists():
        _check_audio(directory, manifest)
        disk.sync_file(directory / AUDIO_PART)
        if manifest.heard is not None:
            disk.sync_file(directory / HEARD_PART)
        _put(directory, MANIFEST_PART, manifest.to_json(), disk)
    return finish_seal(data_dir, directory if directory.exists() else final, disk=disk)


def finish_seal(data_dir: Path, directory: Path, *, disk: Disk = _REAL_DISK) -> Path:
    """Take a recording with a ``manifest.part`` from wherever its sealing stopped to its end."""
    manifest = read_json_manifest(directory / MANIFEST_PART)
    for part, name in ((AUDIO_PART, AUDIO_FILE), (HEARD_PART, HEARD_FILE)):
        if (directory / part).exists() and (name == AUDIO_FILE or manifest.heard is not None):
            disk.rename(directory / part, directory / name)
    if not (directory / AUDIO_FILE).exists():
        raise CorruptError(f"recording {manifest.recording_id} has lost its audio")
    disk.sync_dir(directory)
    final = finished_dir(data_dir, manifest)
    if directory != final:
        disk.make_dir(final.parent)
        disk.sync_dir(recordings_dir(data_dir))
        disk.rename(directory, final)
        disk.sync_dir(final.parent)
        disk.sync_dir(directory.parent)
    for leftover in (TEMPORARY, MARKS_FILE, HEARD_PART, OPEN_FILE):
        if (final / leftover).exists():
            disk.unlink(final / leftover)
    disk.rename(final / MANIFEST_PART, final / MANIFEST_FILE)
    disk.sync_dir(final)
    return final


def destroy(data_dir: Path, directory: Path, *, disk: Disk = _REAL_DISK) -> None:
    """Unlink a recording, open or finished, with its directory. Once begun, a sweep would finish it."""
    if not directory.exists():
        return
    grave = directory
    if not directory.name.startswith(GONE_PREFIX):
        grave = spool_dir(data_dir) / f"{GONE_PREFIX}{directory.name}"
        disk.make_dir(spool_dir(data_dir))
        disk.rename(directory, grave)
        disk.sync_dir(spool_dir(data_dir))
        disk.sync_dir(directory.parent)
    with disk_errors():
        names = sorted(grave.iterdir())
    # The key goes first: from then on what is left of encrypted audio is noise.
    for path in sorted(names, key=lambda p: p.name != KEY_FILE):
        disk.unlink(path)
    disk.sync_dir(grave)
    disk.remove_dir(grave)
    disk.sync_dir(spool_dir(data_dir))


def read_manifest(directory: Path) -> RecordingManifest:
    """The manifest of a finished recording; CorruptError when it is not there or not readable."""
    return read_json_manifest(directory / MANIFEST_FILE)


def read_json_manifest(path: Path) -> RecordingManifest:
    """A manifest by its path."""
    try:
        return RecordingManifest.from_json(_read_json(path))
    except ValueError as error:
        raise CorruptError(f"{path}: {error}") from error


def finished_recordings(data_dir: Path) -> Iterator[Path]:
    """Directories of all complete recordings, oldest day first."""
    root = recordings_dir(data_dir)
    for day in sorted(p for p in root.iterdir() if p.is_dir()) if root.is_dir() else ():
        yield from (p for p in sorted(day.iterdir()) if (p / MANIFEST_FILE).is_file())


def find_recording(data_dir: Path, recording_id: str) -> Path | None:
    """Directory of a complete recording by its id."""
    checked_id(recording_id)
    root = recordings_dir(data_dir)
    for day in root.iterdir() if root.is_dir() else ():
        if (day / recording_id / MANIFEST_FILE).is_file():
            return day / recording_id
    return None


def _check_audio(directory: Path, manifest: RecordingManifest) -> None:
    with disk_errors():
        size = (directory / AUDIO_PART).stat().st_size
    if not manifest.audio.encrypted and size != manifest.audio.size_bytes:
        raise CorruptError(f"audio is {size} bytes long, the manifest says {manifest.audio.size_bytes}")


def _put(directory: Path, name: str, text: str, disk: Disk) -> None:
    """A small file that is there whole or not at all."""
    disk.write(directory / TEMPORARY, text.encode())
    disk.rename(directory / TEMPORARY, directory / name)
    disk.sync_dir(directory)


def _read_json(path: Path) -> bytes:
    with disk_errors(), path.open("rb") as file:
        raw = file.read(MAX_JSON_BYTES + 1)
    if len(raw) > MAX_JSON_BYTES:
        raise CorruptError(f"{path} is too large")
    return raw
