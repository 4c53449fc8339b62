"""Wrong passwords, counted: who guesses has to wait.

Counted by source address and user, so that a guesser elsewhere locks nobody out, and one phone with a forgotten
password behind an office's address leaves its neighbours alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from math import ceil
from typing import Final

TRIES: Final = 10
"""Wrong passwords in a row before there is a wait."""
WAIT_S: Final = 60.0
"""The wait after so many; each further try that comes after it and is wrong begins another one."""
CAPACITY: Final = 10_000
"""Sources and users remembered; the one longest quiet is forgotten first."""
_MAX_USER: Final = 64


@dataclass(slots=True)
class _Count:
    wrong: int = 0
    last_at: float = 0.0


class Throttle:
    """Remembers wrong passwords."""

    __slots__ = ("_capacity", "_counts")

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._counts: dict[tuple[str, str], _Count] = {}

    def __len__(self) -> int:
        return len(self._counts)

    def wait_s(self, host: str, user: str, now: float) -> int:
        """Whole seconds this source has to wait before a password for this user is looked at; 0: none."""
        found = self._counts.get(_key(host, user))
        if found is None or found.wrong < TRIES:
            return 0
        return max(0, ceil(found.last_at + WAIT_S - now))

    def wrong(self, host: str, user: str, now: float) -> None:
        """A wrong password was looked at."""
        key = _key(host, user)
        found = self._counts.pop(key, None) or _Count()
        found.wrong += 1
        found.last_at = now
        self._counts[key] = found  # the newest stands last
        if len(self._counts) > self._capacity:
            del self._counts[next(iter(self._counts))]

    def right(self, host: str, user: str) -> None:
        """The right one came: all is forgiven."""
        self._counts.pop(_key(host, user), None)


def _key(host: str, user: str) -> tuple[str, str]:
    """One host of IPv6 has a whole /64 to speak from."""
    try:
        address = ip_address(host)
    except ValueError:
        return host, user[:_MAX_USER]
    network = str(int(address) >> 64) if isinstance(address, IPv6Address) else host
    return network, user[:_MAX_USER]
