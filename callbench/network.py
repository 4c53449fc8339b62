"""UDP for synthetic phones: the machine's own, or a network in memory whose delays are virtual."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, Protocol

Address = tuple[str, int]
Receive = Callable[[bytes, Address], None]

FIRST_FREE_PORT: Final = 40_000


class Socket(Protocol):
    """One bound UDP port."""

    address: Address

    def send(self, data: bytes, to: Address) -> None:
        """Send one datagram."""
        ...

    def close(self) -> None:
        """Release the port."""
        ...


class Network(Protocol):
    """Opens UDP ports."""

    async def open(self, host: str, port: int, receive: Receive) -> Socket:
        """Bind; OSError when it cannot. Port 0 picks a free one."""
        ...


class _Udp(asyncio.DatagramProtocol):
    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._transport: asyncio.DatagramTransport | None = None
        self.address: Address = ("", 0)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # uvloop's transports are no subclass
        self.address = transport.get_extra_info("sockname")[:2]

    def datagram_received(self, data: bytes, addr: Address) -> None:
        self._receive(data, (addr[0], addr[1]))

    def send(self, data: bytes, to: Address) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.sendto(data, to)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()


class UdpNetwork:
    """The machine's UDP."""

    async def open(self, host: str, port: int, receive: Receive) -> Socket:
        """Bind on the running loop."""
        _, protocol = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: _Udp(receive), local_addr=(host, port)
        )
        return protocol


Fate = Callable[[bytes, Address, Address], list[float]]
"""What becomes of a datagram from one address to another: a delay in seconds for each copy that arrives."""


def undisturbed(data: bytes, source: Address, destination: Address) -> list[float]:
    """Every datagram arrives once, half a millisecond later."""
    return [0.0005]


class MemoryNetwork:
    """Datagrams between addresses of one process, on the running loop's clock."""

    def __init__(self, fate: Fate = undisturbed) -> None:
        """``fate`` may be replaced at any time: loss, duplication, reordering, jitter."""
        self.fate = fate
        self._receivers: dict[Address, Receive] = {}
        self._others: list[Callable[[bytes, Address, Address], bool]] = []
        self._next_port = FIRST_FREE_PORT
        self._on_the_way: dict[float, list[tuple[bytes, Address, Address]]] = {}
        self.lost = 0
        """Datagrams that nobody was there to take."""

    async def open(self, host: str, port: int, receive: Receive) -> Socket:
        """Take an address."""
        if port == 0:
            port = self._next_port
            self._next_port += 2
        if (host, port) in self._receivers:
            raise OSError(98, "address in use")
        self._receivers[host, port] = receive
        return _MemorySocket(self, (host, port))

    def attach(self, receive: Callable[[bytes, Address, Address], bool]) -> None:
        """Ask ``receive(data, source, destination)`` about datagrams to addresses that were not opened here."""
        self._others.append(receive)

    def transmit(self, data: bytes, source: Address, destination: Address) -> None:
        """Put a datagram on the way."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        for delay_s in self.fate(data, source, destination):
            due = now + delay_s
            waiting = self._on_the_way.get(due)
            if waiting is None:
                # one timer for all that arrives at one instant, in the order of sending
                waiting = self._on_the_way[due] = []
                loop.call_at(due, self._deliver, due)
            waiting.append((data, source, destination))

    def _deliver(self, due: float) -> None:
        for data, source, destination in self._on_the_way.pop(due):
            self._arrive(data, source, destination)

    def _arrive(self, data: bytes, source: Address, destination: Address) -> None:
        receive = self._receivers.get(destination)
        if receive is not None:
            receive(data, source)
        elif not any(other(data, source, destination) for other in self._others):
            self.lost += 1

    def close(self, address: Address) -> None:
        """Nobody is at the address any more."""
        self._receivers.pop(address, None)


class _MemorySocket:
    def __init__(self, network: MemoryNetwork, address: Address) -> None:
        self._network = network
        self.address = address

    def send(self, data: bytes, to: Address) -> None:
        self._network.transmit(data, self.address, to)

    def close(self) -> None:
        self._network.close(self.address)
