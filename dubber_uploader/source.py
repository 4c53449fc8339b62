"""The bytes that are sent: the recording's WAV as it is, or an MP3 made from it; read piece by piece."""

from __future__ import annotations

import base64
import io
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import md5, sha256
from pathlib import Path
from typing import BinaryIO, cast

import soundfile

from callmodel.errors import SpoolError
from callmodel.manifest import RecordingManifest
from dubber_uploader.answers import AttemptError
from dubber_uploader.config import DeliveryFormat
from dubber_uploader.planner import Meaning, Outcome
from spool import open_plain, verify

BLOCK_BYTES = 256 * 1024
_FRAMES = 65_536
_MEANING = {
    "corrupt": Meaning.LOCAL_CORRUPT,
    "wrong-key": Meaning.LOCAL_KEY,
    "disk-full": Meaning.LOCAL_DISK,
    "read-only": Meaning.LOCAL_DISK,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """An open file to be sent. Its methods block: call them off the event loop, one at a time."""

    file: BinaryIO
    size_bytes: int
    sha256: str
    media_type: str
    suffix: str

    def part_digests(self, offset: int, size: int) -> tuple[str, str]:
        """MD5 (base64) and SHA-256 (hexadecimal) of a span."""
        # MD5 is what the interface asks for, against accidents; SHA-256 stands beside it.
        quick, strong = md5(usedforsecurity=False), sha256()
        for block in self.blocks(offset, size):
            quick.update(block)
            strong.update(block)
        return base64.b64encode(quick.digest()).decode(), strong.hexdigest()

    def blocks(self, offset: int, size: int) -> Iterator[bytes]:
        """A span in blocks; AttemptError when the file ends before it."""
        while size > 0:
            block = self.read(offset, min(size, BLOCK_BYTES))
            yield block
            offset, size = offset + len(block), size - len(block)

    def read(self, offset: int, size: int) -> bytes:
        """One block."""
        with local_errors():
            self.file.seek(offset)
            block = self.file.read(size)
        if not block:
            raise AttemptError(Outcome(meaning=Meaning.LOCAL_CORRUPT, detail="the audio is shorter than it should be"))
        return block


def open_delivery(
    directory: Path, manifest: RecordingManifest, wanted: DeliveryFormat, at_rest_key: bytes | None
) -> Delivery:
    """Open what is to be sent; AttemptError when the local copy cannot be."""
    if not directory.is_dir():
        raise AttemptError(Outcome(meaning=Meaning.LOCAL_MISSING, detail="the recording's directory is gone"))
    with local_errors():
        plain = open_plain(directory, at_rest_key=at_rest_key)
        if wanted is DeliveryFormat.WAV:
            audio = manifest.audio
            return Delivery(
                file=plain, size_bytes=audio.size_bytes, sha256=audio.sha256, media_type="audio/wav", suffix="wav"
            )
        with plain:
            return _mp3(plain, _scratch(directory, in_memory=manifest.audio.encrypted))


def check_local(directory: Path, at_rest_key: bytes | None) -> None:
    """Read the whole local copy; AttemptError when it is not what its manifest says."""
    with local_errors():
        verify(directory, at_rest_key=at_rest_key)


@contextmanager
def local_errors() -> Iterator[None]:
    """Turn what the spool or the disk says into an outcome."""
    try:
        yield
    except SpoolError as error:
        meaning = _MEANING.get(error.reason, Meaning.LOCAL_MISSING)
        raise AttemptError(Outcome(meaning=meaning, detail=str(error))) from error
    except soundfile.SoundFileError as error:
        raise AttemptError(Outcome(meaning=Meaning.LOCAL_CORRUPT, detail="the audio cannot be read")) from error
    except OSError as error:
        raise AttemptError(Outcome(meaning=Meaning.LOCAL_DISK, detail=error.strerror or "disk error")) from error


def _scratch(directory: Path, *, in_memory: bool) -> BinaryIO:
    """A file without a name. What is encrypted at rest must not be written in the clear, not even there."""
    if in_memory:
        return io.BytesIO()
    return cast(BinaryIO, tempfile.TemporaryFile(dir=directory))


def _mp3(plain: BinaryIO, file: BinaryIO) -> Delivery:
    with (
        soundfile.SoundFile(plain) as wav,
        soundfile.SoundFile(file, "w", samplerate=wav.samplerate, channels=wav.channels, format="MP3") as encoder,
    ):
        while len(frames := wav.read(_FRAMES, dtype="int16")):
            encoder.write(frames)
    hasher, size = sha256(), 0
    file.seek(0)
    while block := file.read(BLOCK_BYTES):
        hasher.update(block)
        size += len(block)
    return Delivery(file=file, size_bytes=size, sha256=hasher.hexdigest(), media_type="audio/mpeg", suffix="mp3")
