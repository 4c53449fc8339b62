"""One call: a reducer of inputs into effects. No clock, no socket, no file; ``now`` is monotonic seconds.

The life of a call::

    opening   ports are being bound
    ringing   contacts of the callee are rung (or a service number or a mailbox takes its time)
    answered  both parties talk; recordings follow the table
    closing   SIP is over; recordings are being written out
    over
"""

from __future__ import annotations

from enum import StrEnum

from callmodel.modes import Language
from mediaserver.call.answering import Answering, CodeCall, answering_for
from mediaserver.call.context import CallContext, Route, ToNobody, ToSubscriber
from mediaserver.call.effects import (
    Accept,
    ArmTimer,
    CallOver,
    Effect,
    Fields,
    Note,
    Progress,
    Reject,
    Release,
    ToWorker,
)
from mediaserver.call.inputs import (
    CallInput,
    HangUp,
    MediaInput,
    RecordingUnavailable,
    SipInput,
    Steer,
    Steered,
    TimerFired,
    WorkerLost,
)
from mediaserver.call.media_legs import MediaLegs
from mediaserver.call.negotiation import warning
from mediaserver.call.party import Party
from mediaserver.call.recording import RecordingDesk
from mediaserver.call.renegotiation import take_answer, take_offer
from mediaserver.call.ringing import NO_ANSWER_TIMER, Forks
from mediaserver.call.steering import Keypad, handle_info, refuse_info
from mediaserver.call.takes import Takes
from mediaserver.media import messages as media
from mediaserver.sdp import SdpError
from mediaserver.sip import events as sip


class CallPhase(StrEnum):
    """Where a call stands; see the module's picture."""

    OPENING = "opening"
    RINGING = "ringing"
    ANSWERED = "answered"
    CLOSING = "closing"
    OVER = "over"


class Call:
    """A caller's leg, the callee's legs (or a service), and the recordings of both."""

    def __init__(self, *, call_id: str, invited: sip.Invited, route: Route, context: CallContext, now: float) -> None:
        """Nothing happens before ``start``."""
        self.call_id = call_id
        self.context = context
        self.route = route
        self.phase = CallPhase.OPENING
        self.out: list[Effect] = []
        self.invited_at = now
        self.answered_at: float | None = None
        self.cause = ""
        caller = context.around.subscriber(invited.user) if invited.user else None
        self.a = Party(
            role="a",
            key="a",
            number=invited.caller_number,
            label=invited.caller_label or (caller.name if caller else ""),
            subscriber=caller,
            hop=invited.source,
            context=context,
        )
        self.a.sip_call_id = invited.sip_call_id
        callee = route.subscriber if isinstance(route, ToSubscriber) else None
        self.b = Party(
            role="b",
            key="",
            number=invited.called,
            label=callee.name if callee else "",
            subscriber=callee,
            hop=invited.source,
            context=context,
        )
        self.invited = invited
        self.forks = Forks(self)
        self.answering: Answering | None = None
        self.takes = Takes(self)
        self.desk = RecordingDesk(self)
        self.keypad = Keypad(self)
        self.legs = MediaLegs(self)

    # --- the two ways in -------------------------------------------------------------------

    def start(self, now: float) -> list[Effect]:
        """The first reaction to the INVITE."""
        self.note("call.invited", caller=self.a.number, called=self.invited.called)
        try:
            if self.invited.offer is not None:
                self.a.sdp.read_offer(self.invited.offer)
        except SdpError as error:
            cause = "no-common-codec" if error.status_hint == 488 else "sdp"
            return self._refuse(error.status_hint, cause, warning(error, self.context.config.domain))
        if isinstance(self.route, ToNobody):
            return self._refuse(404, "unknown-number")
        answering = answering_for(self)
        if answering is None:
            return self._refuse(480, "unreachable")
        self.answering = answering
        self.legs.open(self.a, self.invited.source)
        answering.open(now)
        return self._flush()

    def handle(self, item: CallInput, now: float) -> list[Effect]:
        """React to one input."""
        if self.phase is CallPhase.OVER:
            return []
        match item:
            case SipInput(party=key, event=event):
                self._on_sip(key, event, now)
            case MediaInput(event=media_event):
                self._on_media(media_event, now)
            case TimerFired(name=name):
                self._on_timer(name, now)
            case Steer():
                self.steer(item, now)
            case Steered(command=command, accepted=accepted) if isinstance(self.answering, CodeCall):
                if self.phase is CallPhase.ANSWERED:
                    self.answering.steered(command, accepted)
            case _:
                self._on_trouble(item, now)
        self._maybe_over()
        return self._flush()

    def _on_trouble(self, item: CallInput, now: float) -> None:
        match item:
            case RecordingUnavailable(recording_id=recording_id, reason=reason):
                self.desk.on_failed(recording_id, reason, now)
            case WorkerLost():
                self.legs.lost()
                self.desk.on_worker_lost(now)
                self.end("worker-lost", now)
            case HangUp(cause=cause):
                self.end(cause, now)
            case _:
                pass

    def steer(self, item: Steer, now: float) -> bool:
        """Apply a steering command to the user's recording; whether it was accepted. See ``take_effects``."""
        party = next((p for p in (self.a, self.b) if p.subscriber and p.subscriber.number == item.user), None)
        if party is None or self.phase is not CallPhase.ANSWERED:
            return False
        return self.desk.steer(party, item.command, item.channel, "", now)

    def take_effects(self) -> list[Effect]:
        """Effects of a ``steer`` that was called directly."""
        self._maybe_over()
        return self._flush()

    # --- small helpers for the rooms of a call ---------------------------------------------

    def emit(self, effect: Effect) -> None:
        """Queue an effect."""
        self.out.append(effect)

    def to_worker(self, command: media.Command) -> None:
        """Queue a command to the media worker."""
        self.out.append(ToWorker(command=command))

    def note(self, kind: str, **detail: str) -> None:
        """Queue an entry of the event log."""
        self.out.append(Note(kind=kind, detail=tuple(detail.items())))

    def other(self, party: Party) -> Party:
        """The other end."""
        return self.b if party is self.a else self.a

    def parties(self) -> tuple[Party, Party]:
        """Caller and callee."""
        return self.a, self.b

    def play(
        self,
        audience: tuple[Party, ...],
        audio: tuple[media.Audio, ...],
        *,
        recorded: bool,
        alone: bool = False,
    ) -> int:
        """Play something to parties; the play's number."""
        play_id = self.context.around.next_number()
        legs = tuple(party.media_leg for party in audience)
        self.to_worker(
            media.Play(
                call_id=self.call_id, play_id=play_id, audio=audio, audience=legs, recorded=recorded, alone=alone
            )
        )
        return play_id

    def language_of(self, party: Party) -> Language:
        """The language a party is spoken to in."""
        return party.subscriber.language if party.subscriber else self.context.config.service_language

    # --- opening ----------------------------------------------------------------------------

    def reopen(self) -> None:
        """Another callee's side takes over while the caller waits."""
        self.phase = CallPhase.OPENING

    def _on_leg_opened(self, event: media.LegOpened, now: float) -> None:
        self.legs.opened(event)
        if self.legs.ready and self.phase is CallPhase.OPENING and self.answering is not None:
            self.phase = CallPhase.RINGING
            self.answering.opened(now)

    # --- ringing ----------------------------------------------------------------------------

    def progress(self, status: int, *, early: bool = False) -> None:
        """Tell the caller that it rings; with early media when asked for and the caller's offer is known."""
        body = self.a.sdp.answer(prefer=self.b.sdp.codec) if early and self.a.sdp.has_offer else None
        self.emit(Progress(party="a", status=status, answer=body))
        if body is not None:
            self.legs.set_media(self.a)
            self.legs.bridge()

    def accept(self, now: float) -> None:
        """Answer the caller: from here on it is a call."""
        self.emit(ArmTimer(name=NO_ANSWER_TIMER, at=None))
        sdp = self.a.sdp
        body = sdp.answer(prefer=self.b.sdp.codec) if sdp.has_offer else sdp.make_offer(prefer=(self.b.sdp.codec,))
        self.phase = CallPhase.ANSWERED
        self.answered_at = now
        self.emit(Accept(party="a", body=body))
        self.legs.set_media(self.a)
        self.legs.set_media(self.b)
        self.legs.bridge()
        self.note("call.answered")
        if self.answering is not None:
            self.answering.answered(now)

    def refuse(self, status: int, cause: str, headers: Fields = ()) -> None:
        """Refuse the caller for good."""
        self.forks.leave()
        self.cause = cause
        self.emit(Reject(party="a", status=status, headers=headers))
        self.a.alive = False
        self._close()

    def _refuse(self, status: int, cause: str, headers: Fields = ()) -> list[Effect]:
        self.refuse(status, cause, headers)
        self._maybe_over()
        return self._flush()

    # --- SIP --------------------------------------------------------------------------------

    def _on_sip(self, key: str, event: sip.SipEvent, now: float) -> None:
        match event:
            case sip.Ringing():
                self.forks.rings(key, event)
            case sip.Answered():
                self.forks.answered(key, event, now)
            case sip.Rejected():
                self.forks.rejected(key, event, now)
            case sip.LegEnded():
                self._on_leg_ended(key, event, now)
            case _:
                party = self._party(key)
                if party is not None:
                    self._in_dialog(party, event, now)
                elif isinstance(event, sip.InfoReceived):
                    refuse_info(self, key, event)

    def _party(self, key: str) -> Party | None:
        return next((party for party in self.parties() if party.key == key and party.alive), None)

    def _on_leg_ended(self, key: str, event: sip.LegEnded, now: float) -> None:
        if self.forks.gone(key, now):
            return
        party = self._party(key)
        if party is None:
            return
        party.alive = False
        self.end(f"{party.role}-{event.cause}", now)

    def _in_dialog(self, party: Party, event: sip.SipEvent, now: float) -> None:
        match event:
            case sip.OfferReceived():
                take_offer(self, party, event, now)
            case sip.AckReceived(answer=answer) | sip.OfferAnswered(answer=answer) if answer is not None:
                take_answer(self, party, answer, now)
            case sip.AckReceived() if party.sdp.codec is None:
                self.end("no-answer-in-ack", now)
            case sip.InfoReceived():
                handle_info(self, party, event, now)
            case _:
                pass

    # --- media ------------------------------------------------------------------------------

    def _on_media(self, event: media.Event, now: float) -> None:
        match event:
            case media.PlayEnded() if self.phase is CallPhase.CLOSING:
                pass  # cut off by the end of the call: nothing follows it
            case media.PlayEnded(play_id=play_id):
                self.desk.on_play_ended(play_id, now)
                if self.answering is not None:
                    self.answering.play_ended(play_id, now)
            case media.RecordingFinished() | media.RecordingDestroyed() | media.RecordingFailed():
                self.desk.on_media(event, now)
            case media.PlayStarted() | media.WorkerLoad():
                pass
            case _:
                self._on_leg_media(event, now)

    def _on_leg_media(self, event: media.LegEvent, now: float) -> None:
        party = self.legs.party_of(event.leg_id)
        match event:
            case media.LegOpened():
                self._on_leg_opened(event, now)
            case media.LegOpenFailed(leg_id=leg_id, reason=reason):
                self.legs.closed(leg_id)
                self._refuse_or_end(503, f"media-{reason}", now)
            case media.LegStatistics():
                self.legs.tell_statistics(event)
            case _ if party is not None and self.phase is not CallPhase.CLOSING:
                self._on_party_media(party, event, now)

    def _on_party_media(self, party: Party, event: media.LegEvent, now: float) -> None:
        match event:
            case media.Digit(digit=digit, channel=channel, at=at, duration_ms=duration_ms):
                self.keypad.pressed(party, digit, channel, at, duration_ms)
            case media.LegQuiet():
                if not party.sdp.held and self.phase is CallPhase.ANSWERED:
                    self.end("media-timeout", now)
            case media.LegSilent(silent_s=silent_s):
                if self.answering is not None and party is self.a:
                    self.answering.silent(silent_s, now)
            case media.FirstPacket():
                self.note("leg.first-packet", leg=party.role)
            case media.AddressLearned():
                self.legs.tell_learned(party, event)
            case _:
                pass

    # --- timers and the end ------------------------------------------------------------------

    def _on_timer(self, name: str, now: float) -> None:
        if name == NO_ANSWER_TIMER:
            if self.phase is CallPhase.RINGING and self.answering is not None:
                self.forks.leave()
                self.answering.unanswered(480, now)
        elif self.keypad.owns(name):
            self.keypad.expired(name, now)
        elif self.answering is not None:
            self.answering.timer(name, now)

    def _refuse_or_end(self, status: int, cause: str, now: float) -> None:
        if self.phase in (CallPhase.OPENING, CallPhase.RINGING):
            self.refuse(status, cause)
        else:
            self.end(cause, now)

    def end(self, cause: str, now: float) -> None:
        """End the call: release both parties, close the recordings, give the media back."""
        if self.phase in (CallPhase.CLOSING, CallPhase.OVER):
            return
        self.forks.leave()
        self.cause = cause
        self.keypad.flush(now)
        if self.answering is not None:
            self.answering.ended(now)  # first: a mailbox knows whether its message is worth keeping
        self.desk.on_ended(now)
        for party in self.parties():
            if party.alive and party.key:
                party.alive = False
                self.emit(Release(party=party.key))
        self._close()

    def _close(self) -> None:
        self.phase = CallPhase.CLOSING
        self.to_worker(media.CloseCall(call_id=self.call_id))

    def _maybe_over(self) -> None:
        if self.phase is CallPhase.CLOSING and not self.takes.busy and not self.legs.busy:
            self.phase = CallPhase.OVER
            self.note("call.ended", cause=self.cause)
            self.emit(CallOver(cause=self.cause))

    def _flush(self) -> list[Effect]:
        out, self.out = self.out, []
        return out

    @property
    def is_ringing(self) -> bool:
        """The caller waits for an answer."""
        return self.phase is CallPhase.RINGING

    @property
    def internal(self) -> bool:
        """Both ends are subscribers of ours; service numbers count as outside."""
        return self.a.subscriber is not None and self.b.subscriber is not None
