"""What has to be right in a message before anything else looks at it (RFC 3261 8.2, 16.3, 18.1.2).

Fields that are not needed to process a message are not judged: a UAS should ignore them when they are
malformed (RFC 3261 8.2.2). So a broken Date is no error here; a broken Contact is.
"""

from __future__ import annotations

import re
from typing import Final

from mediaserver.sip.errors import SipSyntaxError, UnknownMethodError, UnsupportedSchemeError
from mediaserver.sip.fields import (
    NameAddr,
    Via,
    parse_contacts,
    parse_content_type,
    parse_cseq,
    parse_max_forwards,
    parse_routes,
    parse_single,
    parse_vias,
    token_list,
)
from mediaserver.sip.message import Headers, Request, Response
from mediaserver.sip.uri import SipUri, parse_uri

KNOWN_METHODS: Final = frozenset(
    ("ACK", "BYE", "CANCEL", "INFO", "INVITE", "MESSAGE", "NOTIFY", "OPTIONS", "PRACK", "PUBLISH", "REFER",
     "REGISTER", "SUBSCRIBE", "UPDATE")
)  # fmt: skip
"""Every method an RFC defines; which of them are served is the user agent's affair."""

_ONCE: Final = frozenset(
    ("call-id", "content-type", "content-length", "content-encoding", "max-forwards", "expires", "event")
)
_CALL_ID: Final = re.compile(r"[!-~]++", re.ASCII)
_MAGIC: Final = "z9hg4bk"
_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]*+):", re.ASCII)


def check_request(request: Request) -> None:
    """Raise SipSyntaxError with the ``status_hint`` to answer with; return when all is well."""
    headers = request.headers
    _check_common(headers)
    cseq = parse_cseq(headers)
    if cseq.method != request.method:
        why = f"method is not that of the request, {request.method[:32]}"
        raise (SipSyntaxError if request.method in KNOWN_METHODS else UnknownMethodError)("cseq", why)
    check_request_uri(request.uri)
    parse_max_forwards(headers)
    parse_routes(headers)
    parse_routes(headers, "record-route")
    token_list(headers, "require")
    token_list(headers, "proxy-require")
    if request.body:
        parse_content_type(headers)
    _check_contacts(request)
    if request.method == "REGISTER":
        register_target(request)


def check_response(response: Response) -> None:
    """Raise SipSyntaxError when a response must be dropped: what routes and matches it is broken."""
    headers = response.headers
    _check_common(headers)
    parse_cseq(headers)
    parse_routes(headers, "record-route")
    if parse_contacts(headers) is None:
        raise SipSyntaxError("contact", "* in a response")


def check_request_uri(text: str) -> SipUri:
    """The Request-URI as a value: sip or sips (else 416), without headers (RFC 3261 19.1.1)."""
    match = _SCHEME.match(text)
    if match is None:
        raise SipSyntaxError("request-uri", "not a URI")
    if match[1].lower() not in ("sip", "sips"):
        raise UnsupportedSchemeError("request-uri", f"scheme {match[1][:32]}")
    uri = parse_uri(text)
    assert isinstance(uri, SipUri)
    if uri.headers:
        raise SipSyntaxError("request-uri", "headers in it")
    return uri


def register_target(request: Request) -> SipUri:
    """The address-of-record a REGISTER is about: To, which must be a sip or sips URI (RFC 3261 10.3)."""
    uri = parse_single(request.headers, "to").uri
    if not isinstance(uri, SipUri):
        raise SipSyntaxError("to", "an address-of-record must be a SIP URI")
    return uri


def _check_common(headers: Headers) -> None:
    for via in parse_vias(headers):
        _check_via(via)
    _check_once(headers)
    call_id = headers.get("call-id")
    if call_id is None or not _CALL_ID.fullmatch(call_id):
        raise SipSyntaxError("call-id", "missing" if call_id is None else "not a word")
    for name in ("from", "to"):
        _check_tags(parse_single(headers, name), name)


def _check_via(via: Via) -> None:
    branches = [value for name, value in via.params if name.lower() == "branch"]
    if len(branches) > 1:
        raise SipSyntaxError("via", "more than one branch")
    # The cookie promises an identifier that is unique; nothing behind it cannot be (RFC 4475 3.1.2.19).
    if branches and (not branches[0] or branches[0].lower() == _MAGIC):
        raise SipSyntaxError("via", "an empty branch")


def _check_once(headers: Headers) -> None:
    seen = set()
    for name, _ in headers.items:
        if name in _ONCE:
            if name in seen:
                raise SipSyntaxError(name, "more than one")
            seen.add(name)


def _check_tags(address: NameAddr, name: str) -> None:
    tags = [value for key, value in address.params if key.lower() == "tag"]
    if len(tags) > 1 or (tags and not tags[0]):
        raise SipSyntaxError(name, "an empty tag or more than one")


def _check_contacts(request: Request) -> None:
    contacts = parse_contacts(request.headers)
    if contacts is None and request.method != "REGISTER":
        raise SipSyntaxError("contact", "* outside REGISTER")
    if request.method in ("INVITE", "UPDATE") and contacts is not None and len(contacts) > 1:
        raise SipSyntaxError("contact", "more than one")
