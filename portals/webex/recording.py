"""``/people/{id}/features/callRecording``: when a person's calls are recorded, and how."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from pydantic import Field

from callmodel.modes import NotificationType, RecordingMode
from callmodel.subscriber import REMINDER_DEFAULT_S
from catalog.audit import AuditChange, changed_values
from catalog.errors import TermsNotAccepted
from portals.rest import Asked, Route, Scope, refuse
from portals.rest.faults import told_by_field
from portals.saving import ACCESS_KEY, edit_user
from portals.services import Services
from portals.webex import vendor
from portals.webex.people import READ, TAG, subscriber_of
from portals.webex.recording_settings import (
    AccessSettings,
    CallRecording,
    CallRecordingIn,
    changed,
    changed_access,
    shown,
)
from portals.webex.wire import Out, QueryIn


async def get_recording(asked: Asked[QueryIn, None]) -> CallRecording:
    """What holds for the person's next call."""
    one = await subscriber_of(asked, asked.path["person_id"])
    return shown(one, await asyncio.to_thread(read_access, asked.services, one.number))


async def put_recording(asked: Asked[QueryIn, CallRecordingIn]) -> None:
    """Change what was sent; the next call uses it."""
    services = asked.services
    one = await subscriber_of(asked, asked.path["person_id"])
    try:
        with told_by_field():
            await edit_user(services, one.number, lambda now_is: changed(now_is, asked.body), actor=asked.actor)
    except TermsNotAccepted as error:
        raise vendor.terms_needed() from error
    if asked.body.call_recording_access_settings is not None:
        await asyncio.to_thread(_change_access, asked, one.number)


def read_access(services: Services, number: str) -> AccessSettings:
    """What a person may do with the own recordings. Blocking."""
    stored: dict[str, Any] = services.catalog.settings.get(ACCESS_KEY + number, {})
    return AccessSettings(**stored)


def _change_access(asked: Asked[QueryIn, CallRecordingIn], number: str) -> None:
    services, now = asked.services, asked.services.clock()
    old = read_access(services, number)
    new = changed_access(old, asked.body)
    before, after = changed_values(old.model_dump(), new.model_dump())
    if after:
        services.catalog.settings.set(ACCESS_KEY + number, new.model_dump(), now=now)
        change = AuditChange(action="user.recording_access", subject=number, before=before, after=after)
        services.catalog.audit.add(change, actor=asked.actor, now=now)


class Vendor(Out):
    """Who keeps the recordings."""

    id: str
    name: str
    login_url: str | None = None


class MyRecording(Out):
    """One's own settings, read-only."""

    enabled: bool
    vendor: Vendor
    recording_mode: RecordingMode
    pause_resume_notify_method: NotificationType
    announcement_enabled: bool
    warning_tone_enabled: bool
    warning_tone_duration: int = Field(description="Seconds between two tones.")


async def get_my_recording(asked: Asked[QueryIn, None]) -> MyRecording:
    """Of the user a token is bound to."""
    number = asked.caller.number
    one = None if number is None else await asyncio.to_thread(asked.services.catalog.subscribers.get, number)
    if one is None:
        raise refuse(404, "this token stands for no user")
    recording = one.recording
    return MyRecording(
        enabled=recording.mode is not RecordingMode.NEVER,
        vendor=Vendor(id=vendor.VENDOR_ID, name=vendor.VENDOR_NAME),
        recording_mode=recording.mode,
        pause_resume_notify_method=recording.notification,
        announcement_enabled=recording.announce_internal or recording.announce_pstn,
        warning_tone_enabled=recording.reminder_s is not None,
        warning_tone_duration=recording.reminder_s or REMINDER_DEFAULT_S,
    )


_PATH: Final = "/people/{person_id}/features/callRecording"

ROUTES: Final = (
    Route(
        method="GET",
        path=_PATH,
        handler=get_recording,
        summary="A person's call recording settings",
        tag=TAG,
        scopes=READ,
        users=True,
        query=QueryIn,
        answer=CallRecording,
    ),
    Route(
        method="PUT",
        path=_PATH,
        handler=put_recording,
        summary="Change a person's call recording settings",
        tag=TAG,
        scopes=(Scope.PEOPLE_WRITE,),
        query=QueryIn,
        body=CallRecordingIn,
        status=204,
        errors=(409,),
    ),
    Route(
        method="GET",
        path="/telephony/config/people/me/settings/callRecording",
        handler=get_my_recording,
        summary="One's own call recording settings",
        tag=TAG,
        scopes=(Scope.OWN_CONFIG_READ,),
        users=True,
        query=QueryIn,
        answer=MyRecording,
        errors=(404,),
    ),
)
