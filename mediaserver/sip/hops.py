"""Where a message came from or goes to."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Transport(StrEnum):
    """Via transport names."""

    UDP = "UDP"
    TCP = "TCP"
    TLS = "TLS"
    WS = "WS"
    WSS = "WSS"

    @property
    def reliable(self) -> bool:
        """No retransmission timers over it (RFC 3261 17)."""
        return self is not Transport.UDP


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """One next hop: an address, and for connected transports the connection to use."""

    transport: Transport
    host: str
    """IP address without brackets."""
    port: int
    connection: int | None = None
    """Number of an open connection; None for UDP, or to open one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """One message to put on the wire."""

    data: bytes
    hop: Hop
