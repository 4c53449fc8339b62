"""The registrar (RFC 3261 10.3): who can be reached where. Pure: the caller brings time and the user's identity.

A binding remembers the way its REGISTER came. A phone behind address translation, or on a connection,
is reached back along that way; its Contact stays the Request-URI.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, replace
from ipaddress import ip_address
from math import ceil
from typing import Final

from mediaserver.sip.checks import register_target
from mediaserver.sip.errors import SipSyntaxError
from mediaserver.sip.fields import (
    MAX_SECONDS,
    NameAddr,
    params_text,
    parse_contacts,
    parse_cseq,
    parse_expires,
    parse_int_field,
    parse_vias,
    same_address,
)
from mediaserver.sip.hops import Hop, Transport
from mediaserver.sip.message import Request
from mediaserver.sip.reasons import syntax_phrase
from mediaserver.sip.uri import Params, SipUri, find_param, same_uri

DEFAULT_EXPIRES_S: Final = 3600
"""Granted when the phone names no time, or one that cannot be read (RFC 3261 10.2.1.1)."""
_HOUR_S: Final = 3600
_TIDY_FROM: Final = 1024
"""Length of the heap of deadlines below which nobody looks for dead entries."""
_OURS: Final = frozenset({"expires", "q"})
"""Contact parameters the registrar writes itself; the others are given back as they came."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """One contact of a subscriber."""

    contact: SipUri
    """As registered."""
    hop: Hop
    """Where to send them."""
    fallback: Hop | None = None
    """Where to send them once ``hop``'s connection has closed; None when the phone is then out of reach."""
    q: float = 1.0
    """Preference, 0 to 1."""
    expires_at: float
    """Monotonic seconds."""
    sip_call_id: str
    cseq: int
    params: Params = ()
    """Contact parameters other than expires and q."""

    @property
    def instance(self) -> tuple[str, str] | None:
        """(``+sip.instance``, ``reg-id``): what stays the same when a phone changes its address (RFC 5626)."""
        instance = find_param(self.params, "+sip.instance")
        return None if not instance else (instance, find_param(self.params, "reg-id") or "")

    @property
    def request_uri(self) -> str:
        """Request-URI of requests to this phone: the Contact without URI headers, which are never acted upon."""
        return str(replace(self.contact, headers=()))

    def remaining_s(self, now: float) -> int:
        """Whole seconds left, rounded up."""
        return max(0, ceil(round(self.expires_at - now, 3)))

    def contact_value(self, now: float) -> str:
        """The Contact value that tells a phone of this binding."""
        q = "" if self.q == 1.0 else f";q={self.q:g}"
        return f"<{self.contact}>{params_text(self.params)}{q};expires={self.remaining_s(now)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterAnswer:
    """How to answer a REGISTER."""

    status: int
    reason: str = ""
    """Reason phrase; empty for the usual one of the status."""
    headers: tuple[tuple[str, str], ...] = ()
    """Contact lines, Min-Expires."""
    changed: bool = False
    """The set of contacts is another one than was last told (a mere refresh does not count)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Update:
    """What all contacts of one REGISTER share."""

    sip_call_id: str
    cseq: int
    source: Hop
    sent_by: str
    """Host in the top Via."""
    expires_s: int
    """Wanted for contacts that name no time themselves."""


class _RefusedError(Exception):
    """Carries the answer out of the update; nothing has been committed."""

    def __init__(self, answer: RegisterAnswer) -> None:
        super().__init__(answer.status)
        self.answer = answer


class Registrar:
    """All bindings of all subscribers."""

    __slots__ = (
        "_bindings",
        "_by_connection",
        "_deadlines",
        "_max_contacts",
        "_max_expires_s",
        "_min_expires_s",
        "_tidy_at",
    )

    def __init__(self, *, min_expires_s: int = 60, max_expires_s: int = 7200, max_contacts: int = 10) -> None:
        """``min_expires_s`` (at most an hour) is asked for with 423; longer times than ``max_expires_s`` are cut.

        A subscriber who binds one contact too many loses the one refreshed longest ago: phones that
        restart leave bindings behind, and must not lock themselves out.
        """
        if not 0 < min_expires_s <= min(_HOUR_S, max_expires_s):
            raise ValueError("min_expires_s must be from 1 to 3600 and not above max_expires_s")
        self._min_expires_s = min_expires_s
        self._max_expires_s = max_expires_s
        self._max_contacts = max_contacts
        self._bindings: dict[str, tuple[Binding, ...]] = {}
        self._deadlines: list[tuple[float, str]] = []
        """Heap of (expires_at, user); entries of refreshed or removed bindings stay until they come up."""
        self._tidy_at = _TIDY_FROM
        self._by_connection: dict[int, set[str]] = {}
        """Users who may have a binding on a connection."""

    def bindings(self, user: str, now: float) -> tuple[Binding, ...]:
        """Living bindings of a subscriber, most wanted first, among equals the newest first."""
        alive = [binding for binding in self._bindings.get(user, ()) if binding.expires_at > now]
        return tuple(sorted(reversed(alive), key=lambda binding: -binding.q))

    def handle(self, request: Request, user: str, source: Hop, now: float) -> RegisterAnswer:
        """Carry out a REGISTER that passed ``check_request`` and authentication as ``user``.

        All of its contacts are bound or none. Path and outbound options are ignored politely.
        """
        told = _uris(self._bindings.get(user, ()))
        before = self._alive(user, now)
        try:
            after = self._updated(request, user, source, now, before)
        except _RefusedError as refused:
            return refused.answer
        except SipSyntaxError as error:
            return RegisterAnswer(status=error.status_hint, reason=syntax_phrase(error))
        self._commit(user, before, after)
        return RegisterAnswer(
            status=200,
            headers=tuple(("contact", binding.contact_value(now)) for binding in self.bindings(user, now)),
            changed=told != _uris(after),
        )

    def expire(self, now: float) -> tuple[str, ...]:
        """Forget what has run out; the users who lost a binding, in the order it happened."""
        losers: dict[str, None] = {}
        while (due := self.next_expiry()) is not None and due <= now:
            _, user = heapq.heappop(self._deadlines)
            self._store(user, self._alive(user, now))
            losers[user] = None
        return tuple(losers)

    def next_expiry(self) -> float | None:
        """When ``expire`` has something to do next; monotonic seconds, None without bindings."""
        while self._deadlines:
            due, user = self._deadlines[0]
            if any(binding.expires_at == due for binding in self._bindings.get(user, ())):
                return due
            heapq.heappop(self._deadlines)
        return None

    def drop_connection(self, connection: int) -> tuple[str, ...]:
        """A connection closed: move its bindings to their fallback or forget them; the users who lost one."""
        losers = []
        for user in sorted(self._by_connection.pop(connection, ())):
            several = self._bindings.get(user, ())
            kept = tuple(moved for one in several if (moved := _moved(one, connection)) is not None)
            if len(kept) < len(several):
                losers.append(user)
            self._store(user, kept)
        return tuple(losers)

    def _alive(self, user: str, now: float) -> tuple[Binding, ...]:
        return tuple(binding for binding in self._bindings.get(user, ()) if binding.expires_at > now)

    def _store(self, user: str, bindings: tuple[Binding, ...]) -> None:
        if bindings:
            self._bindings[user] = bindings
        else:
            self._bindings.pop(user, None)

    def _commit(self, user: str, before: tuple[Binding, ...], after: tuple[Binding, ...]) -> None:
        """Store what a request changed; note when the new ones run out and which connections they hang on."""
        self._store(user, after)
        for binding in after:
            if binding in before:
                continue
            heapq.heappush(self._deadlines, (binding.expires_at, user))
            if binding.hop.connection is not None:
                self._by_connection.setdefault(binding.hop.connection, set()).add(user)
        if len(self._deadlines) > self._tidy_at:
            # Somebody refreshes far more often than asked: keep what can still come true.
            self._deadlines = [(one.expires_at, name) for name, several in self._bindings.items() for one in several]
            heapq.heapify(self._deadlines)
            self._tidy_at = max(_TIDY_FROM, 4 * len(self._deadlines))

    def _updated(
        self, request: Request, user: str, source: Hop, now: float, before: tuple[Binding, ...]
    ) -> tuple[Binding, ...]:
        """The bindings after the request, oldest refresh first."""
        if register_target(request).unescaped_user != user:
            raise _RefusedError(RegisterAnswer(status=403, reason="Not your address-of-record"))
        update = _read_update(request, source)
        contacts = parse_contacts(request.headers)
        if contacts is None:
            return _cleared(request, before, update)
        if len(contacts) > self._max_contacts:
            raise _RefusedError(RegisterAnswer(status=403, reason="Too many contacts"))
        after = list(before)
        for contact in contacts:
            expires_s = self._granted_s(contact, update)
            binding = _bound(contact, update, now + expires_s)
            for old in [old for old in after if _replaces(binding, old)]:
                if old in before:
                    _check_order(old, update)
                after.remove(old)
            if expires_s:
                after.append(binding)
        return tuple(after[-self._max_contacts :])

    def _granted_s(self, contact: NameAddr, update: _Update) -> int:
        """Seconds granted to one contact; 0 removes it."""
        text = contact.param("expires")
        wanted = update.expires_s if text is None else _seconds(text)
        if 0 < wanted < self._min_expires_s:
            headers = (("min-expires", str(self._min_expires_s)),)
            raise _RefusedError(RegisterAnswer(status=423, headers=headers))
        return min(wanted, self._max_expires_s)


def _read_update(request: Request, source: Hop) -> _Update:
    expires = request.headers.get("expires")
    return _Update(
        sip_call_id=request.headers.get("call-id") or "",
        cseq=parse_cseq(request.headers).number,
        source=source,
        sent_by=parse_vias(request.headers)[0].host,
        expires_s=DEFAULT_EXPIRES_S if expires is None else _seconds(expires),
    )


def _cleared(request: Request, before: tuple[Binding, ...], update: _Update) -> tuple[Binding, ...]:
    """``Contact: *``: only with Expires 0, and it removes everything (RFC 3261 10.3 step 6)."""
    if parse_expires(request.headers) != 0:
        raise SipSyntaxError("contact", "* without Expires: 0")
    for binding in before:
        _check_order(binding, update)
    return ()


def _check_order(old: Binding, update: _Update) -> None:
    """A request of the same Call-ID must carry a higher CSeq than the binding it touches (RFC 3261 10.3 step 7)."""
    if old.sip_call_id == update.sip_call_id and update.cseq <= old.cseq:
        raise _RefusedError(RegisterAnswer(status=500, reason="CSeq out of order"))


def _bound(contact: NameAddr, update: _Update, expires_at: float) -> Binding:
    uri = contact.uri
    if not isinstance(uri, SipUri):
        raise SipSyntaxError("contact", "not a SIP URI")
    source = update.source
    direct = _direct_hop(uri, source, update.sent_by)
    over_connection = source.connection is not None
    return Binding(
        contact=uri,
        hop=source if over_connection or direct is None else direct,
        fallback=direct if over_connection else None,
        q=_preference(contact),
        expires_at=expires_at,
        sip_call_id=update.sip_call_id,
        cseq=update.cseq,
        params=tuple((name, value) for name, value in contact.params if name.lower() not in _OURS),
    )


def _direct_hop(uri: SipUri, source: Hop, sent_by: str) -> Hop | None:
    """Address in the Contact, when there is no address translation between the phone and us.

    There is none when the phone knows its own address: in the Contact, or in the Via (then the
    Contact may name another machine). Names are not looked up.
    """
    try:
        ip_address(uri.address)
    except ValueError:
        return None
    if not same_address(uri.host, source.host) and not same_address(sent_by, source.host):
        return None
    transport = _contact_transport(uri, source)
    if transport in (Transport.WS, Transport.WSS):
        return None  # a browser takes no connections
    return Hop(transport=transport, host=uri.address, port=uri.port or (5061 if transport is Transport.TLS else 5060))


def _contact_transport(uri: SipUri, source: Hop) -> Transport:
    if uri.scheme == "sips":
        return source.transport if source.transport is Transport.WSS else Transport.TLS
    name = (uri.param("transport") or "").upper()
    return Transport(name) if name in Transport.__members__ else source.transport


def _replaces(new: Binding, old: Binding) -> bool:
    return same_uri(new.contact, old.contact) or (new.instance is not None and new.instance == old.instance)


def _moved(binding: Binding, connection: int) -> Binding | None:
    if binding.hop.connection != connection:
        return binding
    return None if binding.fallback is None else replace(binding, hop=binding.fallback, fallback=None)


def _preference(contact: NameAddr) -> float:
    """The q parameter; 1 when it is absent or out of its grammar."""
    text = contact.param("q")
    if not text or len(text) > 5 or not text.replace(".", "", 1).isdecimal():
        return 1.0
    return min(1.0, float(text))


def _seconds(text: str) -> int:
    try:
        return parse_int_field(text, "expires", 0, MAX_SECONDS, clamp=True)
    except SipSyntaxError:
        return DEFAULT_EXPIRES_S


def _uris(bindings: tuple[Binding, ...]) -> set[str]:
    return {str(binding.contact) for binding in bindings}
