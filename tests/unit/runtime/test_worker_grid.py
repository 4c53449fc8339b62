"""A worker steps once for each 20 ms, whenever its timers go off."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediaserver.runtime.worker.grid import EARLY_S, STEPS_HZ, Grid

FRAME_S = 1 / STEPS_HZ
START_S = 23_800.0137
"""Some hours after the machine's."""


def steps(count: int, off_by_s: Callable[[int], float], worked_s: float = 0.0006) -> list[float]:
    """The instants of the first steps, with timers that go off so much after their time (before it: negative)."""
    grid, now, reached = Grid(), START_S, []
    for number in range(count):
        reached.append(grid.reach(now))
        now += worked_s
        now = max(now, grid.after(now, now) + off_by_s(number))
    return reached


@pytest.mark.parametrize("early_s", [0.0, 0.0003, 0.0007, 0.00095])
@pytest.mark.parametrize("worked_s", [0.0001, 0.0006, 0.003])
def test_a_timer_that_goes_off_early_counts_as_on_time(early_s: float, worked_s: float) -> None:
    """No frame waits for the next step, and none has two."""
    reached = steps(3000, lambda _: -early_s, worked_s)
    frames = [round(at * STEPS_HZ, 3) for at in reached[1:]]
    assert all(frame.is_integer() for frame in frames)
    assert {later - earlier for earlier, later in pairwise(frames)} == {1}


@given(st.lists(st.floats(-0.00099, 0.09), min_size=2, max_size=60))
def test_steps_never_go_back_and_never_ahead_of_the_clock_by_more_than_a_timer_is_early(off_by_s: list[float]) -> None:
    grid, now, before = Grid(), START_S, 0.0
    for late_s in off_by_s:
        at = grid.reach(now)
        assert before < at <= now + EARLY_S
        before = at
        due = grid.after(now, now)
        assert now < due <= max(now, at) + FRAME_S + 1e-6
        now = max(now + 1e-5, due + late_s)


def test_a_step_out_of_turn_is_made_at_its_own_time() -> None:
    """What a stopping worker does while it waits: it must not run ahead of the clock."""
    grid = Grid()
    for number in range(100):
        now = START_S + number * 0.0013
        assert grid.reach(now) <= now + EARLY_S
        grid.after(now, now)


def test_what_is_wanted_later_waits_for_its_own_frame() -> None:
    grid = Grid()
    grid.reach(START_S)
    due = grid.after(START_S + 1.0, START_S)
    assert START_S + 1.0 < due <= START_S + 1.0 + FRAME_S + 1e-6


def test_a_command_does_not_put_off_the_step_that_is_due() -> None:
    """Carried out after the instant and before its timer goes off, however late that is; the next frame comes then."""
    grid = Grid()
    grid.reach(START_S)
    due = grid.after(START_S, START_S)
    for late_s in (0.0, 0.0004, 0.015, 0.03):
        assert grid.after(due + late_s, due + late_s) == due
    assert grid.reach(due + 0.031) == due + 0.031
    assert grid.after(due + 0.032, due + 0.032) == pytest.approx(due + 2 * FRAME_S)
