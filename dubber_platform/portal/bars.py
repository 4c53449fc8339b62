"""Recordings per day as bars; the page draws them as they are computed here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from dubber_platform.store.dashboard import Day

HEIGHT: Final = 120
STEP: Final = 40
"""Width of one day, in units of the picture."""
GAP: Final = 6
LOWEST: Final = 2
"""A day with recordings is never invisible."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One day, in units of the picture; y grows downwards."""

    day: datetime
    recordings: int
    duration_s: int
    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """All bars and the size of their picture."""

    bars: tuple[Bar, ...]
    width: int
    height: int
    most: int
    """Recordings of the busiest day; the top of the picture."""


def chart_of(days: Sequence[Day]) -> Chart:
    """Bars as high as their days were busy."""
    most = max((day.recordings for day in days), default=0)
    bars = []
    for number, day in enumerate(days):
        height = max(LOWEST, round(HEIGHT * day.recordings / most)) if day.recordings else 0
        bars.append(
            Bar(
                day=day.start,
                recordings=day.recordings,
                duration_s=day.duration_s,
                x=number * STEP + GAP // 2,
                y=HEIGHT - height,
                width=STEP - GAP,
                height=height,
            )
        )
    return Chart(bars=tuple(bars), width=len(days) * STEP, height=HEIGHT, most=most)
