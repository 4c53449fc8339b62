"""Leaving a message: greeting in the user's language, tone, message until hang-up, ``#``, silence or the limit."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from callmodel.modes import RecordingType
from callmodel.subscriber import Subscriber
from mediaserver.call.effects import ArmTimer
from mediaserver.media import messages as media
from prompts.catalogue import PromptId

if TYPE_CHECKING:
    from mediaserver.call.call import Call

_LIMIT = "voicemail-limit"


class _Stage(StrEnum):
    GREETING = "greeting"
    MESSAGE = "message"
    GOODBYE = "goodbye"


class Deposit:
    """One message for the callee's mailbox.

    The message is one recording when *record voicemail* is on for the owner, and a second one when it is on for the
    caller; without the owner's switch it is kept in the mailbox only. The caller's ordinary recording mode does not
    apply to a mailbox: the switch alone decides.
    """

    def __init__(self, call: Call) -> None:
        self._call = call
        self._stage = _Stage.GREETING
        self._play: int | None = None
        self._takes: list[str] = []
        self._began = 0.0

    def greet(self) -> None:
        """Say the greeting, then the tone."""
        call = self._call
        greeting = media.PromptAudio(prompt=PromptId.VOICEMAIL_GREETING.value, language=call.language_of(call.b).value)
        tone = call.context.config.voicemail_tone
        self._play = call.play((call.a,), (greeting, media.SilenceAudio(ms=200), tone), recorded=False, alone=True)

    def play_ended(self, play_id: int, now: float) -> None:
        """Greeting over: record. Goodbye over: hang up."""
        if play_id != self._play:
            return
        if self._stage is _Stage.GREETING:
            self._record(now)
        elif self._stage is _Stage.GOODBYE:
            self._call.end("voicemail-done", now)

    def _record(self, now: float) -> None:
        call, around = self._call, self._call.context.around
        self._stage = _Stage.MESSAGE
        self._began = now
        owner = call.b.subscriber and around.subscriber(call.b.subscriber.number)
        if owner is not None:
            self._open(owner, mailbox=not owner.recording.record_voicemail, now=now)
        caller = call.a.subscriber and around.subscriber(call.a.subscriber.number)
        if caller is not None and caller.recording.record_voicemail:
            self._open(caller, mailbox=False, now=now)
        call.emit(ArmTimer(name=_LIMIT, at=now + call.context.config.voicemail.max_message_s))

    def _open(self, subscriber: Subscriber, *, mailbox: bool, now: float) -> None:
        call = self._call
        party = call.b if call.b.subscriber and call.b.subscriber.number == subscriber.number else call.a
        serial = call.context.around.next_number()
        take = call.takes.open(
            party,
            subscriber,
            external_call_id=f"callhalf-{serial}:0",
            now=now,
            recording_type=RecordingType.VOICEMAIL,
            mailbox=mailbox,
        )
        self._takes.append(take)

    def finish(self, cause: str, now: float) -> None:
        """The message is over while the caller is still there: confirm, then hang up."""
        if self._stage is not _Stage.MESSAGE:
            return
        self._close(now)
        self._stage = _Stage.GOODBYE
        call = self._call
        call.note("voicemail.finished", cause=cause)
        goodbye = media.PromptAudio(prompt=PromptId.VOICEMAIL_RECORDED.value, language=call.language_of(call.b).value)
        self._play = call.play((call.a,), (goodbye,), recorded=False, alone=True)

    def silent(self, silent_s: float, now: float) -> None:
        """The caller has been silent for so long; what they were silent before the tone does not count."""
        if min(silent_s, now - self._began) >= self._call.context.config.voicemail.silence_s:
            self.finish("silence", now)

    def timer(self, name: str, now: float) -> None:
        """The limit."""
        if name == _LIMIT:
            self.finish("limit", now)

    def hung_up(self, now: float) -> None:
        """The caller went."""
        if self._stage is _Stage.MESSAGE:
            self._call.note("voicemail.finished", cause="hang-up")
            self._close(now)

    def _close(self, now: float) -> None:
        self._call.emit(ArmTimer(name=_LIMIT, at=None))
        keep = (now - self._began) * 1000 >= self._call.context.config.voicemail.min_message_ms
        for take in self._takes:
            self._call.takes.close(take, keep=keep, now=now)
