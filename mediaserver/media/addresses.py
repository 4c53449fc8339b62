"""Socket addresses as the forwarders' shared table has them: raw ``sockaddr`` bytes (Linux layout)."""

from __future__ import annotations

import struct
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mediaserver.media.seam import SOCKADDR_BYTES

_INET: Final = 2
_INET6: Final = 10
_V4 = struct.Struct("=H2s4s8x")
_V6 = struct.Struct("=H2sI16sI")

Address = tuple[str, int]


@lru_cache(maxsize=4096)
def pack_address(address: Address) -> bytes:
    """``sockaddr_in`` (16 bytes) or ``sockaddr_in6`` (28 bytes); ValueError when the host is no IP address."""
    host, port = address
    ip = ip_address(host)
    if not 0 <= port <= 65535:
        raise ValueError(f"port {port} is not within 0 to 65535")
    if isinstance(ip, IPv4Address):
        return _V4.pack(_INET, port.to_bytes(2, "big"), ip.packed)
    return _V6.pack(_INET6, port.to_bytes(2, "big"), 0, ip.packed, int(ip.scope_id or 0) if _numeric(ip) else 0)


@lru_cache(maxsize=4096)
def unpack_address(raw: bytes) -> Address | None:
    """Host and port; None for an address family that is neither IPv4 nor IPv6."""
    family = int.from_bytes(raw[:2], _NATIVE)
    port = int.from_bytes(raw[2:4], "big")
    if family == _INET and len(raw) >= 8:
        return str(IPv4Address(raw[4:8])), port
    if family == _INET6 and len(raw) >= 24:
        mapped = IPv6Address(raw[8:24])
        return str(mapped.ipv4_mapped or mapped), port
    return None


def address_row(address: Address | None) -> tuple[NDArray[np.uint8], int]:
    """The bytes padded to the table's width, and their true length (0 for None)."""
    row = np.zeros(SOCKADDR_BYTES, np.uint8)
    if address is None:
        return row, 0
    raw = pack_address(address)
    row[: len(raw)] = np.frombuffer(raw, np.uint8)
    return row, len(raw)


def same_host(one: str, other: str) -> bool:
    """Whether two texts are the same IP address; a text that is none equals only itself."""
    try:
        return ip_address(one) == ip_address(other)
    except ValueError:
        return one == other


def _numeric(ip: IPv6Address) -> bool:
    return ip.scope_id is not None and ip.scope_id.isdigit()


_NATIVE: Final = "little" if struct.pack("=H", 1) == b"\x01\x00" else "big"
