"""One press told by several channels counts once."""

from __future__ import annotations

import pytest

from callmodel.digits import DigitPressed
from callmodel.modes import SteeringChannel
from feature_codes import Deduplicator

RFC4733, INFO, IN_BAND = SteeringChannel.RFC4733, SteeringChannel.SIP_INFO_DTMF, SteeringChannel.IN_BAND


def press(digit: str, at: float, channel: SteeringChannel, duration_ms: int = 100) -> DigitPressed:
    return DigitPressed(digit=digit, at=at, duration_ms=duration_ms, channel=channel)


def admitted(*presses: DigitPressed) -> list[bool]:
    deduplicator = Deduplicator()
    return [deduplicator.admit(one) for one in presses]


def test_the_same_digit_by_another_channel_is_absorbed() -> None:
    assert admitted(press("4", 1.0, RFC4733), press("4", 1.05, INFO), press("4", 1.1, IN_BAND)) == [True, False, False]


def test_the_same_digit_by_the_same_channel_is_a_new_press() -> None:
    assert admitted(press("4", 1.0, RFC4733), press("4", 1.12, RFC4733)) == [True, True]


def test_another_digit_is_a_new_press() -> None:
    assert admitted(press("4", 1.0, RFC4733), press("5", 1.0, INFO)) == [True, True]


@pytest.mark.parametrize(("later_s", "new"), [(0.249, False), (0.26, True)])
def test_a_copy_counts_again_after_the_duration_and_150_ms(later_s: float, new: bool) -> None:
    assert admitted(press("4", 1.0, RFC4733), press("4", 1.0 + later_s, INFO)) == [True, new]


def test_a_long_press_told_at_its_beginning_absorbs_the_telling_of_its_end() -> None:
    assert admitted(press("4", 1.0, INFO, 100), press("4", 2.5, RFC4733, 1500)) == [True, False]


def test_a_press_absorbs_one_copy_from_each_channel_only() -> None:
    assert admitted(press("4", 1.0, RFC4733), press("4", 1.02, INFO), press("4", 1.15, INFO)) == [True, False, True]


def test_two_fast_presses_on_two_channels_are_two() -> None:
    presses = (press("4", 1.0, RFC4733), press("4", 1.04, INFO), press("4", 1.2, RFC4733), press("4", 1.24, INFO))
    assert admitted(*presses) == [True, False, True, False]


def test_late_copies_of_two_fast_presses_are_absorbed_one_each() -> None:
    presses = (press("4", 1.0, RFC4733), press("4", 1.15, RFC4733), press("4", 1.2, INFO), press("4", 1.35, INFO))
    assert admitted(*presses) == [True, True, False, False]


def test_either_channel_may_be_first_each_time() -> None:
    presses = (press("4", 1.0, INFO), press("4", 1.05, RFC4733), press("4", 1.2, RFC4733), press("4", 1.25, INFO))
    assert admitted(*presses) == [True, False, True, False]


def test_a_copy_handed_over_out_of_order_is_absorbed() -> None:
    assert admitted(press("4", 1.05, RFC4733), press("4", 1.0, INFO)) == [True, False]


def test_a_press_by_a_program_always_counts() -> None:
    assert admitted(press("4", 1.0, RFC4733), press("4", 1.0, SteeringChannel.REST)) == [True, True]


def test_a_press_by_a_program_absorbs_nothing() -> None:
    assert admitted(press("4", 1.0, SteeringChannel.REST), press("4", 1.0, RFC4733)) == [True, True]


def test_a_duration_nobody_can_press_does_not_swallow_the_call() -> None:
    assert admitted(press("4", 1.0, RFC4733), press("4", 10.0, INFO, duration_ms=3_600_000)) == [True, True]
