"""The page of choices names every option of the recording table with its default."""

from __future__ import annotations

from dataclasses import fields
from enum import StrEnum
from pathlib import Path

import pytest

from callmodel.modes import FailureBehavior
from feature_codes import FeatureCodes, TableOptions
from prompts import REFUSAL, REMINDERS

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "choices.md").read_text(encoding="utf-8")
ROWS = {cells[2].strip(): cells for line in PAGE.splitlines() if len(cells := line.split("|")) == 6}


@pytest.mark.parametrize("option", [field.name for field in fields(TableOptions)])
def test_an_option_of_the_table_is_told_with_its_default(option: str) -> None:
    default = getattr(TableOptions(), option)
    told = f'`"{default}"`' if isinstance(default, StrEnum) else f"`{str(default).lower()}`"
    assert ROWS[f"`{option}`"][3].strip().startswith(told)


def test_every_value_of_an_option_is_told() -> None:
    for field in fields(TableOptions):
        default = getattr(TableOptions(), field.name)
        values = list(type(default)) if isinstance(default, StrEnum) else ["true", "false"]
        row = "|".join(ROWS[f"`{field.name}`"])
        assert all(str(value) in row for value in values), field.name


def test_the_codes_are_told() -> None:
    assert " ".join(f"`{code.main}`" for code in FeatureCodes()) in PAGE


def test_the_refusal_tone_is_told() -> None:
    told = (
        f"{REFUSAL.hz:.0f} Hz, {REFUSAL.bursts} bursts of {REFUSAL.on_ms} ms with {REFUSAL.off_ms} ms between them, "
        f"{REFUSAL.level_dbm0:.0f} dBm0"
    )
    assert ROWS["`refusal_tone`"][3].strip() == told


def test_every_tone_preset_is_told() -> None:
    row = "|".join(ROWS["`tone_preset`"])
    assert all(f"`{country}`" in row or f'`"{country}"`' in row for country in REMINDERS)


def test_every_failure_behaviour_is_told() -> None:
    row = "|".join(ROWS["`failure_behavior`"])
    assert all(f'`"{behaviour}"`' in row for behaviour in FailureBehavior)
