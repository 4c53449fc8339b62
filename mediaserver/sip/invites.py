"""The life of a leg: runs the leg table for INVITEs of both directions."""

from __future__ import annotations

from functools import partial
from typing import Final

from mediaserver.sip.acks import repeat, send_ack, start_repeating, stop_repeating
from mediaserver.sip.core import Core, ignore
from mediaserver.sip.dialogs import DialogState
from mediaserver.sip.errors import SipStateError
from mediaserver.sip.events import Answered, LegEnded, Rejected, Ringing
from mediaserver.sip.fields import parse_cseq
from mediaserver.sip.leg_tables import LEG_STEPS, LegAction, LegInput, LegState, LegStep, Turn
from mediaserver.sip.legs import Leg, LegTimer
from mediaserver.sip.message import Response
from mediaserver.sip.offers import Offers
from mediaserver.sip.reasons import reason_phrase
from mediaserver.sip.screening import description_in
from mediaserver.sip.sessions import answer_request, from_response
from mediaserver.sip.tables import State
from mediaserver.sip.transactions import ClientTransaction

_REACTIONS: Final = {
    LegTimer.NO_ACK: LegInput.NO_ACK,
    LegTimer.INVITE_EXPIRES: LegInput.GOT_CANCEL,
    LegTimer.NO_FINAL: LegInput.NO_FINAL,
    LegTimer.EXPIRE: LegInput.EXPIRED,
}


class Invites:
    """Runs the leg table of all legs."""

    def __init__(self, core: Core, offers: Offers) -> None:
        self._core = core
        self._offers = offers
        core.leg_happened = self.happened

    def intend(self, leg: Leg, intent: LegInput, now: float, response: Response | None = None) -> None:
        """Carry out an intent; SipStateError where the table has no cell for it."""
        step = LEG_STEPS.get((leg.state, intent))
        if step is None:
            raise SipStateError(f"no {intent} while {leg.state}")
        self._carry_out(leg, step, response, now)

    def happened(self, leg: Leg, event: LegInput, now: float, response: Response | None = None) -> None:
        """Take what the network or a timer brought; without a cell, nothing happens."""
        step = LEG_STEPS.get((leg.state, event))
        if step is not None:
            self._carry_out(leg, step, response, now)

    def timer_fired(self, leg: Leg, timer: LegTimer, now: float) -> None:
        """A timer of a leg is due."""
        match timer:
            case LegTimer.REPEAT_2XX:
                repeat(self._core, leg, now)
            case LegTimer.PROVISIONAL:
                self._repeat_provisional(leg, now)
            case LegTimer.RETRY_OFFER:
                self._offers.retry_due(leg, now)
            case LegTimer.REFRESH:
                self._offers.refresher.due(leg, now)
            case _:
                self.happened(leg, _REACTIONS[timer], now)

    # --- the table ------------------------------------------------------------------------

    def _carry_out(self, leg: Leg, step: LegStep, response: Response | None, now: float) -> None:
        leg.state = step.to
        for action in step.do:
            match action:
                case LegAction.RESPOND | LegAction.REPEAT_2XX | LegAction.STOP_2XX | LegAction.SEND_487:
                    self._respond(leg, action, response, now)
                case LegAction.SEND_ACK | LegAction.SEND_CANCEL | LegAction.SEND_BYE:
                    self._request(leg, action, response, now)
                case LegAction.CONFIRM:
                    self._confirm(leg, response, now)
                case LegAction.FORGET:
                    self._core.forget(leg)
                case LegAction.TELL_ENDED | LegAction.TELL_REJECTED:
                    self._end(leg, action, step.cause, response, now)
                case _:
                    self._tell(leg, action, response)

    def _respond(self, leg: Leg, action: LegAction, response: Response | None, now: float) -> None:
        if action is LegAction.STOP_2XX:
            stop_repeating(self._core, leg)
            return
        assert leg.server is not None, "only their INVITE is answered"
        if action is LegAction.SEND_487:
            self._core.answer(leg.server, 487, now)
            return
        assert response is not None
        if action is LegAction.REPEAT_2XX:
            start_repeating(self._core, leg, leg.server, response, now)
        else:
            self._core.layer.respond(leg.server, response, now)
            self._note_provisional(leg, response, now)

    def _request(self, leg: Leg, action: LegAction, response: Response | None, now: float) -> None:
        if action is LegAction.SEND_ACK:
            assert response is not None
            self._acknowledge(leg, response)
        elif action is LegAction.SEND_CANCEL:
            assert leg.client is not None
            self._core.layer.cancel(leg.client, leg.reason, ignore, now)
            self._core.arm(leg, LegTimer.NO_FINAL, now + self._core.timers.give_up)
        else:
            if leg.owed is not None:
                (dialog, number), leg.owed = leg.owed, None
                send_ack(self._core, leg, dialog, number)
            bye = leg.live_dialog.request("BYE")
            bye.headers.extend("reason", [leg.reason] if leg.reason else [])
            self._core.send(leg, bye, partial(self._bye_replied, leg), now)

    def _bye_replied(self, leg: Leg, tx: ClientTransaction, response: Response, now: float) -> None:
        if response.status >= 200:
            self.happened(leg, LegInput.BYE_DONE, now)

    def _acknowledge(self, leg: Leg, response: Response) -> None:
        number = parse_cseq(response.headers).number
        late = not leg.invite.body and description_in(response) is not None
        if late and leg.state is LegState.CONFIRMED:
            leg.owed, leg.turn = (leg.live_dialog, number), Turn.OWED
        else:
            leg.turn = Turn.IDLE
            send_ack(self._core, leg, leg.live_dialog, number)

    def _confirm(self, leg: Leg, response: Response | None, now: float) -> None:
        """The dialog stands: by our 2xx, whose ACK is in, or by theirs, which is ``response``."""
        leg.live_dialog.state = DialogState.CONFIRMED
        config = self._core.config.session_timer
        if leg.server is None and response is not None:
            timer = from_response(config, response)
        else:
            timer = answer_request(config, leg.invite.headers)
        self._offers.refresher.agree(leg, timer, now)

    # --- provisionals of ours -------------------------------------------------------------

    def _note_provisional(self, leg: Leg, response: Response, now: float) -> None:
        if 100 < response.status < 200:
            leg.provisional = response
            self._core.arm(leg, LegTimer.PROVISIONAL, now + self._core.config.limits.provisional_every_s)
        else:
            self._core.disarm(leg, LegTimer.PROVISIONAL, LegTimer.INVITE_EXPIRES)

    def _repeat_provisional(self, leg: Leg, now: float) -> None:
        self.happened(leg, LegInput.PROGRESS, now, leg.provisional)

    # --- events ---------------------------------------------------------------------------

    def _tell(self, leg: Leg, action: LegAction, response: Response | None) -> None:
        assert response is not None
        body = description_in(response)
        if action is LegAction.TELL_ANSWERED:
            event = Answered(leg=leg.number, source=leg.flow, sip_call_id=leg.call_id, answer=body)
            self._core.tell(event)
        elif response.status > 100:
            self._core.tell(Ringing(leg=leg.number, status=response.status, answer=body))

    def _end(self, leg: Leg, action: LegAction, cause: str, response: Response | None, now: float) -> None:
        leg.over = True
        self._offers.close(leg, now)
        self._core.disarm(
            leg,
            LegTimer.PROVISIONAL,
            LegTimer.INVITE_EXPIRES,
            LegTimer.NO_FINAL,
            LegTimer.RETRY_OFFER,
            LegTimer.REFRESH,
            LegTimer.EXPIRE,
        )
        if action is LegAction.TELL_ENDED:
            self._core.tell(LegEnded(leg=leg.number, cause=cause))
            return
        if leg.client is not None and leg.client.state in (State.CALLING, State.PROCEEDING):
            self._core.layer.abandon(leg.client)
        # A cancelled INVITE that was answered all the same, or never, has ended by our CANCEL.
        failure = response if response is not None and response.status >= 300 else None
        status = failure.status if failure else 487
        reason = failure.reason if failure else reason_phrase(487)
        self._core.tell(Rejected(leg=leg.number, status=status, reason=reason))
