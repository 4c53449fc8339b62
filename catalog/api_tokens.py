"""Bearer tokens of the carrier's APIs. Of a token only its SHA-256 is kept: a random token needs no slower hash."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, or_, select

from catalog.engine import Database
from catalog.tables import api_tokens as table

MAX_NAME_CHARS = 128
MAX_SCOPES = 64
USED_EVERY = timedelta(minutes=1)
"""``last_used_at`` is this exact, so that a call of the API is not always a write."""

_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiToken:
    """A token, without what it opens doors with."""

    id: str
    name: str
    """What it is for, in its owner's words."""
    scopes: frozenset[str]
    number: str | None
    """The subscriber it is bound to; None: none."""
    created_at: datetime
    last_used_at: datetime | None


class ApiTokens:
    """Reads and writes tokens; each call is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def issue(
        self, token_digest: str, *, name: str, scopes: Iterable[str], number: str | None = None, now: datetime
    ) -> ApiToken:
        """Keep a new one by its SHA-256 (hexadecimal); ValueError, and IntegrityError for one that is there."""
        token = ApiToken(
            id=secrets.token_hex(8),
            name=name,
            scopes=frozenset(scopes),
            number=number,
            created_at=now,
            last_used_at=None,
        )
        if _DIGEST.fullmatch(token_digest) is None:
            raise ValueError("this is no SHA-256")
        if not 1 <= len(name) <= MAX_NAME_CHARS or not name.isprintable():
            raise ValueError(f"name must be 1 to {MAX_NAME_CHARS} printable characters")
        if len(token.scopes) > MAX_SCOPES:
            raise ValueError(f"at most {MAX_SCOPES} scopes")
        with self._database.write() as connection:
            connection.execute(
                table.insert().values(
                    id=token.id,
                    digest=token_digest,
                    name=name,
                    scopes=sorted(token.scopes),
                    number=number,
                    created_at=now,
                )
            )
        return token

    def find(self, token_digest: str) -> ApiToken | None:
        """The token whose SHA-256 this is."""
        with self._database.read() as connection:
            row = connection.execute(select(table).where(table.c.digest == token_digest)).one_or_none()
        return None if row is None else _token(row)

    def list(self) -> tuple[ApiToken, ...]:
        """All, newest first."""
        query = select(table).order_by(table.c.created_at.desc(), table.c.id)
        with self._database.read() as connection:
            return tuple(_token(row) for row in connection.execute(query))

    def delete(self, token_id: str) -> bool:
        """Make one worthless; False when there was none."""
        with self._database.write() as connection:
            return connection.execute(table.delete().where(table.c.id == token_id)).rowcount > 0

    def used(self, token_id: str, now: datetime) -> None:
        """Note that one was used."""
        stale = or_(table.c.last_used_at.is_(None), table.c.last_used_at < now - USED_EVERY)
        chosen = (table.c.id == token_id) & stale
        with self._database.read() as connection:
            if connection.execute(select(table.c.id).where(chosen)).first() is None:
                return
        with self._database.write() as connection:
            connection.execute(table.update().where(chosen).values(last_used_at=now))


def _token(row: Row[Any]) -> ApiToken:
    return ApiToken(
        id=row.id,
        name=row.name,
        scopes=frozenset(row.scopes),
        number=row.number,
        created_at=row.created_at,
        last_used_at=row.last_used_at,
    )
