"""The asyncio shell around the SIP user agent: sockets, one loop timer, and nothing else."""

from __future__ import annotations

import asyncio
import ssl
from collections import Counter
from collections.abc import Callable
from typing import Final

from mediaserver.runtime.clock import Clock
from mediaserver.runtime.signalling.network import DatagramNetwork, DatagramSocket
from mediaserver.runtime.signalling.streams import Streams
from mediaserver.sip.events import Discarded, SipEvent
from mediaserver.sip.hops import Hop, Transport
from mediaserver.sip.user_agent import UserAgent

_KEEP_ALIVES: Final = (b"\r\n\r\n", b"\r\n", b"\x00", b"\x00\x00\x00\x00", b"")
"""What phones send over UDP to keep a NAT open."""


class SipShell:
    """Carries bytes and time into the user agent, and its bytes and events out."""

    def __init__(self, clock: Clock, network: DatagramNetwork) -> None:
        """Open the sockets, then ``attach`` the agent: it must know its own ports."""
        self.agent: UserAgent
        self._attached = False
        self.on_event: Callable[[SipEvent], None] = _nobody
        self.dropped: Counter[str] = Counter()
        self._clock = clock
        self._network = network
        self._udp: list[DatagramSocket] = []
        self.streams = Streams(self.receive, self._closed, lambda reason: self.dropped.update((reason,)))
        self._alarm: asyncio.TimerHandle | None = None
        self._alarm_at: float | None = None
        self._draining = False

    def attach(self, agent: UserAgent, on_event: Callable[[SipEvent], None]) -> None:
        """From now on messages are read; those that came before are as good as lost on the way."""
        self.agent = agent
        self.on_event = on_event
        self._attached = True

    async def open_udp(self, host: str, port: int) -> tuple[str, int]:
        """Listen on UDP; the address bound."""
        socket = await self._network.open(host, port, self._datagram)
        self._udp.append(socket)
        return socket.address

    async def open_tcp(self, host: str, port: int) -> int:
        """Listen on TCP; the port bound."""
        return await self.streams.listen(Transport.TCP, host, port, None)

    async def open_tls(self, host: str, port: int, context: ssl.SSLContext) -> int:
        """Listen on TLS; the port bound."""
        return await self.streams.listen(Transport.TLS, host, port, context)

    def close(self) -> None:
        """Stop; what is queued was sent."""
        if self._alarm is not None:
            self._alarm.cancel()
        for socket in self._udp:
            socket.close()
        self.streams.close()

    # --- in ---------------------------------------------------------------------------------

    def _datagram(self, data: bytes, address: tuple[str, int]) -> None:
        if data in _KEEP_ALIVES:
            return
        self.receive(data, Hop(transport=Transport.UDP, host=address[0], port=address[1]))

    def receive(self, data: bytes, source: Hop) -> None:
        """One whole message."""
        if not self._attached:
            return
        self.agent.receive(data, source, self._clock.now())
        self.pump()

    def _closed(self, connection: int) -> None:
        if not self._attached:
            return
        self.agent.connection_closed(connection, self._clock.now())
        self.pump()

    def _wake(self) -> None:
        self._alarm = self._alarm_at = None
        self.agent.handle_timer(self._clock.now())
        self.pump()

    # --- out --------------------------------------------------------------------------------

    def pump(self) -> None:
        """Hand out events and bytes until there are none, then set the one timer."""
        if self._draining:
            return  # an event handler calls back in: the loop below goes on with what it queued
        self._draining = True
        try:
            while True:
                event = self.agent.next_event()
                if event is not None:
                    self._tell(event)
                    continue
                outgoing = self.agent.to_send()
                if not outgoing:
                    break
                for item in outgoing:
                    self._send(item.data, item.hop)
        finally:
            self._draining = False
        self._set_alarm()

    def _tell(self, event: SipEvent) -> None:
        if isinstance(event, Discarded):
            self.dropped[event.reason] += 1
        self.on_event(event)

    def _send(self, data: bytes, hop: Hop) -> None:
        if hop.transport is not Transport.UDP:
            self.streams.send(data, hop, self._failed)
            return
        socket = self._socket_for(hop.host)
        if socket is None:
            self._failed(hop)
        else:
            socket.send(data, (hop.host, hop.port))

    def _socket_for(self, host: str) -> DatagramSocket | None:
        return next((s for s in self._udp if (":" in s.address[0]) == (":" in host)), None)

    def _failed(self, hop: Hop) -> None:
        self.agent.transport_failed(hop, self._clock.now())
        self.pump()

    def _set_alarm(self) -> None:
        due = self.agent.next_timer()
        if due == self._alarm_at:
            return
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm, self._alarm_at = None, due
        if due is not None:
            delay_s = max(0.0, due - self._clock.now())
            self._alarm = asyncio.get_running_loop().call_later(delay_s, self._wake)


def _nobody(event: SipEvent) -> None:
    raise RuntimeError(f"nobody listens to {event}")
