"""Which RTP port pairs are free: even ports of a range, given out in turn, rested before they are used again."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Final

from callmodel.errors import ConfigError

REST_S: Final = 5.0
"""A released pair is not given out for this long: what its last peer still sends must not reach the next call."""
LEAST_REST_S: Final = 0.5
"""When no pair is free, the one that has rested for longest will do after this long: better than refusing a call.
A late packet from the last peer is dropped even then, because a leg takes media from its own peer's address only."""
EPHEMERAL_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")


class PortRange:
    """Pairs of one range, for each local host on its own."""

    def __init__(self, low: int, high: int, now: Callable[[], float], rest_s: float = REST_S) -> None:
        first = low + low % 2
        if not 1024 <= low < high <= 65535 or first + 1 > high:
            raise ConfigError(
                f"rtp ports: {low}-{high} is no range within 1024 to 65535 that holds an even port and the next"
            )
        self._ports = range(first, high, 2)
        self._now = now
        self._rest_s = rest_s
        self._free: dict[str, deque[int]] = {}
        self._resting: dict[str, deque[tuple[float, int]]] = {}
        self._taken: set[tuple[str, int]] = set()

    @property
    def pairs(self) -> int:
        """How many pairs a host has."""
        return len(self._ports)

    def take(self, host: str) -> int | None:
        """The pair that was free for longest, else the one that has rested for longest; None when all are taken."""
        free = self._free.setdefault(host, deque(self._ports))
        resting = self._resting.setdefault(host, deque())
        now = self._now()
        while resting and resting[0][0] <= now:
            free.append(resting.popleft()[1])
        if not free and resting and resting[0][0] - self._rest_s + min(LEAST_REST_S, self._rest_s) <= now:
            free.append(resting.popleft()[1])
        if not free:
            return None
        port = free.popleft()
        self._taken.add((host, port))
        return port

    def give_back(self, host: str, port: int) -> None:
        """Let a pair rest, then be free; a pair that is not taken is left alone."""
        if (host, port) in self._taken:
            self._taken.remove((host, port))
            self._resting[host].append((self._now() + self._rest_s, port))


def ephemeral_overlap(low: int, high: int, source: Path = EPHEMERAL_RANGE) -> tuple[int, int] | None:
    """The kernel's range of ports for outgoing sockets when it meets ours (any program may then sit on our ports)."""
    try:
        first, last = (int(word) for word in source.read_text(encoding="ascii").split())
    except (OSError, ValueError):
        return None
    return (first, last) if low <= last and first <= high else None
