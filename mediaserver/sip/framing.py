"""Messages out of a byte stream (RFC 3261 18.3), and the keep-alive between them (RFC 5626 3.5.1)."""

from __future__ import annotations

from enum import Enum
from typing import Final

from mediaserver.sip.errors import MessageTooLargeError, SipSyntaxError
from mediaserver.sip.wire import MAX_HEAD_BYTES, stream_length

PONG: Final = b"\r\n"
"""What answers a ping."""
_LINE_END: Final = b"\r\n"
_EMPTY_LINE: Final = b"\r\n\r\n"


class KeepAlive(Enum):
    """What stands between messages."""

    PING = "ping"
    """Two line ends; the other side waits for one (``PONG``)."""


class StreamFramer:
    """Cuts one connection's bytes into messages.

    Once ``broken`` is set nothing more can be cut: send the answers that are due, then close.
    What is returned never depends on how the bytes were split over ``feed`` calls.
    """

    __slots__ = ("_buffer", "_searched", "_wanted", "broken")

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._searched = 0
        """Octets of the buffer known to hold no empty line."""
        self._wanted = 0
        """Octets of the message at the front, head and body; 0 while its head is incomplete."""
        self.broken: SipSyntaxError | None = None
        """Why the stream cannot be followed any further."""

    @property
    def pending(self) -> int:
        """Octets of a message that has begun and not ended."""
        return len(self._buffer)

    def feed(self, data: bytes) -> list[bytes | KeepAlive]:
        """Take what was read; give back whole messages and pings, in order.

        A message whose Content-Length is missing, doubled, no number or too large comes as its head
        alone: ``parse_message(..., datagram=False)`` then says how to refuse it.
        """
        found: list[bytes | KeepAlive] = []
        if self.broken is None:
            self._buffer += data
            while (item := self._next()) is not None:
                found.append(item)
        return found

    def _next(self) -> bytes | KeepAlive | None:
        if self.broken is not None:
            return None
        if not self._wanted:
            if self._skip_line_ends():
                return KeepAlive.PING
            cut = self._read_head()
            if cut is not None or not self._wanted:
                return cut
        return self._cut(self._wanted) if len(self._buffer) >= self._wanted else None

    def _skip_line_ends(self) -> bool:
        """Drop line ends in front of a message; True when two of them made a ping."""
        buffer = self._buffer
        while buffer.startswith(_LINE_END) and not _EMPTY_LINE.startswith(buffer):
            if buffer.startswith(_EMPTY_LINE):
                del buffer[:4]
                return True
            del buffer[:2]
        if buffer == _EMPTY_LINE:
            buffer.clear()
            return True
        return False

    def _read_head(self) -> bytes | None:
        """Learn how long the message in front is; give back its head when that cannot be known."""
        buffer = self._buffer
        if _EMPTY_LINE.startswith(buffer):
            return None
        at = buffer.find(_EMPTY_LINE, self._searched)
        if at > MAX_HEAD_BYTES or (at < 0 and len(buffer) > MAX_HEAD_BYTES + len(_EMPTY_LINE)):
            self._break(MessageTooLargeError("headers", f"longer than {MAX_HEAD_BYTES} octets"))
            return None
        if at < 0:
            self._searched = max(0, len(buffer) - 3)
            return None
        head = bytes(buffer[: at + len(_EMPTY_LINE)])
        try:
            self._wanted = len(head) + stream_length(head[:at])
        except SipSyntaxError as error:
            self._break(error)
            return head
        return None

    def _cut(self, size: int) -> bytes:
        message = bytes(self._buffer[:size])
        del self._buffer[:size]
        self._searched = self._wanted = 0
        return message

    def _break(self, error: SipSyntaxError) -> None:
        self.broken = error
        self._buffer.clear()
