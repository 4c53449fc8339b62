"""Tones, exact in frequency, level and length.

Levels are dBm0. The reference is G.711's own: a sine whose peak is the mu-law overload point (8159 of 14 bits,
32636 as the 16-bit value decoders give) is +3.17 dBm0 (ITU-T G.711, clause 3); hence the digital milliwatt of its
table 5 decodes to 0.00 dBm0. The one reference serves A-law too: its own (+3.14 dBm0 at 32768) differs by 0.07 dB.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np

from callmodel.digits import DIGITS
from mediaserver.media.arrays import Doubles, Pcm

OVERLOAD_PEAK: Final = 32636
OVERLOAD_DBM0: Final = 3.17
PEAK_AT_0_DBM0: Final = OVERLOAD_PEAK * 10 ** (-OVERLOAD_DBM0 / 20)
"""22,657: peak of a 0 dBm0 sine on the 16-bit scale."""
EDGE_MS: Final = 10
"""Raised-cosine rise and fall, inside the burst."""

LOW_HZ: Final = (697, 770, 852, 941)
HIGH_HZ: Final = (1209, 1336, 1477, 1633)
KEYPAD: Final = ("123A", "456B", "789C", "*0#D")
"""ITU-T Q.23: row by low, column by high frequency."""
DIGIT_DBM0: Final = -9.0
"""Each of a key's two tones as we send them (Q.24 allows 0 to -25)."""


def power_of(dbm0: float) -> float:
    """Mean square, on the 16-bit scale, of any signal of that level."""
    return float(PEAK_AT_0_DBM0**2 / 2 * 10.0 ** (dbm0 / 10))


def dbm0_of(samples: Pcm) -> float:
    """Level of a signal; minus infinity for silence."""
    mean_square = float(np.mean(np.square(samples, dtype=np.float64))) if samples.size else 0.0
    return 10 * float(np.log10(mean_square / power_of(0.0))) if mean_square else float("-inf")


def sine(hz: float, dbm0: float, count: int, rate_hz: int, first: int = 0) -> Doubles:
    """Samples ``first`` to ``first + count`` of an endless sine that began at phase 0 with sample 0.

    The phase is reduced to one turn before the sine is taken, so hours in it is as exact as at the start.
    """
    turns = np.remainder((first + np.arange(count, dtype=np.float64)) * (hz / rate_hz), 1.0)
    peak = float(PEAK_AT_0_DBM0 * 10.0 ** (dbm0 / 20))
    wave: Doubles = peak * np.sin(2 * np.pi * turns)
    return wave


def to_pcm(samples: Doubles) -> Pcm:
    """Rounded and held within 16 bits."""
    return np.clip(np.rint(samples), -32768, 32767).astype(np.int16)


def shaped(samples: Doubles, rate_hz: int) -> Doubles:
    """The same with raised-cosine edges; a burst shorter than two edges has half its length for each."""
    edge = min(rate_hz * EDGE_MS // 1000, samples.size // 2)
    if edge:
        rise = 0.5 - 0.5 * np.cos(np.pi * (np.arange(edge) + 0.5) / edge)
        samples = samples.copy()
        samples[:edge] *= rise
        samples[-edge:] *= rise[::-1]
    return samples


@lru_cache(maxsize=64)
def tone(*, hz: float, on_ms: int, off_ms: int, bursts: int, level_dbm0: float, rate_hz: int) -> Pcm:
    """``bursts`` bursts of ``on_ms``, ``off_ms`` between them and none after the last. Not to be written to."""
    burst = to_pcm(shaped(sine(hz, level_dbm0, rate_hz * on_ms // 1000, rate_hz), rate_hz))
    gap = np.zeros(rate_hz * off_ms // 1000, np.int16)
    parts = [burst, gap] * bursts
    samples = np.concatenate(parts[:-1]) if parts else np.zeros(0, np.int16)
    samples.flags.writeable = False
    return samples


@lru_cache(maxsize=256)
def _key(digit: str, duration_ms: int, rate_hz: int) -> Pcm:
    row, column = next((r, keys.index(digit)) for r, keys in enumerate(KEYPAD) if digit in keys)
    count = rate_hz * duration_ms // 1000
    both = sine(LOW_HZ[row], DIGIT_DBM0, count, rate_hz) + sine(HIGH_HZ[column], DIGIT_DBM0, count, rate_hz)
    return to_pcm(both)


def keys(digits: str, duration_ms: int, rate_hz: int, gap_ms: int = 60) -> Pcm:
    """In-band key presses (ITU-T Q.23), a gap after each; characters that are no key are left out."""
    gap = np.zeros(rate_hz * gap_ms // 1000, np.int16)
    pressed = [digit for digit in digits.upper() if digit in DIGITS]
    parts = [part for digit in pressed for part in (_key(digit, duration_ms, rate_hz), gap)]
    return np.concatenate(parts) if parts else np.zeros(0, np.int16)
