"""Levels, clipping, silences, what can be read, and the report itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from callbench.analysis import (
    NO_TEMPLATES,
    AnalysisError,
    AnalysisReport,
    ChannelReport,
    Silence,
    analyze,
    render_report,
)
from prompts import load_prompts
from tests.support.synthetic_audio import Sound, key, noisy, silence, sine


def report_of(sound: NDArray[Any], rate_hz: int = 8000) -> AnalysisReport:
    return analyze(sound, rate_hz, templates=NO_TEMPLATES)


def heard(sound: Sound, rate_hz: int = 8000) -> ChannelReport:
    return report_of(sound, rate_hz).channels[0]


def test_the_levels_of_a_sine() -> None:
    levels = heard(sine(1000, -10, 1, 8000)).levels
    assert (levels.rms_dbm0, levels.active_dbm0, levels.peak_dbm0) == pytest.approx((-10, -10, -10), abs=0.05)


def test_pauses_lower_the_level_but_not_the_active_level() -> None:
    levels = heard(np.concatenate([sine(1000, -10, 1, 8000), silence(3, 8000)])).levels
    assert (levels.rms_dbm0, levels.active_dbm0) == pytest.approx((-16, -10), abs=0.1)


def test_silence_has_the_lowest_level() -> None:
    levels = heard(silence(1, 8000)).levels
    assert (levels.rms_dbm0, levels.peak_dbm0, levels.clipped_samples) == (-99.0, -99.0, 0)


@pytest.mark.parametrize(("ceiling", "clips"), [(32124, True), (32256, True), (32767, True), (30000, False)])
def test_runs_at_the_largest_value_of_a_coder_are_clipping(ceiling: int, clips: bool) -> None:
    limited = np.clip(sine(500, 8, 0.1, 8000), -ceiling, ceiling)
    assert (heard(limited).levels.clipped_samples > 0) == clips


def test_single_peaks_at_the_largest_value_are_not_clipping() -> None:
    spikes = np.zeros(800)
    spikes[::50] = 32767
    assert heard(spikes).levels.clipped_samples == 0


def test_silences_are_found_to_the_sample() -> None:
    tone = sine(1000, -18, 0.5, 8000)
    sound = np.concatenate([tone, silence(0.25, 8000), tone, silence(0.1, 8000), tone])
    (found,) = heard(sound).silences
    assert (found.start_ms, found.end_ms) == pytest.approx((500, 750), abs=0.5)
    assert found.digital


def test_quiet_noise_is_silence_but_not_nothing_at_all() -> None:
    assert heard(noisy(silence(1, 8000), -70)).silences == (Silence(start_ms=0.0, end_ms=1000.0, digital=False),)


def test_noise_above_the_threshold_is_no_silence() -> None:
    assert heard(noisy(silence(1, 8000), -40)).silences == ()


@pytest.mark.parametrize("samples", [0, 1, 50])
def test_next_to_nothing_can_be_analysed(samples: int) -> None:
    report = analyze(np.zeros(samples), 8000)
    (channel,) = report.channels
    assert report.samples == samples
    assert (channel.tones, channel.digits, channel.prompts, channel.silences, channel.breaks) == ((), (), (), (), ())


@pytest.mark.parametrize("name", ["call.wav", "call.flac"])
def test_a_file_is_read_channel_by_channel(tmp_path: Path, name: str) -> None:
    left, right = sine(437, -18, 1.5, 8000), sine(1004, -12, 1.5, 8000)
    soundfile.write(tmp_path / name, np.stack([left, right], axis=1).astype(np.int16), 8000, subtype="PCM_16")
    report = analyze(tmp_path / name, templates=NO_TEMPLATES)
    assert (report.source, report.sample_rate_hz, report.samples, report.duration_ms) == (name, 8000, 12000, 1500.0)
    assert [[round(tone.hz) for tone in channel.tones] for channel in report.channels] == [[437], [1004]]
    assert [channel.channel for channel in report.channels] == [1, 2]


def test_16_bit_and_float_arrays_say_the_same() -> None:
    whole = np.rint(sine(1004, -12, 1, 8000))
    assert report_of(whole.astype(np.int16)) == report_of(whole)


@pytest.mark.parametrize(
    ("shape", "rate_hz", "message"),
    [
        ((10,), 4000, "array: sampled at 4000 Hz; 8000 to 48000 Hz can be analysed"),
        ((10, 9), 8000, "array: 9 channels; 1 to 8 can be analysed"),
        ((10, 0), 8000, "array: 0 channels; 1 to 8 can be analysed"),
        ((2, 2, 2), 8000, "array: has 3 dimensions, not samples and channels"),
    ],
)
def test_an_array_of_the_wrong_form_is_an_error(shape: tuple[int, ...], rate_hz: int, message: str) -> None:
    with pytest.raises(AnalysisError) as caught:
        report_of(np.zeros(shape), rate_hz)
    assert str(caught.value) == message


def test_an_array_that_is_too_long_is_an_error() -> None:
    endless = np.lib.stride_tricks.as_strided(np.zeros(1, np.int16), (2_000_000_000, 1), (0, 0))
    with pytest.raises(AnalysisError, match="array: too long; cut it into pieces of at most 1382400000 samples"):
        report_of(endless)


def test_an_array_needs_its_rate() -> None:
    with pytest.raises(AnalysisError, match="array: needs its sample rate"):
        analyze(np.zeros(10))


def test_samples_that_are_not_numbers_are_an_error() -> None:
    with pytest.raises(AnalysisError, match="array: holds samples that are not numbers"):
        report_of(np.full(10, np.nan))


def test_a_file_that_is_no_audio_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "call.wav").write_bytes(b"nothing to hear")
    with pytest.raises(AnalysisError, match=r"call\.wav: not readable as audio"):
        analyze(tmp_path / "call.wav")


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(AnalysisError, match=r"nowhere\.wav: there is no such file"):
        analyze(tmp_path / "nowhere.wav")


def everything() -> AnalysisReport:
    announcement = load_prompts().audio("recording-started", "en", 8000).astype(np.float64)
    clipped = np.clip(sine(300, 8, 0.2, 8000), -32767, 32767)
    left = np.concatenate([silence(0.5, 8000), announcement, key("5", 0.1, 8000), silence(0.5, 8000), clipped])
    tone = sine(437, -18, 3, 8000)
    tone[8000:8160] = 0
    right = np.resize(np.delete(tone, slice(16000, 16160)), len(left))
    return analyze(np.stack([left, right], axis=1), 8000)


def test_the_text_tells_every_finding_in_order() -> None:
    lines = render_report(everything()).splitlines()
    assert lines[0].startswith("array: 3.0")
    told = [line.split("  ", 2)[-1].split(",")[0] for line in lines if line.startswith("  ")]
    assert told[:4] == ["silence", "prompt recording-started (en)", "digit 5", "nothing at all"]
    assert any("samples clipped" in line for line in lines if line.startswith("channel 1"))
    assert any("break at sample" in line and "samples missing, phase" in line for line in lines)
    assert any("slip +20 ms" in line for line in lines)


def test_the_json_holds_every_finding_by_name() -> None:
    report = everything()
    told = json.loads(report.to_json())
    assert list(told) == ["source", "sample_rate_hz", "samples", "channels"]
    assert told["channels"][0]["prompts"][0]["prompt"] == "recording-started"
    assert [one["digit"] for one in told["channels"][0]["digits"]] == ["5"]
    assert len(told["channels"][1]["breaks"]) == len(report.channels[1].breaks) == 2


def test_a_break_without_a_known_slip_is_told_without() -> None:
    text = render_report(report_of(np.delete(sine(437, -18, 3, 8000), 12000)))
    assert "slip" not in text
    assert "break at sample 12000: phase +" in text
