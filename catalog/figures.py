"""Numbers for a dashboard, counted in indexes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from itertools import pairwise
from typing import Any

from sqlalchemy import Connection, func, select

from catalog.engine import Database
from catalog.tables import calls, recordings, upload_jobs
from catalog.uploads import JobState

MAX_DAYS = 366


@dataclass(frozen=True, slots=True, kw_only=True)
class DayFigures:
    """What happened on one day."""

    day: date
    calls: int
    """Begun on it."""
    recordings: int
    """Begun on it."""
    uploads: int
    """Whose delivery was confirmed on it."""


class Figures:
    """Counts; each method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def by_day(self, today: date, *, days: int = 7, zone: tzinfo = UTC) -> tuple[DayFigures, ...]:
        """The last ``days`` days, the oldest first; a day is one of the given zone."""
        edges = [_midnight(today - timedelta(days=back), zone) for back in range(min(days, MAX_DAYS) - 1, -2, -1)]
        # Most deliveries are done: SQLite, if it may, walks all of those for each day, not the day's in its own index.
        delivered = func.coalesce(upload_jobs.c.state, "") == JobState.DONE.value
        with self._database.read() as connection:
            called = _between(connection, calls.c.started_at, edges)
            recorded = _between(connection, recordings.c.started_at, edges)
            uploaded = _between(connection, upload_jobs.c.updated_at, edges, delivered)
        return tuple(
            DayFigures(
                day=edge.astimezone(zone).date(), calls=called[at], recordings=recorded[at], uploads=uploaded[at]
            )
            for at, edge in enumerate(edges[:-1])
        )


def _midnight(day: date, zone: tzinfo) -> datetime:
    return datetime.combine(day, time(0), zone).astimezone(UTC)


def _between(connection: Connection, column: Any, edges: Sequence[datetime], *also: Any) -> list[int]:
    """How many rows lie between each edge and the next."""
    found = []
    for start, end in pairwise(edges):
        query = select(func.count()).select_from(column.table).where(column >= start, column < end, *also)
        found.append(connection.scalar(query) or 0)
    return found
