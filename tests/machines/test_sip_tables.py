"""The SIP tables: every cell against a golden listing, and rules that hold for all of them."""

from __future__ import annotations

import difflib
from pathlib import Path

import pytest

from mediaserver.sip.drawing import charts, listing, pages
from mediaserver.sip.leg_tables import (
    LEG_STEPS,
    TURN_STEPS,
    LegAction,
    LegInput,
    LegState,
    Turn,
    TurnAction,
)
from mediaserver.sip.tables import MACHINES, TIMER_INPUT, Machine, State
from mediaserver.sip.timers import Timer

ROOT = Path(__file__).resolve().parents[2]
machines = pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.name)


def test_every_cell_is_what_the_golden_listing_says() -> None:
    """All six tables, absent cells too; renew with scripts/draw_docs.py --golden."""
    golden = (Path(__file__).parent / "golden" / "sip_tables.txt").read_text(encoding="utf-8")
    difference = difflib.unified_diff(golden.splitlines(), listing().splitlines(), "golden", "tables", lineterm="", n=0)
    assert "\n".join(difference) == ""


@pytest.mark.parametrize("name", pages())
def test_the_diagrams_are_fresh(name: str) -> None:
    """docs/state-diagrams holds what the tables draw."""
    assert (ROOT / "docs" / "state-diagrams" / name).read_text(encoding="utf-8") == pages()[name]


def test_no_other_diagram_lies_around() -> None:
    """A page of a table that is gone would mislead."""
    assert {path.name for path in (ROOT / "docs" / "state-diagrams").glob("sip-*.md")} == set(pages())


@machines
def test_a_transaction_uses_only_its_own_states_and_inputs(machine: Machine) -> None:
    """No cell stands outside the machine's rows and columns, and none leads outside."""
    assert {state for state, _ in machine.steps} <= set(machine.states)
    assert {event for _, event in machine.steps} <= set(machine.inputs)
    assert {step.to for step in machine.steps.values()} <= set(machine.states)


@machines
def test_nothing_leaves_terminated(machine: Machine) -> None:
    """A terminated transaction is dropped."""
    assert not [key for key in machine.steps if key[0] is State.TERMINATED]


@machines
def test_every_state_can_be_reached_and_left(machine: Machine) -> None:
    """From the first step every state is reached, and from every state the end."""
    reached, frontier = {machine.first.to}, [machine.first.to]
    while frontier:
        state = frontier.pop()
        for step in (step for (start, _), step in machine.steps.items() if start is state):
            if step.to not in reached:
                reached.add(step.to)
                frontier.append(step.to)
    assert reached == set(machine.states)
    assert all(any(key[0] is state for key in machine.steps) for state in set(machine.states) - {State.TERMINATED})


@machines
def test_every_timer_that_is_armed_is_heard_where_it_may_fire(machine: Machine) -> None:
    """In the state a cell arms a timer in, that timer has a cell."""
    for step in (machine.first, *machine.steps.values()):
        for timer in step.arm:
            assert machine.step(step.to, TIMER_INPUT[timer]) is not None, (step, timer)


def test_every_timer_belongs_to_a_machine() -> None:
    """All the letters are used."""
    armed = {timer for machine in MACHINES for step in (machine.first, *machine.steps.values()) for timer in step.arm}
    assert armed == set(Timer)


def test_a_leg_ends_with_exactly_one_verdict() -> None:
    """Walk every path: Rejected or LegEnded is told once, and Ended is entered with FORGET."""
    verdicts = {LegAction.TELL_ENDED, LegAction.TELL_REJECTED}
    paths: set[tuple[LegState, int]] = {(LegState.INCOMING, 0), (LegState.CALLING, 0)}
    frontier = list(paths)
    while frontier:
        state, told = frontier.pop()
        for step in (step for (start, _), step in LEG_STEPS.items() if start is state):
            after = (step.to, told + sum(action in verdicts for action in step.do))
            assert after[1] <= 1, (state, step)
            assert (step.to is LegState.ENDED) == (LegAction.FORGET in step.do)
            if step.to is LegState.ENDED:
                assert after[1] == 1, (state, step)
            elif after not in paths:
                paths.add(after)
                frontier.append(after)


def test_hanging_up_fits_every_living_leg() -> None:
    """bye() has a cell wherever no verdict has been told."""
    told = {LegState.PARTING, LegState.LEAVING, LegState.ENDED}
    assert all((state, LegInput.BYE) in LEG_STEPS for state in set(LegState) - told)


def test_a_leg_that_ends_by_itself_says_why() -> None:
    """Every TELL_ENDED carries a cause of the contract."""
    causes = {step.cause for step in LEG_STEPS.values() if LegAction.TELL_ENDED in step.do}
    assert causes == {"bye", "cancel", "rejected", "no-ack", "session-expired", "transport", "dialog-gone"}
    assert not [step for step in LEG_STEPS.values() if step.cause and LegAction.TELL_ENDED not in step.do]


def test_every_offer_of_theirs_is_taken_or_refused_at_once() -> None:
    """An offer that comes is answered in every turn: told, 491 or 500."""
    answers = {TurnAction.TELL_OFFER, TurnAction.REFUSE_491, TurnAction.REFUSE_500}
    offered = {turn: step for (turn, event), step in TURN_STEPS.items() if event.name == "THEIR_OFFER"}
    assert set(offered) == set(Turn)
    assert all(answers & set(step.do) for step in offered.values())


def test_every_chart_names_its_rule() -> None:
    """Each table cites the RFC it comes from."""
    assert all(chart.source.startswith("RFC ") for chart in charts())
