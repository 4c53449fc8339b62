"""Opening the database: WAL, foreign keys, short transactions, migrations.

A write transaction takes the one write lock when it begins, so that two
processes wait for each other instead of failing half way; readers never wait.
Several processes may have the database open. SQLite has such a lock, on
PostgreSQL it is one of ours.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, StaticPool, create_engine, event, make_url, select
from sqlalchemy.exc import ArgumentError, DBAPIError

from catalog import tables
from catalog.errors import CatalogError

BUSY_TIMEOUT_MS: Final = 10_000
"""So long a writer waits for another."""

_WRITES: Final = "catalog_writes"
_POSTGRESQL_LOCK: Final = 0x63617461  # "cata"
_BEGIN: Final[Mapping[str, str]] = {
    "sqlite": "BEGIN",
    "postgresql": "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY",
}
"""How a transaction that only reads begins: from here on it sees one state of everything."""
_BEGIN_WRITING: Final[Mapping[str, str]] = {
    "sqlite": "BEGIN IMMEDIATE",
    "postgresql": f"SET LOCAL lock_timeout = {BUSY_TIMEOUT_MS}; SELECT pg_advisory_xact_lock({_POSTGRESQL_LOCK})",
}


class Database:
    """An engine with the two kinds of transaction there are."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """One consistent view."""
        with self.engine.begin() as connection:
            yield connection

    @contextmanager
    def write(self, *topics: str) -> Iterator[Connection]:
        """One transaction, all or nothing; the version of each topic goes up with it."""
        with self.engine.connect().execution_options(**{_WRITES: True}) as connection, connection.begin():
            yield connection
            for topic in topics:
                _bump(connection, topic)

    def version(self, topic: str) -> int:
        """How often a topic has been changed, by any process."""
        with self.read() as connection:
            found = connection.scalar(select(tables.changes.c.version).where(tables.changes.c.topic == topic))
        return found or 0


def open_database(url: str) -> Database:
    """Open (and make, and migrate) the database; CatalogError when that is not possible.

    ``sqlite://`` is a database in memory, for one user at a time; anything lasting is ``sqlite:///path`` or
    ``postgresql+psycopg://user:password@host/name``.
    """
    try:
        parsed = make_url(url)
        kind = parsed.get_backend_name()
        if kind not in _BEGIN:
            raise CatalogError(f"the catalogue cannot be opened: {kind} is neither sqlite nor postgresql")
        options: dict[str, Any] = {"pool_pre_ping": True}  # PostgreSQL may have been started anew meanwhile
        if kind == "sqlite":
            in_memory = {"poolclass": StaticPool, "connect_args": {"check_same_thread": False}}
            options = {} if parsed.database else in_memory
        engine = create_engine(parsed, **options)
        if kind == "sqlite":
            event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin)
        database = Database(engine)
        _migrate(database)
    except ImportError as error:
        told = f"{error}; the driver for PostgreSQL comes with pip install 'call-recording-mediaserver[postgresql]'"
        raise CatalogError(f"the catalogue cannot be opened: {told}") from error
    except (ArgumentError, DBAPIError) as error:
        cause = error.orig if isinstance(error, DBAPIError) else error
        raise CatalogError(f"the catalogue cannot be opened: {cause}") from error
    return database


def _migrate(database: Database) -> None:
    config = Config()
    config.set_main_option("script_location", "catalog:migrations")
    config.set_main_option("path_separator", "os")
    with database.write() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    # Without this the driver would begin transactions of its own, later than ours.
    connection.isolation_level = None
    for pragma in (f"busy_timeout={BUSY_TIMEOUT_MS}", "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin(connection: Connection) -> None:
    begin = _BEGIN_WRITING if connection.get_execution_options().get(_WRITES) else _BEGIN
    connection.exec_driver_sql(begin[connection.dialect.name])


def _bump(connection: Connection, topic: str) -> None:
    row = tables.changes
    done = connection.execute(row.update().where(row.c.topic == topic).values(version=row.c.version + 1))
    if done.rowcount == 0:
        connection.execute(row.insert().values(topic=topic, version=1))
