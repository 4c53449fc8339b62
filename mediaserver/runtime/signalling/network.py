"""UDP as the SIP shell needs it: real sockets here; in virtual time an in-memory network takes this place."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

Receive = Callable[[bytes, tuple[str, int]], None]

SOCKET_BUFFER_BYTES = 4 * 1024 * 1024


class DatagramSocket(Protocol):
    """One bound UDP port."""

    address: tuple[str, int]

    def send(self, data: bytes, to: tuple[str, int]) -> None:
        """Send one datagram; errors of the network are nobody's news."""
        ...

    def close(self) -> None:
        """Release the port."""
        ...


class DatagramNetwork(Protocol):
    """Opens UDP ports."""

    async def open(self, host: str, port: int, receive: Receive) -> DatagramSocket:
        """Bind; OSError when it cannot. Port 0 picks a free one."""
        ...


class _Udp(asyncio.DatagramProtocol):
    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self.address = ("", 0)
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.DatagramTransport) or hasattr(transport, "sendto")
        self._transport = transport  # type: ignore[assignment]  # uvloop's transports are no subclass
        self.address = transport.get_extra_info("sockname")[:2]

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._receive(data, (addr[0], addr[1]))

    def send(self, data: bytes, to: tuple[str, int]) -> None:
        if self._transport is not None:
            self._transport.sendto(data, to)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()


class SystemNetwork:
    """The machine's own UDP."""

    async def open(self, host: str, port: int, receive: Receive) -> DatagramSocket:
        """Bind a UDP socket on the running loop."""
        loop = asyncio.get_running_loop()
        _, protocol = await loop.create_datagram_endpoint(lambda: _Udp(receive), local_addr=(host, port))
        return protocol
