from __future__ import annotations

import sqlite3
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, inspect, text
from sqlalchemy.exc import IntegrityError

from callmodel.modes import Language
from callmodel.subscriber import Subscriber
from catalog import Catalog, CatalogError
from catalog.engine import open_database
from catalog.tables import metadata

NOW = datetime(2026, 3, 4, 9, 30, tzinfo=UTC)


def test_migrations_and_metadata_agree(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path / 'c'}")
    with database.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "target_metadata": metadata})
        assert compare_metadata(context, metadata) == []
        names = set(inspect(connection).get_table_names())
    database.engine.dispose()
    assert names == {*metadata.tables, "alembic_version"}


def test_users_of_an_older_catalogue_are_found_by_name(tmp_path: Path) -> None:
    """The step to 0002 fills in what names are sought by."""
    path = tmp_path / "catalog.sqlite3"
    with sqlite3.connect(path) as old:
        config = Config()
        config.set_main_option("script_location", "catalog:migrations")
        config.set_main_option("path_separator", "os")
        engine = create_engine(f"sqlite:///{path}")
        with engine.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "0001")
        engine.dispose()
        old.execute(
            "INSERT INTO subscribers (number, name, language, mailbox, no_answer_s, mode, announce_internal,"
            " announce_pstn, notification, record_voicemail, updated_at)"
            " VALUES ('1001', 'Élodie', 'fr', 0, 20, 'Never', 0, 0, 'None', 0, '2026-03-04 09:30:00')"
        )
    old.close()
    with Catalog.open_in(tmp_path) as catalog:
        elodie = Subscriber(number="1001", name="Élodie", language=Language.FR)
        assert catalog.subscribers.page("elodie") == ((elodie,), 1)


def test_a_catalogue_is_opened_again_as_it_was(tmp_path: Path) -> None:
    for _ in range(2):
        with Catalog.open_in(tmp_path) as catalog:
            catalog.settings.set("group_id", "g-1", now=NOW)
    with Catalog.open_in(tmp_path) as catalog:
        assert (catalog.settings.all(), catalog.version("settings")) == ({"group_id": "g-1"}, 2)


def test_it_writes_ahead_syncs_and_checks_foreign_keys(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path / 'c'}")
    with database.read() as connection:
        found = [connection.scalar(text(f"PRAGMA {name}")) for name in ("journal_mode", "synchronous", "foreign_keys")]
    database.engine.dispose()
    assert found == ["wal", 2, 1]


@pytest.mark.parametrize("url", ["", "nonsense://x", "sqlite:////no/such/directory/c"])
def test_what_cannot_be_opened_is_one_clear_error(url: str) -> None:
    with pytest.raises(CatalogError, match="cannot be opened"):
        Catalog.open(url)


def test_a_file_that_is_no_database_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "catalog.sqlite3").write_bytes(b"not a database, certainly" * 100)
    with pytest.raises(CatalogError, match="not a database"):
        Catalog.open_in(tmp_path)


def test_a_database_in_memory_is_possible() -> None:
    with Catalog.open("sqlite://") as catalog:
        catalog.subscribers.upsert(Subscriber(number="1"), now=NOW)
        assert [s.number for s in catalog.subscribers.list()] == ["1"]


def test_an_error_undoes_the_whole_transaction(tmp_path: Path) -> None:
    with Catalog.open_in(tmp_path) as catalog:
        good, bad = Subscriber(number="1001"), Subscriber(number="NOT A NUMBER")
        with pytest.raises(ValueError, match="cannot be a subscriber's number"):
            catalog.subscribers.upsert_all([(good, None), (bad, None)], now=NOW)
        assert (catalog.subscribers.list(), catalog.version("subscribers")) == ((), 0)


def test_times_come_back_in_utc_and_naive_ones_are_refused(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path / 'c'}")
    table = metadata.tables["settings"]
    paris = datetime(2026, 3, 4, 10, 30, tzinfo=timezone(timedelta(hours=1)))
    with database.write() as connection:
        connection.execute(table.insert().values(key="k", value=1, updated_at=paris))
    with database.read() as connection:
        (found,) = connection.scalars(table.select().with_only_columns(table.c.updated_at))
    with pytest.raises(Exception, match="must have a time zone"), database.write() as connection:
        connection.execute(table.insert().values(key="n", value=1, updated_at=NOW.replace(tzinfo=None)))
    database.engine.dispose()
    assert (found, found.tzinfo) == (NOW, UTC)


def test_two_processes_write_to_one_catalogue_at_the_same_time(tmp_path: Path) -> None:
    """Another process adds a hundred subscribers while this one does; none is lost, both see all changes counted."""
    program = (
        "import sys; from pathlib import Path; from datetime import datetime, UTC\n"
        "from callmodel.subscriber import Subscriber; from catalog import Catalog\n"
        "c = Catalog.open_in(Path(sys.argv[1]))\n"
        "for i in range(100): c.subscribers.upsert(Subscriber(number=f'b{i}'), now=datetime.now(UTC))\n"
    )
    other = subprocess.Popen([sys.executable, "-c", program, str(tmp_path)])
    with Catalog.open_in(tmp_path) as catalog:
        for number in range(100):
            catalog.subscribers.upsert(Subscriber(number=f"a{number}"), now=NOW)
        assert other.wait(timeout=60) == 0
        assert (len(catalog.subscribers.list()), catalog.version("subscribers")) == (200, 200)


def test_a_reader_is_not_kept_waiting_by_a_writer(tmp_path: Path) -> None:
    with Catalog.open_in(tmp_path) as catalog:
        catalog.subscribers.upsert(Subscriber(number="1001"), now=NOW)
        writer = sqlite3.connect(tmp_path / "catalog.sqlite3", isolation_level=None)
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("DELETE FROM subscribers")
        assert [s.number for s in catalog.subscribers.list()] == ["1001"]
        writer.execute("ROLLBACK")
        writer.close()


def test_events_need_their_call() -> None:
    from catalog import CallEvent

    with Catalog.open("sqlite://") as catalog, pytest.raises(IntegrityError):
        catalog.calls.add_events("unknown", [CallEvent(at=NOW, kind="call.started")])
