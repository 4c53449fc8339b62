"""The call reducer against a world that does anything in any order: it never stumbles, and leaves nothing open."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from callmodel.modes import FailureBehavior, NotificationType, RecordingMode, SteeringChannel
from callmodel.subscriber import RecordingSettings, Subscriber
from feature_codes import FeatureCommand
from mediaserver.call import effects as do
from mediaserver.call.call import Call, CallPhase
from mediaserver.call.config import CallConfig
from mediaserver.call.context import CallContext, Contact, Route, ToCode, ToNobody, ToService, ToSubscriber
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
from mediaserver.media import messages as media
from mediaserver.sip import events as sip
from mediaserver.sip.hops import Hop, Transport
from tests.support.virtual import SeededIds

HOP = Hop(transport=Transport.UDP, host="192.0.2.7", port=5060)
HOW_ANSWERED = ("phones", "phones", "phones", "service", "code", "mailbox", "nobody")


def sdp(codec: str = "0", direction: str = "sendrecv", address: str = "192.0.2.7") -> bytes:
    """A session description of a phone."""
    lines = (
        "v=0",
        "o=- 1 1 IN IP4 192.0.2.7",
        "s=-",
        f"c=IN IP4 {address}",
        "t=0 0",
        f"m=audio 4000 RTP/AVP {codec} 101",
        "a=rtpmap:101 telephone-event/8000",
        f"a={direction}",
    )
    return "\r\n".join((*lines, "")).encode()


BODIES = st.sampled_from(
    (sdp(), sdp("8"), sdp("9"), sdp("18"), sdp(direction="sendonly"), sdp(address="0.0.0.0"), b"not sdp", b"")
)
STATUSES = (180, 183, 200, 200, 200, 486, 603, 487)
RARELY = 7
"""One draw of ten; not the one that hypothesis likes best."""
MODES = st.sampled_from(tuple(RecordingMode))


class World(RuleBasedStateMachine):
    """Everything around one call. What the call asks for is done, or fails, whenever hypothesis likes."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 10.0
        self.numbers = 0
        self.people: dict[str, Subscriber] = {}
        self.opening: list[int] = []
        self.legs: set[int] = set()
        self.sockets: set[int] = set()
        self.alive = {"a"}
        """SIP legs that have not ended."""
        self.plays: list[int] = []
        self.recordings: set[str] = set()
        """Open at the spool: neither sealed nor destroyed nor handed to salvage."""
        self.finishing: list[tuple[str, bool]] = []
        self.unknown: set[str] = set()
        """Recordings that the spool could not open: the worker was never told of them, and says nothing about them."""
        self.unopened: list[str] = []
        """Those of which the call has not heard yet."""
        self.disk_full = False
        self.timers: dict[str, float] = {}
        self.steering: list[str] = []
        self.over = 0
        self.settled_recordings: list[str] = []
        self.lost = False

    # --- Surroundings -------------------------------------------------------------------------

    def subscriber(self, number: str) -> Subscriber | None:
        return self.people.get(number)

    def wall(self, now: float) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=now)

    def next_number(self) -> int:
        self.numbers += 1
        return self.numbers

    def media_address(self, hop: Hop) -> tuple[str, str]:
        return "127.0.0.1", "127.0.0.1"

    # --- the beginning ------------------------------------------------------------------------

    @initialize(
        modes=st.tuples(MODES, MODES),
        how=st.sampled_from(HOW_ANSWERED),
        contacts=st.integers(1, 3),
        offer=st.one_of(st.none(), BODIES),
        behavior=st.sampled_from(tuple(FailureBehavior)),
        notification=st.sampled_from(tuple(NotificationType)),
        mailbox=st.booleans(),
        smooth=st.booleans(),
        disk_full=st.sampled_from((False, False, True)),
    )
    def begin(
        self,
        modes: tuple[RecordingMode, RecordingMode],
        how: str,
        contacts: int,
        offer: bytes | None,
        behavior: FailureBehavior,
        notification: NotificationType,
        mailbox: bool,
        smooth: bool,
        disk_full: bool,
    ) -> None:
        """``smooth``: nothing goes wrong until the call is answered."""
        self.disk_full = disk_full
        for number, mode in zip(("1001", "1002"), modes, strict=True):
            recording = RecordingSettings(
                mode=mode, announce_internal=True, notification=notification, reminder_s=15, record_voicemail=mailbox
            )
            self.people[number] = Subscriber(number=number, mailbox=mailbox or how == "mailbox", recording=recording)
        invited = sip.Invited(
            leg=1,
            source=HOP,
            sip_call_id="x",
            request_uri="sip:1002@carrier.test",
            called="1002",
            user="1001",
            caller_number="1001",
            caller_label="",
            offer=offer,
            max_forwards=70,
        )
        config = CallConfig(domain="carrier.test", failure_behavior=behavior)
        context = CallContext(config=config, around=self, ids=SeededIds(1))
        route = self.route(how, contacts)
        self.call = Call(call_id="c", invited=invited, route=route, context=context, now=self.now)
        self.carry_out(self.call.start(self.now))
        while smooth and self.opening:
            self.media_opens(ok=True)
        if smooth and "f0" in self.alive:
            self.tell(SipInput(party="f0", event=sip.Answered(leg=2, source=HOP, sip_call_id="y", answer=sdp())))

    def route(self, how: str, contacts: int) -> Route:
        match how:
            case "phones" | "mailbox":
                reached = tuple(Contact(target=f"sip:{n}", hop=HOP) for n in range(contacts if how == "phones" else 0))
                return ToSubscriber(subscriber=self.people["1002"], contacts=reached)
            case "service":
                return ToService(number=f"900{contacts}")
            case "code":
                return ToCode(code="*44")
            case _:
                return ToNobody()

    # --- what the call wants ------------------------------------------------------------------

    def carry_out(self, effects: list[do.Effect]) -> None:
        self.do_all(effects)
        while self.unopened:
            unavailable = RecordingUnavailable(recording_id=self.unopened.pop(0), reason="disk-full")
            self.do_all(self.call.handle(unavailable, self.now))

    def do_all(self, effects: list[do.Effect]) -> None:
        for effect in effects:
            assert not self.over, f"{effect} after the end"
            match effect:
                case do.Dial(party=party):
                    assert party not in self.alive
                    self.alive.add(party)
                case do.OpenMedia(leg_id=leg_id):
                    self.opening.append(leg_id)
                    self.sockets.add(leg_id)
                case do.ToWorker(command=command):
                    self.work(command)
                case do.ArmTimer(name=name, at=at):
                    self.timers.pop(name, None)
                    self.timers |= {} if at is None else {name: at}
                case do.OpenSpool() | do.SealSpool() | do.DestroySpool() | do.SalvageSpool() | do.KeepSpool():
                    self.spool(effect)
                case do.SteerOther(code=code):
                    self.steering.append(code)
                case do.CallOver():
                    self.over += 1
                case _:
                    pass

    def spool(self, effect: do.Effect) -> None:
        match effect:
            case do.OpenSpool(manifest=manifest):
                assert manifest.recording_id not in self.settled_recordings
                self.recordings.add(manifest.recording_id)
                if self.disk_full:
                    self.unknown.add(manifest.recording_id)
                    self.unopened.append(manifest.recording_id)
            case do.SealSpool(manifest=manifest):
                self.settle(manifest.recording_id)
            case do.DestroySpool(recording_id=recording_id) | do.SalvageSpool(recording_id=recording_id):
                self.settle(recording_id)
            case do.KeepSpool(recording_id=recording_id):
                assert recording_id in self.recordings
            case _:
                pass

    def settle(self, recording_id: str) -> None:
        """Each recording comes to exactly one end."""
        self.recordings.remove(recording_id)
        self.settled_recordings.append(recording_id)

    def work(self, command: media.Command) -> None:
        match command:
            case media.OpenSource(leg_id=leg_id):
                self.opening.append(leg_id)
            case media.Play(play_id=play_id):
                self.plays.append(play_id)
            case media.FinishRecording(recording_id=recording_id, keep=keep):
                assert recording_id in self.recordings
                assert recording_id not in self.unknown
                self.finishing.append((recording_id, keep))
            case media.AbandonRecording(recording_id=recording_id):
                self.finishing = [item for item in self.finishing if item[0] != recording_id]
            case media.PauseRecording(recording_id=recording_id) | media.ResumeRecording(recording_id=recording_id):
                assert recording_id in self.recordings
            case _:
                pass

    # --- what happens -------------------------------------------------------------------------

    def tell(self, item: CallInput) -> None:
        self.carry_out(self.call.handle(item, self.now))

    def hear(self, event: media.Event) -> None:
        self.tell(MediaInput(event=event))

    @rule(seconds=st.floats(0.02, 30))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds
        for name in [name for name, at in self.timers.items() if at <= self.now]:
            if self.timers.pop(name, None) is not None:
                self.tell(TimerFired(name=name))

    @precondition(lambda self: self.opening)
    @rule(ok=st.sampled_from((True, True, True, False)))
    def media_opens(self, ok: bool) -> None:
        leg_id = self.opening.pop(0)
        if ok:
            self.legs.add(leg_id)
            self.hear(media.LegOpened(leg_id=leg_id, port=20000 if leg_id in self.sockets else 0))
        else:
            self.sockets.discard(leg_id)
            self.hear(media.LegOpenFailed(leg_id=leg_id, reason="no-free-port"))

    @precondition(lambda self: self.alive - {"a"})
    @rule(
        data=st.data(),
        status=st.sampled_from((180, 183, 200, 200, 200, 486, 603, 487)),
        body=BODIES,
        bare=st.booleans(),
    )
    def callee_answers(self, data: st.DataObject, status: int, body: bytes, bare: bool) -> None:
        party = data.draw(st.sampled_from(sorted(self.alive - {"a"})))
        if self.call.b.key == party:
            return
        answer = None if bare else body
        if status < 200:
            self.tell(SipInput(party=party, event=sip.Ringing(leg=2, status=status, answer=answer)))
        elif status == 200:
            event = sip.Answered(leg=2, source=HOP, sip_call_id="y", answer=answer)
            self.tell(SipInput(party=party, event=event))
        else:
            self.alive.discard(party)
            self.tell(SipInput(party=party, event=sip.Rejected(leg=2, status=status, reason="")))

    @rule(
        data=st.data(),
        cause=st.sampled_from(("bye", "cancel", "transport", "session-expired")),
        chance=st.integers(0, 9),
    )
    def leg_ends(self, data: st.DataObject, cause: str, chance: int) -> None:
        if self.alive and chance == RARELY:
            party = data.draw(st.sampled_from(sorted(self.alive)))
            self.alive.discard(party)
            self.tell(SipInput(party=party, event=sip.LegEnded(leg=1, cause=cause)))

    @rule(data=st.data(), offer=st.one_of(st.none(), BODIES))
    def peer_offers(self, data: st.DataObject, offer: bytes | None) -> None:
        if self.call.phase is CallPhase.ANSWERED and self.alive:
            party = data.draw(st.sampled_from(sorted(self.alive)))
            self.tell(SipInput(party=party, event=sip.OfferReceived(leg=1, offer=offer, method="INVITE")))
            if offer is None:
                body = data.draw(BODIES)
                self.tell(SipInput(party=party, event=sip.AckReceived(leg=1, answer=body)))

    @rule(
        data=st.data(),
        content_type=st.sampled_from(("application/dtmf-relay", "application/dtmf", "text/plain", "")),
        body=st.sampled_from((b"5", b"*", b"Signal=4\r\nDuration=90\r\n", b"\xff\x00")),
        record=st.sampled_from((None, "on", "off", "pause", "resume", "x")),
    )
    def info(self, data: st.DataObject, content_type: str, body: bytes, record: str | None) -> None:
        if self.alive:
            party = data.draw(st.sampled_from(sorted(self.alive)))
            event = sip.InfoReceived(leg=1, token=1, content_type=content_type, body=body, record=record)
            self.tell(SipInput(party=party, event=event))

    @precondition(lambda self: self.legs)
    @rule(data=st.data(), keys=st.sampled_from(("*44", "*45", "*48", "*49", "*", "12#", "*4")))
    def keys(self, data: st.DataObject, keys: str) -> None:
        leg_id = data.draw(st.sampled_from(sorted(self.legs)))
        for key in keys:
            self.now += 0.16
            self.hear(
                media.Digit(leg_id=leg_id, digit=key, channel=SteeringChannel.RFC4733, at=self.now, duration_ms=100)
            )

    @precondition(lambda self: self.plays)
    @rule(data=st.data(), completed=st.booleans())
    def play_ends(self, data: st.DataObject, completed: bool) -> None:
        play_id = data.draw(st.sampled_from(self.plays))
        self.plays.remove(play_id)
        self.hear(media.PlayEnded(play_id=play_id, at=self.now, completed=completed))

    @precondition(lambda self: self.legs)
    @rule(data=st.data(), quiet=st.booleans(), silent_s=st.sampled_from((5.0, 10.0, 15.0)))
    def leg_is_still(self, data: st.DataObject, quiet: bool, silent_s: float) -> None:
        leg_id = data.draw(st.sampled_from(sorted(self.legs)))
        event = (
            media.LegQuiet(leg_id=leg_id, quiet_s=60) if quiet else media.LegSilent(leg_id=leg_id, silent_s=silent_s)
        )
        self.hear(event)

    @precondition(lambda self: self.recordings - self.unknown)
    @rule(data=st.data())
    def recording_fails(self, data: st.DataObject) -> None:
        recording_id = data.draw(st.sampled_from(sorted(self.recordings - self.unknown)))
        self.hear(media.RecordingFailed(recording_id=recording_id, reason="disk-error"))

    @precondition(lambda self: self.finishing)
    @rule(complete=st.booleans())
    def recording_is_written(self, complete: bool) -> None:
        recording_id, keep = self.finishing.pop(0)
        if not keep:
            self.hear(media.RecordingDestroyed(recording_id=recording_id))
            return
        self.hear(
            media.RecordingFinished(
                recording_id=recording_id,
                sample_rate_hz=8000,
                samples=8000,
                size_bytes=32044,
                sha256="0" * 64,
                encrypted=False,
                heard=None,
                marks=(),
                first_sample_at=self.now,
                complete=complete,
            )
        )

    @rule(user=st.sampled_from(("1001", "1002", "9")), command=st.sampled_from(tuple(FeatureCommand)))
    def steered_from_elsewhere(self, user: str, command: FeatureCommand) -> None:
        self.tell(Steer(user=user, command=command, channel=SteeringChannel.REST))

    @precondition(lambda self: self.steering)
    @rule(accepted=st.booleans(), command=st.sampled_from(tuple(FeatureCommand)))
    def code_was_applied(self, accepted: bool, command: FeatureCommand) -> None:
        self.steering.pop()
        self.tell(Steered(command=command, accepted=accepted))

    @rule(chance=st.integers(0, 9))
    def operator_ends_it(self, chance: int) -> None:
        if chance == RARELY:
            self.tell(HangUp(cause="operator"))

    @rule(chance=st.integers(0, 9))
    def worker_dies(self, chance: int) -> None:
        if chance == RARELY and not self.lost:
            self.lost = True
            for pending in (self.opening, self.plays, self.finishing):
                pending.clear()
            self.legs.clear()
            self.sockets.clear()
            self.tell(WorkerLost())

    # --- what must hold -----------------------------------------------------------------------

    @invariant()
    def nothing_is_open_after_the_end(self) -> None:
        if self.over:
            assert self.call.phase is CallPhase.OVER
            assert self.recordings == set()

    def teardown(self) -> None:
        """Both parties go, the world answers whatever was asked: the call is over, once, and nothing is left."""
        if not hasattr(self, "call"):
            return
        for party in sorted(self.alive):
            self.tell(SipInput(party=party, event=sip.LegEnded(leg=1, cause="bye")))
        while self.finishing:
            self.recording_is_written(complete=True)
        for leg_id in sorted(self.sockets):
            statistics = media.LegStatistics(
                leg_id=leg_id, packets_received=0, packets_sent=0, packets_lost=0, jitter_ms=0.0, dropped=()
            )
            self.hear(statistics)
        assert self.over == 1
        assert self.recordings == set()


World.TestCase.settings = settings(max_examples=60, stateful_step_count=40)
TestCallMachine = World.TestCase
