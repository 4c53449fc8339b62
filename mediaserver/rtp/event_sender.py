"""From digits to telephone-event packets, frame by frame beside the audio they interrupt (RFC 4733 2.5.1).

The stream's frame clock stays the master. For every frame it asks ``frame(timestamp)`` with the RTP
timestamp the frame's audio would carry, and sends what comes back:

* sequence numbers: every packet, event or audio, takes the stream's next one;
* timestamps: an event packet carries its press's first timestamp, the audio after it the frame's own, so the
  audio's clock never jumps or stands still;
* SSRC: the stream's own (RFC 4733 2.1).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from mediaserver.rtp.errors import RtpError
from mediaserver.rtp.sequence import timestamp_add
from mediaserver.rtp.telephone_event import MAX_DURATION_TICKS, TelephoneEvent, event_of

END_COPIES: Final = 3
"""The final packet is sent three times (RFC 4733 2.5.1.4)."""

MIN_PRESS_MS: Final = 40
"""Shortest tone a receiver must accept (ITU-T Q.24)."""
MIN_GAP_MS: Final = 40
MAX_PRESS_MS: Final = 60_000
MAX_QUEUED: Final = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class EventPacket:
    """One telephone-event packet to send."""

    timestamp: int
    payload: bytes
    marker: bool
    """True on the first packet of a press only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventFrame:
    """What to send in one frame."""

    packets: tuple[EventPacket, ...] = ()
    """To send in this order, before audio if there is any."""
    replaces_audio: bool = False
    """The key is down: send no audio in this frame."""


@dataclass(slots=True, kw_only=True)
class _Press:
    """The press being sent; ``timestamp`` and ``sent_ticks`` are its present segment's."""

    event: int
    total_ticks: int
    timestamp: int = 0
    sent_ticks: int = 0
    earlier_ticks: int = 0
    begun: bool = False


class EventSender:
    """Key presses queued for one outgoing stream."""

    def __init__(
        self, *, ptime_ms: int = 20, clock_hz: int = 8000, volume: int = 10, gap_ms: int = 60, duration_ms: int = 100
    ) -> None:
        """``volume`` is dBm0 with the sign dropped; ``duration_ms`` is what ``press`` takes when it is told nothing."""
        if ptime_ms <= 0 or clock_hz <= 0:
            raise RtpError("ptime", "frame and clock must be positive")
        self._frame_ticks = ptime_ms * clock_hz // 1000
        self._ticks_per_ms = clock_hz / 1000
        self._volume = volume
        self._gap_ticks = round(max(gap_ms, MIN_GAP_MS) * self._ticks_per_ms)
        self._duration_ms = duration_ms
        self._queue: deque[_Press] = deque()
        self._current: _Press | None = None
        self._ending: tuple[EventPacket, int] | None = None
        self._quiet_ticks = 0

    @property
    def idle(self) -> bool:
        """Nothing to send, the last copies and the gap after the last press included."""
        return not self._queue and self._current is None and self._ending is None and self._quiet_ticks == 0

    def press(self, digits: str, duration_ms: int | None = None) -> None:
        """Queue presses; a shorter one than 40 ms is made that long. RtpError for what is no key or does not fit."""
        wanted_ms = self._duration_ms if duration_ms is None else duration_ms
        if wanted_ms > MAX_PRESS_MS:
            raise RtpError("duration", f"{wanted_ms} ms, at most {MAX_PRESS_MS}")
        if len(self._queue) + len(digits) > MAX_QUEUED:
            raise RtpError("digits", f"more than {MAX_QUEUED} would wait")
        ticks = round(max(wanted_ms, MIN_PRESS_MS) * self._ticks_per_ms)
        self._queue.extend([_Press(event=event_of(digit), total_ticks=ticks) for digit in digits])

    def frame(self, timestamp: int) -> EventFrame:
        """What goes out in the frame whose audio has ``timestamp``; called once for every frame, in order."""
        if self._current is None and self._quiet_ticks == 0 and self._ending is None and self._queue:
            self._current = self._queue.popleft()
        if self._current is not None:
            return EventFrame(packets=self._advance(self._current, timestamp), replaces_audio=True)
        self._quiet_ticks = max(0, self._quiet_ticks - self._frame_ticks)
        return EventFrame(packets=self._end_copy())

    def _advance(self, press: _Press, timestamp: int) -> tuple[EventPacket, ...]:
        first = not press.begun
        if first:
            press.begun = True
            press.timestamp = timestamp
        press.sent_ticks += self._frame_ticks
        packets: list[EventPacket] = []
        if press.sent_ticks > MAX_DURATION_TICKS and press.earlier_ticks + MAX_DURATION_TICKS < press.total_ticks:
            packets.append(self._packet(press, MAX_DURATION_TICKS))
            press.timestamp = timestamp_add(press.timestamp, MAX_DURATION_TICKS)
            press.earlier_ticks += MAX_DURATION_TICKS
            press.sent_ticks -= MAX_DURATION_TICKS
        left = press.total_ticks - press.earlier_ticks
        end = press.sent_ticks >= left
        packets.append(self._packet(press, min(press.sent_ticks, left), end=end, marker=first))
        if end:
            self._current = None
            self._ending = (packets[-1], END_COPIES - 1)
            self._quiet_ticks = self._gap_ticks
        return tuple(packets)

    def _packet(self, press: _Press, duration: int, *, end: bool = False, marker: bool = False) -> EventPacket:
        block = TelephoneEvent(event=press.event, end=end, volume=self._volume, duration=duration)
        return EventPacket(timestamp=press.timestamp, payload=bytes(block), marker=marker)

    def _end_copy(self) -> tuple[EventPacket, ...]:
        if self._ending is None:
            return ()
        packet, copies = self._ending
        self._ending = (packet, copies - 1) if copies > 1 else None
        return (EventPacket(timestamp=packet.timestamp, payload=packet.payload, marker=False),)


def press_frames(sender: EventSender, timestamp: int, frame_ticks: int = 160) -> Iterator[tuple[int, EventFrame]]:
    """Every frame until the sender is idle, each with its own timestamp, for a stream that starts at ``timestamp``."""
    while not sender.idle:
        yield timestamp, sender.frame(timestamp)
        timestamp = timestamp_add(timestamp, frame_ticks)
