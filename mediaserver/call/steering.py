"""Keys pressed on a call's legs, and INFO: from presses to commands, or on to the other party."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from callmodel.digits import DigitPressed
from callmodel.modes import SteeringChannel
from feature_codes import CollectorOutput, Command, Deduplicator, DigitCollector, Replay
from mediaserver.call.effects import ArmTimer, RespondInfo
from mediaserver.call.info_bodies import DTMF_TYPES, RECORD_COMMANDS, parse_dtmf
from mediaserver.call.party import Party
from mediaserver.media import messages as media
from mediaserver.sip import events as sip

if TYPE_CHECKING:
    from mediaserver.call.call import Call

_TIMER_PREFIX = "digits-"


class Keypad:
    """Collects the digits of both legs; only a subscriber's own leg may steer."""

    def __init__(self, call: Call) -> None:
        self._call = call
        config = call.context.config
        self._collectors = {
            party.role: DigitCollector(config.codes, config.code_timeout_s)
            for party in call.parties()
            if party.subscriber is not None
        }
        self._seen = {party.role: Deduplicator() for party in call.parties()}

    def pressed(self, party: Party, digit: str, channel: SteeringChannel, at: float, duration_ms: int) -> None:
        """One press heard on a party's leg."""
        press = DigitPressed(digit=digit, at=at, duration_ms=duration_ms, channel=channel)
        if not self._seen[party.role].admit(press):
            return
        collector = self._collectors.get(party.role)
        if collector is None:
            self._pass_on(party, (press,))
            return
        self._act(party, collector.press(press))
        self._call.emit(ArmTimer(name=_TIMER_PREFIX + party.role, at=collector.next_timer()))

    def owns(self, timer: str) -> bool:
        """This timer is the keypad's."""
        return timer.startswith(_TIMER_PREFIX)

    def expired(self, timer: str, now: float) -> None:
        """The time between two digits is up."""
        party = next(p for p in self._call.parties() if timer == _TIMER_PREFIX + p.role)
        self._act(party, self._collectors[party.role].expire(now))

    def flush(self, now: float) -> None:
        """The call ends: nothing is withheld any more, and no timer is left."""
        for role, collector in self._collectors.items():
            if collector.next_timer() is not None:
                self._call.emit(ArmTimer(name=_TIMER_PREFIX + role, at=None))
                collector.flush()

    def _act(self, party: Party, output: CollectorOutput) -> None:
        for item in output:
            match item:
                case Command():
                    self._call.desk.steer(party, item.command, item.channel, item.code, item.at)
                case Replay(presses=presses):
                    self._pass_on(party, presses)

    def _pass_on(self, party: Party, presses: tuple[DigitPressed, ...]) -> None:
        call = self._call
        call.note("digits.passed", leg=party.role, count=str(len(presses)))
        if call.answering is not None and call.other(party).is_source:
            for press in presses:
                call.answering.digit(press.digit, press.at)
            return
        other = call.other(party)
        if not other.sdp.takes_events:
            # it has heard the tones in the audio already; a second one would be a second press
            presses = tuple(press for press in presses if press.channel is not SteeringChannel.IN_BAND)
        for duration_ms, group in groupby(presses, key=lambda press: press.duration_ms):
            digits = "".join(press.digit for press in group)
            call.to_worker(media.SendDigits(leg_id=other.media_leg, digits=digits, duration_ms=duration_ms))


def handle_info(call: Call, party: Party, event: sip.InfoReceived, now: float) -> None:
    """An INFO in the call: a ``Record`` header, a key press, or nothing we know."""
    status = _info_status(call, party, event, now)
    accept = (("accept", ", ".join(DTMF_TYPES)),) if status == 415 else ()
    call.emit(RespondInfo(party=party.key, token=event.token, status=status, headers=accept))


def refuse_info(call: Call, key: str, event: sip.InfoReceived) -> None:
    """An INFO of a phone that only rings: there is nothing it could steer."""
    call.emit(RespondInfo(party=key, token=event.token, status=403))


def _info_status(call: Call, party: Party, event: sip.InfoReceived, now: float) -> int:
    if event.record is not None:
        return _record(call, party, event.record, now)
    if event.content_type in DTMF_TYPES:
        press = parse_dtmf(event.content_type, event.body)
        if press is None:
            return 400
        call.keypad.pressed(party, press.digit, SteeringChannel.SIP_INFO_DTMF, now, press.duration_ms)
        return 200
    return 415 if event.body else 200


def _record(call: Call, party: Party, value: str, now: float) -> int:
    command = RECORD_COMMANDS.get(value)
    if command is None:
        return 400
    return 200 if call.desk.steer(party, command, SteeringChannel.SIP_INFO_RECORD, "", now) else 403
