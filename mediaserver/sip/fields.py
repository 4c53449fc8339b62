"""Typed, frozen views of header field values.

Parameters keep the text that came, so printing a view gives back its parameters byte for byte:
a branch must return exactly as it was sent (RFC 3261 17.1.3). Names are looked up in any case.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from ipaddress import ip_address
from typing import Final

from mediaserver.sip.errors import SipSyntaxError
from mediaserver.sip.message import Headers
from mediaserver.sip.uri import HOST, OtherUri, Params, SipUri, checked_port, find_param, parse_uri

MAX_CSEQ: Final = 2**31 - 1
MAX_SECONDS: Final = 2**32 - 1
"""Largest delta-seconds; larger ones are clamped to it (RFC 3261 20.19)."""

MAX_COMMAS: Final = 255
"""In one header line that is split; a list this long is no list but an attack."""

TCHARS: Final = r"[A-Za-z0-9\-.!%*_+`'~]++"
"""Regex source of a token (RFC 3261 25.1)."""
_QUOTED: Final = r'"(?:[^"\\]++|\\.)*+"'
_WS: Final = r"[ \t]*+"
# Values of parameters: token, host (IPv6 with or without brackets, RFC 5118 4.5) or quoted string. Two characters that
# push tokens and instance ids carry unquoted in the field ('=', '/') are taken too.
_PARAM: Final = re.compile(
    rf"{_WS};{_WS}({TCHARS})(?:{_WS}={_WS}({_QUOTED}|[^\x00-\x20\x7f\";,<>?]++))?", re.ASCII | re.DOTALL
)
_ELEMENT: Final = re.compile(rf'(?:[^",<>]++|{_QUOTED}|<[^<>]*+>)*+', re.DOTALL)
_NAME_ADDR: Final = re.compile(
    rf"{_WS}(?:({_QUOTED}){_WS}|([A-Za-z0-9\-.!%*_+`'~ \t\x80-\U0010ffff]*+))<([^<>]*+)>", re.DOTALL
)
_ADDR_SPEC: Final = re.compile(r"[ \t]*+([^\x00-\x20\x7f\"<>;,?]++)")
_VIA: Final = re.compile(
    rf"{_WS}SIP{_WS}/{_WS}2\.0{_WS}/{_WS}({TCHARS})[ \t]++({HOST})(?:{_WS}:{_WS}([0-9]{{1,5}}))?",
    re.ASCII | re.IGNORECASE,
)
_CSEQ: Final = re.compile(rf"([0-9]++)[ \t]++({TCHARS})", re.ASCII)
_TOKEN: Final = re.compile(TCHARS, re.ASCII)
_MEDIA_TYPE: Final = re.compile(rf"({TCHARS}){_WS}/{_WS}({TCHARS})", re.ASCII)
_DIGITS: Final = re.compile(r"[0-9]++", re.ASCII)
_ESCAPED_CHAR: Final = re.compile(r"\\(.)", re.DOTALL)
_QUOTING: Final = {ord(char): f"\\{char}" for char in ('"', "\\", *map(chr, range(32)), "\x7f")} | {10: " ", 13: " "}
_BLANKS: Final = " \t"
# A message is looked at by several rooms, and a dialog says the same From, To and Route again and again: views of
# short texts are remembered. Long ones are rare, and remembering them would let a peer choose how much we keep.
_REMEMBERED: Final = 2048
_SHORT: Final = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Via:
    """One Via value (RFC 3261 20.42)."""

    transport: str
    """Upper case; any token, as hops below the top one may use what we do not know."""
    host: str
    """sent-by host as written; an IPv6 address keeps its brackets."""
    port: int | None = None
    params: Params = ()

    @staticmethod
    def parse(text: str) -> Via:
        """Read one value."""
        return _short_via(text) if len(text) <= _SHORT else _read_via(text)

    @property
    def branch(self) -> str | None:
        """The branch parameter as written; None when absent."""
        return self.param("branch")

    @property
    def received(self) -> str | None:
        """The received parameter without IPv6 brackets; None when absent."""
        value = self.param("received")
        return None if value is None else value.strip("[]")

    @property
    def rport(self) -> int | None:
        """Port in the rport parameter (RFC 3581); None when absent or still empty."""
        value = self.param("rport")
        return checked_port(value) if value and _DIGITS.fullmatch(value) and len(value) <= 5 else None

    @property
    def asks_rport(self) -> bool:
        """An rport parameter is there, with or without a value."""
        return self.param("rport") is not None

    def param(self, name: str) -> str | None:
        """Value of a parameter; ``""`` for a bare name, None when absent."""
        return _plain(find_param(self.params, name))

    def stamped(self, host: str, port: int) -> Via:
        """This Via as a server writes it on receipt (RFC 3261 18.2.1, RFC 3581 4).

        ``host`` is the source address without brackets. What the sender itself wrote into
        received and rport is replaced; received is added when the addresses differ or rport was asked.
        """
        asked = self.asks_rport
        params = [(name, value) for name, value in self.params if name.lower() not in ("received", "rport")]
        if asked or not same_address(self.host, host):
            params.append(("received", host))
        if asked:
            params.append(("rport", str(port)))
        return replace(self, params=tuple(params))

    def __str__(self) -> str:
        port = "" if self.port is None else f":{self.port}"
        return f"SIP/2.0/{self.transport} {self.host}{port}{params_text(self.params)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class NameAddr:
    """One From, To, Contact, Route, Record-Route or Refer-To value."""

    display: str = ""
    """Display name without quotes and backslashes; empty when there is none."""
    uri: SipUri | OtherUri
    params: Params = ()
    """Parameters of the header field, not of the URI."""

    @staticmethod
    def parse(text: str, field: str = "address", *, brackets: bool = False) -> NameAddr:
        """Read one value. ``brackets``: the ``<uri>`` form is a must (Route, Record-Route).

        Without brackets, everything after the first ``;`` belongs to the field, and a URI with
        a comma or a question mark is refused (RFC 3261 20.10).
        """
        read = _short_name_addr if len(text) <= _SHORT else _read_name_addr
        return read(text, field, brackets)

    @property
    def tag(self) -> str | None:
        """The tag parameter; None when absent."""
        return self.param("tag")

    def param(self, name: str) -> str | None:
        """Value of a parameter, unquoted; ``""`` for a bare name, None when absent."""
        return _plain(find_param(self.params, name))

    def __str__(self) -> str:
        display = f"{quoted(self.display)} " if self.display else ""
        return f"{display}<{self.uri}>{params_text(self.params)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class CSeq:
    """Sequence number and method (RFC 3261 20.16)."""

    number: int
    """0 to 2^31 - 1."""
    method: str

    @classmethod
    def parse(cls, text: str) -> CSeq:
        """Read the value; a number of 2^31 or more is refused."""
        match = _CSEQ.fullmatch(text.strip(_BLANKS))
        if match is None:
            raise SipSyntaxError("cseq", "not a number and a method")
        return cls(number=parse_int_field(match[1], "cseq", 0, MAX_CSEQ), method=match[2])

    def __str__(self) -> str:
        return f"{self.number} {self.method}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionExpires:
    """Session timer (RFC 4028 4)."""

    interval_s: int
    refresher: str | None = None
    """``uac``, ``uas`` or None."""

    @classmethod
    def parse(cls, text: str) -> SessionExpires:
        """Read the value."""
        number, semicolon, _ = text.partition(";")
        params = parse_params("session-expires", text, len(number)) if semicolon else ()
        refresher = find_param(params, "refresher")
        if refresher is not None and refresher.lower() not in ("uac", "uas"):
            raise SipSyntaxError("session-expires", "refresher is neither uac nor uas")
        return cls(
            interval_s=parse_int_field(number, "session-expires", 0, MAX_SECONDS, clamp=True),
            refresher=None if refresher is None else refresher.lower(),
        )

    def __str__(self) -> str:
        return f"{self.interval_s}" + (f";refresher={self.refresher}" if self.refresher else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaType:
    """Content-Type, or one entry of Accept."""

    name: str
    """``type/subtype``, lower case."""
    params: Params = ()

    @classmethod
    def parse(cls, text: str, field: str = "content-type") -> MediaType:
        """Read one value."""
        stripped = text.strip(_BLANKS)
        match = _MEDIA_TYPE.match(stripped)
        if match is None:
            raise SipSyntaxError(field, "not a media type")
        return cls(name=f"{match[1]}/{match[2]}".lower(), params=parse_params(field, stripped, match.end()))

    def param(self, name: str) -> str | None:
        """Value of a parameter, unquoted; ``""`` for a bare name, None when absent."""
        return _plain(find_param(self.params, name))


def split_commas(text: str) -> list[str]:
    """Elements between commas that stand outside quotes and brackets, stripped; empty ones stay."""
    commas = text.count(",")
    if not commas:
        return [text.strip(_BLANKS)]
    if commas > MAX_COMMAS:
        raise SipSyntaxError("list", f"more than {MAX_COMMAS} commas")
    elements = []
    at = 0
    while True:
        match = _ELEMENT.match(text, at)
        end = match.end() if match else at
        elements.append(text[at:end].strip(_BLANKS))
        if end == len(text):
            return elements
        if text[end] != ",":
            raise SipSyntaxError("list", "a quote or bracket that does not close")
        at = end + 1


def parse_params(field: str, text: str, at: int = 0) -> Params:
    """Read ``;name=value`` pairs from ``at`` to the end of ``text``; anything else there is refused."""
    params: list[tuple[str, str | None]] = []
    end = len(text)
    while at < end:
        match = _PARAM.match(text, at)
        if match is None:
            if text[at:].strip(_BLANKS):
                raise SipSyntaxError(field, "broken parameters")
            break
        params.append((match[1], match[2]))
        at = match.end()
    return tuple(params)


def params_text(params: Params) -> str:
    """Parameters as ``;name=value``, values as they came."""
    return "".join(f";{name}" if value is None else f";{name}={value}" for name, value in params)


def parse_vias(headers: Headers) -> list[Via]:
    """Every Via, top first; at least one, or SipSyntaxError."""
    vias = [Via.parse(text) for line in headers.get_all("via") for text in split_commas(line)]
    if not vias:
        raise SipSyntaxError("via", "missing")
    return vias


def parse_addresses(headers: Headers, name: str, *, brackets: bool = False) -> list[NameAddr]:
    """Every value of an address list field, in order; empty when the field is absent."""
    lines = headers.get_all(name)
    return [NameAddr.parse(text, name, brackets=brackets) for line in lines for text in split_commas(line)]


def parse_contacts(headers: Headers) -> list[NameAddr] | None:
    """Every Contact; None stands for ``*``, which must be alone (RFC 3261 10.2.2)."""
    lines = headers.get_all("contact")
    if [line.strip(_BLANKS) for line in lines] == ["*"]:
        return None
    return [NameAddr.parse(text, "contact") for line in lines for text in split_commas(line)]


def parse_routes(headers: Headers, name: str = "route") -> list[NameAddr]:
    """Every Route (or Record-Route, Path) value; brackets are a must there."""
    return parse_addresses(headers, name, brackets=True)


def parse_single(headers: Headers, name: str) -> NameAddr:
    """The one From or To."""
    values = headers.get_all(name)
    if len(values) != 1:
        raise SipSyntaxError(name, "missing" if not values else "more than one")
    return NameAddr.parse(values[0], name)


def parse_cseq(headers: Headers) -> CSeq:
    """The one CSeq."""
    values = headers.get_all("cseq")
    if len(values) != 1:
        raise SipSyntaxError("cseq", "missing" if not values else "more than one")
    return CSeq.parse(values[0])


def parse_int_field(text: str, field: str, low: int, high: int, *, clamp: bool = False) -> int:
    """A number of ASCII digits from ``low`` to ``high``; ``clamp`` pulls others to the nearer end."""
    digits = text.strip(_BLANKS)
    if not _DIGITS.fullmatch(digits):
        raise SipSyntaxError(field, "not a number")
    digits = digits.lstrip("0") or "0"
    # Longer than any limit of ours: do not convert thousands of digits.
    number = int(digits) if len(digits) <= 19 else high + 1
    if low <= number <= high:
        return number
    if not clamp:
        raise SipSyntaxError(field, f"not from {low} to {high}")
    return low if number < low else high


def optional_int(headers: Headers, name: str, low: int, high: int, *, clamp: bool = False) -> int | None:
    """Number of a field that may be absent (None) but not repeated."""
    values = headers.get_all(name)
    if not values:
        return None
    if len(values) > 1:
        raise SipSyntaxError(name, "more than one")
    return parse_int_field(values[0], name, low, high, clamp=clamp)


def parse_max_forwards(headers: Headers) -> int | None:
    """Max-Forwards, 0 to 255; None when absent (RFC 2543 clients)."""
    return optional_int(headers, "max-forwards", 0, 255)


def parse_expires(headers: Headers) -> int | None:
    """Expires in seconds, clamped to 2^32 - 1; None when absent."""
    return optional_int(headers, "expires", 0, MAX_SECONDS, clamp=True)


def parse_session_expires(headers: Headers) -> SessionExpires | None:
    """Session-Expires; None when absent."""
    value = headers.get("session-expires")
    return None if value is None else SessionExpires.parse(value)


def parse_min_se(headers: Headers) -> int | None:
    """Min-SE in seconds; None when absent."""
    value = headers.get("min-se")
    if value is None:
        return None
    return parse_int_field(value.partition(";")[0], "min-se", 0, MAX_SECONDS, clamp=True)


def parse_content_type(headers: Headers) -> MediaType | None:
    """Content-Type; None when absent."""
    value = headers.get("content-type")
    return None if value is None else MediaType.parse(value)


def token_list(headers: Headers, name: str) -> tuple[str, ...]:
    """Tokens of a list field (Require, Supported, Allow) as written; empty elements do not count."""
    tokens = tuple(token for line in headers.get_all(name) for token in split_commas(line) if token)
    for token in tokens:
        if not _TOKEN.fullmatch(token):
            raise SipSyntaxError(name, "not a list of tokens")
    return tokens


def is_token(text: str) -> bool:
    """True for a token of RFC 3261 25.1."""
    return _TOKEN.fullmatch(text) is not None


def unquoted(text: str) -> str:
    """Content of a quoted string, backslashes resolved."""
    return _ESCAPED_CHAR.sub(r"\1", text[1:-1]) if "\\" in text else text[1:-1]


def quoted(text: str) -> str:
    """Text as a quoted string (RFC 3261 25.1); line ends have no place in one and become blanks."""
    return f'"{text.translate(_QUOTING)}"'


def same_address(one: str, other: str) -> bool:
    """True when two hosts are the same IP address (brackets or not) or the same text."""
    left, right = one.strip("[]"), other.strip("[]")
    if left.lower() == right.lower():
        return True
    try:
        return ip_address(left) == ip_address(right)
    except ValueError:
        return False


def join_values(values: Iterable[object]) -> str:
    """Values as one comma-separated line."""
    return ", ".join(str(value) for value in values)


def _read_via(text: str) -> Via:
    match = _VIA.match(text)
    if match is None:
        raise SipSyntaxError("via", "no protocol, transport and sent-by")
    transport, host, port = match.groups()
    return Via(
        transport=transport.upper(),
        host=host,
        port=None if port is None else checked_port(port),
        params=parse_params("via", text, match.end()),
    )


def _read_name_addr(text: str, field: str, brackets: bool) -> NameAddr:
    match = _NAME_ADDR.match(text)
    if match is not None:
        quoted, words, inner = match.groups()
        display = unquoted(quoted) if quoted is not None else (words or "").strip(_BLANKS)
    else:
        match = None if brackets else _ADDR_SPEC.match(text)
        if match is None:
            raise SipSyntaxError(field, "neither a name with <uri> nor a plain URI")
        inner, display = match[1], ""
    return NameAddr(display=display, uri=_uri_of(field, inner), params=parse_params(field, text, match.end()))


_short_via = lru_cache(maxsize=_REMEMBERED)(_read_via)
_short_name_addr = lru_cache(maxsize=_REMEMBERED)(_read_name_addr)


def _plain(value: str | None) -> str | None:
    return unquoted(value) if value and value.startswith('"') else value


def _uri_of(field: str, text: str) -> SipUri | OtherUri:
    try:
        return parse_uri(text)
    except SipSyntaxError as error:
        raise SipSyntaxError(field, error.why) from None
