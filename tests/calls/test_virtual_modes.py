"""Whole calls in virtual time: what each recording mode leaves, listened to in the file."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from callbench.phone import tone
from callbench.virtual_time import run_virtual
from callmodel.modes import RecordingMode
from tests.support.virtual import Carrier, Finished, user

A_HZ, B_HZ = 437.0, 613.0


async def _call(carrier: Carrier, *presses: str, talk_s: float = 4.0) -> None:
    """1001 calls 1002, both talk, 1001 dials each code and talks on, then hangs up."""
    caller = await carrier.phone("1001", tone(A_HZ))
    callee = await carrier.phone("1002", tone(B_HZ))
    call = await caller.dial("1002")
    await call.answered()
    other = await callee.called()
    await call.talk(talk_s)
    for code in presses:
        await call.press(code)
        await call.talk(talk_s)
    call.hang_up()
    await other.ended()
    await carrier.settled()


def _run(tmp_path: Path, mode: RecordingMode, *presses: str) -> list[Finished]:
    async def scenario() -> list[Finished]:
        async with Carrier(data_dir=tmp_path, subscribers=(user("1001", mode), user("1002"))) as carrier:
            await _call(carrier, *presses)
            return carrier.recordings()

    return run_virtual(scenario())


def _strongest_hz(pcm: np.ndarray) -> float:
    spectrum = np.abs(np.fft.rfft(pcm.astype(float) * np.hanning(pcm.size)))
    return float(np.argmax(spectrum) * 8000 / pcm.size)


def test_never_leaves_nothing(tmp_path: Path) -> None:
    """A user whose mode is Never is not recorded, whatever they dial."""
    assert _run(tmp_path, RecordingMode.NEVER, "*44") == []


def test_always_keeps_the_whole_call_with_the_user_in_channel_one(tmp_path: Path) -> None:
    """Channel 1 holds what 1001 said, channel 2 what 1002 said, from answer to the end."""
    (recording,) = _run(tmp_path, RecordingMode.ALWAYS)

    assert abs(_strongest_hz(recording.audio[:, 0]) - A_HZ) < 1
    assert abs(_strongest_hz(recording.audio[:, 1]) - B_HZ) < 1
    assert abs(recording.manifest.duration_ms - 4000) <= 20


def test_on_demand_without_start_code_leaves_no_byte_of_audio(tmp_path: Path) -> None:
    """A provisional recording that nobody asked for is destroyed."""
    assert _run(tmp_path, RecordingMode.ON_DEMAND) == []
    assert [path for path in tmp_path.rglob("*") if path.is_file() and "audio" in path.name] == []


def test_on_demand_with_start_code_keeps_the_call_from_its_answer(tmp_path: Path) -> None:
    """``*44`` in the middle keeps what was said before it, too."""
    (recording,) = _run(tmp_path, RecordingMode.ON_DEMAND, "*44")

    assert recording.manifest.duration_ms > 8000


def test_user_initiated_start_makes_one_recording_for_each_span(tmp_path: Path) -> None:
    """``*44`` ``*45`` ``*44`` makes two recordings, sharing one tracking id."""
    first, second = _run(tmp_path, RecordingMode.ON_DEMAND_USER_START, "*44", "*45", "*44")

    assert first.manifest.external_tracking_id == second.manifest.external_tracking_id
    assert first.manifest.recording_id != second.manifest.recording_id


def test_a_pause_is_cut_out_of_the_file(tmp_path: Path) -> None:
    """``*48`` ... ``*49`` leaves the talk between them out."""
    (recording,) = _run(tmp_path, RecordingMode.ALWAYS_PAUSE_RESUME, "*48", "*49")

    assert 8000 < recording.manifest.duration_ms < 10_000
    assert [mark.kind.value for mark in recording.manifest.marks if mark.kind == "pause"] == ["pause"]
