"""``/convergedRecordings``: finished recordings, with what happened in them."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from aiohttp import web
from pydantic import Field

from catalog import RecordingRecord
from portals.rest import Asked, Reply, Route, Scope, refuse
from portals.rest.audio import send_audio
from portals.rest.instants import InstantIn
from portals.rest.paging import next_link
from portals.rest.places import place_of, read_place
from portals.rest.route import Handler
from portals.services import Services
from portals.webex import ids
from portals.webex.links import LINKS
from portals.webex.people import PEOPLE_IDS
from portals.webex.recording import read_access
from portals.webex.recording_data import (
    RecordingDetails,
    RecordingMetadata,
    Recordings,
    details,
    listed,
    metadata,
)
from portals.webex.wire import Out, QueryIn

TAG: Final = "Recordings"
LONGEST_SPAN: Final = timedelta(days=30)
MAX_PAGE: Final = 100
MINE: Final = (Scope.RECORDINGS_READ, Scope.ALL_RECORDINGS_READ)


class RecordingsQuery(QueryIn):
    """Which recordings."""

    from_: InstantIn | None = Field(default=None, alias="from", description="Started at this instant or later.")
    to: InstantIn | None = Field(default=None, description="Started before; at most 30 days after `from`.")
    status: Literal["available", "deleted", "purged"] | None = Field(
        default=None, description="Nothing is ever in a recycle bin here."
    )
    service_type: Literal["all", "calling", "customerAssist"] | None = None
    format: Literal["WAV", "MP3", "MP4", "ARF", "UPLOADED"] | None = None
    owner_id: str | None = Field(default=None, max_length=200)
    owner_email: str | None = Field(default=None, max_length=256)
    owner_type: Literal["user", "place", "virtualLine", "callQueue"] | None = None
    storage_region: Literal["US", "SG", "GB", "JP", "DE", "AU", "IN", "CA"] | None = None
    location_id: str | None = Field(default=None, max_length=200)
    topic: str | None = Field(default=None, max_length=256, description="What the topic contains.")
    timezone: str | None = Field(default=None, max_length=64, description="Times are UTC whatever is asked for.")
    max: int = Field(default=MAX_PAGE, ge=1, le=MAX_PAGE)
    cursor: str | None = Field(default=None, max_length=512)


class MetadataQuery(QueryIn):
    """How much of it."""

    show_all_types: bool = Field(default=False, description="Show media streams and participants of each activity too.")


class LinkQuery(QueryIn):
    """A signature instead of a token."""

    expires: int = Field(ge=0, le=2**40)
    signature: str = Field(max_length=128)


async def list_recordings(asked: Asked[RecordingsQuery, None]) -> Reply:
    """Newest first."""
    query = asked.query
    if query.from_ and query.to and not timedelta() <= query.to - query.from_ <= LONGEST_SPAN:
        raise refuse(400, "must be after from, by at most 30 days", field="to")
    before = read_place(query.cursor)
    found = await asyncio.to_thread(_found, asked, before)
    page = found[: query.max]
    cursor = place_of(page[-1]) if len(found) > query.max else None
    items = [listed(one, asked.services) for one in page]
    return Reply(body=Recordings(items=items), headers=next_link(asked.request, cursor))


def _found(asked: Asked[RecordingsQuery, None], before: tuple[datetime, str] | None) -> list[RecordingRecord]:
    """One more than a page, if there are."""
    query, services = asked.query, asked.services
    owner = _owner(asked)
    if owner is _NOBODY or not _possible(query, services) or not _may_view(services, asked.caller.number):
        return []
    wanted: list[RecordingRecord] = []
    topic = (query.topic or "").casefold()
    while len(wanted) <= query.max:
        rows = services.catalog.recordings.list(
            user=owner, since=query.from_, until=query.to, before=before, limit=query.max + 1
        )
        wanted += [row for row in rows if topic in listed(row, services).topic.casefold()]
        if len(rows) <= query.max:
            break
        before = (rows[-1].manifest.started_at, rows[-1].manifest.recording_id)
    return wanted[: query.max + 1]


_NOBODY: Final = ""


def _owner(asked: Asked[RecordingsQuery, None]) -> str | None:
    """The one user whose recordings are meant; None is anybody, empty is nobody."""
    query, own = asked.query, asked.caller.number
    wanted: set[str] = set()
    if own is not None:
        wanted.add(own)
    if query.owner_id is not None:
        wanted.add(asked.request.app[PEOPLE_IDS].number(query.owner_id) or _NOBODY)
    if query.owner_email is not None:
        number, _, domain = query.owner_email.lower().rpartition("@")
        wanted.add(number if domain == asked.services.domain.lower() else _NOBODY)
    if len(wanted) > 1:
        return _NOBODY
    return next(iter(wanted), None)


def _possible(query: RecordingsQuery, services: Services) -> bool:
    """False when a filter is for something that no recording here is."""
    return (
        query.status in (None, "available")
        and query.service_type in (None, "all", "calling")
        and query.format in (None, "WAV")
        and query.owner_type in (None, "user")
        and query.storage_region in (None, "US")
        and query.location_id in (None, ids.location_id(services.domain))
    )


def _may_view(services: Services, number: str | None) -> bool:
    return number is None or read_access(services, number).view_and_play_recordings_enabled


async def get_recording(asked: Asked[QueryIn, None]) -> RecordingDetails:
    """One; its own user gets a link to the audio that works for three hours without a token."""
    record = await _record(asked)
    number, services = asked.caller.number, asked.services
    if number is None or not record.local:
        return details(record, services, None)
    access = await asyncio.to_thread(read_access, services, number)
    if not access.download_recordings_enabled:
        return details(record, services, None)
    return details(record, services, asked.request.app[LINKS].make(asked.request, record.manifest.recording_id))


async def get_metadata(asked: Asked[MetadataQuery, None]) -> RecordingMetadata:
    """What happened in it."""
    record = await _record(asked)
    owner = await asyncio.to_thread(asked.services.catalog.subscribers.get, record.manifest.user)
    return metadata(record, asked.services, owner.name if owner else "", everything=asked.query.show_all_types)


async def get_audio(asked: Asked[LinkQuery, None]) -> web.StreamResponse:
    """The audio behind a link; the link is the permission."""
    recording_id = asked.path["recording_id"]
    if not asked.request.app[LINKS].holds(recording_id, asked.query.expires, asked.query.signature):
        raise refuse(404, "this link is not valid, or not any more")
    record = await asyncio.to_thread(asked.services.catalog.recordings.get, recording_id)
    if record is None:
        raise refuse(404, "there is no such recording")
    return await send_audio(asked.request, record, asked.services)


async def _record(asked: Asked[QueryIn, None] | Asked[MetadataQuery, None]) -> RecordingRecord:
    """RestError 404 also for another user's, and when the user may not view the own ones."""
    number, services = asked.caller.number, asked.services

    def find() -> RecordingRecord | None:
        found = services.catalog.recordings.get(asked.path["recording_id"])
        own = found is not None and number in (None, found.manifest.user)
        return found if own and _may_view(services, number) else None

    record = await asyncio.to_thread(find)
    if record is None:
        raise refuse(404, "there is no such recording")
    return record


def _get(path: str, handler: Handler, summary: str, answer: type[Out], scopes: tuple[Scope, ...], **more: Any) -> Route:
    return Route(
        method="GET", path=path, handler=handler, summary=summary, tag=TAG, scopes=scopes, answer=answer, **more
    )


_ONE: Final = "/convergedRecordings/{recording_id}"

ROUTES: Final = (
    _get(
        "/convergedRecordings",
        list_recordings,
        "List recordings: one's own, or everybody's with an administrator's token",
        Recordings,
        MINE,
        users=True,
        query=RecordingsQuery,
    ),
    _get(
        "/admin/convergedRecordings",
        list_recordings,
        "List everybody's recordings",
        Recordings,
        (Scope.ALL_RECORDINGS_READ,),
        query=RecordingsQuery,
    ),
    _get(_ONE, get_recording, "One recording", RecordingDetails, MINE, users=True, query=QueryIn),
    _get(
        f"{_ONE}/metadata",
        get_metadata,
        "What happened in a recording",
        RecordingMetadata,
        MINE,
        users=True,
        query=MetadataQuery,
    ),
    Route(
        method="GET",
        path=f"{_ONE}/audio",
        handler=get_audio,
        summary="The audio, by a link that one recording's details tell",
        tag=TAG,
        query=LinkQuery,
        media="audio/wav",
        also=(206,),
        errors=(416,),
    ),
)
