"""What offer and answer settled about the one audio stream of a leg, from our view."""

from __future__ import annotations

from dataclasses import dataclass

from mediaserver.sdp.codecs import KEYS
from mediaserver.sdp.direction import Direction

Address = tuple[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class NegotiatedMedia:
    """One audio stream. Hosts are IP addresses without brackets."""

    codec: str
    """Encoding name of what we send, as in our capabilities."""
    payload_type: int
    """What we send it as: the peer's number."""
    receive_payload_types: tuple[tuple[int, str], ...]
    """What the peer may send: our numbers, with their encoding names."""
    telephone_event_send: int | None = None
    telephone_event_receive: int | None = None
    events: frozenset[int] = KEYS
    """Events the peer takes."""
    remote: Address | None
    """Where to send RTP; None when there is nowhere: 0.0.0.0, a host name, or the stream was taken out."""
    remote_rtcp: Address | None
    """Where to send RTCP; the RTP address with rtcp-mux."""
    rtcp_mux: bool = False
    direction: Direction = Direction.SENDRECV
    """From our view."""
    held: bool = False
    """The peer holds us: it said sendonly or inactive, gave no address, or took the stream out."""
    ptime_ms: int = 20
    """Length of the packets we send."""
    media_index: int = 0
    """Which ``m=`` line it is."""
    record_preference: str | None = None
    """The peer's ``a=recordpref`` (RFC 7866)."""

    @property
    def sends(self) -> bool:
        """We may send (while ``remote`` is None: once an address has been learned)."""
        return self.direction.sends

    @property
    def receives(self) -> bool:
        """We expect media."""
        return self.direction.receives
