"""Key presses: two partials that are a row and a column of the keypad, together."""

from __future__ import annotations

from typing import Final

import numpy as np

from callbench.analysis.report import Digit
from callbench.analysis.source import Floats
from callbench.analysis.tones import Partial

LOW_HZ: Final = (697.0, 770.0, 852.0, 941.0)
HIGH_HZ: Final = (1209.0, 1336.0, 1477.0, 1633.0)
_KEYS: Final = ("123A", "456B", "789C", "*0#D")
_OFF: Final = 0.018
"""ITU-T Q.24: 1.8 % off still has to be taken."""
_TWIST_DB: Final = 10.0
_TOGETHER_MS: Final = 30
_POWER_MS: Final = 7
SHORTEST_DIGIT_MS: Final = 35


def find_digits(samples: Floats, partials: list[Partial], rate_hz: int) -> tuple[tuple[Digit, ...], list[Partial]]:
    """The key presses among partials (in order of time), and the partials that are part of none."""
    lows = [(p, row) for p in partials if (row := _place(p.hz, LOW_HZ)) is not None]
    highs = [(p, column) for p in partials if (column := _place(p.hz, HIGH_HZ)) is not None]
    used: list[Partial] = []
    digits = []
    for low, row in lows:
        for high, column in highs:
            if high not in used and _one_press(low, high, rate_hz):
                used += [low, high]
                digits.append(_digit(samples, _KEYS[row][column], low, high, rate_hz))
                break
    return tuple(sorted(digits, key=lambda d: d.start_ms)), [p for p in partials if p not in used]


def _place(hz: float, nominal: tuple[float, ...]) -> int | None:
    return next((n for n, wanted in enumerate(nominal) if abs(hz - wanted) <= _OFF * wanted), None)


def _one_press(low: Partial, high: Partial, rate_hz: int) -> bool:
    apart = max(abs(low.start - high.start), abs(low.end - high.end)) * 1000 / rate_hz
    both_ms = (min(low.end, high.end) - max(low.start, high.start)) * 1000 / rate_hz
    twist_db = abs(low.level_dbm0 - high.level_dbm0)
    return apart <= _TOGETHER_MS and both_ms >= SHORTEST_DIGIT_MS and twist_db <= _TWIST_DB


def _digit(samples: Floats, digit: str, low: Partial, high: Partial, rate_hz: int) -> Digit:
    start, end = _extent(samples, low, high, rate_hz)
    return Digit(
        digit=digit,
        start_ms=start * 1000 / rate_hz,
        end_ms=end * 1000 / rate_hz,
        low_dbm0=low.level_dbm0,
        high_dbm0=high.level_dbm0,
    )


def _extent(samples: Floats, low: Partial, high: Partial, rate_hz: int) -> tuple[float, float]:
    """Where the power of both tones together is half of what it is inside; each by itself is blurred by their beat."""
    window = rate_hz * _POWER_MS // 1000
    reach = rate_hz * _TOGETHER_MS // 1000 + window
    first = max(0, round(min(low.start, high.start)) - reach)
    stretch = samples[first : round(max(low.end, high.end)) + reach].astype(np.float64)
    sums = np.concatenate([[0.0], np.cumsum(np.square(np.pad(stretch, (window // 2, window - window // 2))))])
    power = (sums[window:] - sums[:-window]) / window
    loud = power >= (low.peak**2 + high.peak**2) / 4
    middle = round((max(low.start, high.start) + min(low.end, high.end)) / 2) - first
    quiet_before = np.flatnonzero(~loud[:middle])
    quiet_after = np.flatnonzero(~loud[middle:])
    start = quiet_before[-1] + 1 if len(quiet_before) else 0
    end = middle + quiet_after[0] if len(quiet_after) else len(stretch)
    return first + float(start), first + float(end)
