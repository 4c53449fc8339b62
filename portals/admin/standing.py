"""What users are doing at this moment, for the lights of lists and pages."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Final

from callmodel.modes import Phase
from portals.ports import LiveCall


class Standing(StrEnum):
    """Of one user; of several calls the one that matters most counts."""

    IDLE = "idle"
    RINGING = "ringing"
    CALL = "call"
    """Answered, and nothing of it is recorded."""
    PROVISIONAL = "provisional"
    """Written since the answer, kept only when the user asks for it."""
    PAUSED = "paused"
    RECORDING = "recording"


_OF_PHASE: Final = {
    Phase.READY: Standing.CALL,
    Phase.PROVISIONAL: Standing.PROVISIONAL,
    Phase.RECORDING: Standing.RECORDING,
    Phase.PAUSED: Standing.PAUSED,
    Phase.CLOSED: Standing.CALL,
}
_ORDER: Final = tuple(Standing)


def standings(calls: Iterable[LiveCall]) -> dict[str, Standing]:
    """Of every subscriber in these calls, by number; who is not in it is idle."""
    found: dict[str, Standing] = {}
    for call in calls:
        recorded = {recording.user: _OF_PHASE[recording.phase] for recording in call.recordings}
        for party in (call.caller, call.callee):
            if party.user:
                plain = Standing.RINGING if call.answered_at is None else Standing.CALL
                now = recorded.get(party.number, plain)
                found[party.number] = max(found.get(party.number, Standing.IDLE), now, key=_ORDER.index)
    return found
