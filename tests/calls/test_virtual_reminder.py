"""The reminder tone: when, to whom, how exactly, and never over anything else."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from callbench.phone import PhoneCall
from callbench.virtual_time import run_virtual
from callmodel.modes import RecordingMode
from mediaserver.media.config import EngineConfig
from tests.support.virtual import Carrier, Finished, user
from tests.support.virtual_ears import BEEP, heard, listen, told, words

PAUSABLE = RecordingMode.ALWAYS_PAUSE_RESUME
Story = Callable[[Carrier, PhoneCall, PhoneCall], Awaitable[None]]


def place(
    tmp_path: Path, story: Story, *, mode: RecordingMode = PAUSABLE, reminder_s: int = 10, **settings: Any
) -> tuple[PhoneCall, PhoneCall, list[Finished]]:
    async def scenario() -> tuple[PhoneCall, PhoneCall, list[Finished]]:
        subscribers = (user("1001", mode, reminder_s=reminder_s, **settings), user("1002"))
        engine = EngineConfig(legs=64, media_timeout_s=86_400)
        async with Carrier(data_dir=tmp_path, subscribers=subscribers, engine=engine) as carrier:
            mine, other = await carrier.connect()
            await story(carrier, mine, other)
            await carrier.over(mine, other)
            return mine, other, carrier.recordings()

    return run_virtual(scenario())


def for_seconds(seconds: float) -> Story:
    async def story(carrier: Carrier, mine: PhoneCall, other: PhoneCall) -> None:
        await mine.talk(seconds)

    return story


def starts(call: PhoneCall, since_s: float) -> list[float]:
    """Seconds after ``since_s`` at which each burst of packets began, by their RTP timestamps."""
    packets = call.heard.packets
    first = packets[0]
    times = [first.arrived_at + (packet.ticks - first.ticks) / 8000 - since_s for packet in packets]
    return [times[0], *(later for earlier, later in pairwise(times) if later - earlier > 0.1)]


def test_thirty_minutes_of_reminders_without_drift(tmp_path: Path) -> None:
    """120 bursts, each within 20 ms of its nominal time, each of 25 packets, for both parties; and in the recording."""
    mine, other, (recording,) = place(tmp_path, for_seconds(1801), reminder_s=15)

    nominal = 15.0 * np.arange(1, 121)
    for call in (mine, other):
        begun = np.array(starts(call, mine.answered_at))
        assert begun.size == 120
        assert np.abs(begun - nominal).max() <= 0.02
        assert len(call.heard.packets) == 120 * 25
    audio = recording.audio[:, 0]
    loud = np.flatnonzero(np.abs(audio) > 500)
    bursts = loud[np.flatnonzero(np.diff(loud, prepend=-8000) > 4000)] / 8000
    assert bursts.size == 120
    assert np.abs(bursts - nominal).max() <= 0.025


@pytest.mark.parametrize("place_in_call", [0, 2])
def test_a_burst_is_half_a_second_of_1400_hz(place_in_call: int, tmp_path: Path) -> None:
    _, other, _ = place(tmp_path, for_seconds(35))

    burst = listen(other.heard.audio(), prompts=False).tones[place_in_call]
    assert burst.hz == pytest.approx(1400, abs=1)
    assert burst.level_dbm0 == pytest.approx(-18, abs=0.5)
    assert burst.length_ms == pytest.approx(500, abs=1)


def test_the_first_burst_comes_one_interval_after_the_recording_starts(tmp_path: Path) -> None:
    """On Demand with User Initiated Start: counted from ``*44``, not from the answer."""
    began = []

    async def story(carrier: Carrier, mine: PhoneCall, other: PhoneCall) -> None:
        await mine.talk(7)
        await mine.press("*44", via="info")
        began.append(carrier.now() - 0.1)
        await mine.talk(21)

    mine, _, _ = place(tmp_path, story, mode=RecordingMode.ON_DEMAND_USER_START)

    assert starts(mine, began[0]) == [pytest.approx(10, abs=0.02), pytest.approx(20, abs=0.02)]


def test_on_demand_reminds_only_once_it_is_kept(tmp_path: Path) -> None:
    async def story(carrier: Carrier, mine: PhoneCall, other: PhoneCall) -> None:
        await mine.talk(15)
        assert not mine.heard.packets
        await mine.press("*44", via="info")
        await mine.talk(11)

    mine, _, _ = place(tmp_path, story, mode=RecordingMode.ON_DEMAND)

    assert words(heard(mine)) == [BEEP]


def test_reminders_are_silent_in_a_pause_and_count_anew_from_the_resume(tmp_path: Path) -> None:
    resumed = []

    async def story(carrier: Carrier, mine: PhoneCall, other: PhoneCall) -> None:
        await mine.talk(15)
        await mine.press("*48", via="info")
        await mine.talk(30)
        await mine.press("*49", via="info")
        resumed.append(carrier.now() - 0.1)
        await mine.talk(11)

    mine, other, _ = place(tmp_path, story)

    for call in (mine, other):
        first, second = starts(call, mine.answered_at)
        assert first == pytest.approx(10, abs=0.02)
        assert second == pytest.approx(resumed[0] - mine.answered_at + 10, abs=0.02)


def test_a_pause_cuts_a_burst_that_sounds(tmp_path: Path) -> None:
    async def story(carrier: Carrier, mine: PhoneCall, other: PhoneCall) -> None:
        await mine.talk(9.9)
        await mine.press("*48", via="info")
        await mine.talk(5)

    mine, _, (recording,) = place(tmp_path, story)

    assert len(mine.heard.packets) < 10
    assert recording.manifest.duration_ms < 10_400


def test_a_burst_waits_for_the_end_of_an_announcement_and_the_next_does_not_move(tmp_path: Path) -> None:
    """The start is repeated to the far party just before a burst of the other user's reminder is due."""

    async def scenario() -> list[tuple[str, float]]:
        subscribers = (
            user("1001", RecordingMode.ON_DEMAND_USER_START, announce_internal=True),
            user("1002", RecordingMode.ALWAYS, reminder_s=10),
        )
        async with Carrier(data_dir=tmp_path, subscribers=subscribers) as carrier:
            mine, other = await carrier.connect()
            await mine.talk(9)
            await mine.press("*44", via="info")
            await mine.talk(12)
            await carrier.over(mine, other)
            return heard(mine)

    started, burst, following = run_virtual(scenario())

    assert (started[0], burst[0], following[0]) == ("recording-started/en", BEEP, BEEP)
    assert burst[1] == pytest.approx(started[1] + 1.725, abs=0.03)
    assert following[1] == pytest.approx(20, abs=0.03)


def test_reminders_go_on_through_a_hold(tmp_path: Path) -> None:
    async def story(carrier: Carrier, mine: PhoneCall, other: PhoneCall) -> None:
        await mine.talk(5)
        await mine.hold()
        await mine.talk(10)
        await mine.resume()
        await mine.talk(6)

    _, other, (recording,) = place(tmp_path, story)

    assert words(heard(other)) == [BEEP, BEEP]
    assert words(told(recording.audio[:, 1])) == [BEEP, BEEP]


def test_two_recorded_users_each_have_their_reminder(tmp_path: Path) -> None:
    async def scenario() -> list[tuple[str, float]]:
        subscribers = (user("1001", PAUSABLE, reminder_s=10), user("1002", PAUSABLE, reminder_s=14))
        async with Carrier(data_dir=tmp_path, subscribers=subscribers) as carrier:
            mine, other = await carrier.connect()
            await mine.talk(31)
            await carrier.over(mine, other)
            return heard(mine)

    assert [round(at) for _, at in run_virtual(scenario())] == [10, 14, 20, 28, 30]
