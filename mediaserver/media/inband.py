"""Keys pressed as tones in the audio (ITU-T Q.23, Q.24), for legs that negotiated no telephone-event.

All listening legs at once: every 10 ms a window of 20 ms, one matrix product for the power at the eight tones and
their second harmonics. A window shows a key when one low and one high tone stand out from their groups, are strong,
not too unlike (twist), hold nearly all the window's power, and have no second harmonic as voices do.
Three windows in a row make a press when two of them are clean, one after the other, and alike: a key holds its two
frequencies and its levels, a voice that sounds like one does not. Tones of 40 ms always are a press, of
23 ms never.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from callmodel.modes import SteeringChannel
from mediaserver.media.arrays import Doubles, Flags, Floats, Ints, Pcm
from mediaserver.media.legs import Legs
from mediaserver.media.messages import Digit, Event
from mediaserver.media.timeline import Timeline
from mediaserver.media.timescale import FRAME_TICKS, TICK_HZ, seconds
from mediaserver.media.tones import HIGH_HZ, KEYPAD, LOW_HZ, power_of

HOP_TICKS: Final = 80
WINDOWS_TO_PRESS: Final = 3
WINDOWS_TO_RELEASE: Final = 4
"""A lost packet of 20 ms hides a key from three windows and does not end it; a pause of 40 ms from four at least."""
WINDOWS_TO_CHANGE: Final = 2
"""Of another key."""
WEAKEST_POWER: Final = power_of(-38.0)
"""Of each of the two tones."""
STAND_OUT: Final = 4.0
"""6 dB over the next in its group: neighbours leak that much into a 20 ms window."""
HIGH_OVER_LOW: Final = 10 ** (5.5 / 10)
"""Q.24 wants 4 dB accepted; in 20 ms the tones leak into each other by a dB."""
LOW_OVER_HIGH: Final = 10 ** (8.5 / 10)
SHARE: Final = 0.72
"""Of the window's power, in the two tones."""
CLEAN_SHARE: Final = 0.9
"""The same in a window the tone fills."""
CLEAN_TO_PRESS: Final = 2
"""Any 40 ms fill two windows."""
STEADY_HZ: Final = 0.003
"""Most that a tone's frequency may differ, relative, from one clean window to the next: noise 15 dB down moves it so
far."""
STEADY_LEVEL: Final = 10 ** (2.4 / 10)
"""Most that its power may."""
EXACT: Final = 0.5
"""Two clean windows whose differences are within this part of what is allowed are a press without a third: 40 ms that
are detuned and twisted show no more."""
FIRST_SHARE: Final = 0.35
"""The same before detuned tones are looked for where they are."""
DETUNED: Final = 0.01
"""Q.24 wants 1.5 % off accepted and 3.5 % refused; a 20 ms window blurs the rest."""
HARMONIC: Final = 0.2
"""Most power at a second harmonic, relative to its tone; the other tone leaks half of that beside 2 x 852 Hz."""
LAG_TICKS: Final = 3 * FRAME_TICKS
"""Windows are looked at this far behind now, when late packets have come too."""
EDGE_TICKS: Final = HOP_TICKS
NO_KEY: Final = -1


def _basis(multiple: float) -> Floats:
    """(160, 16): cosine and sine at a multiple of the eight tones, scaled so that squares add to power."""
    hz = np.array([*LOW_HZ, *HIGH_HZ]) * multiple
    angle = 2 * np.pi * np.outer(np.arange(FRAME_TICKS), hz) / TICK_HZ
    scale = np.sqrt(2) / FRAME_TICKS
    return np.concatenate([np.cos(angle) * scale, np.sin(angle) * scale], axis=1).astype(np.float32)


PART_TICKS: Final = 112
"""A window's frequencies are measured by the phases of its first and last so many ticks."""
APART_TICKS: Final = FRAME_TICKS - PART_TICKS


def _part(first: int) -> Floats:
    """(160, 16): cosine and sine of the eight tones over a part of the window, faded in and out."""
    at = np.arange(PART_TICKS)
    fade = np.zeros(FRAME_TICKS, np.float32)
    fade[first : first + PART_TICKS] = 0.5 - 0.5 * np.cos(2 * np.pi * (at + 0.5) / PART_TICKS)
    return np.asarray(_basis(1) * fade[:, None], np.float32)


_PARTS: Final = (_part(0), _part(APART_TICKS))
_HZ: Final = np.array([*LOW_HZ, *HIGH_HZ], np.float64)
_TONES: Final = _basis(1)
_HARMONICS: Final = _basis(2)
_DETUNED: Final = (_basis(1 - DETUNED), _basis(1 + DETUNED))
_KEYS: Final = "".join(KEYPAD)


def keys_in(windows: Pcm) -> tuple[Ints, Flags, Doubles]:
    """(n, 160) windows to n indices into the keypad (row by row), NO_KEY where there is none; n flags: nothing else
    is in the window (one that the tone only partly fills is not clean); and (n, 4): for the low and the high tone power
    and relative deviation from the nominal frequency."""
    wave = windows.astype(np.float32)
    power = _powers(wave, _TONES)
    total = np.einsum("ij,ij->i", wave, wave) / FRAME_TICKS
    strongest = power[:, 0:4].max(1) + power[:, 4:8].max(1)
    found: Ints = np.full(len(windows), NO_KEY, np.int64)
    clean: Flags = np.zeros(len(windows), np.bool_)
    likely = np.flatnonzero((strongest >= FIRST_SHARE * total) & (strongest >= WEAKEST_POWER))
    facts = np.zeros((len(windows), 4))
    if likely.size:
        found[likely], clean[likely], facts[likely] = _judged(wave[likely], power[likely], total[likely])
    return found, clean, facts


def steady(before: Doubles, after: Doubles, part: float = 1.0) -> bool:
    """Whether the tones of two clean windows, by their facts (4,), may be one: differ by no more than a part of what
    is allowed."""
    least, most = np.minimum(before[:2], after[:2]), np.maximum(before[:2], after[:2])
    return bool(
        (most <= STEADY_LEVEL**part * least).all() and (np.abs(before[2:] - after[2:]) <= STEADY_HZ * part).all()
    )


def _powers(wave: Floats, basis: Floats) -> Floats:
    parts = wave @ basis
    powers: Floats = parts[:, :8] ** 2 + parts[:, 8:] ** 2
    return powers


def _deviations(wave: Floats, low: Ints, high: Ints) -> Doubles:
    """(n, 2): how far, relative, each window's low and high tone (index 0 to 7) are from their names."""
    first, last = (wave @ basis for basis in _PARTS)
    every = np.arange(len(wave))
    out = np.empty((len(wave), 2))
    for column, tone in enumerate((low, high)):
        begins = first[every, tone] - 1j * first[every, 8 + tone]
        ends = last[every, tone] - 1j * last[every, 8 + tone]
        out[:, column] = np.angle(ends * np.conj(begins)) * TICK_HZ / (2 * np.pi * APART_TICKS) / _HZ[tone]
    return out


def _judged(wave: Floats, power: Floats, total: Floats) -> tuple[Ints, Flags, Doubles]:
    """All the checks, for windows that may hold a key, which are clean, and their facts. A tone counts where it is
    strongest within DETUNED of its name."""
    every = np.arange(len(power))
    harmonic = _powers(wave, _HARMONICS)
    tuned = np.maximum.reduce([power, *(_powers(wave, basis) for basis in _DETUNED)])
    low, high = power[:, 0:4], power[:, 4:8]
    row, column = low.argmax(1), high.argmax(1)
    strong_low, strong_high = tuned[every, row], tuned[every, 4 + column]
    next_low = np.partition(low, 2, axis=1)[:, 2]
    next_high = np.partition(high, 2, axis=1)[:, 2]
    good = (strong_low >= WEAKEST_POWER) & (strong_high >= WEAKEST_POWER)
    good &= strong_low + strong_high >= SHARE * total
    good &= (strong_low >= STAND_OUT * next_low) & (strong_high >= STAND_OUT * next_high)
    good &= (strong_high <= HIGH_OVER_LOW * strong_low) & (strong_low <= LOW_OVER_HIGH * strong_high)
    good &= harmonic[every, row] <= HARMONIC * strong_low
    good &= harmonic[every, 4 + column] <= HARMONIC * strong_high
    clean: Flags = good & (strong_low + strong_high >= CLEAN_SHARE * total)
    facts = np.column_stack([strong_low, strong_high, _deviations(wave, row, 4 + column)])
    return np.where(good, 4 * row + column, NO_KEY), clean, facts


class Ears:
    """The legs that are listened to, and what each is hearing."""

    def __init__(self, legs: Legs, timeline: Timeline, emit: Callable[[Event], None]) -> None:
        self._legs = legs
        self._timeline = timeline
        self._emit = emit
        n = legs.capacity
        self._key = np.full(n, NO_KEY, np.int64)
        self._hits = np.zeros(n, np.int64)
        self._clean = np.zeros(n, np.int64)
        """Clean windows of the press so far, each like the one before."""
        self._exact = np.zeros(n, np.bool_)
        self._last = np.zeros((n, 4))
        """Facts of the window before, zero unless it was clean."""
        self._misses = np.zeros(n, np.int64)
        self._began = np.zeros(n, np.int64)
        self._listening: set[int] = set()
        self._rows: Ints = np.zeros(0, np.int64)

    def listen(self, row: int, *, wanted: bool) -> None:
        """Begin or stop listening to a leg."""
        if wanted == (row in self._listening):
            return
        (self._listening.add if wanted else self._listening.discard)(row)
        self._rows = np.array(sorted(self._listening), np.int64)
        self._key[row], self._hits[row], self._misses[row] = NO_KEY, 0, 0

    @property
    def listening(self) -> bool:
        """Whether there is any leg to listen to."""
        return bool(self._rows.size)

    @property
    def busy(self) -> bool:
        """Whether a key is down somewhere, so that its end must be waited for."""
        return bool(self._rows.size and (self._hits[self._rows] > 0).any())

    def frame(self, tick: int) -> None:
        """Look at the two windows that begin in the frame LAG_TICKS before ``tick``."""
        rows = self._rows
        if not rows.size:
            return
        at = tick - LAG_TICKS
        if at + 2 * FRAME_TICKS > self._timeline.horizon:
            return  # packets wait to be read: that time is not on the time line yet
        rows = rows[(self._legs.heard[rows] >= at - 2 * FRAME_TICKS) | (self._hits[rows] > 0)]
        if not rows.size:
            return
        begins = np.array([at, at + HOP_TICKS])
        found, clean, facts = keys_in(self._timeline.frames(np.tile(rows, 2), np.repeat(begins, rows.size)))
        for turn, begin in enumerate(begins):
            first = turn * rows.size
            for index in np.flatnonzero((found[first : first + rows.size] != NO_KEY) | (self._hits[rows] > 0)):
                row, at = int(rows[index]), first + int(index)
                self._hear(row, int(found[at]), int(begin))
                self._trust(row, bool(clean[at]), facts[at])
                self._mask(row, int(begin) + FRAME_TICKS)

    def _hear(self, row: int, key: int, begin: int) -> None:
        if key == self._key[row] and self._hits[row]:
            self._hits[row] += 1
            self._misses[row] = 0
        elif key != NO_KEY and self._hits[row] < WINDOWS_TO_PRESS:
            self._key[row], self._hits[row], self._misses[row], self._began[row] = key, 1, 0, begin
        elif self._hits[row]:
            self._misses[row] += 1
            enough = WINDOWS_TO_RELEASE if key == NO_KEY else WINDOWS_TO_CHANGE
            if self._hits[row] < WINDOWS_TO_PRESS or self._misses[row] >= enough:
                self._release(row, begin)
                if key != NO_KEY:
                    self._key[row], self._hits[row], self._misses[row], self._began[row] = key, 1, 0, begin
                return

    def _trust(self, row: int, clean: bool, facts: Doubles) -> None:
        """Count clean windows that are alike; what has become a press stays one."""
        if self._hits[row] <= 1:
            self._clean[row], self._exact[row] = int(clean), False
        elif clean and self._clean[row] < CLEAN_TO_PRESS:
            alike = not self._last[row].any() or steady(self._last[row], facts)
            self._clean[row] = self._clean[row] + 1 if alike else 1
            self._exact[row] = bool(self._last[row].any()) and steady(self._last[row], facts, EXACT)
        self._last[row] = facts if clean else 0.0

    def _mask(self, row: int, end: int) -> None:
        """Once it is a press, its tone enters no recording, its unclean edges included."""
        if self._is_press(row) and row in self._legs.by_row:
            first = int(self._began[row]) - EDGE_TICKS
            self._legs.by_row[row].masked[first] = end + EDGE_TICKS

    def _is_press(self, row: int) -> bool:
        enough = self._hits[row] >= WINDOWS_TO_PRESS or self._exact[row]
        return bool(enough and self._clean[row] >= CLEAN_TO_PRESS)

    def _release(self, row: int, begin: int) -> None:
        pressed = self._is_press(row)
        end = begin - int(self._misses[row] - 1) * HOP_TICKS + FRAME_TICKS // 2
        leg = self._legs.by_row.get(row)
        if pressed and leg is not None:
            self._emit(
                Digit(
                    leg_id=leg.leg_id,
                    digit=_KEYS[int(self._key[row])],
                    channel=SteeringChannel.IN_BAND,
                    at=seconds(end),
                    duration_ms=round((end - int(self._began[row])) / 8),
                )
            )
        self._hits[row] = self._misses[row] = 0
        self._key[row] = NO_KEY
