"""Time, as an argument: everything here that waits or stamps does it through a clock."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """What the uploader needs of time."""

    def now(self) -> datetime:
        """UTC."""

    async def sleep(self, seconds: float) -> None:
        """Let so much time pass."""


class RealClock:
    """The clock on the wall."""

    def now(self) -> datetime:
        """UTC."""
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        """Let so much time pass."""
        await asyncio.sleep(seconds)
