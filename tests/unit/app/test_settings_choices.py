"""Every setting of docs/choices.md reaches the call logic or the media engine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from callmodel.errors import ConfigError
from callmodel.modes import FailureBehavior, TonePreset
from feature_codes import OnDemandAnnounce, OnDemandStop, RepeatedCode, TableOptions
from mediaserver.app.config import Settings, load_settings
from mediaserver.app.product import call_config
from mediaserver.call.config import CallConfig
from mediaserver.media.config import EngineConfig
from mediaserver.media.messages import ToneAudio
from prompts import REMINDERS


def calls(**recording: Any) -> CallConfig:
    """What the call logic is told for these settings of ``[recording]``."""
    return call_config(Settings.model_validate({"recording": recording}))


def test_the_defaults_are_those_of_the_call_logic() -> None:
    settings = Settings()
    assert call_config(settings) == CallConfig(domain=settings.domain)
    assert settings.recording.duck_db == EngineConfig().duck_db


@pytest.mark.parametrize(
    ("setting", "value", "option"),
    [
        ("on_demand_stop", "stop", {"on_demand_stop": OnDemandStop.STOP}),
        ("on_demand_announce", "answer", {"on_demand_announce": OnDemandAnnounce.ANSWER}),
        ("repeated_code", "silent", {"repeated_code": RepeatedCode.SILENT}),
        ("announce_on_resume", False, {"announce_on_resume": False}),
    ],
)
def test_an_option_of_the_table_is_told(setting: str, value: object, option: dict[str, Any]) -> None:
    assert calls(**{setting: value}).table == TableOptions(**option)


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("refusal", "silent"),
        ("pause_rendering", "tone"),
        ("mask_digits", False),
        ("bench_capture", "recorded"),
        ("failure_behavior", FailureBehavior.END_ANNOUNCED),
    ],
)
def test_a_setting_of_the_same_name_is_told(setting: str, value: object) -> None:
    assert getattr(calls(**{setting: value}), setting) == value


def test_the_refusal_tone_is_told_and_what_is_not_said_stays_as_it_is() -> None:
    assert calls(refusal_tone={"hz": 620, "on_ms": 250}).refusal_tone == ToneAudio(
        hz=620, on_ms=250, off_ms=100, bursts=3
    )


@pytest.mark.parametrize("country", TonePreset)
def test_a_tone_preset_is_told(country: TonePreset) -> None:
    assert calls(tone_preset=country).reminder_tone.on_ms == REMINDERS[country].tone.on_ms


def test_the_presets_are_those_of_the_prompt_room() -> None:
    assert set(TonePreset) == set(REMINDERS)


@pytest.mark.parametrize(
    ("name", "value", "found"),
    [
        ("MEDIASERVER_RECORDING__REFUSAL", "silent", "silent"),
        ("MEDIASERVER_RECORDING__DUCK_DB", "6", 6.0),
        ("MEDIASERVER_RECORDING__ANNOUNCE_ON_RESUME", "false", False),
    ],
)
def test_the_environment_can_choose(name: str, value: str, found: object) -> None:
    key = name.rpartition("__")[2].lower()
    assert getattr(load_settings(None, {name: value}).recording, key) == found


def test_a_tone_can_be_set_by_the_environment() -> None:
    environment = {
        "MEDIASERVER_RECORDING__REFUSAL_TONE__HZ": "425",
        "MEDIASERVER_RECORDING__REFUSAL_TONE__ON_MS": "200",
    }
    tone = load_settings(None, environment).recording.refusal_tone
    assert (tone.hz, tone.on_ms, tone.bursts) == (425.0, 200, 3)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('refusal = "silence"', "recording.refusal"),
        ("duck_db = 61", "recording.duck_db"),
        ('tone_preset = "xx"', "recording.tone_preset"),
        ("refusal_tone = { hz = 9000, on_ms = 100 }", "recording.refusal_tone.hz"),
        ("announce_on_transfer = true", "recording.announce_on_transfer: no such setting"),
    ],
)
def test_a_value_that_does_not_fit_is_named(tmp_path: Path, text: str, named: str) -> None:
    file = tmp_path / "settings.toml"
    file.write_text(f"[recording]\n{text}\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=named):
        load_settings(file, {})
