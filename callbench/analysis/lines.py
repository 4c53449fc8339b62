"""Spectral lines: where in time and frequency something steady sounds, roughly.

Frames of 32 ms every 8 ms. A frame has a line when one lobe holds most of its power, and two when two lobes together do
(a key press, a call progress tone). Lines of neighbouring frames at one frequency are one. What is found here is
refined by ``tones``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from callbench.analysis.source import Floats
from callmodel.levels import rms_from_dbm0

FRAME_MS: Final = 32
HOP_MS: Final = 8
QUIETEST_DBM0: Final = -55.0
_ALONE: Final = 0.6
"""Share of a frame's power that one lobe needs to be a line by itself."""
_TOGETHER: Final = 0.75
_SECOND: Final = 0.06
_LOBE: Final = 4
"""Bins each side of a peak; the transform is padded to twice the frame, so this is the Hann window's main lobe."""
_DRIFT_HZ: Final = 6.0
_BLOCK: Final = 4096
"""Frames transformed at once, to bound memory."""


@dataclass(slots=True)
class Line:
    """A run of frames with a lobe at one frequency."""

    first: int
    """Frame number."""
    last: int
    hz: list[float] = field(default_factory=list)

    @property
    def frames(self) -> int:
        """How many frames saw it."""
        return len(self.hz)


Peaks = tuple[NDArray[np.float64], NDArray[np.float64]]
"""Frequency (NaN: no line) and share of the power, each of shape (frames,)."""


def find_lines(samples: Floats, rate_hz: int) -> list[Line]:
    """Every line of a channel, in order of its beginning."""
    length, hop = frame_samples(rate_hz)
    if len(samples) < length:
        return []
    frames = np.lib.stride_tricks.sliding_window_view(samples, length)[::hop]
    lines: list[Line] = []
    alive: list[Line] = []
    for start in range(0, len(frames), _BLOCK):
        strongest, second = _peaks(frames[start : start + _BLOCK], rate_hz)
        for row in np.flatnonzero(np.isfinite(strongest)):
            number = start + int(row)
            alive = [line for line in alive if number - line.last <= 2]
            for hz in (strongest[row], second[row]):
                if np.isfinite(hz):
                    _extend(lines, alive, number, float(hz))
    return lines


def frame_samples(rate_hz: int) -> tuple[int, int]:
    """Length and distance of frames."""
    return rate_hz * FRAME_MS // 1000, rate_hz * HOP_MS // 1000


def _extend(lines: list[Line], alive: list[Line], number: int, hz: float) -> None:
    for line in alive:
        if line.last < number and abs(line.hz[-1] - hz) <= _DRIFT_HZ:
            line.last = number
            line.hz.append(hz)
            return
    line = Line(number, number, [hz])
    lines.append(line)
    alive.append(line)


def _peaks(frames: Floats, rate_hz: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Frequencies of the strongest and second line of each frame, NaN where there is none."""
    length = frames.shape[1]
    window = np.hanning(length + 1)[:-1].astype(np.float32)
    spectrum = np.fft.rfft(frames * window, 2 * length, axis=1)
    power = np.square(spectrum.real) + np.square(spectrum.imag)
    power[:, : _LOBE // 2] = 0  # an offset is not a tone
    total = power.sum(axis=1)
    floor = length * np.mean(np.square(window)) * length * rms_from_dbm0(QUIETEST_DBM0) ** 2
    hz_per_bin = rate_hz / (2 * length)
    rows = np.arange(len(power))
    first, first_power = _strongest(power, rows)
    second, second_power = _strongest(power, rows)
    loud = total > floor
    both = loud & (first_power + second_power > _TOGETHER * total) & (second_power > _SECOND * total)
    alone = loud & (first_power > _ALONE * total)
    return np.where(alone | both, first * hz_per_bin, np.nan), np.where(both, second * hz_per_bin, np.nan)


def _strongest(power: NDArray[np.float32], rows: NDArray[np.int64]) -> Peaks:
    """Place (in bins, by a parabola through the logarithms) and power of the highest lobe, which is then erased."""
    last = power.shape[1] - 1
    peak = np.clip(power.argmax(axis=1), 1, last - 1)
    below, at, above = (np.log(power[rows, peak + k] + 1e-12) for k in (-1, 0, 1))
    bend = below - 2 * at + above
    offset = np.where(np.abs(bend) > 1e-9, 0.5 * (below - above) / np.where(bend == 0, 1, bend), 0.0)
    lobe = np.zeros(len(rows))
    for k in range(-_LOBE, _LOBE + 1):
        place = peak + k
        inside = (place >= 0) & (place <= last)
        lobe[inside] += power[rows[inside], place[inside]]
        power[rows[inside], place[inside]] = 0
    return peak + np.clip(offset, -0.5, 0.5), lobe
