"""One time line for everything: ticks of 1/8000 s of the monotonic clock.

A tick is an RTP tick of every codec here and a sample of G.711, so a place in
the call, a place in a ring and a place in a file differ by additions only.
"""

from __future__ import annotations

from math import floor
from typing import Final

TICK_HZ: Final = 8000
FRAME_TICKS: Final = 160
"""20 ms: the engine's frame."""
NS_PER_TICK: Final = 1_000_000_000 // TICK_HZ
_GRAIN: Final = 1e-4
"""A hundredth of a microsecond: makes up for what a float loses, far below a tick."""


def tick_at(now: float) -> int:
    """The tick that has begun at ``now`` (monotonic seconds)."""
    return floor(now * TICK_HZ + _GRAIN)


def nearest_tick(now: float) -> int:
    """For instants that name a sample: commands' ``at``."""
    return round(now * TICK_HZ)


def seconds(tick: int) -> float:
    """Monotonic seconds of a tick."""
    return tick / TICK_HZ


def frame_from(tick: int) -> int:
    """First frame boundary at or after ``tick``, as a tick."""
    return -(-tick // FRAME_TICKS) * FRAME_TICKS
