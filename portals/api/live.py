"""Live calls: who talks, where each recording stands, steering it, hanging up, and what happened so far."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from pydantic import Field, JsonValue

from callmodel.codes import FeatureCommand
from callmodel.modes import Phase, RecordingMode, SteeringChannel
from portals.api.wire import In, Instant, Number, Out
from portals.ports import LiveCall, LiveParty, SteerOutcome
from portals.rest import Asked, Route, Scope, refuse

TAG: Final = "Calls"
READ: Final = (Scope.READ,)
WRITE: Final = (Scope.WRITE,)


class Party(Out):
    """One end of a call."""

    number: str
    label: str
    user: bool = Field(description="Whether it is a user of the carrier.")


class LiveRecording(Out):
    """Where one user's recording stands."""

    user: str
    phase: Phase
    mode: RecordingMode
    recording_id: str | None = None
    since: Instant | None = None


class Call(Out):
    """A live call."""

    call_id: str
    caller: Party
    callee: Party
    invited_at: Instant
    answered_at: Instant | None = None
    recordings: list[LiveRecording]


class Calls(Out):
    """Live calls, the oldest first."""

    items: list[Call]


class SteerIn(In):
    """Whose recording, and what is to become of it."""

    user: Number
    command: FeatureCommand


class Event(Out):
    """Something that happened in a call."""

    at: Instant
    kind: str
    data: dict[str, JsonValue]


class Events(Out):
    """What happened in a call, in order."""

    items: list[Event]


async def list_calls(asked: Asked[None, None]) -> Calls:
    """All of them."""
    return Calls(items=[shown(call) for call in asked.services.switchboard.calls()])


async def get_call(asked: Asked[None, None]) -> Call:
    """One, by id."""
    return _one(asked)


async def post_steer(asked: Asked[None, SteerIn]) -> Call:
    """Start, stop, pause or resume; the call as it is then."""
    body, call_id = asked.body, asked.path["call_id"]
    outcome = asked.services.switchboard.steer(body.user, body.command, SteeringChannel.REST, call_id=call_id)
    if outcome is SteerOutcome.NO_CALL:
        raise refuse(404, "there is no such call of this user, or it is not answered yet")
    if outcome is SteerOutcome.REFUSED:
        raise refuse(409, f"the user's mode, or where the recording stands, does not allow {body.command}")
    return _one(asked)


async def delete_call(asked: Asked[None, None]) -> None:
    """Hang up."""
    if not asked.services.switchboard.hang_up(asked.path["call_id"]):
        raise refuse(404, "there is no such call")


async def list_events(asked: Asked[None, None]) -> Events:
    """Of a live call or of one that is over, as far as they are written down (within a second)."""
    calls, call_id = asked.services.catalog.calls, asked.path["call_id"]
    if await asyncio.to_thread(calls.get, call_id) is None:
        raise refuse(404, "no such call is written down")
    found = await asyncio.to_thread(calls.events, call_id)
    return Events(items=[Event(at=one.at, kind=one.kind, data=dict(one.data)) for one in found])


def _one(asked: Asked[Any, Any]) -> Call:
    for call in asked.services.switchboard.calls():
        if call.call_id == asked.path["call_id"]:
            return shown(call)
    raise refuse(404, "there is no such call")


def shown(call: LiveCall) -> Call:
    """A live call on the wire."""
    return Call(
        call_id=call.call_id,
        caller=_party(call.caller),
        callee=_party(call.callee),
        invited_at=call.invited_at,
        answered_at=call.answered_at,
        recordings=[
            LiveRecording(user=one.user, phase=one.phase, mode=one.mode, recording_id=one.recording_id, since=one.since)
            for one in call.recordings
        ],
    )


def _party(party: LiveParty) -> Party:
    return Party(number=party.number, label=party.label, user=party.user)


ROUTES: Final = (
    Route(
        method="GET",
        path="/calls",
        handler=list_calls,
        summary="List live calls",
        tag=TAG,
        scopes=READ,
        answer=Calls,
    ),
    Route(
        method="GET",
        path="/calls/{call_id}",
        handler=get_call,
        summary="One live call",
        tag=TAG,
        scopes=READ,
        answer=Call,
    ),
    Route(
        method="POST",
        path="/calls/{call_id}/steer",
        handler=post_steer,
        summary="Start, stop, pause or resume a recording",
        tag=TAG,
        scopes=WRITE,
        body=SteerIn,
        answer=Call,
        errors=(409,),
    ),
    Route(
        method="DELETE",
        path="/calls/{call_id}",
        handler=delete_call,
        summary="Hang up",
        tag=TAG,
        scopes=WRITE,
        status=204,
    ),
    Route(
        method="GET",
        path="/calls/{call_id}/events",
        handler=list_events,
        summary="What happened in a call, live or over",
        tag=TAG,
        scopes=READ,
        answer=Events,
    ),
)
