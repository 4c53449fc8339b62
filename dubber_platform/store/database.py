"""One thread owns the database; coroutines hand it functions of a session and wait for the answer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import structlog
from sqlalchemy import Connection, Engine, create_engine, event, insert, inspect, select, text
from sqlalchemy.orm import Session, sessionmaker

from dubber_platform.store import search
from dubber_platform.store.schema import SCHEMA_VERSION, Base, SchemaVersion
from dubber_platform.store.upgrade import UPGRADES

T = TypeVar("T")

log = structlog.get_logger("dubber_platform")


class SchemaError(Exception):
    """The database was made by another version of the product."""


class Database:
    """The platform's database. Every ``run`` is one transaction: all of it or none of it."""

    def __init__(self, url: str) -> None:
        """``url`` is SQLAlchemy's; nothing is opened yet."""
        self._engine = engine_of(url)
        self._sessions = sessionmaker(self._engine, expire_on_commit=False)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="platform-db")

    async def open(self) -> None:
        """Make the tables on first use, bring older ones up to date; SchemaError when they are of a later version."""
        await self._call(lambda: create_schema(self._engine))

    async def run(self, work: Callable[[Session], T]) -> T:
        """Run ``work`` in a transaction on the database's thread; an exception rolls it back."""

        def transact() -> T:
            with self._sessions.begin() as session:
                return work(session)

        return await self._call(transact)

    async def close(self) -> None:
        """Wait for work under way and close every connection."""
        await self._call(self._engine.dispose)
        self._thread.shutdown(wait=True)

    async def _call(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)


def engine_of(url: str, **options: Any) -> Engine:
    """SQLAlchemy's engine as the platform uses it, with further options of its own; nothing is opened yet."""
    if not url.startswith("sqlite"):
        return create_engine(url, pool_pre_ping=True, hide_parameters=True, **options)  # it may be started anew
    engine = create_engine(url, connect_args={"check_same_thread": False}, hide_parameters=True, **options)
    event.listen(engine, "connect", _tune_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def create_schema(engine: Engine) -> None:
    """Make the tables or upgrade them, in one transaction; SchemaError when a later version made them.

    An upgrade is told at its begin and end, as a warning: with many recordings somebody waits for it.
    """
    began = time.monotonic()
    with engine.begin() as connection:
        found = _version(connection)
        if found is None:
            Base.metadata.create_all(connection)
            search.create_index(connection)
            connection.execute(insert(SchemaVersion).values(version=SCHEMA_VERSION))
            return
        if not 1 <= found <= SCHEMA_VERSION:
            raise SchemaError(f"the platform's database has version {found}, this program needs {SCHEMA_VERSION}")
        if found == SCHEMA_VERSION:
            return
        recordings = connection.scalar(text("SELECT count(*) FROM recordings"))
        steps = {"from_version": found, "to_version": SCHEMA_VERSION, "recordings": recordings}
        log.warning("platform.upgrade_began", **steps)
        for version in range(found, SCHEMA_VERSION):
            UPGRADES[version](connection)
    log.warning("platform.upgrade_ended", **steps, seconds=round(time.monotonic() - began, 1))


def _version(connection: Connection) -> int | None:
    if not inspect(connection).has_table(SchemaVersion.__tablename__):
        return None
    return connection.scalar(select(SchemaVersion.version))


def _tune_sqlite(connection: Any, _record: object) -> None:
    # the driver begins no transaction by itself, so that changes of tables are part of one as well
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON", "busy_timeout=5000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")
