"""How calls come about, fail and end: what each phone is told, and what goes over the wire."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from callbench.network import Address
from callbench.phone import Answering, PhoneCall, PhoneError, quiet, silent, tone
from callbench.virtual_time import run_virtual
from callmodel.modes import RecordingMode
from mediaserver.media.config import EngineConfig
from mediaserver.media.messages import Codec
from tests.support.virtual import SERVER, Carrier, Finished, SipLog, config, user
from tests.support.virtual_ears import level_of

ALWAYS = RecordingMode.ALWAYS


def refused(tmp_path: Path, to: str, answering: Answering | None, **settings: Any) -> PhoneCall:
    """1001 calls ``to`` and is refused; 1002 is registered when it is to answer in some way."""

    async def scenario() -> PhoneCall:
        subscribers = (user("1001", ALWAYS), user("1002", **settings))
        async with Carrier(data_dir=tmp_path, subscribers=subscribers) as carrier:
            caller = await carrier.phone("1001")
            if answering is not None:
                (await carrier.phone("1002")).answering = answering
            call = await caller.dial(to)
            with pytest.raises(PhoneError):
                await call.answered(60)
            await carrier.settled()
            assert carrier.recordings() == []
            return call

    return run_virtual(scenario())


@pytest.mark.parametrize(
    ("to", "answering", "status"),
    [
        ("1002", Answering(status=486), 486),
        ("1002", Answering(status=600), 486),
        ("1002", Answering(status=486, after_s=3), 486),
        ("1002", Answering(status=603), 603),
        ("1002", Answering(status=488), 488),
        ("1002", Answering(status=404), 480),
        ("1002", Answering(status=500), 480),
        ("1002", None, 480),
        ("7777", None, 404),
    ],
)
def test_the_caller_is_told_why_a_call_failed(
    to: str, answering: Answering | None, status: int, tmp_path: Path
) -> None:
    assert refused(tmp_path, to, answering).status == status


def test_nobody_answers_within_the_users_time(tmp_path: Path) -> None:
    """480 after ``no_answer_s``, and the callee stops ringing in the same moment."""

    async def scenario() -> tuple[PhoneCall, PhoneCall, float]:
        subscribers = (user("1001"), user("1002", no_answer_s=12))
        async with Carrier(data_dir=tmp_path, subscribers=subscribers) as carrier:
            caller, callee = await carrier.phone("1001"), await carrier.phone("1002")
            callee.answering = Answering(after_s=100)
            began = carrier.now()
            call = await caller.dial("1002")
            taken = await callee.called()
            with pytest.raises(PhoneError):
                await call.answered(60)
            await taken.ended()
            return call, taken, began

    call, taken, began = run_virtual(scenario())

    assert (call.status, call.provisional, taken.end_cause) == (480, [180], "cancel")
    assert call.ended_at - began == pytest.approx(12, abs=0.1)
    assert taken.ended_at == pytest.approx(call.ended_at, abs=0.01)


def test_a_caller_who_gives_up_cancels_the_ringing(tmp_path: Path) -> None:
    async def scenario() -> tuple[PhoneCall, PhoneCall]:
        async with Carrier(data_dir=tmp_path, subscribers=(user("1001", ALWAYS), user("1002"))) as carrier:
            caller, callee = await carrier.phone("1001"), await carrier.phone("1002")
            callee.answering = Answering(after_s=100)
            call = await caller.dial("1002")
            await call.rung()
            call.hang_up()
            await call.ended()
            await carrier.settled()
            assert carrier.recordings() == []
            return call, await callee.called()

    call, taken = run_virtual(scenario())

    assert (call.status, taken.end_cause) == (487, "cancel")


async def _contacts(carrier: Carrier, *ways: Answering) -> tuple[PhoneCall, list[PhoneCall]]:
    """1001 calls 1002, who has a phone for each way of answering."""
    caller = await carrier.phone("1001")
    phones = [await carrier.phone("1002") for _ in ways]
    for phone, way in zip(phones, ways, strict=True):
        phone.answering = way
    call = await caller.dial("1002")
    return call, [await phone.called() for phone in phones]


def test_all_contacts_ring_the_first_answer_wins_and_the_others_are_cancelled(tmp_path: Path) -> None:
    async def scenario() -> tuple[PhoneCall, list[PhoneCall], list[Finished]]:
        async with Carrier(data_dir=tmp_path, subscribers=(user("1001", ALWAYS), user("1002"))) as carrier:
            ways = (Answering(after_s=5), Answering(after_s=2), Answering(after_s=9))
            call, taken = await _contacts(carrier, *ways)
            await call.answered()
            await call.talk(2)
            await carrier.over(call, taken[1])
            return call, taken, carrier.recordings()

    _, taken, recordings = run_virtual(scenario())

    assert [phone.end_cause for phone in taken] == ["cancel", "bye", "cancel"]
    assert taken[0].ended_at == pytest.approx(taken[1].answered_at, abs=0.01)
    assert len(recordings) == 1


def test_one_contacts_refusal_does_not_end_the_ringing_of_another(tmp_path: Path) -> None:
    async def scenario() -> PhoneCall:
        async with Carrier(data_dir=tmp_path, subscribers=(user("1001"), user("1002"))) as carrier:
            call, _ = await _contacts(carrier, Answering(status=486), Answering(after_s=3))
            return await call.answered()

    assert run_virtual(scenario()).status == 200


def test_a_decline_outranks_busy_when_every_contact_refuses(tmp_path: Path) -> None:
    async def scenario() -> int:
        async with Carrier(data_dir=tmp_path, subscribers=(user("1001"), user("1002"))) as carrier:
            call, _ = await _contacts(carrier, Answering(status=486), Answering(status=603, after_s=1))
            with pytest.raises(PhoneError):
                await call.answered()
            return call.status

    assert run_virtual(scenario()) == 603


def test_two_contacts_that_answer_at_once_leave_one_call(tmp_path: Path) -> None:
    """The second 200 is acknowledged and its call ended."""

    async def scenario() -> tuple[PhoneCall, list[PhoneCall]]:
        async with Carrier(data_dir=tmp_path, subscribers=(user("1001", ALWAYS), user("1002"))) as carrier:
            call, taken = await _contacts(carrier, Answering(after_s=2), Answering(after_s=2))
            await call.answered()
            await call.talk(3)
            alive = [phone for phone in taken if not phone.end_cause]
            await carrier.over(call, *alive)
            assert len(carrier.recordings()) == 1
            return call, taken

    _, taken = run_virtual(scenario())

    lasted = sorted(round(phone.ended_at - phone.answered_at) for phone in taken)
    assert lasted == [0, 3]


def test_a_late_offer_is_answered_by_ours(tmp_path: Path) -> None:
    async def scenario() -> tuple[PhoneCall, PhoneCall, Finished]:
        async with Carrier(data_dir=tmp_path, subscribers=(user("1001", ALWAYS), user("1002"))) as carrier:
            caller, callee = await carrier.phone("1001", tone(437)), await carrier.phone("1002", tone(613))
            call = await caller.dial("1002", late_offer=True)
            await call.answered()
            taken = await callee.called()
            await call.talk(3)
            await carrier.over(call, taken)
            return call, taken, carrier.recordings()[0]

    call, taken, recording = run_virtual(scenario())

    part = slice(4000, 20000)
    assert level_of(call.heard.audio()[part], 613) == pytest.approx(-10, abs=0.3)
    assert level_of(taken.heard.audio()[part], 437) == pytest.approx(-10, abs=0.3)
    assert [level_of(recording.audio[part, n], hz) for n, hz in ((0, 437), (1, 613))] == [
        pytest.approx(-10, abs=0.3)
    ] * 2


def test_early_media_is_heard_before_the_answer_and_not_recorded(tmp_path: Path) -> None:
    async def scenario() -> tuple[PhoneCall, Finished]:
        async with Carrier(data_dir=tmp_path, subscribers=(user("1001", ALWAYS), user("1002"))) as carrier:
            caller, callee = await carrier.phone("1001"), await carrier.phone("1002")
            callee.answering = Answering(after_s=3, early=True, microphone=tone(613))
            call = await caller.dial("1002")
            await call.answered()
            taken = await callee.called()
            await call.talk(2)
            await carrier.over(call, taken)
            return call, carrier.recordings()[0]

    call, recording = run_virtual(scenario())

    assert call.provisional == [183]
    assert call.answered_at - call.heard.began_at == pytest.approx(3, abs=0.1)
    assert level_of(call.heard.audio()[4000:20000], 613) == pytest.approx(-10, abs=0.3)
    assert recording.manifest.duration_ms == pytest.approx(2000, abs=30)


def test_a_caller_without_a_common_codec_gets_488(tmp_path: Path) -> None:
    async def scenario() -> int:
        settings = config(codecs=(Codec.PCMA,))
        async with Carrier(data_dir=tmp_path, subscribers=(user("1001"), user("1002")), config=settings) as carrier:
            caller = await carrier.phone("1001", codecs=(Codec.PCMU,))
            await carrier.phone("1002", codecs=(Codec.PCMA,))
            call = await caller.dial("1002")
            with pytest.raises(PhoneError):
                await call.answered()
            return call.status

    assert run_virtual(scenario()) == 488


# --- a bad network --------------------------------------------------------------------------------------------


def dropping(which: Callable[[bytes, int], bool]) -> Callable[[bytes, Address, Address], list[float]]:
    """A network that loses the SIP messages that ``which(text, how many before)`` picks."""
    count = 0

    def fate(data: bytes, source: Address, destination: Address) -> list[float]:
        nonlocal count
        if SERVER[1] not in (source[1], destination[1]):
            return [0.0005]
        count += 1
        return [] if which(data, count) else [0.0005]

    return fate


def test_calls_come_about_and_end_though_every_third_message_is_lost(tmp_path: Path) -> None:
    async def scenario() -> tuple[PhoneCall, PhoneCall, list[Finished]]:
        async with Carrier(data_dir=tmp_path, subscribers=(user("1001", ALWAYS), user("1002"))) as carrier:
            caller, callee = await carrier.phone("1001"), await carrier.phone("1002")
            carrier.network.fate = dropping(lambda data, count: count % 3 == 0)
            call = await caller.dial("1002")
            await call.answered()
            taken = await callee.called()
            await call.talk(5)
            await carrier.over(call, taken)
            return call, taken, carrier.recordings()

    call, taken, (recording,) = run_virtual(scenario())

    assert (call.end_cause, taken.end_cause) == ("bye", "bye")
    assert recording.manifest.duration_ms > 5000


def test_a_call_whose_ack_never_comes_ends_after_32_seconds(tmp_path: Path) -> None:
    """The 200 is repeated (RFC 3261 13.3.1.4), then both parties are released."""
    log = SipLog(then=dropping(lambda data, count: data.startswith(b"ACK")))

    async def scenario() -> tuple[PhoneCall, PhoneCall, list[Finished]]:
        async with Carrier(data_dir=tmp_path, subscribers=(user("1001", ALWAYS), user("1002"))) as carrier:
            caller, callee = await carrier.phone("1001", quiet), await carrier.phone("1002", quiet)
            carrier.network.fate = log
            call = await caller.dial("1002")
            await call.answered()
            taken = await callee.called()
            await call.ended(60)
            await taken.ended()
            await carrier.settled()
            return call, taken, carrier.recordings()

    call, taken, (recording,) = run_virtual(scenario())

    assert call.ended_at - call.answered_at == pytest.approx(32, abs=0.5)
    assert taken.ended_at == pytest.approx(call.ended_at, abs=0.5)
    assert recording.manifest.duration_ms == pytest.approx(32_000, abs=500)
    assert log.responses("INVITE").count(200) > 10


# --- the end of calls ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["caller", "callee"])
def test_either_party_may_hang_up(who: str, tmp_path: Path) -> None:
    async def scenario() -> tuple[PhoneCall, PhoneCall, list[Finished]]:
        async with Carrier(data_dir=tmp_path, subscribers=(user("1001", ALWAYS), user("1002"))) as carrier:
            mine, other = await carrier.connect()
            await mine.talk(3)
            await carrier.over(*((mine, other) if who == "caller" else (other, mine)))
            return mine, other, carrier.recordings()

    mine, other, (recording,) = run_virtual(scenario())

    assert abs(mine.ended_at - other.ended_at) < 0.01
    assert recording.manifest.duration_ms == pytest.approx(3000, abs=20)


def test_a_call_without_media_ends_after_the_media_timeout(tmp_path: Path) -> None:
    async def scenario() -> tuple[PhoneCall, PhoneCall, list[Finished]]:
        async with Carrier(data_dir=tmp_path, subscribers=(user("1001", ALWAYS), user("1002"))) as carrier:
            mine, other = await carrier.connect(caller_says=quiet, callee_says=quiet)
            await mine.talk(5)
            other.media.microphone = silent
            await mine.ended(100)
            await other.ended()
            await carrier.settled()
            return mine, other, carrier.recordings()

    mine, _, (recording,) = run_virtual(scenario())

    assert mine.ended_at - mine.answered_at == pytest.approx(65, abs=0.1)
    assert recording.manifest.duration_ms == pytest.approx(65_000, abs=100)


def test_a_party_that_holds_may_be_silent_for_as_long_as_it_likes(tmp_path: Path) -> None:
    async def scenario() -> PhoneCall:
        engine = EngineConfig(legs=64, media_timeout_s=5)
        async with Carrier(data_dir=tmp_path, subscribers=(user("1001"), user("1002")), engine=engine) as carrier:
            mine, other = await carrier.connect(callee_says=quiet)
            await mine.hold()
            await mine.talk(12)
            await carrier.over(mine, other)
            return mine

    assert run_virtual(scenario()).end_cause == "bye"


def test_a_phone_that_vanished_is_found_out_by_the_session_timer(tmp_path: Path) -> None:
    """RTP may go on for ever; the refresh that nobody answers ends the call, for the other party too."""

    async def scenario() -> tuple[PhoneCall, float, list[Finished]]:
        plan = {"session_expires_s": 90}
        subscribers, engine = (user("1001", ALWAYS), user("1002")), EngineConfig(legs=64, media_timeout_s=3600)
        async with Carrier(data_dir=tmp_path, subscribers=subscribers, plan=plan, engine=engine) as carrier:
            mine, other = await carrier.connect()
            gone = carrier.phones[1].agent
            address = next(iter(gone._core.config.contacts.values()))
            hole = (address.host, address.port)
            carrier.network.fate = lambda data, source, to: [] if hole in (source, to) else [0.0005]
            await mine.ended(200)
            await carrier.settled()
            return mine, other.answered_at, carrier.recordings()

    mine, answered_at, (recording,) = run_virtual(scenario())

    assert 45 < mine.ended_at - answered_at <= 91
    assert recording.manifest.duration_ms == pytest.approx((mine.ended_at - answered_at) * 1000, abs=50)


def test_calls_are_refreshed_for_as_long_as_both_phones_live(tmp_path: Path) -> None:
    async def scenario() -> PhoneCall:
        plan = {"session_expires_s": 90}
        subscribers, engine = (user("1001"), user("1002")), EngineConfig(legs=64, media_timeout_s=3600)
        async with Carrier(data_dir=tmp_path, subscribers=subscribers, plan=plan, engine=engine) as carrier:
            mine, other = await carrier.connect()
            await mine.talk(300)
            await carrier.over(mine, other)
            return mine

    assert run_virtual(scenario()).end_cause == "bye"


def test_a_draining_server_refuses_new_calls_and_lets_the_running_one_go_on(tmp_path: Path) -> None:
    async def scenario() -> tuple[PhoneCall, PhoneCall, list[Finished]]:
        async with Carrier(data_dir=tmp_path, subscribers=(user("1001", ALWAYS), user("1002"))) as carrier:
            mine, other = await carrier.connect()
            late = await carrier.phone("1001")
            carrier.server.agent.draining = True
            refusal = await late.dial("1002")
            with pytest.raises(PhoneError):
                await refusal.answered()
            await mine.talk(2)
            await carrier.server.drain(5)
            await other.ended()
            return mine, refusal, carrier.recordings()

    mine, refusal, (recording,) = run_virtual(scenario())

    assert refusal.status == 503
    assert mine.ended_at - mine.answered_at == pytest.approx(7, abs=0.1)
    assert recording.manifest.duration_ms == pytest.approx(7000, abs=100)


def test_a_lost_media_worker_ends_its_calls_and_saves_what_was_kept(tmp_path: Path) -> None:
    async def scenario() -> tuple[PhoneCall, PhoneCall, list[Finished]]:
        subscribers = (user("1001", ALWAYS), user("1002", RecordingMode.ON_DEMAND))
        async with Carrier(data_dir=tmp_path, subscribers=subscribers) as carrier:
            mine, other = await carrier.connect(caller_says=tone(437), callee_says=tone(613))
            await mine.talk(5)
            carrier.lose_worker()
            await mine.ended()
            await other.ended()
            await carrier.settled()
            return mine, other, carrier.recordings()

    mine, other, (recording,) = run_virtual(scenario())

    assert (mine.end_cause, other.end_cause) == ("bye", "bye")
    assert (recording.manifest.user, recording.manifest.salvaged) == ("1001", True)
    assert recording.manifest.duration_ms >= 4000  # all but the last second at most
    assert level_of(recording.audio[4000:20000, 0], 437) == pytest.approx(-10, abs=0.3)


def test_options_is_answered(tmp_path: Path) -> None:
    async def scenario() -> list[bytes]:
        answers: list[bytes] = []
        async with Carrier(data_dir=tmp_path) as carrier:
            socket = await carrier.network.open("127.0.9.9", 5070, lambda data, source: answers.append(data))
            lines = (
                "OPTIONS sip:carrier.test SIP/2.0",
                "Via: SIP/2.0/UDP 127.0.9.9:5070;branch=z9hG4bK1;rport",
                "Max-Forwards: 70",
                "From: <sip:probe@carrier.test>;tag=1",
                "To: <sip:carrier.test>",
                "Call-ID: probe",
                "CSeq: 1 OPTIONS",
                "Content-Length: 0",
            )
            socket.send("\r\n".join((*lines, "", "")).encode(), SERVER)
            await carrier.later(0.1)
        return answers

    (answer,) = run_virtual(scenario())

    assert answer.startswith(b"SIP/2.0 200 ")
    assert b"Allow: " in answer
