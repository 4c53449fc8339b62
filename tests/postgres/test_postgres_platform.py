"""The platform's store, where PostgreSQL has a way of its own; the rest is in tests/unit/dubber_platform."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Integer, MetaData, create_engine, event, insert, inspect, select, text
from sqlalchemy.orm import Session

from dubber_platform.store import search, upgrade
from dubber_platform.store.browse import Filter, Kind, Page, browse
from dubber_platform.store.changes import add_note
from dubber_platform.store.database import create_schema, engine_of
from dubber_platform.store.schema import SCHEMA_VERSION, BigId
from dubber_platform.store.visibility import viewer_of
from tests.support.dubber import START
from tests.support.library import Library, open_library
from tests.support.postgresql import PostgresServer

V1 = Path(__file__).parents[1] / "unit" / "dubber_platform" / "platform_v1.sql"
QUESTIONS = (
    "zoe", "Zoé martin", "ZO", "345678", "+33 6 12 34 56 78", "0033", "612", "œuf", "oeuf", "straße", "strasse", "vip",
    "% _", "a%", "o'brien", "o brien", "\\", "don", "日本", "日", "call-back", "call back", "refund monday", "4711",
    "\u0130stanbul", "istanbul", "-", "a & b | !c", "<-> ':*", "front desk", "smith", "nothing fits",
)  # fmt: skip


def made(url: str) -> str:
    """The address, once the tables are there."""
    engine = engine_of(url)
    try:
        create_schema(engine)
    finally:
        engine.dispose()
    return url


@pytest.fixture
def version_1(url: str) -> str:
    """Address of a database like the one of version 1 in tests/unit, rows and all."""
    source, target = create_engine("sqlite://"), create_engine(url)
    with source.connect() as old, target.begin() as new:
        connection = old.connection.driver_connection
        assert isinstance(connection, sqlite3.Connection)
        connection.executescript(V1.read_text(encoding="utf-8"))
        tables = MetaData()
        event.listen(tables, "column_reflect", _in_general)
        tables.reflect(old)
        tables.create_all(new)
        for table in tables.sorted_tables:
            rows = [dict(row) for row in old.execute(select(table)).mappings()]
            if rows:
                new.execute(insert(table), rows)
    source.dispose()
    target.dispose()
    return url


def _in_general(_inspector: object, _table: object, column: Any) -> None:
    kind = column["type"].as_generic()
    column["type"] = BigId if isinstance(kind, Integer) else kind


def shape(url: str) -> dict[str, object]:
    """Tables with their columns, and the indexes as PostgreSQL tells them."""
    engine = engine_of(url)
    looked = inspect(engine)
    known: dict[str, object] = {
        table: sorted(
            (column["name"], repr(column["type"]).replace("BIGINT", "INTEGER"), column["nullable"])
            for column in looked.get_columns(table)
        )
        for table in looked.get_table_names()
    }
    with engine.connect() as connection:
        indexes = text("SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' AND indexname NOT LIKE '%_key'")
        known["indexes"] = sorted(connection.scalars(indexes))
    engine.dispose()
    return known


def test_an_upgraded_database_looks_like_a_new_one(version_1: str, postgresql: PostgresServer) -> None:
    """Tables, columns with types and order of text, indexes."""
    assert shape(made(version_1)) == shape(made(postgresql.new_database()))


def test_what_was_there_is_found_again(version_1: str) -> None:
    """By every kind of word."""
    engine = engine_of(made(made(version_1)))
    with Session(engine) as session:
        viewer = viewer_of(session, "boss")
        assert viewer is not None
        for words in ("zoe", "roux", "345678", "front", "vip", "4711", "callhalf"):
            (row,) = browse(session, viewer, Filter(text=words)).rows
            assert (row.id, row.tags, row.starred, row.held) == (7, ("vip",), True, False), words
        assert session.scalar(text("SELECT version FROM schema_version")) == SCHEMA_VERSION
    engine.dispose()


def test_an_upgrade_that_fails_changes_nothing(version_1: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """And the next start does it after all."""
    before = shape(version_1)
    with monkeypatch.context() as broken:
        broken.setattr(upgrade, "TO_2", (*upgrade.TO_2, "DROP INDEX there_is_no_such_index"))
        with pytest.raises(Exception, match="there_is_no_such_index"):
            made(version_1)
    assert shape(version_1) == before
    assert shape(made(version_1)) != before


def test_the_index_answers_a_search(url: str) -> None:
    """Its expression is the question's, to the letter: else every row would be looked at."""
    engine = engine_of(made(url))
    with Session(engine) as session:
        session.execute(text("SET enable_seqscan = off"))
        asked = search.indexed("postgresql", ("zoe", "martin"))
        words = str(asked.compile(engine, compile_kwargs={"literal_binds": True})).replace("%%", "%")
        plan = "\n".join(session.scalars(text("EXPLAIN " + words.replace(":", "\\:"))))
        assert "Bitmap Index Scan on recording_search_words" in plan
    engine.dispose()


def fill(library: Library) -> None:
    """The same people and calls in any store."""
    for user, names in {"ann": ("Zoé", "Martin"), "bob": ("İbrahim", "O'Brien"), "cid": ("日本", "Straße")}.items():
        library.user(user, first_name=names[0], last_name=names[1])
    library.dub_point("p1", "ann", label="Front desk", number="1001")
    library.team("t", {"bob": "Contributor"}, ["ann"])
    people = ("ann", "bob", "cid", None)
    labels = (
        "Œuf frais",
        "100 % sure_thing",
        "call-back",
        "Don",
        "İstanbul",
        "a & b | !c",
        "back\\slash",
        "日本語",
        "",
    )
    for number in range(60):
        call = library.call(
            people[number % 4],
            minutes=number // 3,
            tags=("vip", "follow up")[: number % 3],
            to=("+33612345678", "0033612345678", "9002")[number % 3],
            to_label=labels[number % len(labels)],
            dub_point_id="p1" if number % 5 == 0 else None,
            details={"order": "4711"} if number % 7 == 0 else {},
            recording_type="voicemail" if number % 6 == 0 else "recording",
            starred=number % 8 == 0,
            status="Do Not Record" if number % 11 == 0 else "Active",
        )
        if number % 10 == 0:
            add_note(library.session, library.viewer("boss"), call, "Refund on Monday, très satisfait", now=START)


def test_the_same_is_found_and_highlighted_as_on_sqlite(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """By everybody, for every question, with and without filters, page by page; near the newest and by the index."""
    stores = [open_library(), open_library(made(url))]
    for store in stores:
        fill(store)
    asked = [Filter(text=question) for question in QUESTIONS]
    narrowed = [Filter(kind=kind, tag=tag) for kind in Kind for tag in (None, "vip")]
    narrowed += [Filter(dub_point_id="p1"), Filter(scope="mine"), *(Filter(text="zoe", kind=kind) for kind in Kind)]
    for who, walk, filters in (("boss", 3000, narrowed), ("bob", 3000, [*asked, *narrowed]), ("boss", 5, asked)):
        monkeypatch.setattr("dubber_platform.store.browse.WALK_ROWS", walk)
        for wanted in filters:
            here, there = (pages(store, who, wanted) for store in stores)
            assert here == there, (who, wanted)
    for store in stores:
        store.close()


def pages(library: Library, who: str, wanted: Filter) -> list[Page]:
    """All of them, to the last."""
    viewer = library.viewer(who)
    found = [browse(library.session, viewer, wanted, rows=25)]
    while found[-1].next is not None:
        found.append(browse(library.session, viewer, replace(wanted, after=found[-1].next), rows=25))
    return found
