"""Guessing passwords gets slower with every wrong one."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

FREE_TRIES: Final = 5
FIRST_WAIT_S: Final = 2.0
LONGEST_WAIT_S: Final = 300.0
FORGOTTEN_AFTER_S: Final = 900.0
MAX_KEYS: Final = 10_000


@dataclass(slots=True)
class _Failures:
    count: int
    last: float


class Throttle:
    """Counts failures by key (a user name, an address); after some in a row each next one doubles the wait."""

    def __init__(self, now: Callable[[], float], *, free_tries: int = FREE_TRIES) -> None:
        """``now`` is monotonic seconds; ``free_tries`` may fail before any wait."""
        self._now = now
        self._free_tries = free_tries
        self._failures: OrderedDict[str, _Failures] = OrderedDict()

    def wait_s(self, key: str) -> float:
        """Seconds until the next try is allowed; 0 when it is."""
        failures = self._failures.get(key)
        if failures is None or failures.count < self._free_tries:
            return 0.0
        wait_s = min(FIRST_WAIT_S * 2.0 ** min(failures.count - self._free_tries, 20), LONGEST_WAIT_S)
        return max(0.0, failures.last + wait_s - self._now())

    def failed(self, key: str) -> None:
        """One more wrong try."""
        now = self._now()
        failures = self._failures.setdefault(key, _Failures(0, now))
        if now - failures.last > FORGOTTEN_AFTER_S:
            failures.count = 0
        failures.count += 1
        failures.last = now
        self._failures.move_to_end(key)
        while len(self._failures) > MAX_KEYS:
            self._failures.popitem(last=False)

    def succeeded(self, key: str) -> None:
        """The right one: forget the wrong ones."""
        self._failures.pop(key, None)
