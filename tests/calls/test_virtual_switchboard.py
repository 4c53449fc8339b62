"""What the portals see of live calls, and what they do to them: whole calls in virtual time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from callbench.phone import Answering
from callbench.virtual_time import run_virtual
from callmodel.modes import NotificationType, Phase, RecordingMode, SteeringChannel
from callmodel.subscriber import Subscriber
from feature_codes import FeatureCommand
from mediaserver.app.switchboard import LiveSwitchboard
from portals.ports import LiveEvent, LiveParty, LiveRecording, SteerOutcome
from tests.support.virtual import Carrier, user
from tests.support.virtual_ears import BEEP, heard, words

START, STOP, PAUSE, RESUME = FeatureCommand
PAGE, REST = SteeringChannel.PAGE, SteeringChannel.REST
Story = Callable[[Carrier, LiveSwitchboard], Awaitable[Any]]


def played(tmp_path: Path, story: Story, *subscribers: Subscriber) -> Any:
    """What a story on a carrier returns."""

    async def scenario() -> Any:
        people = subscribers or (user("1001", RecordingMode.ALWAYS_PAUSE_RESUME, name="Ada"), user("1002", name="Ben"))
        async with Carrier(data_dir=tmp_path, subscribers=people) as carrier:
            return await story(carrier, LiveSwitchboard(carrier.server))

    return run_virtual(scenario())


def test_a_call_is_shown_from_its_first_ring_to_its_end(tmp_path: Path) -> None:
    async def story(carrier: Carrier, board: LiveSwitchboard) -> None:
        assert board.calls() == ()
        caller = await carrier.phone("1001")
        callee = await carrier.phone("1002")
        callee.answering = Answering(after_s=2)
        call = await caller.dial("1002")
        taken = await callee.called()
        (ringing,) = board.calls()
        assert (ringing.answered_at, ringing.recordings) == (None, ())
        assert (ringing.caller, ringing.callee) == (
            LiveParty(number="1001", label="Ada", user=True),
            LiveParty(number="1002", label="Ben", user=True),
        )
        await call.answered()
        await taken.answered()
        await call.talk(3)
        (up,) = board.calls()
        assert up.call_id == ringing.call_id
        assert up.answered_at is not None
        assert timedelta(seconds=2) <= up.answered_at - up.invited_at < timedelta(seconds=2.5)
        (recording,) = up.recordings
        assert recording.recording_id is not None
        assert recording == LiveRecording(
            user="1001",
            phase=Phase.RECORDING,
            mode=RecordingMode.ALWAYS_PAUSE_RESUME,
            recording_id=recording.recording_id,
            since=up.answered_at,
        )
        await carrier.over(call, taken)
        assert board.calls() == ()
        assert [one.manifest.recording_id for one in carrier.recordings()] == [recording.recording_id]

    played(tmp_path, story)


def test_both_users_of_a_call_have_a_recording_of_their_own(tmp_path: Path) -> None:
    async def story(carrier: Carrier, board: LiveSwitchboard) -> list[tuple[str, Phase, bool]]:
        call, taken = await carrier.connect()
        await call.talk(1)
        (live,) = board.calls()
        found = [(one.user, one.phase, one.recording_id is not None) for one in live.recordings]
        await carrier.over(call, taken)
        return found

    people = user("1001", RecordingMode.ON_DEMAND), user("1002", RecordingMode.ON_DEMAND_USER_START)
    assert played(tmp_path, story, *people) == [
        ("1001", Phase.PROVISIONAL, True),
        ("1002", Phase.READY, False),
    ]


def test_a_service_number_is_no_user(tmp_path: Path) -> None:
    async def story(carrier: Carrier, board: LiveSwitchboard) -> tuple[LiveParty, int]:
        call = await (await carrier.phone("1001")).dial("9009")
        await call.answered()
        (live,) = board.calls()
        await carrier.over(call)
        return live.callee, len(live.recordings)

    callee, recordings = played(tmp_path, story, user("1001"))
    assert (callee, recordings) == (LiveParty(number="9009", label="", user=False), 0)


@pytest.mark.parametrize("channel", [PAGE, REST])
def test_a_recording_is_paused_and_resumed_from_outside_as_by_the_code(
    tmp_path: Path, channel: SteeringChannel
) -> None:
    """The phase follows, the user hears the notice, the pause is not in the file, and the log tells the channel."""
    events: list[LiveEvent] = []

    async def story(carrier: Carrier, board: LiveSwitchboard) -> tuple[list[Phase], list[str], float]:
        leave = board.subscribe(events.append)
        call, taken = await carrier.connect()
        await call.talk(2)
        phases = []
        for command in (PAUSE, RESUME):
            assert board.steer("1001", command, channel) is SteerOutcome.ACCEPTED
            phases.append(board.calls()[0].recordings[0].phase)
            await call.talk(4)
        await carrier.over(call, taken)
        leave()
        return phases, words(heard(call)), carrier.recordings()[0].manifest.duration_ms

    mine = user("1001", RecordingMode.ALWAYS_PAUSE_RESUME, notification=NotificationType.BEEP)
    phases, told, duration_ms = played(tmp_path, story, mine, user("1002"))
    assert (phases, told) == ([Phase.PAUSED, Phase.RECORDING], [BEEP, BEEP])
    assert duration_ms == pytest.approx(6000, abs=100)
    steered = [event.data for event in events if event.kind == "recording.steered"]
    assert [(data["user"], data["command"], data["channel"], data["code"], data["state"]) for data in steered] == [
        ("1001", "pause", channel.value, "", "paused"),
        ("1001", "resume", channel.value, "", "recording"),
    ]


def test_what_the_mode_does_not_allow_is_refused(tmp_path: Path) -> None:
    async def story(carrier: Carrier, board: LiveSwitchboard) -> list[SteerOutcome]:
        call, taken = await carrier.connect()
        found = [board.steer(number, STOP, PAGE) for number in ("1001", "1002", "1003")]
        await carrier.over(call, taken)
        return [*found, board.steer("1001", STOP, PAGE)]

    assert played(tmp_path, story) == [
        SteerOutcome.REFUSED,
        SteerOutcome.REFUSED,
        SteerOutcome.NO_CALL,
        SteerOutcome.NO_CALL,
    ]


def test_a_call_that_rings_cannot_be_steered_yet(tmp_path: Path) -> None:
    async def story(carrier: Carrier, board: LiveSwitchboard) -> SteerOutcome:
        call = await (await carrier.phone("1001")).dial("9007")
        await call.rung()
        outcome = board.steer("1001", START, PAGE)
        call.hang_up()
        await call.ended()
        return outcome

    assert played(tmp_path, story) is SteerOutcome.NO_CALL


def test_of_two_calls_the_named_one_is_steered_or_else_the_last(tmp_path: Path) -> None:
    async def story(carrier: Carrier, board: LiveSwitchboard) -> list[Any]:
        phone = await carrier.phone("1001")
        calls = []
        for number in ("9009", "9003"):
            calls.append(await phone.dial(number))
            await calls[-1].answered()
        first, second = board.calls()
        found: list[Any] = [board.steer("1001", PAUSE, PAGE, call_id=first.call_id)]
        found += [call.recordings[0].phase for call in board.calls()]
        found.append(board.steer("1001", PAUSE, PAGE))
        found += [call.recordings[0].phase for call in board.calls()]
        found.append(board.steer("1001", PAUSE, PAGE, call_id="c-none"))
        found.append(board.steer("1002", PAUSE, PAGE, call_id=second.call_id))
        for call in calls:
            call.hang_up()
            await call.ended()
        return found

    assert played(tmp_path, story) == [
        SteerOutcome.ACCEPTED,
        Phase.PAUSED,
        Phase.RECORDING,
        SteerOutcome.ACCEPTED,
        Phase.PAUSED,
        Phase.PAUSED,
        SteerOutcome.NO_CALL,
        SteerOutcome.NO_CALL,
    ]


def test_a_call_is_hung_up_from_outside_and_its_recording_kept(tmp_path: Path) -> None:
    async def story(carrier: Carrier, board: LiveSwitchboard) -> tuple[list[bool], tuple[object, ...], int, Any]:
        call, taken = await carrier.connect()
        await call.talk(2)
        (live,) = board.calls()
        done = [board.hang_up("c-none"), board.hang_up(live.call_id), board.hang_up(live.call_id)]
        shown = board.calls()
        await call.ended()
        await taken.ended()
        await carrier.settled()
        record = carrier.server.catalog.calls.get(live.call_id)
        return done, shown, len(carrier.recordings()), record

    done, shown, kept, record = played(tmp_path, story)
    assert (done, shown, kept, record.cause) == ([False, True, False], (), 1, "operator")


def test_registered_phones_are_told_while_they_are(tmp_path: Path) -> None:
    async def story(carrier: Carrier, board: LiveSwitchboard) -> list[tuple[str, ...]]:
        found = [board.registered("1001")]
        phone = await carrier.phone("1001")
        found.append(board.registered("1001"))
        await phone.close()
        carrier.phones.remove(phone)
        await carrier.later(8000)
        return [*found, board.registered("1001"), board.registered("none")]

    before, during, after, nobody = played(tmp_path, story)
    assert (before, after, nobody) == ((), (), ())
    assert len(during) == 1
    assert during[0].startswith("sip:1001@127.0.1.1:")


def test_events_are_told_as_they_happen_until_somebody_leaves(tmp_path: Path) -> None:
    """The digits that were pressed are told by their number only."""
    events: list[LiveEvent] = []

    async def story(carrier: Carrier, board: LiveSwitchboard) -> str:
        leave = board.subscribe(events.append)
        call, taken = await carrier.connect()
        call_id = board.calls()[0].call_id
        await call.press("1234")
        await call.talk(3)
        await carrier.over(call, taken)
        leave()
        leave()
        await carrier.over(await (await carrier.phones[0].dial("9009")).answered())
        return call_id

    call_id = played(tmp_path, story)
    assert {event.call_id for event in events} == {call_id}
    kinds = [event.kind for event in events]
    assert kinds[:2] == ["call.invited", "call.answered"]
    assert kinds[-1] == "call.ended"
    assert {"recording.opened", "recording.sealed"} < set(kinds)
    assert sorted({event.data["count"] for event in events if event.kind == "digits.passed"}) == ["1"]
    assert not any("1234" in str(event.data) for event in events)
    assert [event.at for event in events] == sorted(event.at for event in events)


def test_a_listener_that_fails_breaks_no_call(tmp_path: Path) -> None:
    told: list[LiveEvent] = []

    def broken(event: LiveEvent) -> None:
        raise RuntimeError("out of order")

    async def story(carrier: Carrier, board: LiveSwitchboard) -> int:
        board.subscribe(broken)
        board.subscribe(told.append)
        call, taken = await carrier.connect()
        await call.talk(1)
        await carrier.over(call, taken)
        return len(carrier.recordings())

    assert played(tmp_path, story) == 1
    assert told[-1].kind == "call.ended"


def test_the_next_call_uses_what_was_saved_before_a_refresh(tmp_path: Path) -> None:
    async def story(carrier: Carrier, board: LiveSwitchboard) -> list[int]:
        phones = await carrier.phone("1001"), await carrier.phone("1002")
        kept = []
        for mode in (RecordingMode.NEVER, RecordingMode.ALWAYS):
            carrier.server.catalog.subscribers.upsert(user("1001", mode), now=carrier.server.clock.wall(0))
            await board.refresh()
            call = await phones[0].dial("1002")
            await call.answered()
            taken = await phones[1].called()
            await call.talk(1)
            await carrier.over(call, taken)
            kept.append(len(carrier.recordings()))
        return kept

    assert played(tmp_path, story) == [0, 1]
