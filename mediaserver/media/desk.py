"""The desk where commands arrive: each is taken to the room that does it."""

from __future__ import annotations

import errno
from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Final

from mediaserver.media.addresses import Address
from mediaserver.media.config import EngineConfig
from mediaserver.media.housekeeping import Housekeeping
from mediaserver.media.inband import Ears
from mediaserver.media.injector import Injector
from mediaserver.media.legs import Leg, Legs
from mediaserver.media.messages import (
    AbandonRecording,
    ArmReminder,
    Bridge,
    CloseCall,
    CloseLeg,
    Codec,
    Command,
    DisarmReminder,
    Event,
    FinishRecording,
    LegOpened,
    LegOpenFailed,
    MarkRecording,
    OpenLeg,
    OpenSource,
    PauseRecording,
    Play,
    ResumeRecording,
    SendDigits,
    SetLegMedia,
    StartRecording,
    StopPlay,
    Unbridge,
)
from mediaserver.media.mixer import Mixer
from mediaserver.media.recorder import Recorder
from mediaserver.media.sources import Sources
from mediaserver.media.timeline import Timeline
from mediaserver.media.timescale import tick_at
from mediaserver.rtp.errors import RtpError
from mediaserver.rtp.event_sender import EventSender

_OPEN_FAILURES: Final = {
    errno.EADDRINUSE: "address-in-use",
    errno.EADDRNOTAVAIL: "no-such-address",
    errno.EMFILE: "too-many-files",
    errno.ENFILE: "too-many-files",
}


@dataclass(slots=True, kw_only=True)
class Desk:
    """Everything a command may need."""

    legs: Legs
    timeline: Timeline
    mixer: Mixer
    injector: Injector
    recorder: Recorder
    house: Housekeeping
    ears: Ears
    sources: Sources
    config: EngineConfig
    emit: Callable[[Event], None]
    random_u32: Callable[[], int]
    _closed: list[Leg] = field(default_factory=list)
    """Rows still read by a recording, or by datagrams not collected yet."""

    def carry_out(self, command: Command, now: float) -> None:
        """Do what is asked; a leg, call or recording that is unknown (any more) is passed over."""
        match command:
            case OpenLeg():
                self._open(command)
            case OpenSource():
                self._open_source(command, now)
            case SetLegMedia():
                self._set_media(command, now)
            case Bridge():
                self._bridge(command, now)
            case Unbridge():
                for leg in self._of_call(command.call_id):
                    self.mixer.part(leg, tick_at(now))
            case CloseLeg() | CloseCall():
                self._close_some(command, now)
            case Play() | StopPlay() | ArmReminder() | DisarmReminder() | SendDigits():
                self._inject(command, now)
            case _:
                self._record(command)

    def release(self) -> None:
        """Give up the rows of closed legs that nobody reads any more."""
        for leg in [leg for leg in self._closed if not self.recorder.uses(leg.row)]:
            self._closed.remove(leg)
            self.timeline.reset(leg.row)
            self.mixer.forget(leg.row)
            self.legs.remove(leg)

    # --- sound and record ----------------------------------------------------------------------

    def _inject(self, command: Play | StopPlay | ArmReminder | DisarmReminder | SendDigits, now: float) -> None:
        match command:
            case Play():
                self.injector.play(command, now)
            case StopPlay():
                self.injector.stop(command.play_id, now)
            case ArmReminder():
                self.injector.arm(command)
            case DisarmReminder():
                self.injector.disarm(command.recording_id, now)
            case SendDigits():
                self._send_digits(command)

    def _record(self, command: Command) -> None:
        match command:
            case StartRecording():
                self.recorder.start(command)
            case PauseRecording():
                self.recorder.pause(command)
            case ResumeRecording():
                self.recorder.resume(command)
            case MarkRecording():
                self.recorder.mark(command)
            case FinishRecording():
                self.recorder.finish(command.recording_id, command.at, keep=command.keep)
            case AbandonRecording():
                self.recorder.abandon(command.recording_id)
            case _:
                raise AssertionError(f"no room does {type(command).__name__}")

    def _send_digits(self, command: SendDigits) -> None:
        leg = self.legs.by_id.get(command.leg_id)
        if leg is None or leg.media is None:
            return
        if leg.media.telephone_event_send is None:
            self.injector.digits(command)
            return
        if leg.digits_out is None:
            leg.digits_out = EventSender()
        try:
            leg.digits_out.press(command.digits, command.duration_ms)
        except RtpError:
            leg.drop("digits-not-sent")
        if leg.digits_out.idle:
            leg.digits_out = None
        self.mixer.call_for(leg.row)

    def _close_some(self, command: CloseLeg | CloseCall, now: float) -> None:
        if isinstance(command, CloseCall):
            self.recorder.finish_call(command.call_id, now)
            closing = self._of_call(command.call_id)
        else:
            closing = [leg for leg in [self.legs.by_id.get(command.leg_id)] if leg is not None]
        for leg in closing:
            self._close(leg, now)
        if isinstance(command, CloseCall):
            self.injector.forget_unless(command.call_id, kept=self.recorder.records(command.call_id))

    # --- legs ----------------------------------------------------------------------------------

    def _open(self, command: OpenLeg) -> None:
        leg = self.legs.add(command.leg_id, command.call_id) if command.leg_id not in self.legs.by_id else None
        if leg is None:
            self.emit(LegOpenFailed(leg_id=command.leg_id, reason="other"))
            return
        try:
            leg.port = self.legs.forwarder.open_leg(leg.row, command.host, command.port)
        except OSError as error:
            del self.legs.by_id[leg.leg_id]
            self.legs.remove(leg)
            self.emit(LegOpenFailed(leg_id=leg.leg_id, reason=_OPEN_FAILURES.get(error.errno or 0, "other")))
            return
        record = self.legs.table[leg.row]
        record["ssrc_out"], record["ts_out"] = self.random_u32(), self.random_u32()
        record["seq_out"] = self.random_u32() & 0xFFFF
        record["ptime_ticks"] = 160
        self.emit(LegOpened(leg_id=leg.leg_id, port=leg.port))

    def _open_source(self, command: OpenSource, now: float) -> None:
        leg = self.legs.add(command.leg_id, command.call_id, command) if command.leg_id not in self.legs.by_id else None
        if leg is None:
            self.emit(LegOpenFailed(leg_id=command.leg_id, reason="other"))
            return
        self.legs.table["open"][leg.row] = 0
        self.legs.table["route"][leg.row] = -1
        self.sources.open(leg, command, tick_at(now))
        self.emit(LegOpened(leg_id=leg.leg_id, port=0))

    def _bridge(self, command: Bridge, now: float) -> None:
        one, other = self.legs.by_id.get(command.leg_a), self.legs.by_id.get(command.leg_b)
        if one is not None and other is not None and one is not other:
            self.mixer.bridge(one, other, tick_at(now))

    def _set_media(self, command: SetLegMedia, now: float) -> None:
        leg = self.legs.by_id.get(command.leg_id)
        if leg is None or leg.source is not None:
            return
        before, leg.media = leg.media, command
        row = leg.row
        remote, rtcp = _usable(command.remote), _usable(command.remote_rtcp)
        if remote is not None and rtcp is None:
            rtcp = remote if command.rtcp_mux else (remote[0], remote[1] + 1)
        with self.legs.forwarder.held():
            record = self.legs.table[row]
            record["sends"], record["ptime_ticks"] = command.sends, command.ptime_ms * 8
            if before is None or remote != leg.offered:
                self.legs.set_addresses(leg, remote, rtcp)
                record["has_ssrc_in"] = record["latched"] = 0
                leg.learned = None
            leg.offered = remote
        if command != before:  # what a session refresh says again is no break in anybody's stream
            self.mixer.settle(leg, tick_at(now))
        self.legs.verified[row] = False
        leg.learn_until = now + self.config.learning_s
        leg.candidate = None
        if all(codec is not Codec.G722 for _, codec in command.receive_payload_types):
            self.timeline.narrow(row)
        self.ears.listen(row, wanted=command.telephone_event_receive is None)
        self.house.begin(leg, now)
        if before is not None and before.codec is not command.codec:
            self.recorder.codec_changed(leg, before.codec, command.codec, tick_at(now))

    def _close(self, leg: Leg, now: float) -> None:
        tick = tick_at(now)
        if leg.source is None:
            self.house.bye(leg, now)
        self.emit(self.legs.statistics(leg))
        self.mixer.part(leg, tick)
        self.injector.drop_leg(leg, now)
        self.ears.listen(leg.row, wanted=False)
        self.sources.close(leg.row)
        if leg.source is None:
            self.legs.forwarder.close_leg(leg.row)
        leg.closed, leg.media = True, None
        self.mixer.refresh(leg.row, tick)
        del self.legs.by_id[leg.leg_id]
        self.recorder.leg_closed(leg)
        self._closed.append(leg)

    def _of_call(self, call_id: str) -> list[Leg]:
        return [leg for leg in self.legs.by_id.values() if leg.call_id == call_id]


def _usable(address: Address | None) -> Address | None:
    """An address media can be sent to: a numeric host that is not the unspecified one (an old hold), and a port."""
    if address is None or not 0 < address[1] <= 65535:
        return None
    try:
        unspecified = ip_address(address[0]).is_unspecified
    except ValueError:
        return None
    return None if unspecified else address
