"""RTP data packets (RFC 3550 5.1, 5.3.1): bytes to values and back, every length checked.

``RtpPacket`` is one packet, for slow paths, phones and tests; ``read_headers`` reads the
fixed headers of many datagrams at once, for the bulk step.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from mediaserver.rtp.errors import RtpError

HEADER_BYTES: Final = 12
MAX_PACKET_BYTES: Final = 65507
"""Largest UDP payload over IPv4."""

_FIXED: Final = struct.Struct("!BBHII")
_EXTENSION: Final = struct.Struct("!HH")


def is_rtcp(data: bytes | memoryview) -> bool:
    """RTCP on a port shared with RTP (RFC 5761 4): version 2 and second byte 192 to 223."""
    return len(data) >= 2 and data[0] >> 6 == 2 and 192 <= data[1] <= 223


@dataclass(frozen=True, slots=True, kw_only=True)
class HeaderExtension:
    """RFC 3550 5.3.1: a 16-bit word the profile defines, and whole 32-bit words."""

    profile: int
    data: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class RtpPacket:
    """One RTP packet."""

    payload_type: int
    """0 to 127."""
    sequence: int
    """0 to 65535."""
    timestamp: int
    """Ticks of the payload's clock, modulo 2**32."""
    ssrc: int
    payload: bytes = b""
    marker: bool = False
    csrcs: tuple[int, ...] = ()
    """At most 15."""
    extension: HeaderExtension | None = None
    padding: int = 0
    """Octets after the payload, the count octet included; 0 is no padding."""

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read one datagram; RtpError names the field that does not fit."""
        if len(data) < HEADER_BYTES:
            raise RtpError("header", f"{len(data)} octets, needs {HEADER_BYTES}")
        first, second, sequence, timestamp, ssrc = _FIXED.unpack_from(data)
        if first >> 6 != 2:
            raise RtpError("version", f"{first >> 6}, not 2")
        csrcs, offset = _read_csrcs(data, first & 0x0F)
        extension: HeaderExtension | None = None
        if first & 0x10:
            extension, offset = _read_extension(data, offset)
        padding = _read_padding(data, offset) if first & 0x20 else 0
        return cls(
            payload_type=second & 0x7F,
            sequence=sequence,
            timestamp=timestamp,
            ssrc=ssrc,
            payload=data[offset : len(data) - padding],
            marker=bool(second & 0x80),
            csrcs=csrcs,
            extension=extension,
            padding=padding,
        )

    def __bytes__(self) -> bytes:
        """The datagram; RtpError for a value that does not fit its field."""
        _require_fits(self)
        first = 0x80 | (0x20 if self.padding else 0) | (0x10 if self.extension else 0) | len(self.csrcs)
        second = (0x80 if self.marker else 0) | self.payload_type
        parts = [_FIXED.pack(first, second, self.sequence, self.timestamp, self.ssrc)]
        parts.extend(csrc.to_bytes(4, "big") for csrc in self.csrcs)
        if self.extension is not None:
            parts.append(_EXTENSION.pack(self.extension.profile, len(self.extension.data) // 4))
            parts.append(self.extension.data)
        parts.append(self.payload)
        if self.padding:
            parts.append(bytes(self.padding - 1) + bytes([self.padding]))
        return b"".join(parts)


def _read_csrcs(data: bytes, count: int) -> tuple[tuple[int, ...], int]:
    end = HEADER_BYTES + 4 * count
    if end > len(data):
        raise RtpError("csrc", f"{count} announced, the datagram ends before")
    return struct.unpack_from(f"!{count}I", data, HEADER_BYTES), end


def _read_extension(data: bytes, offset: int) -> tuple[HeaderExtension, int]:
    if offset + 4 > len(data):
        raise RtpError("extension", "the datagram ends before its header")
    profile, words = _EXTENSION.unpack_from(data, offset)
    end = offset + 4 + 4 * words
    if end > len(data):
        raise RtpError("extension", f"{words} words announced, the datagram ends before")
    return HeaderExtension(profile=profile, data=data[offset + 4 : end]), end


def _read_padding(data: bytes, offset: int) -> int:
    padding = data[-1]
    if padding == 0:
        raise RtpError("padding", "a count of 0")
    if offset + padding > len(data):
        raise RtpError("padding", f"{padding} octets announced, {len(data) - offset} there")
    return padding


def _require_fits(packet: RtpPacket) -> None:
    limits = (
        ("payload_type", packet.payload_type, 0x7F),
        ("sequence", packet.sequence, 0xFFFF),
        ("timestamp", packet.timestamp, 0xFFFFFFFF),
        ("ssrc", packet.ssrc, 0xFFFFFFFF),
        ("padding", packet.padding, 0xFF),
        ("csrc count", len(packet.csrcs), 15),
        *(("csrc", csrc, 0xFFFFFFFF) for csrc in packet.csrcs),
    )
    for field, value, limit in limits:
        if not 0 <= value <= limit:
            raise RtpError(field, f"{value} is not within 0 to {limit}")
    extension = packet.extension
    if extension is None:
        return
    if not 0 <= extension.profile <= 0xFFFF:
        raise RtpError("extension", f"profile {extension.profile} is not within 0 to 65535")
    if len(extension.data) % 4 or len(extension.data) > 4 * 0xFFFF:
        raise RtpError("extension", f"{len(extension.data)} octets are not whole words that can be counted")


@dataclass(frozen=True, slots=True, kw_only=True)
class HeaderBatch:
    """Fixed headers of n datagrams; every array has n elements."""

    valid: NDArray[np.bool_]
    """Version 2 and at least 12 octets; the other arrays mean nothing where this is False."""
    plain: NDArray[np.bool_]
    """Valid, and neither CSRC nor extension nor padding: the payload is all from octet 12 on."""
    marker: NDArray[np.bool_]
    payload_type: NDArray[np.uint8]
    sequence: NDArray[np.uint16]
    timestamp: NDArray[np.uint32]
    ssrc: NDArray[np.uint32]


def read_headers(rows: NDArray[np.uint8], lengths: NDArray[np.int32]) -> HeaderBatch:
    """Read the fixed headers of ``rows``, (n, at least 12) octets, of which ``lengths`` (n) each count."""
    head = np.ascontiguousarray(rows[:, :HEADER_BYTES])
    words = head.view(">u4")
    halves = head.view(">u2")
    valid = (lengths >= HEADER_BYTES) & (head[:, 0] >> 6 == 2)
    return HeaderBatch(
        valid=valid,
        plain=valid & (head[:, 0] == 0x80),
        marker=head[:, 1] >= 0x80,
        payload_type=head[:, 1] & np.uint8(0x7F),
        sequence=halves[:, 1].astype(np.uint16),
        timestamp=words[:, 1].astype(np.uint32),
        ssrc=words[:, 2].astype(np.uint32),
    )


def write_headers(
    rows: NDArray[np.uint8],
    *,
    payload_type: NDArray[np.uint8],
    marker: NDArray[np.bool_],
    sequence: NDArray[np.uint16],
    timestamp: NDArray[np.uint32],
    ssrc: NDArray[np.uint32],
) -> None:
    """Write plain fixed headers into the first 12 octets of ``rows`` (n, at least 12); every array has n elements."""
    head = np.empty((len(rows), HEADER_BYTES), dtype=np.uint8)
    words = head.view(">u4")
    head[:, 0] = 0x80
    head[:, 1] = (payload_type & 0x7F) | (marker.astype(np.uint8) << 7)
    head.view(">u2")[:, 1] = sequence
    words[:, 1] = timestamp
    words[:, 2] = ssrc
    rows[:, :HEADER_BYTES] = head
