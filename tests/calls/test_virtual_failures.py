"""Recordings that cannot be written: what becomes of the call, what the parties are told, and what is saved."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from callbench.phone import PhoneCall, tone
from callbench.virtual_time import run_virtual
from callmodel.modes import FailureBehavior, RecordingMode
from tests.support.virtual import Carrier, Finished, config, in_the_way, user
from tests.support.virtual_ears import REFUSED, heard, level_of, words

CONTINUE, END = "recording-failed-continue/en", "recording-failed-end/en"


@contextmanager
def files_no_longer_than(size_bytes: int) -> Iterator[None]:
    """Writes beyond this size fail, as the system has it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def unwritable(tmp_path: Path, behavior: FailureBehavior, mode: RecordingMode) -> tuple[PhoneCall, PhoneCall]:
    """1001 calls 1002 for six seconds, dialling ``*44`` at one; no recording can be opened."""

    async def scenario() -> tuple[PhoneCall, PhoneCall]:
        subscribers = (user("1001", mode), user("1002"))
        settings = config(failure_behavior=behavior)
        async with Carrier(data_dir=tmp_path, subscribers=subscribers, config=settings) as carrier:
            in_the_way(tmp_path)
            mine, other = await carrier.connect()
            await carrier.later(1)
            if mode is RecordingMode.ON_DEMAND_USER_START:
                await mine.press("*44")
            await carrier.later(5)
            mine.hang_up()
            await mine.ended()
            await other.ended()
            await carrier.settled()
            return mine, other

    return run_virtual(scenario())


@pytest.mark.parametrize("mode", [RecordingMode.ALWAYS, RecordingMode.ON_DEMAND_USER_START])
@pytest.mark.parametrize(
    ("behavior", "user_hears", "other_hears", "goes_on"),
    [
        (FailureBehavior.PROCEED_SILENTLY, [], [], True),
        (FailureBehavior.PROCEED_ANNOUNCED, [CONTINUE], [], True),
        (FailureBehavior.END_ANNOUNCED, [END], [END], False),
    ],
)
def test_a_call_that_cannot_be_recorded_follows_the_failure_behaviour(
    behavior: FailureBehavior,
    user_hears: list[str],
    other_hears: list[str],
    goes_on: bool,
    mode: RecordingMode,
    tmp_path: Path,
) -> None:
    mine, other = unwritable(tmp_path, behavior, mode)

    assert (words(heard(mine)), words(heard(other))) == (user_hears, other_hears)
    lasted = mine.ended_at - mine.answered_at
    if goes_on:
        assert lasted >= 6
    else:
        assert lasted - heard(mine)[0][1] == pytest.approx(2.875, abs=0.1)
        assert other.ended_at == pytest.approx(mine.ended_at, abs=0.01)


def test_a_provisional_recording_that_cannot_be_opened_fails_as_any(tmp_path: Path) -> None:
    mine, _ = unwritable(tmp_path, FailureBehavior.PROCEED_ANNOUNCED, RecordingMode.ON_DEMAND)

    assert words(heard(mine)) == [CONTINUE]


def cut_off(
    tmp_path: Path, behavior: FailureBehavior, mode: RecordingMode = RecordingMode.ALWAYS, *codes: str
) -> tuple[PhoneCall, PhoneCall, list[Finished]]:
    """The disk takes no more after some seconds of the recording; it is well again later."""

    async def scenario() -> tuple[PhoneCall, PhoneCall, list[Finished]]:
        subscribers = (user("1001", mode), user("1002"))
        settings = config(failure_behavior=behavior)
        async with Carrier(data_dir=tmp_path, subscribers=subscribers, config=settings) as carrier:
            mine, other = await carrier.connect(caller_says=tone(437), callee_says=tone(613))
            for code in codes:
                await mine.press(code, via="info")
            with files_no_longer_than(160_000):
                await carrier.later(8)
            for code in codes:
                await mine.press(code, via="info")
            await carrier.later(4)
            mine.hang_up()
            await mine.ended()
            await other.ended()
            await carrier.settled()
            return mine, other, carrier.recordings()

    return run_virtual(scenario())


def test_what_was_written_before_the_disk_failed_is_saved_and_says_so(tmp_path: Path) -> None:
    mine, other, (recording,) = cut_off(tmp_path, FailureBehavior.PROCEED_SILENTLY)

    assert recording.manifest.salvaged
    assert 4000 <= recording.manifest.duration_ms <= 5000
    assert level_of(recording.audio[4000:28000, 0], 437) == pytest.approx(-10, abs=0.3)
    assert mine.ended_at - mine.answered_at == pytest.approx(12, abs=0.1)
    assert level_of(other.heard.audio()[-16000:-1600], 437) == pytest.approx(-10, abs=0.3)


def test_a_call_that_may_not_go_on_unrecorded_ends_with_its_last_words(tmp_path: Path) -> None:
    mine, other, (recording,) = cut_off(tmp_path, FailureBehavior.END_ANNOUNCED)

    assert recording.manifest.salvaged
    assert 7 < mine.ended_at - mine.answered_at < 9.5
    assert other.ended_at == pytest.approx(mine.ended_at, abs=0.01)


def test_after_a_failure_a_further_start_opens_another_recording(tmp_path: Path) -> None:
    _, _, recordings = cut_off(tmp_path, FailureBehavior.PROCEED_SILENTLY, RecordingMode.ON_DEMAND_USER_START, "*44")

    assert [recording.manifest.salvaged for recording in recordings] == [True, False]
    assert recordings[1].manifest.duration_ms == pytest.approx(4100, abs=40)


def test_a_failed_always_recording_refuses_codes(tmp_path: Path) -> None:
    async def scenario() -> PhoneCall:
        async with Carrier(
            data_dir=tmp_path, subscribers=(user("1001", RecordingMode.ALWAYS_PAUSE_RESUME), user("1002"))
        ) as carrier:
            in_the_way(tmp_path)
            mine, other = await carrier.connect()
            await mine.talk(1)
            await mine.press("*48")
            await mine.talk(2)
            await carrier.over(mine, other)
            return mine

    assert words(heard(run_virtual(scenario()))) == [REFUSED]
