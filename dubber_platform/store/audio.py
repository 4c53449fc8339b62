"""Is it audio, and how long is it: WAV and MP3, as the platform accepts them."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import soundfile

MEDIA_TYPES = {"WAV": "audio/wav", "WAVEX": "audio/wav", "MP3": "audio/mpeg"}


class AudioError(Exception):
    """The bytes are no WAV or MP3 file, or not a whole one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioFacts:
    """What an audio file says of itself."""

    media_type: str
    """``audio/wav`` or ``audio/mpeg``."""
    sample_rate_hz: int
    channels: int
    samples: int
    """Per channel."""

    @property
    def duration_s(self) -> int:
        """Length in whole seconds, rounded half up."""
        return (2 * self.samples + self.sample_rate_hz) // (2 * self.sample_rate_hz)


def inspect_audio(path: Path) -> AudioFacts:
    """Read the headers of ``path``; AudioError tells what is wrong."""
    try:
        with path.open("rb") as file:
            if file.read(4) == b"RIFF":
                _check_riff(file, path.stat().st_size)
        with soundfile.SoundFile(path) as sound:
            media_type = MEDIA_TYPES.get(sound.format)
            if media_type is None:
                raise AudioError(f"the format {sound.format} is not accepted: send WAV or MP3")
            return AudioFacts(
                media_type=media_type,
                sample_rate_hz=sound.samplerate,
                channels=sound.channels,
                samples=sound.frames,
            )
    except soundfile.SoundFileError as error:
        raise AudioError("the bytes are neither WAV nor MP3") from error


def _check_riff(file: BinaryIO, file_size: int) -> None:
    """Walk the chunks: soundfile would quietly shorten a WAV whose end is missing."""
    file.seek(12)
    while len(header := file.read(8)) == 8:
        name, length = struct.unpack("<4sI", header)
        if file.tell() + length > file_size:
            missing = file.tell() + length - file_size
            raise AudioError(f"the WAV file is cut off: {missing} bytes of its {name!r} chunk are missing")
        if name == b"data":
            return
        file.seek(length + length % 2, 1)
    raise AudioError("the WAV file has no data chunk")
