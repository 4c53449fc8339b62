"""RTCP packets (RFC 3550 6): compound datagrams to values and back, every length checked.

SR, RR, SDES and BYE are read; APP, feedback (RFC 4585), extended reports and whatever
else keeps RTCP's header is skipped, for nobody here acts on it.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from mediaserver.rtp.errors import RtpError

SR: Final = 200
RR: Final = 201
SDES: Final = 202
BYE: Final = 203

_CNAME: Final = 1
_HEADER: Final = struct.Struct("!BBH")
_BLOCK: Final = struct.Struct("!IIIIII")
_SENDER: Final = struct.Struct("!IQIII")
_MAX_COUNT: Final = 31
_MAX_DATAGRAM: Final = 65507


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportBlock:
    """How one source is received (RFC 3550 6.4.1)."""

    ssrc: int
    fraction_lost: int
    """Of 256, since the report before."""
    cumulative_lost: int
    """Signed 24 bits: duplicates make it negative."""
    highest_sequence: int
    """Wraps in the upper, sequence number in the lower 16 bits."""
    jitter: int
    """Timestamp ticks."""
    last_sr: int
    """Middle 32 bits of the NTP timestamp of the last SR; 0 when none came."""
    delay_since_last_sr: int
    """1/65536 s."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SenderReport:
    """What a source has sent, and when its RTP clock showed what (RFC 3550 6.4.1)."""

    ssrc: int
    ntp: int
    """64-bit NTP timestamp, see ``ntp``."""
    rtp_timestamp: int
    packets: int
    octets: int
    reports: tuple[ReportBlock, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiverReport:
    """RFC 3550 6.4.2."""

    ssrc: int
    reports: tuple[ReportBlock, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceDescription:
    """One SDES chunk (RFC 3550 6.5): items as (type, value); CNAME is type 1."""

    ssrc: int
    items: tuple[tuple[int, bytes], ...] = ()

    @property
    def cname(self) -> str | None:
        """The canonical name, undecodable octets replaced."""
        return next((value.decode(errors="replace") for kind, value in self.items if kind == _CNAME), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bye:
    """Sources that leave (RFC 3550 6.6)."""

    ssrcs: tuple[int, ...]
    reason: bytes = b""


RtcpPacket = SenderReport | ReceiverReport | SourceDescription | Bye


def named(ssrc: int, cname: str) -> SourceDescription:
    """The SDES chunk every compound packet needs."""
    return SourceDescription(ssrc=ssrc, items=((_CNAME, cname.encode()),))


# --- bytes to values ---------------------------------------------------------------------------


def parse_compound(data: bytes) -> tuple[RtcpPacket, ...]:
    """Read one datagram (RFC 3550 A.2); RtpError when any packet in it does not fit.

    Reduced-size datagrams (RFC 5506), which need not begin with a report, are taken too.
    """
    packets: list[RtcpPacket] = []
    offset = 0
    if not data:
        raise RtpError("rtcp", "empty")
    while offset < len(data):
        end = _packet_end(data, offset)
        packets.extend(_parse_packet(data[offset:end], last=end == len(data)))
        offset = end
    return tuple(packets)


def _packet_end(data: bytes, offset: int) -> int:
    if offset + 4 > len(data):
        raise RtpError("rtcp", "the datagram ends inside a header")
    first, kind, words = _HEADER.unpack_from(data, offset)
    if first >> 6 != 2:
        raise RtpError("rtcp", f"version {first >> 6}, not 2")
    if not 192 <= kind <= 223:
        raise RtpError("rtcp", f"packet type {kind} is not RTCP's")
    end = offset + 4 * (words + 1)
    if end > len(data):
        raise RtpError("rtcp", f"{words + 1} words announced, the datagram ends before")
    return int(end)


def _parse_packet(packet: bytes, *, last: bool) -> list[RtcpPacket]:
    first, kind, _ = _HEADER.unpack_from(packet)
    count = first & 0x1F
    body = packet[4:]
    if first & 0x20:
        if not last or not body or not 0 < body[-1] <= len(body):
            raise RtpError("rtcp", "padding that does not fit or is not at the end")
        body = body[: len(body) - body[-1]]
    match kind:
        case 200:
            return [_parse_sender_report(body, count)]
        case 201:
            return [ReceiverReport(ssrc=_word(body, 0), reports=_parse_blocks(body, 4, count))]
        case 202:
            return list(_parse_descriptions(body, count))
        case 203:
            return [_parse_bye(body, count)]
        case _:
            return []


def _word(body: bytes, offset: int) -> int:
    if offset + 4 > len(body):
        raise RtpError("rtcp", "a packet ends before its fields")
    return int.from_bytes(body[offset : offset + 4], "big")


def _parse_sender_report(body: bytes, count: int) -> SenderReport:
    if len(body) < _SENDER.size:
        raise RtpError("rtcp", "a sender report without its sender")
    ssrc, ntp, rtp_timestamp, packets, octets = _SENDER.unpack_from(body)
    return SenderReport(
        ssrc=ssrc,
        ntp=ntp,
        rtp_timestamp=rtp_timestamp,
        packets=packets,
        octets=octets,
        reports=_parse_blocks(body, _SENDER.size, count),
    )


def _parse_blocks(body: bytes, offset: int, count: int) -> tuple[ReportBlock, ...]:
    if offset + count * _BLOCK.size > len(body):
        raise RtpError("rtcp", f"{count} report blocks announced, the packet ends before")
    return tuple(_parse_block(body, offset + at * _BLOCK.size) for at in range(count))


def _parse_block(body: bytes, offset: int) -> ReportBlock:
    ssrc, lost, highest, jitter, last_sr, delay = _BLOCK.unpack_from(body, offset)
    cumulative = lost & 0xFFFFFF
    return ReportBlock(
        ssrc=ssrc,
        fraction_lost=lost >> 24,
        cumulative_lost=cumulative - 0x1000000 if cumulative & 0x800000 else cumulative,
        highest_sequence=highest,
        jitter=jitter,
        last_sr=last_sr,
        delay_since_last_sr=delay,
    )


def _parse_descriptions(body: bytes, count: int) -> Iterable[SourceDescription]:
    offset = 0
    for _ in range(count):
        ssrc = _word(body, offset)
        offset += 4
        items: list[tuple[int, bytes]] = []
        while True:
            if offset >= len(body):
                raise RtpError("sdes", "a chunk without its end")
            if body[offset] == 0:
                break
            if offset + 2 > len(body) or offset + 2 + body[offset + 1] > len(body):
                raise RtpError("sdes", "an item longer than its packet")
            end = offset + 2 + body[offset + 1]
            items.append((body[offset], body[offset + 2 : end]))
            offset = end
        offset = offset // 4 * 4 + 4
        yield SourceDescription(ssrc=ssrc, items=tuple(items))


def _parse_bye(body: bytes, count: int) -> Bye:
    ssrcs = tuple(_word(body, 4 * at) for at in range(count))
    rest = body[4 * count :]
    if rest and 1 + rest[0] > len(rest):
        raise RtpError("bye", "a reason longer than its packet")
    return Bye(ssrcs=ssrcs, reason=rest[1 : 1 + rest[0]] if rest else b"")


# --- values to bytes ---------------------------------------------------------------------------


def print_compound(packets: Iterable[RtcpPacket]) -> bytes:
    """One datagram; RtpError for a value that does not fit its field."""
    data = b"".join(_print_packet(packet) for packet in packets)
    if len(data) > _MAX_DATAGRAM:
        raise RtpError("rtcp", f"{len(data)} octets do not fit a datagram")
    return data


def _print_packet(packet: RtcpPacket) -> bytes:
    try:
        match packet:
            case SenderReport():
                sender = _SENDER.pack(packet.ssrc, packet.ntp, packet.rtp_timestamp, packet.packets, packet.octets)
                return _framed(SR, len(packet.reports), sender + _print_blocks(packet.reports))
            case ReceiverReport():
                return _framed(RR, len(packet.reports), packet.ssrc.to_bytes(4, "big") + _print_blocks(packet.reports))
            case SourceDescription():
                return _framed(SDES, 1, _print_description(packet))
            case _:
                return _framed(BYE, len(packet.ssrcs), _print_bye(packet))
    except (struct.error, OverflowError) as error:
        raise RtpError(type(packet).__name__, str(error)) from error


def _framed(kind: int, count: int, body: bytes) -> bytes:
    if count > _MAX_COUNT:
        raise RtpError("rtcp", f"{count} entries, at most {_MAX_COUNT}")
    body += bytes(-len(body) % 4)
    return _HEADER.pack(0x80 | count, kind, len(body) // 4) + body


def _print_blocks(blocks: tuple[ReportBlock, ...]) -> bytes:
    return b"".join(_print_block(block) for block in blocks)


def _print_block(block: ReportBlock) -> bytes:
    lost = block.fraction_lost.to_bytes(1, "big") + block.cumulative_lost.to_bytes(3, "big", signed=True)
    return _BLOCK.pack(
        block.ssrc,
        int.from_bytes(lost, "big"),
        block.highest_sequence,
        block.jitter,
        block.last_sr,
        block.delay_since_last_sr,
    )


def _print_description(chunk: SourceDescription) -> bytes:
    parts = [chunk.ssrc.to_bytes(4, "big")]
    for kind, value in chunk.items:
        if not 1 <= kind <= 255:
            raise RtpError("sdes", f"item type {kind} is not within 1 to 255")
        parts.append(kind.to_bytes(1, "big") + len(value).to_bytes(1, "big") + value)
    return b"".join(parts) + b"\0"


def _print_bye(bye: Bye) -> bytes:
    sources = b"".join(ssrc.to_bytes(4, "big") for ssrc in bye.ssrcs)
    return sources + (len(bye.reason).to_bytes(1, "big") + bye.reason if bye.reason else b"")
