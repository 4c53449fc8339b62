"""The ring of kept datagrams, seen from the worker's thread: who reads it, and which rows are free again."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mediaserver.media.seam import LEG_DTYPE, NO_PAYLOAD, ROW_BYTES, SOCKADDR_BYTES, Batch

LEAST_ROWS = 1024
ROWS_PER_LEG = 32
"""640 ms of 20 ms packets: the longest the worker may stand still before copies are lost."""


def ring_rows(capacity: int) -> int:
    """A power of two with room for ``ROWS_PER_LEG`` datagrams of every leg."""
    return 1 << (max(LEAST_ROWS, capacity * ROWS_PER_LEG) - 1).bit_length()


def new_table(capacity: int) -> NDArray[np.void]:
    """Rows of LEG_DTYPE, all closed."""
    table = np.zeros(capacity, LEG_DTYPE)
    table["route"] = -1
    table["pt_out"] = NO_PAYLOAD
    return table


@dataclass(frozen=True, slots=True, kw_only=True)
class RingArrays:
    """One place of each per row of the ring; shapes as in :class:`Batch`."""

    rows: NDArray[np.uint8]
    lengths: NDArray[np.int32]
    legs: NDArray[np.int32]
    arrival_ns: NDArray[np.int64]
    verdicts: NDArray[np.uint8]
    sources: NDArray[np.uint8]

    @classmethod
    def allocate(cls, size: int) -> RingArrays:
        """A ring in this process' own memory."""
        return cls(
            rows=np.zeros((size, ROW_BYTES), np.uint8),
            lengths=np.zeros(size, np.int32),
            legs=np.zeros(size, np.int32),
            arrival_ns=np.zeros(size, np.int64),
            verdicts=np.zeros(size, np.uint8),
            sources=np.zeros((size, SOCKADDR_BYTES), np.uint8),
        )


class RingReader:
    """Turns what lies between tail and head into batches.

    What was handed out is let go one collect later, so that the views last until then.
    Counts of rows are never wrapped; a row's place is its count modulo the size.
    """

    def __init__(self, arrays: RingArrays) -> None:
        self._arrays = arrays
        self._size = len(arrays.lengths)
        self._seen = 0
        self._closed: set[int] = set()

    @property
    def seen(self) -> int:
        """Everything below was handed out; the next collect lets it go."""
        return self._seen

    def forget(self, leg: int, head: int) -> None:
        """The leg was closed: what it left behind must not be taken for its successor's."""
        if self._seen != head:
            self._closed.add(leg)
            for part in _parts(self._seen, head, self._size):
                legs = self._arrays.legs[part]
                legs[legs == leg] = -1

    def take(self, head: int) -> Batch:
        """Everything up to ``head``; copies only where the ring wraps or a closed leg's datagrams are left out."""
        parts = _parts(self._seen, head, self._size)
        self._seen = head
        batch = self._slice(parts[0]) if len(parts) == 1 else _join(*(self._slice(part) for part in parts))
        if self._closed:
            self._closed.clear()
            batch = _select(batch, batch.legs >= 0)
        return batch

    def _slice(self, part: slice) -> Batch:
        a = self._arrays
        return Batch(
            rows=a.rows[part],
            lengths=a.lengths[part],
            legs=a.legs[part],
            arrival_ns=a.arrival_ns[part],
            verdicts=a.verdicts[part],
            sources=a.sources[part],
        )


def _parts(start: int, end: int, size: int) -> list[slice]:
    """Places of the counts from ``start`` to ``end``: one slice, or two around the ring's end."""
    first, count = start % size, end - start
    if first + count <= size:
        return [slice(first, first + count)]
    return [slice(first, size), slice(0, first + count - size)]


def _join(one: Batch, two: Batch) -> Batch:
    longest = int(max(one.lengths.max(), two.lengths.max()))
    rows = np.empty((len(one.rows) + len(two.rows), ROW_BYTES), np.uint8)
    np.concatenate((one.rows[:, :longest], two.rows[:, :longest]), out=rows[:, :longest])
    return Batch(
        rows=rows,
        lengths=np.concatenate((one.lengths, two.lengths)),
        legs=np.concatenate((one.legs, two.legs)),
        arrival_ns=np.concatenate((one.arrival_ns, two.arrival_ns)),
        verdicts=np.concatenate((one.verdicts, two.verdicts)),
        sources=np.concatenate((one.sources, two.sources)),
    )


def _select(batch: Batch, mask: NDArray[np.bool_]) -> Batch:
    return replace(
        batch,
        rows=batch.rows[mask],
        lengths=batch.lengths[mask],
        legs=batch.legs[mask],
        arrival_ns=batch.arrival_ns[mask],
        verdicts=batch.verdicts[mask],
        sources=batch.sources[mask],
    )
