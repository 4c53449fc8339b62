"""The provider's settings: a name and a JSON value each (group id, auto-provisioning, feature codes)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from catalog.engine import Database
from catalog.tables import settings as table

TOPIC = "settings"
"""Its version goes up with every change below."""


class Settings:
    """Reads and writes settings; each call is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, key: str, default: Any = None) -> Any:
        """The value, or ``default`` when it was never set."""
        with self._database.read() as connection:
            row = connection.execute(select(table.c.value).where(table.c.key == key)).one_or_none()
        return default if row is None else row.value

    def all(self) -> dict[str, Any]:
        """Everything that was set."""
        with self._database.read() as connection:
            rows = connection.execute(select(table.c.key, table.c.value).order_by(table.c.key)).all()
        return {row.key: row.value for row in rows}

    def set(self, key: str, value: Any, *, now: datetime) -> None:
        """Set one; the value must have a JSON form."""
        with self._database.write(TOPIC) as connection:
            write_setting(connection, key, value, now)

    def change(self, values: Mapping[str, Any], *, forget: Iterable[str] = (), now: datetime) -> None:
        """Set some and forget some in one transaction; the values must have a JSON form."""
        with self._database.write(TOPIC) as connection:
            for key in forget:
                delete_setting(connection, key)
            for key, value in values.items():
                write_setting(connection, key, value, now)

    def delete(self, key: str) -> bool:
        """Forget one; False when it was never set."""
        with self._database.write(TOPIC) as connection:
            return delete_setting(connection, key)

    def version(self) -> int:
        """Goes up with every change to any setting, by any process."""
        return self._database.version(TOPIC)


def write_setting(connection: Connection, key: str, value: Any, now: datetime) -> None:
    """Set one within a transaction."""
    done = connection.execute(table.update().where(table.c.key == key).values(value=value, updated_at=now))
    if done.rowcount == 0:
        connection.execute(table.insert().values(key=key, value=value, updated_at=now))


def delete_setting(connection: Connection, key: str) -> bool:
    """Forget one within a transaction; False when it was never set."""
    return connection.execute(table.delete().where(table.c.key == key)).rowcount > 0
