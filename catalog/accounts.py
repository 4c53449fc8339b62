"""People who sign in to the carrier's portals. Of a password only a hash is kept, made by the caller."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Row, select

from callmodel.modes import Language
from catalog.engine import Database
from catalog.tables import portal_accounts as table

TOPIC = "accounts"
"""Its version goes up with every change below."""

MAX_NAME_CHARS = 128
MAX_HASH_CHARS = 255

_USERNAME = re.compile(r"[a-z0-9][a-z0-9@._+-]{0,63}")


class PortalRole(StrEnum):
    """What somebody may do in the portals."""

    PROVIDER = "provider"
    """Administrator of the service provider: the group id, and everything below."""
    ADMINISTRATOR = "administrator"
    """Administrator of the customer: users and settings."""
    USER = "user"
    """A subscriber: the own page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PortalAccount:
    """Somebody who may sign in."""

    username: str
    """1 to 64 of ``0-9 a-z @ . _ + -``, lower case."""
    name: str
    role: PortalRole
    number: str | None = None
    """The subscriber this person is; needed for the role ``user``."""
    language: Language | None = None
    """None: as the browser asks."""

    def __post_init__(self) -> None:
        if not is_username(self.username):
            raise ValueError("username must be 1 to 64 of 0-9 a-z @ . _ + - and begin with a letter or digit")
        if len(self.name) > MAX_NAME_CHARS or not self.name.isprintable():
            raise ValueError(f"name must be at most {MAX_NAME_CHARS} printable characters")
        if self.role is PortalRole.USER and self.number is None:
            raise ValueError("number: an account with the role user belongs to a subscriber")


def is_username(text: str) -> bool:
    """True for what somebody may sign in by."""
    return _USERNAME.fullmatch(text) is not None


class Accounts:
    """Reads and writes accounts; each call is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, username: str) -> PortalAccount | None:
        """One, by the name it signs in with."""
        with self._database.read() as connection:
            row = connection.execute(select(table).where(table.c.username == username)).one_or_none()
        return None if row is None else _account(row)

    def list(self) -> tuple[PortalAccount, ...]:
        """All, in order of username."""
        with self._database.read() as connection:
            return tuple(_account(row) for row in connection.execute(select(table).order_by(table.c.username)))

    def put(self, account: PortalAccount, password_hash: str | None, *, now: datetime) -> None:
        """Add, or replace; None leaves a password as it is (an account without one cannot sign in)."""
        values = _columns(account) | {"updated_at": now}
        if password_hash is not None:
            values |= {"password_hash": _checked_hash(password_hash)}
        with self._database.write(TOPIC) as connection:
            done = connection.execute(table.update().where(table.c.username == account.username).values(**values))
            if done.rowcount == 0:
                connection.execute(table.insert().values(username=account.username, **values))

    def password_hash(self, username: str) -> str | None:
        """What a password is checked against; None for unknown names and accounts without a password."""
        query = select(table.c.password_hash).where(table.c.username == username)
        with self._database.read() as connection:
            found: str | None = connection.scalar(query)
        return found

    def set_password(self, username: str, password_hash: str, *, now: datetime) -> bool:
        """Replace the hash; False when there is no such account."""
        values = {"password_hash": _checked_hash(password_hash), "updated_at": now}
        with self._database.write(TOPIC) as connection:
            return connection.execute(table.update().where(table.c.username == username).values(**values)).rowcount > 0

    def delete(self, username: str) -> bool:
        """Remove one; False when there was none."""
        with self._database.write(TOPIC) as connection:
            return connection.execute(table.delete().where(table.c.username == username)).rowcount > 0

    def version(self) -> int:
        """Goes up with every change to any account, by any process."""
        return self._database.version(TOPIC)


def _checked_hash(password_hash: str) -> str:
    # A password that was passed by mistake must not be kept: every hash of ours begins like this.
    if not password_hash.startswith("$argon2") or len(password_hash) > MAX_HASH_CHARS:
        raise ValueError("this is no password hash")
    return password_hash


def _columns(account: PortalAccount) -> dict[str, Any]:
    return {
        "name": account.name,
        "role": account.role.value,
        "number": account.number,
        "language": account.language.value if account.language else None,
    }


def _account(row: Row[Any]) -> PortalAccount:
    return PortalAccount(
        username=row.username,
        name=row.name,
        role=PortalRole(row.role),
        number=row.number,
        language=None if row.language is None else Language(row.language),
    )
