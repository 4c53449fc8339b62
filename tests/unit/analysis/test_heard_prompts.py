"""Announcements are recognised: which, when, how much of them; under coding, noise and other speech."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr

from callbench.analysis import PromptHeard, Templates, analyze, make_templates
from prompts import PromptId, load_prompts
from tests.support.synthetic_audio import Sound, channel_of, noisy, sine

LIBRARY = load_prompts()


def said(prompt: str, language: str, rate_hz: int) -> Sound:
    return LIBRARY.audio(prompt, language, rate_hz).astype(np.float64)


def heard(sound: Sound, rate_hz: int, templates: Templates | None = None) -> tuple[PromptHeard, ...]:
    return analyze(sound, rate_hz, templates=templates).channels[0].prompts


def names(found: tuple[PromptHeard, ...]) -> list[str]:
    return [f"{one.prompt} {one.language}" for one in found]


SEQUENCE = (
    ("recording-started", "en"),
    ("recording-paused", "fr"),
    ("digit-5", "en"),
    ("recording-resumed", "en"),
    ("digit-d", "fr"),
    ("recording-started", "en"),
    ("recording-stopped", "fr"),
)


@pytest.mark.parametrize("kind", ["clean", "u-law", "noise"])
@pytest.mark.parametrize("rate_hz", [8000, 16000])
def test_a_sequence_is_told_in_order_each_within_a_millisecond(kind: str, rate_hz: int) -> None:
    sound, starts = np.zeros(rate_hz // 2 + 17), []
    for prompt, language in SEQUENCE:
        starts.append(len(sound) * 1000 / rate_hz)
        sound = np.concatenate([sound, said(prompt, language, rate_hz), np.zeros(rate_hz // 4)])
    found = heard(channel_of(kind, sound, -20), rate_hz)
    assert names(found) == [f"{prompt} {language}" for prompt, language in SEQUENCE]
    assert [one.start_ms for one in found] == pytest.approx(starts, abs=1)
    assert min(one.score for one in found) > 0.85


def test_at_48_khz_announcements_are_recognised_too() -> None:
    wide = soxr.resample(said("recording-started", "fr", 16000), 16000, 48000)
    (found,) = heard(np.concatenate([np.zeros(48000), wide]), 48000)
    assert (found.prompt, found.language) == ("recording-started", "fr")
    assert found.start_ms == pytest.approx(1000, abs=1)


@pytest.mark.parametrize("language", ["en", "fr"])
def test_every_announcement_is_told_from_every_other(language: str) -> None:
    sound, starts = np.zeros(800), []
    for prompt in PromptId:
        starts.append(len(sound) / 8)
        sound = np.concatenate([sound, said(prompt, language, 8000), np.zeros(1600)])
    found = heard(sound, 8000)
    assert names(found) == [f"{prompt} {language}" for prompt in PromptId]
    assert [one.start_ms for one in found] == pytest.approx(starts, abs=1)
    assert all(one.complete for one in found)


@pytest.mark.parametrize("other_dbm0", [-32, -26])
def test_an_announcement_over_the_talking_party_is_recognised(other_dbm0: float) -> None:
    passage = said("test-speech", "en", 8000) * 10 ** ((other_dbm0 + 20) / 20)
    announcement = said("recording-paused", "en", 8000)
    passage[40000 : 40000 + len(announcement)] += announcement
    found = {one.prompt: one for one in heard(passage, 8000)}
    assert set(found) == {"test-speech", "recording-paused"}
    assert found["recording-paused"].start_ms == pytest.approx(5000, abs=1)
    assert found["recording-paused"].heard > 0.9


def test_an_announcement_cut_off_tells_how_much_was_heard() -> None:
    whole = said("recording-resumed", "fr", 8000)
    (found,) = heard(np.concatenate([np.zeros(8000), whole[: len(whole) // 2], np.zeros(16000)]), 8000)
    assert (found.prompt, found.language, found.complete) == ("recording-resumed", "fr", False)
    assert found.heard == pytest.approx(0.5, abs=0.08)
    assert found.start_ms == pytest.approx(1000, abs=1)


def test_an_announcement_cut_off_by_the_end_of_the_file_is_recognised() -> None:
    whole = said("test-speech", "en", 8000)
    (found,) = heard(whole[:32000], 8000)
    assert (found.prompt, found.complete) == ("test-speech", False)
    assert found.start_ms == pytest.approx(0, abs=1)


def test_an_announcement_whose_beginning_is_missing_is_placed_before_the_file() -> None:
    (found,) = heard(said("recording-failed-end", "en", 8000)[8000:], 8000)
    assert found.prompt == "recording-failed-end"
    assert found.start_ms == pytest.approx(-1000, abs=1)


@pytest.mark.parametrize("moved_ms", [-40, -10, 10, 20, 60])
def test_an_announcement_that_a_jitter_buffer_moved_within_is_one_and_whole(moved_ms: int) -> None:
    """Frames were put in (silence) or left out in its middle, as a phone does that adapts its delay."""
    whole = said("recording-resumed", "fr", 8000)
    half, step = len(whole) // 2, 8 * moved_ms
    parts = [whole[:half], np.zeros(max(0, step)), whole[half + max(0, -step) :]]
    (found,) = heard(np.concatenate([np.zeros(8000), *parts, np.zeros(8000)]), 8000)
    assert (found.prompt, found.language, found.complete) == ("recording-resumed", "fr", True)
    assert found.moved_ms == pytest.approx(moved_ms, abs=1)
    assert found.start_ms == pytest.approx(1000, abs=1)
    assert found.end_ms == pytest.approx(1000 + len(whole) / 8 + moved_ms, abs=1)


def test_an_announcement_moved_twice_is_one() -> None:
    whole = said("test-speech", "en", 8000)
    third = len(whole) // 3
    gap = np.zeros(160)
    (found,) = heard(np.concatenate([whole[:third], gap, whole[third : 2 * third], gap, whole[2 * third :]]), 8000)
    assert found.complete
    assert found.moved_ms == pytest.approx(40, abs=1)


def test_an_announcement_and_its_echo_are_two() -> None:
    whole = said("recording-started", "en", 8000)
    sound = np.zeros(len(whole) + 16000)
    sound[8000 : 8000 + len(whole)] += whole
    sound[8000 + 2400 : 8000 + 2400 + len(whole)] += whole * 0.7
    found = heard(sound, 8000)
    assert names(found) == ["recording-started en"] * 2
    assert [one.moved_ms for one in found] == [0, 0]


def test_noise_and_tones_are_no_announcements() -> None:
    assert heard(noisy(sine(1400, -18, 3, 8000), -40), 8000) == ()


def test_speech_that_is_no_announcement_is_none() -> None:
    backwards = said("test-speech", "fr", 8000)[::-1]
    assert heard(backwards[:80000], 8000) == ()


def test_an_installations_own_announcement_is_recognised(tmp_path: Path) -> None:
    (tmp_path / "en").mkdir()
    own = said("invalid-number", "fr", 16000)[::-1] / 32768
    soundfile.write(tmp_path / "en" / "goodbye.wav", own, 16000)
    library = load_prompts(tmp_path)
    sound = np.concatenate([np.zeros(8000), library.audio("goodbye", "en", 8000)]).astype(np.float64)
    (found,) = heard(sound, 8000, make_templates(library))
    assert found.prompt == "goodbye"
    assert found.start_ms == pytest.approx(1000, abs=1)


def test_a_long_pause_inside_an_announcement_is_not_looked_for(tmp_path: Path) -> None:
    (tmp_path / "en").mkdir()
    voice = said("recording-started", "fr", 16000)[::-1][:16000] / 32768
    soundfile.write(tmp_path / "en" / "goodbye.wav", np.concatenate([voice, np.zeros(64000), voice]), 16000)
    templates = make_templates(load_prompts(tmp_path))
    sound = np.concatenate([np.zeros(8000), templates.library.audio("goodbye", "en", 8000)]).astype(np.float64)
    assert names(heard(sound, 8000, templates)) == ["goodbye en"]
