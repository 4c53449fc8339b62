"""From telephone-event packets to key presses, each told once (RFC 4733 2.5.2).

A press is known by its SSRC and RTP timestamp (and event code, for senders that let their clock
stand still between keys). The first packet opens it, whichever it is; the first packet with
the E bit closes it; later copies are absorbed. When the end is lost the press closes with the
next one, or after ``timeout_s`` without a packet. A key held longer than a duration can tell
comes in segments: a new timestamp that takes up where 0xFFFF left off (2.5.1.3).
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from mediaserver.rtp.errors import RtpError
from mediaserver.rtp.sequence import TIMESTAMP_BITS, difference, timestamp_add
from mediaserver.rtp.telephone_event import FLASH, MAX_DURATION_TICKS, TelephoneEvent, digit_of, parse_events

TIMEOUT_S: Final = 0.25
"""Five updates of 50 ms, the slowest RFC 4733 2.5.1.2 recommends."""

_REMEMBERED: Final = 32
"""Closed presses whose late copies are still known."""
_REMEMBERED_S: Final = 10.0

_Key = tuple[int, int, int]


class PressEnd(StrEnum):
    """What closed a press."""

    END = "end"
    """A packet with the E bit."""
    NEXT = "next"
    """The next press began, all ends of this one were lost."""
    TIMEOUT = "timeout"
    """Nothing came any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyPress:
    """One finished press of a key."""

    event: int
    """0 to 16."""
    duration_ticks: int
    """Over all segments; what the last packet that arrived told."""
    volume: int
    """dBm0, sign dropped."""
    ssrc: int
    timestamp: int
    """RTP timestamp of its beginning."""
    opened_at: float
    """``now`` of its first packet."""
    closed_at: float
    ended_by: PressEnd

    @property
    def digit(self) -> str | None:
        """The key; None for the hook flash (16)."""
        return digit_of(self.event)


@dataclass(slots=True, kw_only=True)
class _Open:
    """A press in progress; ``timestamp`` is its present segment's."""

    event: int
    ssrc: int
    began: int
    timestamp: int
    duration: int
    earlier_ticks: int
    volume: int
    opened_at: float
    heard_at: float

    @property
    def key(self) -> _Key:
        return (self.ssrc, self.timestamp, self.event)

    def finished(self, now: float, ended_by: PressEnd) -> KeyPress:
        return KeyPress(
            event=self.event,
            duration_ticks=self.earlier_ticks + self.duration,
            volume=self.volume,
            ssrc=self.ssrc,
            timestamp=self.began,
            opened_at=self.opened_at,
            closed_at=now,
            ended_by=ended_by,
        )


@dataclass(frozen=True, slots=True)
class _Told:
    """A segment that belongs to a press already told, or whose press has gone on to the next."""

    at: float
    """Last heard of."""
    ended: bool
    """Its end was heard: no segment follows."""


class EventReceiver:
    """The telephone-event packets of one leg."""

    def __init__(self, *, timeout_s: float = TIMEOUT_S) -> None:
        self._timeout_s = timeout_s
        self._open: _Open | None = None
        self._closed: OrderedDict[_Key, _Told] = OrderedDict()
        self.malformed = 0
        """Payloads that are not whole event blocks."""
        self.ignored = 0
        """Events that are no key (17 to 255)."""
        self.absorbed = 0
        """Packets of presses already told."""

    @property
    def pressed(self) -> int | None:
        """Event code of the key that is down now, or None."""
        return None if self._open is None else self._open.event

    def receive(
        self, *, timestamp: int, payload: bytes, now: float, marker: bool = False, ssrc: int = 0
    ) -> list[KeyPress]:
        """Take one packet; the presses it finished, oldest first. Never raises: what cannot be read is counted."""
        try:
            events = parse_events(payload)
        except RtpError:
            self.malformed += 1
            return []
        finished: list[KeyPress] = []
        for event in events:
            if event.event > FLASH:
                self.ignored += 1
            else:
                finished.extend(self._take(event, ssrc, timestamp, marker=marker, now=now))
            timestamp = timestamp_add(timestamp, event.duration)
        return finished

    def next_timer(self) -> float | None:
        """When ``handle_timer`` wants to be called; None while no key is down."""
        return None if self._open is None else self._open.heard_at + self._timeout_s

    def handle_timer(self, now: float) -> list[KeyPress]:
        """Close the press of which nothing was heard for too long."""
        due = self.next_timer()
        return self._close(now, PressEnd.TIMEOUT) if due is not None and now >= due else []

    def flush(self, now: float) -> list[KeyPress]:
        """Close what is open: the stream has ended (hold, BYE, a new payload type)."""
        return self._close(now, PressEnd.TIMEOUT)

    def _take(self, event: TelephoneEvent, ssrc: int, timestamp: int, *, marker: bool, now: float) -> list[KeyPress]:
        finished = self.handle_timer(now)
        key = (ssrc, timestamp, event.event)
        if self._is_told(key, now, marker=marker, end=event.end):
            self.absorbed += 1
            return finished
        current = self._open
        if current is None or current.key != key:
            if current is not None and _continues(current, event, ssrc, timestamp, marker=marker):
                self._next_segment(current, timestamp, now)
            elif current is not None and _precedes(current, ssrc, timestamp):
                return [*finished, self._late(event, ssrc, timestamp, now)]
            else:
                finished.extend(self._close(now, PressEnd.NEXT))
                current = self._open = _opened(event, ssrc, timestamp, now)
        current.duration = max(current.duration, event.duration)
        current.volume = event.volume
        current.heard_at = now
        if event.end:
            finished.extend(self._close(now, PressEnd.END))
        return finished

    def _is_told(self, key: _Key, now: float, *, marker: bool, end: bool) -> bool:
        """A packet of a press already told; a key still held after its timeout stays told, over segments too."""
        ssrc, timestamp, event = key
        told = self._recall(key, now)
        if told is None and self._open is None and not marker:
            before = self._recall((ssrc, timestamp_add(timestamp, -MAX_DURATION_TICKS), event), now)
            told = before if before is not None and not before.ended else None
        if told is None:
            return False
        self._remember(key, now, ended=told.ended or end)
        return True

    def _recall(self, key: _Key, now: float) -> _Told | None:
        told = self._closed.get(key)
        return told if told is not None and now - told.at <= _REMEMBERED_S else None

    def _next_segment(self, current: _Open, timestamp: int, now: float) -> None:
        self._remember(current.key, now, ended=True)
        current.timestamp = timestamp
        current.earlier_ticks += MAX_DURATION_TICKS
        current.duration = 0

    def _late(self, event: TelephoneEvent, ssrc: int, timestamp: int, now: float) -> KeyPress:
        """The first that is heard of a press older than the one in progress: tell it, leave the other open."""
        late = _opened(event, ssrc, timestamp, now)
        self._remember(late.key, now, ended=event.end)
        return late.finished(now, PressEnd.END if event.end else PressEnd.NEXT)

    def _close(self, now: float, ended_by: PressEnd) -> list[KeyPress]:
        current, self._open = self._open, None
        if current is None:
            return []
        self._remember(current.key, now, ended=ended_by is PressEnd.END)
        return [current.finished(now, ended_by)]

    def _remember(self, key: _Key, now: float, *, ended: bool) -> None:
        self._closed[key] = _Told(now, ended)
        self._closed.move_to_end(key)
        while len(self._closed) > _REMEMBERED:
            self._closed.popitem(last=False)


def _opened(event: TelephoneEvent, ssrc: int, timestamp: int, now: float) -> _Open:
    return _Open(
        event=event.event,
        ssrc=ssrc,
        began=timestamp,
        timestamp=timestamp,
        duration=event.duration,
        earlier_ticks=0,
        volume=event.volume,
        opened_at=now,
        heard_at=now,
    )


def _continues(current: _Open, event: TelephoneEvent, ssrc: int, timestamp: int, *, marker: bool) -> bool:
    """The next segment of the same key; the packet that told 0xFFFF itself may have been lost."""
    expected = timestamp_add(current.timestamp, MAX_DURATION_TICKS)
    return not marker and (ssrc, timestamp, event.event) == (current.ssrc, expected, current.event)


def _precedes(current: _Open, ssrc: int, timestamp: int) -> bool:
    return ssrc == current.ssrc and difference(timestamp, current.timestamp, TIMESTAMP_BITS) < 0
