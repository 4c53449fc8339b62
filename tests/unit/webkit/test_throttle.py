"""Guessing gets slower; the right password makes it free again; others are not held up."""

from __future__ import annotations

from webkit.throttle import FORGOTTEN_AFTER_S, FREE_TRIES, LONGEST_WAIT_S, Throttle


def test_the_wait_doubles_after_the_free_tries() -> None:
    now = 0.0
    throttle = Throttle(lambda: now)
    waits = []
    for _ in range(FREE_TRIES + 4):
        throttle.failed("user admin")
        waits.append(throttle.wait_s("user admin"))
        now += throttle.wait_s("user admin")
    assert waits == [0, 0, 0, 0, 2, 4, 8, 16, 32]
    assert throttle.wait_s("user provider") == 0


def test_the_wait_has_an_end() -> None:
    throttle = Throttle(lambda: 0.0)
    for _ in range(1000):
        throttle.failed("admin")
    assert throttle.wait_s("admin") == LONGEST_WAIT_S


def test_the_right_password_and_time_make_it_free_again() -> None:
    now = 0.0
    throttle = Throttle(lambda: now)
    for _ in range(FREE_TRIES):
        throttle.failed("admin")
    throttle.succeeded("admin")
    assert throttle.wait_s("admin") == 0
    for _ in range(FREE_TRIES):
        throttle.failed("admin")
    now += FORGOTTEN_AFTER_S + 1
    throttle.failed("admin")
    assert throttle.wait_s("admin") == 0
