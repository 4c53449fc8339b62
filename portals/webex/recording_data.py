"""What the API tells of a finished recording."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from callmodel.manifest import Mark, MarkKind, Party, RecordingManifest
from callmodel.modes import CallType
from catalog import RecordingRecord
from portals.services import Services
from portals.webex import ids
from portals.webex.people import address
from portals.webex.wire import Instant, Out

REGION: Final = "US"


class ServiceData(Out):
    """What calling adds to a recording."""

    location_id: str
    call_session_id: str


class Recording(Out):
    """One line of a list."""

    id: str
    topic: str
    create_time: Instant
    time_recorded: Instant
    service_type: str
    duration_seconds: int
    size_bytes: int
    status: str
    owner_id: str
    owner_email: str
    owner_type: str
    storage_region: str
    service_data: ServiceData


class Recordings(Out):
    """A page of recordings."""

    items: list[Recording]


class DownloadLinks(Out):
    """Where the audio is for a while."""

    audio_download_link: str
    expiration: Instant


class RecordingDetails(Recording):
    """One recording."""

    temporary_direct_download_links: DownloadLinks | None = None


class Actor(Out):
    """Who a party is."""

    id: str
    type: str
    email: str


class PartyData(Out):
    """One end of the call."""

    actor: Actor | None = None
    name: str | None = None
    number: str


class Session(Out):
    """The recording session."""

    start_time: Instant


class Action(Out):
    """Something done to the recording."""

    action: str
    time: Instant


class Stream(Out):
    """One channel of the audio."""

    stream_id: str
    mode: str
    m_line_index: str


class Participant(Out):
    """Whose voice is in which channel."""

    aor: str
    send: str


class Announcement(Out):
    """What was played."""

    announcement_filename: str
    announcement_timestamp: Instant
    announcement_type: str


class Activity(Out):
    """A moment of the call."""

    time_stamp: Instant
    media_streams: list[Stream] | None = None
    participants: list[Participant] | None = None
    announcement_data: Announcement | None = None


class MetadataServiceData(ServiceData):
    """What happened."""

    call_recording_id: str
    call_id: str
    sip_call_id: str | None = None
    personality: str
    calling_party: PartyData
    called_party: PartyData
    session: Session
    recording_type: str
    recording_actions: list[Action]
    call_activity: list[Activity]


class RecordingMetadata(Out):
    """A recording with what happened in it."""

    id: str
    org_id: str
    owner_id: str
    owner_type: str
    owner_name: str
    owner_email: str
    storage_region: str
    service_type: str
    version: str
    service_data: MetadataServiceData


def listed(record: RecordingRecord, services: Services) -> Recording:
    """One line of a list."""
    return Recording(**_facts(record, services))


def details(record: RecordingRecord, services: Services, link: tuple[str, datetime] | None) -> RecordingDetails:
    """One recording, with where its audio is if that may be told."""
    links = None if link is None else DownloadLinks(audio_download_link=link[0], expiration=link[1])
    return RecordingDetails(**_facts(record, services), temporary_direct_download_links=links)


def _facts(record: RecordingRecord, services: Services) -> dict[str, Any]:
    manifest = record.manifest
    return {
        "id": manifest.recording_id,
        "topic": f"{_called(manifest.caller)} - {_called(manifest.callee)}",
        "create_time": record.added_at,
        "time_recorded": manifest.started_at,
        "service_type": "calling",
        "duration_seconds": round(manifest.duration_ms / 1000),
        "size_bytes": manifest.audio.size_bytes,
        "status": "available",
        "owner_id": ids.person_id(manifest.user),
        "owner_email": address(manifest.user, services),
        "owner_type": "user",
        "storage_region": REGION,
        "service_data": ServiceData(
            location_id=ids.location_id(services.domain), call_session_id=ids.call_session_id(manifest.call_id)
        ),
    }


def _called(party: Party) -> str:
    return party.label or party.number


def metadata(record: RecordingRecord, services: Services, owner_name: str, *, everything: bool) -> RecordingMetadata:
    """The recording's story, from its manifest."""
    manifest = record.manifest
    data = MetadataServiceData(
        location_id=ids.location_id(services.domain),
        call_session_id=ids.call_session_id(manifest.call_id),
        call_recording_id=manifest.recording_id,
        call_id=ids.call_id(manifest.call_id, manifest.user),
        sip_call_id=next(iter(manifest.sip_call_ids), None),
        personality="originator" if manifest.call_type is CallType.OUTBOUND else "terminator",
        calling_party=_party(manifest, manifest.caller, services),
        called_party=_party(manifest, manifest.callee, services),
        session=Session(start_time=manifest.started_at),
        recording_type=manifest.mode.value,
        recording_actions=_actions(manifest),
        call_activity=_activity(manifest, everything=everything),
    )
    return RecordingMetadata(
        id=manifest.recording_id,
        org_id=ids.organisation_id(services.domain),
        owner_id=ids.person_id(manifest.user),
        owner_type="user",
        owner_name=owner_name or manifest.user,
        owner_email=address(manifest.user, services),
        storage_region=REGION,
        service_type="calling",
        version="1.0",
        service_data=data,
    )


def _party(manifest: RecordingManifest, party: Party, services: Services) -> PartyData:
    actor = None
    if party.number == manifest.user:
        actor = Actor(id=ids.person_id(party.number), type="USER", email=address(party.number, services))
    return PartyData(actor=actor, name=party.label or None, number=party.number)


def _actions(manifest: RecordingManifest) -> list[Action]:
    """Start, the pauses in their order, stop."""
    actions = [Action(action="START", time=manifest.started_at)]
    for mark in manifest.marks:
        if mark.kind is MarkKind.PAUSE:
            actions.append(Action(action="PAUSE", time=_at(manifest, mark)))
            end = _at(manifest, mark) + timedelta(milliseconds=mark.length_ms)
            if end < manifest.ended_at:
                actions.append(Action(action="RESUME", time=end))
    actions.append(Action(action="STOP", time=manifest.ended_at))
    return actions


def _activity(manifest: RecordingManifest, *, everything: bool) -> list[Activity]:
    streams = participants = None
    if everything:
        other = manifest.callee if manifest.caller.number == manifest.user else manifest.caller
        ends = (manifest.user, other.number)
        streams = [Stream(stream_id=str(n), mode="separated", m_line_index=str(n)) for n in (1, 2)]
        participants = [Participant(aor=number, send=str(n)) for n, number in enumerate(ends, 1)]
    first = Activity(time_stamp=manifest.started_at, media_streams=streams, participants=participants)
    played = [
        Activity(
            time_stamp=_at(manifest, mark),
            announcement_data=Announcement(
                announcement_filename=mark.detail.get("prompt", ""),
                announcement_timestamp=_at(manifest, mark),
                announcement_type=mark.detail.get("language", ""),
            ),
        )
        for mark in manifest.marks
        if mark.kind is MarkKind.ANNOUNCEMENT
    ]
    return [first, *played]


def _at(manifest: RecordingManifest, mark: Mark) -> datetime:
    return manifest.answered_at + timedelta(milliseconds=mark.call_ms)
