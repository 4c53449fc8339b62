"""Hold, resume, codec changes and refreshes in mid-call: what is heard, and that recordings go on as they were."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from callbench.phone import PhoneCall, tone
from callbench.virtual_time import run_virtual
from callmodel.manifest import MarkKind
from callmodel.modes import NotificationType, RecordingMode
from mediaserver.media.config import EngineConfig
from mediaserver.media.messages import Codec
from mediaserver.sdp import Direction
from tests.support.virtual import Carrier, Finished, SipLog, user
from tests.support.virtual_ears import heard, level_of, tone_spans, words

PAUSABLE = RecordingMode.ALWAYS_PAUSE_RESUME
Story = Callable[[Carrier, PhoneCall, PhoneCall], Awaitable[None]]


def place(
    tmp_path: Path,
    story: Story,
    *,
    settings: dict[str, Any] | None = None,
    plan: dict[str, Any] | None = None,
    **more: Any,
) -> tuple[PhoneCall, PhoneCall, Finished]:
    """1001, always recorded, calls 1002; the story is told; 1001 hangs up. ``more`` goes to ``connect``."""

    async def scenario() -> tuple[PhoneCall, PhoneCall, Finished]:
        subscribers = (user("1001", PAUSABLE, **(settings or {})), user("1002"))
        engine = EngineConfig(legs=64, media_timeout_s=3600)
        async with Carrier(data_dir=tmp_path, subscribers=subscribers, plan=plan or {}, engine=engine) as carrier:
            mine, other = await carrier.connect(**more)
            await story(carrier, mine, other)
            await carrier.over(mine, other)
            (recording,) = carrier.recordings()
            return mine, other, recording

    return run_virtual(scenario())


HOLDS: tuple[dict[str, Any], ...] = (
    {},
    {"direction": Direction.INACTIVE},
    {"zero_address": True},
)


@pytest.mark.parametrize("way", HOLDS, ids=["sendonly", "inactive", "0.0.0.0"])
def test_the_recording_goes_on_through_a_hold_and_says_so(way: dict[str, Any], tmp_path: Path) -> None:
    async def story(carrier: Carrier, mine: PhoneCall, other: PhoneCall) -> None:
        await mine.talk(2)
        await mine.hold(**way)
        await mine.talk(3)
        await mine.resume()
        await mine.talk(2)

    mine, _, recording = place(tmp_path, story, caller_says=tone(437), callee_says=tone(613))

    assert recording.manifest.duration_ms == pytest.approx(7000, abs=40)
    holds = [mark for mark in recording.manifest.marks if mark.kind is MarkKind.HOLD]
    assert [(mark.detail["leg"], mark.detail["state"]) for mark in holds] == [("a", "on"), ("a", "off")]
    assert [mark.call_ms for mark in holds] == [pytest.approx(2000, abs=25), pytest.approx(5000, abs=25)]
    assert level_of(recording.audio[20000:36000, 1], 613) == pytest.approx(-10, abs=0.3)
    spans = tone_spans(mine.heard.audio(), 613)
    assert len(spans) == 2
    assert spans[0][1] == pytest.approx(2.0, abs=0.06)
    assert spans[1][1] - spans[1][0] == pytest.approx(2.0, abs=0.06)


def test_a_holding_phone_may_play_music_that_is_heard_and_recorded(tmp_path: Path) -> None:
    async def story(carrier: Carrier, mine: PhoneCall, other: PhoneCall) -> None:
        await mine.talk(1)
        await mine.hold()
        mine.media.microphone = tone(880)
        await mine.talk(2)

    _, other, recording = place(tmp_path, story)

    for pcm in (other.heard.audio()[2000:12000], recording.audio[10000:22000, 0]):
        assert level_of(pcm, 880) == pytest.approx(-10, abs=0.3)


def test_the_held_party_may_be_the_recorded_one(tmp_path: Path) -> None:
    async def story(carrier: Carrier, mine: PhoneCall, other: PhoneCall) -> None:
        await mine.talk(1)
        await other.hold()
        await mine.talk(2)
        await other.resume()
        await mine.talk(1)

    _, _, recording = place(tmp_path, story)

    holds = [mark.detail for mark in recording.manifest.marks if mark.kind is MarkKind.HOLD]
    assert holds == [{"leg": "b", "state": "on"}, {"leg": "b", "state": "off"}]


def test_a_pause_survives_hold_resume_codec_change_and_refresh(tmp_path: Path) -> None:
    log = SipLog()

    async def story(carrier: Carrier, mine: PhoneCall, other: PhoneCall) -> None:
        carrier.network.fate = log
        await mine.talk(1)
        await mine.press("*48", via="info")
        await mine.hold()
        await mine.talk(1)
        await mine.resume()
        await mine.change_codec(Codec.PCMA)
        await other.change_codec(Codec.G722)
        await mine.talk(60)

    mine, _, recording = place(tmp_path, story, plan={"session_expires_s": 90})

    assert recording.manifest.duration_ms == pytest.approx(1200, abs=40)
    refreshes = [text for text in log.requests("UPDATE") + log.requests("INVITE") if "Session-Expires" in text]
    assert len(refreshes) >= 2
    assert mine.end_cause == "bye"


def test_a_code_during_a_hold_counts_and_is_confirmed_once_the_user_listens(tmp_path: Path) -> None:
    async def story(carrier: Carrier, mine: PhoneCall, other: PhoneCall) -> None:
        await mine.talk(1)
        await mine.hold()
        await mine.press("*48")
        await mine.talk(1)
        await mine.resume()
        await mine.talk(1)

    mine, _, recording = place(tmp_path, story, settings={"notification": NotificationType.BEEP})

    assert recording.manifest.duration_ms == pytest.approx(1450, abs=60)
    assert set(words(heard(mine))) <= {"beep"}


def test_codec_changes_in_mid_call_keep_the_length_and_the_sound(tmp_path: Path) -> None:
    """PCMU, then G.722, then PCMA on one leg; the other stays with PCMU."""

    async def story(carrier: Carrier, mine: PhoneCall, other: PhoneCall) -> None:
        await mine.talk(2)
        await mine.change_codec(Codec.G722)
        await mine.talk(2)
        await mine.change_codec(Codec.PCMA)
        await mine.talk(2)

    mine, other, recording = place(tmp_path, story, caller_says=tone(437), callee_says=tone(613))

    assert recording.manifest.duration_ms == pytest.approx(6000, abs=40)
    changes = [mark for mark in recording.manifest.marks if mark.kind is MarkKind.CODEC]
    assert {round(mark.call_ms / 1000) for mark in changes} == {2, 4}
    for first in (4000, 20000, 36000):
        part = slice(first, first + 8000)
        assert level_of(recording.audio[part, 0], 437) == pytest.approx(-10, abs=0.3)
        assert level_of(recording.audio[part, 1], 613) == pytest.approx(-10, abs=0.3)
        assert level_of(other.heard.audio()[part], 437) == pytest.approx(-10, abs=0.3)
        assert level_of(mine.heard.audio()[part], 613) == pytest.approx(-10, abs=0.3)


def test_a_codec_change_is_marked_once_with_what_it_was_and_is(tmp_path: Path) -> None:
    async def story(carrier: Carrier, mine: PhoneCall, other: PhoneCall) -> None:
        await mine.talk(1)
        await mine.change_codec(Codec.PCMA)
        await mine.talk(1)

    _, _, recording = place(tmp_path, story)

    (mark,) = [mark for mark in recording.manifest.marks if mark.kind is MarkKind.CODEC]
    assert mark.call_ms == pytest.approx(1000, abs=25)
    assert (mark.channel, mark.detail) == (1, {"before": "PCMU", "after": "PCMA"})
