"""One heap of timers for the whole user agent, cancelled lazily."""

from __future__ import annotations

import heapq
from collections.abc import Hashable
from typing import Final, Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)

_SLACK: Final = 256


class Alarms(Generic[Key]):
    """Times at which something is due, at most one a key.

    Re-arming or cancelling only changes the dictionary; an entry of the heap whose
    time is no longer the key's is skipped when it comes up, and swept out once such
    entries outnumber the live ones.
    """

    def __init__(self) -> None:
        self._due: dict[Key, tuple[float, int]] = {}
        self._heap: list[tuple[float, int, Key]] = []
        self._count = 0

    def __len__(self) -> int:
        """How many alarms are set."""
        return len(self._due)

    @property
    def heap_size(self) -> int:
        """Entries kept, those of cancelled alarms too."""
        return len(self._heap)

    def __contains__(self, key: Key) -> bool:
        """The alarm of ``key`` is set."""
        return key in self._due

    def arm(self, key: Key, due: float) -> None:
        """Set or move the alarm of ``key`` to ``due``, monotonic seconds."""
        self._count += 1
        self._due[key] = (due, self._count)
        heapq.heappush(self._heap, (due, self._count, key))
        if len(self._heap) > 2 * len(self._due) + _SLACK:
            self._heap = [(at, number, which) for which, (at, number) in self._due.items()]
            heapq.heapify(self._heap)

    def cancel(self, key: Key) -> None:
        """Forget the alarm of ``key``, if it has one."""
        self._due.pop(key, None)

    def armed(self, key: Key) -> float | None:
        """When ``key`` is due; None when it is not set."""
        entry = self._due.get(key)
        return entry[0] if entry else None

    def next(self) -> float | None:
        """When the earliest alarm is due; None when none is set."""
        self._drop_stale()
        return self._heap[0][0] if self._heap else None

    def pop(self, now: float) -> Key | None:
        """Take the earliest alarm due at or before ``now``; None when there is none."""
        self._drop_stale()
        if not self._heap or self._heap[0][0] > now:
            return None
        key = heapq.heappop(self._heap)[2]
        del self._due[key]
        return key

    def _drop_stale(self) -> None:
        while self._heap:
            due, number, key = self._heap[0]
            if self._due.get(key) == (due, number):
                return
            heapq.heappop(self._heap)
