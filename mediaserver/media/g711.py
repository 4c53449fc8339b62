"""G.711 by table, for one packet or a whole batch (ITU-T G.711).

Samples are 16 bits: mu-law's 14-bit and A-law's 13-bit values, left-justified. Encoding decides as the reference
software of ITU-T G.191 does: a negative sample is taken by its ones' complement and low bits are cut off, so a value on
the edge between two steps goes up, on either side of zero, and zero itself is A-law 0xD5, mu-law 0xFF.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from mediaserver.media.messages import Codec

SILENCE: Final = {Codec.PCMU: 0xFF, Codec.PCMA: 0xD5}
"""The byte that a zero sample becomes."""


def _expanded_mu_law() -> NDArray[np.int16]:
    code = ~np.arange(256, dtype=np.uint8)
    exponent, mantissa = (code >> 4) & 7, (code & 15).astype(np.int32)
    magnitude = (((2 * mantissa + 33) << exponent) - 33) * 4
    return np.where(code & 0x80, -magnitude, magnitude).astype(np.int16)


def _expanded_a_law() -> NDArray[np.int16]:
    code = np.arange(256, dtype=np.uint8) ^ 0x55
    exponent, mantissa = ((code >> 4) & 7).astype(np.int32), (code & 15).astype(np.int32)
    magnitude = np.where(exponent == 0, 2 * mantissa + 1, (2 * mantissa + 33) << np.maximum(exponent - 1, 0)) * 8
    return np.where(code & 0x80, magnitude, -magnitude).astype(np.int16)


def _segment(value: NDArray[np.int32]) -> NDArray[np.int32]:
    """Number of bits of each value (0 for 0)."""
    return np.frexp(value.astype(np.float64))[1].astype(np.int32)


def _all_samples() -> NDArray[np.int32]:
    """Every 16-bit value, at the place of its unsigned twin."""
    return np.arange(65536, dtype=np.uint16).view(np.int16).astype(np.int32)


def _compressed_mu_law() -> NDArray[np.uint8]:
    sample = _all_samples()
    value = np.minimum((np.where(sample < 0, ~sample, sample) >> 2) + 33, 0x1FFF)
    segment = _segment(value >> 6) + 1
    code = ((8 - segment) << 4) | (15 - ((value >> segment) & 15))
    return np.asarray(np.where(sample < 0, code, code | 0x80), np.uint8)


def _compressed_a_law() -> NDArray[np.uint8]:
    sample = _all_samples()
    value = np.where(sample < 0, ~sample, sample) >> 4
    exponent = np.maximum(_segment(value) - 4, 0)
    code = (exponent << 4) | ((value >> np.maximum(exponent - 1, 0)) & 15)
    return np.asarray(np.where(sample < 0, code, code | 0x80) ^ 0x55, np.uint8)


def _pairs(expanded: NDArray[np.int16]) -> NDArray[np.uint32]:
    """Two samples for two bytes: indexed by a native 16-bit word, half the look-ups."""
    words = np.arange(65536, dtype=np.uint16).view(np.uint8).reshape(-1, 2)
    return np.ascontiguousarray(expanded[words]).view(np.uint32).reshape(-1)


_EXPANDED: Final = {Codec.PCMU: _expanded_mu_law(), Codec.PCMA: _expanded_a_law()}
_PAIRS: Final = {codec: _pairs(table) for codec, table in _EXPANDED.items()}
_COMPRESSED: Final = {Codec.PCMU: _compressed_mu_law(), Codec.PCMA: _compressed_a_law()}


def decoded(codec: Codec, payload: bytes) -> NDArray[np.int16]:
    """Samples of one payload, one a byte."""
    return _EXPANDED[codec].take(np.frombuffer(payload, np.uint8))


def decoded_frames(codec: Codec, words: NDArray[np.uint16]) -> NDArray[np.int16]:
    """(n, 2m) samples of (n, m) words, payload bytes two by two in memory order: the batch's way."""
    return _PAIRS[codec].take(words, mode="clip").view(np.int16)


def encoded(codec: Codec, samples: NDArray[np.int16]) -> NDArray[np.uint8]:
    """Bytes of samples, in an array of the same shape."""
    return _COMPRESSED[codec].take(samples.view(np.uint16), mode="clip")
