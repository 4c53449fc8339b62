"""What the carrier's catalogue promises, where PostgreSQL has a way of its own; the rest is in tests/unit/catalog."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Barrier

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, inspect, text

from callmodel.manifest import Party
from callmodel.modes import Language
from callmodel.subscriber import Subscriber
from catalog import CallRecord, Catalog, CatalogError, SortBy
from catalog import engine as catalog_engine
from catalog.engine import open_database
from catalog.tables import metadata
from tests.support.postgresql import PostgresServer
from tests.support.recordings import finished

NOW = datetime(2026, 3, 4, 9, 30, tzinfo=UTC)


@pytest.fixture
def of_version_1(url: str) -> str:
    """Address of a database that the first version made, with somebody in it."""
    config = Config()
    config.set_main_option("script_location", "catalog:migrations")
    config.set_main_option("path_separator", "os")
    engine = create_engine(url)
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.execute(
            text(
                "INSERT INTO subscribers (number, name, language, mailbox, no_answer_s, mode, announce_internal,"
                " announce_pstn, notification, record_voicemail, updated_at) VALUES ('1001', 'Élodie', 'fr', false, 20,"
                " 'Never', false, false, 'None', false, '2026-03-04 09:30:00+00')"
            )
        )
    engine.dispose()
    return url


@pytest.mark.parametrize("start", ["url", "of_version_1"])
def test_migrations_and_metadata_agree(start: str, request: pytest.FixtureRequest) -> None:
    """From nothing and from the first version: types, indexes, and the order of all text."""
    database = open_database(request.getfixturevalue(start))
    with database.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "target_metadata": metadata})
        assert compare_metadata(context, metadata) == []
        assert {*inspect(connection).get_table_names()} == {*metadata.tables, "alembic_version"}
        keyed = connection.execute(
            text(
                "SELECT DISTINCT collation_name FROM information_schema.columns"
                " WHERE column_name IN ('number', 'name_key', 'call_id', 'recording_id', 'username')"
            )
        )
        assert keyed.scalars().all() == ["C"]
    database.engine.dispose()


def test_what_was_there_is_found_again(of_version_1: str) -> None:
    """Also by what the second version seeks names by."""
    with Catalog.open(of_version_1) as catalog:
        elodie = Subscriber(number="1001", name="Élodie", language=Language.FR)
        assert catalog.subscribers.page("elodie") == ((elodie,), 1)


def test_text_sorts_by_code_points_in_a_french_database(url: str) -> None:
    """As SQLite and Python do: pages follow one another without gap or repeat, whoever sorts."""
    numbers = ["a", "b", "+1", "-1", ".1", "1", "10", "_1", "a_b", "a-b", "ab", "a.b"]
    with Catalog.open(url) as catalog:
        catalog.subscribers.upsert_all([(Subscriber(number=one, name=one), None) for one in numbers], now=NOW)
        assert [one.number for one in catalog.subscribers.list()] == sorted(numbers)
        assert [one.number for one in catalog.subscribers.list(after="a")] == ["a-b", "a.b", "a_b", "ab", "b"]
        by_name, total = catalog.subscribers.page(sort=SortBy.NAME)
        assert ([one.name for one in by_name], total) == (sorted(numbers), len(numbers))


def test_text_may_be_longer_than_is_usual(url: str) -> None:
    """A caller's name of a thousand characters costs no call."""
    long = "é" * 1000
    call = CallRecord(
        call_id="c1",
        external_tracking_id="t1",
        caller=Party(number="1", label=long),
        callee=Party(number="2"),
        started_at=NOW,
        cause=long,
    )
    with Catalog.open(url) as catalog:
        catalog.calls.put(call)
        assert catalog.calls.get("c1") == call


def test_two_processes_open_and_write_one_catalogue_at_the_same_time(url: str) -> None:
    """Both may find it empty; none of sixty subscribers is lost, and both see all changes counted."""
    program = (
        "import sys; from datetime import datetime, UTC\n"
        "from callmodel.subscriber import Subscriber; from catalog import Catalog\n"
        "c = Catalog.open(sys.argv[1])\n"
        "for i in range(30): c.subscribers.upsert(Subscriber(number=f'b{i}'), now=datetime.now(UTC))\n"
    )
    other = subprocess.Popen([sys.executable, "-c", program, url])
    with Catalog.open(url) as catalog:
        for number in range(30):
            catalog.subscribers.upsert(Subscriber(number=f"a{number}"), now=NOW)
        assert other.wait(timeout=60) == 0
        assert (len(catalog.subscribers.list()), catalog.version("subscribers")) == (60, 60)


def test_several_uploaders_never_claim_the_same_job(url: str, tmp_path: Path) -> None:
    """Nor does a setting that nobody set before break anybody's transaction."""
    with Catalog.open(url) as catalog, ThreadPoolExecutor(8) as pool:
        for number in range(40):
            path, manifest = finished(tmp_path, f"rec-{number:02}", frames=10)
            catalog.recordings.add_finished(manifest, path, now=NOW)
        together = Barrier(8)

        def claim(worker: int) -> list[str]:
            together.wait()
            catalog.settings.set(f"of all{worker % 2}", worker, now=NOW)
            return [job.recording_id for _ in range(5) for job in catalog.uploads.claim_due(NOW)]

        claimed = [recording for share in pool.map(claim, range(8)) for recording in share]
        assert sorted(claimed) == [f"rec-{number:02}" for number in range(40)]
        assert catalog.uploads.claim_due(NOW) == ()


def test_a_reader_is_not_kept_waiting_by_a_writer_and_sees_one_state(url: str) -> None:
    """What was written meanwhile is not seen half way."""
    with Catalog.open(url) as catalog:
        catalog.subscribers.upsert(Subscriber(number="1"), now=NOW)
        with catalog.database.read() as reader:
            count = text("SELECT count(*) FROM subscribers")
            seen = [reader.scalar(count)]
            with catalog.database.write() as connection:
                connection.execute(text("DELETE FROM subscribers"))
                assert [one.number for one in catalog.subscribers.list()] == ["1"]
            assert [*seen, reader.scalar(count)] == [1, 1]
        assert catalog.subscribers.list() == ()


def test_a_writer_gives_up_when_another_does_not_end(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With an error, as on SQLite, rather than never."""
    begin = {**catalog_engine._BEGIN_WRITING}
    begin["postgresql"] = begin["postgresql"].replace(f"{catalog_engine.BUSY_TIMEOUT_MS}", "100")
    with Catalog.open(url) as catalog, catalog.database.write():
        monkeypatch.setattr(catalog_engine, "_BEGIN_WRITING", begin)
        with pytest.raises(Exception, match="lock timeout"):
            catalog.subscribers.upsert(Subscriber(number="1"), now=NOW)


def test_nothing_can_be_written_where_it_was_only_to_be_read(url: str) -> None:
    """A mistake of ours is told, also on a database where it would do no harm at once."""
    delete, wrong = text("DELETE FROM subscribers"), pytest.raises(Exception, match="read-only transaction")
    with Catalog.open(url) as catalog, wrong, catalog.database.read() as connection:
        connection.execute(delete)


def test_it_goes_on_when_the_server_was_started_anew(postgresql: PostgresServer, url: str) -> None:
    """Connections that were kept are found dead and replaced."""
    with Catalog.open(url) as catalog:
        catalog.subscribers.upsert(Subscriber(number="1"), now=NOW)
        postgresql.stop()
        postgresql.start()
        catalog.subscribers.upsert(Subscriber(number="2"), now=NOW + timedelta(seconds=1))
        assert [one.number for one in catalog.subscribers.list()] == ["1", "2"]


def test_what_cannot_be_opened_is_one_clear_error_without_the_password(postgresql: PostgresServer) -> None:
    """No such database, no such server, no such driver."""
    for address in (
        f"postgresql+psycopg://mediaserver:hush@/nothere?host={postgresql.folder}",
        "postgresql+psycopg://mediaserver:hush@/x?host=/no/such/directory",
        "postgresql+pg8000://mediaserver:hush@/x",
    ):
        with pytest.raises(CatalogError, match="the catalogue cannot be opened: ") as told:
            Catalog.open(address)
        assert "hush" not in str(told.value)
