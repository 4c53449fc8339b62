"""Calls and what happened in them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, or_, select

from callmodel.manifest import Party
from catalog.engine import Database
from catalog.tables import call_events, calls


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRecord:
    """One call, as its detail record has it."""

    call_id: str
    external_tracking_id: str
    caller: Party
    callee: Party
    started_at: datetime
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    result: str | None = None
    """``answered``, ``busy``, ``no-answer`` and the like; None while it lasts."""
    cause: str | None = None
    """Who ended it and why, such as ``caller: BYE`` or ``callee: 486``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallEvent:
    """One thing that happened in a call."""

    at: datetime
    kind: str
    data: Mapping[str, Any] = field(default_factory=dict)


class Calls:
    """Reads and writes calls; each method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, call: CallRecord) -> None:
        """Add a call, or replace what was known of it."""
        with self._database.write() as connection:
            _put(connection, call)

    def put_with_events(self, found: Iterable[tuple[CallRecord, Sequence[CallEvent]]]) -> None:
        """Many calls and what happened in them, in one transaction."""
        with self._database.write() as connection:
            for call, events in found:
                _put(connection, call)
                _add(connection, call.call_id, events)

    def get(self, call_id: str) -> CallRecord | None:
        """One, by id."""
        with self._database.read() as connection:
            row = connection.execute(select(calls).where(calls.c.call_id == call_id)).one_or_none()
        return None if row is None else _call(row)

    def list(
        self, *, number: str | None = None, before: tuple[datetime, str] | None = None, limit: int = 100
    ) -> tuple[CallRecord, ...]:
        """Newest first; of one party's number; older than a ``(started_at, call_id)`` seen last."""
        query = select(calls).order_by(calls.c.started_at.desc(), calls.c.call_id.desc()).limit(limit)
        if before is not None:
            at, call_id = before
            same = and_(calls.c.started_at == at, calls.c.call_id < call_id)
            query = query.where(calls.c.started_at <= at, or_(calls.c.started_at < at, same))
        # Asked for either party with OR, a database would look through all calls: each of the two has its own index.
        sides = () if number is None else (calls.c.caller_number == number, calls.c.callee_number == number)
        found: dict[str, CallRecord] = {}
        with self._database.read() as connection:
            for one in [query.where(side) for side in sides] or [query]:
                found |= {row.call_id: _call(row) for row in connection.execute(one)}
        newest = sorted(found.values(), key=lambda call: (call.started_at, call.call_id), reverse=True)
        return tuple(newest[:limit])

    def add_events(self, call_id: str, events: Sequence[CallEvent]) -> None:
        """Append events to a call that is known; IntegrityError when it is not."""
        if events:
            with self._database.write() as connection:
                _add(connection, call_id, events)

    def events(self, call_id: str) -> tuple[CallEvent, ...]:
        """Of one call, in the order they were added."""
        query = select(call_events).where(call_events.c.call_id == call_id).order_by(call_events.c.id)
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        return tuple(CallEvent(at=row.at, kind=row.kind, data=row.data) for row in rows)

    def delete_before(self, at: datetime) -> int:
        """Forget calls that began earlier, with their events; how many."""
        with self._database.write() as connection:
            return connection.execute(calls.delete().where(calls.c.started_at < at)).rowcount


def _put(connection: Connection, call: CallRecord) -> None:
    values = {
        "external_tracking_id": call.external_tracking_id,
        "caller_number": call.caller.number,
        "caller_label": call.caller.label,
        "callee_number": call.callee.number,
        "callee_label": call.callee.label,
        "started_at": call.started_at,
        "answered_at": call.answered_at,
        "ended_at": call.ended_at,
        "result": call.result,
        "cause": call.cause,
    }
    done = connection.execute(calls.update().where(calls.c.call_id == call.call_id).values(**values))
    if done.rowcount == 0:
        connection.execute(calls.insert().values(call_id=call.call_id, **values))


def _add(connection: Connection, call_id: str, events: Sequence[CallEvent]) -> None:
    rows = [{"call_id": call_id, "at": e.at, "kind": e.kind, "data": dict(e.data)} for e in events]
    if rows:
        connection.execute(call_events.insert(), rows)


def _call(row: Row[Any]) -> CallRecord:
    return CallRecord(
        call_id=row.call_id,
        external_tracking_id=row.external_tracking_id,
        caller=Party(number=row.caller_number, label=row.caller_label),
        callee=Party(number=row.callee_number, label=row.callee_label),
        started_at=row.started_at,
        answered_at=row.answered_at,
        ended_at=row.ended_at,
        result=row.result,
        cause=row.cause,
    )
