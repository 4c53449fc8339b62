"""A leg's two UDP sockets, and the two shapes of an address."""

from __future__ import annotations

import errno
import socket
import struct
from ipaddress import ip_address
from typing import Final

import numpy as np

from mediaserver.media.seam import SOCKADDR_BYTES

SO_TIMESTAMPNS: Final = 35
"""Linux: the kernel notes when a datagram came, so that a late reader does not look like a late packet."""
MOST_BACKLOG_NS: Final = 10_000_000_000
"""An arrival further back than this, or in the future, is a wall clock that was set, not a datagram that waited."""
_TRIES = 64
_SIN = struct.Struct("=H")
_SIN6_TAIL = struct.Struct("=I")

Address = tuple[str, int]
"""Numeric host and port, as ``recvfrom`` and ``sendto`` have it (two more members for IPv6 are cut off or allowed)."""


Pair = tuple[socket.socket, socket.socket]
"""RTP and RTCP."""


def bind_pair(host: str, port: int) -> Pair:
    """Non-blocking sockets on ``port`` and ``port + 1`` of a numeric host; on a free even port when it is 0.

    OSError (EADDRINUSE, EADDRNOTAVAIL, EMFILE ...) when they cannot be had, EINVAL for an odd port or a host that is no
    address.
    """
    try:
        family = socket.AF_INET6 if ip_address(host).version == 6 else socket.AF_INET
    except ValueError as error:
        raise OSError(errno.EINVAL, f"{host!r} is not an IP address") from error
    if port % 2 or not 0 <= port <= 65534:
        raise OSError(errno.EINVAL, f"{port} is not an even port")
    if port:
        return _bind(family, host, port)
    for _ in range(_TRIES):
        probe = _socket(family, host, 0)
        free = probe.getsockname()[1] & ~1
        probe.close()
        try:
            return _bind(family, host, free)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
    raise OSError(errno.EADDRINUSE, "no free pair of ports was found")


def _bind(family: int, host: str, port: int) -> Pair:
    rtp = _socket(family, host, port)
    try:
        return rtp, _socket(family, host, port + 1)
    except OSError:
        rtp.close()
        raise


def _socket(family: int, host: str, port: int) -> socket.socket:
    made = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
    try:
        if family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        made.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        made.bind((host, port))
    except OSError:
        made.close()
        raise
    return made


def to_sockaddr(host: str, port: int) -> bytes:
    """A ``struct sockaddr_in`` (16 bytes) or ``sockaddr_in6`` (28) of a numeric address."""
    address = ip_address(host)
    start = port.to_bytes(2, "big")
    if address.version == 4:
        return _SIN.pack(socket.AF_INET) + start + address.packed + bytes(8)
    scope = socket.if_nametoindex(address.scope_id) if address.scope_id else 0
    return _SIN.pack(socket.AF_INET6) + start + bytes(4) + address.packed + _SIN6_TAIL.pack(scope)


def from_sockaddr(raw: bytes) -> Address | None:
    """Host and port of a ``sockaddr``; None when it is not one of the two families."""
    if len(raw) < 16:
        return None
    (family,) = _SIN.unpack_from(raw)
    port = int.from_bytes(raw[2:4], "big")
    if family == socket.AF_INET:
        return socket.inet_ntop(socket.AF_INET, raw[4:8]), port
    if family == socket.AF_INET6 and len(raw) >= SOCKADDR_BYTES:
        return socket.inet_ntop(socket.AF_INET6, raw[8:24]), port
    return None


def send_rtcp(pair: Pair | None, leg: np.void, data: bytes) -> None:
    """To ``remote_rtcp``, errors counted; from the RTP socket when that is ``remote`` too (rtcp-mux, RFC 5761 4)."""
    raw = leg["remote_rtcp"][: leg["remote_rtcp_len"]].tobytes()
    address = from_sockaddr(raw)
    if pair is None or address is None:
        leg["send_errors"] += 1
        return
    muxed = raw == leg["remote"][: leg["remote_len"]].tobytes()
    try:
        pair[0 if muxed else 1].sendto(data, address)
    except OSError:
        leg["send_errors"] += 1
