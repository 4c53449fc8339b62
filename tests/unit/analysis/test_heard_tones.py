"""Tones and key presses are found again: frequency, level, beginning and end within their tolerances."""

from __future__ import annotations

import numpy as np
import pytest

from callbench.analysis import NO_TEMPLATES, ChannelReport, analyze
from prompts import REFUSAL, REMINDERS, PromptId, load_prompts
from tests.support.synthetic_audio import Sound, channel_of, key, noisy, placed, silence, sine

LIBRARY = load_prompts()
KINDS = ("clean", "u-law", "noise")


def heard(sound: Sound, rate_hz: int) -> ChannelReport:
    return analyze(sound, rate_hz, templates=NO_TEMPLATES).channels[0]


def talk(rate_hz: int, count: int, level_dbm0: float) -> Sound:
    """The test passage, from its beginning, at an active level."""
    passage = LIBRARY.audio("test-speech", "en", rate_hz).astype(np.float64)
    return np.resize(passage, count) * 10 ** ((level_dbm0 + 20) / 20)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("rate_hz", [8000, 16000, 48000])
@pytest.mark.parametrize(("hz", "ms", "edge_ms"), [(1400, 500, 10), (1400, 80, 10), (400, 100, 10), (1004, 700, 0)])
def test_a_burst_is_measured(kind: str, rate_hz: int, hz: float, ms: int, edge_ms: float) -> None:
    at = rate_hz // 2 + 37
    clean = placed(sine(hz, -18, ms / 1000, rate_hz, edge_ms), at, at + rate_hz)
    (tone,) = heard(channel_of(kind, clean, -18), rate_hz).tones
    start_ms = at * 1000 / rate_hz
    assert tone.hz == pytest.approx(hz, abs=0.5)
    assert tone.level_dbm0 == pytest.approx(-18, abs=0.3)
    assert tone.start_ms == pytest.approx(start_ms, abs=1.5)
    assert tone.end_ms == pytest.approx(start_ms + ms, abs=1.5)


@pytest.mark.parametrize("rate_hz", [8000, 16000])
@pytest.mark.parametrize(("hz", "ms"), [(1400, 500), (1400, 80), (400, 100)])
def test_a_tone_over_ducked_speech_is_measured(rate_hz: int, hz: float, ms: int) -> None:
    at = rate_hz * 5
    sound = placed(sine(hz, -18, ms / 1000, rate_hz, 10), at, rate_hz * 8) + talk(rate_hz, rate_hz * 8, -32)
    (tone,) = heard(sound, rate_hz).tones
    assert tone.hz == pytest.approx(hz, abs=0.5)
    assert tone.level_dbm0 == pytest.approx(-18, abs=0.3)
    assert (tone.start_ms, tone.end_ms) == pytest.approx((5000, 5000 + ms), abs=2)


@pytest.mark.parametrize(
    ("hz", "prompt", "language"),
    [
        (437, PromptId.RECORDING_PAUSED, "en"),
        (491, PromptId.RECORDING_STARTED, "en"),
        (547, PromptId.RECORDING_STARTED, "fr"),
        (613, PromptId.RECORDING_STARTED, "en"),
    ],
)
def test_an_announcement_over_a_tone_makes_no_second_tone_of_it(hz: float, prompt: PromptId, language: str) -> None:
    """The voice's harmonics pull single frames off the tone's frequency."""
    sound = sine(hz, -11.4, 5.0, 8000) + placed(LIBRARY.audio(prompt, language, 8000).astype(np.float64), 40, 40000)
    (tone,) = heard(sound, 8000).tones
    assert tone.hz == pytest.approx(hz, abs=0.5)
    assert (tone.start_ms, tone.end_ms) == pytest.approx((0, 5000), abs=3)


def test_the_bursts_of_a_refusal_are_heard_one_by_one() -> None:
    burst, gap = sine(400, -18, 0.1, 8000, 10), silence(0.1, 8000)
    tones = heard(np.concatenate([gap, burst, gap, burst, gap, burst, gap]), 8000).tones
    assert [tone.start_ms for tone in tones] == pytest.approx([100, 300, 500], abs=1)
    assert [tone.length_ms for tone in tones] == pytest.approx([100, 100, 100], abs=1.5)
    assert len(tones) == REFUSAL.bursts


def test_a_reminder_is_heard_at_its_interval() -> None:
    tone = REMINDERS["uk"].tone
    sound = noisy(np.zeros(8000 * 32), -60)
    for second in (10, 20, 30):
        sound[second * 8000 : second * 8000 + 4000] += sine(tone.hz, tone.level_dbm0, tone.on_ms / 1000, 8000, 10)
    assert [t.start_ms for t in heard(sound, 8000).tones] == pytest.approx([10_000, 20_000, 30_000], abs=1)


def test_a_tone_that_fills_the_file_begins_and_ends_with_it() -> None:
    (tone,) = heard(sine(437, -10, 2, 8000), 8000).tones
    assert (tone.start_ms, tone.end_ms) == pytest.approx((0, 2000), abs=1)


def test_the_milliwatt_is_heard_at_0_dbm0() -> None:
    (tone,) = heard(sine(1004, 0, 1, 8000), 8000).tones
    assert (tone.hz, tone.level_dbm0) == pytest.approx((1004, 0), abs=0.02)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("rate_hz", [8000, 16000])
def test_every_key_is_heard_where_it_was_pressed(kind: str, rate_hz: int) -> None:
    dialled = "*44123456789ABCD#0"
    parts = [part for digit in dialled for part in (key(digit, 0.05, rate_hz), silence(0.05, rate_hz))]
    clean = np.concatenate([silence(0.5, rate_hz), *parts])
    report = heard(channel_of(kind, clean, -9), rate_hz)
    assert report.dialled == dialled
    assert report.tones == ()
    for number, digit in enumerate(report.digits):
        assert digit.start_ms == pytest.approx(500 + 100 * number, abs=1.5)
        assert digit.end_ms == pytest.approx(550 + 100 * number, abs=1.5)
        assert (digit.low_dbm0, digit.high_dbm0) == pytest.approx((-9, -9), abs=0.5)


def test_two_tones_that_are_no_key_are_two_tones() -> None:
    report = heard(np.concatenate([sine(620, -13, 0.5, 8000) + sine(1500, -13, 0.5, 8000), silence(0.2, 8000)]), 8000)
    assert report.digits == ()


def test_tones_of_a_key_at_different_times_are_no_key() -> None:
    apart = np.concatenate([sine(770, -9, 0.1, 8000), silence(0.1, 8000), sine(1209, -9, 0.1, 8000)])
    report = heard(np.concatenate([apart, silence(0.1, 8000)]), 8000)
    assert (report.dialled, [round(tone.hz) for tone in report.tones]) == ("", [770, 1209])


def test_a_weak_second_tone_is_no_key() -> None:
    sound = np.concatenate([sine(770, -9, 0.2, 8000) + sine(1209, -21, 0.2, 8000), silence(0.2, 8000)])
    assert heard(sound, 8000).dialled == ""


@pytest.mark.parametrize("rate_hz", [8000, 16000])
@pytest.mark.parametrize("language", ["en", "fr"])
def test_no_announcement_sounds_like_a_tone_or_a_key(language: str, rate_hz: int) -> None:
    gap = np.zeros(rate_hz // 10)
    spoken = [LIBRARY.audio(prompt, language, rate_hz) for prompt in PromptId]
    report = heard(np.concatenate([part for one in spoken for part in (one, gap)]), rate_hz)
    assert (report.tones, report.digits, report.breaks) == ((), (), ())


def test_noise_alone_has_no_tone() -> None:
    assert heard(noisy(np.zeros(8000 * 5), -30), 8000).tones == ()


def test_a_tone_whose_level_wanders_is_not_steady() -> None:
    wandering = sine(1000, -18, 1, 8000) * (1 + 0.9 * np.sin(2 * np.pi * 12 * np.arange(8000) / 8000))
    assert all(tone.length_ms < 200 for tone in heard(wandering, 8000).tones)
