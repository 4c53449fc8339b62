"""How the main process and a worker talk: length-prefixed pickles of message tuples over a socket pair.

Pickle is for our own values between our own two processes; the socket has no name anyone else could reach.
"""

from __future__ import annotations

import asyncio
import pickle
import socket
import struct
from collections.abc import Callable
from typing import Any, Final

MAX_FRAME_BYTES: Final = 16 << 20
MAX_UNSENT_BYTES: Final = 256 << 20
"""Prompts are sent at the start; a worker that reads no commands after that is dead."""
_LENGTH = struct.Struct("=I")
_READ_BYTES = 1 << 16


class ControlError(Exception):
    """The other side sent something that is no frame, or reads no more."""


def encode(values: tuple[object, ...]) -> bytes:
    """One frame."""
    body = pickle.dumps(values, pickle.HIGHEST_PROTOCOL)
    if len(body) > MAX_FRAME_BYTES:
        raise ControlError(f"a frame of {len(body)} bytes is too long")
    return _LENGTH.pack(len(body)) + body


class Channel:
    """One end, on an asyncio loop. Whole frames come out of ``on_values``; ``on_closed`` is called once, at the end."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        end: socket.socket,
        on_values: Callable[[tuple[Any, ...]], None],
        on_closed: Callable[[], None],
    ) -> None:
        end.setblocking(False)
        self._loop = loop
        self._socket = end
        self._on_values = on_values
        self._on_closed = on_closed
        self._came = bytearray()
        self._unsent = bytearray()
        self.closed = False
        loop.add_reader(end, self._readable)

    def send(self, *values: object) -> None:
        """Queue values as one frame; after the end they go nowhere."""
        if self.closed or not values:
            return
        waiting = bool(self._unsent)
        self._unsent += encode(values)
        if len(self._unsent) > MAX_UNSENT_BYTES:
            self.close()
        elif not waiting:
            self._writable()

    def close(self) -> None:
        """Close this end."""
        if self.closed:
            return
        self.closed = True
        self._loop.remove_reader(self._socket)
        self._loop.remove_writer(self._socket)
        self._socket.close()
        self._on_closed()

    def drain(self) -> None:
        """Take what the other side sent before it ended, then close."""
        while self._readable():
            pass
        self.close()

    def _readable(self) -> bool:
        """Read once; whether there may be more."""
        if self.closed:
            return False
        try:
            piece = self._socket.recv(_READ_BYTES)
        except BlockingIOError:
            return False
        except OSError:
            piece = b""
        self._came += piece
        try:
            if piece:
                self._take_frames()
                return True
        except ControlError:
            pass
        self.close()
        return False

    def _take_frames(self) -> None:
        while not self.closed and len(self._came) >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(self._came)
            if length > MAX_FRAME_BYTES:
                raise ControlError(f"a frame of {length} bytes is too long")
            end = _LENGTH.size + length
            if len(self._came) < end:
                return
            values = pickle.loads(memoryview(self._came)[_LENGTH.size : end].tobytes())  # noqa: S301 - our own child
            del self._came[:end]
            self._on_values(values)

    def _writable(self) -> None:
        try:
            sent = self._socket.send(self._unsent)
        except BlockingIOError:
            sent = 0
        except OSError:
            self.close()
            return
        del self._unsent[:sent]
        if self._unsent:
            self._loop.add_writer(self._socket, self._writable)
        else:
            self._loop.remove_writer(self._socket)
