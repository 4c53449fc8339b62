"""A PostgreSQL server of the tests' own: in a directory of its own, on a Unix socket only, gone when they are.

It is set up in French, as many are: text must sort and be found as on SQLite whatever the server's language is.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import NullPool, create_engine, text

from tests.support.server_process import Lines

DEBIAN = Path("/usr/lib/postgresql")
"""Where Debian keeps the programs, a directory for each version; they are not on PATH there."""
USER = "mediaserver"
SETTINGS = ("listen_addresses=", "fsync=off", "full_page_writes=off", "autovacuum=off", "max_connections=50")
LANGUAGE = ("--encoding=UTF8", "--locale=C", "--locale-provider=icu", "--icu-locale=fr")
EMPTY = """DO $$ DECLARE name text; BEGIN
    SET LOCAL session_replication_role = replica;
    FOR name IN SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = 'public'
        AND tablename NOT IN ('alembic_version', 'schema_version') LOOP EXECUTE 'DELETE FROM ' || name; END LOOP;
    PERFORM setval(oid, 1, false) FROM pg_class WHERE relkind = 'S';
END $$"""
"""Quicker than TRUNCATE, which makes new files."""
START_S, STOP_S = 30.0, 30.0


class PostgresServer:
    """A running server."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._made: dict[str, list[str]] = {}
        self._kept = create_engine(self._address("postgres"), isolation_level="AUTOCOMMIT", pool_pre_ping=True)
        self._numbers = count(1)
        self._process: subprocess.Popen[str]

    def start(self) -> None:
        """Returns when it answers."""
        words = [word for setting in SETTINGS for word in ("-c", setting)]
        self._process = subprocess.Popen(
            [program("postgres"), "-D", str(self.folder / "data"), "-k", str(self.folder), *words],
            stderr=subprocess.PIPE,
            text=True,
            cwd=self.folder,
            **unprivileged(),
        )
        log = Lines(self._process.stderr)
        if log.next(0, lambda line: "ready to accept connections" in line, START_S) is None:
            raise AssertionError(f"PostgreSQL did not start:\n{log.text()}")

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Ends every connection; what was committed stays, unless it is told to drop everything (SIGQUIT)."""
        self._kept.dispose()
        self._process.send_signal(how)
        self._process.wait(STOP_S)

    def new_database(self) -> str:
        """Address of a database without tables."""
        name = f"d{next(self._numbers)}"
        with self._kept.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
        return self._address(name)

    def emptied(self, kind: str, make_tables: Callable[[str], None]) -> str:
        """Address of a database with these tables and no rows: one that nobody is connected to, or a new one."""
        known = self._made.setdefault(kind, [])
        with self._kept.connect() as connection:
            busy = set(connection.scalars(text("SELECT datname FROM pg_stat_activity WHERE datname IS NOT NULL")))
        for address in known:
            if _name(address) not in busy:
                engine = create_engine(address, isolation_level="AUTOCOMMIT", poolclass=NullPool)
                with engine.connect() as connection:
                    connection.execute(text(EMPTY))
                return address
        known.append(self.new_database())
        make_tables(known[-1])
        return known[-1]

    def _address(self, name: str) -> str:
        return f"postgresql+psycopg://{USER}@/{name}?host={self.folder}"


def _name(address: str) -> str:
    return address.partition("?")[0].rpartition("/")[2]


@contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """One server, from nothing; FileNotFoundError when it is not installed."""
    initdb = program("initdb")
    with TemporaryDirectory(prefix="postgresql-", ignore_cleanup_errors=True) as path:
        folder = Path(path)
        owner = unprivileged()
        if owner:
            shutil.chown(folder, owner["user"], owner["group"])
        subprocess.run(
            [initdb, "-D", str(folder / "data"), f"--username={USER}", "--auth=trust", "--no-sync", *LANGUAGE],
            check=True,
            stdout=subprocess.DEVNULL,
            cwd=folder,
            **owner,
        )
        server = PostgresServer(folder)
        server.start()
        try:
            yield server
        finally:
            server.stop(signal.SIGQUIT)


def program(name: str) -> str:
    """Path of one of its programs, of the newest version there is; FileNotFoundError."""
    found = sorted(DEBIAN.glob(f"*/bin/{name}"), key=lambda path: float(path.parts[-3]))
    known = str(found[-1]) if found else shutil.which(name)
    if known is None:
        raise FileNotFoundError(f"{name} of PostgreSQL is not installed; on Debian: apt-get install postgresql")
    return known


def unprivileged() -> dict[str, Any]:
    """For subprocess: PostgreSQL does not run as root."""
    if os.geteuid() != 0:
        return {}
    known = {entry.pw_name for entry in pwd.getpwall()}
    user = pwd.getpwnam("postgres" if "postgres" in known else "nobody")
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": ()}
