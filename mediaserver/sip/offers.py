"""Offers and answers inside a dialog: re-INVITE and UPDATE, both ways (RFC 3261 14, RFC 3311)."""

from __future__ import annotations

from functools import partial
from typing import Final

from mediaserver.sip.acks import repeat_ack, send_ack, start_repeating, stop_repeating
from mediaserver.sip.core import Core, dialog_verdict, with_sdp
from mediaserver.sip.errors import SipStateError
from mediaserver.sip.events import AckReceived, OfferAnswered, OfferReceived, OfferRejected
from mediaserver.sip.fields import parse_cseq, parse_single
from mediaserver.sip.leg_tables import TURN_STEPS, LegInput, LegState, Turn, TurnAction, TurnInput
from mediaserver.sip.legs import Leg, LegTimer, OfferPlan
from mediaserver.sip.message import Request, Response
from mediaserver.sip.refresh import Refresher, note_allow, raise_min_se
from mediaserver.sip.screening import description_in
from mediaserver.sip.sessions import add_to_response, answer_request
from mediaserver.sip.transactions import ClientTransaction, ServerTransaction

_OPEN: Final = (LegState.ACCEPTED, LegState.CONFIRMED)
_METHODS: Final = ("INVITE", "UPDATE")

Refusal = tuple[int, tuple[tuple[str, str], ...]]
"""Status, and the fields that go with it."""


class Offers:
    """Runs the turn table of all legs."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self.refresher = Refresher(core, self._refresh)

    # --- intents --------------------------------------------------------------------------

    def offer(self, number: int, body: bytes | None, method: str, now: float) -> None:
        """Send an offer, or keep it until the turn is free."""
        leg = self._core.leg(number)
        if leg.state not in _OPEN or method not in _METHODS:
            raise SipStateError(f"no {method} offer while {leg.state}")
        if method == "UPDATE" and not leg.peer_updates:
            raise SipStateError("the peer does not allow UPDATE")
        if any(plan is not None and plan.told for plan in (leg.plan, leg.queued)):
            raise SipStateError("an offer of ours is under way")
        step = TURN_STEPS.get((leg.turn, TurnInput.OFFER))
        if step is None:
            raise SipStateError(f"no offer while the turn is {leg.turn}")
        leg.queued = OfferPlan(method=method, body=body, told=True)
        self._happened(leg, TurnInput.OFFER, now)

    def answer(self, number: int, body: bytes, now: float) -> None:
        """Accept their offer, or give the answer our ACK owes."""
        leg = self._core.leg(number)
        method = leg.their_offer.request.method if leg.their_offer else "INVITE"
        event = TurnInput.ANSWER_UPDATE if method == "UPDATE" else TurnInput.ANSWER_INVITE
        self._check_intent(leg, event)
        leg.local_body = body
        self._happened(leg, event, now, body=body)

    def reject(self, number: int, status: int, headers: tuple[tuple[str, str], ...], now: float) -> None:
        """Refuse their offer; the session stays as it was."""
        leg = self._core.leg(number)
        self._check_intent(leg, TurnInput.REFUSE)
        self._happened(leg, TurnInput.REFUSE, now, refusal=(status, headers))

    def _check_intent(self, leg: Leg, event: TurnInput) -> None:
        waiting = leg.their_offer is not None or leg.owed is not None
        if not waiting or (leg.turn, event) not in TURN_STEPS:
            raise SipStateError(f"no {event} while the turn is {leg.turn}")

    # --- what the network brings ----------------------------------------------------------

    def received(self, leg: Leg, tx: ServerTransaction, now: float) -> None:
        """A re-INVITE, or an UPDATE with an offer, that passed every check."""
        note_allow(leg, tx.request)
        self._happened(leg, TurnInput.THEIR_OFFER, now, tx=tx)

    def refreshed(self, leg: Leg, tx: ServerTransaction, now: float) -> None:
        """An UPDATE without an offer: a new target, a session refresh, nobody's business but ours."""
        note_allow(leg, tx.request)
        self._accept(leg, tx, None, now)

    def acknowledged(self, leg: Leg, answer: bytes | None, now: float) -> None:
        """The ACK to our 2xx."""
        self._happened(leg, TurnInput.GOT_ACK, now, body=answer)

    def retry_due(self, leg: Leg, now: float) -> None:
        """The pause after a 491 is over."""
        self._happened(leg, TurnInput.RETRY, now)

    def close(self, leg: Leg, now: float) -> None:
        """The leg is over: what still waits for us gets a 487 (RFC 3261 15.1.2)."""
        for tx in (leg.their_offer, *leg.infos.values()):
            if tx is not None:
                self._core.answer(tx, 487, now)
        leg.their_offer, leg.queued = None, None
        leg.infos.clear()

    def _refresh(self, leg: Leg, now: float) -> None:
        """Refresh the session by re-INVITE, unless an offer is under way, which does it too."""
        if leg.plan is None and leg.queued is None and (leg.turn, TurnInput.OFFER) in TURN_STEPS:
            leg.queued = OfferPlan(method="INVITE", body=leg.local_body, told=False)
            self._happened(leg, TurnInput.OFFER, now)

    # --- the table ------------------------------------------------------------------------

    def _happened(
        self,
        leg: Leg,
        event: TurnInput,
        now: float,
        *,
        tx: ServerTransaction | None = None,
        body: bytes | None = None,
        refusal: Refusal | None = None,
        response: Response | None = None,
    ) -> None:
        step = TURN_STEPS.get((leg.turn, event))
        if step is None:
            return
        leg.turn = step.to
        for action in step.do:
            match action:
                case TurnAction.SEND | TurnAction.WAIT | TurnAction.KEEP | TurnAction.HANG_UP:
                    self._move(leg, action, response, now)
                case TurnAction.ACK | TurnAction.ACK_WITH_ANSWER | TurnAction.STOP_2XX:
                    self._acknowledge(leg, action, body, response)
                case TurnAction.TELL_OFFER | TurnAction.REFUSE_491 | TurnAction.REFUSE_500:
                    assert tx is not None
                    self._take_offer(leg, tx, action, now)
                case TurnAction.ANSWER | TurnAction.REFUSE | TurnAction.REPEAT_2XX:
                    self._settle(leg, action, body, refusal, now)
                case _:
                    self._tell(leg, action, body, response)
        if leg.queued is not None and (leg, LegTimer.RETRY_OFFER) not in self._core.alarms:
            self._go_on(leg, now)

    def _go_on(self, leg: Leg, now: float) -> None:
        """The turn may be free now for the offer that waits."""
        if leg.turn is Turn.IDLE and not leg.over:
            self._happened(leg, TurnInput.RETRY, now)

    # --- ours -----------------------------------------------------------------------------

    def _move(self, leg: Leg, action: TurnAction, response: Response | None, now: float) -> None:
        """SEND, WAIT or HANG_UP; what is to be kept is in ``leg.queued`` already."""
        if action is TurnAction.SEND:
            self._send(leg, now)
        elif action is TurnAction.WAIT:
            self._wait(leg, response, now)
        elif action is TurnAction.HANG_UP:
            self._core.leg_happened(leg, LegInput.BYE, now)

    def _send(self, leg: Leg, now: float) -> None:
        plan, leg.queued = leg.queued, None
        assert plan is not None
        leg.plan = plan
        if plan.told and plan.body is not None:
            leg.local_body = plan.body
        request = leg.live_dialog.request(plan.method)
        request.headers.add("contact", leg.contact)
        self._core.dress(request.headers)
        self.refresher.ask(leg, request.headers)
        with_sdp(request, plan.body)
        self._core.send(leg, request, partial(self._replied, leg, plan), now)

    def _replied(self, leg: Leg, plan: OfferPlan, tx: ClientTransaction, response: Response, now: float) -> None:
        if response.status < 200:
            return
        if tx.heard is not None:
            leg.flow = tx.heard
        if leg.over or leg.plan is not plan:
            self._late(leg, tx, response)
            return
        leg.plan = None
        if response.status < 300:
            leg.live_dialog.refresh_target(response)
            self.refresher.agree_response(leg, response, now)
            late = tx.request.method == "INVITE" and plan.body is None and description_in(response) is not None
            event = TurnInput.GOT_OFFER if late else TurnInput.GOT_ANSWER
            if late:
                leg.owed = (leg.live_dialog, parse_cseq(tx.request.headers).number)
        else:
            verdict = dialog_verdict(tx, response)
            if verdict is not None:
                self._core.leg_happened(leg, verdict, now)
                return
            again = response.status == 491 or (response.status == 422 and raise_min_se(leg, response))
            event = TurnInput.GOT_491 if again else TurnInput.GOT_FAILURE
        leg.asked = plan
        self._happened(leg, event, now, response=response)

    def _late(self, leg: Leg, tx: ClientTransaction, response: Response) -> None:
        """A 2xx that came again, or after the leg was over, still needs its ACK."""
        if tx.request.method != "INVITE" or response.status >= 300:
            return
        cseq_number = parse_cseq(tx.request.headers).number
        remote_tag = parse_single(response.headers, "to").tag or ""
        if not repeat_ack(self._core, leg, remote_tag, cseq_number):
            send_ack(self._core, leg, leg.live_dialog, cseq_number)

    def _wait(self, leg: Leg, response: Response | None, now: float) -> None:
        """Pause before trying again: none after a 422, else as RFC 3261 14.1 has it for who made the Call-ID."""
        if leg.queued is None:
            leg.queued = leg.asked
        chance = int(self._core.ids.token(32), 16) / 2**32
        low, high = (2.1, 4.0) if leg.client is not None else (0.0, 2.0)
        pause = 0.0 if response is not None and response.status == 422 else round(low + chance * (high - low), 2)
        self._core.arm(leg, LegTimer.RETRY_OFFER, now + pause)

    def _acknowledge(self, leg: Leg, action: TurnAction, body: bytes | None, response: Response | None) -> None:
        if action is TurnAction.STOP_2XX:
            stop_repeating(self._core, leg)
        elif action is TurnAction.ACK_WITH_ANSWER:
            assert leg.owed is not None
            (dialog, number), leg.owed = leg.owed, None
            send_ack(self._core, leg, dialog, number, body)
        elif response is not None and parse_cseq(response.headers).method == "INVITE":
            send_ack(self._core, leg, leg.live_dialog, parse_cseq(response.headers).number)

    # --- theirs ---------------------------------------------------------------------------

    def _take_offer(self, leg: Leg, tx: ServerTransaction, action: TurnAction, now: float) -> None:
        request: Request = tx.request
        if action is TurnAction.REFUSE_491:
            self._core.answer(tx, 491, now)
        elif action is TurnAction.REFUSE_500:
            after = int(self._core.ids.token(32), 16) % 10 + 1
            self._core.answer(tx, 500, now, ("retry-after", after))
        else:
            leg.their_offer = tx
            if request.method == "INVITE":
                self._core.answer(tx, 100, now)
            self._core.tell(OfferReceived(leg=leg.number, offer=description_in(request), method=request.method))

    def _settle(self, leg: Leg, action: TurnAction, body: bytes | None, refusal: Refusal | None, now: float) -> None:
        tx = leg.their_offer
        if action is TurnAction.REPEAT_2XX:
            return  # done with the answer itself, which holds the response to repeat
        assert tx is not None
        leg.their_offer = None
        if action is TurnAction.REFUSE:
            assert refusal is not None
            status, headers = refusal
            self._core.answer(tx, status, now, *headers)
        else:
            self._accept(leg, tx, body, now)

    def _accept(self, leg: Leg, tx: ServerTransaction, body: bytes | None, now: float) -> None:
        """Send the 2xx to an INVITE or UPDATE inside the dialog."""
        config = self._core.config.session_timer
        timer = answer_request(config, tx.request.headers)
        response = self._core.response(tx, 200)
        response.headers.add("contact", leg.contact)
        self._core.dress(response.headers)
        add_to_response(timer, response.headers)
        with_sdp(response, body)
        leg.live_dialog.refresh_target(tx.request)
        self._core.layer.respond(tx, response, now)
        if leg.state in _OPEN:
            self.refresher.agree(leg, timer, now)
        if tx.request.method == "INVITE":
            start_repeating(self._core, leg, tx, response, now)

    # --- events ---------------------------------------------------------------------------

    def _tell(self, leg: Leg, action: TurnAction, body: bytes | None, response: Response | None) -> None:
        if action is TurnAction.TELL_ACK:
            self._core.tell(AckReceived(leg=leg.number, answer=body))
            return
        assert response is not None
        assert leg.asked is not None
        answer = description_in(response)
        if action is TurnAction.TELL_ANSWERED and (leg.asked.told or answer is not None):
            self._core.tell(OfferAnswered(leg=leg.number, answer=answer))
        elif action is TurnAction.TELL_REJECTED and leg.asked.told:
            self._core.tell(OfferRejected(leg=leg.number, status=response.status))
