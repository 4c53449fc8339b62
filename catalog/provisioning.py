"""What Dubber is yet to know of the carrier's users: one row for each that was ever enabled.

Whoever works on a row claims it by moving its time on, and reports under the
times that it claimed: a row that a person asked for anew meanwhile is not
overwritten by an older answer.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import Connection, Row, func, select

from catalog.engine import Database
from catalog.provider import read_provider
from catalog.settings import delete_setting, write_setting
from catalog.tables import provisioning as table
from catalog.tables import settings, subscribers

TOPIC: Final = "provisioning"
"""Its version goes up with every change below."""

MAX_PROBLEM_CHARS: Final = 2000
_NUMBERS_AT_A_TIME: Final = 500
_STANDSTILL: Final = "provisioning.standstill"


class ProvisioningStatus(StrEnum):
    """Where it stands."""

    PENDING = "pending"
    """To be done, or tried again, at ``next_at``."""
    DONE = "done"
    """The dub point is there."""
    FAILED = "failed"
    """Dubber refused for good: waits until somebody asks anew."""
    MANUAL = "manual"
    """Somebody makes it by hand; at ``next_at`` we look whether it is there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvisioningState:
    """Where the provisioning of one subscriber stands."""

    number: str
    status: ProvisioningStatus
    problem: str = ""
    """Why it is not done, in the platform's own words where it gave some; may stand beside any status but done."""
    user_id: str | None = None
    """Dubber's user, as soon as it is there."""
    dub_point_id: str | None = None
    attempts: int = 0
    """Failed ones, or looks in vain, since somebody asked."""
    next_at: datetime
    updated_at: datetime


class Provisioning:
    """Reads and writes these rows; each method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def request(self, number: str, *, now: datetime) -> None:
        """Have it done (or done again) at once; IntegrityError when there is no such subscriber."""
        with self._database.write(TOPIC) as connection:
            request_in(connection, [number], now)

    def get(self, number: str) -> ProvisioningState | None:
        """One; None for somebody who was never enabled."""
        with self._database.read() as connection:
            row = connection.execute(select(table).where(table.c.number == number)).one_or_none()
        return None if row is None else _state(row)

    def list(
        self, *, status: ProvisioningStatus | None = None, offset: int = 0, limit: int = 1_000_000
    ) -> tuple[ProvisioningState, ...]:
        """All, or those of one status, in order of number."""
        query = select(table).order_by(table.c.number).offset(offset).limit(limit)
        if status is not None:
            query = query.where(table.c.status == status.value)
        with self._database.read() as connection:
            return tuple(_state(row) for row in connection.execute(query))

    def counts(self) -> dict[ProvisioningStatus, int]:
        """How many there are of each status."""
        query = select(table.c.status, func.count()).group_by(table.c.status)
        with self._database.read() as connection:
            found = {ProvisioningStatus(status): number for status, number in connection.execute(query)}
        return {status: found.get(status, 0) for status in ProvisioningStatus}

    def due(self, now: datetime, limit: int = 100) -> tuple[ProvisioningState, ...]:
        """What is to be done, or looked at, now; the longest due first."""
        with self._database.read() as connection:
            return tuple(_state(row) for row in _due(connection, now, limit))

    def claim_due(self, now: datetime, *, limit: int, lease: timedelta) -> tuple[ProvisioningState, ...]:
        """As ``due``, and nobody else gets them before the lease is over."""
        with self._database.read() as connection:
            if not _due(connection, now, 1):
                return ()
        with self._database.write() as connection:
            numbers = [row.number for row in _due(connection, now, limit)]
            claimed = {"next_at": now + lease, "updated_at": now}
            connection.execute(table.update().where(table.c.number.in_(numbers)).values(**claimed))
            rows = connection.execute(select(table).where(table.c.number.in_(numbers))).all()
        by_number = {row.number: _state(row) for row in rows}
        return tuple(by_number[number] for number in numbers)

    def next_due_at(self) -> datetime | None:
        """When the first falls due; None when there is nothing to do."""
        query = select(func.min(table.c.next_at)).where(table.c.status == ProvisioningStatus.PENDING.value)
        looks = select(func.min(table.c.next_at)).where(table.c.status == ProvisioningStatus.MANUAL.value)
        with self._database.read() as connection:
            found = [at for at in (connection.scalar(query), connection.scalar(looks)) if at is not None]
        return min(found, default=None)

    def put(self, state: ProvisioningState) -> bool:
        """Add or replace one; False when its subscriber is gone."""
        with self._database.write(TOPIC) as connection:
            done = connection.execute(table.update().where(table.c.number == state.number).values(**_columns(state)))
            if done.rowcount:
                return True
            if not _is_subscriber(connection, state.number):
                return False
            connection.execute(table.insert().values(number=state.number, **_columns(state)))
        return True

    def report(self, claimed: ProvisioningState, now_is: ProvisioningState) -> bool:
        """Replace what was claimed; False (and nothing changes) when it was asked for anew, or is gone."""
        same = (table.c.updated_at == claimed.updated_at) & (table.c.next_at == claimed.next_at)
        chosen = (table.c.number == claimed.number) & same
        with self._database.write(TOPIC) as connection:
            return connection.execute(table.update().where(chosen).values(**_columns(now_is))).rowcount > 0

    def drop(self, claimed: ProvisioningState) -> bool:
        """Forget what was claimed, unless it was asked for anew."""
        same = (table.c.updated_at == claimed.updated_at) & (table.c.next_at == claimed.next_at)
        with self._database.write(TOPIC) as connection:
            return connection.execute(table.delete().where(table.c.number == claimed.number, same)).rowcount > 0

    def hurry(self, now: datetime) -> int:
        """At the start: what is pending or looked for falls due now, whatever a crash left claimed; how many."""
        chosen = table.c.status.in_([ProvisioningStatus.PENDING.value, ProvisioningStatus.MANUAL.value])
        with self._database.write() as connection:
            return connection.execute(
                table.update().where(chosen, table.c.next_at > now).values(next_at=now, updated_at=now)
            ).rowcount

    def stand_still(self, reason: str, *, now: datetime) -> None:
        """Nobody works on these rows: say why in every one that is pending, also in later ones. Empty: work goes on."""
        pending = table.c.status == ProvisioningStatus.PENDING.value
        with self._database.write(TOPIC) as connection:
            before = _standstill(connection)
            if reason:
                write_setting(connection, _STANDSTILL, reason[:MAX_PROBLEM_CHARS], now)
            else:
                delete_setting(connection, _STANDSTILL)
            told = table.c.problem.in_(["", before])
            connection.execute(table.update().where(pending, told).values(problem=reason[:MAX_PROBLEM_CHARS]))

    def forget(self, number: str) -> bool:
        """Remove one; False when there was none. What Dubber has stays there."""
        with self._database.write(TOPIC) as connection:
            return connection.execute(table.delete().where(table.c.number == number)).rowcount > 0

    def version(self) -> int:
        """Goes up with every change, by any process."""
        return self._database.version(TOPIC)


def request_in(connection: Connection, numbers: Iterable[str], now: datetime) -> None:
    """Have these done, within a transaction: pending, or manual while auto-provisioning is off."""
    automatic = read_provider(connection).auto_provisioning
    status = ProvisioningStatus.PENDING if automatic else ProvisioningStatus.MANUAL
    values = {
        "status": status.value,
        "problem": _standstill(connection),
        "user_id": None,
        "attempts": 0,
        "next_at": now,
        "updated_at": now,
    }
    wanted = list(dict.fromkeys(numbers))
    known: set[str] = set()
    for start in range(0, len(wanted), _NUMBERS_AT_A_TIME):
        some = table.c.number.in_(wanted[start : start + _NUMBERS_AT_A_TIME])
        known |= set(connection.execute(select(table.c.number).where(some)).scalars())
        connection.execute(table.update().where(some).values(**values))
    new = [{"number": number, "dub_point_id": None, **values} for number in wanted if number not in known]
    if new:
        connection.execute(table.insert(), new)


def switch_in(connection: Connection, *, automatic: bool, now: datetime) -> None:
    """Auto-provisioning was switched, within a transaction: what is not done goes the other way from now on."""
    pending, failed, manual = (
        status.value for status in (ProvisioningStatus.PENDING, ProvisioningStatus.FAILED, ProvisioningStatus.MANUAL)
    )
    chosen = table.c.status == manual if automatic else table.c.status.in_([pending, failed])
    values = {
        "status": pending if automatic else manual,
        "problem": _standstill(connection),
        "attempts": 0,
        "next_at": now,
        "updated_at": now,
    }
    connection.execute(table.update().where(chosen).values(**values))


def due_query(status: ProvisioningStatus, now: datetime, limit: int) -> Any:
    """Rows of one status whose time has come, in the order of an index."""
    due = select(table).where(table.c.status == status.value, table.c.next_at <= now)
    return due.order_by(table.c.next_at, table.c.number).limit(limit)


def _due(connection: Connection, now: datetime, limit: int) -> list[Row[Any]]:
    # One question for each status: asked for both at once, a database would sort all that waits.
    found: list[Row[Any]] = []
    for status in (ProvisioningStatus.PENDING, ProvisioningStatus.MANUAL):
        found += connection.execute(due_query(status, now, limit)).all()
    return sorted(found, key=lambda row: (row.next_at, row.number))[:limit]


def _standstill(connection: Connection) -> str:
    return str(connection.scalar(select(settings.c.value).where(settings.c.key == _STANDSTILL)) or "")


def _is_subscriber(connection: Connection, number: str) -> bool:
    return connection.scalar(select(subscribers.c.number).where(subscribers.c.number == number)) is not None


def _columns(state: ProvisioningState) -> dict[str, Any]:
    return {
        "status": state.status.value,
        "problem": state.problem[:MAX_PROBLEM_CHARS],
        "user_id": state.user_id,
        "dub_point_id": state.dub_point_id,
        "attempts": state.attempts,
        "next_at": state.next_at,
        "updated_at": state.updated_at,
    }


def _state(row: Row[Any]) -> ProvisioningState:
    return ProvisioningState(
        number=row.number,
        status=ProvisioningStatus(row.status),
        problem=row.problem,
        user_id=row.user_id,
        dub_point_id=row.dub_point_id,
        attempts=row.attempts,
        next_at=row.next_at,
        updated_at=row.updated_at,
    )
