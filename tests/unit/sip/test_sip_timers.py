"""Timer values (RFC 3261 table 4, RFC 6026) and the heap they wait in."""

from __future__ import annotations

import pytest

from mediaserver.sip.alarms import Alarms
from mediaserver.sip.timers import SipTimers, Timer

TIMERS = SipTimers()


@pytest.mark.parametrize(
    ("timer", "unreliable", "reliable"),
    [
        (Timer.A, 0.5, None),
        (Timer.B, 32.0, 32.0),
        (Timer.D, 32.0, 0.0),
        (Timer.E, 0.5, None),
        (Timer.F, 32.0, 32.0),
        (Timer.G, 0.5, None),
        (Timer.H, 32.0, 32.0),
        (Timer.I, 5.0, 0.0),
        (Timer.J, 32.0, 0.0),
        (Timer.K, 5.0, 0.0),
        (Timer.L, 32.0, 32.0),
        (Timer.M, 32.0, 32.0),
    ],
)
def test_first_intervals(timer: Timer, unreliable: float, reliable: float | None) -> None:
    """Table 4, column by column."""
    assert TIMERS.first(timer, reliable=False) == unreliable
    assert TIMERS.first(timer, reliable=True) == reliable


def test_further_intervals() -> None:
    """A doubles for ever; E and G stop at T2."""
    assert [TIMERS.again(Timer.A, 4.0), TIMERS.again(Timer.E, 1.0), TIMERS.again(Timer.G, 4.0)] == [8.0, 2.0, 4.0]


def test_everything_follows_from_t1_t2_t4() -> None:
    """A test may run on its own scale."""
    quick = SipTimers(t1=0.01, t2=0.04, t4=0.05)
    assert (quick.give_up, quick.first(Timer.I, reliable=False), quick.again(Timer.G, 0.03)) == (0.64, 0.05, 0.04)


def test_alarms_come_in_order_and_only_when_due() -> None:
    """Equal times in the order they were set."""
    alarms: Alarms[str] = Alarms()
    for key, due in (("b", 2.0), ("a", 1.0), ("c", 2.0)):
        alarms.arm(key, due)
    assert (alarms.next(), alarms.pop(0.9), alarms.pop(1.0), alarms.pop(1.9)) == (1.0, None, "a", None)
    assert [alarms.pop(2.0), alarms.pop(2.0), alarms.pop(2.0)] == ["b", "c", None]
    assert (alarms.next(), len(alarms)) == (None, 0)


def test_an_alarm_that_was_moved_or_cancelled_does_not_go_off() -> None:
    """The old entry of the heap is skipped."""
    alarms: Alarms[str] = Alarms()
    alarms.arm("a", 1.0)
    alarms.arm("a", 3.0)
    alarms.arm("b", 2.0)
    alarms.cancel("b")
    alarms.cancel("never set")
    assert (alarms.pop(2.5), alarms.armed("a"), alarms.armed("b"), "a" in alarms) == (None, 3.0, None, True)
    assert alarms.pop(3.0) == "a"


def test_cancelled_alarms_do_not_pile_up() -> None:
    """The heap is swept once they outnumber the living, which all stay in order."""
    alarms: Alarms[int] = Alarms()
    alarms.arm(-1, 5.0)
    alarms.arm(-2, 4.0)
    for number in range(10_000):
        alarms.arm(number, 100.0)
        alarms.cancel(number)
    assert alarms.heap_size < 600
    assert [alarms.pop(10.0), alarms.pop(10.0), alarms.pop(1000.0)] == [-2, -1, None]
