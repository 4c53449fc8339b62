"""Drift between phones' RTP clocks and ours, and the depth of each jitter buffer: looked at every WINDOW_S.

The least transit (arrival less place) of a window is free of jitter. The first window's is the base; what later
windows differ from it is drift. Beyond LIMIT_TICKS a correction by whole frames is asked for, made at the next
silent packet, or at once beyond FORCE_TICKS. So two channels stay within 20 ms however long a call lasts.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from mediaserver.media.arrays import Flags, Ints
from mediaserver.media.legs import NEVER, Legs
from mediaserver.media.streams import MOST_DELAY_TICKS, Streams
from mediaserver.media.timescale import FRAME_TICKS, TICK_HZ

WINDOW_TICKS: Final = 4 * TICK_HZ
LIMIT_TICKS: Final = 100
"""12.5 ms: a correction by one frame leaves at most that much on the other side."""
FORCE_TICKS: Final = 2 * FRAME_TICKS
_ENOUGH_PACKETS: Final = 50


class Clocks:
    """All legs' windows, which end together."""

    def __init__(self, legs: Legs, streams: Streams) -> None:
        self._legs = legs
        self._streams = streams
        self._window_end = 0

    def look(self, tick: int) -> None:
        """End the window when it is time."""
        if tick < self._window_end:
            return
        self._window_end = tick + WINDOW_TICKS
        legs, top = self._legs, self._legs.top
        if not top:
            return
        least, most = legs.transit_min[:top], legs.transit_max[:top]
        enough = legs.anchored[:top] & (legs.received[:top] - legs.window_from[:top] >= _ENOUGH_PACKETS)
        enough &= least < NEVER
        drift = np.where(enough & legs.based[:top], least - legs.transit_base[:top], 0)
        fresh = enough & ~legs.based[:top]
        legs.transit_base[:top][fresh] = least[fresh]
        legs.based[:top][fresh] = True
        for row in np.flatnonzero(np.abs(drift) > LIMIT_TICKS):
            self._ask(int(row), int(drift[row]))
        self._relax(most, top, enough)
        least[:], most[:] = NEVER, -NEVER
        legs.window_from[:top] = legs.received[:top]

    def _ask(self, row: int, drift: int) -> None:
        frames = max(1, (abs(drift) + FRAME_TICKS // 2) // FRAME_TICKS)
        self._legs.correction[row] = frames * FRAME_TICKS * (1 if drift > 0 else -1)
        if abs(drift) > FORCE_TICKS:
            self._streams.correct(row, int(self._legs.timestamp[row] + self._legs.offset[row]) + FRAME_TICKS)

    def _relax(self, most: Ints, top: int, enough: Flags) -> None:
        """Shorten jitter buffers that were not needed, a frame a window."""
        delay = self._legs.play_delay[:top]
        needed = np.clip(FRAME_TICKS * (1 - (-most // FRAME_TICKS)), 2 * FRAME_TICKS, MOST_DELAY_TICKS)
        shorter = enough & (delay > needed)
        delay[shorter] -= FRAME_TICKS
