"""Who answers a call: the callee's phones, a service number, a feature code, or the callee's mailbox."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from callmodel.modes import NotificationType
from feature_codes import FeatureCommand
from mediaserver.call.context import ToCode, ToService, ToSubscriber
from mediaserver.call.effects import ArmTimer, SteerOther
from mediaserver.call.services import SERVICES, Service, say, say_address, say_keys
from mediaserver.call.voicemail import Deposit
from mediaserver.media import messages as media
from prompts.catalogue import PromptId

if TYPE_CHECKING:
    from mediaserver.call.call import Call

_TIMER = "answering"
_SILENT_REFUSAL_MS = 500
"""How long a dialled code that is refused in silence stays answered."""


class Answering(Protocol):
    """The callee's side of a call, from the opening of its media to the end."""

    def open(self, now: float) -> None:
        """Ask for what the callee's side needs of the media worker."""
        ...

    def opened(self, now: float) -> None:
        """All media legs are there: ring, or answer."""
        ...

    def answered(self, now: float) -> None:
        """The caller was accepted."""
        ...

    def unanswered(self, status: int, now: float) -> None:
        """Nobody answered; ``status`` is what the caller would be told."""
        ...

    def play_ended(self, play_id: int, now: float) -> None:
        """A play of this call ended."""
        ...

    def digit(self, digit: str, now: float) -> None:
        """The caller pressed a key that was no code."""
        ...

    def silent(self, silent_s: float, now: float) -> None:
        """The caller has been silent for so long."""
        ...

    def timer(self, name: str, now: float) -> None:
        """A timer of the call that nobody else owns."""
        ...

    def ended(self, now: float) -> None:
        """The call ends."""
        ...


def answering_for(call: Call) -> Answering | None:
    """Who answers by the call's route; None when nobody can."""
    match call.route:
        case ToSubscriber(subscriber=subscriber, contacts=contacts):
            if contacts:
                return Phones(call)
            return Mailbox(call) if subscriber.mailbox else None
        case ToService(number=number):
            return ServiceNumber(call, SERVICES[number])
        case ToCode(code=code):
            return CodeCall(call, code)
        case _:
            return None


class _Quiet:
    """An answering that reacts to nothing in particular."""

    def __init__(self, call: Call) -> None:
        self._call = call

    def answered(self, now: float) -> None:
        self._call.desk.on_answered(now)

    def unanswered(self, status: int, now: float) -> None:
        self._call.refuse(status, "unanswered")

    def play_ended(self, play_id: int, now: float) -> None:
        pass

    def digit(self, digit: str, now: float) -> None:
        pass

    def silent(self, silent_s: float, now: float) -> None:
        pass

    def timer(self, name: str, now: float) -> None:
        pass

    def ended(self, now: float) -> None:
        pass


class Phones(_Quiet):
    """The callee's registered contacts ring; the mailbox steps in when nobody answers."""

    def open(self, now: float) -> None:
        """Bind ports towards the callee, by the way its first contact is reached."""
        route = self._call.route
        assert isinstance(route, ToSubscriber)
        self._call.b.hop = route.contacts[0].hop
        self._call.legs.open(self._call.b, route.contacts[0].hop)

    def opened(self, now: float) -> None:
        """Ring them all."""
        route = self._call.route
        assert isinstance(route, ToSubscriber)
        self._call.forks.ring(route.subscriber, route.contacts, now)

    def unanswered(self, status: int, now: float) -> None:
        """Busy, unreachable or no answer: the mailbox, when there is one; a decline is final."""
        route = self._call.route
        assert isinstance(route, ToSubscriber)
        if not route.subscriber.mailbox or status not in (480, 486):
            super().unanswered(status, now)
            return
        call = self._call
        call.note("call.to-voicemail", status=str(status))
        call.to_worker(media.CloseLeg(leg_id=call.b.media_leg))
        call.b.forget_media()
        mailbox = Mailbox(call)
        call.answering = mailbox
        call.reopen()
        mailbox.open(now)


class ServiceNumber(_Quiet):
    """9001 to 9009."""

    def __init__(self, call: Call, service: Service) -> None:
        super().__init__(call)
        self._service = service

    def open(self, now: float) -> None:
        """Open the source of sound that the service is."""
        self._call.legs.open_source(self._service.source, self._service.audio(self._call.language_of(self._call.a)))

    def opened(self, now: float) -> None:
        """Answer, ring for a while, ring for ever, or be busy."""
        service = self._service
        if service.refuse_with is not None:
            self._call.refuse(service.refuse_with, "service-busy")
            return
        if service.ring_s == 0:
            self._call.accept(now)
            return
        if service.early_media:
            self._call.progress(183, early=True)
        else:
            self._call.progress(180)
        if service.ring_s is not None:
            self._call.emit(ArmTimer(name=_TIMER, at=now + service.ring_s))

    def timer(self, name: str, now: float) -> None:
        """The ringing is over."""
        if name == _TIMER and self._call.answered_at is None:
            self._call.accept(now)

    def answered(self, now: float) -> None:
        """Record as the caller's settings say; then say what there is to say."""
        super().answered(now)
        if self._service.says_digits:
            call = self._call
            call.play((call.a,), say(call.language_of(call.a), PromptId.DIAL_DIGITS), recorded=True, alone=True)
        if self._service.says_address:
            call = self._call
            host, port, codec = call.a.sdp.describe()
            words = say_address(host, port, codec, call.language_of(call.a))
            call.play((call.a,), words, recorded=True, alone=True)

    def digit(self, digit: str, now: float) -> None:
        """Say it back, on the number that does."""
        if self._service.says_digits:
            call = self._call
            call.play((call.a,), say_keys(digit, call.language_of(call.a)), recorded=True, alone=True)

    def ended(self, now: float) -> None:
        """No timer is left."""
        self._call.emit(ArmTimer(name=_TIMER, at=None))


class CodeCall(_Quiet):
    """A feature code dialled as a number: it steers the caller's other call, and confirms by ear."""

    def __init__(self, call: Call, code: str) -> None:
        super().__init__(call)
        self._code = code
        self._confirmation: int | None = None

    def open(self, now: float) -> None:
        """A silent source; the confirmation is played over it."""
        self._call.legs.open_source(media.SourceKind.SILENCE)

    def opened(self, now: float) -> None:
        """Answer at once."""
        self._call.accept(now)

    def answered(self, now: float) -> None:
        """Steer; this call itself is never recorded."""
        user = self._call.a.subscriber
        self._call.emit(SteerOther(user=user.number if user else "", code=self._code))

    def steered(self, command: FeatureCommand, accepted: bool) -> None:
        """Play what the user is to hear about it, then hang up."""
        call = self._call
        audio = self._confirmation_audio(command) if accepted else self._refusal_audio()
        self._confirmation = call.play((call.a,), (audio,), recorded=False)

    def _refusal_audio(self) -> media.Audio:
        config = self._call.context.config
        return config.refusal_tone if config.refusal == "tone" else media.SilenceAudio(ms=_SILENT_REFUSAL_MS)

    def _confirmation_audio(self, command: FeatureCommand) -> media.Audio:
        call = self._call
        user = call.a.subscriber
        notifies = user is not None and user.recording.notification is NotificationType.ANNOUNCEMENT
        if command in (FeatureCommand.PAUSE, FeatureCommand.RESUME) and not notifies:
            return call.context.config.beep_tone
        prompt = {
            FeatureCommand.START: PromptId.RECORDING_STARTED,
            FeatureCommand.STOP: PromptId.RECORDING_STOPPED,
            FeatureCommand.PAUSE: PromptId.RECORDING_PAUSED,
            FeatureCommand.RESUME: PromptId.RECORDING_RESUMED,
        }[command]
        return media.PromptAudio(prompt=prompt.value, language=call.language_of(call.a).value)

    def play_ended(self, play_id: int, now: float) -> None:
        """The confirmation was heard: hang up."""
        if play_id == self._confirmation:
            self._call.end("code-done", now)


class Mailbox(_Quiet):
    """The callee's mailbox takes a message (the depositing half of voicemail)."""

    def __init__(self, call: Call) -> None:
        super().__init__(call)
        self._deposit = Deposit(call)

    def open(self, now: float) -> None:
        """The mailbox's side says nothing by itself."""
        self._call.legs.open_source(media.SourceKind.SILENCE)

    def opened(self, now: float) -> None:
        """Answer the caller."""
        self._call.accept(now)

    def answered(self, now: float) -> None:
        """Greeting, tone, message."""
        self._deposit.greet()

    def play_ended(self, play_id: int, now: float) -> None:
        """Greeting or goodbye is over."""
        self._deposit.play_ended(play_id, now)

    def digit(self, digit: str, now: float) -> None:
        """``#`` ends the message."""
        if digit == "#":
            self._deposit.finish("hash", now)

    def silent(self, silent_s: float, now: float) -> None:
        """Silence ends the message."""
        self._deposit.silent(silent_s, now)

    def timer(self, name: str, now: float) -> None:
        """The limit of a message is reached."""
        self._deposit.timer(name, now)

    def ended(self, now: float) -> None:
        """The caller hung up: that ends the message too."""
        self._deposit.hung_up(now)
