"""Who a call is from, and whether the called party may know it (RFC 3323, RFC 3325, RFC 3966)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from mediaserver.sip.errors import SipSyntaxError
from mediaserver.sip.fields import NameAddr, parse_addresses, parse_single
from mediaserver.sip.message import Headers
from mediaserver.sip.uri import OtherUri, SipUri

ANONYMOUS: Final = NameAddr(display="Anonymous", uri=SipUri(user="anonymous", host="anonymous.invalid"))
"""From of a caller who is not to be known (RFC 3323 4.1.1.3)."""
WITHHELD: Final = ("privacy", "id")
"""Says that it is so on purpose."""

_NOBODY: Final = ("", "anonymous")
_SEPARATORS: Final = str.maketrans("", "", "-.() ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What a request says about its sender; nothing of it is proven."""

    number: str
    """Empty for somebody who does not say."""
    label: str
    private: bool
    """Not to be shown to the called party."""


def identity_of(headers: Headers, *, asserted: bool) -> Identity:
    """The caller by From, or, ``asserted``, by P-Asserted-Identity where From names nobody.

    Only a peer that is trusted to assert may be asked for (RFC 3325 4).
    """
    from_ = parse_single(headers, "from")
    nameless = number_of(from_).lower() in _NOBODY
    known = _asserted(headers) if asserted and nameless else from_
    return Identity(
        number=number_of(known),
        label="" if nameless and known is from_ else known.display,
        private=number_of(from_).lower() == "anonymous" or _withheld(headers),
    )


def number_of(address: NameAddr) -> str:
    """User part of a SIP URI, or the number of a tel URI without its separators."""
    if isinstance(address.uri, OtherUri):
        number, _, _ = address.uri.rest.partition(";")
        return number.translate(_SEPARATORS) if address.uri.scheme == "tel" else ""
    return address.uri.unescaped_user


def _asserted(headers: Headers) -> NameAddr:
    """The first assertion that names somebody; ``ANONYMOUS`` when there is none, or none that can be read."""
    try:
        found = parse_addresses(headers, "p-asserted-identity")
    except SipSyntaxError:
        return ANONYMOUS
    return next((address for address in found if number_of(address)), ANONYMOUS)


def _withheld(headers: Headers) -> bool:
    """``Privacy`` asks for the identity to be kept from the called party; ``header`` and ``session`` do not."""
    words = {word.strip().lower() for line in headers.get_all("privacy") for word in line.split(";")}
    return bool(words & {"id", "user"})
