"""SIP and SIPS URIs (RFC 3261 19.1), other schemes kept whole.

Parts keep the text that came, escapes included, so that printing gives back what was parsed.
``unescaped_user`` and ``same_uri`` are the only readers of ``%HH``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv6Address
from typing import Final
from urllib.parse import quote, unquote

from mediaserver.sip.errors import SipSyntaxError

Params = tuple[tuple[str, str | None], ...]
"""Parameters in order: (name as written, value as written or None for a bare name)."""

_ESC: Final = r"%[0-9A-Fa-f]{2}"
# '#' is not in the grammar, but star codes such as *44# reach us with it unescaped.
_USER: Final = rf"(?:[A-Za-z0-9\-_.!~*'()&=+$,;?/#]++|{_ESC})++"
_PASSWORD: Final = rf"(?:[A-Za-z0-9\-_.!~*'()&=+$,]++|{_ESC})*+"
# An underscore is no host name character either; container networks use it all the same.
HOST: Final = r"\[[0-9A-Fa-f:.]++\]|[A-Za-z0-9_.\-]++"
"""Regex source of a host: name, IPv4 address, or IPv6 reference in brackets (its digits are not judged)."""
_PARAM: Final = rf"(?:[A-Za-z0-9\-_.!~*'()\[\]/:&+$]++|{_ESC})++"
_PARAM_VALUE: Final = rf"(?:[A-Za-z0-9\-_.!~*'()\[\]/:&+$=]++|{_ESC})++"
_HEADER: Final = rf"(?:[A-Za-z0-9\-_.!~*'()\[\]/?:+$]++|{_ESC})"
_SIP_URI: Final = re.compile(
    rf"(?P<scheme>sips?):(?:(?P<user>{_USER})(?::(?P<password>{_PASSWORD}))?@)?"
    rf"(?P<host>{HOST})(?::(?P<port>[0-9]{{1,5}}))?"
    rf"(?P<params>(?:;{_PARAM}(?:={_PARAM_VALUE})?)*+)"
    rf"(?:\?(?P<headers>{_HEADER}++={_HEADER}*+(?:&{_HEADER}++={_HEADER}*+)*+))?",
    re.IGNORECASE | re.ASCII,
)
_OTHER_URI: Final = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.\-]*+):(?P<rest>[!#-;=?-~]++)", re.ASCII)
_ESCAPED: Final = re.compile(_ESC)
_UNRESERVED: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.!~*'()")
# RFC 3261 19.1.4: present in one URI only, these make the two differ.
_DECISIVE: Final = frozenset({"user", "ttl", "method", "maddr", "transport"})


@dataclass(frozen=True, slots=True, kw_only=True)
class SipUri:
    """A sip: or sips: URI."""

    scheme: str = "sip"
    """``sip`` or ``sips``, lower case."""
    user: str | None = None
    """As written, escapes kept."""
    password: str | None = None
    host: str
    """As written; an IPv6 address keeps its brackets."""
    port: int | None = None
    params: Params = ()
    headers: tuple[tuple[str, str], ...] = ()
    """The part after ``?``, escapes kept."""

    @classmethod
    def parse(cls, text: str) -> SipUri:
        """Read a sip or sips URI; anything else is a SipSyntaxError."""
        match = _SIP_URI.fullmatch(text)
        if match is None:
            raise SipSyntaxError("uri", "not a SIP URI")
        scheme, user, password, host, port, params, headers = match.groups()
        return cls(
            scheme=scheme.lower(),
            user=user,
            password=password,
            host=host,
            port=None if port is None else checked_port(port),
            params=_split_params(params) if params else (),
            headers=_split_headers(headers) if headers else (),
        )

    @property
    def unescaped_user(self) -> str:
        """The user part with every ``%HH`` resolved, ``%00`` too; empty when there is none."""
        return unquote(self.user or "", errors="surrogateescape")

    @property
    def address(self) -> str:
        """The host without IPv6 brackets."""
        return self.host.strip("[]")

    def param(self, name: str) -> str | None:
        """Value of a parameter (name in any case); ``""`` for a bare name, None when absent."""
        return find_param(self.params, name)

    def __str__(self) -> str:
        parts = [self.scheme, ":"]
        if self.user is not None:
            parts.append(self.user)
            if self.password is not None:
                parts += [":", self.password]
            parts.append("@")
        parts.append(self.host)
        if self.port is not None:
            parts.append(f":{self.port}")
        parts += [f";{name}" if value is None else f";{name}={value}" for name, value in self.params]
        if self.headers:
            parts += ["?", "&".join(f"{name}={value}" for name, value in self.headers)]
        return "".join(parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherUri:
    """A URI of a scheme we do not act upon: tel, http, isbn."""

    scheme: str
    """Lower case."""
    rest: str

    def __str__(self) -> str:
        return f"{self.scheme}:{self.rest}"


def parse_uri(text: str) -> SipUri | OtherUri:
    """Read any absolute URI; a sip or sips one must follow its own grammar."""
    if text[:5].lower().startswith(("sip:", "sips:")):
        return SipUri.parse(text)
    match = _OTHER_URI.fullmatch(text)
    if match is None:
        raise SipSyntaxError("uri", "not a URI")
    return OtherUri(scheme=match["scheme"].lower(), rest=match["rest"])


def checked_port(digits: str) -> int:
    """A port number from 1 to 65535."""
    port = int(digits)
    if not 0 < port <= 65535:
        raise SipSyntaxError("port", f"{port} is out of range")
    return port


def find_param(params: Params, name: str) -> str | None:
    """First value under ``name`` (any case); ``""`` for a bare name, None when absent."""
    wanted = name.lower()
    return next((value or "" for key, value in params if key.lower() == wanted), None)


def escape_user(text: str) -> str:
    """Text as the user part of a URI: what the grammar forbids becomes ``%HH``."""
    return quote(text, safe="-_.!~*'()&=+$,;?/", errors="surrogateescape")


def same_uri(one: SipUri | OtherUri, other: SipUri | OtherUri) -> bool:
    """Equality by RFC 3261 19.1.4 (it is not transitive: unknown parameters of one side do not count)."""
    if not isinstance(one, SipUri) or not isinstance(other, SipUri):
        return one == other
    return (
        (one.scheme, one.port) == (other.scheme, other.port)
        and _same_host(one.host, other.host)
        and _normal(one.user) == _normal(other.user)
        and _normal(one.password) == _normal(other.password)
        and _same_params(one.params, other.params)
        and _header_bag(one) == _header_bag(other)
    )


def _split_params(text: str) -> Params:
    pairs = (piece.partition("=") for piece in text[1:].split(";"))
    return tuple((name, value if equals else None) for name, equals, value in pairs)


def _split_headers(text: str) -> tuple[tuple[str, str], ...]:
    pairs = (piece.partition("=") for piece in text.split("&"))
    return tuple((name, value) for name, _, value in pairs)


def _normal(text: str | None) -> str | None:
    """Escapes of unreserved characters resolved, the others in upper case: ``%3b`` is ``%3B``, not ``;``."""
    if text is None or "%" not in text:
        return text

    def resolve(match: re.Match[str]) -> str:
        char = chr(int(match[0][1:], 16))
        return char if char in _UNRESERVED else match[0].upper()

    return _ESCAPED.sub(resolve, text)


def _folded(text: str | None) -> str | None:
    """Normal form of text whose case does not count."""
    normal = _normal(text)
    return None if normal is None else normal.lower()


def _same_host(one: str, other: str) -> bool:
    if one.lower() == other.lower():
        return True
    try:
        return IPv6Address(one.strip("[]")) == IPv6Address(other.strip("[]"))
    except AddressValueError:
        return False


def _same_params(one: Params, other: Params) -> bool:
    left = {_folded(name): _folded(value) for name, value in one}
    right = {_folded(name): _folded(value) for name, value in other}
    if any(left[name] != right[name] for name in left.keys() & right.keys()):
        return False
    return not (left.keys() ^ right.keys()) & _DECISIVE


def _header_bag(uri: SipUri) -> list[tuple[str | None, str | None]]:
    return sorted(((_folded(name), _normal(value)) for name, value in uri.headers), key=repr)
