"""Announcements of one's own: what an upload becomes, what is refused and why, and how they are kept."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from callmodel.modes import Language
from prompts import (
    PromptAudio,
    PromptId,
    UploadError,
    UploadProblem,
    check_upload,
    heard_file,
    load_prompts,
    own_prompts,
    restore,
    save_custom,
)
from prompts.levels import LEVEL_DBM0, PEAK_LIMIT, active_speech_level_dbm0
from prompts.loader import AUDIO_DIRECTORY

EN, FR = Language.EN, Language.FR


def tone(rate_hz: int, seconds: float = 1.0, peak: float = 0.05, hz: float = 440.0) -> NDArray[np.float64]:
    return peak * np.sin(2 * np.pi * hz * np.arange(round(rate_hz * seconds)) / rate_hz)


def stored(samples: NDArray[np.float64], rate_hz: int, form: str = "WAV", subtype: str | None = None) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, rate_hz, format=form, subtype=subtype)
    return file.getvalue()


def pitch_hz(audio: PromptAudio) -> float:
    """The strongest frequency."""
    spectrum = np.abs(np.fft.rfft(audio.samples.astype(np.float64)))
    return float(np.argmax(spectrum)) * 16000 / len(audio.samples)


@pytest.mark.parametrize("form", ["WAV", "FLAC", "MP3"])
@pytest.mark.parametrize("rate_hz", [8000, 16000, 22050, 44100, 48000])
def test_an_upload_has_the_level_of_the_others_at_16_khz(form: str, rate_hz: int) -> None:
    audio = check_upload(stored(tone(rate_hz), rate_hz, form))
    assert audio.samples.dtype == np.int16
    assert audio.length_ms == pytest.approx(1000, abs=1 if form != "MP3" else 160)
    assert pitch_hz(audio) == pytest.approx(440, abs=2)
    assert active_speech_level_dbm0(audio.samples, 16000) == pytest.approx(LEVEL_DBM0, abs=0.1)


def test_what_is_as_it_should_be_is_left_as_it_is() -> None:
    samples, _ = soundfile.read(AUDIO_DIRECTORY / "en" / "goodbye.wav", dtype="int16")
    audio = check_upload((AUDIO_DIRECTORY / "en" / "goodbye.wav").read_bytes())
    assert abs(audio.gain_db) < 0.1
    np.testing.assert_allclose(audio.samples, samples, atol=0.012 * np.abs(samples).max())


def test_two_channels_are_mixed_down() -> None:
    both = np.stack([tone(16000), tone(16000, hz=1000)], axis=1)
    one = check_upload(stored(both, 16000)).samples.astype(np.float64)
    spectrum = np.abs(np.fft.rfft(one))
    assert sorted(np.argsort(spectrum)[-2:]) == [440, 1000]
    assert spectrum[440] == pytest.approx(spectrum[1000], rel=0.01)


def test_a_peak_is_not_cut_off_for_the_level() -> None:
    """A loud click in a faint tone: the level is not reached, the form is kept."""
    samples = tone(16000, peak=0.018)
    samples[8000] = 0.9
    audio = check_upload(stored(samples, 16000))
    assert np.abs(audio.samples).max() == PEAK_LIMIT
    assert active_speech_level_dbm0(audio.samples, 16000) < LEVEL_DBM0


@pytest.mark.parametrize(
    ("data", "problem", "message"),
    [
        (b"\0" * (10 * 1024 * 1024 + 1), UploadProblem.TOO_LARGE, "the file is larger than 10 MiB"),
        (b"", UploadProblem.UNREADABLE, "the file is no sound file that can be read"),
        (b"GIF89a" * 100, UploadProblem.UNREADABLE, "the file is no sound file that can be read"),
        (stored(tone(8000), 8000, "AIFF"), UploadProblem.FORMAT, "the file is neither WAV, FLAC nor MP3 (AIFF)"),
        (
            stored(np.zeros((800, 3)), 8000),
            UploadProblem.CHANNELS,
            "the file has more than 2 channels (3)",
        ),
        (stored(tone(7999), 7999), UploadProblem.RATE, "the file is not sampled at 8000 to 48000 Hz (7999 Hz)"),
        (stored(tone(96000), 96000), UploadProblem.RATE, "the file is not sampled at 8000 to 48000 Hz (96000 Hz)"),
        (stored(np.zeros(0), 8000), UploadProblem.EMPTY, "the file holds no sample"),
        (stored(np.zeros(480_001), 8000), UploadProblem.TOO_LONG, "the announcement lasts longer than 60 s"),
        (
            stored(np.full(800, np.nan), 8000, subtype="FLOAT"),
            UploadProblem.NO_NUMBERS,
            "the file holds samples that are not numbers",
        ),
        (stored(np.zeros(8000), 8000), UploadProblem.SILENT, "nothing can be heard in the file"),
        (stored(tone(8000, peak=0.0004), 8000), UploadProblem.SILENT, "nothing can be heard in the file"),
        (stored(tone(8000, 0.01), 8000), UploadProblem.SILENT, "nothing can be heard in the file"),
    ],
    ids=[
        "large",
        "nothing",
        "picture",
        "aiff",
        "channels",
        "slow",
        "fast",
        "no-sample",
        "long",
        "nan",
        "zeros",
        "faint",
        "short",
    ],
)
def test_what_cannot_be_an_announcement_is_told_why(data: bytes, problem: UploadProblem, message: str) -> None:
    with pytest.raises(UploadError) as caught:
        check_upload(data)
    assert (caught.value.problem, str(caught.value)) == (problem, message)


def test_hours_of_silence_in_a_small_file_are_not_unpacked() -> None:
    """FLAC keeps two hours of nothing in less than the limit."""
    data = stored(np.zeros(7200 * 8000), 8000, "FLAC")
    assert len(data) < 1_000_000
    with pytest.raises(UploadError, match="lasts longer than 60 s"):
        check_upload(data)


@pytest.mark.parametrize("cut", [30, 44, 60, 400])
def test_a_file_that_was_cut_off_is_refused_or_read_as_far_as_it_goes(cut: int) -> None:
    data = stored(tone(16000), 16000)[:cut]
    with pytest.raises(UploadError) as caught:
        check_upload(data)
    assert caught.value.problem in (UploadProblem.UNREADABLE, UploadProblem.EMPTY, UploadProblem.SILENT)


def test_a_saved_announcement_is_loaded_in_place_of_the_built_in_one(tmp_path: Path) -> None:
    audio = check_upload(stored(tone(16000), 16000))
    path = save_custom(tmp_path / "prompts", PromptId.GOODBYE, FR, audio)
    library = load_prompts(uploaded=tmp_path / "prompts")
    assert library.replaced == own_prompts(tmp_path / "prompts") == {(PromptId.GOODBYE, FR)}
    np.testing.assert_array_equal(library.audio("goodbye", "fr", 16000), audio.samples)
    assert [found.name for found in path.parent.iterdir()] == ["goodbye.wav"]


def test_of_two_saved_at_one_time_one_is_there_whole(tmp_path: Path) -> None:
    audios = [check_upload(stored(tone(16000, 20.0, hz=hz), 16000)) for hz in (440, 880)]
    with ThreadPoolExecutor(2) as threads:
        for _ in range(10):
            list(threads.map(lambda audio: save_custom(tmp_path, PromptId.GOODBYE, EN, audio), audios))
            found, _ = soundfile.read(tmp_path / "en" / "goodbye.wav", dtype="int16")
            assert any(np.array_equal(found, audio.samples) for audio in audios)
    assert [file.name for file in (tmp_path / "en").iterdir()] == ["goodbye.wav"]


def test_an_uploaded_announcement_lies_over_the_installations(tmp_path: Path) -> None:
    for name, hz in (("theirs", 440), ("ours", 880)):
        save_custom(tmp_path / name, PromptId.GOODBYE, EN, check_upload(stored(tone(16000, hz=hz), 16000)))
    save_custom(tmp_path / "theirs", PromptId.PORT, EN, check_upload(stored(tone(16000), 16000)))
    library = load_prompts(tmp_path / "theirs", tmp_path / "ours")
    goodbye = np.abs(np.fft.rfft(library.audio("goodbye", "en", 16000).astype(np.float64)))
    assert (library.replaced, int(np.argmax(goodbye))) == ({(PromptId.GOODBYE, EN), (PromptId.PORT, EN)}, 880)


def test_no_directory_of_uploads_is_none_uploaded(tmp_path: Path) -> None:
    assert load_prompts(uploaded=tmp_path / "prompts").replaced == own_prompts(tmp_path / "prompts") == frozenset()


def test_a_restored_announcement_is_the_built_in_one(tmp_path: Path) -> None:
    save_custom(tmp_path, PromptId.GOODBYE, EN, check_upload(stored(tone(16000), 16000)))
    assert [restore(tmp_path, PromptId.GOODBYE, EN) for _ in range(2)] == [True, False]
    assert own_prompts(tmp_path) == frozenset()


def test_the_file_that_is_heard_is_the_first_there_is(tmp_path: Path) -> None:
    theirs, ours = tmp_path / "theirs", tmp_path / "ours"
    audio = check_upload(stored(tone(16000), 16000))
    found = [heard_file(PromptId.GOODBYE, EN, ours, theirs, None)]
    for directory in (theirs, ours):
        save_custom(directory, PromptId.GOODBYE, EN, audio)
        found.append(heard_file(PromptId.GOODBYE, EN, ours, theirs, None))
    assert found == [directory / "en" / "goodbye.wav" for directory in (AUDIO_DIRECTORY, theirs, ours)]
