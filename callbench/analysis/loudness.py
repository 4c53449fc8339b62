"""Levels, clipping and silence of one channel."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from callbench.analysis.report import Levels, Silence
from callbench.analysis.source import Floats
from callmodel.levels import dbm0_from_rms, rms_from_dbm0
from prompts.levels import active_speech_level_dbm0

SILENCE_DBM0: Final = -50.0
SHORTEST_SILENCE_MS: Final = 200
_WINDOW_MS: Final = 10
_CEILINGS: Final = (32124.0, 32256.0, 32767.0)
"""The largest values of u-law, A-law and 16 bit linear; 32768 counts with the last."""
_CLIPPED_RUN: Final = 3


def measure_levels(samples: Floats, rate_hz: int) -> Levels:
    """Levels of one channel on the 16 bit scale."""
    if not len(samples):
        samples = np.zeros(1, np.float32)
    rms = float(np.sqrt(np.mean(np.square(samples, dtype=np.float64))))
    peak = float(np.abs(samples).max())
    return Levels(
        rms_dbm0=dbm0_from_rms(rms),
        active_dbm0=active_speech_level_dbm0(samples, rate_hz),
        peak_dbm0=dbm0_from_rms(peak / np.sqrt(2)),
        clipped_samples=_clipped(samples),
    )


def find_silences(
    samples: Floats, rate_hz: int, threshold_dbm0: float = SILENCE_DBM0, shortest_ms: int = SHORTEST_SILENCE_MS
) -> tuple[Silence, ...]:
    """Spans in which every window of 10 ms is below the threshold, to the sample."""
    window = rate_hz * _WINDOW_MS // 1000
    if len(samples) < window:
        return ()
    energy = np.concatenate([[0.0], np.cumsum(np.square(samples, dtype=np.float64))])
    quiet = energy[window:] - energy[:-window] < window * rms_from_dbm0(threshold_dbm0) ** 2
    found = []
    for first, last in spans(quiet):
        start, end = first, last + window - 1
        if end - start >= rate_hz * shortest_ms // 1000:
            digital = bool(np.all(samples[start:end] == samples[start]))
            found.append(Silence(start_ms=start * 1000 / rate_hz, end_ms=end * 1000 / rate_hz, digital=digital))
    return tuple(found)


def spans(flags: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """First and one-past-last index of every run of True."""
    steps = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    return [(int(first), int(last)) for first, last in steps.reshape(-1, 2)]


def _clipped(samples: Floats) -> int:
    sizes = np.minimum(np.abs(samples), np.float32(_CEILINGS[-1]))
    total = 0
    for ceiling in _CEILINGS:
        runs = spans(sizes == np.float32(ceiling))
        total += sum(last - first for first, last in runs if last - first >= _CLIPPED_RUN)
    return total
