"""One frequency of a signal as a complex envelope: how strong it is and at which phase, at every sample."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from callbench.analysis.source import Floats

SMOOTH_S: Final = 0.0025
_BLOCK_S: Final = 0.010

Complex = NDArray[np.complex128]


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseband:
    """A stretch of signal turned down to frequency zero."""

    first: int
    """Sample of the channel that element 0 stands for."""
    hz: float
    rate_hz: int
    turned: Complex
    """x(n) exp(-j 2 pi hz n / rate), n counted in the channel."""

    def smoothed(self, seconds: float = SMOOTH_S) -> Complex:
        """Centred mean over about ``seconds``, times two: magnitude is the peak of the sine.

        The length is a whole number of half periods, so that the image at twice the frequency cancels.
        """
        length = half_periods(self.hz, self.rate_hz, seconds)
        sums = np.concatenate([[0], np.cumsum(np.pad(self.turned, (length // 2, length - 1 - length // 2)))])
        return np.asarray(2 * (sums[length:] - sums[:-length]) / length)

    def blocks(self, start: int, end: int) -> Complex:
        """Hann-weighted means of 10 ms pieces, one every 5 ms, between two samples of the channel.

        Magnitude is the peak of the sine; a second tone 200 Hz away hardly shows.
        """
        return 2 * self._means(self.turned, start, end)

    def shares(self, start: int, end: int) -> NDArray[np.float64]:
        """How much of all power the sine has, 0 to 1, in the same pieces."""
        all_power = self._means(np.square(np.abs(self.turned)), start, end).real
        sine_power = np.square(np.abs(self.blocks(start, end))) / 2
        return np.asarray(sine_power / np.maximum(all_power, 1e-9))

    def _means(self, values: NDArray[Any], start: int, end: int) -> Complex:
        length, step = block_samples(self.rate_hz)
        inside = values[max(0, start - self.first) : max(0, end - self.first)]
        if len(inside) < length:
            return np.zeros(0, np.complex128)
        window = np.hanning(length + 2)[1:-1]
        pieces = np.lib.stride_tricks.sliding_window_view(inside, length)[::step]
        return np.asarray(pieces @ (window / window.sum()), np.complex128)


def block_samples(rate_hz: int) -> tuple[int, int]:
    """Length and distance of the pieces ``Baseband.blocks`` makes."""
    length = round(rate_hz * _BLOCK_S)
    return length, length // 2


def half_periods(hz: float, rate_hz: int, seconds: float) -> int:
    """Samples in the number of half periods nearest to ``seconds``, at least one."""
    half = rate_hz / (2 * hz)
    return max(2, round(half * max(1, round(seconds * rate_hz / half))))


def demodulate(samples: Floats, rate_hz: int, hz: float, start: int, end: int) -> Baseband:
    """The part of a channel between two samples (held within it) as a baseband."""
    first, last = max(0, start), min(len(samples), end)
    turns = np.remainder(np.arange(first, last, dtype=np.float64) * (hz / rate_hz), 1.0)
    turned = samples[first:last] * np.exp(-2j * np.pi * turns)
    return Baseband(first=first, hz=hz, rate_hz=rate_hz, turned=np.asarray(turned, np.complex128))


def exact_hz(samples: Floats, rate_hz: int, hz: float, start: int, end: int) -> float:
    """The frequency between two samples, from how the phase of 10 ms pieces moves; ``hz`` is right within about 10 Hz.

    A straight line through the phases when they lie on one, else (the tone jumps somewhere) the median step.
    """
    blocks = demodulate(samples, rate_hz, hz, start, end).blocks(start, end)
    if len(blocks) < 3:
        return hz
    step_s = block_samples(rate_hz)[1] / rate_hz
    steps = np.angle(blocks[1:] * np.conj(blocks[:-1]))
    median = float(np.median(steps))
    rest = np.cumsum(np.concatenate([[0.0], np.angle(np.exp(1j * (steps - median)))]))
    if np.abs(rest).max() < 0.5:
        median += float(np.polyfit(np.arange(len(rest)), rest, 1)[0])
    return hz + median / (2 * np.pi * step_s)
