"""One key press may arrive by several ways: count it once.

A phone may send a press as RFC 4733 events, repeat it in a SIP INFO, and let its tone through as well. A press counted
by one channel absorbs the same digit of *another* channel known within the longer of their two durations plus 150 ms,
at most once for each channel: so ``44`` dialled fast on two channels is two presses, not one and not four. The
durations count because one channel may tell a press at its beginning and the other at its end; the 150 ms are the way
an INFO takes through proxies. The same digit again on the *same* channel is always a new press.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Final

from callmodel.digits import DigitPressed
from callmodel.modes import SteeringChannel

ABSORB_MS: Final = 150

PHONE_CHANNELS: Final = frozenset(
    {SteeringChannel.RFC4733, SteeringChannel.SIP_INFO_DTMF, SteeringChannel.IN_BAND},
)
"""The ways in which a phone sends one press more than once; presses by any other way always count."""

_LONGEST_S: Final = 65535 / 8000
"""The longest press RFC 4733 can tell; a longer duration claimed by an INFO is not believed."""

_REMEMBERED: Final = 32
"""Presses that may still absorb; more than anyone dials within the longest press."""


@dataclass(slots=True)
class _Counted:
    press: DigitPressed
    told_by: set[SteeringChannel] = field(default_factory=set)


class Deduplicator:
    """Remembers the last presses of one leg."""

    def __init__(self, absorb_ms: int = ABSORB_MS) -> None:
        self._absorb_s = absorb_ms / 1000
        self._counted: deque[_Counted] = deque(maxlen=_REMEMBERED)

    def admit(self, press: DigitPressed) -> bool:
        """True when this is a new press, False when it is another telling of one already counted."""
        if press.channel not in PHONE_CHANNELS:
            return True
        for counted in self._counted:
            if press.channel not in counted.told_by and self._same(counted.press, press):
                counted.told_by.add(press.channel)
                return False
        self._counted.append(_Counted(press, {press.channel}))
        return True

    def _same(self, first: DigitPressed, second: DigitPressed) -> bool:
        longer_s = max(first.duration_ms, second.duration_ms) / 1000
        within_s = min(longer_s, _LONGEST_S) + self._absorb_s
        # a queue may hand over the earlier of the two last, so the order in time is not asked
        return first.digit == second.digit and abs(second.at - first.at) <= within_s
