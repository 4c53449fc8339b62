"""What is announced in a call: to whom, from when, how loud, and what of it the recording holds."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from callbench.phone import PhoneCall, tone
from callbench.virtual_time import run_virtual
from callmodel.manifest import MarkKind
from callmodel.modes import NotificationType, RecordingMode
from mediaserver.media.messages import Codec
from tests.support.virtual import Carrier, Finished, user
from tests.support.virtual_ears import REFUSED, heard, level_of, listen, told, tone_spans, words

PAUSABLE = RecordingMode.ALWAYS_PAUSE_RESUME
STARTS = RecordingMode.ON_DEMAND_USER_START
STARTED, STOPPED = "recording-started/en", "recording-stopped/en"
HIGH_HZ = 3100.0
"""Where the announcements have next to nothing."""
Story = Callable[[Carrier, PhoneCall, PhoneCall], Awaitable[None]]


def place(
    tmp_path: Path, mode: RecordingMode, story: Story, *, settings: dict[str, Any] | None = None, **more: Any
) -> tuple[PhoneCall, PhoneCall, list[Finished]]:
    """1001, announced and recorded in ``mode``, calls 1002; the story is told; 1001 hangs up."""

    async def scenario() -> tuple[PhoneCall, PhoneCall, list[Finished]]:
        subscribers = (
            user("1001", mode, **({"announce_internal": True} if settings is None else settings)),
            user("1002"),
        )
        async with Carrier(data_dir=tmp_path, subscribers=subscribers) as carrier:
            mine, other = await carrier.connect(**more)
            await story(carrier, mine, other)
            await carrier.over(mine, other)
            return mine, other, carrier.recordings()

    return run_virtual(scenario())


def dialled(*codes: str, pause_s: float = 4.5) -> Story:
    async def story(carrier: Carrier, mine: PhoneCall, other: PhoneCall) -> None:
        await mine.talk(pause_s)
        for code in codes:
            await mine.press(code)
            await mine.talk(pause_s)

    return story


def test_both_parties_hear_the_start_at_once_and_together(tmp_path: Path) -> None:
    mine, other, _ = place(tmp_path, RecordingMode.ALWAYS, dialled())

    (first,) = heard(mine)
    (second,) = heard(other)
    assert first[0] == second[0] == STARTED
    assert 0 <= first[1] < 0.05
    assert first[1] + mine.answered_at == pytest.approx(second[1] + other.answered_at, abs=0.001)


def test_the_start_is_in_both_channels_of_the_recording_where_it_was_heard(tmp_path: Path) -> None:
    mine, _, (recording,) = place(tmp_path, RecordingMode.ALWAYS, dialled())

    channels = [told(recording.audio[:, channel]) for channel in (0, 1)]
    assert [words(channel) for channel in channels] == [[STARTED], [STARTED]]
    (mark,) = [mark for mark in recording.manifest.marks if mark.kind is MarkKind.ANNOUNCEMENT]
    assert channels[0][0][1] == pytest.approx(mark.file_ms / 1000, abs=0.001)
    assert mark.call_ms / 1000 == pytest.approx(heard(mine)[0][1], abs=0.002)
    assert mark.detail == {"prompt": "recording-started", "language": "en", "recorded": "yes"}


def test_the_end_of_a_recording_is_heard_by_both_and_not_recorded(tmp_path: Path) -> None:
    mine, other, (recording,) = place(tmp_path, STARTS, dialled("*44", "*45"))

    assert words(heard(mine)) == words(heard(other)) == [STARTED, STOPPED]
    assert words(told(recording.audio[:, 0])) == [STARTED]


def test_pause_and_resume_are_told_to_the_user_alone_and_not_recorded(tmp_path: Path) -> None:
    settings = {"notification": NotificationType.ANNOUNCEMENT}
    mine, other, (recording,) = place(tmp_path, PAUSABLE, dialled("*48", "*49"), settings=settings)

    assert words(heard(mine)) == ["recording-paused/en", "recording-resumed/en"]
    assert words(heard(other)) == []
    assert not recording.audio.any()


def test_after_a_resume_the_start_is_announced_to_the_far_party_and_recorded(tmp_path: Path) -> None:
    mine, other, (recording,) = place(tmp_path, PAUSABLE, dialled("*48", "*49"))

    assert words(heard(mine)) == [STARTED]
    assert words(heard(other)) == [STARTED, STARTED]
    assert words(told(recording.audio[:, 1])) == [STARTED, STARTED]


def test_speech_goes_on_under_an_announcement_12_db_down(tmp_path: Path) -> None:
    """The other party's tone is heard 12 dB softer while the announcement sounds, and as loud as ever after it."""
    mine, _, (recording,) = place(tmp_path, RecordingMode.ALWAYS, dialled(), callee_says=tone(HIGH_HZ, -15))

    pcm = mine.heard.audio()
    assert level_of(pcm[2400:12000], HIGH_HZ) == pytest.approx(-27, abs=0.4)
    assert level_of(pcm[16000:32000], HIGH_HZ) == pytest.approx(-15, abs=0.1)
    assert level_of(recording.audio[2400:12000, 1], HIGH_HZ) == pytest.approx(-15, abs=0.4)


def test_speech_is_never_cut_off_by_an_announcement(tmp_path: Path) -> None:
    mine, _, _ = place(tmp_path, RecordingMode.ALWAYS, dialled(), callee_says=tone(HIGH_HZ, -15))

    spans = tone_spans(mine.heard.audio(), HIGH_HZ, above_dbm0=-32)
    assert spans[0][0] <= 0.05
    assert spans[-1][1] > 4.4
    # from passed on to mixed once: the depth of the jitter buffer
    assert [later[0] - earlier[1] <= 0.041 for earlier, later in pairwise(spans)] == [True] * (len(spans) - 1)
    assert len(spans) <= 2


def test_the_beep_is_half_a_second_of_1400_hz_at_minus_18(tmp_path: Path) -> None:
    settings = {"notification": NotificationType.BEEP}
    mine, other, _ = place(tmp_path, PAUSABLE, dialled("*48"), settings=settings)

    (beep,) = listen(mine.heard.audio(), prompts=False).tones
    assert beep.hz == pytest.approx(1400, abs=1)
    assert beep.level_dbm0 == pytest.approx(-18, abs=0.5)
    assert beep.length_ms == pytest.approx(500, abs=1)
    assert not other.heard.packets


def test_the_refusal_is_three_bursts_of_400_hz_for_the_user_alone(tmp_path: Path) -> None:
    mine, other, (recording,) = place(tmp_path, RecordingMode.ALWAYS, dialled("*48"), settings={})

    bursts = listen(mine.heard.audio(), prompts=False).tones
    assert [burst.hz for burst in bursts] == [pytest.approx(400, abs=1)] * 3
    assert [burst.length_ms for burst in bursts] == [pytest.approx(100, abs=1)] * 3
    assert [b.start_ms - a.start_ms for a, b in pairwise(bursts)] == [pytest.approx(200, abs=1)] * 2
    assert not other.heard.packets
    assert not recording.audio.any()


def test_hanging_up_during_an_announcement_ends_the_call_at_once(tmp_path: Path) -> None:
    async def story(carrier: Carrier, mine: PhoneCall, other: PhoneCall) -> None:
        await mine.talk(0.5)

    mine, other, (recording,) = place(tmp_path, RecordingMode.ALWAYS, story)

    assert other.ended_at - mine.answered_at == pytest.approx(0.5, abs=0.01)
    assert recording.manifest.duration_ms == pytest.approx(500, abs=20)
    assert words(told(recording.audio[:, 0])) == []


def test_what_a_hang_up_cut_off_is_marked_as_far_as_it_went(tmp_path: Path) -> None:
    """It is in the recording, so the manifest says what it is."""
    _, _, (recording,) = place(tmp_path, RecordingMode.ALWAYS, dialled(pause_s=0.7))

    (mark,) = recording.manifest.marks
    assert (mark.kind, mark.detail["prompt"], mark.detail["recorded"]) == (
        MarkKind.ANNOUNCEMENT,
        "recording-started",
        "yes",
    )
    assert mark.file_ms + mark.length_ms == pytest.approx(recording.manifest.duration_ms, abs=0.2)


def test_announcements_wait_for_one_another(tmp_path: Path) -> None:
    """``*44`` and ``*45`` in quick succession: started to its end, then stopped."""
    mine, _, _ = place(tmp_path, STARTS, dialled("*44*45"))

    first, second = heard(mine)
    assert (first[0], second[0]) == (STARTED, STOPPED)
    assert second[1] - first[1] == pytest.approx(1.725, abs=0.03)


def test_a_held_party_hears_announcements(tmp_path: Path) -> None:
    async def story(carrier: Carrier, mine: PhoneCall, other: PhoneCall) -> None:
        await mine.talk(1)
        await mine.hold()
        await mine.press("*44", via="info")
        await mine.talk(3)

    _, other, _ = place(tmp_path, STARTS, story)

    assert words(heard(other)) == [STARTED]


@pytest.mark.parametrize("codec", list(Codec))
def test_announcements_are_whole_in_every_codec(codec: Codec, tmp_path: Path) -> None:
    more = {"codecs": (codec,)}
    mine, _, _ = place(tmp_path, RecordingMode.ALWAYS, dialled(), caller_more=more)

    rate_hz = codec.sample_rate_hz
    assert words(told(mine.heard.audio(rate_hz), rate_hz)) == [STARTED]


# --- two recorded users --------------------------------------------------------------------------------------


def test_two_recorded_users_make_two_recordings_each_steered_by_its_own_user(tmp_path: Path) -> None:
    """Own modes, own halves of the call, one tracking id; a pause of one leaves the other's recording alone."""

    async def scenario() -> tuple[PhoneCall, PhoneCall, list[Finished]]:
        subscribers = (
            user("1001", PAUSABLE, notification=NotificationType.BEEP),
            user("1002", RecordingMode.ON_DEMAND, notification=NotificationType.BEEP),
        )
        async with Carrier(data_dir=tmp_path, subscribers=subscribers) as carrier:
            mine, other = await carrier.connect(caller_says=tone(437), callee_says=tone(613))
            await mine.talk(2)
            await mine.press("*48", via="info")
            await mine.talk(2)
            await other.press("*44", via="info")
            await other.press("*45", via="info")
            await mine.talk(2)
            await carrier.over(mine, other)
            return mine, other, carrier.recordings()

    mine, other, recordings = run_virtual(scenario())

    by_user = {recording.manifest.user: recording for recording in recordings}
    first, second = by_user["1001"], by_user["1002"]
    assert first.manifest.duration_ms == pytest.approx(2200, abs=30)
    assert second.manifest.duration_ms == pytest.approx(6900, abs=30)
    assert first.manifest.external_tracking_id == second.manifest.external_tracking_id
    assert first.manifest.external_call_id != second.manifest.external_call_id
    assert (first.manifest.mode, second.manifest.mode) == (PAUSABLE, RecordingMode.ON_DEMAND)
    assert (first.manifest.call_type, second.manifest.call_type) == ("outbound", "inbound")
    middle = slice(4000, 12000)
    assert [level_of(first.audio[middle, n], hz) for n, hz in ((0, 437), (1, 613))] == [pytest.approx(-10, abs=0.3)] * 2
    assert [level_of(second.audio[middle, n], hz) for n, hz in ((0, 613), (1, 437))] == [
        pytest.approx(-10, abs=0.3)
    ] * 2
    assert level_of(mine.heard.audio()[18400:21600], 1400) > -20
    assert level_of(other.heard.audio()[18400:21600], 1400) < -50


def test_each_user_hears_their_own_refusals(tmp_path: Path) -> None:
    async def scenario() -> tuple[PhoneCall, PhoneCall]:
        subscribers = (user("1001", RecordingMode.ALWAYS), user("1002", RecordingMode.ON_DEMAND))
        async with Carrier(data_dir=tmp_path, subscribers=subscribers) as carrier:
            mine, other = await carrier.connect()
            await mine.talk(1)
            await other.press("*45")
            await mine.talk(2)
            await carrier.over(mine, other)
            return mine, other

    mine, other = run_virtual(scenario())

    assert words(heard(mine)) == []
    assert words(heard(other)) == [REFUSED]


def test_confirmations_of_codes_follow_one_another_whole(tmp_path: Path) -> None:
    """Three codes within a second and a half: three beeps of half a second, none over another."""
    settings = {"notification": NotificationType.BEEP}
    mine, _, _ = place(tmp_path, PAUSABLE, dialled("*48*49*48"), settings=settings)

    assert sum(ended - began for began, ended in tone_spans(mine.heard.audio(), 1400)) == pytest.approx(1.5, abs=0.06)
    assert len(mine.heard.packets) == 75
