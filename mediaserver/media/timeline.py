"""What each leg has said, by time: a ring of decoded samples a leg, placed by timestamp, silent where nothing came.

Reordering, loss and duplication solve themselves by placement. The ring holds SPAN ticks; positions are ticks of the
one time line. Rows repeat their first PAD samples at their end, so any frame is one contiguous piece. Legs
that hear G.722 have a ring at 16 kHz beside the one at 8 kHz, which is then filtered from it.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from mediaserver.media.arrays import Ints, Pcm
from mediaserver.media.resample import CONTEXT, doubled, halved
from mediaserver.media.timescale import FRAME_TICKS, TICK_HZ

SPAN: Final = 192 * FRAME_TICKS
"""3.84 s."""
PAD: Final = 480
"""60 ms: the longest packet placed in one piece."""
AHEAD: Final = 30 * FRAME_TICKS
"""How far beyond now a packet may claim to be; the rest of the span is history."""


class Timeline:
    """The rings of all legs of a worker."""

    def __init__(self, rows: int) -> None:
        self._ring = np.zeros((rows, SPAN + PAD), np.int16)
        self._frames = np.lib.stride_tricks.sliding_window_view(self._ring, FRAME_TICKS, axis=1, writeable=True)
        self._wide: dict[int, Pcm] = {}
        self.wide_rows = np.zeros(rows, np.bool_)
        """Rows with 16 kHz audio of their own."""
        self.horizon = 0
        """First tick that may not be written yet; ``horizon - SPAN`` is the oldest that may be read."""

    def reset(self, row: int, *, wide: bool = False) -> None:
        """Silence a row that is used anew."""
        self._ring[row] = 0
        self._wide.pop(row, None)
        self.wide_rows[row] = False
        if wide:
            self.widen(row)

    def widen(self, row: int) -> None:
        """Give a row its 16 kHz ring, filled from what it has."""
        if row not in self._wide:
            wide = np.zeros(2 * SPAN, np.int16)
            at = np.arange(SPAN)
            wide[2 * at] = self._ring[row, :SPAN]
            history = self._ring[row, :SPAN]
            around = np.concatenate([history[-CONTEXT:], history, history[:CONTEXT]])
            wide[:] = doubled(around)
            self._wide[row] = wide
            self.wide_rows[row] = True

    def narrow(self, row: int) -> None:
        """Give up a row's 16 kHz ring; the one at 8 kHz has it all, up to 4 kHz."""
        self._wide.pop(row, None)
        self.wide_rows[row] = False

    def advance(self, horizon: int, rows: int) -> None:
        """Silence the ticks up to ``horizon`` in the first ``rows`` rows: their old content is a span behind."""
        length = horizon - self.horizon
        if length <= 0:
            return
        start = self.horizon % SPAN
        if length >= SPAN:
            self._ring[:rows] = 0
        else:
            for first, last in _pieces(start, length):
                self._ring[:rows, first:last] = 0
                if first < PAD:
                    self._ring[:rows, SPAN + first : SPAN + min(last, PAD)] = 0
        for wide in self._wide.values():
            for first, last in _pieces(start, min(length, SPAN)):
                wide[2 * first : 2 * last] = 0
        self.horizon = horizon

    def put_frames(self, rows: Ints, ticks: Ints, frames: Pcm) -> None:
        """Write one frame each: ``frames`` (n, 160) at ``ticks`` of ``rows``, in order."""
        starts = ticks % SPAN
        self._frames[rows, starts] = frames
        for at in np.flatnonzero((starts < PAD) | (starts > SPAN - FRAME_TICKS)):
            self._mirror(int(rows[at]), int(starts[at]), FRAME_TICKS)

    def put(self, row: int, tick: int, samples: Pcm) -> None:
        """Write up to PAD samples at 8 kHz; in a wide row the 16 kHz ring follows."""
        start = tick % SPAN
        self._ring[row, start : start + samples.size] = samples
        self._mirror(row, start, samples.size)
        if row in self._wide:
            around = self.read(row, tick - CONTEXT, samples.size + 2 * CONTEXT)
            self._put_wide(row, tick, doubled(around))

    def put_wide(self, row: int, tick: int, samples: Pcm) -> None:
        """Write up to 2 * PAD samples at 16 kHz, an even number; the 8 kHz ring follows."""
        self.widen(row)
        self._put_wide(row, tick, samples)
        ticks = samples.size // 2
        # the last samples of the packet before lacked their right-hand context: filter them again
        narrow = halved(self._read_wide(row, tick - 2 * CONTEXT, ticks + 3 * CONTEXT))
        start = (tick - CONTEXT) % SPAN
        for (first, last), part in zip(_pieces(start, narrow.size), _split(start, narrow), strict=True):
            self._ring[row, first:last] = part
            self._mirror(row, first, last - first)

    def silence(self, row: int, tick: int, ticks: int) -> None:
        """Write silence over up to SPAN ticks."""
        for first, last in _pieces(tick % SPAN, ticks):
            self._ring[row, first:last] = 0
            self._mirror(row, first, last - first)
            if row in self._wide:
                self._wide[row][2 * first : 2 * last] = 0

    def frames(self, rows: Ints, ticks: Ints) -> Pcm:
        """(n, 160): one frame each."""
        found: Pcm = self._frames[rows, ticks % SPAN]
        return found

    def frame(self, row: int, tick: int) -> Pcm:
        """One frame of one row: a view, for as long as nothing is written."""
        start = tick % SPAN
        return self._ring[row, start : start + FRAME_TICKS]

    def read(self, row: int, tick: int, count: int) -> Pcm:
        """A copy of up to SPAN samples at 8 kHz."""
        start = tick % SPAN
        if start + count <= SPAN:
            return self._ring[row, start : start + count].copy()
        return np.concatenate([self._ring[row, start:SPAN], self._ring[row, : start + count - SPAN]])

    def read_at(self, row: int, tick: int, ticks: int, rate_hz: int) -> Pcm:
        """A copy of what a leg said in ``ticks`` ticks, at 8 or 16 kHz."""
        if rate_hz == TICK_HZ:
            return self.read(row, tick, ticks)
        if row in self._wide:
            return self._read_wide(row, tick, ticks)
        return doubled(self.read(row, tick - CONTEXT, ticks + 2 * CONTEXT))

    def _put_wide(self, row: int, tick: int, samples: Pcm) -> None:
        wide = self._wide[row]
        start = 2 * (tick % SPAN)
        head = min(samples.size, wide.size - start)
        wide[start : start + head] = samples[:head]
        wide[: samples.size - head] = samples[head:]

    def _read_wide(self, row: int, tick: int, ticks: int) -> Pcm:
        wide = self._wide[row]
        start, count = 2 * (tick % SPAN), 2 * ticks
        if start + count <= wide.size:
            return wide[start : start + count].copy()
        return np.concatenate([wide[start:], wide[: start + count - wide.size]])

    def _mirror(self, row: int, start: int, count: int) -> None:
        """Keep the repeated piece alike on both sides after a write at ``start``."""
        end = start + count
        if end > SPAN:
            self._ring[row, : end - SPAN] = self._ring[row, SPAN:end]
        if start < PAD:
            stop = min(end, PAD)
            self._ring[row, SPAN + start : SPAN + stop] = self._ring[row, start:stop]


def _pieces(start: int, length: int) -> list[tuple[int, int]]:
    """The ring's stretch from ``start`` on, cut where it wraps."""
    if start + length <= SPAN:
        return [(start, start + length)]
    return [(start, SPAN), (0, start + length - SPAN)]


def _split(start: int, samples: Pcm) -> list[Pcm]:
    if start + samples.size <= SPAN:
        return [samples]
    return [samples[: SPAN - start], samples[SPAN - start :]]
