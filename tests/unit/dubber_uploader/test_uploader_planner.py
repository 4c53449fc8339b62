from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dubber_uploader.planner import (
    CLASSIFICATION,
    RULES,
    JobState,
    Meaning,
    NextStep,
    Outcome,
    Pace,
    Rule,
    Source,
    Then,
    classify,
    plan,
)

GOLDEN = Path(__file__).parent / "uploader_plan.golden.txt"
NOW = datetime(2026, 3, 4, 21, 30, tzinfo=UTC)
MIDNIGHT = datetime(2026, 3, 5, tzinfo=UTC)


def rendered() -> str:
    """Both tables, one row a line."""
    lines = ["answers: the first row that fits", ""]
    for row in CLASSIFICATION:
        statuses = f"{row.status.start}" if len(row.status) == 1 else f"{row.status.start}-{row.status.stop - 1}"
        code = "any" if row.code is None else row.code
        lines.append(f"{row.source or 'any':<10} {statuses:<8} {code!s:<26} {row.meaning}")
    lines += ["", "what follows; waits are those of the first, second, third, tenth and hundredth failure", ""]
    for meaning in Meaning:
        lines.append(f"{meaning:<18} " + " | ".join(_step(meaning, attempts) for attempts in (0, 1, 2, 9, 99)))
    lines += ["", "what follows when it was begun anew once, twice, three times, four times before", ""]
    for meaning in (m for m in Meaning if RULES[m].restart):
        lines.append(f"{meaning:<18} " + " | ".join(_step(meaning, 0, restarts) for restarts in (1, 2, 3, 4)))
    return "\n".join(lines) + "\n"


def _step(meaning: Meaning, attempts: int, restarts: int = 0) -> str:
    step = plan(JobState(attempts=attempts, restarts=restarts), Outcome(meaning=meaning), NOW, jitter=1.0)
    words = [step.then.value]
    if step.until is not None:
        words.append(f"{(step.until - NOW).total_seconds():g}s")
    if step.attempts == attempts + 1:
        words.append("+1")
    words += [name for name in ("restart", "refresh_token", "holds_all") if getattr(step, name)]
    return " ".join(words)


def test_the_tables_are_the_ones_a_reviewer_read() -> None:
    assert rendered() == GOLDEN.read_text(encoding="utf-8")


def test_every_meaning_has_a_rule() -> None:
    assert set(RULES) == set(Meaning)


@settings(deadline=None)
@given(source=st.sampled_from(Source), status=st.integers(100, 599), code=st.none() | st.integers(0, 9999))
def test_every_answer_means_something(source: Source, status: int, code: int | None) -> None:
    assert classify(source, status, code) in Meaning


def test_a_status_of_no_kind_is_garbled() -> None:
    assert classify(Source.API, 700, None) is Meaning.GARBLED


def test_the_wait_doubles_up_to_its_cap() -> None:
    waits = []
    for attempts in range(14):
        step = plan(JobState(attempts=attempts), Outcome(meaning=Meaning.TIMEOUT), NOW, jitter=1.0)
        assert step.until is not None
        waits.append((step.until - NOW).total_seconds())
    assert waits == [2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 3600, 3600, 3600]


def test_jitter_takes_up_to_half_of_the_wait() -> None:
    step = plan(JobState(attempts=3), Outcome(meaning=Meaning.TIMEOUT), NOW, jitter=0.0)
    assert step.until == NOW + timedelta(seconds=8)


@pytest.mark.parametrize(("asked_s", "waited_s"), [(1.0, 2.0), (100.0, 100.0), (1e9, 86_400.0), (-5.0, 2.0)])
def test_retry_after_is_waited_at_least_but_not_for_ever(asked_s: float, waited_s: float) -> None:
    outcome = Outcome(meaning=Meaning.SERVER_ERROR, retry_after_s=asked_s)
    step = plan(JobState(), outcome, NOW, jitter=1.0)
    assert step.until == NOW + timedelta(seconds=waited_s)


def test_a_daily_limit_waits_for_the_utc_midnight_and_holds_all_jobs() -> None:
    step = plan(JobState(attempts=4), Outcome(meaning=Meaning.DAILY_LIMIT), NOW, jitter=0.5)
    assert step == NextStep(
        then=Then.WAIT, attempts=4, until=MIDNIGHT + timedelta(seconds=30), reason="daily-limit", holds_all=True
    )


def test_a_daily_limit_that_says_when_is_believed() -> None:
    step = plan(JobState(), Outcome(meaning=Meaning.DAILY_LIMIT, retry_after_s=60.0), NOW, jitter=0.5)
    assert step.until == NOW + timedelta(seconds=60)


def test_a_refused_token_is_renewed_once_and_waited_for_after_that() -> None:
    outcome = Outcome(meaning=Meaning.TOKEN_REFUSED, detail="GET gave 401")
    first = plan(JobState(attempts=2), outcome, NOW, jitter=1.0)
    assert first == NextStep(then=Then.RETRY, attempts=2, reason="token-refused: GET gave 401", refresh_token=True)
    second = plan(JobState(attempts=2, token_refreshed=True), outcome, NOW, jitter=1.0)
    assert (second.then, second.attempts, second.until) == (Then.WAIT, 3, NOW + timedelta(seconds=8))


@pytest.mark.parametrize("attempts", [0, 1000])
def test_the_third_mismatch_is_the_last_however_often_the_network_failed_before(attempts: int) -> None:
    jobs = [JobState(attempts=attempts, restarts=n) for n in range(3)]
    steps = [plan(job, Outcome(meaning=Meaning.MISMATCH), NOW, jitter=0.0) for job in jobs]
    assert [(s.then, s.restart) for s in steps] == [(Then.WAIT, True), (Then.WAIT, True), (Then.PARK, True)]


def test_a_rule_waits_by_backoff_unless_it_says_otherwise() -> None:
    assert Rule(then=Then.WAIT).delay is None


@settings(deadline=None)
@given(
    meaning=st.sampled_from(Meaning),
    attempts=st.integers(0, 10**9),
    refreshed=st.booleans(),
    retry_after_s=st.none() | st.floats(-1e6, 1e12),
    jitter=st.floats(0, 1),
)
def test_any_plan_is_possible_bounded_and_explained(
    meaning: Meaning, attempts: int, refreshed: bool, retry_after_s: float | None, jitter: float
) -> None:
    outcome = Outcome(meaning=meaning, retry_after_s=retry_after_s)
    job = JobState(attempts=attempts, token_refreshed=refreshed)
    step = plan(job, outcome, NOW, jitter=jitter, pace=Pace())
    assert (step.until is not None) == (step.then is Then.WAIT)
    assert step.until is None or NOW <= step.until <= NOW + timedelta(days=1, minutes=1)
    assert step.reason == meaning.value
    assert step.attempts in (0, attempts, attempts + 1)
