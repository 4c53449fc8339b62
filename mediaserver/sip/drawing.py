"""The state tables as text for people: a listing of every cell, and mermaid diagrams.

The golden listing in the tests and the pages in ``docs/state-diagrams`` are made here, from the same
tables the machines run on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from mediaserver.sip.leg_tables import (
    INTENTS,
    LEG_STEPS,
    TURN_INTENTS,
    TURN_STEPS,
    LegInput,
    LegState,
    Turn,
    TurnInput,
)
from mediaserver.sip.tables import MACHINES, Action, Machine, State


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One cell as text."""

    state: str
    event: str
    to: str
    """Empty for an absent cell."""
    does: str
    """Actions, timers and cause; for an absent cell what that means."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """One machine as text."""

    slug: str
    title: str
    source: str
    first: tuple[tuple[str, str], ...]
    """Initial states, and what entering them does."""
    last: str
    """The state nothing leaves."""
    rows: tuple[Row, ...]
    """Every state but the last by every input, absent cells too."""


def charts() -> tuple[Chart, ...]:
    """All six machines."""
    return (*(_transaction(machine) for machine in MACHINES), _legs(), _turns())


def listing() -> str:
    """Every cell of every machine, one a line."""
    return "\n".join(line for chart in charts() for line in _lines(chart)).rstrip() + "\n"


def pages() -> dict[str, str]:
    """File name and content of each diagram page."""
    return {f"sip-{chart.slug}.md": _page(chart) for chart in charts()}


def _transaction(machine: Machine) -> Chart:
    rows = []
    for state in machine.states:
        for event in machine.inputs if state is not State.TERMINATED else ():
            step = machine.step(state, event)
            if step is None:
                rows.append(Row(state=state, event=event, to="", does="ignored"))
            else:
                rows.append(Row(state=state, event=event, to=step.to, does=_doing(step.do, step.arm, step.stop)))
    first = machine.first
    return Chart(
        slug=machine.name.lower().replace(" ", "-"),
        title=f"{machine.name} transaction",
        source=machine.rfc,
        first=((first.to, _doing(first.do, first.arm, first.stop)),),
        last=State.TERMINATED,
        rows=tuple(rows),
    )


def _doing(actions: tuple[Action, ...], arm: Iterable[str], stop: Iterable[str]) -> str:
    timers = [f"+{timer}" for timer in arm] + [f"-{timer}" for timer in stop]
    return ", ".join([*actions, *([" ".join(timers)] if timers else [])]) or "-"


def _legs() -> Chart:
    rows = []
    for state in LegState:
        for event in LegInput if state is not LegState.ENDED else ():
            step = LEG_STEPS.get((state, event))
            if step is None:
                rows.append(Row(state=state, event=event, to="", does=_absent(event in INTENTS)))
            else:
                does = ", ".join(step.do) or "-"
                rows.append(
                    Row(state=state, event=event, to=step.to, does=f"{does} ({step.cause})" if step.cause else does)
                )
    return Chart(
        slug="leg",
        title="Leg",
        source="RFC 3261 9, 13, 15",
        first=((LegState.INCOMING, "their INVITE"), (LegState.CALLING, "our INVITE")),
        last=LegState.ENDED,
        rows=tuple(rows),
    )


def _turns() -> Chart:
    rows = []
    for turn in Turn:
        for event in TurnInput:
            step = TURN_STEPS.get((turn, event))
            if step is None:
                rows.append(Row(state=turn, event=event, to="", does=_absent(event in TURN_INTENTS)))
            else:
                rows.append(Row(state=turn, event=event, to=step.to, does=", ".join(step.do) or "-"))
    return Chart(
        slug="offer-turn",
        title="Turn to offer",
        source="RFC 3261 14, RFC 3264, RFC 3311",
        first=((Turn.THEIRS, "their INVITE"), (Turn.OURS, "our INVITE")),
        last="",
        rows=tuple(rows),
    )


def _absent(intent: bool) -> str:
    return "refused" if intent else "ignored"


def _lines(chart: Chart) -> Iterator[str]:
    yield f"== {chart.title} ({chart.source}) =="
    for state, does in chart.first:
        yield f"{'':12} {'':38} -> {state:12}: {does}"
    for row in chart.rows:
        yield f"{row.state:12} {row.event:38} -> {row.to or '.':12}: {row.does}"
    yield ""


def _page(chart: Chart) -> str:
    lines = [
        f"# {chart.title}",
        "",
        f"{chart.source}. Drawn by `make docs` from the table the code runs on; do not edit.",
        "Each arrow is *input / actions*; `+A` starts timer A, `-A` stops it. What is not drawn changes nothing.",
        "",
        "```mermaid",
        "stateDiagram-v2",
    ]
    lines += [f"    [*] --> {state}: {_plain(does)}" for state, does in chart.first]
    lines += [f"    {row.state} --> {row.to}: {_plain(row.event)} / {_plain(row.does)}" for row in chart.rows if row.to]
    lines += [f"    {chart.last} --> [*]"] if chart.last else []
    return "\n".join([*lines, "```", ""])


def _plain(text: str) -> str:
    """Mermaid takes a colon or a semicolon for its own."""
    return text.replace(":", " ").replace(";", ",")
