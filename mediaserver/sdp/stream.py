"""One ``m=`` line of a peer, read in the light of its session: address, direction, packet time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from mediaserver.sdp.direction import Direction
from mediaserver.sdp.model import Connection, MediaDescription, SessionDescription
from mediaserver.sdp.negotiated import Address

PACKET_TIMES_MS: Final = (10, 20, 30, 40, 60)
"""Packet lengths we send."""

_DIRECTIONS: Final = {direction.value: direction for direction in Direction}

_PROTOCOLS: Final = ("RTP/AVP", "RTP/AVPF")
"""Plain RTP. With AVPF feedback is allowed, not asked for, so it costs nothing to grant (RFC 4585)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """What the peer says about one stream, from its view."""

    media: MediaDescription
    remote: Address | None
    remote_rtcp: Address | None
    """Without rtcp-mux."""
    rtcp_mux: bool
    direction: Direction
    """What it says, less what 0.0.0.0 and port 0 take away."""

    @property
    def held(self) -> bool:
        """It does not want media from us."""
        return not self.direction.receives


def is_audio(media: MediaDescription) -> bool:
    """Whether it is audio over plain RTP, taken out or not."""
    return media.kind.lower() == "audio" and media.protocol.upper() in _PROTOCOLS


def read_stream(session: SessionDescription, index: int) -> Stream:
    """Read line ``index``."""
    media = session.media[index]
    connection = session.connection_of(media)
    direction = _direction(session, media)
    if media.port == 0:
        direction = Direction.INACTIVE
    elif connection is not None and connection.nowhere:
        # RFC 3264 8.4: nothing may be sent to the peer, it may still send to us
        direction = direction.within(Direction.SENDONLY)
    remote = _remote(connection, media.port)
    return Stream(
        media=media,
        remote=remote,
        remote_rtcp=_remote_rtcp(media, remote),
        rtcp_mux=media.value("rtcp-mux") is not None or media.value("rtcp-mux-only") is not None,
        direction=direction,
    )


def packet_time_ms(media: MediaDescription, preferred_ms: int) -> int:
    """The length of packets to send: the peer's ``ptime`` when we can, else ours; never above its ``maxptime``."""
    asked = _milliseconds(media.value("ptime"))
    longest = _milliseconds(media.value("maxptime")) or PACKET_TIMES_MS[-1]
    wanted = asked if asked in PACKET_TIMES_MS else preferred_ms
    if wanted <= longest:
        return wanted
    return max((time for time in PACKET_TIMES_MS if time <= longest), default=PACKET_TIMES_MS[0])


def _direction(session: SessionDescription, media: MediaDescription) -> Direction:
    for attribute in (*media.attributes, *session.attributes):
        said = _DIRECTIONS.get(attribute.name.lower())
        if said is not None:
            return said
    return Direction.SENDRECV


def _remote(connection: Connection | None, port: int) -> Address | None:
    if connection is None or connection.ip is None or connection.ip.is_unspecified or port == 0:
        return None
    return str(connection.ip), port


def _remote_rtcp(media: MediaDescription, remote: Address | None) -> Address | None:
    """``a=rtcp`` (RFC 3605), else the port above; None when there is none."""
    if remote is None:
        return None
    words = (media.value("rtcp") or "").split()
    if words and words[0].isascii() and words[0].isdigit() and len(words[0]) <= 5 and 0 < int(words[0]) <= 0xFFFF:
        given = Connection(network=words[1], address_type=words[2], address=words[3]) if len(words) == 4 else None
        usable = given is not None and given.ip is not None and not given.nowhere and not given.multicast
        host = str(given.ip) if given is not None and usable else remote[0]
        return host, int(words[0])
    return (remote[0], remote[1] + 1) if remote[1] < 0xFFFF else None


def _milliseconds(value: str | None) -> int:
    """Whole milliseconds of a ``ptime``, which some write as a fraction; 0 when it is no number."""
    whole = (value or "").strip().partition(".")[0]
    return int(whole) if whole.isascii() and whole.isdigit() and len(whole) <= 5 else 0
