"""SIP over real TCP connections on the loopback interface: what slow, broken and greedy peers come to."""

from __future__ import annotations

import asyncio
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import pytest

from mediaserver.runtime.signalling import streams as shell
from mediaserver.runtime.signalling.streams import Streams
from mediaserver.sip.hops import Hop, Transport

MESSAGE = b"OPTIONS sip:a SIP/2.0\r\nContent-Length: 0\r\n\r\n"
ENDLESS = b"OPTIONS sip:a SIP/2.0\r\nContent-Length: -1\r\n\r\n"
WAIT_S = 10.0

Reader = asyncio.StreamReader
Writer = asyncio.StreamWriter


@dataclass(slots=True)
class Side:
    """Streams that listen, and what they told."""

    streams: Streams = field(init=False)
    port: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    messages: asyncio.Queue[tuple[bytes, Hop]] = field(default_factory=asyncio.Queue)
    closed: asyncio.Queue[int] = field(default_factory=asyncio.Queue)
    peers: list[Writer] = field(default_factory=list)

    async def connect(self) -> tuple[Reader, Writer]:
        """A peer."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        self.peers.append(writer)
        return reader, writer


@asynccontextmanager
async def listening() -> AsyncIterator[Side]:
    """One that answers each message with ``OK``."""
    side = Side()

    def heard(data: bytes, hop: Hop) -> None:
        side.messages.put_nowait((data, hop))
        side.streams.send(b"OK", hop, lambda hop: None)

    side.streams = Streams(heard, side.closed.put_nowait, lambda reason: side.dropped.update((reason,)))
    side.port = await side.streams.listen(Transport.TCP, "127.0.0.1", 0, None)
    try:
        yield side
    finally:
        side.streams.close()
        for writer in side.peers:
            writer.close()
        for writer in side.peers:
            with suppress(OSError):
                await writer.wait_closed()


async def gone(reader: Reader) -> None:
    """The connection ends, whatever was said before."""
    with suppress(ConnectionResetError):
        while await reader.read(100):
            pass


def run(scenario: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """On a loop of its own, not for ever."""

    async def bounded() -> None:
        async with asyncio.timeout(WAIT_S):
            await scenario()

    asyncio.run(bounded())


def test_a_stream_that_cannot_be_followed_is_closed_after_its_answer() -> None:
    """The head with the impossible length is handed on, so that it gets its 400; then the connection ends."""

    async def scenario() -> None:
        async with listening() as side:
            reader, writer = await side.connect()
            writer.write(ENDLESS + MESSAGE)
            assert await reader.read() == b"OK"
            assert (await side.messages.get())[0] == ENDLESS
            assert side.dropped == {"framing": 1}

    run(scenario)


@pytest.mark.parametrize("begun", [b"", b"OPTIONS sip:a", MESSAGE + b"OPTI"])
def test_a_message_that_does_not_come_to_its_end_closes_the_connection(
    begun: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing at all, a first message that stops, and a later one: each holds a connection for a while only."""
    monkeypatch.setattr(shell, "BEGIN_S", 0.05)
    monkeypatch.setattr(shell, "LOOK_S", 0.02)

    async def scenario() -> None:
        async with listening() as side:
            reader, writer = await side.connect()
            writer.write(begun)
            await gone(reader)
            assert side.dropped == {"unfinished": 1}
            assert len(side.streams) == 0

    run(scenario)


def test_a_connection_that_has_said_something_whole_may_be_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    """A phone without keep-alives stays; pings are answered."""
    monkeypatch.setattr(shell, "BEGIN_S", 0.05)
    monkeypatch.setattr(shell, "LOOK_S", 0.02)

    async def scenario() -> None:
        async with listening() as side:
            reader, writer = await side.connect()
            for octet in MESSAGE:
                writer.write(bytes([octet]))
            assert await reader.readexactly(2) == b"OK"
            other_reader, _ = await side.connect()
            await gone(other_reader)  # by then the first was silent for longer than this one
            writer.write(b"\r\n\r\n")
            assert await reader.readexactly(2) == b"\r\n"

    run(scenario)


def test_there_is_room_for_so_many_connections_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """One more is turned away at once; when another has been silent for long, that one goes instead."""

    async def scenario() -> None:
        async with listening() as side:
            side.streams.most = 1
            first_reader, first = await side.connect()
            first.write(MESSAGE)
            assert await first_reader.readexactly(2) == b"OK"
            turned_away, _ = await side.connect()
            await gone(turned_away)
            assert side.dropped == {"too-many-connections": 1}
            monkeypatch.setattr(shell, "CROWDED_IDLE_S", -1.0)
            third_reader, third = await side.connect()
            third.write(MESSAGE)
            assert await third_reader.readexactly(2) == b"OK"
            await gone(first_reader)

    run(scenario)


def test_messages_to_one_address_share_one_connection() -> None:
    """Also those that are sent while it is being opened; a reply comes over it."""

    async def scenario() -> None:
        async with listening() as side, listening() as other:
            failed: list[Hop] = []
            hop = Hop(transport=Transport.TCP, host="127.0.0.1", port=other.port)
            for _ in range(3):
                side.streams.send(MESSAGE, hop, failed.append)
            sources = {(await other.messages.get())[1].port for _ in range(3)}
            side.streams.send(MESSAGE, hop, failed.append)
            sources.add((await other.messages.get())[1].port)
            assert (len(sources), failed, len(side.streams)) == (1, [], 1)

    run(scenario)


def test_what_cannot_be_reached_is_told_once_for_all() -> None:
    """A port nobody listens on, and an address that is none."""

    async def scenario() -> None:
        async with listening() as side:
            failed: asyncio.Queue[Hop] = asyncio.Queue()
            for hop in (
                Hop(transport=Transport.TCP, host="127.0.0.1", port=1),
                Hop(transport=Transport.TCP, host="127.0.0.1", port=99_999),
                Hop(transport=Transport.TLS, host="127.0.0.1", port=1),
                Hop(transport=Transport.TCP, host="127.0.0.1", port=1, connection=77),
            ):
                side.streams.send(MESSAGE, hop, failed.put_nowait)
                assert await failed.get() == hop

    run(scenario)


def test_a_peer_that_never_reads_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    """What waits for it is bounded."""
    monkeypatch.setattr(shell, "MAX_UNSENT_BYTES", 1000)

    async def scenario() -> None:
        async with listening() as side:
            _, writer = await side.connect()
            writer.write(MESSAGE)
            _, hop = await side.messages.get()
            while len(side.streams):
                side.streams.send(bytes(100_000), hop, lambda hop: None)
                if len(side.streams):
                    await asyncio.sleep(0)
            assert await side.closed.get() == hop.connection
            assert side.dropped == {"unread": 1}

    run(scenario)


def test_a_handshake_that_does_not_end_holds_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A TLS connection without a byte is closed."""
    monkeypatch.setattr(shell, "HANDSHAKE_S", 0.05)

    async def scenario() -> None:
        async with listening() as side:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            port = await side.streams.listen(Transport.TLS, "127.0.0.1", 0, context)
            side.port = port
            reader, _ = await side.connect()
            assert await reader.read() == b""
            assert len(side.streams) == 0

    run(scenario)
