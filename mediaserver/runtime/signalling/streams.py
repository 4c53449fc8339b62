"""SIP over TCP and TLS: connections, framing by Content-Length, keep-alives (RFC 3261 18, RFC 5626 3.5.1)."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from itertools import count
from typing import Final

from mediaserver.sip.errors import SipSyntaxError
from mediaserver.sip.framing import KeepAlive, StreamFramer
from mediaserver.sip.hops import Hop, Transport

IDLE_S: Final = 600.0
"""A connection without a byte for so long is closed."""

CONNECT_S: Final = 5.0
MAX_CONNECTIONS: Final = 2000
MAX_UNSENT_BYTES: Final = 1 << 20

OnMessage = Callable[[bytes, Hop], None]
OnClosed = Callable[[int], None]


class Connection(asyncio.Protocol):
    """One TCP or TLS connection."""

    def __init__(self, streams: Streams, transport_name: Transport) -> None:
        self._streams = streams
        self._name = transport_name
        self._framer = StreamFramer()
        self._transport: asyncio.Transport | None = None
        self.number = next(streams.numbers)
        self.hop = Hop(transport=transport_name, host="", port=0, connection=self.number)
        self.heard_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Note the peer; refuse it when there are too many."""
        self._transport = transport  # type: ignore[assignment]  # uvloop's transports are no subclass
        host, port = transport.get_extra_info("peername")[:2]
        self.hop = Hop(transport=self._name, host=host, port=port, connection=self.number)
        if not self._streams.add(self):
            transport.close()

    def data_received(self, data: bytes) -> None:
        """Frame what came; bytes that are no SIP end the connection."""
        self._streams.touch(self)
        try:
            for item in self._framer.feed(data):
                if isinstance(item, KeepAlive):
                    self.send(b"\r\n")
                else:
                    self._streams.on_message(item, self.hop)
        except SipSyntaxError:
            self._streams.count("framing")
            self.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the user agent: nothing more goes this way."""
        self._streams.remove(self)

    def send(self, data: bytes) -> None:
        """Queue bytes; a peer that does not read is dropped."""
        if self._transport is None or self._transport.is_closing():
            return
        if self._transport.get_write_buffer_size() > MAX_UNSENT_BYTES:
            self._transport.abort()
            return
        self._transport.write(data)

    def close(self) -> None:
        """Close after what is queued was sent."""
        if self._transport is not None:
            self._transport.close()


class Streams:
    """All connections, those that came in and those we opened."""

    def __init__(self, on_message: OnMessage, on_closed: OnClosed, count_drop: Callable[[str], None]) -> None:
        self.on_message = on_message
        self.count = count_drop
        self.numbers = count(1)
        self._on_closed = on_closed
        self._connections: dict[int, Connection] = {}
        self._servers: list[asyncio.Server] = []
        self._dialling: set[asyncio.Task[None]] = set()
        self._idle: asyncio.TimerHandle | None = None

    async def listen(self, transport: Transport, host: str, port: int, context: ssl.SSLContext | None) -> int:
        """Accept connections; the port bound."""
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: Connection(self, transport), host, port, ssl=context)
        self._servers.append(server)
        if self._idle is None:
            self._idle = loop.call_later(IDLE_S / 4, self._close_idle)
        return int(server.sockets[0].getsockname()[1])

    def send(self, data: bytes, hop: Hop, failed: Callable[[Hop], None]) -> None:
        """Send over the hop's connection, or open one to its address; ``failed`` when there is no way."""
        connection = self._connections.get(hop.connection) if hop.connection is not None else self._to(hop)
        if connection is not None:
            connection.send(data)
            return
        if hop.transport is not Transport.TCP:
            failed(hop)  # a phone's TLS connection cannot be opened from here: phones have no certificate
            return
        task = asyncio.get_running_loop().create_task(self._dial(data, hop, failed))
        self._dialling.add(task)
        task.add_done_callback(self._dialling.discard)

    def _to(self, hop: Hop) -> Connection | None:
        wanted = (hop.transport, hop.host, hop.port)
        same = (c for c in self._connections.values() if (c.hop.transport, c.hop.host, c.hop.port) == wanted)
        return next(same, None)

    async def _dial(self, data: bytes, hop: Hop, failed: Callable[[Hop], None]) -> None:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(CONNECT_S):
                _, connection = await loop.create_connection(
                    lambda: Connection(self, hop.transport), hop.host, hop.port
                )
        except OSError:
            failed(hop)
            return
        connection.send(data)

    def add(self, connection: Connection) -> bool:
        """Take a connection in, unless there are too many."""
        if len(self._connections) >= MAX_CONNECTIONS:
            self.count("too-many-connections")
            return False
        self._connections[connection.number] = connection
        self.touch(connection)
        return True

    def touch(self, connection: Connection) -> None:
        """Something was heard on it."""
        connection.heard_at = asyncio.get_running_loop().time()

    def remove(self, connection: Connection) -> None:
        """It is closed."""
        if self._connections.pop(connection.number, None) is not None:
            self._on_closed(connection.number)

    def _close_idle(self) -> None:
        loop = asyncio.get_running_loop()
        for connection in tuple(self._connections.values()):
            if loop.time() - connection.heard_at > IDLE_S:
                connection.close()
        self._idle = loop.call_later(IDLE_S / 4, self._close_idle)

    def close(self) -> None:
        """Stop listening and close everything."""
        if self._idle is not None:
            self._idle.cancel()
        for task in self._dialling:
            task.cancel()
        for server in self._servers:
            server.close()
        for connection in tuple(self._connections.values()):
            connection.close()
