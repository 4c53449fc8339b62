"""The recordings of one call: one session per recorded user, each following the table of ``feature_codes``.

The desk turns the effects of the table into what is written (``takes``) and what is heard. It keeps, per user, the
state of the table and which recording is open.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from callmodel.manifest import MarkKind
from callmodel.modes import (
    FailureBehavior,
    NotificationType,
    RecordingMode,
    SteeringChannel,
)
from callmodel.subscriber import Subscriber
from feature_codes import (
    INITIAL_STATE,
    Cue,
    Effect,
    FeatureCommand,
    RecordingState,
    Step,
    advance,
)
from mediaserver.call.effects import KeepSpool
from mediaserver.call.party import Party
from mediaserver.call.standing import Standing
from mediaserver.media import messages as media
from prompts.catalogue import PromptId

if TYPE_CHECKING:
    from mediaserver.call.call import Call

CUES = {
    FeatureCommand.START: Cue.START,
    FeatureCommand.STOP: Cue.STOP,
    FeatureCommand.PAUSE: Cue.PAUSE,
    FeatureCommand.RESUME: Cue.RESUME,
}

_NOTICE_PROMPTS = {
    Effect.NOTIFY_STARTED: PromptId.RECORDING_STARTED,
    Effect.NOTIFY_PAUSED: PromptId.RECORDING_PAUSED,
    Effect.NOTIFY_RESUMED: PromptId.RECORDING_RESUMED,
}


@dataclass(slots=True, kw_only=True)
class Session:
    """One recorded user of the call."""

    party: Party
    subscriber: Subscriber
    """As read when the call was answered."""
    external_call_id: str
    state: RecordingState = INITIAL_STATE
    take: str | None = None
    """The recording that is open."""
    channel: SteeringChannel | None = None
    """By which way the cue came that is being carried out."""
    reminding: bool = False


class RecordingDesk:
    """All recordings of one call."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self._sessions: list[Session] = []
        self._takes = call.takes
        self._last_words: int | None = None

    def state_of(self, party: Party) -> RecordingState | None:
        """Where the recording of a party stands; None when it is nobody's we know."""
        session = self._session(party)
        return session.state if session else None

    def standings(self) -> tuple[Standing, ...]:
        """Where the recording of each recorded user stands, the caller's first; none before the answer."""
        return tuple(
            Standing(
                user=session.subscriber.number,
                mode=session.subscriber.recording.mode,
                phase=session.state.phase,
                recording_id=session.take,
                since=self._takes.begun_at(session.take),
            )
            for session in self._sessions
            if session.subscriber.recording.mode is not RecordingMode.NEVER
        )

    # --- cues ---------------------------------------------------------------------------------

    def on_answered(self, now: float) -> None:
        """Read the settings of both users and give the table its first cue."""
        for party in self._call.parties():
            subscriber = party.subscriber and self._call.context.around.subscriber(party.subscriber.number)
            if subscriber is None:
                continue
            serial = self._call.context.around.next_number()
            session = Session(party=party, subscriber=subscriber, external_call_id=f"callhalf-{serial}:0")
            self._sessions.append(session)
        for session in tuple(self._sessions):
            self._advance(session, Cue.ANSWERED, now)

    def steer(self, party: Party, command: FeatureCommand, channel: SteeringChannel, code: str, now: float) -> bool:
        """Apply a command of the party's own; whether the table accepted it."""
        session = self._session(party)
        if session is None:
            return False
        session.channel = channel
        detail = (("command", command.value), ("channel", channel.value), ("code", code))
        refused = self._step(session, CUES[command]).refused
        if session.take is not None:
            self._takes.mark(session.take, MarkKind.CODE, now, (*detail, ("accepted", str(not refused).lower())))
        self._advance(session, CUES[command], now)
        self._call.note(
            "recording.refused" if refused else "recording.steered",
            user=session.subscriber.number,
            command=command.value,
            channel=channel.value,
            code=code,
            state=str(session.state),
        )
        session.channel = None
        return not refused

    def on_ended(self, now: float) -> None:
        """The call ended: keep or destroy what is open."""
        for session in self._sessions:
            self._advance(session, Cue.ENDED, now)
        self._takes.close_all(now)

    def on_failed(self, recording_id: str, reason: str, now: float) -> None:
        """A recording could not be opened, or cannot go on."""
        session = next((s for s in self._sessions if s.take == recording_id), None)
        self._call.note("recording.failed", recording=recording_id, reason=reason)
        if session is None:
            self._takes.give_up(recording_id)
            return
        self._takes.fail(recording_id)
        self._advance(session, Cue.FAILED, now)

    def on_worker_lost(self, now: float) -> None:
        """What the worker wrote is salvaged; what was provisional is destroyed with it."""
        for session in self._sessions:
            session.take = None
            session.state = INITIAL_STATE
        self._takes.give_up_all()
        self._sessions.clear()

    # --- from the worker ----------------------------------------------------------------------

    def on_media(self, event: media.Event, now: float) -> None:
        """Recording events of the worker."""
        match event:
            case media.RecordingFinished():
                self._takes.finished(event)
            case media.RecordingDestroyed(recording_id=recording_id):
                self._takes.destroyed(recording_id)
            case media.RecordingFailed(recording_id=recording_id, reason=reason):
                if recording_id in self._takes:
                    self.on_failed(recording_id, reason, now)
            case _:
                pass

    def on_play_ended(self, play_id: int, now: float) -> None:
        """The last words of a call that may not go on unrecorded."""
        if play_id == self._last_words:
            self._call.end("recording-failed", now)

    # --- the table's effects ------------------------------------------------------------------

    def _step(self, session: Session, cue: Cue) -> Step:
        return advance(session.subscriber.recording.mode, session.state, cue, self._call.context.config.table)

    def _advance(self, session: Session, cue: Cue, now: float) -> None:
        step = self._step(session, cue)
        session.state = step.to
        for effect in step.effects:
            self._carry_out(session, effect, now)

    def _carry_out(self, session: Session, effect: Effect, now: float) -> None:
        """One effect of the table; REPEAT_NOTICE does nothing itself, the NOTIFY after it does."""
        a_and_b, far = self._call.parties(), (self._call.other(session.party),)
        match effect:
            case Effect.ANNOUNCE_STARTED:
                self._announce(session, PromptId.RECORDING_STARTED, a_and_b, recorded=True)
            case Effect.ANNOUNCE_STARTED_AGAIN:
                self._announce(session, PromptId.RECORDING_STARTED, far, recorded=True)
            case Effect.ANNOUNCE_STOPPED:
                self._announce(session, PromptId.RECORDING_STOPPED, a_and_b, recorded=False)
            case Effect.NOTIFY_STARTED | Effect.NOTIFY_PAUSED | Effect.NOTIFY_RESUMED:
                self._notify(session, _NOTICE_PROMPTS[effect])
            case Effect.REFUSE:
                self._refuse(session)
            case Effect.REPORT_FAILURE:
                self._report_failure(session)
            case _:
                self._write(session, effect, now)

    def _write(self, session: Session, effect: Effect, now: float) -> None:
        """The effects that change what is written, and the reminder that follows it."""
        take = session.take or ""
        match effect:
            case Effect.OPEN:
                self._open(session, now)
            case Effect.KEEP_FROM_ANSWER:
                self._call.emit(KeepSpool(recording_id=take))
            case Effect.SUSPEND:
                self._call.to_worker(media.PauseRecording(recording_id=take, at=now))
            case Effect.CONTINUE:
                self._call.to_worker(media.ResumeRecording(recording_id=take, at=now))
            case Effect.CLOSE_KEEP | Effect.CLOSE_DESTROY:
                self._takes.close(take, keep=effect is Effect.CLOSE_KEEP, now=now)
                session.take = None
            case Effect.CLOSE_FAILED:
                self._takes.give_up(take)
                session.take = None
            case Effect.ARM_REMINDER:
                self._arm_reminder(session, now)
            case Effect.DISARM_REMINDER:
                self._disarm_reminder(session)
            case _:
                pass

    def _open(self, session: Session, now: float) -> None:
        provisional = session.subscriber.recording.mode is RecordingMode.ON_DEMAND
        session.take = self._takes.open(
            session.party, session.subscriber, external_call_id=session.external_call_id, now=now, kept=not provisional
        )

    # --- what is heard ------------------------------------------------------------------------

    def _announces(self, session: Session) -> bool:
        settings = session.subscriber.recording
        return settings.announce_internal if self._call.internal else settings.announce_pstn

    def _announce(self, session: Session, prompt: PromptId, audience: tuple[Party, ...], *, recorded: bool) -> None:
        if self._announces(session):
            self._say(session, prompt, audience, recorded=recorded)

    def _say(self, session: Session, prompt: PromptId, audience: tuple[Party, ...], *, recorded: bool) -> int:
        audio = media.PromptAudio(prompt=prompt.value, language=session.subscriber.language.value)
        self._call.note("prompt.played", prompt=prompt.value, heard_by=",".join(party.role for party in audience))
        return self._call.play(audience, (audio,), recorded=recorded)

    def _notify(self, session: Session, prompt: PromptId) -> None:
        if session.channel is SteeringChannel.CALLED_CODE:
            return  # the user hears the confirmation in the call to the code, not on the held leg
        match session.subscriber.recording.notification:
            case NotificationType.BEEP:
                self._call.play((session.party,), (self._call.context.config.beep_tone,), recorded=False)
            case NotificationType.ANNOUNCEMENT:
                self._say(session, prompt, (session.party,), recorded=False)
            case NotificationType.NONE:
                pass

    def _refuse(self, session: Session) -> None:
        if self._call.context.config.refusal == "tone" and session.channel is not SteeringChannel.CALLED_CODE:
            self._call.play((session.party,), (self._call.context.config.refusal_tone,), recorded=False)

    def _report_failure(self, session: Session) -> None:
        match self._call.context.config.failure_behavior:
            case FailureBehavior.PROCEED_ANNOUNCED:
                self._say(session, PromptId.RECORDING_FAILED_CONTINUE, (session.party,), recorded=False)
            case FailureBehavior.END_ANNOUNCED:
                self._last_words = self._say(
                    session, PromptId.RECORDING_FAILED_END, self._call.parties(), recorded=False
                )
            case FailureBehavior.PROCEED_SILENTLY:
                pass

    def _arm_reminder(self, session: Session, now: float) -> None:
        interval_s = session.subscriber.recording.reminder_s
        if interval_s is None or session.take is None:
            return
        session.reminding = True
        a, b = self._call.parties()
        self._call.to_worker(
            media.ArmReminder(
                recording_id=session.take,
                interval_s=interval_s,
                tone=self._call.context.config.reminder_tone,
                audience=(a.media_leg, b.media_leg),
                at=now,
            )
        )

    def _disarm_reminder(self, session: Session) -> None:
        if session.reminding and session.take is not None:
            self._call.to_worker(media.DisarmReminder(recording_id=session.take))
        session.reminding = False

    # --- facts --------------------------------------------------------------------------------

    def _session(self, party: Party) -> Session | None:
        return next((session for session in self._sessions if session.party is party), None)
