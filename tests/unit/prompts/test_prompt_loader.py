"""Loading announcements: rates, an installation's own files, and every way in which one cannot be used."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from callmodel.modes import Language
from prompts import PromptError, PromptId, PromptLibrary, load_prompts
from prompts.loader import AUDIO_DIRECTORY, read_prompt


@pytest.fixture(scope="module")
def library() -> PromptLibrary:
    return load_prompts()


def tone(rate_hz: int, seconds: float = 0.5) -> NDArray[np.float64]:
    return 0.25 * np.sin(2 * np.pi * 440 * np.arange(round(rate_hz * seconds)) / rate_hz)


def own(directory: Path, samples: NDArray[np.float64], rate_hz: int, name: str = "en/goodbye.wav") -> Path:
    path = directory / name
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples, rate_hz, subtype="PCM_16", format="WAV")
    return path


def test_every_prompt_is_there_in_both_languages_at_both_rates(library: PromptLibrary) -> None:
    assert set(library.sounds) == {(p, lang, rate) for p in PromptId for lang in Language for rate in (8000, 16000)}


def test_a_built_in_prompt_is_its_file_sample_by_sample(library: PromptLibrary) -> None:
    samples, _ = soundfile.read(AUDIO_DIRECTORY / "fr" / "goodbye.wav", dtype="int16")
    np.testing.assert_array_equal(library.audio("goodbye", "fr", 16000), samples)


def test_at_8_khz_a_prompt_has_half_the_samples(library: PromptLibrary) -> None:
    wide, narrow = (library.audio("recording-started", "en", rate) for rate in (16000, 8000))
    assert (len(narrow), narrow.dtype.name) == (round(len(wide) / 2), "int16")


def test_the_length_is_told_in_milliseconds(library: PromptLibrary) -> None:
    assert library.length_ms("recording-started", "en") == len(library.audio("recording-started", "en", 16000)) / 16


def test_sounds_cannot_be_written_to(library: PromptLibrary) -> None:
    with pytest.raises(ValueError, match="read-only"):
        library.audio("goodbye", "en", 8000)[0] = 1


@pytest.mark.parametrize(
    ("prompt", "language", "rate_hz"), [("hello", "en", 8000), ("goodbye", "de", 8000), ("goodbye", "en", 44100)]
)
def test_an_unknown_sound_is_a_key_error(library: PromptLibrary, prompt: str, language: str, rate_hz: int) -> None:
    with pytest.raises(KeyError):
        library.audio(prompt, language, rate_hz)


@pytest.mark.parametrize("rate_hz", [8000, 16000, 48000])
def test_an_installation_may_replace_a_prompt(tmp_path: Path, rate_hz: int) -> None:
    own(tmp_path, tone(rate_hz), rate_hz)
    replaced = load_prompts(tmp_path)
    assert replaced.replaced == {(PromptId.GOODBYE, Language.EN)}
    for target_hz in (8000, 16000):
        sound = replaced.audio("goodbye", "en", target_hz)
        middle = slice(target_hz // 8, target_hz // 4)
        assert len(sound) == target_hz // 2
        np.testing.assert_allclose(sound[middle], 32768 * tone(target_hz)[middle], atol=40)


def test_what_is_not_replaced_stays(tmp_path: Path, library: PromptLibrary) -> None:
    own(tmp_path, tone(8000), 8000)
    np.testing.assert_array_equal(
        load_prompts(tmp_path).audio("goodbye", "fr", 8000), library.audio("goodbye", "fr", 8000)
    )


def test_a_loud_replacement_is_limited_not_wrapped(tmp_path: Path) -> None:
    soundfile.write(own(tmp_path, tone(16000), 16000), np.full(1600, 1.5), 16000, subtype="FLOAT")
    assert set(load_prompts(tmp_path).audio("goodbye", "en", 16000)) == {32767}


def test_other_files_in_the_directory_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "README.txt").write_text("ours", encoding="utf-8")
    assert load_prompts(tmp_path).replaced == frozenset()


@pytest.mark.parametrize(
    ("samples", "rate_hz", "message"),
    [
        (np.zeros((800, 2)), 8000, "has 2 channels; mix it down to one"),
        (np.zeros(4410), 44100, "is sampled at 44100 Hz; use 8000, 16000 or 48000 Hz"),
        (np.zeros(0), 8000, "holds no sound; record it again"),
        (np.zeros(8000 * 61), 8000, "lasts 61.0 s; shorten it to at most 60 s"),
    ],
)
def test_a_file_of_the_wrong_form_is_named_with_the_fix(
    tmp_path: Path, samples: NDArray[np.float64], rate_hz: int, message: str
) -> None:
    path = own(tmp_path, samples, rate_hz)
    with pytest.raises(PromptError) as caught:
        load_prompts(tmp_path)
    assert str(caught.value) == f"{path}: {message}"


def test_another_container_than_wav_is_named(tmp_path: Path) -> None:
    path = tmp_path / "goodbye.wav"
    with path.open("wb") as file:
        soundfile.write(file, tone(8000), 8000, format="FLAC")
    with pytest.raises(PromptError, match="is FLAC, not WAV; convert it to WAV"):
        read_prompt(path)


def test_a_file_that_is_no_audio_is_named(tmp_path: Path) -> None:
    path = tmp_path / "goodbye.wav"
    path.write_bytes(b"not audio at all" * 10)
    with pytest.raises(PromptError, match=r"not a readable WAV file \(.*\); save it again as WAV"):
        read_prompt(path)


def test_samples_that_are_not_numbers_are_named(tmp_path: Path) -> None:
    path = tmp_path / "goodbye.wav"
    soundfile.write(path, np.full(800, np.nan), 8000, subtype="FLOAT")
    with pytest.raises(PromptError, match="holds samples that are not numbers"):
        read_prompt(path)


def test_a_huge_file_is_not_even_opened(tmp_path: Path) -> None:
    path = tmp_path / "goodbye.wav"
    with path.open("wb") as file:
        file.truncate(100_000_000)
    with pytest.raises(PromptError, match="larger than 60 s of audio can be"):
        read_prompt(path)


def test_a_misspelt_name_is_named_with_the_names_there_are(tmp_path: Path) -> None:
    own(tmp_path, tone(8000), 8000, "en/godbye.wav")
    with pytest.raises(PromptError, match="no announcement is called godbye; rename it to one of recording-started, "):
        load_prompts(tmp_path)


@pytest.mark.parametrize("name", ["goodbye.wav", "de/goodbye.wav", "en/more/goodbye.wav"])
def test_a_file_in_the_wrong_folder_is_named(tmp_path: Path, name: str) -> None:
    own(tmp_path, tone(8000), 8000, name)
    with pytest.raises(PromptError, match="announcements lie in a folder named en or fr; move it there"):
        load_prompts(tmp_path)


def test_a_prompt_directory_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(PromptError, match="nowhere: is not a directory; create it or remove the setting"):
        load_prompts(tmp_path / "nowhere")


def test_a_damaged_built_in_file_is_named(tmp_path: Path) -> None:
    shutil.copytree(AUDIO_DIRECTORY, tmp_path / "audio")
    with (tmp_path / "audio" / "en" / "goodbye.wav").open("ab") as file:
        file.write(b"\0")
    with pytest.raises(PromptError, match=r"goodbye\.wav: a built-in announcement was changed"):
        load_prompts(directory=tmp_path / "audio")


def test_a_missing_built_in_file_is_named(tmp_path: Path) -> None:
    shutil.copytree(AUDIO_DIRECTORY, tmp_path / "audio")
    (tmp_path / "audio" / "fr" / "port.wav").unlink()
    with pytest.raises(PromptError, match=r"port\.wav: a built-in announcement is missing; install the program again"):
        load_prompts(directory=tmp_path / "audio")
