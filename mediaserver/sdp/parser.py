"""Bytes to a session description: lenient about style, strict about size.

Lines may end in CRLF, LF or CR; empty lines, unknown types and odd order are let pass. What cannot
mean anything (no ``v=0``, no ``o=``, a broken ``m=`` or ``c=``, too much of anything) is SdpError; nothing
else is raised.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from mediaserver.sdp.errors import SdpError
from mediaserver.sdp.model import (
    LAST,
    SESSION_ORDER,
    Attribute,
    Connection,
    Line,
    MediaDescription,
    Origin,
    SessionDescription,
)

MAX_BYTES: Final = 65536
MAX_LINES: Final = 1000
MAX_LINE_CHARACTERS: Final = 4096
MAX_MEDIA: Final = 32
MAX_FORMATS: Final = 128
_MAX_NUMBER_DIGITS: Final = 20


@dataclass(slots=True)
class _Section:
    """Lines of the session, or of one ``m=``."""

    media: str | None = None
    connections: list[Connection] = field(default_factory=list)
    attributes: list[Attribute] = field(default_factory=list)
    timing: list[tuple[int, int]] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    origin: Origin | None = None
    name: str = "-"


def parse(data: bytes) -> SessionDescription:
    """Read one description of at most 64 KiB; SdpError when it is none."""
    lines = _split(data)
    if not lines or lines[0] != ("v", "0"):
        raise SdpError("v", "a description begins with v=0")
    session = _Section()
    sections = [session]
    for kind, value in lines[1:]:
        if kind == "m":
            if len(sections) > MAX_MEDIA:
                raise SdpError("m", f"more than {MAX_MEDIA}")
            sections.append(_Section(media=value))
        else:
            _take(sections[-1], session, kind, value)
    if session.origin is None:
        raise SdpError("o", "missing")
    return SessionDescription(
        origin=session.origin,
        name=session.name,
        connections=tuple(session.connections),
        timing=tuple(session.timing) or ((0, 0),),
        attributes=tuple(session.attributes),
        lines=tuple(sorted(session.lines, key=lambda line: SESSION_ORDER.get(line[0], LAST))),
        media=tuple(_media(section) for section in sections[1:]),
    )


def _split(data: bytes) -> list[Line]:
    if len(data) > MAX_BYTES:
        raise SdpError("body", f"{len(data)} octets, at most {MAX_BYTES}")
    if b"\0" in data:
        raise SdpError("body", "a zero octet")
    text = data.decode("utf-8", "surrogateescape").replace("\r\n", "\n").replace("\r", "\n")
    lines = [line for line in text.split("\n") if line.strip(" \t")]
    if len(lines) > MAX_LINES:
        raise SdpError("body", f"more than {MAX_LINES} lines")
    return [_line(line) for line in lines]


def _line(line: str) -> Line:
    if len(line) > MAX_LINE_CHARACTERS:
        raise SdpError(line[:1], f"a line of more than {MAX_LINE_CHARACTERS} characters")
    kind, equals, value = line.strip(" \t").partition("=")
    kind = kind.strip(" \t")
    if not equals or len(kind) != 1 or not (kind.isascii() and kind.isalpha()):
        raise SdpError("line", f"{line[:40]!r} is not a letter, an equals sign and a value")
    return kind, value.strip(" \t")


def _take(section: _Section, session: _Section, kind: str, value: str) -> None:
    """Sort one line in. Session lines met after an ``m=`` (a known fault) still count for the session."""
    match kind:
        case "a":
            section.attributes.append(_attribute(value))
        case "c":
            section.connections.append(_connection(value))
        case "o":
            session.origin = session.origin or _origin(value)
        case "s":
            session.name = value or "-"
        case "t":
            session.timing.extend(_timing(value))
        case "v":
            raise SdpError("v", "more than one")
        case _:
            section.lines.append((kind, value))


def _attribute(value: str) -> Attribute:
    name, colon, rest = value.partition(":")
    name = name.strip(" \t")
    if not name:
        raise SdpError("a", "an attribute without a name")
    return Attribute(name=name, value=rest.strip(" \t") if colon else None)


def _origin(value: str) -> Origin:
    words = value.split()
    if len(words) < 6:
        raise SdpError("o", "fewer than six fields")
    # a user name with blanks in it is the fault seen most often: the other five are counted from the end
    return Origin(
        username="_".join(words[:-5]),
        session_id=words[-5],
        version=words[-4],
        network=words[-3],
        address_type=words[-2],
        address=words[-1],
    )


def _connection(value: str) -> Connection:
    words = value.split()
    if len(words) != 3:
        raise SdpError("c", f"{len(words)} fields, not three")
    address, _, suffix = words[2].partition("/")
    if not address:
        raise SdpError("c", "no address")
    return Connection(network=words[0], address_type=words[1], address=address, suffix=suffix)


def _timing(value: str) -> list[tuple[int, int]]:
    words = value.split()
    if len(words) != 2 or not all(_is_number(word) for word in words):
        return []
    return [(int(words[0]), int(words[1]))]


def _media(section: _Section) -> MediaDescription:
    value = section.media or ""
    if not value.isascii():
        # these words are echoed in answers, and none that means anything has other letters
        raise SdpError("m", "letters beyond ASCII")
    words = value.split()
    if len(words) < 3:
        raise SdpError("m", "fewer than three fields")
    port, slash, count = words[1].partition("/")
    if not _is_number(port) or int(port) > 0xFFFF:
        raise SdpError("m", f"{port[:20]!r} is no port")
    if slash and (not _is_number(count) or not 1 <= int(count) <= 0xFFFF):
        raise SdpError("m", f"{count[:20]!r} is no number of ports")
    if len(words) - 3 > MAX_FORMATS:
        raise SdpError("m", f"more than {MAX_FORMATS} formats")
    return MediaDescription(
        kind=words[0],
        port=int(port),
        port_count=int(count) if slash else 1,
        protocol=words[2],
        formats=tuple(words[3:]),
        connections=tuple(section.connections),
        attributes=tuple(section.attributes),
        lines=tuple(sorted(section.lines, key=lambda line: line[0] != "i")),
    )


def _is_number(word: str) -> bool:
    return word.isascii() and word.isdigit() and len(word) <= _MAX_NUMBER_DIGITS
