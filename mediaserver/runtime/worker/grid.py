"""The instants at which a worker steps: whole 20 ms of the machine's clock, each once.

A loop's timers go off up to a millisecond before their time (libuv counts whole ones). A step that took the clock at
its word would find its frame not yet due and send it with the next one, 20 ms late.
"""

from __future__ import annotations

import math
from typing import Final

STEPS_HZ: Final = 50
EARLY_S: Final = 0.002
"""How long before its time a timer may go off."""
_GRAIN: Final = 1e-6
"""Of a step: what a float may lose of an instant on the grid."""


class Grid:
    """One worker's."""

    def __init__(self) -> None:
        self._due = 0.0
        self._reached = 0.0

    def reach(self, now: float) -> float:
        """The instant that a step made ``now`` stands for: the timer's, when it went off a little early."""
        self._reached = self._due if 0 < self._due - now <= EARLY_S else now
        return self._reached

    def after(self, wanted: float, now: float) -> float:
        """First instant of the grid after ``wanted`` and after what has been reached: the next timer's.

        One that is due, and whose timer has yet to go off, stays: a command that comes in between would put off the
        frames of all calls by one.
        """
        if self._reached < self._due <= now:
            return self._due
        latest = max(wanted, now, self._reached)
        self._due = (math.floor(latest * STEPS_HZ + _GRAIN) + 1) / STEPS_HZ
        return self._due
