"""Whether a continuous tone really is: every place where a frame was lost, repeated, moved or blanked.

A test tone whose period does not divide the frame (437 Hz: 8.74 periods in 20 ms) gives each of these away, because the
phase after the place is not the one before it. The phase also tells how much time is missing or was put in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from callbench.analysis.demodulation import demodulate, exact_hz, half_periods
from callbench.analysis.loudness import spans
from callbench.analysis.report import Break
from callbench.analysis.source import Floats
from callbench.analysis.tones import Partial

SHORTEST_CARRIER_MS: Final = 1000
_SHORTEST_PIECE_MS: Final = 150
_SAME_HZ: Final = 2.0
_LONGEST_HOLE_MS: Final = 200
_SIDE_S: Final = 0.010
"""What is averaged on each side of a place."""
_JUMP_DEG: Final = 6.0
_DOUBT: Final = 2.5
_PRESENT: Final = 0.6
"""Share of the carrier's peak that both sides of a jump need: beside louder sound nothing is said about the phase."""
_HOLE: Final = 0.15
_SOUNDS: Final = 0.35
"""A sample above this share of the peak is the tone's, not noise 20 dB below it."""
_SHORTEST_HOLE_MS: Final = 3
_SLIP_STEPS: Final = range(-6, 7)
_SLIP_STEP_MS: Final = 10
_SLIP_DEG: Final = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Carrier:
    hz: float
    peak: float
    start: int
    end: int


def find_breaks(samples: Floats, partials: list[Partial], rate_hz: int) -> tuple[Break, ...]:
    """The breaks of every continuous tone of at least a second, in order of time."""
    found = [b for carrier in _carriers(samples, partials, rate_hz) for b in _breaks_of(samples, carrier, rate_hz)]
    return tuple(sorted(found, key=lambda b: b.sample))


def _carriers(samples: Floats, partials: list[Partial], rate_hz: int) -> list[_Carrier]:
    """Partials of one frequency with at most a short hole between them, when they last long enough together."""
    groups: list[list[Partial]] = []
    for partial in sorted(partials, key=lambda p: p.start):
        if (partial.end - partial.start) * 1000 < _SHORTEST_PIECE_MS * rate_hz:
            continue
        for group in groups:
            hole_ms = (partial.start - group[-1].end) * 1000 / rate_hz
            if abs(group[0].hz - partial.hz) <= _SAME_HZ and hole_ms <= _LONGEST_HOLE_MS:
                group.append(partial)
                break
        else:
            groups.append([partial])
    return [_carrier(samples, group, rate_hz) for group in groups if _total_ms(group, rate_hz) >= SHORTEST_CARRIER_MS]


def _total_ms(group: list[Partial], rate_hz: int) -> float:
    return sum(p.end - p.start for p in group) * 1000 / rate_hz


def _carrier(samples: Floats, group: list[Partial], rate_hz: int) -> _Carrier:
    longest = max(group, key=lambda p: p.end - p.start)
    start, end = round(group[0].start), round(group[-1].end)
    hz = exact_hz(samples, rate_hz, longest.hz, start, end)
    return _Carrier(hz=hz, peak=longest.peak, start=start, end=end)


def _breaks_of(samples: Floats, carrier: _Carrier, rate_hz: int) -> list[Break]:
    side = half_periods(carrier.hz, rate_hz, _SIDE_S)
    margin = rate_hz // 50  # the carrier's own edges are not breaks
    band = demodulate(samples, rate_hz, carrier.hz, carrier.start, carrier.end)
    sums = np.asarray(np.concatenate([[0], np.cumsum(band.turned)]) * (2 / side), np.complex128)
    holes = _holes(np.abs(band.smoothed()) / carrier.peak, samples, carrier, rate_hz, margin)
    found = [_break(sums, carrier, first, last - first, side, rate_hz) for first, last in holes]
    known = [b for b in found if b is not None]
    for place in _jumps(sums, carrier, side, margin):
        if all(not first - 2 * side <= place <= last + 2 * side for first, last in holes):
            exact = _changepoint(samples, sums, carrier, place, side, rate_hz)
            jump = _break(sums, carrier, exact, 0, side, rate_hz)
            doubt_deg = max(_JUMP_DEG, _doubt_deg(samples, sums, carrier, exact, side, rate_hz))
            if jump is not None and abs(jump.phase_deg) > doubt_deg:
                known.append(jump)
    return known


def _holes(
    envelope: NDArray[np.float64], samples: Floats, carrier: _Carrier, rate_hz: int, margin: int
) -> list[tuple[int, int]]:
    """Spans, relative to the carrier's start, in which nothing of it sounds; their ends by the samples themselves."""
    found = []
    stretch = np.abs(samples[carrier.start : carrier.end])
    for first, last in spans(envelope < 0.5):
        inside = envelope[first:last]
        if first < margin or last > len(envelope) - margin or inside.min() > _HOLE:
            continue
        reach = rate_hz // 200
        around = np.flatnonzero(stretch[first - reach : last + reach] > _SOUNDS * carrier.peak) + first - reach
        before, after = around[around < (first + last) // 2], around[around >= (first + last) // 2]
        start, end = int(before[-1]) + 1 if len(before) else first, int(after[0]) if len(after) else last
        if end - start >= rate_hz * _SHORTEST_HOLE_MS // 1000:
            found.append((start, end))
    return found


def _jumps(sums: NDArray[np.complex128], carrier: _Carrier, side: int, margin: int) -> list[int]:
    """Places, relative to the carrier's start, where the phase right of them differs from the phase left of them."""
    means = sums[side:] - sums[:-side]
    left, right = means[:-side], means[side:]
    strong = (np.abs(left) > _PRESENT * carrier.peak) & (np.abs(right) > _PRESENT * carrier.peak)
    turn = np.where(strong, np.abs(np.angle(right * np.conj(left))), 0.0)
    turn[: max(0, margin - side)] = 0
    turn[max(0, len(turn) - margin + side) :] = 0
    steep = np.abs(right - left)
    found = []
    high = np.flatnonzero(turn > np.radians(_JUMP_DEG))
    for group in np.split(high, np.flatnonzero(np.diff(high) > side // 12) + 1):
        if len(group) > side // 4:
            found.append(int(group[steep[group].argmax()]) + side)
    return found


def _changepoint(
    samples: Floats, sums: NDArray[np.complex128], carrier: _Carrier, place: int, side: int, rate_hz: int
) -> int:
    """The first sample that fits the tone after the jump better than the tone before it."""
    reach = side // 2
    first, last = max(0, place - reach), min(len(sums) - 1, place + reach)
    before, after = _phasors(sums, first, last, side)
    numbers = np.arange(carrier.start + first, carrier.start + last)
    turning = np.exp(2j * np.pi * np.remainder(numbers * (carrier.hz / rate_hz), 1.0))
    heard = samples[carrier.start + first : carrier.start + last]
    gain = np.square(heard - (after * turning).real) - np.square(heard - (before * turning).real)
    # positive while the old tone fits better: the jump is where the sum of that is highest
    return first + int(np.argmax(np.concatenate([[0.0], np.cumsum(gain)])))


def _doubt_deg(
    samples: Floats, sums: NDArray[np.complex128], carrier: _Carrier, place: int, side: int, rate_hz: int
) -> float:
    """How large a phase other sound around a place may fake, by what the tone leaves unexplained on both sides."""
    first, last = max(0, place - side), min(len(sums) - 1, place + side)
    before, after = _phasors(sums, place, place, side)
    numbers = np.arange(carrier.start + first, carrier.start + last)
    turning = np.exp(2j * np.pi * np.remainder(numbers * (carrier.hz / rate_hz), 1.0))
    tone = np.where(numbers < carrier.start + place, before * turning, after * turning).real
    rest = np.mean(np.square(samples[carrier.start + first : carrier.start + last] - tone))
    return _DOUBT * float(np.degrees(np.sqrt(rest / (carrier.peak**2 / 2))))


def _phasors(sums: NDArray[np.complex128], first: int, last: int, side: int) -> tuple[complex, complex]:
    """The tone as a phasor in the ``side`` samples before ``first`` and after ``last``."""
    start, end = max(0, first - side), min(len(sums) - 1, last + side)
    before = complex(sums[first] - sums[start]) * side / max(1, first - start)
    after = complex(sums[end] - sums[last]) * side / max(1, end - last)
    return before, after


def _break(
    sums: NDArray[np.complex128], carrier: _Carrier, place: int, missing: int, side: int, rate_hz: int
) -> Break | None:
    before, after = _phasors(sums, place, place + missing, side)
    if min(abs(before), abs(after)) < _PRESENT * carrier.peak:
        return None
    phase_deg = float(np.degrees(np.angle(after * np.conj(before))))
    sample = carrier.start + place
    return Break(
        sample=sample,
        at_ms=sample * 1000 / rate_hz,
        missing_samples=missing,
        phase_deg=phase_deg,
        slip_ms=_slip_ms(carrier.hz, phase_deg),
    )


def _slip_ms(hz: float, phase_deg: float) -> int | None:
    """The step of whole 10 ms whose phase it is: leaving out t puts the tone 360 hz t degrees ahead."""
    fits = []
    for step in _SLIP_STEPS:
        off = 360 * hz * step * _SLIP_STEP_MS / 1000 - phase_deg
        if abs((off + 180) % 360 - 180) <= _SLIP_DEG:
            fits.append(step * _SLIP_STEP_MS)
    return fits[0] if len(fits) == 1 else None
