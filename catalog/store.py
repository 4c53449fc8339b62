"""The catalogue as one object."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Self

from catalog.accounts import Accounts
from catalog.api_tokens import ApiTokens
from catalog.audit import Audit
from catalog.calls import Calls
from catalog.engine import Database, open_database
from catalog.figures import Figures
from catalog.provider import Provider
from catalog.provisioning import Provisioning
from catalog.recordings import Recordings
from catalog.roster import Roster
from catalog.service_settings import ServiceStore
from catalog.settings import Settings
from catalog.subscribers import Subscribers
from catalog.uploads import Uploads

FILE_NAME = "catalog.sqlite3"


class Catalog:
    """Everything that one carrier keeps. Blocking: call it off the event loop."""

    def __init__(self, database: Database) -> None:
        self.database = database
        """For the functions of ``catalog.enabling``, which touch several tables at once."""
        self.subscribers = Subscribers(database)
        self.settings = Settings(database)
        self.service_settings = ServiceStore(self.settings)
        self.calls = Calls(database)
        self.recordings = Recordings(database)
        self.uploads = Uploads(database)
        self.accounts = Accounts(database)
        self.audit = Audit(database)
        self.api_tokens = ApiTokens(database)
        self.provider = Provider(database)
        self.provisioning = Provisioning(database)
        self.figures = Figures(database)

    @classmethod
    def open(cls, url: str) -> Self:
        """Open a database by its URL, bringing its schema up to date; CatalogError."""
        return cls(open_database(url))

    @classmethod
    def open_in(cls, data_dir: Path) -> Self:
        """Open the catalogue of a data directory."""
        return cls.open(f"sqlite:///{data_dir / FILE_NAME}")

    def roster(self) -> Roster:
        """For a reader that wants all subscribers at hand, again and again."""
        return Roster(self.database)

    def version(self, topic: str) -> int:
        """How often one of these changed, by any process: ``subscribers``, ``settings``, ``recordings``, ``uploads``,
        ``provisioning``, ``accounts``."""
        return self.database.version(topic)

    def close(self) -> None:
        """Let go of all connections."""
        self.database.engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
