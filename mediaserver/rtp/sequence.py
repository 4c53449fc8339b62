"""All modular arithmetic of RTP: where 16-bit sequence numbers and 32-bit timestamps lie on a line that never wraps.

A wrapped value stands for the nearest number on the line to a reference, the furthest one seen
so far. So a packet from just before a wrap that arrives just after it still lands before it.
Extended values are plain integers; a packet older than the first one seen may get a negative one.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

SEQUENCE_BITS: Final = 16
TIMESTAMP_BITS: Final = 32


def difference(value: int, reference: int, bits: int) -> int:
    """Signed shortest way from ``reference`` to ``value`` modulo 2**bits: -2**(bits-1) to 2**(bits-1) - 1."""
    half = 1 << (bits - 1)
    return ((value - reference + half) & ((1 << bits) - 1)) - half


def nearest(value: int, reference: int, bits: int) -> int:
    """The number congruent to ``value`` modulo 2**bits that lies nearest to ``reference`` (the lower one of two)."""
    return reference + difference(value, reference, bits)


def nearest_many(values: ArrayLike, references: ArrayLike, bits: int) -> NDArray[np.int64]:
    """``nearest`` element by element; the two broadcast against each other (one reference a stream, or one for all)."""
    wrapped = np.asarray(values).astype(np.int64)
    base = np.asarray(references).astype(np.int64)
    half = 1 << (bits - 1)
    result: NDArray[np.int64] = base + (((wrapped - base + half) & ((1 << bits) - 1)) - half)
    return result


def sequence_add(sequence: int, step: int = 1) -> int:
    """``step`` packets on, modulo 2**16."""
    return (sequence + step) & 0xFFFF


def timestamp_add(timestamp: int, ticks: int) -> int:
    """``ticks`` on, modulo 2**32."""
    return (timestamp + ticks) & 0xFFFFFFFF


class _Unwrapper:
    """One stream's line; the first value seen is its own extended value."""

    __slots__ = ("_bits", "highest")

    highest: int | None
    """The furthest extended value so far; None before the first."""

    def __init__(self, bits: int, highest: int | None = None) -> None:
        self._bits = bits
        self.highest = highest

    def peek(self, value: int) -> int:
        """Where ``value`` would land, without moving anything."""
        return value if self.highest is None else nearest(value, self.highest, self._bits)

    def unwrap(self, value: int) -> int:
        """Where ``value`` lands; moves ``highest`` on when it is further."""
        extended = self.peek(value)
        if self.highest is None or extended > self.highest:
            self.highest = extended
        return extended

    def unwrap_many(self, values: ArrayLike) -> NDArray[np.int64]:
        """``unwrap`` of each value in order, with the same result as one by one.

        Measured from one fixed reference the whole batch lands right unless it spans half the
        circle; only then each value needs the reference its predecessors left behind.
        """
        wrapped = np.asarray(values).astype(np.int64)
        if not wrapped.size:
            return wrapped
        reference = int(wrapped[0]) if self.highest is None else self.highest
        extended = nearest_many(wrapped, reference, self._bits)
        furthest = np.maximum(np.maximum.accumulate(extended), reference)
        if bool(np.any(extended < furthest - (1 << (self._bits - 1)))):
            return np.array([self.unwrap(int(value)) for value in wrapped], dtype=np.int64)
        self.highest = int(furthest[-1])
        return extended


class SequenceUnwrapper(_Unwrapper):
    """Extended sequence numbers of one SSRC."""

    __slots__ = ()

    def __init__(self, highest: int | None = None) -> None:
        super().__init__(SEQUENCE_BITS, highest)


class TimestampUnwrapper(_Unwrapper):
    """Extended timestamps (ticks) of one SSRC."""

    __slots__ = ()

    def __init__(self, highest: int | None = None) -> None:
        super().__init__(TIMESTAMP_BITS, highest)
