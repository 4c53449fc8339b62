"""The announcements: wording, files, hashes, levels, and the tones beside them."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import pytest
import soundfile

from callmodel.levels import SILENCE_DBM0, dbm0_from_rms, rms_from_dbm0, sine_peak_from_dbm0
from callmodel.modes import Language
from prompts import BEEP, CATALOGUE, REFUSAL, REMINDERS, Audience, PromptId, ReminderPreset, Tone, spell
from prompts.levels import active_speech_level_dbm0
from prompts.loader import AUDIO_DIRECTORY

FILES = sorted(AUDIO_DIRECTORY.glob("*/*.wav"))
NAMES = [f"{path.parent.name}/{path.name}" for path in FILES]


def test_the_words_of_the_platform_are_exactly_these() -> None:
    ids = (
        PromptId.RECORDING_STARTED,
        PromptId.RECORDING_STOPPED,
        PromptId.RECORDING_PAUSED,
        PromptId.RECORDING_RESUMED,
        PromptId.RECORDING_FAILED_CONTINUE,
        PromptId.RECORDING_FAILED_END,
    )
    assert [(CATALOGUE[i].texts[Language.EN], CATALOGUE[i].texts[Language.FR]) for i in ids] == [
        ("This call is being recorded.", "Cet appel est enregistré."),
        ("The recording of this call has ended.", "L'enregistrement de cet appel est terminé."),
        (
            "Your call recording has been successfully paused.",
            "L'enregistrement de votre appel a été interrompu avec succès.",
        ),
        (
            "Your call recording service has been successfully resumed.",
            "Votre service d'enregistrement des appels a été repris avec succès.",
        ),
        ("This call could not be recorded.", "Cet appel n'a pas pu être enregistré."),
        (
            "This call cannot be recorded and will now end.",
            "Cet appel ne peut pas être enregistré et va prendre fin.",
        ),
    ]


def test_who_hears_the_recording_announcements_and_what_a_recording_holds() -> None:
    told = {str(p.id): (p.audience, p.recorded) for p in CATALOGUE.values() if p.id.startswith("recording")}
    assert told == {
        "recording-started": (Audience.BOTH, True),
        "recording-stopped": (Audience.BOTH, False),
        "recording-paused": (Audience.DIALLER, False),
        "recording-resumed": (Audience.DIALLER, False),
        "recording-failed-continue": (Audience.RECORDED_USER, False),
        "recording-failed-end": (Audience.BOTH, False),
    }


def test_the_catalogue_has_every_id_in_order() -> None:
    assert list(CATALOGUE) == list(PromptId)


def test_the_files_are_those_of_the_catalogue_in_every_language() -> None:
    assert sorted(f"{language}/{prompt}.wav" for language in Language for prompt in PromptId) == NAMES


def test_the_hashes_are_those_of_the_files() -> None:
    hashes = json.loads((AUDIO_DIRECTORY / "hashes.json").read_text(encoding="utf-8"))
    found = {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in zip(NAMES, FILES, strict=True)}
    assert found == hashes


def test_the_files_were_rendered_from_the_words_of_the_catalogue() -> None:
    wording = json.loads((AUDIO_DIRECTORY / "wording.json").read_text(encoding="utf-8"))
    assert wording == {lang: {p.id: p.texts[lang] for p in CATALOGUE.values()} for lang in Language}


def test_every_file_is_16_khz_mono_16_bit() -> None:
    forms = {(i.samplerate, i.channels, i.subtype, i.format) for i in map(soundfile.info, map(str, FILES))}
    assert forms == {(16000, 1, "PCM_16", "WAV")}


def test_every_file_speaks_at_minus_20_dbm0_without_clipping() -> None:
    for path in FILES:
        samples, rate_hz = soundfile.read(path, dtype="int16")
        assert active_speech_level_dbm0(samples, rate_hz) == pytest.approx(-20, abs=0.5), path.name
        assert np.abs(samples.astype(np.int32)).max() <= 30000, path.name


def test_the_test_passage_is_long_enough_to_talk() -> None:
    lengths = [soundfile.info(str(AUDIO_DIRECTORY / lang / "test-speech.wav")).duration for lang in Language]
    assert all(10 <= length <= 60 for length in lengths)


def test_the_audio_stays_small() -> None:
    assert sum(path.stat().st_size for path in FILES) < 6_000_000


def test_an_address_is_spelled_one_character_at_a_time() -> None:
    assert spell("10.0:*#A") == (
        PromptId.DIGIT_1,
        PromptId.DIGIT_0,
        PromptId.DOT,
        PromptId.DIGIT_0,
        PromptId.COLON,
        PromptId.STAR,
        PromptId.POUND,
        PromptId.LETTER_A,
    )


def test_a_hexadecimal_address_has_all_its_letters_and_nothing_else_is_said() -> None:
    assert spell("[fe]%") == (PromptId.LETTER_F, PromptId.LETTER_E)


def test_the_beep_is_the_recorder_tone_and_the_refusal_is_three_short_ones() -> None:
    assert Tone(hz=1400.0, on_ms=500, off_ms=0, bursts=1, level_dbm0=-18.0) == BEEP
    assert Tone(hz=400.0, on_ms=100, off_ms=100, bursts=3, level_dbm0=-18.0) == REFUSAL
    assert (BEEP.length_ms, REFUSAL.length_ms) == (500, 500)


def test_the_reminder_tones_of_the_countries() -> None:
    def preset(on_ms: int, interval_s: int = 15) -> ReminderPreset:
        return ReminderPreset(tone=Tone(hz=1400.0, on_ms=on_ms), interval_s=interval_s)

    assert dict(REMINDERS) == {
        "us": preset(500),
        "fr": preset(500),
        "uk": preset(500, 10),
        "de": preset(80),
        "ch": preset(80),
        "dk": preset(80),
        "bg": preset(425),
        "nz": preset(425),
    }


def test_zero_dbm0_is_the_u_law_reference() -> None:
    assert (round(rms_from_dbm0(0.0)), round(sine_peak_from_dbm0(0.0))) == (16021, 22657)
    assert sine_peak_from_dbm0(3.17) == pytest.approx(32636)


@pytest.mark.parametrize("level", [-50.0, -18.0, 0.0, 3.0])
def test_levels_go_there_and_back(level: float) -> None:
    assert dbm0_from_rms(rms_from_dbm0(level)) == pytest.approx(level)


@pytest.mark.parametrize("rms", [0.0, 1e-9])
def test_nothing_is_quieter_than_silence(rms: float) -> None:
    assert dbm0_from_rms(rms) == SILENCE_DBM0


def test_pauses_do_not_lower_the_active_speech_level() -> None:
    speech = np.random.default_rng(1).normal(0, rms_from_dbm0(-20), 16000)
    with_pauses = np.concatenate([np.zeros(16000), speech, np.full(16000, 1.0)])
    assert active_speech_level_dbm0(with_pauses, 16000) == pytest.approx(-20, abs=0.1)


def test_silence_has_no_active_speech_level() -> None:
    assert active_speech_level_dbm0(np.zeros(8000), 8000) == SILENCE_DBM0
