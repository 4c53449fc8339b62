"""How often a client may call: calls per second, calls per UTC day, token requests in any 24 hours."""

from __future__ import annotations

import math
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from dubber_platform.config import PlanLimits

CLIENTS_MAX = 4096
"""Clients remembered; the one heard of longest ago is forgotten first."""
DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)


@dataclass(slots=True)
class _Usage:
    recent: deque[datetime] = field(default_factory=deque)
    day: date | None = None
    today: int = 0
    tokens: deque[datetime] = field(default_factory=deque)


@dataclass(frozen=True, slots=True, kw_only=True)
class OverLimit:
    """A call too many."""

    code: int
    """1021 calls per second, 1022 per day."""
    message: str
    retry_after_s: int


class Meter:
    """Counts calls by client, in memory."""

    def __init__(self, limits: PlanLimits, clock: Callable[[], datetime]) -> None:
        """``clock`` gives aware UTC."""
        self._limits = limits
        self._clock = clock
        self._clients: OrderedDict[str, _Usage] = OrderedDict()

    def call(self, client: str) -> OverLimit | None:
        """Count one call; a refused call is not counted."""
        now, usage = self._clock(), self._usage(client)
        per_second, per_day = self._limits.calls_per_second, self._limits.calls_per_day
        if usage.day != now.date():
            usage.day, usage.today = now.date(), 0
        if per_day is not None and usage.today >= per_day:
            midnight = now.replace(hour=0, minute=0, second=0, microsecond=0) + DAY
            return OverLimit(code=1022, message="Forbidden: Daily Rate Limit", retry_after_s=_seconds(midnight - now))
        _forget(usage.recent, now - SECOND)
        if per_second is not None and len(usage.recent) >= per_second:
            return OverLimit(code=1021, message="Forbidden: QPS Limit", retry_after_s=1)
        if per_second is not None:
            usage.recent.append(now)
        usage.today += 1
        return None

    def token_request(self, client: str) -> OverLimit | None:
        """Count one token request, good or bad; a refused one is not counted."""
        limit = self._limits.token_requests_per_day
        if limit is None:
            return None
        now, usage = self._clock(), self._usage(client)
        _forget(usage.tokens, now - DAY)
        if len(usage.tokens) >= limit:
            wait = usage.tokens[0] + DAY - now
            return OverLimit(code=1022, message="Forbidden: Daily Rate Limit", retry_after_s=_seconds(wait))
        usage.tokens.append(now)
        return None

    def _usage(self, client: str) -> _Usage:
        usage = self._clients.setdefault(client, _Usage())
        self._clients.move_to_end(client)
        if len(self._clients) > CLIENTS_MAX:
            self._clients.popitem(last=False)
        return usage


def _forget(instants: deque[datetime], until: datetime) -> None:
    while instants and instants[0] <= until:
        instants.popleft()


def _seconds(span: timedelta) -> int:
    return max(1, math.ceil(span.total_seconds()))
