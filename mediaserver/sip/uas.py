"""Requests of theirs: which room each one belongs to, and new calls (RFC 3261 8.2, 12.2.2, 13.3)."""

from __future__ import annotations

from collections.abc import Callable

from mediaserver.sip.config import SDP
from mediaserver.sip.core import Core, with_sdp
from mediaserver.sip.dialogs import Dialog
from mediaserver.sip.errors import SipStateError, SipSyntaxError
from mediaserver.sip.events import InfoReceived, Invited
from mediaserver.sip.fields import (
    parse_content_type,
    parse_cseq,
    parse_expires,
    parse_max_forwards,
    parse_single,
    parse_vias,
    same_address,
)
from mediaserver.sip.hops import Hop
from mediaserver.sip.invites import Invites
from mediaserver.sip.leg_tables import LegInput, LegState, Turn
from mediaserver.sip.legs import Leg, LegTimer
from mediaserver.sip.message import Request
from mediaserver.sip.offers import Offers
from mediaserver.sip.refresh import note_allow
from mediaserver.sip.registration import Caller, Gate
from mediaserver.sip.screening import description_in, screen
from mediaserver.sip.sessions import add_to_response, answer_request
from mediaserver.sip.transactions import ServerTransaction
from mediaserver.sip.uri import SipUri, parse_uri

Admission = Callable[[], tuple[int, int] | None]
"""Asked before each new call: None to go on, or (status, Retry-After in seconds) to refuse."""

_MAX_INFOS = 16


class Uas:
    """Answers what comes in."""

    def __init__(self, core: Core, invites: Invites, offers: Offers, gate: Gate) -> None:
        self._core = core
        self._invites = invites
        self._offers = offers
        self._gate = gate
        self.draining = False
        self.admission: Admission | None = None

    # --- dispatch -------------------------------------------------------------------------

    def request_arrived(self, tx: ServerTransaction, now: float) -> None:
        """A new request, any method but ACK."""
        if tx.request.method == "CANCEL":
            self._cancel(tx, now)
            return
        to_tag = parse_single(tx.request.headers, "to").tag
        refusal = screen(self._core.config, tx.request, in_dialog=to_tag is not None)
        if refusal is not None:
            self._core.answer_once(tx, refusal.status, now, *refusal.headers, reason=refusal.reason)
        elif to_tag is not None:
            self._in_dialog(tx, to_tag, now)
        else:
            self._out_of_dialog(tx, now)

    def _out_of_dialog(self, tx: ServerTransaction, now: float) -> None:
        match tx.request.method:
            case "INVITE":
                self._invite(tx, now)
            case "REGISTER":
                self._gate.register(tx, now)
            case "OPTIONS":
                self._options(tx, now)
            case _:
                self._core.answer_once(tx, 481, now)

    def _cancel(self, tx: ServerTransaction, now: float) -> None:
        """200 when the INVITE is known, even if it was answered already (9.2)."""
        invite = self._core.layer.invite_of(tx)
        if invite is None:
            self._core.answer_once(tx, 481, now)
            return
        tx.to_tag = invite.to_tag
        self._core.answer(tx, 200, now)
        leg = self._core.legs.get(invite.leg) if invite.leg is not None else None
        if leg is not None:
            self._invites.happened(leg, LegInput.GOT_CANCEL, now)

    def _options(self, tx: ServerTransaction, now: float) -> None:
        """What we can do, or what an INVITE would hear that finds no room (11.2); nothing in it needs a password."""
        refused = self._no_room()
        if refused is None:
            self._core.answer_once(tx, 200, now, *self._abilities(tx))
        else:
            status, retry_after_s = refused
            self._core.answer_once(tx, status, now, ("retry-after", retry_after_s))

    def _abilities(self, tx: ServerTransaction) -> tuple[tuple[str, str], ...]:
        return (
            ("accept", SDP),
            ("accept-encoding", "identity"),
            ("accept-language", "en, fr"),
            *self._core.abilities(),
            ("contact", self._core.contact(tx.source, "")),
        )

    # --- inside a dialog ------------------------------------------------------------------

    def _in_dialog(self, tx: ServerTransaction, to_tag: str, now: float) -> None:
        headers = tx.request.headers
        from_tag = parse_single(headers, "from").tag or ""
        dialog_id = (headers.get("call-id") or "", to_tag, from_tag)
        leg = self._core.dialogs.get(dialog_id)
        if leg is None or (leg.over and tx.request.method != "BYE"):
            self._core.answer_once(tx, 481, now)
            return
        dialog = leg.dialog or leg.early[from_tag]
        if not dialog.takes(parse_cseq(headers).number):
            self._core.answer(tx, 500, now)
            return
        leg.flow = tx.source
        self._to_leg(leg, tx, now)

    def _to_leg(self, leg: Leg, tx: ServerTransaction, now: float) -> None:
        method = tx.request.method
        if method == "BYE":
            self._bye(leg, tx, now)
        elif method == "OPTIONS":
            self._core.answer(tx, 200, now, *self._abilities(tx))
        elif method == "INFO":
            self._info(leg, tx, now)
        elif method == "INVITE" or (method == "UPDATE" and description_in(tx.request) is not None):
            self._offers.received(leg, tx, now)
        elif method == "UPDATE" and leg.dialog is not None:
            self._offers.refreshed(leg, tx, now)
        elif method == "UPDATE":
            self._core.answer(tx, 200, now, ("contact", leg.contact))
        else:
            self._core.answer(tx, 403, now)

    def _bye(self, leg: Leg, tx: ServerTransaction, now: float) -> None:
        """The callee of an early dialog may not send BYE (15)."""
        if leg.dialog is None:
            self._core.answer(tx, 481, now)
            return
        self._core.answer(tx, 200, now)
        self._invites.happened(leg, LegInput.GOT_BYE, now)

    def _info(self, leg: Leg, tx: ServerTransaction, now: float) -> None:
        if len(leg.infos) >= _MAX_INFOS:
            self._core.answer(tx, 500, now)
            return
        token = self._core.next_number()
        leg.infos[token] = tx
        kind = parse_content_type(tx.request.headers) if tx.request.body else None
        record = tx.request.headers.get("record")
        self._core.tell(
            InfoReceived(
                leg=leg.number,
                token=token,
                content_type=kind.name if kind else "",
                body=tx.request.body,
                record=record.strip().lower() if record is not None else None,
            )
        )

    def respond_info(self, leg: Leg, token: int, status: int, headers: tuple[tuple[str, str], ...], now: float) -> None:
        """Answer an INFO; SipStateError when it waits no more."""
        tx = leg.infos.pop(token, None)
        if tx is None:
            raise SipStateError(f"INFO {token} waits no more")
        self._core.answer(tx, status, now, *headers)

    def ack_arrived(self, request: Request, source: Hop, now: float) -> None:
        """An ACK to a 2xx: the newest one, one of old, or one to nothing."""
        headers = request.headers
        to_tag = parse_single(headers, "to").tag or ""
        from_tag = parse_single(headers, "from").tag or ""
        leg = self._core.dialogs.get((headers.get("call-id") or "", to_tag, from_tag))
        if leg is None:
            self._core.discard("ack-without-dialog", source)
        elif leg.unacked is None or leg.unacked.cseq_number != parse_cseq(headers).number:
            self._core.discard("ack-repeated", source)
        else:
            # A description that answers nothing, because the offer was theirs, is none (RFC 3261 13.2.1).
            late = description_in(leg.unacked.tx.request) is None
            self._invites.happened(leg, LegInput.GOT_ACK, now)
            if not leg.over:
                self._offers.acknowledged(leg, description_in(request) if late else None, now)

    # --- a new call -----------------------------------------------------------------------

    def _invite(self, tx: ServerTransaction, now: float) -> None:
        refused = self._no_room()
        if refused is not None:
            status, retry_after_s = refused
            self._core.answer_once(tx, status, now, ("retry-after", retry_after_s))
            return
        caller = self._gate.identify(tx, now)
        if caller is None:
            return
        self._core.answer(tx, 100, now)
        leg = self._open(tx, now)
        self._core.tell(_invited(leg, tx, caller))

    def _no_room(self) -> tuple[int, int] | None:
        config = self._core.config
        if self.draining or len(self._core.legs) >= config.limits.max_legs:
            return 503, config.retry_after_s
        return self.admission() if self.admission else None

    def _open(self, tx: ServerTransaction, now: float) -> Leg:
        request = tx.request
        uri = parse_uri(request.uri)
        assert isinstance(uri, SipUri)
        via = parse_vias(request.headers)[0]
        dialog = Dialog.of_server(request, tx.to_tag)
        leg = Leg(
            number=self._core.next_number(),
            state=LegState.INCOMING,
            turn=Turn.THEIRS,
            flow=tx.source,
            pinned=not same_address(via.host, tx.source.host),
            call_id=dialog.call_id,
            dialog=dialog,
            invite=request,
            contact=self._core.contact(tx.source, uri.unescaped_user, secure=uri.scheme == "sips"),
            server=tx,
        )
        note_allow(leg, request)
        tx.leg = leg.number
        self._core.legs[leg.number] = leg
        self._core.add_dialog(leg, dialog)
        expires_s = _expires(request)
        if expires_s:
            self._core.arm(leg, LegTimer.INVITE_EXPIRES, now + expires_s)
        return leg

    # --- answers to a new call ------------------------------------------------------------

    def progress(self, leg: Leg, status: int, answer: bytes | None, now: float) -> None:
        """A provisional, with early media when there is an answer."""
        server = _server(leg)
        if not 100 < status < 200:
            raise SipStateError(f"{status} is no provisional that makes a dialog")
        response = self._core.response(server, status)
        response.headers.add("contact", leg.contact)
        self._core.dress(response.headers)
        with_sdp(response, answer)
        leg.local_body = answer or leg.local_body
        self._invites.intend(leg, LegInput.PROGRESS, now, response)

    def accept(self, leg: Leg, body: bytes, now: float) -> None:
        """200 with our answer, or with our offer to a late-offer INVITE."""
        server = _server(leg)
        response = self._core.response(server, 200)
        response.headers.add("contact", leg.contact)
        self._core.dress(response.headers)
        add_to_response(answer_request(self._core.config.session_timer, server.request.headers), response.headers)
        with_sdp(response, body)
        self._invites.intend(leg, LegInput.ACCEPT, now, response)
        leg.local_body, leg.turn = body, Turn.UNACKED

    def reject(
        self, leg: Leg, status: int, reason: str | None, headers: tuple[tuple[str, str], ...], now: float
    ) -> None:
        """A final failure; a 503 says when to try again."""
        server = _server(leg)
        if not 300 <= status < 700:
            raise SipStateError(f"{status} is no failure")
        response = self._core.response(server, status, reason)
        for name, value in headers:
            response.headers.add(name, value)
        if status == 503 and "retry-after" not in response.headers:
            response.headers.add("retry-after", self._core.config.retry_after_s)
        self._invites.intend(leg, LegInput.REJECT, now, response)


def _server(leg: Leg) -> ServerTransaction:
    if leg.server is None:
        raise SipStateError(f"leg {leg.number} is a call of ours")
    return leg.server


def _expires(request: Request) -> int | None:
    """Seconds their INVITE may wait (13.3.1); a broken Expires counts as none."""
    try:
        return parse_expires(request.headers)
    except SipSyntaxError:
        return None


def _invited(leg: Leg, tx: ServerTransaction, caller: Caller) -> Invited:
    request = tx.request
    uri = parse_uri(request.uri)
    assert isinstance(uri, SipUri)
    hops = parse_max_forwards(request.headers)
    return Invited(
        leg=leg.number,
        source=tx.source,
        sip_call_id=leg.call_id,
        request_uri=request.uri,
        called=uri.unescaped_user,
        user=caller.user,
        caller_number=caller.number,
        caller_label=caller.label,
        offer=description_in(request),
        max_forwards=70 if hops is None else hops,
        private=caller.private,
    )
