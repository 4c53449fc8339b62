"""An installation's own announcements: checked as they are uploaded, kept as ``<language>/<id>.wav``, taken out again.

What was checked once can be loaded: files in such a directory are written here only, whole or not at all.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final
from uuid import uuid4

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from callmodel.modes import Language
from prompts.catalogue import PromptId
from prompts.levels import LEVEL_DBM0, PEAK_LIMIT, active_speech_level_dbm0
from prompts.loader import AUDIO_DIRECTORY, LONGEST_S, PromptError

UPLOAD_LIMIT_BYTES: Final = 10 * 1024 * 1024
MASTER_HZ: Final = 16000
LOWEST_HZ: Final = 8000
HIGHEST_HZ: Final = 48000
_CONTAINERS: Final = frozenset({"WAV", "WAVEX", "FLAC", "MP3"})
_MOST_CHANNELS: Final = 2
_SILENT_DBM0: Final = -60.0
"""What is no louder than that is nothing that could be heard in a call."""


class UploadProblem(StrEnum):
    """What can be wrong with an uploaded announcement."""

    TOO_LARGE = "too-large"
    UNREADABLE = "unreadable"
    FORMAT = "format"
    CHANNELS = "channels"
    RATE = "rate"
    EMPTY = "empty"
    TOO_LONG = "too-long"
    NO_NUMBERS = "no-numbers"
    SILENT = "silent"


_TOLD: Final = {
    UploadProblem.TOO_LARGE: f"the file is larger than {UPLOAD_LIMIT_BYTES // 2**20} MiB",
    UploadProblem.UNREADABLE: "the file is no sound file that can be read",
    UploadProblem.FORMAT: "the file is neither WAV, FLAC nor MP3",
    UploadProblem.CHANNELS: f"the file has more than {_MOST_CHANNELS} channels",
    UploadProblem.RATE: f"the file is not sampled at {LOWEST_HZ} to {HIGHEST_HZ} Hz",
    UploadProblem.EMPTY: "the file holds no sample",
    UploadProblem.TOO_LONG: f"the announcement lasts longer than {LONGEST_S} s",
    UploadProblem.NO_NUMBERS: "the file holds samples that are not numbers",
    UploadProblem.SILENT: "nothing can be heard in the file",
}


class UploadError(PromptError):
    """A file that cannot be an announcement, and why."""

    reason = "upload"

    def __init__(self, problem: UploadProblem, found: str = "") -> None:
        """``found`` is what was there instead: a format, a number of channels, a rate."""
        super().__init__(f"{_TOLD[problem]} ({found})" if found else _TOLD[problem])
        self.problem = problem
        self.found = found


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptAudio:
    """An announcement as it will be heard."""

    samples: NDArray[np.int16]
    """Shape (n,), at 16 kHz."""
    gain_db: float
    """By how much it was made louder, to be as loud as the others."""

    @property
    def length_ms(self) -> float:
        """How long it lasts."""
        return len(self.samples) / MASTER_HZ * 1000


def check_upload(data: bytes) -> PromptAudio:
    """Read a WAV, FLAC or MP3 file of one or two channels, at any rate from 8 to 48 kHz; raises UploadError.

    It is mixed down, resampled, and brought to the level of the built-in announcements, or as near as its peaks allow.
    """
    if len(data) > UPLOAD_LIMIT_BYTES:
        raise UploadError(UploadProblem.TOO_LARGE)
    samples, rate_hz = _read(data)
    if not len(samples):
        raise UploadError(UploadProblem.EMPTY)
    if len(samples) > LONGEST_S * rate_hz:
        raise UploadError(UploadProblem.TOO_LONG)
    if not np.all(np.isfinite(samples)):
        raise UploadError(UploadProblem.NO_NUMBERS)
    mono: NDArray[np.float64] = 32768 * samples.astype(np.float64).mean(axis=1)
    master: NDArray[np.float64] = (
        mono if rate_hz == MASTER_HZ else soxr.resample(mono, rate_hz, MASTER_HZ, quality="VHQ")
    )
    return _levelled(master)


def _read(data: bytes) -> tuple[NDArray[np.float32], int]:
    """Samples, shape (n, channels), at most one more than an announcement may have; the header is checked before.

    The number of samples in a header is not believed: a small file may unpack to a very long one.
    """
    try:
        with soundfile.SoundFile(io.BytesIO(data)) as file:
            if file.format not in _CONTAINERS:
                raise UploadError(UploadProblem.FORMAT, file.format)
            if file.channels > _MOST_CHANNELS:
                raise UploadError(UploadProblem.CHANNELS, str(file.channels))
            if not LOWEST_HZ <= file.samplerate <= HIGHEST_HZ:
                raise UploadError(UploadProblem.RATE, f"{file.samplerate} Hz")
            samples: NDArray[np.float32] = file.read(LONGEST_S * file.samplerate + 1, dtype="float32", always_2d=True)
            return samples, file.samplerate
    except soundfile.LibsndfileError as error:
        raise UploadError(UploadProblem.UNREADABLE) from error


def _levelled(master: NDArray[np.float64]) -> PromptAudio:
    level_dbm0 = active_speech_level_dbm0(master, MASTER_HZ)
    if level_dbm0 <= _SILENT_DBM0:
        raise UploadError(UploadProblem.SILENT)
    gain = min(10 ** ((LEVEL_DBM0 - level_dbm0) / 20), PEAK_LIMIT / float(np.abs(master).max()))
    samples: NDArray[np.int16] = np.rint(master * gain).astype(np.int16)
    samples.setflags(write=False)
    return PromptAudio(samples=samples, gain_db=20 * float(np.log10(gain)))


def own_file(directory: Path, prompt: PromptId, language: Language) -> Path:
    """Where an installation's own announcement lies, if there is one."""
    return directory / language.value / f"{prompt.value}.wav"


def heard_file(prompt: PromptId, language: Language, *directories: Path | None) -> Path:
    """The file calls use: of the first directory that has one, else the built-in one."""
    candidates = (own_file(directory, prompt, language) for directory in directories if directory is not None)
    return next((path for path in candidates if path.is_file()), own_file(AUDIO_DIRECTORY, prompt, language))


def own_prompts(directory: Path) -> frozenset[tuple[PromptId, Language]]:
    """Which announcements an installation has of its own."""
    return frozenset(
        (prompt, language)
        for prompt in PromptId
        for language in Language
        if own_file(directory, prompt, language).is_file()
    )


def save_custom(directory: Path, prompt: PromptId, language: Language, audio: PromptAudio) -> Path:
    """Put an announcement in the place of the built-in one; who loads meanwhile has the old or the new one whole."""
    path = own_file(directory, prompt, language)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = path.with_suffix(f".{uuid4().hex}.new")  # two may save at one time: the last one stays
    try:
        soundfile.write(fresh, audio.samples, MASTER_HZ, subtype="PCM_16", format="WAV")
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)
    return path


def restore(directory: Path, prompt: PromptId, language: Language) -> bool:
    """Go back to the built-in announcement; False when it was that already."""
    path = own_file(directory, prompt, language)
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    return True
