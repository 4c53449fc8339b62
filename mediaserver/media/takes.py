"""Where in the call a recording's samples come from: recorded stretches and pauses, as ticks.

Pauses are exact to the sample. A pause that is told later than the recording has been written can begin only where
the writing stands: what is written is written (the engine writes ``flush_delay_s`` behind for that reason).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """From ``start`` to before ``end``, recorded or paused throughout."""

    start: int
    end: int
    paused: bool


class Takes:
    """The time line of one recording, from its first tick on."""

    def __init__(self, start: int, *, cut: bool) -> None:
        self.start = start
        self._cut = cut
        self._changes: list[tuple[int, bool]] = [(start, False)]

    @property
    def paused(self) -> bool:
        """Whether the last change told was a pause."""
        return self._changes[-1][1]

    @property
    def paused_since(self) -> int:
        """Where the last stretch began."""
        return self._changes[-1][0]

    def change(self, tick: int, *, paused: bool, written: int) -> bool:
        """From ``tick`` on (from ``written``, when that is later) it is paused, or not; False when it was already."""
        if paused == self.paused:
            return False
        at = max(tick, written, self._changes[-1][0])
        if at == self._changes[-1][0] and len(self._changes) > 1:
            self._changes.pop()  # a stretch of no length
        else:
            self._changes.append((at, paused))
        return True

    def stretches(self, start: int, end: int) -> list[Stretch]:
        """The time from ``start`` to ``end``, cut at its changes."""
        found: list[Stretch] = []
        for at, (since, paused) in enumerate(self._changes):
            until = self._changes[at + 1][0] if at + 1 < len(self._changes) else end
            first, last = max(since, start), min(until, end)
            if first < last:
                found.append(Stretch(start=first, end=last, paused=paused))
        return found

    def file_ticks(self, tick: int) -> int:
        """How much of the file lies before a tick of the call."""
        if tick <= self.start:
            return 0
        if not self._cut:
            return tick - self.start
        return sum(s.end - s.start for s in self.stretches(self.start, tick) if not s.paused)
