"""Audio to be analysed: from a file or an array into samples on the 16 bit scale."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import soundfile
from numpy.typing import NDArray

from callmodel.errors import Blame, MediaServerError

LOWEST_HZ: Final = 8000
HIGHEST_HZ: Final = 48000
MOST_CHANNELS: Final = 8
MOST_SAMPLES: Final = 8 * 3600 * 48000
"""Of all channels together: eight hours of one at the highest rate."""

Floats = NDArray[np.float32]


class AnalysisError(MediaServerError):
    """Audio that cannot be analysed: what it is and why."""

    blame = Blame.USER
    reason = "analysis"


@dataclass(frozen=True, slots=True, kw_only=True)
class Audio:
    """What is analysed."""

    name: str
    rate_hz: int
    channels: tuple[Floats, ...]
    """One array of shape (samples,) each, on the 16 bit scale."""


def read_audio(path: Path) -> Audio:
    """Any file libsndfile reads; raises AnalysisError."""
    if not path.is_file():
        raise AnalysisError(f"{path}: there is no such file")
    try:
        with soundfile.SoundFile(path) as file:
            _check(path.name, file.samplerate, file.channels, file.frames)
            samples = file.read(dtype="float32", always_2d=True)
            rate_hz: int = file.samplerate
    except (soundfile.LibsndfileError, OSError) as error:
        raise AnalysisError(f"{path}: not readable as audio ({error})") from error
    samples *= 32768
    return _split(path.name, samples, rate_hz)


def audio_of(samples: NDArray[Any], rate_hz: int) -> Audio:
    """An array of shape (samples,) or (samples, channels), int16 or float on the 16 bit scale; raises AnalysisError."""
    if samples.ndim not in {1, 2}:
        raise AnalysisError(f"array: has {samples.ndim} dimensions, not samples and channels")
    table = samples[:, np.newaxis] if samples.ndim == 1 else samples
    _check("array", rate_hz, table.shape[1], len(table))
    return _split("array", table.astype(np.float32), rate_hz)


def _check(name: str, rate_hz: int, channels: int, frames: int) -> None:
    if not LOWEST_HZ <= rate_hz <= HIGHEST_HZ:
        raise AnalysisError(f"{name}: sampled at {rate_hz} Hz; {LOWEST_HZ} to {HIGHEST_HZ} Hz can be analysed")
    if not 1 <= channels <= MOST_CHANNELS:
        raise AnalysisError(f"{name}: {channels} channels; 1 to {MOST_CHANNELS} can be analysed")
    if frames * channels > MOST_SAMPLES:
        raise AnalysisError(f"{name}: too long; cut it into pieces of at most {MOST_SAMPLES // channels} samples")


def _split(name: str, table: Floats, rate_hz: int) -> Audio:
    if not np.all(np.isfinite(table)):
        raise AnalysisError(f"{name}: holds samples that are not numbers")
    columns = tuple(np.ascontiguousarray(column) for column in table.T)
    return Audio(name=name, rate_hz=rate_hz, channels=columns)
