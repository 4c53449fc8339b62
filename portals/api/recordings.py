"""Finished recordings: list, manifest, audio."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from aiohttp import web
from pydantic import Field

from callmodel.modes import CallType, RecordingMode, RecordingResult, RecordingType
from catalog import JobState, RecordingRecord
from portals.api.wire import NUMBER, Instant, Out, QueryIn
from portals.rest import Asked, Reply, Route, Scope, refuse
from portals.rest.audio import send_audio
from portals.rest.instants import InstantIn
from portals.rest.paging import next_link
from portals.rest.places import place_of, read_place

TAG: Final = "Recordings"
READ: Final = (Scope.READ,)


class Recording(Out):
    """A finished recording."""

    recording_id: str
    call_id: str
    user: str
    mode: RecordingMode
    recording_type: RecordingType
    call_type: CallType
    result: RecordingResult
    caller: str
    callee: str
    started_at: Instant
    ended_at: Instant
    duration_ms: float
    size_bytes: int
    salvaged: bool
    local: bool = Field(description="Whether the audio is still here.")
    delivery: JobState | None = Field(default=None, description="Left out when it is not to be delivered.")
    remote_id: str | None = Field(default=None, description="Dubber's id, once it gave one.")


class Recordings(Out):
    """A page of recordings, newest first."""

    items: list[Recording]


class RecordingsQuery(QueryIn):
    """Which recordings."""

    user: str | None = Field(default=None, pattern=NUMBER)
    call_id: str | None = Field(default=None, max_length=128)
    since: InstantIn | None = Field(default=None, description="Started at this instant or later.")
    until: InstantIn | None = Field(default=None, description="Started before this instant.")
    limit: int = Field(default=50, ge=1, le=500)
    cursor: str | None = Field(default=None, max_length=512)


async def list_recordings(asked: Asked[RecordingsQuery, None]) -> Reply:
    """Newest first."""
    query = asked.query
    found = await asyncio.to_thread(
        asked.services.catalog.recordings.list,
        user=query.user,
        call_id=query.call_id,
        since=query.since,
        until=query.until,
        before=read_place(query.cursor),
        limit=query.limit + 1,
    )
    page = found[: query.limit]
    cursor = place_of(page[-1]) if len(found) > query.limit else None
    return Reply(body=Recordings(items=[_shown(one) for one in page]), headers=next_link(asked.request, cursor))


async def get_recording(asked: Asked[None, None]) -> Recording:
    """One, by id."""
    return _shown(await _one(asked))


async def get_manifest(asked: Asked[None, None]) -> web.Response:
    """Everything that is known about it; the schema is published."""
    record = await _one(asked)
    return web.Response(text=record.manifest.to_json(), content_type="application/json")


async def get_audio(asked: Asked[None, None]) -> web.StreamResponse:
    """The WAV, whole or a range."""
    return await send_audio(asked.request, await _one(asked), asked.services)


async def _one(asked: Asked[Any, Any]) -> RecordingRecord:
    found = await asyncio.to_thread(asked.services.catalog.recordings.get, asked.path["recording_id"])
    if found is None:
        raise refuse(404, "there is no such recording")
    return found


def _shown(record: RecordingRecord) -> Recording:
    manifest = record.manifest
    return Recording(
        recording_id=manifest.recording_id,
        call_id=manifest.call_id,
        user=manifest.user,
        mode=manifest.mode,
        recording_type=manifest.recording_type,
        call_type=manifest.call_type,
        result=manifest.result,
        caller=manifest.caller.number,
        callee=manifest.callee.number,
        started_at=manifest.started_at,
        ended_at=manifest.ended_at,
        duration_ms=manifest.duration_ms,
        size_bytes=manifest.audio.size_bytes,
        salvaged=manifest.salvaged,
        local=record.local,
        delivery=record.upload_state,
        remote_id=record.remote_id,
    )


_ONE: Final = "/recordings/{recording_id}"

ROUTES: Final = (
    Route(
        method="GET",
        path="/recordings",
        handler=list_recordings,
        summary="List recordings",
        tag=TAG,
        scopes=READ,
        query=RecordingsQuery,
        answer=Recordings,
    ),
    Route(
        method="GET",
        path=_ONE,
        handler=get_recording,
        summary="One recording",
        tag=TAG,
        scopes=READ,
        answer=Recording,
    ),
    Route(
        method="GET",
        path=f"{_ONE}/manifest",
        handler=get_manifest,
        summary="Everything that is known about a recording",
        tag=TAG,
        scopes=READ,
    ),
    Route(
        method="GET",
        path=f"{_ONE}/audio",
        handler=get_audio,
        summary="The audio of a recording",
        tag=TAG,
        scopes=READ,
        media="audio/wav",
        also=(206,),
        errors=(416,),
    ),
)
