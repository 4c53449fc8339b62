"""Sound made to measure, independent of the product's own generators: what an analysis must find again."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Sound = NDArray[np.float64]

PEAK_AT_0_DBM0 = 32636 / 10 ** (3.17 / 20)
_LOW, _HIGH = (697, 770, 852, 941), (1209, 1336, 1477, 1633)
_KEYS = "123A456B789C*0#D"


def sine(hz: float, level_dbm0: float, seconds: float, rate_hz: int, edge_ms: float = 0.0) -> Sound:
    """A sine with raised-cosine edges inside its length."""
    count = round(seconds * rate_hz)
    sound = PEAK_AT_0_DBM0 * 10 ** (level_dbm0 / 20) * np.sin(2 * np.pi * hz * np.arange(count) / rate_hz)
    edge = round(edge_ms * rate_hz / 1000)
    if edge:
        rise = (1 - np.cos(np.pi * (np.arange(edge) + 0.5) / edge)) / 2
        sound[:edge] *= rise
        sound[-edge:] *= rise[::-1]
    return np.asarray(sound)


def key(digit: str, seconds: float, rate_hz: int, level_dbm0: float = -9.0) -> Sound:
    """One key of the keypad."""
    row, column = divmod(_KEYS.index(digit), 4)
    low, high = (sine(hz, level_dbm0, seconds, rate_hz) for hz in (_LOW[row], _HIGH[column]))
    return low + high


def silence(seconds: float, rate_hz: int) -> Sound:
    """Zeros."""
    return np.zeros(round(seconds * rate_hz))


def placed(sound: Sound, at: int, total: int) -> Sound:
    """A sound at a sample of a silence of ``total`` samples."""
    out = np.zeros(total)
    out[at : at + len(sound)] = sound[: total - at]
    return out


def noisy(sound: Sound, noise_dbm0: float, seed: int = 1) -> Sound:
    """With white noise of that level."""
    rms = PEAK_AT_0_DBM0 / np.sqrt(2) * 10 ** (noise_dbm0 / 20)
    return np.asarray(sound + np.random.default_rng(seed).normal(0, rms, len(sound)))


def through_mu_law(sound: Sound) -> Sound:
    """Coded and decoded by G.711 u-law, the segments by their definition."""
    size = np.minimum(np.abs(np.rint(sound)), 32635) + 132
    step = 2.0 ** (np.floor(np.log2(size)) - 4)
    decoded = (np.floor(size / step) + 0.5) * step - 132
    return np.asarray(np.sign(sound) * decoded)


def channel_of(kind: str, sound: Sound, level_dbm0: float) -> Sound:
    """The sound as it is (``clean``), through u-law (``u-law``), or with noise 20 dB below it (``noise``)."""
    if kind == "u-law":
        return through_mu_law(sound)
    return noisy(sound, level_dbm0 - 20) if kind == "noise" else sound
