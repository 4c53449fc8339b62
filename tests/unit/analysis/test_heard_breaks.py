"""A continuous test tone gives away every frame that was lost, repeated, moved or blanked."""

from __future__ import annotations

import numpy as np
import pytest

from callbench.analysis import NO_TEMPLATES, Break, analyze
from prompts import load_prompts
from tests.support.synthetic_audio import Sound, channel_of, noisy, placed, sine

KINDS = ("clean", "u-law", "noise")
RATES = (8000, 16000)


def breaks(sound: Sound, rate_hz: int) -> tuple[Break, ...]:
    return analyze(sound, rate_hz, templates=NO_TEMPLATES).channels[0].breaks


def probe(rate_hz: int, seconds: float = 6.0) -> Sound:
    return sine(437, -18, seconds, rate_hz)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("rate_hz", RATES)
def test_an_unbroken_tone_has_no_break(kind: str, rate_hz: int) -> None:
    assert breaks(channel_of(kind, probe(rate_hz), -18), rate_hz) == ()


def test_the_edges_of_a_tone_are_no_breaks() -> None:
    assert breaks(placed(probe(8000, 2), 8000, 32000), 8000) == ()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("rate_hz", RATES)
def test_a_frame_left_out_is_found_with_its_length(kind: str, rate_hz: int) -> None:
    tone, place, frame = probe(rate_hz), 3 * rate_hz + 13, rate_hz // 50
    (found,) = breaks(channel_of(kind, np.concatenate([tone[:place], tone[place + frame :]]), -18), rate_hz)
    assert found.sample == pytest.approx(place, abs=2)
    assert (found.missing_samples, found.slip_ms) == (0, 20)
    assert found.phase_deg == pytest.approx(360 * 437 * 0.02 - 360 * 9, abs=3)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("rate_hz", RATES)
def test_a_frame_played_twice_is_found_with_its_length(kind: str, rate_hz: int) -> None:
    tone, place, frame = probe(rate_hz), 2 * rate_hz + 101, rate_hz // 50
    (found,) = breaks(channel_of(kind, np.concatenate([tone[:place], tone[place - frame :]]), -18), rate_hz)
    assert found.sample == pytest.approx(place, abs=2)
    assert found.slip_ms == -20


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("rate_hz", RATES)
def test_a_blanked_frame_is_found_as_a_hole_in_a_kept_time_line(kind: str, rate_hz: int) -> None:
    tone, place, frame = probe(rate_hz), 3 * rate_hz + 13, rate_hz // 50
    tone[place : place + frame] = 0
    (found,) = breaks(channel_of(kind, tone, -18), rate_hz)
    assert found.sample == pytest.approx(place, abs=2)
    assert found.missing_samples == pytest.approx(frame, abs=3)
    assert found.slip_ms == 0


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("rate_hz", RATES)
def test_a_frame_replaced_by_the_one_before_is_found_at_both_ends(kind: str, rate_hz: int) -> None:
    tone, place, frame = probe(rate_hz), 3 * rate_hz + 13, rate_hz // 50
    tone[place : place + frame] = tone[place - frame : place].copy()
    first, second = breaks(channel_of(kind, tone, -18), rate_hz)
    assert (first.sample, second.sample) == pytest.approx((place, place + frame), abs=2)
    assert (first.slip_ms, second.slip_ms) == (-20, 20)


@pytest.mark.parametrize("rate_hz", RATES)
def test_a_single_sample_left_out_is_found(rate_hz: int) -> None:
    tone = probe(rate_hz)
    (found,) = breaks(np.delete(tone, 2 * rate_hz + 5), rate_hz)
    assert found.sample == pytest.approx(2 * rate_hz + 5, abs=1)
    assert found.slip_ms is None
    assert found.phase_deg == pytest.approx(360 * 437 / rate_hz, abs=0.5)


def test_several_breaks_are_found_in_order() -> None:
    tone = probe(8000)
    sound = np.concatenate([tone[:16013], tone[16173:32000], tone[32320:]])
    assert [(b.sample, b.slip_ms) for b in breaks(sound, 8000)] == [(16013, 20), (31840, 40)]


def test_a_break_is_told_in_milliseconds_too() -> None:
    (found,) = breaks(np.delete(probe(8000), slice(16000, 16160)), 8000)
    assert found.at_ms == found.sample / 8


def test_a_frequency_that_fits_two_steps_tells_no_slip() -> None:
    """At 440 Hz leaving out 20 ms and putting in 30 ms give one and the same phase."""
    tone = sine(440, -18, 4, 8000)
    (found,) = breaks(np.delete(tone, slice(16000, 16160)), 8000)
    assert found.sample == pytest.approx(16000, abs=1)
    assert found.slip_ms is None


def test_loud_noise_over_the_tone_is_not_taken_for_breaks() -> None:
    assert breaks(noisy(probe(8000), -32), 8000) == ()


def test_a_short_tone_is_not_watched() -> None:
    tone = sine(437, -18, 0.8, 8000)
    assert breaks(placed(np.delete(tone, slice(3000, 3160)), 800, 16000), 8000) == ()


@pytest.mark.parametrize("rate_hz", RATES)
def test_speech_under_the_tone_is_not_taken_for_breaks(rate_hz: int) -> None:
    passage = load_prompts().audio("test-speech", "fr", rate_hz)[: 6 * rate_hz].astype(np.float64)
    assert breaks(probe(rate_hz) + passage * 10 ** (-12 / 20), rate_hz) == ()


def test_a_break_under_speech_is_still_found() -> None:
    passage = load_prompts().audio("test-speech", "fr", 8000).astype(np.float64)
    broken = np.delete(probe(8000), slice(24000, 24160))
    (found,) = breaks(broken + passage[: len(broken)] * 10 ** (-12 / 20), 8000)
    assert found.sample == pytest.approx(24000, abs=20)


def test_a_short_hole_with_a_jump_is_one_break() -> None:
    tone = np.delete(probe(8000), slice(24000, 24160))
    tone[24000:24040] = 0
    (found,) = breaks(tone, 8000)
    assert (found.sample, found.missing_samples) == pytest.approx((24000, 40), abs=2)
    assert found.slip_ms == 20


def test_a_tone_that_goes_on_much_softer_after_a_hole_is_another_tone() -> None:
    tone = probe(8000)
    tone[24000:24160] = 0
    tone[24160:] *= 0.5
    assert breaks(tone, 8000) == ()
