"""``/telephony/config/callRecording/announcements`` and ``…/complianceAnnouncement``."""

from __future__ import annotations

import asyncio
from enum import StrEnum
from typing import Final

from pydantic import Field

from callmodel.modes import Language
from portals.rest import Asked, Route, Scope, refuse
from portals.saving import prompts_directory, restore_prompt
from portals.webex import ids
from portals.webex.organisation import BASE, TAG
from portals.webex.wire import In, Out, QueryIn
from prompts import PromptId
from prompts.custom import own_prompts


class Greeting(StrEnum):
    """Whose words are played."""

    DEFAULT = "DEFAULT"
    CUSTOM = "CUSTOM"


class AnnouncementFile(Out):
    """An announcement of the organisation's own."""

    id: str
    file_name: str
    media_file_type: str
    level: str


class Announcement(Out):
    """Built in, or the organisation's own."""

    type: Greeting
    audio_announcement_file: AnnouncementFile | None = None


class Announcements(Out):
    """Everything that is said about a recording."""

    start: Announcement
    stop: Announcement
    pause: Announcement
    resume: Announcement
    failure_end_with_call: Announcement
    failure_proceed_with_call: Announcement


class AnnouncementIn(In):
    """Built in, or the organisation's own that is there already."""

    type: Greeting
    audio_announcement_file_id: str | None = Field(default=None, max_length=256)


class AnnouncementsIn(In):
    """What is not sent stays."""

    start: AnnouncementIn | None = None
    stop: AnnouncementIn | None = None
    pause: AnnouncementIn | None = None
    resume: AnnouncementIn | None = None
    failure_end_with_call: AnnouncementIn | None = None
    failure_proceed_with_call: AnnouncementIn | None = None


class Compliance(Out):
    """An announcement by the platform itself to callers from outside: there is none here."""

    inbound_pstn_calls_enabled: bool = Field(default=False, alias="inboundPSTNCallsEnabled")
    outbound_pstn_calls_enabled: bool = Field(default=False, alias="outboundPSTNCallsEnabled")
    outbound_pstn_calls_delay_enabled: bool = Field(default=False, alias="outboundPSTNCallsDelayEnabled")
    delay_in_seconds: int = 10
    use_custom_announcement_enabled: bool = False


class ComplianceIn(In):
    """Taken as long as nothing is to be enabled."""

    inbound_pstn_calls_enabled: bool | None = Field(default=None, alias="inboundPSTNCallsEnabled")
    outbound_pstn_calls_enabled: bool | None = Field(default=None, alias="outboundPSTNCallsEnabled")
    outbound_pstn_calls_delay_enabled: bool | None = Field(default=None, alias="outboundPSTNCallsDelayEnabled")
    delay_in_seconds: int | None = Field(default=None, ge=0, le=3600)
    use_custom_announcement_enabled: bool | None = None
    audio_announcement_file_id: str | None = Field(default=None, max_length=256)


PROMPTS: Final = {
    "start": PromptId.RECORDING_STARTED,
    "stop": PromptId.RECORDING_STOPPED,
    "pause": PromptId.RECORDING_PAUSED,
    "resume": PromptId.RECORDING_RESUMED,
    "failure_end_with_call": PromptId.RECORDING_FAILED_END,
    "failure_proceed_with_call": PromptId.RECORDING_FAILED_CONTINUE,
}


async def get_announcements(asked: Asked[QueryIn, None]) -> Announcements:
    """Custom is what was uploaded, in one language or both."""
    own = await asyncio.to_thread(own_prompts, prompts_directory(asked.services))
    return Announcements(**{name: _shown(prompt, own) for name, prompt in PROMPTS.items()})


def _shown(prompt: PromptId, own: frozenset[tuple[PromptId, Language]]) -> Announcement:
    if not any((prompt, language) in own for language in Language):
        return Announcement(type=Greeting.DEFAULT)
    file = AnnouncementFile(
        id=ids.announcement_id(prompt), file_name=f"{prompt}.wav", media_file_type="WAV", level="ORGANIZATION"
    )
    return Announcement(type=Greeting.CUSTOM, audio_announcement_file=file)


async def put_announcements(asked: Asked[QueryIn, AnnouncementsIn]) -> None:
    """Default takes out what was uploaded; custom needs it to be there."""
    own = await asyncio.to_thread(own_prompts, prompts_directory(asked.services))
    wanted = {name: getattr(asked.body, name) for name in PROMPTS}
    for name, entry in wanted.items():
        _check(name, entry, own)
    for name, entry in wanted.items():
        if entry is not None and entry.type is Greeting.DEFAULT:
            for language in Language:
                await restore_prompt(asked.services, PROMPTS[name], language, actor=asked.actor)


def _check(name: str, entry: AnnouncementIn | None, own: frozenset[tuple[PromptId, Language]]) -> None:
    if entry is None or entry.type is Greeting.DEFAULT:
        return
    prompt, field = PROMPTS[name], str(AnnouncementsIn.model_fields[name].alias)
    if not any((prompt, language) in own for language in Language):
        path = f"/api/v1/prompts/<language>/{prompt}"
        raise refuse(400, f"there is no announcement of your own yet; upload it with PUT {path}", field=f"{field}.type")
    if entry.audio_announcement_file_id not in (None, ids.announcement_id(prompt)):
        raise refuse(400, "is no file for this announcement", field=f"{field}.audioAnnouncementFileId")


async def get_compliance(_asked: Asked[QueryIn, None]) -> Compliance:
    """Nothing is enabled."""
    return Compliance()


async def put_compliance(asked: Asked[QueryIn, ComplianceIn]) -> None:
    """Refused as soon as something is to be enabled, rather than promised and not played."""
    for name, value in asked.body:
        if value is True:
            raise refuse(
                409,
                "there is no compliance announcement here; each user's startStopAnnouncement tells those who call from "
                "outside that they are recorded",
                field=str(ComplianceIn.model_fields[name].alias),
            )


ROUTES: Final = (
    Route(
        method="GET",
        path=f"{BASE}/announcements",
        handler=get_announcements,
        summary="What is said about a recording",
        tag=TAG,
        scopes=(Scope.CONFIG_READ,),
        query=QueryIn,
        answer=Announcements,
    ),
    Route(
        method="PUT",
        path=f"{BASE}/announcements",
        handler=put_announcements,
        summary="Go back to the built-in announcements",
        tag=TAG,
        scopes=(Scope.CONFIG_WRITE,),
        query=QueryIn,
        body=AnnouncementsIn,
        status=204,
    ),
    Route(
        method="GET",
        path=f"{BASE}/complianceAnnouncement",
        handler=get_compliance,
        summary="The compliance announcement",
        tag=TAG,
        scopes=(Scope.CONFIG_READ,),
        query=QueryIn,
        answer=Compliance,
    ),
    Route(
        method="PUT",
        path=f"{BASE}/complianceAnnouncement",
        handler=put_compliance,
        summary="Change the compliance announcement",
        tag=TAG,
        scopes=(Scope.CONFIG_WRITE,),
        query=QueryIn,
        body=ComplianceIn,
        status=204,
        errors=(409,),
    ),
)
