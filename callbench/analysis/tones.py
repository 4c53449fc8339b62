"""From rough spectral lines to tones: exact frequency, level, and the samples where they begin and end."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from callbench.analysis.demodulation import SMOOTH_S, Baseband, block_samples, demodulate, exact_hz
from callbench.analysis.lines import FRAME_MS, Line, find_lines, frame_samples
from callbench.analysis.report import Tone
from callbench.analysis.source import Floats
from callmodel.levels import dbm0_from_rms

_WANTED: Final = ((600.0, 60, 0.5), (300.0, 90, 0.8), (0.0, 150, 0.8))
"""From this frequency on a tone lasts at least so many milliseconds and has at least this share of the power while it
sounds: a voice holds its lower harmonics still for a while, but never alone for long."""
_FEWEST_FRAMES: Final = 3
_STEADY_HZ: Final = 8.0
"""A voice moves; a tone's frames agree within this, in the middle half of them."""
_STEADY_DB: Final = 3.0
_SLOPE_MS: Final = 30
"""The longest rise or fall that is looked for."""
_REACH_MS: Final = 500
"""How far beyond the frames that show it an edge is looked for; other sound may hide a tone's ends from the frames."""
_REST_MS: Final = 100
"""What a line has to have left beside a partial for it to be looked at again."""
_JOIN_MS: Final = 12
_JOIN_HZ: Final = 2.0
_ONE_LOBE_HZ: Final = 1000 / FRAME_MS
_HIDDEN_MS: Final = 2000
"""The longest stretch of a tone that other sound may hide from the frames."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Partial:
    """A refined line, in samples."""

    hz: float
    peak: float
    share: float
    """Of all power while it sounds, 0 to 1."""
    start: float
    end: float

    @property
    def level_dbm0(self) -> float:
        """Of the sine between its edges."""
        return dbm0_from_rms(self.peak / np.sqrt(2))


def find_partials(samples: Floats, rate_hz: int) -> list[Partial]:
    """Every steady sine of a channel, short ones included, in order of time."""
    length, hop = frame_samples(rate_hz)
    found = []
    for line in find_lines(samples, rate_hz):
        if line.frames >= _FEWEST_FRAMES and _is_steady(line):
            found += _refine_all(samples, rate_hz, line, line.first * hop, line.last * hop + length)
    return _without_shadows(_joined(samples, sorted(found, key=lambda p: (p.start, p.hz)), rate_hz))


def tone_of(partial: Partial, rate_hz: int) -> Tone:
    """A partial as it is reported."""
    return Tone(
        hz=partial.hz,
        level_dbm0=partial.level_dbm0,
        start_ms=partial.start * 1000 / rate_hz,
        end_ms=partial.end * 1000 / rate_hz,
    )


def is_tone(partial: Partial, rate_hz: int) -> bool:
    """Long enough, and enough by itself, not to be a moment of a voice."""
    shortest_ms, share = next((ms, share) for lowest_hz, ms, share in _WANTED if partial.hz >= lowest_hz)
    return partial.share >= share and (partial.end - partial.start) * 1000 / rate_hz >= shortest_ms


def _is_steady(line: Line) -> bool:
    # the middle in time: frames that hold only a part of a tone see it off its frequency
    quarter = line.frames // 4
    low, high = np.percentile(line.hz[quarter : line.frames - quarter], (10, 90))
    return bool(high - low <= _STEADY_HZ)


def _refine_all(samples: Floats, rate_hz: int, line: Line, start: int, end: int) -> list[Partial]:
    """The partials of one line: a short hole leaves the line whole but ends the tone."""
    coming, found = [(start, end)], []
    shortest = rate_hz * _REST_MS // 1000
    while coming:
        first, last = coming.pop()
        partial = _refine(samples, rate_hz, line, first, last)
        if partial is not None:
            found.append(partial)
            rest = ((first, round(partial.start)), (round(partial.end), last))
            coming += [(a, b) for a, b in rest if b - a >= shortest and b - a < last - first]
    return found


def _refine(samples: Floats, rate_hz: int, line: Line, start: int, end: int) -> Partial | None:
    """Frequency and level from the inside of the line, then its edges by its own envelope."""
    length, _ = frame_samples(rate_hz)
    inset = min(length * 3 // 4, (end - start) // 3)
    inner = (start + inset, end - inset)
    hz = exact_hz(samples, rate_hz, float(np.median(line.hz)), *inner)
    peak = _steady_peak(np.abs(demodulate(samples, rate_hz, hz, *inner).blocks(*inner)))
    if peak is None:
        return None
    reach = rate_hz * _REACH_MS // 1000
    band = demodulate(samples, rate_hz, hz, start - reach, end + reach)
    envelope = np.abs(band.smoothed()) / peak
    early, late = _rough_ends(band, (inner[0] + inner[1]) // 2, peak)
    before = _edge(envelope[early - band.first :: -1], rate_hz)
    after = _edge(envelope[late - band.first :], rate_hz)
    shares = band.shares(early, late)
    share = float(np.median(shares)) if len(shares) else 0.0
    return Partial(hz=hz, peak=peak, share=share, start=early - before, end=late + after + 1)


def _steady_peak(inside: NDArray[np.float64]) -> float | None:
    """Peak of the sine in the middle of a line; None for what swells and fades like a voice."""
    low, peak, high = np.percentile(inside, (20, 50, 80))
    return float(peak) if low > 0 and 20 * np.log10(high / low) <= _STEADY_DB else None


def _rough_ends(band: Baseband, middle: int, peak: float) -> tuple[int, int]:
    """A sample shortly after the tone's beginning and one shortly before its end, from pieces of 10 ms.

    These pieces look at a narrow band, so that speech beside the tone does not end it.
    """
    length, step = block_samples(band.rate_hz)
    loud = np.abs(band.blocks(band.first, band.first + len(band.turned))) > peak / 2
    here = min((middle - band.first) // step, len(loud) - 1)
    quiet_before = np.flatnonzero(~loud[: here + 1])
    quiet_after = np.flatnonzero(~loud[here:])
    first = int(quiet_before[-1]) + 1 if len(quiet_before) else 0
    last = here + int(quiet_after[0]) - 1 if len(quiet_after) else len(loud) - 1
    early = band.first + first * step + length
    late = band.first + last * step
    return min(early, middle), max(late, middle)


def _edge(falling: NDArray[np.float64], rate_hz: int) -> float:
    """How far from element 0 an envelope that falls from 1 reaches its very end, in samples.

    The half way point is where an abrupt edge lies, and the middle of a raised-cosine one. The distance between three
    quarters and one quarter tells which it is: a third of a raised cosine's length, and half of the smoothing.
    """
    smear = SMOOTH_S * rate_hz
    half = _crossing(falling, 0, 0.5)
    if half is None:
        return len(falling) - 1.0
    reach = rate_hz * _SLOPE_MS // 1000
    from_full = _crossing(falling, max(0, int(half) - reach), 0.75)
    to_none = _crossing(falling[: int(half) + reach], int(half), 0.25)
    if from_full is None or to_none is None or not from_full <= half <= to_none:
        return half - 0.5
    slope = 9 * max(0.0, (to_none - from_full) ** 2 - (0.6 * smear) ** 2)
    return float(half - 0.5 + min(reach, slope**0.5) / 2)


def _crossing(falling: NDArray[np.float64], first: int, level: float) -> float | None:
    """Where an envelope first falls through ``level`` at or after element ``first``, between samples."""
    below = np.flatnonzero(falling[first:] < level)
    if not len(below):
        return None
    place = first + int(below[0])
    if place == first:
        return float(place)
    high, low = falling[place - 1], falling[place]
    return float(place - 1 + (high - level) / (high - low))


def _without_shadows(partials: list[Partial]) -> list[Partial]:
    """Without what is another tone seen off its frequency, where other sound lies over it.

    Two sines this close share a lobe in every frame, so both can never have been seen at once.
    """
    return [one for one in partials if not any(_is_shadow(one, other) for other in partials)]


def _is_shadow(one: Partial, other: Partial) -> bool:
    length = one.end - one.start
    shared = min(one.end, other.end) - max(one.start, other.start)
    return abs(one.hz - other.hz) < _ONE_LOBE_HZ and length < other.end - other.start and shared > length / 2


def _joined(samples: Floats, partials: list[Partial], rate_hz: int) -> list[Partial]:
    """Pieces of one tone as one: a jump inside it, or sound over it, splits its line; a piece may be found twice."""
    joined: list[Partial] = []
    for partial in partials:
        for place, earlier in enumerate(joined):
            if abs(earlier.hz - partial.hz) <= _JOIN_HZ and _goes_on(samples, earlier, partial, rate_hz):
                longer = max(earlier, partial, key=lambda p: p.end - p.start)
                joined[place] = replace(longer, start=earlier.start, end=max(earlier.end, partial.end))
                break
        else:
            joined.append(partial)
    return joined


def _goes_on(samples: Floats, earlier: Partial, later: Partial, rate_hz: int) -> bool:
    if later.start - earlier.end < rate_hz * _JOIN_MS / 1000:
        return True
    if later.start - earlier.end > rate_hz * _HIDDEN_MS / 1000:
        return False
    band = demodulate(samples, rate_hz, earlier.hz, round(earlier.end), round(later.start))
    between = np.abs(band.blocks(round(earlier.end), round(later.start)))
    return bool(len(between) and between.min() > min(earlier.peak, later.peak) / 2)
