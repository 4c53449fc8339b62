"""Opening the database: WAL, foreign keys, short transactions, migrations.

A write transaction takes SQLite's write lock when it begins (BEGIN IMMEDIATE),
so that two processes wait for each other instead of failing half way; readers
never wait. Several processes may have the database open.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, StaticPool, create_engine, event, make_url, select
from sqlalchemy.exc import ArgumentError, DBAPIError

from catalog import tables
from catalog.errors import CatalogError

BUSY_TIMEOUT_MS = 10_000
_BEGIN = "catalog_begin"


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
        with self.engine.connect().execution_options(**{_BEGIN: "BEGIN IMMEDIATE"}) as connection, connection.begin():
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

    ``sqlite://`` is a database in memory, for one user at a time; anything lasting is ``sqlite:///path``.
    """
    try:
        parsed = make_url(url)
        in_memory = parsed.get_backend_name() == "sqlite" and not parsed.database
        options: dict[str, Any] = {}
        if in_memory:
            options = {"poolclass": StaticPool, "connect_args": {"check_same_thread": False}}
        engine = create_engine(parsed, **options)
        if parsed.get_backend_name() == "sqlite":
            event.listen(engine, "connect", _prepare_sqlite)
            event.listen(engine, "begin", _begin_sqlite)
        database = Database(engine)
        _migrate(database)
    except (ArgumentError, DBAPIError, ImportError) as error:
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


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get(_BEGIN, "BEGIN"))


def _bump(connection: Connection, topic: str) -> None:
    row = tables.changes
    done = connection.execute(row.update().where(row.c.topic == topic).values(version=row.c.version + 1))
    if done.rowcount == 0:
        connection.execute(row.insert().values(topic=topic, version=1))
