"""The telephone-event payload (RFC 4733 2.3): what one packet says about one key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

from callmodel.digits import DIGITS
from mediaserver.rtp.errors import RtpError

EVENT_BYTES: Final = 4
MAX_DURATION_TICKS: Final = 0xFFFF
"""Longest duration one segment can tell (RFC 4733 2.5.1.3)."""

FLASH: Final = 16
"""Highest event taken for a key; modem, fax and line signals lie above."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TelephoneEvent:
    """One event block."""

    event: int
    """0 to 255; 0 to 15 are the keys, in the order of ``callmodel.digits.DIGITS``."""
    end: bool = False
    volume: int = 10
    """Power level as dBm0 with the sign dropped, 0 to 63."""
    duration: int
    """Ticks since the RTP timestamp, 0 to 65535."""

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read one block of exactly 4 octets; the reserved bit is ignored."""
        if len(data) != EVENT_BYTES:
            raise RtpError("telephone-event", f"{len(data)} octets, a block has {EVENT_BYTES}")
        return cls(
            event=data[0],
            end=bool(data[1] & 0x80),
            volume=data[1] & 0x3F,
            duration=int.from_bytes(data[2:4], "big"),
        )

    def __bytes__(self) -> bytes:
        """The 4 octets; RtpError for a value that does not fit its field."""
        limits = (("event", self.event, 0xFF), ("volume", self.volume, 0x3F), ("duration", self.duration, 0xFFFF))
        for field, value, limit in limits:
            if not 0 <= value <= limit:
                raise RtpError(field, f"{value} is not within 0 to {limit}")
        return bytes([self.event, (0x80 if self.end else 0) | self.volume]) + self.duration.to_bytes(2, "big")


def parse_events(payload: bytes) -> tuple[TelephoneEvent, ...]:
    """Every block of a payload: one as a rule, several when events are packed (RFC 4733 2.5.1.5).

    A packed event starts where the one before it ends, so its timestamp is the sum of what went before.
    """
    if not payload or len(payload) % EVENT_BYTES:
        raise RtpError("telephone-event", f"{len(payload)} octets are not whole blocks of {EVENT_BYTES}")
    return tuple(TelephoneEvent.parse(payload[at : at + EVENT_BYTES]) for at in range(0, len(payload), EVENT_BYTES))


def digit_of(event: int) -> str | None:
    """The key an event code stands for; None for anything that is not one of the sixteen."""
    return DIGITS[event] if 0 <= event < len(DIGITS) else None


def event_of(digit: str) -> int:
    """The event code of a key; RtpError when it has none."""
    at = DIGITS.find(digit.upper()) if len(digit) == 1 else -1
    if at < 0:
        raise RtpError("digit", f"{digit!r} is not one of {DIGITS}")
    return at
