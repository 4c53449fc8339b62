"""A SIP message as values: start line, header fields in order with their raw text, body.

Nothing is parsed here and nothing is lost: Via, From, To, Call-ID, CSeq and Record-Route
are echoed from the raw text that came (RFC 3261 8.2.6.2). Typed views are made by ``fields``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

COMPACT: Final = {
    "a": "accept-contact",
    "b": "referred-by",
    "c": "content-type",
    "d": "request-disposition",
    "e": "content-encoding",
    "f": "from",
    "i": "call-id",
    "j": "reject-contact",
    "k": "supported",
    "l": "content-length",
    "m": "contact",
    "n": "identity-info",
    "o": "event",
    "r": "refer-to",
    "s": "subject",
    "t": "to",
    "u": "allow-events",
    "v": "via",
    "x": "session-expires",
    "y": "identity",
}
"""Compact header names (RFC 3261 7.3.3 and the extensions' own)."""

_DISPLAY: Final = {
    "call-id": "Call-ID",
    "cseq": "CSeq",
    "www-authenticate": "WWW-Authenticate",
    "mime-version": "MIME-Version",
    "min-se": "Min-SE",
    "rack": "RAck",
    "rseq": "RSeq",
}


@lru_cache(maxsize=256)
def canonical(name: str) -> str:
    """Lower-case long form of a header name: ``v`` and ``Via`` are both ``via``."""
    lower = name.strip().lower()
    return COMPACT.get(lower, lower)


@dataclass(slots=True)
class Headers:
    """Header fields in order; one entry a line as it came, unfolded, names canonical."""

    items: list[tuple[str, str]] = field(default_factory=list)

    def get(self, name: str) -> str | None:
        """Raw text of the first field with this name, or None."""
        wanted = canonical(name)
        return next((value for key, value in self.items if key == wanted), None)

    def get_all(self, name: str) -> list[str]:
        """Raw text of every field with this name, in order; commas inside are not split."""
        wanted = canonical(name)
        return [value for key, value in self.items if key == wanted]

    def add(self, name: str, value: str | int) -> None:
        """Append a field."""
        self.items.append((canonical(name), str(value)))

    def extend(self, name: str, values: Iterable[str]) -> None:
        """Append one field a value."""
        for value in values:
            self.add(name, value)

    def set(self, name: str, value: str | int) -> None:
        """Replace every field of this name by one, in the first one's place."""
        wanted = canonical(name)
        at = next((i for i, (key, _) in enumerate(self.items) if key == wanted), len(self.items))
        self.items = [item for item in self.items if item[0] != wanted]
        self.items.insert(min(at, len(self.items)), (wanted, str(value)))

    def remove(self, name: str) -> None:
        """Drop every field of this name."""
        wanted = canonical(name)
        self.items = [item for item in self.items if item[0] != wanted]

    def __contains__(self, name: str) -> bool:
        return self.get(name) is not None

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self.items)


@dataclass(slots=True, kw_only=True)
class Request:
    """A SIP request."""

    method: str
    """Case-sensitive, as it came."""
    uri: str
    """Request-URI, raw."""
    headers: Headers = field(default_factory=Headers)
    body: bytes = b""

    def __bytes__(self) -> bytes:
        return _serialize(f"{self.method} {self.uri} SIP/2.0", self.headers, self.body)


@dataclass(slots=True, kw_only=True)
class Response:
    """A SIP response."""

    status: int
    reason: str
    headers: Headers = field(default_factory=Headers)
    body: bytes = b""

    def __bytes__(self) -> bytes:
        return _serialize(f"SIP/2.0 {self.status} {self.reason}", self.headers, self.body)


Message = Request | Response


def display_name(name: str) -> str:
    """Header name as it is usually written: ``call-id`` becomes ``Call-ID``."""
    return _DISPLAY.get(name) or "-".join(part.capitalize() for part in name.split("-"))


def _serialize(start: str, headers: Headers, body: bytes) -> bytes:
    lines = [start]
    lines += [f"{display_name(name)}: {value}" for name, value in headers if name != "content-length"]
    lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode("utf-8", "surrogateescape") + b"\r\n\r\n" + body
