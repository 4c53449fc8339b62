"""Where tests keep their databases: in memory, or each in one of its own on a PostgreSQL server."""

from __future__ import annotations

from dataclasses import dataclass

from catalog import Catalog
from dubber_platform.store.database import create_schema, engine_of
from tests.support.postgresql import PostgresServer

IN_MEMORY = "sqlite://"


@dataclass(frozen=True, slots=True)
class Databases:
    """Addresses of databases with tables and nothing in them, for one user at a time."""

    server: PostgresServer | None
    """None: SQLite."""

    def catalog(self) -> str:
        """A carrier's."""
        return IN_MEMORY if self.server is None else self.server.emptied("catalog", _make_catalog)

    def platform(self) -> str:
        """A platform's; in memory the tables are yet to be made."""
        return IN_MEMORY if self.server is None else self.server.emptied("platform", _make_platform)


def _make_catalog(url: str) -> None:
    Catalog.open(url).close()


def _make_platform(url: str) -> None:
    engine = engine_of(url)
    create_schema(engine)
    engine.dispose()
