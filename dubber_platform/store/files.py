"""Audio on disk: parts as they arrive, then one file per recording. Everything appears by rename, or not at all.

DATA/parts/<recording id>/<part number>.<MD5>
DATA/audio/<last three digits of the id>/<recording id>.wav | .mp3
DATA/audio/<last three digits of the id>/<recording id>.peaks    its waveform, computed on first use
DATA/incoming/<random>            what is being written; emptied at every start
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from dubber_platform.config import Chance
from dubber_platform.store.audio import AudioFacts, inspect_audio
from dubber_platform.store.peaks import Peaks, peaks_of, read_peaks

COPY_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredAudio:
    """One complete audio file."""

    facts: AudioFacts
    size: int
    sha256: str


class Incoming:
    """A file being written, its digests computed on the way."""

    def __init__(self, path: Path) -> None:
        """Create ``path``, readable by its owner only."""
        self.path = path
        self.size = 0
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._sha256 = hashlib.sha256()
        self._file: BinaryIO = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")

    def write(self, chunk: bytes) -> None:
        """Append ``chunk``."""
        self._file.write(chunk)
        self.size += len(chunk)
        self._md5.update(chunk)
        self._sha256.update(chunk)

    def finish(self) -> None:
        """Bring everything to the disk and close."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()

    @property
    def md5(self) -> bytes:
        """MD5 of what was written."""
        return self._md5.digest()

    @property
    def sha256(self) -> str:
        """SHA-256 of what was written, hexadecimal."""
        return self._sha256.hexdigest()

    def discard(self) -> None:
        """Close and remove, if it is still there."""
        self._file.close()
        self.path.unlink(missing_ok=True)


class AudioFiles:
    """The directories of the platform's audio. Blocking: call it from a thread."""

    def __init__(self, data_dir: Path, ids: Chance) -> None:
        """Nothing is touched before ``open``."""
        self._parts = data_dir / "parts"
        self._audio = data_dir / "audio"
        self._incoming = data_dir / "incoming"
        self._ids = ids

    def open(self) -> None:
        """Make the directories; drop what an earlier run left half written."""
        shutil.rmtree(self._incoming, ignore_errors=True)
        for directory in (self._parts, self._audio, self._incoming):
            directory.mkdir(parents=True, exist_ok=True, mode=0o700)

    @contextlib.contextmanager
    def incoming(self) -> Iterator[Incoming]:
        """A file to write; removed at the end unless it was moved to its place."""
        target = Incoming(self._incoming / self._ids.token_hex(16))
        try:
            yield target
        finally:
            target.discard()

    def keep_part(self, incoming: Incoming, recording_id: int, part_number: int) -> None:
        """Put a finished file in its place as a part.

        One that is sent again with other bytes stands beside the earlier one until it is noted: a crash in between
        must not leave the new bytes under the old digest.
        """
        incoming.finish()
        place = self._part_path(recording_id, part_number, incoming.md5.hex())
        place.parent.mkdir(exist_ok=True, mode=0o700)
        incoming.path.replace(place)
        _sync_directory(place.parent)

    def assemble(self, recording_id: int, parts: Sequence[tuple[int, str]]) -> StoredAudio:
        """Join the parts (number, MD5), check that they are audio, put the file in its place; AudioError if not."""
        with self.incoming() as whole:
            for number, md5 in parts:
                with self._part_path(recording_id, number, md5).open("rb") as part:
                    while chunk := part.read(COPY_BYTES):
                        whole.write(chunk)
            return self.keep_audio(whole, recording_id)

    def keep_audio(self, incoming: Incoming, recording_id: int) -> StoredAudio:
        """Check a finished file and put it in its place as the recording's audio; AudioError when it is none."""
        incoming.finish()
        facts = inspect_audio(incoming.path)
        place = self.audio_path(recording_id, facts.media_type)
        place.parent.mkdir(exist_ok=True, mode=0o700)
        incoming.path.replace(place)
        _sync_directory(place.parent)
        return StoredAudio(facts=facts, size=incoming.size, sha256=incoming.sha256)

    def drop_earlier_parts(self, recording_id: int, part_number: int, md5: str) -> None:
        """Remove what was sent as this part before, now that the one with ``md5`` is noted."""
        keep = self._part_path(recording_id, part_number, md5)
        for path in keep.parent.glob(f"{part_number}.*"):
            if path != keep:
                path.unlink(missing_ok=True)

    def _part_path(self, recording_id: int, part_number: int, md5: str) -> Path:
        return self._parts / str(recording_id) / f"{part_number}.{md5}"

    def audio_path(self, recording_id: int, media_type: str) -> Path:
        """Where the audio of a recording is or would be."""
        suffix = "mp3" if media_type == "audio/mpeg" else "wav"
        return self._audio / f"{recording_id % 1000:03d}" / f"{recording_id}.{suffix}"

    def peaks(self, recording_id: int, media_type: str, points: int) -> Peaks:
        """The waveform, computed once and kept beside the audio; FileNotFoundError when there is no audio."""
        audio = self.audio_path(recording_id, media_type)
        place = audio.with_suffix(".peaks")
        kept = read_peaks(place) if audio.exists() else None
        if kept is not None and kept.points == points:
            return kept
        fresh = peaks_of(audio, points)
        with self.incoming() as draft:
            draft.write(fresh.to_json().encode())
            draft.finish()
            draft.path.replace(place)
        return fresh

    def drop_parts(self, recording_id: int) -> None:
        """Remove every part of a recording."""
        shutil.rmtree(self._parts / str(recording_id), ignore_errors=True)

    def drop(self, recording_id: int) -> None:
        """Remove everything there is of a recording."""
        self.drop_parts(recording_id)
        for media_type in ("audio/mpeg", "audio/wav"):
            self.audio_path(recording_id, media_type).unlink(missing_ok=True)
        self.audio_path(recording_id, "").with_suffix(".peaks").unlink(missing_ok=True)

    def recording_ids(self) -> set[int]:
        """Every recording that has parts or audio on the disk."""
        names = [path.name for path in self._parts.iterdir()] + [path.stem for path in self._audio.glob("*/*.*")]
        return {int(name) for name in names if name.isascii() and name.isdigit()}


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
