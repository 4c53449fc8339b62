"""The SIP user agent without I/O: bytes and time in, bytes and events out.

Five verbs (``receive``, ``to_send``, ``next_timer``, ``handle_timer``, ``next_event``), two reports of the
transport, and the intents of the call logic, which only queue. ``now`` is monotonic seconds.
An intent that does not fit the state of its leg raises SipStateError and changes nothing.

Rooms: ``layer`` (transactions), ``uas`` and ``screening`` (requests of theirs), ``uac`` (calls of ours),
``invites`` (life of a leg), ``offers`` and ``refresh`` (inside a dialog), ``registration`` (who may speak).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mediaserver.sip.checks import check_request, check_response
from mediaserver.sip.client import ClientCredentials, Registration
from mediaserver.sip.config import SipConfig
from mediaserver.sip.core import Core, dialog_verdict, steady_tag
from mediaserver.sip.dialogs import MAX_FORWARDS
from mediaserver.sip.digest import Challenger, HashOf
from mediaserver.sip.errors import SipStateError, SipSyntaxError
from mediaserver.sip.events import SipEvent
from mediaserver.sip.hops import Hop, Outgoing, Transport
from mediaserver.sip.ids import Ids
from mediaserver.sip.invites import Invites
from mediaserver.sip.leg_tables import LegInput, LegState
from mediaserver.sip.legs import Leg, LegTimer
from mediaserver.sip.message import Request, Response
from mediaserver.sip.offers import Offers
from mediaserver.sip.reasons import reason_phrase, syntax_phrase
from mediaserver.sip.registrar import Registrar
from mediaserver.sip.registration import Gate
from mediaserver.sip.routing import reply_hop
from mediaserver.sip.tables import Input
from mediaserver.sip.timers import Timer
from mediaserver.sip.transactions import ClientTransaction, ServerTransaction
from mediaserver.sip.uac import Uac
from mediaserver.sip.uas import Admission, Uas
from mediaserver.sip.wire import BadRequest, answerable, is_keepalive, parse_message, readable_via

_BROWSERS = (Transport.WS, Transport.WSS)


class UserAgent:
    """Registrar, UAS and UAC of one server."""

    def __init__(
        self,
        config: SipConfig,
        ids: Ids,
        credentials: HashOf,
        *,
        is_local_user: Callable[[str], bool],
        challenger: Challenger,
        registrar: Registrar | None = None,
        own: ClientCredentials | None = None,
    ) -> None:
        """``credentials`` gives a subscriber's HA1; ``is_local_user`` says whether a number is one of ours.

        ``own`` is what we answer challenges with when we are somebody's phone.
        """
        self._core = Core(config, ids, self)
        self.registrar = registrar or Registrar()
        """To be asked for ``bindings``."""
        self._gate = Gate(
            self._core,
            challenger=challenger,
            registrar=self.registrar,
            hash_of=credentials,
            is_local_user=is_local_user,
        )
        self._offers = Offers(self._core)
        self._invites = Invites(self._core, self._offers)
        self._uac = Uac(self._core, self._invites, self._offers.refresher, own)
        self._registration = Registration(self._core, own)
        self._uas = Uas(self._core, self._invites, self._offers, self._gate)

    @property
    def draining(self) -> bool:
        """New calls are refused with 503; those that are there go on."""
        return self._uas.draining

    @draining.setter
    def draining(self, on: bool) -> None:
        self._uas.draining = on

    @property
    def admission(self) -> Admission | None:
        """Asked before each new call."""
        return self._uas.admission

    @admission.setter
    def admission(self, hook: Admission | None) -> None:
        self._uas.admission = hook

    @property
    def leg_count(self) -> int:
        """Legs not forgotten yet."""
        return len(self._core.legs)

    @property
    def transaction_count(self) -> int:
        """Live transactions."""
        return len(self._core.layer)

    # --- the five verbs -------------------------------------------------------------------

    def receive(self, data: bytes, source: Hop, now: float) -> None:
        """One whole message: a datagram, or what the framer cut out of a stream."""
        if is_keepalive(data):
            self._core.discard("keep-alive", source)
            return
        try:
            message = parse_message(data, datagram=not source.transport.reliable)
            if isinstance(message, Response):
                check_response(message)
            else:
                _check(message)
        except BadRequest as bad:
            self._refuse(bad.request, bad.status_hint, source, syntax_phrase(bad.error))
        except SipSyntaxError as error:
            self._core.discard(error.reason, source)
        else:
            if isinstance(message, Response):
                self._core.layer.response_received(message, source, now)
            else:
                self._core.layer.request_received(message, source, now)

    def to_send(self) -> list[Outgoing]:
        """Take the messages for the wire, in order."""
        outgoing = self._core.outgoing[:]
        self._core.outgoing.clear()
        return outgoing

    def next_timer(self) -> float | None:
        """When ``handle_timer`` is to be called next; None: no need."""
        return self._core.alarms.next()

    def handle_timer(self, now: float) -> None:
        """Fire every timer that is due."""
        while (key := self._core.alarms.pop(now)) is not None:
            owner, name = key
            if isinstance(owner, ClientTransaction | ServerTransaction):
                self._core.layer.timer_fired(owner, Timer(name), now)
            elif isinstance(owner, Leg):
                self._invites.timer_fired(owner, LegTimer(name), now)
            else:
                self._gate.expire(now)

    def next_event(self) -> SipEvent | None:
        """Take the next event; None when there is none."""
        return self._core.events.popleft() if self._core.events else None

    # --- the transport --------------------------------------------------------------------

    def transport_failed(self, hop: Hop, now: float) -> None:
        """Nothing could be sent to ``hop``."""
        self._core.layer.transport_failed(hop, now)

    def connection_closed(self, connection: int, now: float) -> None:
        """A stream is gone. Calls of a browser end with it; others can be reached anew."""
        self._core.layer.connection_closed(connection, now)
        self._gate.connection_closed(connection, now)
        for leg in [leg for leg in self._core.legs.values() if leg.flow.connection == connection]:
            if leg.flow.transport in _BROWSERS:
                unreachable = Response(status=503, reason=reason_phrase(503))
                self._invites.happened(leg, LegInput.TRANSPORT_ERROR, now, unreachable)
            else:
                leg.flow = Hop(transport=leg.flow.transport, host=leg.flow.host, port=leg.flow.port)

    # --- intents --------------------------------------------------------------------------

    def call(
        self,
        target: str,
        hop: Hop,
        *,
        caller_number: str,
        caller_label: str,
        called: str,
        offer: bytes | None,
        now: float,
        max_forwards: int = MAX_FORWARDS,
        private: bool = False,
        headers: Sequence[tuple[str, str]] = (),
    ) -> int:
        """INVITE ``target`` (a SIP URI) by way of ``hop``; returns the leg. ``private``: the caller is not told.

        Answered, or Rejected, follows. Without an offer, ``Answered.answer`` is the peer's offer, and
        ``answer_offer`` must bring our answer: the ACK waits for it. Raises SipSyntaxError for a bad
        target and SipStateError when there are too many legs, or when ``hop`` leads back to us.
        """
        return self._uac.call(
            target,
            hop,
            caller_number=caller_number,
            caller_label=caller_label,
            private=private,
            called=called,
            offer=offer,
            max_forwards=max_forwards,
            headers=headers,
            now=now,
        )

    def register(self, registrar: str, hop: Hop, *, number: str, expires_s: int, now: float) -> None:
        """REGISTER our contact with a registrar elsewhere; RegistrationEnded follows."""
        self._registration.register(registrar, hop, number, expires_s, now)

    def progress(self, leg: int, status: int, answer: bytes | None = None, *, now: float) -> None:
        """Send 101 to 199 to an INVITE; with ``answer``, early media. Repeated every minute."""
        self._uas.progress(self._core.leg(leg), status, answer, now)

    def accept(self, leg: int, body: bytes, *, now: float) -> None:
        """Answer an INVITE with 200 and our answer (our offer, when the INVITE had none)."""
        self._uas.accept(self._core.leg(leg), body, now)

    def reject(
        self, leg: int, status: int, reason: str | None = None, *, now: float, headers: Sequence[tuple[str, str]] = ()
    ) -> None:
        """Refuse an INVITE with 300 to 699; LegEnded("rejected") follows."""
        self._uas.reject(self._core.leg(leg), status, reason, tuple(headers), now)

    def cancel(self, leg: int, *, now: float) -> None:
        """Give up an INVITE of ours; Rejected follows."""
        self._invites.intend(self._core.leg(leg), LegInput.CANCEL, now)

    def bye(self, leg: int, reason: str = "", *, now: float) -> None:
        """End a leg, whatever its state: CANCEL, 487 or BYE. Rejected or LegEnded follows.

        ``reason`` is the Reason field of the CANCEL or BYE (RFC 3326, see ``reason_value``).
        """
        known = self._core.leg(leg)
        known.reason = reason
        self._invites.intend(known, LegInput.BYE, now)

    def offer(self, leg: int, body: bytes | None, method: str = "INVITE", *, now: float) -> None:
        """Offer anew by re-INVITE or UPDATE; OfferAnswered or OfferRejected follows."""
        self._offers.offer(leg, body, method, now)

    def answer_offer(self, leg: int, body: bytes, *, now: float) -> None:
        """Accept an OfferReceived, or give the answer that the ACK to a late offer of theirs carries."""
        self._offers.answer(leg, body, now)

    def reject_offer(self, leg: int, status: int, headers: Sequence[tuple[str, str]] = (), *, now: float) -> None:
        """Refuse an OfferReceived."""
        self._offers.reject(leg, status, tuple(headers), now)

    def info(
        self, leg: int, content_type: str, body: bytes, *, now: float, headers: Sequence[tuple[str, str]] = ()
    ) -> None:
        """Send an INFO inside a dialog; without a content type, one without a body."""
        known = self._core.leg(leg)
        if known.state not in (LegState.ACCEPTED, LegState.CONFIRMED):
            raise SipStateError(f"no INFO while {known.state}")
        request = known.live_dialog.request("INFO")
        for name, value in headers:
            request.headers.add(name, value)
        if content_type:
            request.headers.add("content-type", content_type)
            request.body = body

        def replied(tx: ClientTransaction, response: Response, at: float) -> None:
            verdict = dialog_verdict(tx, response)
            if verdict is not None:
                self._invites.happened(known, verdict, at)

        self._core.send(known, request, replied, now)

    def respond_info(
        self, leg: int, token: int, status: int, headers: Sequence[tuple[str, str]] = (), *, now: float
    ) -> None:
        """Answer an InfoReceived."""
        self._uas.respond_info(self._core.leg(leg), token, status, tuple(headers), now)

    # --- what the transaction layer says (TransactionUser) --------------------------------

    def request_arrived(self, tx: ServerTransaction, now: float) -> None:
        """See TransactionUser."""
        self._uas.request_arrived(tx, now)

    def merged_request_arrived(self, tx: ServerTransaction, now: float) -> None:
        """See TransactionUser."""
        self._core.answer(tx, 482, now)

    def ack_arrived(self, request: Request, source: Hop, now: float) -> None:
        """See TransactionUser."""
        self._uas.ack_arrived(request, source, now)

    def server_failed(self, tx: ServerTransaction, event: Input, now: float) -> None:
        """See TransactionUser: only a response that cannot be sent matters, and only to its leg."""
        leg = self._core.legs.get(tx.leg) if tx.leg is not None else None
        if leg is not None and event is Input.TRANSPORT_ERROR:
            self._invites.happened(leg, LegInput.TRANSPORT_ERROR, now)

    def discarded(self, reason: str, source: Hop) -> None:
        """See TransactionUser."""
        self._core.discard(reason, source)

    def overloaded(self, request: Request, source: Hop) -> None:
        """See TransactionUser."""
        self._refuse(request, 503, source)

    def stray_2xx(self, response: Response, source: Hop, now: float) -> None:
        """See TransactionUser."""
        if not self._uac.stray_2xx(response):
            self._core.discard("2xx-without-leg", source)

    # --- without a transaction ------------------------------------------------------------

    def _refuse(self, request: Request, status: int, source: Hop, reason: str | None = None) -> None:
        """Answer a request we keep no memory of (8.2.7): the same request gets the same tag."""
        via = readable_via(request)
        if request.method == "ACK" or via is None:
            self._core.discard("bad-ack" if request.method == "ACK" else "bad-via", source)
            return
        stamped = via.stamped(source.host, source.port)
        response = self._core.response_to(request, status, steady_tag(request), reason)
        at = next(i for i, (name, _) in enumerate(response.headers.items) if name == "via")
        response.headers.items[at] = ("via", str(stamped))
        if status == 503:
            response.headers.add("retry-after", self._core.config.retry_after_s)
        self._core.outgoing.append(Outgoing(data=bytes(response), hop=reply_hop(source, stamped)))


def _check(request: Request) -> None:
    """As ``check_request``; a failure that can be answered becomes a BadRequest."""
    try:
        check_request(request)
    except SipSyntaxError as error:
        if answerable(request):
            raise BadRequest(error, request) from error
        raise
