"""The page of choices names only settings that exist, with the defaults they have."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from mediaserver.app.drawing import setting_defaults

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "choices.md").read_text(encoding="utf-8")
ROWS = [
    [cell.strip() for cell in line.split("|")[1:-1]]
    for line in PAGE.splitlines()
    if line.startswith("| ") and not line.startswith("| What is open")
]
DEFAULTS = setting_defaults()
CODES = ("start", "stop", "pause", "resume")


def names(cell: str) -> list[str]:
    """Dotted names of the settings in a row's second cell: in ``[recording]`` unless a table is named."""
    told = re.findall(r"`([^`]+)`", cell)
    table = told.pop(0).strip("[]") if told[0].startswith("[") else "recording"
    return [f"{table}.{name}" for name in told]


def shown(value: Any) -> str:
    """A default as the page writes it."""
    if value is None:
        return "none"
    return f'`"{value}"`' if isinstance(value, str) else f"`{str(value).lower()}`"


def test_there_is_a_row_for_every_choice_of_the_recording_table() -> None:
    listed = {name for row in ROWS for name in names(row[1])}
    own = {name for name in DEFAULTS if name.startswith("recording.") and name.count(".") == 1}
    assert own - listed == {"recording.at_rest_key_file"}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[1])
def test_a_row_names_settings_that_exist_with_their_defaults(row: list[str]) -> None:
    for name in names(row[1]):
        if name in DEFAULTS:
            default = shown(DEFAULTS[name])
            number = default.replace(".0`", "`")
            assert row[2].startswith((default, number)), name
        else:
            assert any(known.startswith(f"{name}.") for known in DEFAULTS) or name in TOLD_APART, name


TOLD_APART = {f"codes.{key}" for key in ("main", "alternate", "enabled")}
"""Keys of each code's own table; the codes themselves are compared below."""


def test_the_codes_are_the_defaults() -> None:
    (row,) = [row for row in ROWS if row[1].startswith("`[codes]` `start`")]
    assert re.findall(r"`([*\d]+)`", row[2]) == [DEFAULTS[f"codes.{code}.main"] for code in CODES]
    assert {DEFAULTS[f"codes.{code}.alternate"] for code in CODES} == {None}
    assert {DEFAULTS[f"codes.{code}.enabled"] for code in CODES} == {True}


def test_the_refusal_tone_is_the_default() -> None:
    (row,) = [row for row in ROWS if row[1] == "`refusal_tone`"]
    tone = {key: DEFAULTS[f"recording.refusal_tone.{key}"] for key in ("hz", "on_ms", "off_ms", "bursts", "level_dbm0")}
    told = "{hz:g} Hz, {bursts} bursts of {on_ms} ms with {off_ms} ms between them, {level_dbm0:g} dBm0"
    assert row[2] == told.format(**tone)
