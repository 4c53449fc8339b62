"""Keys in whole calls: which of them steer, which reach the other party, by which way and when."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from callbench.phone import PhoneCall, quiet
from callbench.virtual_time import run_virtual
from callmodel.manifest import Mark, MarkKind
from callmodel.modes import NotificationType, RecordingMode
from tests.support.virtual import Carrier, Finished, SipLog, user
from tests.support.virtual_ears import BEEP, REFUSED, heard, listen, told, words

PAUSABLE = RecordingMode.ALWAYS_PAUSE_RESUME
Story = Callable[[Carrier, PhoneCall, PhoneCall], Awaitable[Any]]


def place(
    tmp_path: Path, story: Story, *, mode: RecordingMode = PAUSABLE, **more: Any
) -> tuple[Any, PhoneCall, PhoneCall, list[Finished]]:
    """1001, recorded in ``mode``, calls 1002; the story is told; the call is ended. ``more`` goes to ``connect``."""

    async def scenario() -> tuple[Any, PhoneCall, PhoneCall, list[Finished]]:
        subscribers = (user("1001", mode), user("1002"))
        async with Carrier(data_dir=tmp_path, subscribers=subscribers) as carrier:
            mine, other = await carrier.connect(**more)
            await mine.talk(1)
            result = await story(carrier, mine, other)
            await carrier.over(mine, other)
            return result, mine, other, carrier.recordings()

    return run_virtual(scenario())


def keys(call: PhoneCall) -> str:
    """What reached a phone as telephone-events."""
    return "".join(digit for _, digit, _ in call.heard.digits)


def marks(recording: Finished, kind: MarkKind) -> list[Mark]:
    return [mark for mark in recording.manifest.marks if mark.kind is kind]


def steered(recording: Finished) -> list[tuple[str, str, str]]:
    """Command, channel and code of every steering that was accepted."""
    codes = [mark.detail for mark in marks(recording, MarkKind.CODE) if mark.detail["accepted"] == "true"]
    return [(detail["command"], detail["channel"], detail["code"]) for detail in codes]


def pressed(*digits: str, via: str = "rfc4733", after_s: float = 1.0, duration_ms: int = 100) -> Story:
    """1001 presses keys, with pauses."""

    async def story(carrier: Carrier, mine: PhoneCall, other: PhoneCall) -> None:
        for group in digits:
            await mine.press(group, via=via, duration_ms=duration_ms)
            await mine.talk(after_s)

    return story


@pytest.mark.parametrize("via", ["rfc4733", "info"])
def test_ordinary_keys_reach_the_other_party_in_order(via: str, tmp_path: Path) -> None:
    _, _, other, _ = place(tmp_path, pressed("1590#", via=via))

    assert keys(other) == "1590#"


@pytest.mark.parametrize("duration_ms", [60, 100, 240])
def test_keys_keep_their_length(duration_ms: int, tmp_path: Path) -> None:
    _, _, other, _ = place(tmp_path, pressed("7", duration_ms=duration_ms))

    assert [ms for _, _, ms in other.heard.digits] == [duration_ms]


@pytest.mark.parametrize(("via", "channel"), [("rfc4733", "rfc4733"), ("info", "sip-info-dtmf")])
def test_a_code_steers_and_is_swallowed(via: str, channel: str, tmp_path: Path) -> None:
    _, _, other, (recording,) = place(tmp_path, pressed("*48", "*49", via=via))

    assert steered(recording) == [("pause", channel, "*48"), ("resume", channel, "*49")]
    assert keys(other) == ""


def test_keys_in_the_audio_steer_where_no_telephone_event_was_negotiated(tmp_path: Path) -> None:
    _, _, other, (recording,) = place(
        tmp_path, pressed("*48", "*49", via="inband"), caller_more={"telephone_event": None}, caller_says=quiet
    )

    assert steered(recording) == [("pause", "in-band", "*48"), ("resume", "in-band", "*49")]
    assert keys(other) == ""


def test_keys_in_the_audio_are_not_listened_for_where_events_were_negotiated(tmp_path: Path) -> None:
    _, _, _, (recording,) = place(tmp_path, pressed("*48", via="inband"), caller_says=quiet)

    assert steered(recording) == []


def test_a_phone_without_events_gets_keys_as_tones(tmp_path: Path) -> None:
    _, _, other, _ = place(tmp_path, pressed("159"), callee_more={"telephone_event": None})

    assert listen(other.heard.audio(), prompts=False).dialled == "159"


def test_the_start_of_a_code_is_withheld_for_two_seconds(tmp_path: Path) -> None:
    async def story(carrier: Carrier, mine: PhoneCall, other: PhoneCall) -> float:
        await mine.press("*")
        at = carrier.now()
        await mine.talk(1.5)
        assert keys(other) == ""
        await mine.talk(1.5)
        return at

    at, _, other, _ = place(tmp_path, story)

    assert keys(other) == "*"
    assert other.heard.digits[0][0] - at == pytest.approx(2.1, abs=0.15)


def test_what_cannot_be_a_code_any_more_is_passed_on_at_once_and_in_order(tmp_path: Path) -> None:
    async def story(carrier: Carrier, mine: PhoneCall, other: PhoneCall) -> None:
        await mine.press("*41", duration_ms=140)
        await mine.talk(0.7)

    _, _, other, _ = place(tmp_path, story)

    assert [(digit, ms) for _, digit, ms in other.heard.digits] == [("*", 140), ("4", 140), ("1", 140)]


def test_a_code_dialled_too_slowly_is_no_code(tmp_path: Path) -> None:
    _, _, other, (recording,) = place(tmp_path, pressed("*4", "8", after_s=2.5))

    assert steered(recording) == []
    assert keys(other) == "*48"


def test_a_code_dialled_just_quickly_enough_is_one(tmp_path: Path) -> None:
    _, _, other, (recording,) = place(tmp_path, pressed("*", "4", "8", after_s=1.7))

    assert steered(recording) == [("pause", "rfc4733", "*48")]
    assert keys(other) == ""


def test_a_star_before_a_code_is_passed_on_and_the_code_counts(tmp_path: Path) -> None:
    _, _, other, (recording,) = place(tmp_path, pressed("**48"))

    assert steered(recording) == [("pause", "rfc4733", "*48")]
    assert keys(other) == "*"


def test_one_press_told_by_two_ways_counts_once(tmp_path: Path) -> None:
    async def story(carrier: Carrier, mine: PhoneCall, other: PhoneCall) -> None:
        for digit in "5*48":
            mine.send_info("application/dtmf-relay", f"Signal={digit}\r\nDuration=100\r\n".encode())
            await mine.press(digit)
            await mine.talk(0.2)

    _, _, other, (recording,) = place(tmp_path, story)

    assert steered(recording) == [("pause", "sip-info-dtmf", "*48")]
    assert keys(other) == "5"


def test_a_bare_key_in_an_info_is_understood(tmp_path: Path) -> None:
    async def story(carrier: Carrier, mine: PhoneCall, other: PhoneCall) -> None:
        mine.send_info("application/dtmf", b"9")
        await mine.talk(1)

    _, _, other, _ = place(tmp_path, story)

    assert keys(other) == "9"


@pytest.mark.parametrize(
    ("content_type", "body", "status"),
    [
        ("application/dtmf-relay", b"Signal=x\r\n", 400),
        ("application/dtmf", b"x", 400),
        ("text/plain", b"hello", 415),
        ("", b"", 200),
    ],
)
def test_an_info_gets_the_status_it_deserves(content_type: str, body: bytes, status: int, tmp_path: Path) -> None:
    log = SipLog()

    async def story(carrier: Carrier, mine: PhoneCall, other: PhoneCall) -> None:
        carrier.network.fate = log
        mine.send_info(content_type, body)
        await mine.talk(1)

    place(tmp_path, story)

    assert log.responses("INFO") == [status]


def test_a_record_header_steers(tmp_path: Path) -> None:
    log = SipLog()

    async def story(carrier: Carrier, mine: PhoneCall, other: PhoneCall) -> None:
        carrier.network.fate = log
        for word in ("on", "pause", "resume", "off"):
            mine.send_info(headers=(("Record", word),))
            await mine.talk(1)

    _, _, _, (recording,) = place(tmp_path, story, mode=RecordingMode.ON_DEMAND_USER_START)

    assert log.responses("INFO") == [200, 200, 200, 200]
    assert recording.manifest.duration_ms == pytest.approx(2000, abs=20)
    assert steered(recording) == [
        ("pause", "sip-info-record", ""),
        ("resume", "sip-info-record", ""),
        ("stop", "sip-info-record", ""),
    ]


@pytest.mark.parametrize(("word", "status"), [("off", 403), ("maybe", 400)])
def test_a_record_header_that_does_not_fit_is_refused(word: str, status: int, tmp_path: Path) -> None:
    log = SipLog()

    async def story(carrier: Carrier, mine: PhoneCall, other: PhoneCall) -> None:
        carrier.network.fate = log
        mine.send_info(headers=(("Record", word),))
        await mine.talk(1)

    _, _, other, (recording,) = place(tmp_path, story)

    assert log.responses("INFO") == [status]
    assert steered(recording) == []
    assert words(heard(other)) == []


def test_the_far_partys_codes_are_ordinary_keys_for_the_recorded_user(tmp_path: Path) -> None:
    """1002 is nobody's recorded user: the code is refused for them, and the recording goes on."""

    async def story(carrier: Carrier, mine: PhoneCall, other: PhoneCall) -> None:
        await other.press("*48")
        await other.talk(1)

    _, mine, _, (recording,) = place(tmp_path, story)

    assert marks(recording, MarkKind.CODE) == []
    assert marks(recording, MarkKind.PAUSE) == []
    assert words(heard(mine)) == []


def test_codes_from_outside_are_passed_to_the_user_as_keys(tmp_path: Path) -> None:
    """A service number's caller aside, whoever is no subscriber has nothing to steer: 1001 hears the keys."""

    async def scenario() -> tuple[str, list[Finished]]:
        plan = {"trusted_peers": ("127.0.1.2",)}
        async with Carrier(data_dir=tmp_path, subscribers=(user("1001", PAUSABLE),), plan=plan) as carrier:
            mine = await carrier.phone("1001")
            trunk = await carrier.phone("+33155501234", register=False)
            call = await trunk.dial("1001")
            await call.answered()
            taken = await mine.called()
            await call.talk(1)
            await call.press("*48")
            await call.talk(3)
            await carrier.over(call, taken)
            return keys(taken), carrier.recordings()

    received, (recording,) = run_virtual(scenario())

    assert received == "*48"
    assert marks(recording, MarkKind.PAUSE) == []


def test_a_code_pressed_while_an_announcement_sounds_counts(tmp_path: Path) -> None:
    async def scenario() -> tuple[list[str], list[Finished]]:
        talkative = user("1001", PAUSABLE, announce_internal=True, notification=NotificationType.BEEP)
        async with Carrier(data_dir=tmp_path, subscribers=(talkative, user("1002"))) as carrier:
            mine, other = await carrier.connect()
            await mine.press("*48")
            await mine.talk(4)
            await carrier.over(mine, other)
            return words(heard(mine)), carrier.recordings()

    told_user, (recording,) = run_virtual(scenario())

    assert told_user == ["recording-started/en", BEEP]
    assert recording.manifest.duration_ms < 700


def dial_code(tmp_path: Path, mode: RecordingMode, code: str, **settings: Any) -> tuple[PhoneCall, list[Finished]]:
    """1001 talks with 1002 and dials a code as a number on a second call; that second call, and the recordings."""

    async def scenario() -> tuple[PhoneCall, list[Finished]]:
        subscribers = (user("1001", mode, **settings), user("1002"))
        async with Carrier(data_dir=tmp_path, subscribers=subscribers) as carrier:
            mine, other = await carrier.connect()
            await mine.talk(3)
            await mine.hold()
            second = await mine.phone.dial(code)
            await second.answered()
            await second.ended()
            await mine.resume()
            await mine.talk(3)
            await carrier.over(mine, other)
            assert words(heard(mine)) == []
            return second, carrier.recordings()

    return run_virtual(scenario())


def test_a_code_dialled_as_a_number_steers_the_users_other_call(tmp_path: Path) -> None:
    second, (recording,) = dial_code(tmp_path, RecordingMode.ON_DEMAND, "*44")

    assert words(heard(second)) == ["recording-started/en"]
    assert second.end_cause == "bye"
    assert steered(recording) == [("start", "called-code", "")]
    assert recording.manifest.duration_ms > 7000


def test_the_confirmation_of_a_dialled_code_is_a_beep_without_announcements(tmp_path: Path) -> None:
    second, (recording,) = dial_code(tmp_path, PAUSABLE, "*48")

    assert words(told(second.heard.audio())) == [BEEP]
    assert recording.manifest.duration_ms == pytest.approx(3000, abs=30)


def test_a_dialled_code_that_the_table_refuses_is_answered_by_the_refusal_tone(tmp_path: Path) -> None:
    second, (recording,) = dial_code(tmp_path, RecordingMode.ALWAYS, "*48")

    assert words(heard(second)) == [REFUSED]
    assert steered(recording) == []


def test_a_dialled_code_without_another_call_is_refused(tmp_path: Path) -> None:
    async def scenario() -> PhoneCall:
        async with Carrier(data_dir=tmp_path, subscribers=(user("1001", PAUSABLE),)) as carrier:
            phone = await carrier.phone("1001")
            call = await phone.dial("*48")
            await call.ended()
            return call

    assert words(heard(run_virtual(scenario()))) == [REFUSED]


def test_no_tone_of_a_key_is_in_the_recording(tmp_path: Path) -> None:
    """A phone that also lets the tone through: with masking on, the file holds silence there."""

    async def story(carrier: Carrier, mine: PhoneCall, other: PhoneCall) -> None:
        await mine.press("4711", via="inband")
        await mine.talk(1)

    _, _, _, (recording,) = place(tmp_path, story, caller_says=quiet, caller_more={"telephone_event": None})

    assert listen(recording.audio[:, 0], prompts=False).dialled == ""
    assert all("digit" not in mark.detail for mark in recording.manifest.marks)
