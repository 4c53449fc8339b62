"""What to do after an attempt to deliver a recording: a pure function of the job, the outcome and the time.

``CLASSIFICATION`` says what an answer of the platform means; ``RULES`` says what
follows. Both are data, and a golden file in the tests shows every row of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType


class Source(StrEnum):
    """Who gave an answer: the meaning of a status depends on it."""

    API = "api"
    """Any call with a token that is not one of the next two."""
    RECORDING = "recording"
    """A call about one recording that the platform made for us."""
    COMPLETE = "complete"
    """``complete_upload``."""
    TOKEN = "token"  # noqa: S105 - a place, not a secret
    STORE = "store"
    """The object store that takes the parts."""


class Meaning(StrEnum):
    """What an attempt came to."""

    DELIVERED = "delivered"
    """Size and digest are confirmed."""
    UNCONFIRMED = "unconfirmed"
    """Complete, but the platform shows no size and digest: the local copy must stay."""
    UNREACHABLE = "unreachable"
    """No connection, no name, no TLS, or cut off."""
    TIMEOUT = "timeout"
    SERVER_ERROR = "server-error"
    GARBLED = "garbled"
    """An answer that is not what the interface promises."""
    PER_SECOND_LIMIT = "per-second-limit"
    DAILY_LIMIT = "daily-limit"
    TOKEN_REFUSED = "token-refused"  # noqa: S105 - a reason, not a secret
    BAD_CREDENTIALS = "bad-credentials"
    """The platform does not know our client or user: somebody must correct the settings."""
    FORBIDDEN = "forbidden"
    REMOTE_GONE = "remote-gone"
    """The recording we were uploading to is not there any more."""
    PARTS_REFUSED = "parts-refused"
    """The platform does not have the parts we think it has."""
    ADDRESS_EXPIRED = "address-expired"
    """A signed part address was too old."""
    PART_DAMAGED = "part-damaged"
    """A part arrived with another digest."""
    MISMATCH = "mismatch"
    """Complete, with another size or digest than ours."""
    REJECTED = "rejected"
    """Any other refusal for good."""
    LOCAL_MISSING = "local-missing"
    LOCAL_CORRUPT = "local-corrupt"
    LOCAL_KEY = "local-key"
    LOCAL_DISK = "local-disk"
    INTERNAL = "internal"
    """A fault of our own."""
    STOPPED = "stopped"
    """The uploader was told to stop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One row of the classification; None matches anything."""

    source: Source | None
    status: range
    code: int | str | None = None
    """Dubber's ``code``, OAuth's ``error``, or the store's ``Code``."""
    meaning: Meaning


_ANY_4XX, _ANY_5XX = range(400, 500), range(500, 600)

CLASSIFICATION: tuple[Answer, ...] = (
    Answer(source=None, status=_ANY_4XX, code=1021, meaning=Meaning.PER_SECOND_LIMIT),
    Answer(source=None, status=_ANY_4XX, code=1022, meaning=Meaning.DAILY_LIMIT),
    Answer(source=None, status=_ANY_4XX, code=1024, meaning=Meaning.SERVER_ERROR),
    Answer(source=None, status=range(408, 409), meaning=Meaning.TIMEOUT),
    Answer(source=None, status=range(429, 430), meaning=Meaning.PER_SECOND_LIMIT),
    Answer(source=Source.TOKEN, status=_ANY_4XX, meaning=Meaning.BAD_CREDENTIALS),
    Answer(source=Source.STORE, status=range(400, 401), code="BadDigest", meaning=Meaning.PART_DAMAGED),
    Answer(source=Source.STORE, status=range(400, 401), code="XAmzContentSHA256Mismatch", meaning=Meaning.PART_DAMAGED),
    Answer(source=Source.STORE, status=range(400, 401), code="RequestTimeout", meaning=Meaning.TIMEOUT),
    Answer(source=Source.STORE, status=range(400, 401), code="IncompleteBody", meaning=Meaning.UNREACHABLE),
    Answer(source=Source.STORE, status=range(403, 404), meaning=Meaning.ADDRESS_EXPIRED),
    Answer(source=Source.STORE, status=range(404, 405), meaning=Meaning.REMOTE_GONE),
    Answer(source=None, status=_ANY_4XX, code=1038, meaning=Meaning.TOKEN_REFUSED),
    Answer(source=None, status=range(401, 402), meaning=Meaning.TOKEN_REFUSED),
    Answer(source=None, status=_ANY_4XX, code=1003, meaning=Meaning.BAD_CREDENTIALS),
    Answer(source=None, status=range(403, 404), meaning=Meaning.FORBIDDEN),
    Answer(source=Source.RECORDING, status=range(404, 405), meaning=Meaning.REMOTE_GONE),
    Answer(source=Source.RECORDING, status=range(410, 411), meaning=Meaning.REMOTE_GONE),
    Answer(source=Source.COMPLETE, status=range(404, 405), meaning=Meaning.REMOTE_GONE),
    Answer(source=Source.COMPLETE, status=range(400, 401), meaning=Meaning.PARTS_REFUSED),
    Answer(source=None, status=_ANY_5XX, meaning=Meaning.SERVER_ERROR),
    Answer(source=None, status=range(100, 400), meaning=Meaning.GARBLED),
    Answer(source=None, status=_ANY_4XX, meaning=Meaning.REJECTED),
)


def classify(source: Source, status: int, code: int | str | None) -> Meaning:
    """What an answer with this status means: the first row that fits; GARBLED when none does."""
    for row in CLASSIFICATION:
        if row.source in (None, source) and status in row.status and row.code in (None, code):
            return row.meaning
    return Meaning.GARBLED


class Then(StrEnum):
    """The four things that can follow an attempt."""

    DONE = "done"
    RETRY = "retry"
    """At once."""
    WAIT = "wait"
    PARK = "park"


class Delay(StrEnum):
    """How long a WAIT is."""

    BACKOFF = "backoff"
    """Twice as long after every failure, up to a cap, with jitter."""
    SECOND = "second"
    MIDNIGHT = "midnight"
    """Until the UTC day is over, when a daily allowance starts anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What follows one meaning."""

    then: Then
    delay: Delay | None = None
    counts: bool = True
    """It is a failure that lengthens the backoff."""
    restart: bool = False
    """Forget the remote recording and its parts, and begin anew."""
    restarts_max: int | None = None
    """Parked instead when it was begun anew so often already; None: never."""
    refresh_token: bool = False
    holds_all: bool = False
    """It is about the client, not the job: no other job need be tried before."""


_FOR_EVER = Rule(then=Then.WAIT, delay=Delay.BACKOFF)
_PARKED = Rule(then=Then.PARK)

RULES: Mapping[Meaning, Rule] = MappingProxyType(
    {
        Meaning.DELIVERED: Rule(then=Then.DONE, counts=False),
        Meaning.UNCONFIRMED: Rule(then=Then.DONE, counts=False),
        Meaning.UNREACHABLE: _FOR_EVER,
        Meaning.TIMEOUT: _FOR_EVER,
        Meaning.SERVER_ERROR: _FOR_EVER,
        Meaning.GARBLED: _FOR_EVER,
        Meaning.PER_SECOND_LIMIT: Rule(then=Then.WAIT, delay=Delay.SECOND, counts=False, holds_all=True),
        Meaning.DAILY_LIMIT: Rule(then=Then.WAIT, delay=Delay.MIDNIGHT, counts=False, holds_all=True),
        Meaning.TOKEN_REFUSED: Rule(then=Then.RETRY, refresh_token=True),
        Meaning.BAD_CREDENTIALS: _PARKED,
        Meaning.FORBIDDEN: _PARKED,
        Meaning.REMOTE_GONE: Rule(then=Then.WAIT, delay=Delay.BACKOFF, restart=True),
        Meaning.PARTS_REFUSED: Rule(then=Then.WAIT, delay=Delay.BACKOFF, restart=True, restarts_max=4),
        Meaning.ADDRESS_EXPIRED: _FOR_EVER,
        Meaning.PART_DAMAGED: _FOR_EVER,
        Meaning.MISMATCH: Rule(then=Then.WAIT, delay=Delay.BACKOFF, restart=True, restarts_max=2),
        Meaning.REJECTED: _PARKED,
        Meaning.LOCAL_MISSING: _PARKED,
        Meaning.LOCAL_CORRUPT: _PARKED,
        Meaning.LOCAL_KEY: _PARKED,
        Meaning.LOCAL_DISK: _FOR_EVER,
        Meaning.INTERNAL: _FOR_EVER,
        Meaning.STOPPED: Rule(then=Then.WAIT, counts=False),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobState:
    """What the plan needs to know of a job."""

    attempts: int = 0
    """Failures counted so far."""
    restarts: int = 0
    """How often it was begun anew."""
    token_refreshed: bool = False
    """A new token was already fetched for this very attempt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How an attempt ended."""

    meaning: Meaning
    detail: str = ""
    """For people; never a secret."""
    retry_after_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NextStep:
    """What to do now."""

    then: Then
    attempts: int
    """The count to keep."""
    until: datetime | None = None
    """For WAIT."""
    reason: str = ""
    restart: bool = False
    refresh_token: bool = False
    holds_all: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """The numbers of the backoff."""

    first_s: float = 2.0
    cap_s: float = 3600.0
    retry_after_cap_s: float = 86_400.0
    """A platform that asks for more waits no longer than this for us to ask again."""
    after_midnight_s: float = 60.0
    """Spread of the jobs that wait for a new day."""


DEFAULT_PACE = Pace()


def plan(job: JobState, outcome: Outcome, now: datetime, *, jitter: float, pace: Pace = DEFAULT_PACE) -> NextStep:
    """The next step; ``jitter`` is a number from 0 to 1 drawn by the caller, ``now`` is UTC."""
    rule = RULES[outcome.meaning]
    attempts = 0 if rule.then is Then.DONE else job.attempts + rule.counts
    reason = f"{outcome.meaning}: {outcome.detail}" if outcome.detail else outcome.meaning.value
    if rule.then in (Then.DONE, Then.PARK) or _too_often(rule, job):
        then = Then.DONE if rule.then is Then.DONE else Then.PARK
        return NextStep(then=then, attempts=attempts, reason=reason, restart=rule.restart)
    if rule.then is Then.RETRY and not job.token_refreshed:
        return NextStep(then=Then.RETRY, attempts=job.attempts, reason=reason, refresh_token=rule.refresh_token)
    wait_s = _wait_s(rule.delay or Delay.BACKOFF, attempts, now, jitter, pace)
    if outcome.meaning is Meaning.STOPPED:
        wait_s = 0.0
    if outcome.retry_after_s is not None:
        wait_s = max(wait_s if rule.delay is not Delay.MIDNIGHT else 0.0, _bounded(outcome.retry_after_s, pace))
    return NextStep(
        then=Then.WAIT,
        attempts=attempts,
        until=now + timedelta(seconds=wait_s),
        reason=reason,
        restart=rule.restart,
        refresh_token=rule.refresh_token,
        holds_all=rule.holds_all,
    )


def _too_often(rule: Rule, job: JobState) -> bool:
    return rule.restarts_max is not None and job.restarts >= rule.restarts_max


def _wait_s(delay: Delay, attempts: int, now: datetime, jitter: float, pace: Pace) -> float:
    if delay is Delay.SECOND:
        return 1.0 + jitter
    if delay is Delay.MIDNIGHT:
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
        return (midnight - now).total_seconds() + jitter * pace.after_midnight_s
    # The exponent is bounded before the power: a job may fail for years.
    full = min(pace.cap_s, pace.first_s * 2.0 ** min(max(attempts - 1, 0), 32))
    return full * (0.5 + jitter / 2)


def _bounded(retry_after_s: float, pace: Pace) -> float:
    return min(max(retry_after_s, 0.0), pace.retry_after_cap_s)
