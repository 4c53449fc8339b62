"""What a leg has been sent, for the bench's capture of what each side heard.

Composed frames are kept as they were sent, before encoding. What the forwarder passed on is not kept: it is what the
other side said.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np

from mediaserver.media.arrays import Ints, Pcm
from mediaserver.media.timeline import SPAN, Timeline
from mediaserver.media.timescale import FRAME_TICKS

_SLOTS: Final = SPAN // FRAME_TICKS


@dataclass(slots=True, kw_only=True)
class Tap:
    """One leg that is listened to."""

    users: int = 0
    ring: Pcm = field(default_factory=lambda: np.zeros((_SLOTS, FRAME_TICKS), np.int16))
    stamps: Ints = field(default_factory=lambda: np.full(_SLOTS, -1, np.int64))
    """First tick of the frame in each slot."""
    routes: list[tuple[int, int]] = field(default_factory=list)
    """(tick, row): from then on packets of that row were passed on to the leg; -1 none."""


class Taps:
    """All legs that are listened to."""

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline
        self._taps: dict[int, Tap] = {}

    def open(self, row: int, tick: int, routed_from: int) -> None:
        """Listen to a leg; several recordings may."""
        tap = self._taps.setdefault(row, Tap(routes=[(tick, routed_from)]))
        tap.users += 1

    def close(self, row: int) -> None:
        """One recording listens no more."""
        tap = self._taps.get(row)
        if tap is not None:
            tap.users -= 1
            if tap.users <= 0:
                del self._taps[row]

    def route(self, row: int, routed_from: int, tick: int) -> None:
        """From ``tick`` on the leg hears ``routed_from`` without our doing, or nobody (-1)."""
        tap = self._taps.get(row)
        if tap is not None:
            tap.routes.append((tick, routed_from))

    def sent(self, rows: Ints, tick: int, samples: Pcm) -> None:
        """The frame composed for each row."""
        if self._taps:
            for at, row in enumerate(rows.tolist()):
                self.sent_one(row, tick, samples[at])

    def sent_one(self, row: int, tick: int, samples: Pcm) -> None:
        """The frame composed for one row."""
        tap = self._taps.get(row)
        if tap is not None:
            slot = tick // FRAME_TICKS % _SLOTS
            tap.ring[slot] = samples
            tap.stamps[slot] = tick

    def read(self, row: int, tick: int, ticks: int) -> Pcm:
        """What the leg was sent in a stretch of time, at 8 kHz."""
        out = np.zeros(ticks, np.int16)
        tap = self._taps.get(row)
        if tap is None:
            return out
        end = tick + ticks
        for (since, source), until in zip(tap.routes, [at for at, _ in tap.routes[1:]] + [end], strict=True):
            first, last = max(since, tick), min(until, end)
            if source >= 0 and first < last:
                out[first - tick : last - tick] = self._timeline.read(source, first, last - first)
        while len(tap.routes) > 1 and tap.routes[1][0] <= tick:
            del tap.routes[0]
        for begin in range(tick - tick % FRAME_TICKS, end, FRAME_TICKS):
            slot = begin // FRAME_TICKS % _SLOTS
            if tap.stamps[slot] == begin:
                first, last = max(begin, tick), min(begin + FRAME_TICKS, end)
                out[first - tick : last - tick] = tap.ring[slot, first - begin : last - begin]
        return out
