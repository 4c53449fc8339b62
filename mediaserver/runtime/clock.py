"""The two clocks: the machine's, and an event loop's own (which may be virtual)."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Monotonic seconds, and the wall time that belongs to them."""

    def now(self) -> float:
        """Monotonic seconds; the same zero for every process of the machine."""
        ...

    def wall(self, now: float) -> datetime:
        """UTC instant of a monotonic second."""
        ...


class SystemClock:
    """CLOCK_MONOTONIC and the system's wall clock."""

    def now(self) -> float:
        """Seconds of CLOCK_MONOTONIC."""
        return time.monotonic()

    def wall(self, now: float) -> datetime:
        """By the wall clock as it is set at the time of asking."""
        return datetime.fromtimestamp(time.time() - (time.monotonic() - now), UTC)


@dataclass(frozen=True, slots=True)
class LoopClock:
    """The running event loop's time; in virtual time a day in the past is its zero."""

    loop: asyncio.AbstractEventLoop
    epoch: datetime = field(default=datetime(2026, 1, 1, tzinfo=UTC))

    def now(self) -> float:
        """The loop's seconds."""
        return self.loop.time()

    def wall(self, now: float) -> datetime:
        """The epoch plus the loop's time."""
        return self.epoch + timedelta(seconds=now)
