"""What a request must satisfy before its method is acted upon (RFC 3261 8.2): a request in, a refusal or None out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from mediaserver.sip.config import ALLOW, SDP, SessionTimerConfig, SessionTimerMode, SipConfig
from mediaserver.sip.errors import SipSyntaxError
from mediaserver.sip.fields import (
    MediaType,
    join_values,
    parse_content_type,
    parse_max_forwards,
    parse_params,
    split_commas,
    token_list,
)
from mediaserver.sip.message import Message, Request
from mediaserver.sip.reasons import syntax_phrase
from mediaserver.sip.sessions import too_small
from mediaserver.sip.uri import SipUri, find_param, parse_uri

SERVED: Final = frozenset(ALLOW.split(", "))
_SESSION_METHODS: Final = ("INVITE", "UPDATE")
_ACCEPTS_SDP: Final = (SDP, "application/*", "*/*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """How to answer a request that fails a check."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    reason: str | None = None
    """Reason phrase; None for the usual one."""


def screen(config: SipConfig, request: Request, *, in_dialog: bool) -> Refusal | None:
    """The first rule a request breaks, in the order of 8.2; the caller has run ``check_request``."""
    try:
        return (
            _method(request)
            or _hops(request)
            or (None if in_dialog else _request_uri(config, request))
            or _extensions(config.session_timer, request)
            or _body(request)
            or _accept(request)
            or _session_interval(config.session_timer, request)
        )
    except SipSyntaxError as error:
        return Refusal(status=error.status_hint, reason=syntax_phrase(error))


def _method(request: Request) -> Refusal | None:
    if request.method in SERVED:
        return None
    # RFC 3261 8.2.1 asks for 405 and what is allowed; 501 (21.5.2) would say less
    return Refusal(status=405, headers=(("allow", ALLOW),))


def _hops(request: Request) -> Refusal | None:
    """A UAS that goes on as a B2BUA counts hops; OPTIONS ends here in any case (11)."""
    if parse_max_forwards(request.headers) == 0 and request.method == "INVITE":
        return Refusal(status=483)
    return None


def _request_uri(config: SipConfig, request: Request) -> Refusal | None:
    uri = parse_uri(request.uri)
    if isinstance(uri, SipUri) and config.is_ours(uri.host):
        return None
    return Refusal(status=404)


def _extensions(config: SessionTimerConfig, request: Request) -> Refusal | None:
    """420 for option tags we do not know (8.2.2.3); CANCEL and ACK carry none."""
    known = ("privacy",) if config.mode is SessionTimerMode.OFF else ("privacy", "timer")
    required = (*token_list(request.headers, "require"), *token_list(request.headers, "proxy-require"))
    unknown = [option for option in required if option.lower() not in known]
    return Refusal(status=420, headers=(("unsupported", join_values(unknown)),)) if unknown else None


def _body(request: Request) -> Refusal | None:
    """415 for bodies of INVITE and UPDATE that are not plain SDP (8.2.3), unless they may be ignored."""
    if not request.body or request.method not in _SESSION_METHODS:
        return None
    encodings = [coding for line in request.headers.get_all("content-encoding") for coding in split_commas(line)]
    if any(coding.lower() != "identity" for coding in encodings):
        return Refusal(status=415, headers=(("accept-encoding", "identity"),))
    typed = "content-type" in request.headers
    if (typed and description_in(request) is not None) or _optional(request):
        return None
    return Refusal(status=415, headers=(("accept", SDP),))


def description_in(message: Message) -> bytes | None:
    """The session description in a message; None without one, or with something else.

    A body without a type is taken for one: new requests are refused with it, but an answer may be all there is.
    """
    try:
        kind = parse_content_type(message.headers)
    except SipSyntaxError:
        return None
    return message.body or None if kind is None or kind.name == SDP else None


def _optional(request: Request) -> bool:
    """Who does not understand the body may do without it (20.11)."""
    value = request.headers.get("content-disposition") or ""
    params = parse_params("content-disposition", value, len(value.partition(";")[0]))
    return (find_param(params, "handling") or "").lower() == "optional"


def _accept(request: Request) -> Refusal | None:
    """406 for an INVITE whose sender takes no SDP; an absent Accept means SDP (20.1)."""
    lines = request.headers.get_all("accept")
    if request.method != "INVITE" or not lines:
        return None
    kinds = [MediaType.parse(text, "accept").name for line in lines for text in split_commas(line) if text]
    return None if any(kind in _ACCEPTS_SDP for kind in kinds) else Refusal(status=406)


def _session_interval(config: SessionTimerConfig, request: Request) -> Refusal | None:
    if request.method in _SESSION_METHODS and too_small(config, request.headers):
        return Refusal(status=422, headers=(("min-se", str(config.min_se_s)),))
    return None
