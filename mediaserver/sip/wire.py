"""Bytes to messages: the only place where what came from the network becomes a Request or a Response.

Two steps. ``parse_message`` finds start line, header lines and body, and nothing more; ``checks``
judges the fields of a request or response before anyone acts on it. Header text stays raw.
"""

from __future__ import annotations

import re
from typing import Final

from mediaserver.sip.errors import BodyTooLargeError, MessageTooLargeError, SipSyntaxError, VersionError
from mediaserver.sip.fields import TCHARS, Via, split_commas
from mediaserver.sip.message import COMPACT, Headers, Message, Request, Response, canonical, display_name
from mediaserver.sip.uri import HOST

MAX_MESSAGE_BYTES: Final = 65_536
MAX_HEAD_BYTES: Final = 32_764
MAX_BODY_BYTES: Final = 32_768
MAX_LINE_CHARS: Final = 16_384
"""Longest header line, folded ones joined."""
MAX_HEADERS: Final = 256

_FOLD: Final = re.compile(rb"\r\n[ \t]++")
_LENGTH_LINE: Final = re.compile(rb"\r\n(?:content-length|l)[ \t]*+:([^\r\n]*+)", re.IGNORECASE)
_REQUEST_LINE: Final = re.compile(rf"({TCHARS}) ([^ \t]++) SIP/2\.0", re.ASCII | re.IGNORECASE)
_VERSION: Final = re.compile(r"([0-9]{1,9})\.([0-9]{1,9})", re.ASCII)
_STATUS_LINE: Final = re.compile(r"SIP/2\.0 ([1-6][0-9]{2})(?: (.*))?", re.ASCII | re.IGNORECASE)
_NAME: Final = re.compile(TCHARS, re.ASCII)
_LOOSE_VIA: Final = re.compile(
    rf"SIP[ \t]*+/[ \t]*+[0-9.]++[ \t]*+/[ \t]*+({TCHARS})[ \t]++({HOST})(?::([0-9]{{1,5}}))?",
    re.ASCII | re.IGNORECASE,
)
_WORDS: Final = (
    *COMPACT.values(), "via", "from", "to", "call-id", "cseq", "contact", "max-forwards", "route", "record-route",
    "content-length", "content-type", "allow", "require", "proxy-require", "expires", "min-expires", "min-se",
    "user-agent", "server", "accept", "authorization", "proxy-authorization", "www-authenticate",
    "proxy-authenticate", "p-asserted-identity", "privacy", "rseq", "rack", "date", "path", "organization",
    "accept-encoding", "accept-language", "allow-events", "reason", "warning", "session-expires",
)  # fmt: skip
# What nearly every line starts with, looked up instead of judged and folded each time.
_KNOWN: Final = {
    spelling: canonical(word)
    for word in (*_WORDS, *COMPACT)
    for spelling in (word, word.upper(), word.capitalize(), display_name(word))
}


class BadRequest(SipSyntaxError):
    """A request that cannot be read in full, but well enough to be answered (unless it is an ACK)."""

    def __init__(self, error: SipSyntaxError, request: Request) -> None:
        super().__init__(error.field, error.why)
        self.error = error
        self.request = request
        """What could be read; top Via, From, To, Call-ID and CSeq are there to be echoed."""
        self.status_hint = error.status_hint


def parse_message(data: bytes, *, datagram: bool = True) -> Message:
    """Read one message.

    ``datagram``: octets behind Content-Length are ignored, and without Content-Length the body is the
    rest (RFC 3261 18.3). Otherwise ``data`` is what the framer cut out of a stream, where a missing
    Content-Length is an error. Raises BadRequest for a request that deserves an answer with its
    ``status_hint``, and any other SipSyntaxError for what must be dropped.
    """
    if len(data) > MAX_MESSAGE_BYTES:
        raise MessageTooLargeError("message", f"longer than {MAX_MESSAGE_BYTES} octets")
    head, body, ended = split_head(data)
    flaw = None if ended else SipSyntaxError("message", "no empty line behind the headers")
    if len(head) > MAX_HEAD_BYTES:
        flaw = MessageTooLargeError("headers", f"longer than {MAX_HEAD_BYTES} octets")
    lines = unfold(head).decode("utf-8", "surrogateescape").split("\r\n")
    start = lines[0]
    if start[:4].upper() == "SIP/":
        return _response(start, lines, body, flaw, datagram=datagram)
    return _request(start, lines, body, flaw, datagram=datagram)


def split_head(data: bytes) -> tuple[bytes, bytes, bool]:
    """Head without its last line end, body, and whether the empty line between them was there.

    Line ends before the start line are ignored (RFC 3261 7.5).
    """
    if data[:1] == b"\r":
        data = data[_leading_line_ends(data) :]
    head, empty_line, body = data.partition(b"\r\n\r\n")
    return (head, body, True) if empty_line else (head.removesuffix(b"\r\n"), b"", False)


def unfold(head: bytes) -> bytes:
    """Continuation lines joined to the line they continue by one space (RFC 3261 7.3.1)."""
    return _FOLD.sub(b" ", head) if b"\r\n " in head or b"\r\n\t" in head else head


def stream_length(head: bytes) -> int:
    """Content-Length of a message on a stream, or SipSyntaxError: missing, twice, not a number, too large."""
    values = _LENGTH_LINE.findall(unfold(head))
    length = _content_length([value.decode("latin-1") for value in values])
    if length is None:
        raise SipSyntaxError("content-length", "missing on a stream")
    return length


def answerable(request: Request) -> bool:
    """True when a response can be built: a sender in the top Via, and what has to be echoed."""
    headers = request.headers
    if any(headers.get(name) is None for name in ("from", "to", "call-id", "cseq")):
        return False
    return readable_via(request) is not None


def readable_via(request: Request) -> Via | None:
    """The top Via; where its version or parameters are broken, its sent-by alone; None when not even that is there."""
    text = request.headers.get("via")
    if text is None:
        return None
    try:
        return Via.parse(split_commas(text)[0])
    except SipSyntaxError:
        match = _LOOSE_VIA.match(text)
    if match is None:
        return None
    port = int(match[3]) if match[3] else None
    return Via(transport=match[1].upper(), host=match[2], port=port if port and port <= 65535 else None)


def is_keepalive(data: bytes) -> bool:
    """True for datagrams of line ends, blanks or NULs only (RFC 5626 3.5.1 and its homemade kin)."""
    return len(data) <= 8 and not data.strip(b"\r\n\0 \t")


def _leading_line_ends(data: bytes) -> int:
    at = 0
    while data.startswith(b"\r\n", at):
        at += 2
    return at


def _response(start: str, lines: list[str], body: bytes, flaw: SipSyntaxError | None, *, datagram: bool) -> Response:
    match = _STATUS_LINE.fullmatch(start)
    if match is None:
        raise SipSyntaxError("status-line", "not SIP/2.0 with a status from 100 to 699")
    headers, error = _headers(lines)
    error = error or flaw
    if error is None:
        body, error = _cut_body(headers, body, datagram=datagram)
    if error is not None:
        raise error
    return Response(status=int(match[1]), reason=match[2] or "", headers=headers, body=body)


def _request(start: str, lines: list[str], body: bytes, flaw: SipSyntaxError | None, *, datagram: bool) -> Request:
    method, uri, error = _request_line(start)
    headers, header_error = _headers(lines)
    error = error or flaw or header_error
    if error is None:
        body, error = _cut_body(headers, body, datagram=datagram)
    request = Request(method=method, uri=uri, headers=headers, body=body)
    if error is None:
        return request
    if answerable(request):
        raise BadRequest(error, request) from error
    raise error


def _request_line(start: str) -> tuple[str, str, SipSyntaxError | None]:
    if len(start) > MAX_LINE_CHARS:
        raise MessageTooLargeError("request-line", f"longer than {MAX_LINE_CHARS} characters")
    match = _REQUEST_LINE.fullmatch(start)
    if match is not None:
        return match[1], match[2], None
    return _loose_request_line(start)


def _loose_request_line(start: str) -> tuple[str, str, SipSyntaxError]:
    """What a broken request line was meant to say, and what is wrong with it."""
    method, _, rest = start.strip(" \t").partition(" ")
    uri, name, version = rest.rpartition("SIP/")
    number = _VERSION.fullmatch(version)
    if not _NAME.fullmatch(method) or not name or number is None:
        raise SipSyntaxError("request-line", "not a SIP request")
    if (int(number[1]), int(number[2])) != (2, 0):
        return method, uri.strip(" \t"), VersionError("request-line", "not SIP/2.0")
    return method, uri.strip(" \t"), SipSyntaxError("request-line", "blanks where none may be, or none where one must")


def _headers(lines: list[str]) -> tuple[Headers, SipSyntaxError | None]:
    """Every readable header line, and the first error among the others."""
    items: list[tuple[str, str]] = []
    error: SipSyntaxError | None = None
    if len(lines) > MAX_HEADERS + 1:
        error = MessageTooLargeError("headers", f"more than {MAX_HEADERS}")
        del lines[MAX_HEADERS + 1 :]
    for line in lines[1:]:
        if len(line) > MAX_LINE_CHARS:
            error = error or MessageTooLargeError("headers", f"a line longer than {MAX_LINE_CHARS} characters")
            continue
        name, colon, value = line.partition(":")
        key = _KNOWN.get(name) or _key(name)
        if not colon or not key:
            error = error or SipSyntaxError("headers", "a line without a name")
        elif "\r" in value or "\n" in value:
            error = error or SipSyntaxError(key, "a line end that is not CR LF")
        else:
            items.append((key, value.strip(" \t")))
    return Headers(items), error


def _key(name: str) -> str:
    """Canonical name, or nothing when it is none."""
    name = name.rstrip(" \t")
    if not _NAME.fullmatch(name):
        return ""
    lower = name.lower()
    return COMPACT.get(lower, lower)


def _cut_body(headers: Headers, body: bytes, *, datagram: bool) -> tuple[bytes, SipSyntaxError | None]:
    try:
        length = _content_length(headers.get_all("content-length"))
    except SipSyntaxError as error:
        return b"", error
    if length is None and not datagram:
        return b"", SipSyntaxError("content-length", "missing on a stream")
    if length is None:
        too_long = len(body) > MAX_BODY_BYTES
        return body, BodyTooLargeError("body", f"longer than {MAX_BODY_BYTES} octets") if too_long else None
    if length > len(body):
        return b"", SipSyntaxError("content-length", f"{length}, but {len(body)} octets came")
    return body[:length], None


def _content_length(values: list[str]) -> int | None:
    """The number in the one Content-Length; None when there is none."""
    if not values:
        return None
    if len(values) > 1:
        raise SipSyntaxError("content-length", "more than one")
    digits = values[0].strip(" \t")
    if not (digits.isascii() and digits.isdigit()):
        raise SipSyntaxError("content-length", "not a number")
    if len(digits) > 16 or int(digits) > MAX_BODY_BYTES:
        raise BodyTooLargeError("content-length", f"more than {MAX_BODY_BYTES}")
    return int(digits)
