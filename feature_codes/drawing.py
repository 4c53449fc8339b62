"""The recording table as text: the golden listing tests compare, and the documentation page with its diagrams."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from callmodel.modes import OnDemandStop, RecordingMode
from feature_codes.recording import INITIAL_STATE, Cue, RecordingState, Step, TableOptions, rows

_WITH_STOP: Final = TableOptions(on_demand_stop=OnDemandStop.STOP)

_TABLES: Final = (
    *((mode.value, mode, TableOptions()) for mode in RecordingMode),
    (f'{RecordingMode.ON_DEMAND}, on_demand_stop = "stop"', RecordingMode.ON_DEMAND, _WITH_STOP),
)

_PAGE_HEAD: Final = """\
# The recording table

What each event does to one user's recording, for every mode. This page is drawn from the table the server runs on
(`feature_codes/recording.py`); `make docs` writes it anew and a test checks that it is fresh.

- **start, stop, pause, resume** are the user's codes (`*44 *45 *48 *49` by default), whichever way they came.
- **paused while provisional**: *On Demand*, paused before `*44`; nothing is kept yet.
- **refuse**: nothing changes; the user who dialled hears the refusal tone.
- **repeat-notice**: accepted, nothing changes; the user hears the notification for the current state again.
- A dash: the event does nothing in this state.
- An announcement is heard only when it is switched on for the call, a notification as its setting says, and a reminder
  only when one is set. In the diagrams refused and repeated codes are left out: they change nothing.
"""


def listing() -> str:
    """Every cell of every table, one a line: ``state, cue -> state: effects``."""
    return "\n".join(line for title, mode, options in _TABLES for line in _list_mode(title, rows(mode, options)))


def page() -> str:
    """The documentation page: for each mode a state diagram and the whole table."""
    parts = [_PAGE_HEAD]
    for title, mode, options in _TABLES:
        table = rows(mode, options)
        parts.append(f"## {title}\n\n{_diagram(table)}\n{_grid(table)}")
    return "\n".join(parts)


_Rows = Mapping[RecordingState, Mapping[Cue, Step]]


def _list_mode(title: str, table: _Rows) -> Iterator[str]:
    yield f"== {title} =="
    for state, row in table.items():
        for cue in Cue:
            step = row[cue]
            effects = " ".join(step.effects) or "-"
            yield f"{state!s:24} {cue:9} -> {step.to!s:24} : {effects}"
    yield ""


def _diagram(table: _Rows) -> str:
    lines = ["```mermaid", "stateDiagram-v2", f"    [*] --> {_id(INITIAL_STATE)}"]
    lines += [f'    state "{state}" as {_id(state)}' for state in table if str(state) != _id(state)]
    for state, row in table.items():
        for target, cues in _arrows(state, row).items():
            lines.append(f"    {_id(state)} --> {_id(target)} : {', '.join(cues)}")
    return "\n".join([*lines, "```", ""])


def _arrows(state: RecordingState, row: Mapping[Cue, Step]) -> dict[RecordingState, list[str]]:
    arrows: dict[RecordingState, list[str]] = {}
    for cue in Cue:
        if row[cue].to != state:
            arrows.setdefault(row[cue].to, []).append(cue.value)
    return arrows


def _grid(table: _Rows) -> str:
    lines = ["| state | event | new state | what is done, in order |", "|---|---|---|---|"]
    for state, row in table.items():
        for cue in Cue:
            step = row[cue]
            new = "" if step.to == state else str(step.to)
            lines.append(f"| {state} | {cue} | {new} | {', '.join(step.effects) or '-'} |")
    return "\n".join([*lines, ""])


def _id(state: RecordingState) -> str:
    return str(state).replace(" ", "_")
