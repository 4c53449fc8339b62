"""A session description as values (RFC 8866), and how it is written.

Reading is in ``parser``. What the values do not name (``b=``, ``i=``, ``k=``, unknown types) is
kept as raw lines, so that a description that was read can be written again.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final

from mediaserver.sdp.errors import SdpError

Line = tuple[str, str]
"""Type letter and value of a line nobody here acts on."""

SESSION_ORDER: Final = {"i": 0, "u": 0, "e": 0, "p": 0, "b": 1, "r": 2, "z": 2}
"""Where raw session lines stand: before ``c=``, before ``t=``, after it; all else ``LAST``, before ``a=``."""
LAST: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribute:
    """One ``a=`` line; ``value`` None for a flag."""

    name: str
    value: str | None = None

    def __str__(self) -> str:
        return self.name if self.value is None else f"{self.name}:{self.value}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """The ``o=`` line. Ids stay text: peers write numbers longer than 64 bits, and letters."""

    username: str = "-"
    session_id: str
    version: str
    network: str = "IN"
    address_type: str = "IP4"
    address: str

    def __str__(self) -> str:
        return f"{self.username} {self.session_id} {self.version} {self.network} {self.address_type} {self.address}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """One ``c=`` line."""

    network: str = "IN"
    address_type: str = "IP4"
    address: str
    """IP address or host name."""
    suffix: str = ""
    """What follows a slash: TTL and number of addresses of a multicast group."""

    def __str__(self) -> str:
        tail = f"/{self.suffix}" if self.suffix else ""
        return f"{self.network} {self.address_type} {self.address}{tail}"

    @property
    def ip(self) -> IPv4Address | IPv6Address | None:
        """The address, whichever type was claimed for it; None for a name or another network.

        An IPv4 address in IPv6 clothes (``::ffff:192.0.2.1``, RFC 5118 4.10) is taken for what it is, and
        a zone (``%eth0``), which means something on the peer's machine only, is left out.
        """
        if self.network.upper() != "IN":
            return None
        try:
            address = ip_address(self.address.strip("[]"))
        except ValueError:
            return None
        if isinstance(address, IPv6Address):
            return address.ipv4_mapped or IPv6Address(int(address))
        return address

    @property
    def multicast(self) -> bool:
        """A group address, or one that is written like one."""
        return bool(self.suffix) or (self.ip is not None and self.ip.is_multicast)

    @property
    def nowhere(self) -> bool:
        """0.0.0.0 or ::, the hold of RFC 2543, and its name for hosts without IPv4 (``.invalid``, RFC 6157)."""
        if self.ip is not None:
            return self.ip.is_unspecified
        return self.address.lower().rstrip(".").endswith(".invalid")


def connection_to(host: str) -> Connection:
    """The ``c=`` of an IP address of ours."""
    try:
        address = ip_address(host)
    except ValueError as error:
        raise SdpError("host", f"{host!r} is not an IP address") from error
    return Connection(address_type=f"IP{address.version}", address=str(address))


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaDescription:
    """One ``m=`` line with the lines that belong to it."""

    kind: str
    """``audio``, ``video``, ``image``, ``application`` ... as it came."""
    port: int
    """0: refused, or taken out."""
    port_count: int = 1
    protocol: str
    formats: tuple[str, ...]
    connections: tuple[Connection, ...] = ()
    attributes: tuple[Attribute, ...] = ()
    lines: tuple[Line, ...] = ()
    """``i=``, ``b=``, ``k=`` and unknown types."""

    def values(self, name: str) -> tuple[str, ...]:
        """Values of every attribute of this name (any case), a flag's being empty."""
        return _values(self.attributes, name)

    def value(self, name: str) -> str | None:
        """Value of the first attribute of this name; empty for a flag, None when there is none."""
        return next(iter(self.values(name)), None)

    @property
    def record(self) -> str | None:
        """``on``, ``off`` or ``paused``: the state told by who records (RFC 7866 8.1.2)."""
        return _word(self.value("record"))

    @property
    def record_preference(self) -> str | None:
        """``on``, ``off``, ``pause`` or ``nopreference``: what a record-aware peer asks for (RFC 7866 8.1.1)."""
        return _word(self.value("recordpref"))

    def printed(self) -> Iterable[str]:
        """The lines, without their ends."""
        count = f"/{self.port_count}" if self.port_count != 1 else ""
        yield " ".join((f"m={self.kind}", f"{self.port}{count}", self.protocol, *self.formats))
        yield from _printed(line for line in self.lines if line[0] == "i")
        yield from (f"c={connection}" for connection in self.connections)
        yield from _printed(line for line in self.lines if line[0] != "i")
        yield from (f"a={attribute}" for attribute in self.attributes)


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionDescription:
    """A whole description."""

    origin: Origin
    name: str = "-"
    connections: tuple[Connection, ...] = ()
    """At session level; more than one is against the rules, the first counts."""
    timing: tuple[tuple[int, int], ...] = ((0, 0),)
    attributes: tuple[Attribute, ...] = ()
    lines: tuple[Line, ...] = ()
    """``i=``, ``u=``, ``e=``, ``p=``, ``b=``, ``r=``, ``z=``, ``k=`` and unknown types."""
    media: tuple[MediaDescription, ...] = ()

    def values(self, name: str) -> tuple[str, ...]:
        """Values of every session-level attribute of this name (any case), a flag's being empty."""
        return _values(self.attributes, name)

    def value(self, name: str) -> str | None:
        """Value of the first session-level attribute of this name; empty for a flag, None when there is none."""
        return next(iter(self.values(name)), None)

    def connection_of(self, media: MediaDescription) -> Connection | None:
        """The ``c=`` that holds for an ``m=``: its own, else the session's."""
        return next(iter((*media.connections, *self.connections)), None)

    def __str__(self) -> str:
        return "".join(f"{line}\r\n" for line in self._printed())

    def __bytes__(self) -> bytes:
        return str(self).encode("utf-8", "surrogateescape")

    def _printed(self) -> Iterable[str]:
        yield "v=0"
        yield f"o={self.origin}"
        yield f"s={self.name or '-'}"
        yield from self._printed_lines(0)
        yield from (f"c={connection}" for connection in self.connections)
        yield from self._printed_lines(1)
        yield from (f"t={start} {stop}" for start, stop in self.timing)
        yield from self._printed_lines(2)
        yield from self._printed_lines(LAST)
        yield from (f"a={attribute}" for attribute in self.attributes)
        for media in self.media:
            yield from media.printed()

    def _printed_lines(self, place: int) -> Iterable[str]:
        return _printed(line for line in self.lines if SESSION_ORDER.get(line[0], LAST) == place)


def _printed(lines: Iterable[Line]) -> Iterable[str]:
    return (f"{kind}={value}" for kind, value in lines)


def _values(attributes: tuple[Attribute, ...], name: str) -> tuple[str, ...]:
    wanted = name.lower()
    return tuple(entry.value or "" for entry in attributes if entry.name.lower() == wanted)


def _word(value: str | None) -> str | None:
    return None if value is None else value.strip().lower()
