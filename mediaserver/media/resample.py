"""Between 8 and 16 kHz: one half-band filter, 63 taps, about 80 dB down from 4.6 kHz on.

It has no state: a block is computed from the samples around it, so any piece of a ring can be turned
on its own and two neighbouring pieces fit. In the doubling direction every second sample is the input itself,
bit for bit.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from mediaserver.media.arrays import Doubles, Pcm

CONTEXT: Final = 16
"""8 kHz samples wanted on each side of a block."""


def _odd_taps() -> Doubles:
    """The non-zero taps beside the middle one, for offsets 1, 3, .. 31; with their mirror images they sum to 1/2."""
    offsets = np.arange(1, 2 * CONTEXT, 2, dtype=np.float64)
    window = np.i0(7.8 * np.sqrt(1 - (offsets / (2 * CONTEXT)) ** 2)) / np.i0(7.8)
    taps = np.sin(np.pi * offsets / 2) / (np.pi * offsets) * window
    return np.asarray(taps / (4 * taps.sum()), np.float64)


_TAPS: Final = _odd_taps()
_KERNEL: Final = np.concatenate([_TAPS[::-1], _TAPS])
"""Symmetric, 32 values: weights of the odd-offset neighbours."""


def doubled(around: Pcm) -> Pcm:
    """16 kHz samples of the block inside ``around``, which has CONTEXT 8 kHz samples more on each side."""
    block = around[CONTEXT : around.size - CONTEXT]
    between = np.convolve(around.astype(np.float64), 2 * _KERNEL, mode="valid")[1 : 1 + block.size]
    out = np.empty(2 * block.size, np.int16)
    out[0::2] = block
    out[1::2] = np.clip(np.rint(between), -32768, 32767)
    return out


def halved(around: Pcm) -> Pcm:
    """8 kHz samples of the block inside ``around``, which has 2 * CONTEXT 16 kHz samples more on each side."""
    even = around[2 * CONTEXT : around.size - 2 * CONTEXT : 2].astype(np.float64)
    odd = around[1::2].astype(np.float64)
    beside = np.convolve(odd, _KERNEL, mode="valid")[: even.size]
    return np.clip(np.rint(0.5 * even + beside), -32768, 32767).astype(np.int16)
