"""The timers of RFC 3261 17 (table 4) and RFC 6026, as one value: no globals.

Timer C belongs to proxies (16.6) and is not here: how long our own INVITE may
ring is the call logic's business.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Timer(StrEnum):
    """Transaction timers by their RFC letter."""

    A = "A"
    """INVITE request retransmission."""
    B = "B"
    """INVITE client gives up."""
    D = "D"
    """INVITE client absorbs repeated failures."""
    E = "E"
    """Non-INVITE request retransmission."""
    F = "F"
    """Non-INVITE client gives up."""
    G = "G"
    """INVITE failure retransmission."""
    H = "H"
    """INVITE server waits for the ACK."""
    I = "I"  # noqa: E741 -- the RFC's own name
    """INVITE server absorbs repeated ACKs."""
    J = "J"
    """Non-INVITE server absorbs repeated requests."""
    K = "K"
    """Non-INVITE client absorbs repeated responses."""
    L = "L"
    """INVITE server absorbs repeated INVITEs after its 2xx (RFC 6026)."""
    M = "M"
    """INVITE client passes further 2xx up (RFC 6026)."""


_RETRANSMITTING = frozenset({Timer.A, Timer.E, Timer.G})
_ABSORBING_T4 = frozenset({Timer.I, Timer.K})
_ABSORBING_64_T1 = frozenset({Timer.D, Timer.J})


@dataclass(frozen=True, slots=True, kw_only=True)
class SipTimers:
    """T1, T2 and T4 in seconds, and what follows from them."""

    t1: float = 0.5
    """Round trip estimate."""
    t2: float = 4.0
    """Longest interval between retransmissions of non-INVITE requests and INVITE responses."""
    t4: float = 5.0
    """How long a message stays in the network."""

    @property
    def give_up(self) -> float:
        """64*T1: after this a silent peer is taken for gone."""
        return 64 * self.t1

    def first(self, timer: Timer, *, reliable: bool) -> float | None:
        """Seconds from arming to the first firing; None when the timer is not used on this transport."""
        if timer in _RETRANSMITTING:
            return None if reliable else self.t1
        if timer in _ABSORBING_T4:
            return 0.0 if reliable else self.t4
        if timer in _ABSORBING_64_T1:
            return 0.0 if reliable else self.give_up
        return self.give_up

    def again(self, timer: Timer, previous: float) -> float:
        """Next interval of a retransmission timer: doubled, and but for A at most T2."""
        return previous * 2 if timer is Timer.A else min(previous * 2, self.t2)
