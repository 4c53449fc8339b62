"""Whether packets that have come still wait to be read: after a worker was held up, by itself or by the machine.

Arrival times are the kernel's, so a late reading moves nothing; only recordings must not be written past what has been
read. A step that is far too late, or a batch with packets that had waited since before the last step, shows a backlog;
a batch of fresh packets (or none) at the step after shows its end. Each socket is read in order, so what came before
the oldest packet of a batch is all there.
"""

from __future__ import annotations

from typing import Final

from mediaserver.media.timescale import TICK_HZ

SLACK_TICKS: Final = TICK_HZ // 10
"""Packets may wait this much longer than a step: not every round of the loop reads every socket."""
PATIENCE_TICKS: Final = 2 * TICK_HZ
"""After so long recordings go on whatever waits."""
ROOM_TICKS: Final = 9 * TICK_HZ // 4
"""How far recordings may be held back; the ring holds a second more of the past."""


class Backlog:
    """Looked at once a step."""

    def __init__(self, held_up_ticks: int) -> None:
        """``held_up_ticks`` 0: there never is one."""
        self._held_up = held_up_ticks
        self._stepped = 0
        self._since: int | None = None
        """Tick at which it was first seen."""

    def late(self, tick: int) -> bool:
        """Whether the last look is so long ago that a backlog has to be expected."""
        return bool(self._held_up) and tick - self._stepped >= self._held_up

    def rest(self, tick: int) -> None:
        """No leg was open until now: nobody stepped because nothing could wait."""
        self._stepped = tick
        self._since = None

    @property
    def there(self) -> bool:
        """Whether one was seen at the last look."""
        return self._since is not None

    def look(self, tick: int, oldest: int | None) -> bool:
        """At a step: whether packets wait. ``oldest`` is the first arrival of its batch, None when that is empty."""
        waits = self.late(tick) or bool(self._held_up and oldest is not None and oldest < self._stepped - SLACK_TICKS)
        self._stepped = tick
        if not waits:
            self._since = None
        elif self._since is None:
            self._since = tick
        return self._since is not None and tick - self._since < PATIENCE_TICKS
