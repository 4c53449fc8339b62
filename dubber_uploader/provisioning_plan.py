"""What follows an attempt to provision a subscriber: a pure function of its state, the outcome and the time.

It goes the way of the planner for deliveries, whose rules say which answers of
the platform are for good: transient failures are tried again for as long as they
last, ever more seldom; a refusal waits for a person. What is made by hand is
looked for, ever more seldom too.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from catalog import ProvisioningState, ProvisioningStatus
from dubber_uploader.planner import JobState, Meaning, NextStep, Outcome, Pace, Then, plan

PROVISIONING_PACE: Final = Pace(first_s=2.0, cap_s=300.0)
LOOK_PACE: Final = Pace(first_s=5.0, cap_s=120.0)
"""Somebody who works by hand wants to see soon that it was right."""
BUSY_S: Final = 2.0
HELD_S: Final = 60.0
"""Bad credentials are the same for everybody: nobody else is tried so soon."""

_NO_ANSWER: Final = frozenset({Meaning.UNREACHABLE, Meaning.TIMEOUT})


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The dub point is there: found, or made."""

    dub_point_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Absent:
    """It is to be made by hand, and is not there yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Busy:
    """Another makes the account at this moment, or the group id is taken back: nobody's failure."""

    reason: str
    wait_s: float = BUSY_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """An answer of the platform, or none."""

    outcome: Outcome
    token_refreshed: bool = False
    """A new token was already fetched for this very attempt."""


Result = Found | Absent | Busy | Failure


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """What to keep and to do."""

    state: ProvisioningState
    held_until: datetime | None = None
    """Nobody else need be tried before."""
    refresh_token: bool = False
    """Get a new token and try again at once."""


def next_step(
    state: ProvisioningState, result: Result, now: datetime, *, jitter: float, pace: Pace = PROVISIONING_PACE
) -> Planned:
    """The next step for a state that is pending or manual; ``jitter`` is a number from 0 to 1, ``now`` is UTC."""
    if isinstance(result, Found):
        return Planned(state=_done(state, result.dub_point_id, now))
    if isinstance(result, Absent):
        return Planned(state=_waits(state, "", now, _look_s(state.attempts, jitter), counts=True))
    if isinstance(result, Busy):
        return Planned(state=_waits(state, result.reason, now, result.wait_s, counts=False))
    job = JobState(attempts=state.attempts, token_refreshed=result.token_refreshed)
    step = plan(job, result.outcome, now, jitter=jitter, pace=pace)
    if step.then is Then.RETRY:
        return Planned(state=state, refresh_token=True)
    return Planned(state=_failed(state, result.outcome, step, now), held_until=_held_until(result.outcome, step, now))


def _done(state: ProvisioningState, dub_point_id: str, now: datetime) -> ProvisioningState:
    return replace(
        state,
        status=ProvisioningStatus.DONE,
        problem="",
        dub_point_id=dub_point_id,
        attempts=0,
        next_at=now,
        updated_at=now,
    )


def _waits(state: ProvisioningState, problem: str, now: datetime, wait_s: float, *, counts: bool) -> ProvisioningState:
    attempts = state.attempts + counts
    return replace(state, problem=problem, attempts=attempts, next_at=now + timedelta(seconds=wait_s), updated_at=now)


def _failed(state: ProvisioningState, outcome: Outcome, step: NextStep, now: datetime) -> ProvisioningState:
    until, status = step.until, state.status
    if until is None:
        # For good. Nothing is given up that somebody makes by hand: that is only looked for more seldom.
        until = now + timedelta(seconds=LOOK_PACE.cap_s)
        status = status if status is ProvisioningStatus.MANUAL else ProvisioningStatus.FAILED
    return replace(state, status=status, problem=_told(outcome), attempts=step.attempts, next_at=until, updated_at=now)


def _held_until(outcome: Outcome, step: NextStep, now: datetime) -> datetime | None:
    if outcome.meaning is Meaning.BAD_CREDENTIALS:
        return now + timedelta(seconds=HELD_S)
    return step.until if step.holds_all else None


def _look_s(looks: int, jitter: float) -> float:
    return min(LOOK_PACE.cap_s, LOOK_PACE.first_s * 2.0 ** min(looks, 32)) * (0.5 + jitter / 2)


def _told(outcome: Outcome) -> str:
    detail = outcome.detail or outcome.meaning.value
    return f"Dubber cannot be reached: {detail}" if outcome.meaning in _NO_ANSWER else detail
