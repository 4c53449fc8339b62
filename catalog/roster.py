"""All subscribers and what their passwords are checked against, for one who needs them at hand: the server.

With ten thousand users most of the time of reading them goes into making objects; so those whose row is what it was are
kept from one reading to the next.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Any, Final

from sqlalchemy import Row, select

from callmodel.subscriber import Subscriber
from catalog.credentials import Credentials
from catalog.engine import Database
from catalog.subscribers import subscriber_of
from catalog.tables import subscribers as table

_COLUMNS: Final = tuple(column for column in table.c if column.name not in ("updated_at", "name_key"))
_QUERY: Final = select(*_COLUMNS).order_by(table.c.number)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """Everybody, as of one reading; both in order of number."""

    subscribers: Mapping[str, Subscriber]
    """By number."""
    credentials: Mapping[str, Credentials]
    """By number; of those that have a password."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    row: Row[Any]
    subscriber: Subscriber
    credentials: Credentials | None


class Roster:
    """One reader's copy; may be read from any thread. Blocking."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: dict[str, _Known] = {}
        self._one = Lock()

    def read(self) -> Listed:
        """Everybody as the database has them now."""
        with self._one:
            with self._database.read() as connection:
                rows = connection.execute(_QUERY).all()
            self._known = {row.number: self._of(row) for row in rows}
            known = self._known.values()
            return Listed(
                subscribers={one.subscriber.number: one.subscriber for one in known},
                credentials={one.subscriber.number: one.credentials for one in known if one.credentials is not None},
            )

    def _of(self, row: Row[Any]) -> _Known:
        known = self._known.get(row.number)
        if known is not None and known.row == row:
            return known
        credentials = None
        if row.realm is not None:
            credentials = Credentials(realm=row.realm, ha1_md5=row.ha1_md5, ha1_sha256=row.ha1_sha256)
        return _Known(row=row, subscriber=subscriber_of(row), credentials=credentials)
