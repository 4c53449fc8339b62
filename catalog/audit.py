"""Who changed what, when, from where: every change that somebody makes through a page, an API or a command."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, or_, select

from catalog.engine import Database
from catalog.tables import audit as table

MAX_LIST = 1000

_SECRET: Final = ("password", "secret", "token", "ha1", "credential", "hash")


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who is at it."""

    name: str
    """A username, ``token:<name>``, ``command line`` or ``configuration``."""
    address: str = ""
    """Where from: an IP address; empty for this machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditChange:
    """What is about to be written down."""

    action: str
    """Dotted noun.verb, such as ``user.changed``."""
    subject: str
    """What was changed: a number, a username, the name of a setting."""
    before: Mapping[str, Any] | None = None
    """The values that changed, as they were; None for something new."""
    after: Mapping[str, Any] | None = None
    """As they are now; None for something removed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One change."""

    id: int
    at: datetime
    actor: str
    action: str
    subject: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    address: str


class Audit:
    """Reads and appends; nothing is ever changed or removed."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, change: AuditChange, *, actor: Actor, now: datetime) -> None:
        """Append one; ValueError when a value has the name of a secret."""
        with self._database.write() as connection:
            write_audit(connection, [change], actor=actor, now=now)

    def list(
        self, *, before_id: int | None = None, limit: int = 50, actor: str = "", subject: str = "", action: str = ""
    ) -> tuple[AuditEntry, ...]:
        """Newest first, older than an id seen last; ``action`` ``user`` also finds ``user.changed``."""
        query = select(table).order_by(table.c.id.desc()).limit(min(limit, MAX_LIST))
        if before_id is not None:
            query = query.where(table.c.id < before_id)
        if actor:
            query = query.where(table.c.actor == actor)
        if subject:
            query = query.where(table.c.subject == subject)
        if action:
            query = query.where(or_(table.c.action == action, table.c.action.startswith(f"{action}.", autoescape=True)))
        with self._database.read() as connection:
            return tuple(_entry(row) for row in connection.execute(query))


def write_audit(connection: Connection, changes: Sequence[AuditChange], *, actor: Actor, now: datetime) -> None:
    """Append in the transaction that makes the changes: there is no change without its entry, nor the other way."""
    if not changes:
        return
    rows = [
        {
            "at": now,
            "actor": actor.name[:64],
            "action": change.action[:64],
            "subject": change.subject[:128],
            "before": _without_secrets(change.before),
            "after": _without_secrets(change.after),
            "address": actor.address[:64],
        }
        for change in changes
    ]
    connection.execute(table.insert(), rows)


def changed_values(
    before: Mapping[str, Any] | None, after: Mapping[str, Any] | None
) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """Only what differs, on both sides."""
    if before is None or after is None:
        return (None if before is None else dict(before), None if after is None else dict(after))
    names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    return {name: before.get(name) for name in names}, {name: after.get(name) for name in names}


def _without_secrets(values: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if values is None:
        return None
    for name in values:
        if any(word in name.lower() for word in _SECRET):
            raise ValueError(f"{name} does not belong into the audit log")
    return dict(values)


def _entry(row: Row[Any]) -> AuditEntry:
    return AuditEntry(
        id=row.id,
        at=row.at,
        actor=row.actor,
        action=row.action,
        subject=row.subject,
        before=row.before,
        after=row.after,
        address=row.address,
    )
