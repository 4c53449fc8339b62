"""One key press, whichever way it came."""

from __future__ import annotations

from dataclasses import dataclass

from callmodel.modes import SteeringChannel

DIGITS = "0123456789*#ABCD"
"""RFC 4733 event codes 0 to 15, in order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DigitPressed:
    """A recognised press: already de-duplicated across RFC 4733, INFO and in-band."""

    digit: str
    """One of ``DIGITS``."""
    at: float
    """Monotonic seconds at which the press was known (its end, or its first packet when the end was lost)."""
    duration_ms: int
    channel: SteeringChannel
