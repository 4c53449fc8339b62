"""What follows an attempt to make a user known to Dubber, whatever came of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog import ProvisioningState, ProvisioningStatus
from dubber_uploader.planner import RULES, Meaning, Outcome, Then
from dubber_uploader.provisioning_plan import (
    LOOK_PACE,
    PROVISIONING_PACE,
    Absent,
    Busy,
    Failure,
    Found,
    Planned,
    Result,
    next_step,
)

NOW = datetime(2026, 3, 4, 21, 30, tzinfo=UTC)
MIDNIGHT = datetime(2026, 3, 5, tzinfo=UTC)
LATER = NOW + timedelta(minutes=10)
PENDING = ProvisioningState(number="1001", status=ProvisioningStatus.PENDING, next_at=NOW, updated_at=NOW)
MANUAL = replace(PENDING, status=ProvisioningStatus.MANUAL)
WORDS = "GET /x gave 400 2000 Validation Failed"


def failure(meaning: Meaning, *, refreshed: bool = False, detail: str = WORDS) -> Failure:
    return Failure(outcome=Outcome(meaning=meaning, detail=detail), token_refreshed=refreshed)


def step(state: ProvisioningState, result: Result, jitter: float = 1.0) -> Planned:
    return next_step(state, result, LATER, jitter=jitter)


@pytest.mark.parametrize("state", [PENDING, MANUAL], ids=["pending", "manual"])
def test_a_dub_point_that_is_there_ends_it(state: ProvisioningState) -> None:
    tried = replace(state, attempts=4, problem="no answer", user_id="u")
    done = replace(
        state,
        status=ProvisioningStatus.DONE,
        user_id="u",
        dub_point_id="d",
        next_at=LATER,
        updated_at=LATER,
    )
    assert step(tried, Found(dub_point_id="d")) == Planned(state=done)


def test_what_is_made_by_hand_is_looked_for_ever_more_seldom() -> None:
    state, waits = MANUAL, []
    for _ in range(8):
        state = step(state, Absent()).state
        waits.append((state.next_at - LATER).total_seconds())
    assert waits == [5, 10, 20, 40, 80, 120, 120, 120]
    assert (state.status, state.problem, state.attempts) == (ProvisioningStatus.MANUAL, "", 8)


def test_waiting_for_another_is_nobodys_failure() -> None:
    waiting = replace(PENDING, problem="busy", next_at=LATER + timedelta(seconds=7), updated_at=LATER)
    assert step(PENDING, Busy(reason="busy", wait_s=7)) == Planned(state=waiting)


@pytest.mark.parametrize("meaning", [Meaning.UNREACHABLE, Meaning.TIMEOUT])
def test_a_platform_that_does_not_answer_is_said_to_be_out_of_reach(meaning: Meaning) -> None:
    found = step(PENDING, failure(meaning)).state
    assert (found.status, found.problem) == (ProvisioningStatus.PENDING, f"Dubber cannot be reached: {WORDS}")


def test_the_wait_doubles_up_to_its_cap() -> None:
    state, waits = PENDING, []
    for _ in range(10):
        state = step(state, failure(Meaning.SERVER_ERROR)).state
        waits.append((state.next_at - LATER).total_seconds())
    assert waits == [2, 4, 8, 16, 32, 64, 128, 256, 300, 300]


def test_a_refusal_waits_for_a_person_with_the_platforms_words() -> None:
    failed = replace(
        PENDING,
        status=ProvisioningStatus.FAILED,
        problem=WORDS,
        attempts=1,
        next_at=LATER + timedelta(seconds=LOOK_PACE.cap_s),
        updated_at=LATER,
    )
    assert step(PENDING, failure(Meaning.REJECTED)) == Planned(state=failed)


def test_nothing_that_is_made_by_hand_is_given_up() -> None:
    found = step(MANUAL, failure(Meaning.REJECTED)).state
    assert (found.status, found.problem) == (ProvisioningStatus.MANUAL, WORDS)


def test_a_refused_token_has_one_second_chance() -> None:
    assert step(PENDING, failure(Meaning.TOKEN_REFUSED)) == Planned(state=PENDING, refresh_token=True)
    again = step(PENDING, failure(Meaning.TOKEN_REFUSED, refreshed=True))
    assert (again.refresh_token, again.state.status, again.state.attempts) == (False, ProvisioningStatus.PENDING, 1)


def test_a_daily_limit_holds_everybody_until_the_next_day() -> None:
    found = step(PENDING, failure(Meaning.DAILY_LIMIT), jitter=0.0)
    assert (found.held_until, found.state.next_at, found.state.attempts) == (MIDNIGHT, MIDNIGHT, 0)


def test_bad_credentials_hold_everybody_for_a_minute() -> None:
    found = step(PENDING, failure(Meaning.BAD_CREDENTIALS))
    assert (found.state.status, found.held_until) == (ProvisioningStatus.FAILED, LATER + timedelta(minutes=1))


# --- whatever happens -------------------------------------------------------------------------------

FAILURES = [meaning for meaning in Meaning if RULES[meaning].then is not Then.DONE]
FOR_GOOD = {meaning for meaning in FAILURES if RULES[meaning].then is Then.PARK}

results = st.one_of(
    st.builds(Found, dub_point_id=st.just("d")),
    st.builds(Absent),
    st.builds(Busy, reason=st.just("busy")),
    st.builds(failure, st.sampled_from(FAILURES), refreshed=st.booleans(), detail=st.sampled_from(["", WORDS])),
)
LAST_S = 2 * 86_400


@settings(deadline=None)
@given(first=st.sampled_from([PENDING, MANUAL]), came=st.lists(results, max_size=30), jitter=st.floats(0.0, 1.0))
def test_any_course_ends_done_or_failed_with_words_or_goes_on_in_time(
    first: ProvisioningState, came: list[Result], jitter: float
) -> None:
    state, now = first, NOW
    for result in came:
        planned = next_step(state, result, now, jitter=jitter)
        kept = planned.state
        if planned.refresh_token:
            assert (kept, isinstance(result, Failure) and result.token_refreshed) == (state, False)
            continue
        if kept.status is ProvisioningStatus.DONE:
            assert (kept.dub_point_id, kept.problem) == ("d", "")
            return
        if kept.status is ProvisioningStatus.FAILED:
            assert isinstance(result, Failure)
            assert (first.status, result.outcome.meaning in FOR_GOOD, kept.problem != "") == (
                ProvisioningStatus.PENDING,
                True,
                True,
            )
            return
        assert (kept.status, kept.updated_at) == (first.status, now)
        assert 0 <= (kept.next_at - now).total_seconds() <= LAST_S
        assert kept.problem or isinstance(result, Absent)
        assert kept.attempts - state.attempts in (0, 1)
        state, now = kept, kept.next_at
    assert state.dub_point_id is None


@settings(deadline=None)
@given(attempts=st.integers(0, 10**6), jitter=st.floats(0.0, 1.0))
def test_the_wait_is_bounded_after_a_million_failures(attempts: int, jitter: float) -> None:
    tired = replace(PENDING, attempts=attempts)
    wait = next_step(tired, failure(Meaning.UNREACHABLE), NOW, jitter=jitter).state.next_at - NOW
    assert timedelta(seconds=PROVISIONING_PACE.first_s / 2) <= wait <= timedelta(seconds=PROVISIONING_PACE.cap_s)
