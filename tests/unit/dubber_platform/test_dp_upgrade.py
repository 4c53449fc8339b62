"""A database of an earlier version is brought up to date by the next start, whole or not at all."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import inspect, text
from sqlalchemy.orm import Session
from structlog.testing import capture_logs

from dubber_platform.store import upgrade
from dubber_platform.store.browse import Filter, browse
from dubber_platform.store.database import create_schema, engine_of
from dubber_platform.store.detail import one
from dubber_platform.store.schema import SCHEMA_VERSION
from dubber_platform.store.visibility import viewer_of
from tests.support.dubber import START

V1 = Path(__file__).parent / "platform_v1.sql"


@pytest.fixture
def version_1(tmp_path: Path) -> str:
    """Address of a database that version 1 made."""
    path = tmp_path / "platform.sqlite"
    connection = sqlite3.connect(path)
    connection.executescript(V1.read_text(encoding="utf-8"))
    connection.close()
    return f"sqlite:///{path}"


def shape(url: str) -> dict[str, object]:
    """Tables with their columns, and indexes with theirs."""
    engine = engine_of(url)
    looked = inspect(engine)
    tables = sorted(looked.get_table_names())
    known: dict[str, object] = {
        table: sorted(
            (column["name"], str(column["type"]).replace("TIMESTAMP", "DATETIME"), column["nullable"])
            for column in looked.get_columns(table)
        )
        for table in tables
    }
    known["indexes"] = sorted(
        (str(index["name"]), tuple(index["column_names"])) for table in tables for index in looked.get_indexes(table)
    )
    with engine.connect() as connection:
        triggers = connection.execute(text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger' ORDER BY name"))
        known["triggers"] = [tuple(row) for row in triggers]
    engine.dispose()
    return known


def test_an_upgraded_database_looks_like_a_new_one(version_1: str, tmp_path: Path) -> None:
    """Tables, columns, indexes, triggers."""
    engine = engine_of(version_1)
    create_schema(engine)
    engine.dispose()
    fresh = f"sqlite:///{tmp_path / 'fresh.sqlite'}"
    other = engine_of(fresh)
    create_schema(other)
    other.dispose()
    assert shape(version_1) == shape(fresh)


def test_what_was_there_is_found_again(version_1: str) -> None:
    """With its tags and star, by every kind of word; nothing is on hold or withheld."""
    engine = engine_of(version_1)
    create_schema(engine)
    create_schema(engine)
    with Session(engine) as session:
        viewer = viewer_of(session, "boss")
        assert viewer is not None
        for words in ("zoe", "roux", "345678", "front", "vip", "4711", "callhalf"):
            assert [row.id for row in browse(session, viewer, Filter(text=words)).rows] == [7], words
        kept = one(session, viewer, 7, now=START)
        facts = (kept.row.tags, kept.row.starred, kept.hold, kept.withheld_reason, kept.expires_at.isoformat())
        assert facts == (("vip",), True, None, "", "2026-06-24T16:51:46+00:00")
        assert session.scalar(text("SELECT version FROM schema_version")) == SCHEMA_VERSION
    engine.dispose()


def test_an_upgrade_says_when_it_begins_and_ends(version_1: str) -> None:
    """From which version to which, of how many recordings; a start that changes nothing says nothing."""
    engine = engine_of(version_1)
    with capture_logs() as told:
        create_schema(engine)
        create_schema(engine)
    engine.dispose()
    assert told[1].pop("seconds") >= 0  # type: ignore[operator]  # a number
    steps = {"from_version": 1, "to_version": SCHEMA_VERSION, "recordings": 2, "log_level": "warning"}
    assert told == [{"event": f"platform.upgrade_{what}", **steps} for what in ("began", "ended")]


def test_an_upgrade_that_fails_changes_nothing(version_1: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """And the next start does it after all."""
    before = shape(version_1)
    engine = engine_of(version_1)
    with monkeypatch.context() as broken:
        broken.setattr(upgrade, "TO_2", (*upgrade.TO_2, "DROP INDEX there_is_no_such_index"))
        with pytest.raises(Exception, match="there_is_no_such_index"):
            create_schema(engine)
    assert shape(version_1) == before
    create_schema(engine)
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT version FROM schema_version")) == SCHEMA_VERSION
    engine.dispose()
