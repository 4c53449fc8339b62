"""Nonces that carry their own time and seal, and the memory of those that were used."""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass
from typing import Final

_NONCE: Final = re.compile(r"([0-9a-f]{1,14})\.([0-9a-f]{1,64})\.([0-9a-f]{32})", re.ASCII)
_WINDOW: Final = 64
"""Counts behind the highest one that may still arrive, each once: requests overtake each other on UDP."""
_ALL: Final = (1 << _WINDOW) - 1
_UNCOUNTED: Final = 1 << 32
"""Stands above every nonce count: credentials without one use their nonce up."""


@dataclass(slots=True)
class _Use:
    issued_ms: int
    highest: int = 0
    seen: int = 1
    """Bit n: count ``highest - n`` was used. Counts begin at 1, so 0 is taken from the start."""

    def take(self, count: int) -> bool:
        """Use a count up; False when it was used before, or lies too far back to tell."""
        if count > self.highest:
            ahead = count - self.highest
            self.seen = 1 if ahead >= _WINDOW else (self.seen << ahead | 1) & _ALL
            self.highest = count
            return True
        bit = 1 << (self.highest - count) if self.highest - count < _WINDOW else 0
        if not bit or self.seen & bit:
            return False
        self.seen |= bit
        return True


class NonceBook:
    """Issues nonces without remembering them; remembers counts of used ones, at most ``capacity``.

    When the table is full its oldest entry goes, and with it every nonce of that age or older that is
    not in the table: forgetting can make a nonce stale, never fresh again.
    """

    __slots__ = ("_capacity", "_floor_ms", "_life_ms", "_realm", "_secret", "_uses")

    def __init__(self, *, secret: bytes, realm: str, life_s: float, capacity: int) -> None:
        self._secret = secret
        self._realm = realm
        self._life_ms = int(life_s * 1000)
        self._capacity = capacity
        self._floor_ms = -1
        self._uses: dict[str, _Use] = {}

    def __len__(self) -> int:
        return len(self._uses)

    def issue(self, token: str, now: float) -> str:
        """A new nonce; ``token`` is lower-case hexadecimal chance, ``now`` monotonic seconds from 0 on."""
        body = f"{int(now * 1000):x}.{token}"
        return f"{body}.{self._seal(body)}"

    def use(self, nonce: str, count: int | None, now: float) -> bool:
        """Use up one count of a nonce (None: all of it). False: not ours, too old, or used before."""
        match = _NONCE.fullmatch(nonce)
        if match is None or not hmac.compare_digest(match[3], self._seal(f"{match[1]}.{match[2]}")):
            return False
        issued_ms = int(match[1], 16)
        age_ms = int(now * 1000) - issued_ms
        if not 0 <= age_ms < self._life_ms:
            return False
        use = self._uses.get(nonce)
        if use is None:
            if issued_ms <= self._floor_ms:
                return False
            self._make_room(now)
            use = self._uses[nonce] = _Use(issued_ms)
        return use.take(_UNCOUNTED if count is None else count)

    def _make_room(self, now: float) -> None:
        oldest_alive_ms = int(now * 1000) - self._life_ms
        while self._uses:
            nonce, use = next(iter(self._uses.items()))
            if use.issued_ms > oldest_alive_ms and len(self._uses) < self._capacity:
                return
            self._floor_ms = max(self._floor_ms, use.issued_ms)
            del self._uses[nonce]

    def _seal(self, body: str) -> str:
        return hmac.new(self._secret, f"{self._realm}:{body}".encode(), hashlib.sha256).hexdigest()[:32]
