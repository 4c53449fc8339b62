"""The recordings of one call: one session per recorded user, each following the table of ``feature_codes``.

The desk turns the table's effects into media commands and spool effects. It keeps, per user, the state of the table and
the takes (recordings opened by this user in this call) until each is sealed, destroyed or given up.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from callmodel.manifest import AudioFile, Mark, MarkKind, RecordingManifest
from callmodel.manifest import Party as PartyFacts
from callmodel.modes import CallType as Direction
from callmodel.modes import (
    FailureBehavior,
    NotificationType,
    RecordingMode,
    RecordingResult,
    RecordingType,
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
from mediaserver.call.effects import DestroySpool, KeepSpool, OpenSpool, SalvageSpool, SealSpool
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
class Take:
    """One recording from its opening until it is sealed, destroyed or given up."""

    manifest: RecordingManifest
    mailbox: bool = False
    closing: bool = False
    keep: bool = True
    failed: bool = False
    """The worker knows it no more, or never did."""


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
    failures: int = 0
    takes_opened: int = field(default=0)


class RecordingDesk:
    """All recordings of one call."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self._sessions: list[Session] = []
        self._takes: dict[str, Take] = {}
        self._last_words: int | None = None
        self.tracking_id = _uuid(call.context.ids.token(128))
        self._at = 0.0

    @property
    def busy(self) -> bool:
        """Recordings are still being written out."""
        return bool(self._takes)

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
                since=self._begun_at(session.take),
            )
            for session in self._sessions
            if session.subscriber.recording.mode is not RecordingMode.NEVER
        )

    def _begun_at(self, recording_id: str | None) -> datetime | None:
        take = None if recording_id is None else self._takes.get(recording_id)
        return None if take is None else take.manifest.started_at

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
            self._mark(session.take, MarkKind.CODE, now, (*detail, ("accepted", str(not refused).lower())))
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
        for recording_id, take in self._takes.items():
            if not take.closing:
                self._close(recording_id, keep=True, now=now)

    def on_failed(self, recording_id: str, reason: str, now: float) -> None:
        """A recording could not be opened, or cannot go on."""
        session = next((s for s in self._sessions if s.take == recording_id), None)
        self._call.note("recording.failed", recording=recording_id, reason=reason)
        if session is None:
            self._give_up(recording_id)
            return
        session.failures += 1
        take = self._takes[recording_id]
        take.failed = True
        self._advance(session, Cue.FAILED, now)

    def on_worker_lost(self, now: float) -> None:
        """What the worker wrote is salvaged; what was provisional is destroyed with it."""
        for session in self._sessions:
            session.take = None
            session.state = INITIAL_STATE
        for recording_id in tuple(self._takes):
            self._give_up(recording_id)
        self._sessions.clear()

    def mark(self, kind: MarkKind, now: float, detail: tuple[tuple[str, str], ...]) -> None:
        """Note something of the call on every open recording's time line."""
        for recording_id, take in self._takes.items():
            if not take.closing:
                self._mark(recording_id, kind, now, detail)

    # --- from the worker ----------------------------------------------------------------------

    def on_media(self, event: media.Event, now: float) -> None:
        """Recording events of the worker."""
        match event:
            case media.RecordingFinished():
                self._finished(event)
            case media.RecordingDestroyed(recording_id=recording_id):
                if self._takes.pop(recording_id, None) is not None:
                    self._call.emit(DestroySpool(recording_id=recording_id))
                    self._call.note("recording.destroyed", recording=recording_id)
            case media.RecordingFailed(recording_id=recording_id, reason=reason):
                if recording_id in self._takes:
                    self.on_failed(recording_id, reason, now)
            case _:
                pass

    def on_play_ended(self, play_id: int, now: float) -> None:
        """The last words of a call that may not go on unrecorded."""
        if play_id == self._last_words:
            self._call.end("recording-failed", now)

    def _finished(self, event: media.RecordingFinished) -> None:
        take = self._takes.pop(event.recording_id, None)
        if take is None:
            return
        around = self._call.context.around
        started_at = around.wall(event.first_sample_at)
        duration_ms = event.samples * 1000 / event.sample_rate_hz
        manifest = replace(
            take.manifest,
            result=RecordingResult.SUCCESSFUL if event.complete else RecordingResult.FAILED,
            sip_call_ids=self._call_ids(),
            started_at=started_at,
            ended_at=started_at + timedelta(milliseconds=duration_ms + _paused_ms(event.marks)),
            duration_ms=duration_ms,
            audio=AudioFile(
                sample_rate_hz=event.sample_rate_hz,
                samples=event.samples,
                size_bytes=event.size_bytes,
                sha256=event.sha256,
                encrypted=event.encrypted,
            ),
            heard=_heard(event),
            marks=event.marks,
        )
        self._call.emit(SealSpool(manifest=manifest, finished=event, mailbox=take.mailbox))
        self._call.note("recording.sealed", recording=event.recording_id, duration_ms=f"{duration_ms:g}")

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
                self._close(take, keep=effect is Effect.CLOSE_KEEP, now=now)
                session.take = None
            case Effect.CLOSE_FAILED:
                self._give_up(take)
                session.take = None
            case Effect.ARM_REMINDER:
                self._arm_reminder(session, now)
            case Effect.DISARM_REMINDER:
                self._disarm_reminder(session)
            case _:
                pass

    def _open(self, session: Session, now: float) -> None:
        provisional = session.subscriber.recording.mode is RecordingMode.ON_DEMAND
        session.takes_opened += 1
        session.take = self.open_take(
            session.party, session.subscriber, external_call_id=session.external_call_id, now=now, kept=not provisional
        )

    def open_take(
        self,
        party: Party,
        subscriber: Subscriber,
        *,
        external_call_id: str,
        now: float,
        kept: bool = True,
        recording_type: RecordingType = RecordingType.RECORDING,
        mailbox: bool = False,
    ) -> str:
        """Open one recording with ``party`` in channel 1; its id."""
        call, around = self._call, self._call.context.around
        recording_id = f"r-{call.context.ids.token(96)}"
        answered_at = call.answered_at if call.answered_at is not None else now
        started = around.wall(now)
        a, b = call.parties()
        manifest = RecordingManifest(
            recording_id=recording_id,
            call_id=call.call_id,
            user=subscriber.number,
            mode=subscriber.recording.mode,
            recording_type=recording_type,
            call_type=Direction.OUTBOUND if party is a else Direction.INBOUND,
            caller=PartyFacts(number=a.number, label=a.label),
            callee=PartyFacts(number=b.number, label=b.label),
            dub_point=subscriber.dub_point,
            external_tracking_id=self.tracking_id,
            external_call_id=external_call_id,
            sip_call_ids=self._call_ids(),
            answered_at=around.wall(answered_at),
            started_at=started,
            ended_at=started,
            duration_ms=0.0,
            audio=AudioFile(sample_rate_hz=self._rate_hz(), samples=0, size_bytes=0, sha256=""),
        )
        self._takes[recording_id] = Take(manifest=manifest, mailbox=mailbox)
        call.emit(
            OpenSpool(
                manifest=manifest,
                kept=kept,
                sample_rate_hz=self._rate_hz(),
                user_leg=party.media_leg,
                other_leg=call.other(party).media_leg,
                at=now,
                answered_at=answered_at,
                mailbox=mailbox,
            )
        )
        call.note("recording.opened", recording=recording_id, user=subscriber.number, kept=str(kept).lower())
        return recording_id

    def close_take(self, recording_id: str, *, keep: bool, now: float) -> None:
        """Close a take that was opened with ``open_take``."""
        self._close(recording_id, keep=keep, now=now)

    def _close(self, recording_id: str, *, keep: bool, now: float) -> None:
        take = self._takes.get(recording_id)
        if take is not None and take.failed:
            self._give_up(recording_id, keep=keep)
        elif take is not None and not take.closing:
            take.closing, take.keep = True, keep
            self._call.to_worker(media.FinishRecording(recording_id=recording_id, at=now, keep=keep))

    def _give_up(self, recording_id: str, *, keep: bool = True) -> None:
        """A take that failed, or was never opened: nothing is to be expected of the worker about it any more."""
        if self._takes.pop(recording_id, None) is not None:
            self._call.to_worker(media.AbandonRecording(recording_id=recording_id))
            spool = SalvageSpool(recording_id=recording_id) if keep else DestroySpool(recording_id=recording_id)
            self._call.emit(spool)

    def _mark(self, recording_id: str, kind: MarkKind, now: float, detail: tuple[tuple[str, str], ...]) -> None:
        self._call.to_worker(media.MarkRecording(recording_id=recording_id, kind=kind, at=now, detail=detail))

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

    def _rate_hz(self) -> int:
        codecs = [party.sdp.codec for party in self._call.parties() if party.sdp.codec is not None]
        return max((codec.sample_rate_hz for codec in codecs), default=8000)

    def _call_ids(self) -> tuple[str, ...]:
        return tuple(party.sip_call_id for party in self._call.parties() if party.sip_call_id)


def _paused_ms(marks: tuple[Mark, ...]) -> float:
    return sum(
        mark.length_ms for mark in marks if mark.kind is MarkKind.PAUSE and mark.detail.get("rendering") == "cut"
    )


def _heard(event: media.RecordingFinished) -> AudioFile | None:
    if event.heard is None:
        return None
    samples, size_bytes, sha256 = event.heard
    return AudioFile(
        file="heard.flac",
        sample_rate_hz=event.sample_rate_hz,
        channels=4,
        samples=samples,
        size_bytes=size_bytes,
        sha256=sha256,
        encrypted=event.encrypted,
    )


def _uuid(token: str) -> str:
    return f"{token[:8]}-{token[8:12]}-{token[12:16]}-{token[16:20]}-{token[20:32]}"
