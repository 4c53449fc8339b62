"""The catalogue as one object."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Self

from catalog.calls import Calls
from catalog.engine import Database, open_database
from catalog.recordings import Recordings
from catalog.settings import Settings
from catalog.subscribers import Subscribers
from catalog.uploads import Uploads

FILE_NAME = "catalog.sqlite3"


class Catalog:
    """Subscribers, settings, calls, recordings and the outbox of one carrier. Blocking: call it off the event loop."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.subscribers = Subscribers(database)
        self.settings = Settings(database)
        self.calls = Calls(database)
        self.recordings = Recordings(database)
        self.uploads = Uploads(database)

    @classmethod
    def open(cls, url: str) -> Self:
        """Open a database by its URL, bringing its schema up to date; CatalogError."""
        return cls(open_database(url))

    @classmethod
    def open_in(cls, data_dir: Path) -> Self:
        """Open the catalogue of a data directory."""
        return cls.open(f"sqlite:///{data_dir / FILE_NAME}")

    def version(self, topic: str) -> int:
        """How often ``subscribers``, ``settings``, ``recordings`` or ``uploads`` changed, by any process."""
        return self._database.version(topic)

    def close(self) -> None:
        """Let go of all connections."""
        self._database.engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
