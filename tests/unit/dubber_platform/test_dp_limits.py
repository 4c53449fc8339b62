"""How often a client may call."""

from __future__ import annotations

from pathlib import Path

from dubber_platform import PlanLimits, PlatformConfig
from dubber_platform.api.limits import CLIENTS_MAX, Meter, OverLimit
from tests.support.dubber import START, FakeClock, open_bench

QPS = OverLimit(code=1021, message="Forbidden: QPS Limit", retry_after_s=1)
SEVEN_HOURS_AND_A_BIT = 25694
"""From 16:51:46 to midnight."""


def test_two_calls_a_second_are_the_default() -> None:
    """In any second, not per calendar second; a refused call does not count."""
    clock = FakeClock()
    meter = Meter(PlanLimits(), clock)
    outcomes = []
    for wait in (0, 0.9, 0, 0.1, 0, 0.9):
        clock.advance(wait)
        outcomes.append(meter.call("c"))
    assert outcomes == [None, None, QPS, None, QPS, None]


def test_clients_do_not_share_a_limit() -> None:
    """Each has its own."""
    meter = Meter(PlanLimits(), FakeClock())
    assert [meter.call(client) for client in "aabb"] == [None] * 4


def test_the_daily_limit_ends_at_midnight_utc() -> None:
    """And says how long that is."""
    clock = FakeClock()
    meter = Meter(PlanLimits(calls_per_second=None, calls_per_day=2), clock)
    over = OverLimit(code=1022, message="Forbidden: Daily Rate Limit", retry_after_s=SEVEN_HOURS_AND_A_BIT)
    assert [meter.call("c") for _ in range(3)] == [None, None, over]
    clock.advance(SEVEN_HOURS_AND_A_BIT)
    assert meter.call("c") is None


def test_500_token_requests_are_allowed_in_any_24_hours() -> None:
    """The 501st has to wait for the first to be a day old."""
    clock = FakeClock()
    meter = Meter(PlanLimits(), clock)
    assert [meter.token_request("c") for _ in range(500)] == [None] * 500
    clock.advance(86000)
    assert meter.token_request("c") == OverLimit(code=1022, message="Forbidden: Daily Rate Limit", retry_after_s=400)
    clock.advance(400)
    assert meter.token_request("c") is None


def test_limits_can_be_switched_off() -> None:
    """None means none."""
    meter = Meter(PlanLimits(calls_per_second=None, calls_per_day=None, token_requests_per_day=None), FakeClock())
    assert {meter.call("c") for _ in range(6000)} | {meter.token_request("c") for _ in range(600)} == {None}


def test_the_number_of_clients_remembered_is_bounded() -> None:
    """The one heard of longest ago is forgotten."""
    meter = Meter(PlanLimits(calls_per_day=1), FakeClock())
    for number in range(CLIENTS_MAX + 1):
        meter.call(str(number))
    assert [over and over.code for over in (meter.call(str(CLIENTS_MAX)), meter.call("0"))] == [1022, None]


async def test_over_the_limit_is_403_with_1021(tmp_path: Path) -> None:
    """Not 429; Retry-After is an extra."""
    async with open_bench(PlatformConfig(data_dir=tmp_path)) as bench:
        answers = [await bench.call("GET", "/profile") for _ in range(3)]
    assert [answer.status for answer in answers] == [200, 200, 403]
    assert (answers[2].body["code"], answers[2].headers["Retry-After"]) == (1021, "1")


async def test_too_many_token_requests_are_403_with_1022(tmp_path: Path) -> None:
    """Failed ones count."""
    config = PlatformConfig(data_dir=tmp_path, limits=PlanLimits(token_requests_per_day=2))
    async with open_bench(config) as bench:
        answers = [await bench.sign_in(password="wrong") for _ in range(3)]
    assert [answer.status for answer in answers] == [400, 400, 403]
    assert (answers[2].body["code"], answers[2].headers["Retry-After"]) == (1022, "86400")
    assert bench.clock.now == START
