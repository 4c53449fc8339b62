"""Every choice of docs/choices.md that can be heard, made the other way in a whole call.

The phones are silent, so whatever is heard was said by the server.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from callbench.phone import PhoneCall, silent, tone
from callbench.virtual_time import run_virtual
from callmodel.modes import NotificationType, RecordingMode
from feature_codes import OnDemandAnnounce, OnDemandStop, RepeatedCode, TableOptions
from mediaserver.media.config import EngineConfig
from mediaserver.media.messages import ToneAudio
from tests.support.virtual import Carrier, Finished, config, user
from tests.support.virtual_ears import REFUSED, heard, level_of, listen, words

STARTED, STOPPED, PAUSED = "recording-started/en", "recording-stopped/en", "recording-paused/en"
SPAN_S = 4.0


async def _codes(carrier: Carrier, codes: tuple[str, ...]) -> tuple[list[str], list[str]]:
    """1001 dials codes in a call to 1002; what each of them was told."""
    call, taken = await carrier.connect()
    await call.talk(SPAN_S)
    for code in codes:
        await call.press(code)
        await call.talk(SPAN_S)
    await carrier.over(call, taken)
    return words(heard(call)), words(heard(taken))


def _told(
    tmp_path: Path, mode: RecordingMode, *codes: str, **options: Any
) -> tuple[list[str], list[str], list[Finished]]:
    """What the user and the far party are told in one call with every announcement on, and what is kept of it."""
    subscriber = user("1001", mode, announce_internal=True, notification=NotificationType.ANNOUNCEMENT)

    async def scenario() -> Any:
        async with Carrier(
            data_dir=tmp_path, subscribers=(subscriber, user("1002")), config=config(**options)
        ) as carrier:
            told = await _codes(carrier, codes)
            return *told, carrier.recordings()

    result: tuple[list[str], list[str], list[Finished]] = run_virtual(scenario())
    return result


def test_a_stop_ends_a_kept_on_demand_recording_when_it_may(tmp_path: Path) -> None:
    """``on_demand_stop = "stop"``: the recording ends at the code, both hear it, and a further start is refused."""
    table = TableOptions(on_demand_stop=OnDemandStop.STOP)
    own, far, kept = _told(tmp_path, RecordingMode.ON_DEMAND, "*44", "*45", "*44", table=table)
    assert (own, far) == ([STARTED, STOPPED, REFUSED], [STARTED, STOPPED])
    assert len(kept) == 1
    assert 2 * SPAN_S <= kept[0].manifest.duration_ms / 1000 < 2 * SPAN_S + 2


def test_on_demand_may_announce_at_the_answer(tmp_path: Path) -> None:
    """``on_demand_announce = "answer"``: both hear it before anybody dialled, and not again at the code."""
    table = TableOptions(on_demand_announce=OnDemandAnnounce.ANSWER)
    own, far, kept = _told(tmp_path, RecordingMode.ON_DEMAND, "*44", table=table)
    assert (own, far, len(kept)) == ([STARTED], [STARTED], 1)


def test_on_demand_announced_at_the_answer_is_still_destroyed_without_a_code(tmp_path: Path) -> None:
    """What is heard never decides what is kept."""
    table = TableOptions(on_demand_announce=OnDemandAnnounce.ANSWER)
    own, far, kept = _told(tmp_path, RecordingMode.ON_DEMAND, table=table)
    assert (own, far, kept) == ([STARTED], [STARTED], [])


def test_a_repeated_code_may_be_silent(tmp_path: Path) -> None:
    """``repeated_code = "silent"``: the second pause is accepted without a word."""
    table = TableOptions(repeated_code=RepeatedCode.SILENT)
    own, far, kept = _told(tmp_path, RecordingMode.ALWAYS_PAUSE_RESUME, "*48", "*48", table=table)
    assert (own, far, len(kept)) == ([STARTED, PAUSED], [STARTED], 1)


def test_the_far_party_may_be_spared_the_announcement_after_a_pause(tmp_path: Path) -> None:
    """``announce_on_resume = false``: the user hears the resume notice, the far party nothing more."""
    table = TableOptions(announce_on_resume=False)
    own, far, _ = _told(tmp_path, RecordingMode.ALWAYS_PAUSE_RESUME, "*48", "*49", table=table)
    assert (own, far) == ([STARTED, PAUSED, "recording-resumed/en"], [STARTED])


def test_a_refusal_may_be_silent(tmp_path: Path) -> None:
    """``refusal = "silent"``: the code changes nothing and nobody hears anything."""
    own, far, kept = _told(tmp_path, RecordingMode.NEVER, "*44", refusal="silent")
    assert (own, far, kept) == ([], [], [])


def test_the_refusal_tone_is_the_one_that_was_set(tmp_path: Path) -> None:
    """``refusal_tone``: frequency, number, lengths and level, measured at the user's ear."""
    wanted = ToneAudio(hz=620, on_ms=250, off_ms=150, bursts=2, level_dbm0=-12)

    async def scenario() -> PhoneCall:
        async with Carrier(
            data_dir=tmp_path, subscribers=(user("1001"), user("1002")), config=config(refusal_tone=wanted)
        ) as carrier:
            call, taken = await carrier.connect()
            await call.press("*44")
            await call.talk(SPAN_S)
            await carrier.over(call, taken)
            return call

    bursts = listen(run_virtual(scenario()).heard.audio(), prompts=False).tones
    assert [round(burst.hz) for burst in bursts] == [620, 620]
    assert [burst.length_ms for burst in bursts] == pytest.approx([250, 250], abs=2)
    assert bursts[1].start_ms - bursts[0].start_ms == pytest.approx(400, abs=2)
    assert [burst.level_dbm0 for burst in bursts] == pytest.approx([-12, -12], abs=0.5)


@pytest.mark.parametrize(("refusal", "expected"), [("tone", [REFUSED]), ("silent", [])])
def test_a_dialled_code_is_refused_as_set(tmp_path: Path, refusal: str, expected: list[str]) -> None:
    """A call to ``*44`` by a user without another call is answered, refused by ear or in silence, and ended by us."""

    async def scenario() -> list[str]:
        async with Carrier(data_dir=tmp_path, subscribers=(user("1001"),), config=config(refusal=refusal)) as carrier:
            phone = await carrier.phone("1001", silent)
            call = await phone.dial("*44")
            await call.answered()
            await call.ended()
            await carrier.settled()
            return words(heard(call))

    assert run_virtual(scenario()) == expected


@pytest.mark.parametrize("duck_db", [0.0, 6.0, 30.0])
def test_speech_goes_down_under_an_announcement_by_what_was_set(tmp_path: Path, duck_db: float) -> None:
    """``duck_db``: the other party's tone, measured before and under the refusal tone."""
    hz = 1020.0

    async def scenario() -> tuple[np.ndarray, int]:
        async with Carrier(
            data_dir=tmp_path,
            subscribers=(user("1001"), user("1002")),
            engine=EngineConfig(legs=16, duck_db=duck_db),
            config=config(refusal_tone=ToneAudio(hz=400, on_ms=2000, level_dbm0=-30)),
        ) as carrier:
            call, taken = await carrier.connect(callee_says=tone(hz))
            await call.talk(2)
            await call.press("*44")
            dialled = carrier.now()
            await call.talk(2)
            await carrier.over(call, taken)
            return call.heard.audio(), round((dialled - call.heard.began_at) * 8000)

    pcm, dialled = run_virtual(scenario())
    before, under = pcm[8000:12000], pcm[dialled + 4000 : dialled + 8000]
    assert level_of(before, hz) - level_of(under, hz) == pytest.approx(duck_db, abs=0.3)
