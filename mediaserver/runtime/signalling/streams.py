"""SIP over TCP and TLS: connections, framing by Content-Length, keep-alives (RFC 3261 18, RFC 5626 3.5.1)."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from itertools import count
from typing import Final

from mediaserver.sip.framing import PONG, KeepAlive, StreamFramer
from mediaserver.sip.hops import Hop, Transport

IDLE_S: Final = 7500.0
"""A connection without a byte for so long is closed: longer than any registration or session interval granted here,
so that a phone which sends no keep-alive is still reached by the requests of its calls."""

BEGIN_S: Final = 32.0
"""A connection must bring its first message, and a message that has begun its end, in so long (as timer F)."""

LOOK_S: Final = 8.0
"""How often connections are looked at for the two above."""

CROWDED_IDLE_S: Final = 600.0
"""When there is no room for another connection, one that was silent for longer has to go (RFC 5626 4.4.1 asks phones
for a keep-alive every two minutes)."""

CONNECT_S: Final = 5.0
HANDSHAKE_S: Final = 10.0
"""A TLS handshake, and the end of a TLS connection, may take so long."""

BACKLOG: Final = 1024
"""Connections that wait to be accepted: all phones come at once after a restart."""

MAX_CONNECTIONS: Final = 2000
MAX_DIALLING: Final = 100
"""Connections being opened; the next is a failure at once."""

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
        self.waits_since: float | None = 0.0
        """Since when a message is due: the first one, or the rest of one; None between messages."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Note the peer; refuse it when there are too many."""
        self._transport = transport  # type: ignore[assignment]  # uvloop's transports are no subclass
        peer = transport.get_extra_info("peername")
        if peer is None:  # it has gone again already
            self.abort()
            return
        self.hop = Hop(transport=self._name, host=peer[0], port=peer[1], connection=self.number)
        self.heard_at = self.waits_since = asyncio.get_running_loop().time()
        if not self._streams.add(self):
            self.abort()

    def data_received(self, data: bytes) -> None:
        """Frame what came; bytes that are no SIP end the connection, after the answers that are due."""
        self.heard_at = asyncio.get_running_loop().time()
        messages = 0
        for item in self._framer.feed(data):
            if isinstance(item, KeepAlive):
                self.send(PONG)
            else:
                messages += 1
                self._streams.on_message(item, self.hop)
        if self._framer.broken is not None:
            self._streams.count("framing")
            self.close()
        elif messages and not self._framer.pending:
            self.waits_since = None
        elif messages or (self._framer.pending and self.waits_since is None):
            self.waits_since = self.heard_at

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the user agent: nothing more goes this way."""
        self._streams.remove(self)

    def send(self, data: bytes) -> None:
        """Queue bytes; a peer that does not read is dropped."""
        if self._transport is None or self._transport.is_closing():
            return
        if self._transport.get_write_buffer_size() > MAX_UNSENT_BYTES:
            self._streams.count("unread")
            self._transport.abort()
            return
        self._transport.write(data)

    def close(self) -> None:
        """Close after what is queued was sent."""
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Close now."""
        if self._transport is not None:
            self._transport.abort()


class Streams:
    """All connections, those that came in and those we opened."""

    def __init__(self, on_message: OnMessage, on_closed: OnClosed, count_drop: Callable[[str], None]) -> None:
        self.on_message = on_message
        self.count = count_drop
        self.numbers = count(1)
        self.most = MAX_CONNECTIONS
        self._on_closed = on_closed
        self._connections: dict[int, Connection] = {}
        self._by_address: dict[tuple[Transport, str, int], Connection] = {}
        self._servers: list[asyncio.Server] = []
        self._dialling: dict[tuple[Transport, str, int], asyncio.Task[None]] = {}
        self._unsent: dict[tuple[Transport, str, int], list[bytes]] = {}
        self._look: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        """Connections that are open."""
        return len(self._connections)

    async def listen(self, transport: Transport, host: str, port: int, context: ssl.SSLContext | None) -> int:
        """Accept connections; the port bound."""
        loop = asyncio.get_running_loop()
        handshake_s = None if context is None else HANDSHAKE_S
        server = await loop.create_server(
            lambda: Connection(self, transport),
            host,
            port,
            ssl=context,
            ssl_handshake_timeout=handshake_s,
            ssl_shutdown_timeout=handshake_s,
            backlog=BACKLOG,
        )
        self._servers.append(server)
        if self._look is None:
            self._look = loop.call_later(LOOK_S, self._close_silent)
        return int(server.sockets[0].getsockname()[1])

    def send(self, data: bytes, hop: Hop, failed: Callable[[Hop], None]) -> None:
        """Send over the hop's connection, or open one to its address; ``failed`` when there is no way."""
        key = (hop.transport, hop.host, hop.port)
        connection = self._by_address.get(key) if hop.connection is None else self._connections.get(hop.connection)
        if connection is not None:
            connection.send(data)
        elif hop.transport is not Transport.TCP or hop.connection is not None:
            failed(hop)  # gone; and a phone's TLS connection cannot be opened from here: phones have no certificate
        elif key in self._dialling:
            self._queue(data, hop, failed)
        elif len(self._dialling) >= MAX_DIALLING:
            self.count("too-many-connections")
            failed(hop)
        else:
            self._unsent[key] = [data]
            self._dialling[key] = asyncio.get_running_loop().create_task(self._dial(key, hop, failed))

    def _queue(self, data: bytes, hop: Hop, failed: Callable[[Hop], None]) -> None:
        """The connection is being opened: this goes over it too."""
        waiting = self._unsent[hop.transport, hop.host, hop.port]
        if sum(map(len, waiting)) > MAX_UNSENT_BYTES:
            failed(hop)
        else:
            waiting.append(data)

    async def _dial(self, key: tuple[Transport, str, int], hop: Hop, failed: Callable[[Hop], None]) -> None:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(CONNECT_S):
                _, connection = await loop.create_connection(
                    lambda: Connection(self, hop.transport), hop.host, hop.port
                )
        except (OSError, ValueError, OverflowError):  # no way there, or no address at all
            connection = None
        finally:
            del self._dialling[key]
            unsent = self._unsent.pop(key)
        if connection is None:
            failed(hop)
            return
        connection.waits_since = None
        for data in unsent:
            connection.send(data)

    def add(self, connection: Connection) -> bool:
        """Take a connection in, unless there are too many."""
        if len(self._connections) >= self.most and not self._make_room(connection.heard_at):
            self.count("too-many-connections")
            return False
        self._connections[connection.number] = connection
        self._by_address[self._key(connection)] = connection
        return True

    def _make_room(self, now: float) -> bool:
        """Close the connection that was silent for longest, when that is long."""
        longest = min(self._connections.values(), key=lambda one: one.heard_at)
        if now - longest.heard_at <= CROWDED_IDLE_S:
            return False
        longest.abort()
        return True

    @staticmethod
    def _key(connection: Connection) -> tuple[Transport, str, int]:
        return connection.hop.transport, connection.hop.host, connection.hop.port

    def remove(self, connection: Connection) -> None:
        """It is closed."""
        if self._by_address.get(self._key(connection)) is connection:
            del self._by_address[self._key(connection)]
        if self._connections.pop(connection.number, None) is not None:
            self._on_closed(connection.number)

    def _close_silent(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        for connection in tuple(self._connections.values()):
            if connection.waits_since is not None and now - connection.waits_since > BEGIN_S:
                self.count("unfinished")
                connection.abort()
            elif now - connection.heard_at > IDLE_S:
                connection.close()
        self._look = loop.call_later(LOOK_S, self._close_silent)

    def close(self) -> None:
        """Stop listening and close everything."""
        if self._look is not None:
            self._look.cancel()
        for task in self._dialling.values():
            task.cancel()
        for server in self._servers:
            server.close()
        for connection in tuple(self._connections.values()):
            connection.close()
