"""The recording table in whole calls: every mode, what each code does to the file, and what each party is told.

The phones are silent, so whatever is heard was said by the server.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from callbench.virtual_time import run_virtual
from callmodel.manifest import MarkKind
from callmodel.modes import Language, NotificationType, RecordingMode
from feature_codes import OnDemandStop, TableOptions
from tests.support.virtual import Carrier, Finished, config, user
from tests.support.virtual_ears import BEEP, REFUSED, heard, words

NEVER = RecordingMode.NEVER
ALWAYS = RecordingMode.ALWAYS
PAUSABLE = RecordingMode.ALWAYS_PAUSE_RESUME
DEMAND = RecordingMode.ON_DEMAND
STARTS = RecordingMode.ON_DEMAND_USER_START

STARTED, STOPPED = "recording-started/en", "recording-stopped/en"
PAUSED, RESUMED = "recording-paused/en", "recording-resumed/en"

SPAN_S = 4.0
"""Between two codes, and before the first."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One call: the user dials each code, ``SPAN_S`` apart."""

    mode: RecordingMode
    codes: tuple[str, ...] = ()
    kept: tuple[int, ...] = ()
    """Spans in each recording that is kept."""
    user: tuple[str, ...] = ()
    """What the user is told."""
    other: tuple[str, ...] = ()
    """What the far party is told."""

    def __str__(self) -> str:
        return f"{self.mode.value}: {' '.join(self.codes) or 'no code'}"


ALL_CODES = ("*44", "*45", "*48", "*49")
ROWS = (
    Row(mode=NEVER),
    Row(mode=NEVER, codes=ALL_CODES, user=(REFUSED,) * 4),
    Row(mode=ALWAYS, kept=(1,), user=(STARTED,), other=(STARTED,)),
    Row(mode=ALWAYS, codes=ALL_CODES, kept=(5,), user=(STARTED, *(REFUSED,) * 4), other=(STARTED,)),
    Row(
        mode=PAUSABLE,
        codes=("*44", "*45", "*49"),
        kept=(4,),
        user=(STARTED, REFUSED, REFUSED, RESUMED),
        other=(STARTED,),
    ),
    Row(
        mode=PAUSABLE,
        codes=("*48", "*48", "*44", "*45", "*49"),
        kept=(2,),
        user=(STARTED, PAUSED, PAUSED, REFUSED, REFUSED, RESUMED),
        other=(STARTED, STARTED),
    ),
    Row(mode=PAUSABLE, codes=("*48",), kept=(1,), user=(STARTED, PAUSED), other=(STARTED,)),
    Row(mode=DEMAND),
    Row(mode=DEMAND, codes=("*45", "*49", "*48", "*48", "*45"), user=(REFUSED, RESUMED, PAUSED, PAUSED, REFUSED)),
    Row(
        mode=DEMAND,
        codes=("*44", "*44", "*45", "*49", "*48", "*44"),
        kept=(5,),
        user=(STARTED, STARTED, REFUSED, RESUMED, PAUSED, PAUSED),
        other=(STARTED,),
    ),
    Row(
        mode=DEMAND,
        codes=("*48", "*44", "*49"),
        kept=(2,),
        user=(PAUSED, STARTED, RESUMED),
        other=(STARTED, STARTED),
    ),
    Row(mode=DEMAND, codes=("*48", "*49", "*44"), kept=(3,), user=(PAUSED, RESUMED, STARTED), other=(STARTED,)),
    Row(mode=STARTS),
    Row(mode=STARTS, codes=("*45", "*48", "*49"), user=(REFUSED,) * 3),
    Row(
        mode=STARTS,
        codes=("*44", "*44", "*49", "*45", "*45", "*44"),
        kept=(3, 1),
        user=(STARTED, STARTED, RESUMED, STOPPED, REFUSED, STARTED),
        other=(STARTED, STOPPED, STARTED),
    ),
    Row(
        mode=STARTS,
        codes=("*44", "*48", "*44", "*49", "*48", "*45"),
        kept=(2,),
        user=(STARTED, PAUSED, PAUSED, RESUMED, PAUSED, STOPPED),
        other=(STARTED, STARTED, STOPPED),
    ),
)


@dataclass(frozen=True, kw_only=True)
class Result:
    """What a call left behind."""

    recordings: list[Finished]
    user: list[str]
    other: list[str]
    code_s: float
    """What dialling one code takes."""


def run(tmp_path: Path, row: Row, *, incoming: bool, settings: dict[str, Any] | None = None, **calls: Any) -> Result:
    """Place the call of a row; ``incoming``: the recorded user is the one who is called."""

    async def scenario() -> Result:
        loud = {"announce_internal": True, "notification": NotificationType.ANNOUNCEMENT}
        subscribers = (user("1001", row.mode, **(loud if settings is None else settings)), user("1002"))
        async with Carrier(data_dir=tmp_path, subscribers=subscribers, config=config(**calls)) as carrier:
            numbers = ("1002", "1001") if incoming else ("1001", "1002")
            ends = await carrier.connect(caller=numbers[0], callee=numbers[1])
            mine, other = reversed(ends) if incoming else ends
            spent = 0.0
            await mine.talk(SPAN_S)
            for code in row.codes:
                began = carrier.now()
                await mine.press(code)
                spent = carrier.now() - began
                await mine.talk(SPAN_S)
            await carrier.over(mine, other)
            return Result(
                recordings=carrier.recordings(), user=words(heard(mine)), other=words(heard(other)), code_s=spent
            )

    return run_virtual(scenario())


@pytest.mark.parametrize("incoming", [False, True], ids=["as caller", "as callee"])
@pytest.mark.parametrize("row", ROWS, ids=str)
def test_each_party_is_told_what_the_table_says(row: Row, incoming: bool, tmp_path: Path) -> None:
    """Mode by mode and code by code: the recordings kept, what the user hears and what the far party hears."""
    result = run(tmp_path, row, incoming=incoming)

    assert (tuple(result.user), tuple(result.other)) == (row.user, row.other)
    assert [recording.manifest.duration_ms / 1000 // SPAN_S for recording in result.recordings] == list(row.kept)


def test_a_refused_code_is_noted_in_the_recording_and_changes_nothing_else(tmp_path: Path) -> None:
    """The mark names the code, how it came, and that it was not accepted."""
    (recording,) = run(tmp_path, Row(mode=ALWAYS, codes=("*48",)), incoming=False).recordings

    (mark,) = [mark for mark in recording.manifest.marks if mark.kind is MarkKind.CODE]
    assert mark.detail == {"command": "pause", "channel": "rfc4733", "code": "*48", "accepted": "false"}
    assert mark.file_ms == mark.call_ms == pytest.approx(SPAN_S * 1000 + 400, abs=30)


def test_refusals_are_silent_when_so_configured(tmp_path: Path) -> None:
    """The tone is a choice."""
    result = run(tmp_path, Row(mode=ALWAYS, codes=("*48",)), incoming=False, settings={}, refusal="silent")

    assert (result.user, result.other) == ([], [])


def test_stop_ends_an_on_demand_recording_when_so_configured(tmp_path: Path) -> None:
    """``on_demand_stop = "stop"``: the file ends at ``*45``, and a further ``*44`` is refused."""
    row = Row(mode=DEMAND, codes=("*44", "*45", "*44"))
    result = run(tmp_path, row, incoming=False, settings={}, table=TableOptions(on_demand_stop=OnDemandStop.STOP))

    (recording,) = result.recordings
    assert recording.manifest.duration_ms == pytest.approx(2 * SPAN_S * 1000 + 900, abs=100)
    assert result.user == [REFUSED]


@pytest.mark.parametrize("announced", [True, False])
def test_a_pause_is_told_by_a_beep_when_so_set(announced: bool, tmp_path: Path) -> None:
    """Notification ``Beep``: 1400 Hz to the user alone, with the start announcement on or off."""
    settings = {"notification": NotificationType.BEEP, "announce_internal": announced}
    result = run(tmp_path, Row(mode=PAUSABLE, codes=("*48", "*49")), incoming=False, settings=settings)

    started = [STARTED] if announced else []
    assert result.user == [*started, BEEP, BEEP]
    assert result.other == started * 2


def test_announcements_follow_the_switch_for_the_kind_of_call(tmp_path: Path) -> None:
    """The switch for calls from outside does nothing between two subscribers."""
    result = run(tmp_path, Row(mode=ALWAYS), incoming=False, settings={"announce_pstn": True})

    assert (result.user, result.other) == ([], [])


def test_french_users_are_told_in_french(tmp_path: Path) -> None:
    """The recorded user's language is what both parties hear."""
    settings = {
        "language": Language.FR,
        "announce_internal": True,
        "notification": NotificationType.ANNOUNCEMENT,
    }
    result = run(tmp_path, Row(mode=PAUSABLE, codes=("*48", "*49")), incoming=True, settings=settings)

    assert result.user == ["recording-started/fr", "recording-paused/fr", "recording-resumed/fr"]
    assert result.other == ["recording-started/fr"] * 2


def test_a_change_of_settings_applies_to_the_next_call(tmp_path: Path) -> None:
    """Settings are read when a call is answered: the call that runs goes on as it began."""

    async def scenario() -> list[RecordingMode]:
        plan = {"refresh_s": 1.0}
        async with Carrier(data_dir=tmp_path, subscribers=(user("1001", ALWAYS), user("1002")), plan=plan) as carrier:
            mine, other = await carrier.connect()
            await mine.talk(2)
            now = carrier.server.clock.wall(carrier.now())
            carrier.server.catalog.subscribers.upsert(user("1001", PAUSABLE), now=now)
            await mine.talk(3)
            await mine.press("*48")
            await mine.talk(2)
            assert words(heard(mine)) == [REFUSED]
            await carrier.over(mine, other)
            again = await mine.phone.dial("1002")
            await again.answered()
            await again.press("*48")
            await again.talk(3)
            await carrier.over(again)
            return [recording.manifest.mode for recording in carrier.recordings()]

    assert run_virtual(scenario()) == [ALWAYS, PAUSABLE]
