"""``/telephony/calls``: live calls, each seen from one user's side, and what can be done to their recording."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Final

from pydantic import Field

from callmodel.codes import FeatureCommand
from callmodel.modes import Phase, SteeringChannel
from portals.ports import LiveCall, LiveParty, LiveRecording, SteerOutcome
from portals.rest import Asked, Route, Scope, refuse
from portals.rest.route import Handler
from portals.webex import ids
from portals.webex.people import PEOPLE_IDS
from portals.webex.wire import In, Instant, Out, QueryIn

TAG: Final = "Calls"
STATES: Final = {
    Phase.PROVISIONAL: None,
    Phase.READY: None,
    Phase.RECORDING: "started",
    Phase.PAUSED: "paused",
    Phase.CLOSED: "stopped",
}
"""What the API says of a recording's phase. A provisional one is not invoked yet: nothing of it is kept so far."""


class RemoteParty(Out):
    """The other side."""

    name: str | None = None
    number: str
    person_id: str | None = None
    id: str | None = None
    id_type: str | None = None
    privacy_enabled: bool = False
    call_type: str


class TelephonyCall(Out):
    """A live call from one user's side."""

    id: str
    call_id: str = Field(description="The same as id.")
    call_session_id: str
    personality: str = Field(description="originator or terminator")
    state: str = Field(description="connecting, alerting or connected")
    remote_party: RemoteParty
    created: Instant
    answered: Instant | None = None
    recording_state: str | None = Field(
        default=None, description="started, paused or stopped; left out until recording was invoked."
    )


class TelephonyCalls(Out):
    """Live calls."""

    items: list[TelephonyCall]


class CallsQuery(QueryIn):
    """Whose calls."""

    line_owner_id: str | None = Field(default=None, max_length=200, description="A person's id.")


class CallIn(In):
    """Which call; the most recent one of the user when none is named."""

    call_id: str | None = Field(default=None, max_length=512)
    line_owner_id: str | None = Field(default=None, max_length=200, description="A person's id.")


class NamedCallIn(In):
    """Which call."""

    call_id: str = Field(max_length=512)
    line_owner_id: str | None = Field(default=None, max_length=200, description="A person's id.")


async def list_calls(asked: Asked[CallsQuery, None]) -> TelephonyCalls:
    """Of the token's user, or of the line's owner; without either those of all users, one entry for each side."""
    owner = await _owner(asked, asked.query.line_owner_id)
    return TelephonyCalls(items=[_shown(*side) for side in _sides(asked) if owner in (None, side[1].number)])


async def get_call(asked: Asked[QueryIn, None]) -> TelephonyCall:
    """One, by id."""
    call, number = _named(asked, asked.path["call_id"], None)
    for side in _sides(asked):
        if (side[0].call_id, side[1].number) == (call, number):
            return _shown(*side)
    raise refuse(404, "there is no such call")


async def start_recording(asked: Asked[None, CallIn]) -> None:
    """Begin, or keep what is being recorded provisionally."""
    await _steer(asked, FeatureCommand.START)


async def stop_recording(asked: Asked[None, CallIn]) -> None:
    """End it."""
    await _steer(asked, FeatureCommand.STOP)


async def pause_recording(asked: Asked[None, CallIn]) -> None:
    """Leave out what follows."""
    await _steer(asked, FeatureCommand.PAUSE)


async def resume_recording(asked: Asked[None, CallIn]) -> None:
    """End the pause."""
    await _steer(asked, FeatureCommand.RESUME)


async def hang_up(asked: Asked[None, NamedCallIn]) -> None:
    """End the call for both sides."""
    owner = await _owner(asked, asked.body.line_owner_id)
    call, _ = _named(asked, asked.body.call_id, owner)
    if not asked.services.switchboard.hang_up(call):
        raise refuse(404, "there is no such call", field="callId")


async def _steer(asked: Asked[None, CallIn], command: FeatureCommand) -> None:
    owner = await _owner(asked, asked.body.line_owner_id)
    call: str | None = None
    number = owner
    if asked.body.call_id is not None:
        call, number = _named(asked, asked.body.call_id, owner)
    if number is None:
        raise refuse(400, "is needed: this token stands for no user", field="callId")
    outcome = asked.services.switchboard.steer(number, command, SteeringChannel.REST, call_id=call)
    if outcome is SteerOutcome.NO_CALL:
        raise refuse(404, "there is no such call, or it is not answered yet", field="callId")
    if outcome is SteerOutcome.REFUSED:
        raise refuse(409, f"the user's recording mode, or where the recording stands, does not allow {command}")


async def _owner(
    asked: Asked[CallsQuery, None] | Asked[None, CallIn] | Asked[None, NamedCallIn], line_owner: str | None
) -> str | None:
    """The user whose calls are meant; None: anybody's."""
    own = asked.caller.number
    if line_owner is None:
        return own
    number = await asyncio.to_thread(asked.request.app[PEOPLE_IDS].number, line_owner)
    if number is None or own not in (None, number):
        raise refuse(404, "there is no such person", field="lineOwnerId")
    return number


def _named(
    asked: Asked[QueryIn, None] | Asked[None, CallIn] | Asked[None, NamedCallIn], identity: str, owner: str | None
) -> tuple[str, str]:
    """Call and user of an id; RestError 404 for another user's than the owner's or the token's."""
    found = ids.read_call_id(identity)
    if found is None or any(allowed not in (None, found[1]) for allowed in (owner, asked.caller.number)):
        raise refuse(404, "there is no such call", field="callId")
    return found


def _sides(asked: Asked[CallsQuery, None] | Asked[QueryIn, None]) -> Iterator[tuple[LiveCall, LiveParty, LiveParty]]:
    """Every side that is a user's and the caller may see."""
    own = asked.caller.number
    for call in asked.services.switchboard.calls():
        for party, other in ((call.caller, call.callee), (call.callee, call.caller)):
            if party.user and own in (None, party.number):
                yield call, party, other


def _shown(call: LiveCall, party: LiveParty, other: LiveParty) -> TelephonyCall:
    identity = ids.call_id(call.call_id, party.number)
    calling = party is call.caller
    ringing = "connecting" if calling else "alerting"
    person = ids.person_id(other.number) if other.user else None
    return TelephonyCall(
        id=identity,
        call_id=identity,
        call_session_id=ids.call_session_id(call.call_id),
        personality="originator" if calling else "terminator",
        state=ringing if call.answered_at is None else "connected",
        remote_party=RemoteParty(
            name=other.label or None,
            number=other.number,
            person_id=person,
            id=person,
            id_type="PEOPLE" if person else None,
            call_type="location" if other.user else "external",
        ),
        created=call.invited_at,
        answered=call.answered_at,
        recording_state=_recording_state(call.recordings, party.number),
    )


def _recording_state(recordings: tuple[LiveRecording, ...], number: str) -> str | None:
    return next((STATES[one.phase] for one in recordings if one.user == number), None)


def _command(path: str, handler: Handler, summary: str, body: type[In]) -> Route:
    return Route(
        method="POST",
        path=f"/telephony/calls/{path}",
        handler=handler,
        summary=summary,
        tag=TAG,
        scopes=(Scope.CALLS_WRITE,),
        users=True,
        body=body,
        status=204,
        errors=(404, 409) if body is CallIn else (404,),
    )


ROUTES: Final = (
    Route(
        method="GET",
        path="/telephony/calls",
        handler=list_calls,
        summary="List live calls",
        tag=TAG,
        scopes=(Scope.CALLS_READ,),
        users=True,
        query=CallsQuery,
        answer=TelephonyCalls,
        errors=(404,),
    ),
    Route(
        method="GET",
        path="/telephony/calls/{call_id}",
        # an id, and none of the commands that are paths beside it
        patterns={"call_id": "Y2lz[A-Za-z0-9]+"},
        handler=get_call,
        summary="One live call",
        tag=TAG,
        scopes=(Scope.CALLS_READ,),
        users=True,
        query=QueryIn,
        answer=TelephonyCall,
    ),
    _command("startRecording", start_recording, "Start recording", CallIn),
    _command("stopRecording", stop_recording, "Stop recording", CallIn),
    _command("pauseRecording", pause_recording, "Pause recording", CallIn),
    _command("resumeRecording", resume_recording, "Resume recording", CallIn),
    _command("hangup", hang_up, "Hang up", NamedCallIn),
)
