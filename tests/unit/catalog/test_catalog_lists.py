"""Lists of a carrier with ten thousand users: right, and read through indexes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text

from callmodel.manifest import Party
from callmodel.modes import RecordingMode
from callmodel.subscriber import RecordingSettings, Subscriber
from catalog import CallRecord, Catalog, DayFigures, ProvisioningStatus, SortBy
from catalog.provisioning import due_query
from catalog.subscribers import page_query
from tests.support.databases import Databases
from tests.support.recordings import finished

NOW = datetime(2026, 3, 4, 9, 30, tzinfo=UTC)
MODES = tuple(RecordingMode)
NAMES = ("Élodie", "Zoé", "adam", "Émile", "Bob", "Eve")


def user(index: int) -> Subscriber:
    """Ten of them for each number of tens; names repeat."""
    return Subscriber(
        number=f"{2000 + index}",
        name=NAMES[index % len(NAMES)],
        recording=RecordingSettings(mode=MODES[index % len(MODES)]),
    )


@pytest.fixture(scope="module")
def catalog(databases: Databases) -> Iterator[Catalog]:
    with Catalog.open(databases.catalog()) as opened:
        opened.subscribers.upsert_all([(user(index), None) for index in range(60)], now=NOW)
        yield opened


def test_a_page_is_a_part_of_the_whole_in_order_of_number(catalog: Catalog) -> None:
    assert catalog.subscribers.page(offset=10, limit=3) == ((user(10), user(11), user(12)), 60)


def test_names_are_sorted_as_people_do_with_accents_beside_their_letters(catalog: Catalog) -> None:
    rows, _ = catalog.subscribers.page(sort=SortBy.NAME, limit=60)
    assert [row.name for row in rows[::10]] == ["adam", "Bob", "Élodie", "Émile", "Eve", "Zoé"]


def test_a_list_is_turned_round(catalog: Catalog) -> None:
    rows, _ = catalog.subscribers.page(sort="name", descending=True, limit=60)
    forwards, _ = catalog.subscribers.page(sort="name", limit=60)
    assert rows == tuple(reversed(forwards))


def test_modes_are_sorted_and_filtered(catalog: Catalog) -> None:
    rows, total = catalog.subscribers.page(sort=SortBy.MODE, limit=1)
    always, of_mode = catalog.subscribers.page(mode=RecordingMode.ALWAYS, limit=100)
    assert (rows[0].recording.mode, total) == (RecordingMode.ALWAYS, 60)
    assert ({row.recording.mode for row in always}, len(always), of_mode) == ({RecordingMode.ALWAYS}, 12, 12)


@pytest.mark.parametrize(
    ("sought", "found"),
    [
        ("elodie", {"Élodie"}),
        ("ÉLO", {"Élodie"}),
        (" zoe ", {"Zoé"}),
        ("e", {"Élodie", "Émile", "Eve", "Zoé"}),
        ("%", set()),
        ("_", set()),
    ],
    ids=["without-accent", "capitals", "spaces", "letter", "percent", "underscore"],
)
def test_names_are_found_without_care(catalog: Catalog, sought: str, found: set[str]) -> None:
    rows, total = catalog.subscribers.page(sought, limit=60)
    assert ({row.name for row in rows}, total) == (found, 10 * len(found))
    assert {row.name for row in catalog.subscribers.search(sought)} == found


def test_numbers_are_found_by_a_part(catalog: Catalog) -> None:
    rows, total = catalog.subscribers.page("205")
    assert ([row.number for row in rows], total) == ([f"205{digit}" for digit in range(10)], 10)


def test_a_column_that_is_none_is_refused(catalog: Catalog) -> None:
    with pytest.raises(ValueError, match="no_answer_s"):
        catalog.subscribers.page(sort="no_answer_s")


def test_users_are_counted_by_mode(catalog: Catalog) -> None:
    assert catalog.subscribers.mode_counts() == dict.fromkeys(RecordingMode, 12)


def test_a_mode_that_nobody_has_counts_nothing(databases: Databases) -> None:
    with Catalog.open(databases.catalog()) as empty:
        assert empty.subscribers.mode_counts() == dict.fromkeys(RecordingMode, 0)


@pytest.mark.parametrize("descending", [False, True], ids=["up", "down"])
@pytest.mark.parametrize("sort", list(SortBy))
def test_a_page_of_users_is_read_in_the_order_of_an_index(sort: SortBy, descending: bool) -> None:
    """No sort of the whole list: the plan has no temporary tree."""
    query = page_query(sort, descending=descending).limit(50).offset(5000)
    assert "TEMP B-TREE" not in plan(query)


@pytest.mark.parametrize("status", list(ProvisioningStatus))
def test_what_is_due_is_read_in_the_order_of_an_index(status: ProvisioningStatus) -> None:
    assert "TEMP B-TREE" not in plan(due_query(status, NOW, 10))


def plan(query: object) -> str:
    """How SQLite would answer, in its words."""
    with Catalog.open("sqlite://") as catalog, catalog.database.read() as connection:
        statement = str(query.compile(connection, compile_kwargs={"literal_binds": True}))  # type: ignore[attr-defined] # any
        return "\n".join(row[3] for row in connection.execute(text(f"EXPLAIN QUERY PLAN {statement}")))


# --- calls and days ---------------------------------------------------------------------------------


def call(index: int, caller: str, callee: str, started_at: datetime = NOW) -> CallRecord:
    """One that began ``index`` seconds later."""
    return CallRecord(
        call_id=f"c{index}",
        external_tracking_id=f"t{index}",
        caller=Party(number=caller),
        callee=Party(number=callee),
        started_at=started_at + timedelta(seconds=index),
    )


def test_calls_of_a_number_are_those_of_either_side_each_once_newest_first(databases: Databases) -> None:
    made = [call(0, "1", "2"), call(1, "3", "1"), call(2, "2", "3"), call(3, "1", "1"), call(4, "1", "3")]
    with Catalog.open(databases.catalog()) as opened:
        opened.calls.put_with_events([(one, ()) for one in made])
        assert [one.call_id for one in opened.calls.list(number="1")] == ["c4", "c3", "c1", "c0"]
        assert [one.call_id for one in opened.calls.list(number="1", limit=2)] == ["c4", "c3"]
        before = (made[3].started_at, "c3")
        assert [one.call_id for one in opened.calls.list(number="1", before=before)] == ["c1", "c0"]
        assert [one.call_id for one in opened.calls.list(limit=3)] == ["c4", "c3", "c2"]


def test_figures_tell_what_happened_on_each_day_of_the_zone(tmp_path: Path) -> None:
    """23:30 UTC is the next day in Paris."""
    late = datetime(2026, 3, 3, 23, 30, tzinfo=UTC)
    with Catalog.open_in(tmp_path) as opened:
        opened.calls.put_with_events([(call(0, "1", "2", late), ()), (call(1, "1", "2", NOW), ())])
        for recording_id, started_at in (("r1", late), ("r2", NOW), ("r3", NOW - timedelta(days=30))):
            path, manifest = finished(tmp_path, recording_id)
            opened.recordings.add_finished(replace(manifest, started_at=started_at), path, now=NOW)
        opened.uploads.claim_due(NOW)
        opened.uploads.report_done("r1", remote_id="x", now=NOW)
        in_utc = opened.figures.by_day(date(2026, 3, 4), days=2)
        in_paris = opened.figures.by_day(date(2026, 3, 4), days=2, zone=ZoneInfo("Europe/Paris"))
    assert in_utc == (
        DayFigures(day=date(2026, 3, 3), calls=1, recordings=1, uploads=0),
        DayFigures(day=date(2026, 3, 4), calls=1, recordings=1, uploads=1),
    )
    assert in_paris == (
        DayFigures(day=date(2026, 3, 3), calls=0, recordings=0, uploads=0),
        DayFigures(day=date(2026, 3, 4), calls=2, recordings=2, uploads=1),
    )


def test_a_week_has_seven_days_also_when_clocks_change(databases: Databases) -> None:
    with Catalog.open(databases.catalog()) as opened:
        days = opened.figures.by_day(date(2026, 3, 31), zone=ZoneInfo("Europe/Paris"))
    assert [one.day for one in days] == [date(2026, 3, day) for day in range(25, 32)]
