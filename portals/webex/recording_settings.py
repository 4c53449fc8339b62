"""The body of a person's call recording settings, and what it means in ours.

A change may be partial: what is not sent stays. The start/stop announcement has two forms, one switch for all calls and
one for each kind of call; both are read, and whoever writes back what was read with one form changed gets that change.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from pydantic import Field

from callmodel.modes import NotificationType, RecordingMode
from callmodel.subscriber import REMINDER_DEFAULT_S, REMINDER_MAX_S, REMINDER_MIN_S, RecordingSettings, Subscriber
from portals.rest import refuse
from portals.webex.wire import In, Out

READ_ONLY: Final = ("service_provider", "external_group", "external_identifier")
"""Fields that tell which dub point a user has: they are made when the user is, and Dubber knows them."""


class Notification(Out):
    """Whether and how a user is told of pause and resume."""

    type: NotificationType
    enabled: bool


class Repeat(Out):
    """The tone that comes again and again."""

    interval: int = Field(ge=REMINDER_MIN_S, le=REMINDER_MAX_S)
    enabled: bool


class StartStopAnnouncement(Out):
    """Whether start and stop are announced."""

    internal_calls_enabled: bool
    pstn_calls_enabled: bool


class AccessSettings(Out):
    """What the person may do with the own recordings over this API; Dubber's portal has rules of its own."""

    view_and_play_recordings_enabled: bool = True
    download_recordings_enabled: bool = True
    delete_recordings_enabled: bool = False
    share_recordings_enabled: bool = False


class CallRecording(Out):
    """Call recording settings of a person."""

    enabled: bool
    record: RecordingMode
    record_voicemail_enabled: bool
    start_stop_announcement_enabled: bool
    notification: Notification
    repeat: Repeat
    service_provider: str | None = None
    external_group: str | None = None
    external_identifier: str | None = None
    start_stop_announcement: StartStopAnnouncement
    call_recording_access_settings: AccessSettings


class NotificationIn(In):
    """Enabled without a type is a beep."""

    type: NotificationType | None = None
    enabled: bool | None = None


class RepeatIn(In):
    """Seconds between two tones."""

    interval: int | None = Field(default=None, ge=REMINDER_MIN_S, le=REMINDER_MAX_S)
    enabled: bool | None = None


class StartStopAnnouncementIn(In):
    """One switch for each kind of call."""

    internal_calls_enabled: bool | None = None
    pstn_calls_enabled: bool | None = None


class AccessSettingsIn(In):
    """What is not sent stays."""

    view_and_play_recordings_enabled: bool | None = None
    download_recordings_enabled: bool | None = None
    delete_recordings_enabled: bool | None = None
    share_recordings_enabled: bool | None = None


class CallRecordingIn(In):
    """A change of call recording settings."""

    enabled: bool | None = Field(default=None, description="False is the mode Never.")
    record: RecordingMode | None = None
    record_voicemail_enabled: bool | None = None
    start_stop_announcement_enabled: bool | None = None
    notification: NotificationIn | None = None
    repeat: RepeatIn | None = None
    service_provider: str | None = Field(default=None, description="Read-only: only what it is already is taken.")
    external_group: str | None = Field(default=None, description="Read-only.")
    external_identifier: str | None = Field(default=None, description="Read-only.")
    start_stop_announcement: StartStopAnnouncementIn | None = None
    call_recording_access_settings: AccessSettingsIn | None = None


def shown(subscriber: Subscriber, access: AccessSettings) -> CallRecording:
    """Settings on the wire."""
    recording, key = subscriber.recording, subscriber.dub_point
    return CallRecording(
        enabled=recording.mode is not RecordingMode.NEVER,
        record=recording.mode,
        record_voicemail_enabled=recording.record_voicemail,
        start_stop_announcement_enabled=recording.announce_internal or recording.announce_pstn,
        notification=Notification(
            type=recording.notification, enabled=recording.notification is not NotificationType.NONE
        ),
        repeat=Repeat(
            interval=recording.reminder_s or REMINDER_DEFAULT_S,
            enabled=recording.reminder_s is not None,
        ),
        service_provider=key.service_provider if key else None,
        external_group=key.external_group if key else None,
        external_identifier=key.external_identifier if key else None,
        start_stop_announcement=StartStopAnnouncement(
            internal_calls_enabled=recording.announce_internal, pstn_calls_enabled=recording.announce_pstn
        ),
        call_recording_access_settings=access,
    )


def changed(subscriber: Subscriber, change: CallRecordingIn) -> Subscriber:
    """The subscriber with a change applied; RestError 400 names a field that cannot be what it should be."""
    key = subscriber.dub_point
    for name in READ_ONLY:
        wanted = getattr(change, name)
        if wanted is not None and (key is None or wanted != getattr(key, name)):
            raise refuse(400, "cannot be changed here", field=_alias(name))
    before = subscriber.recording
    announce_internal, announce_pstn = _announcement(before, change)
    after = replace(
        before,
        mode=_mode(before, change),
        announce_internal=announce_internal,
        announce_pstn=announce_pstn,
        notification=_notification(before, change),
        reminder_s=_reminder(before, change),
        record_voicemail=_voicemail(subscriber, change),
    )
    return replace(subscriber, recording=after)


def changed_access(before: AccessSettings, change: CallRecordingIn) -> AccessSettings:
    """Access settings with a change applied."""
    sent = change.call_recording_access_settings
    return before if sent is None else before.model_copy(update=sent.model_dump(exclude_none=True))


def _mode(before: RecordingSettings, change: CallRecordingIn) -> RecordingMode:
    if change.enabled is False:
        return RecordingMode.NEVER
    if change.record is not None:
        return change.record
    if change.enabled and before.mode is RecordingMode.NEVER:
        raise refuse(400, "is needed to enable call recording: when calls are recorded", field="record")
    return before.mode


def _voicemail(subscriber: Subscriber, change: CallRecordingIn) -> bool:
    wanted = change.record_voicemail_enabled
    if wanted is None:
        return subscriber.recording.record_voicemail
    if wanted and not subscriber.mailbox:
        raise refuse(400, "the user has no mailbox", field="recordVoicemailEnabled")
    return wanted


def _announcement(before: RecordingSettings, change: CallRecordingIn) -> tuple[bool, bool]:
    both, split = change.start_stop_announcement_enabled, change.start_stop_announcement
    internal, pstn = before.announce_internal, before.announce_pstn
    if split is not None:
        internal = internal if split.internal_calls_enabled is None else split.internal_calls_enabled
        pstn = pstn if split.pstn_calls_enabled is None else split.pstn_calls_enabled
    split_changed = (internal, pstn) != (before.announce_internal, before.announce_pstn)
    if both is not None and not split_changed and both != (internal or pstn):
        return both, both
    return internal, pstn


def _notification(before: RecordingSettings, change: CallRecordingIn) -> NotificationType:
    sent = change.notification
    if sent is None:
        return before.notification
    if sent.enabled is False:
        return NotificationType.NONE
    named = sent.type if sent.type is not NotificationType.NONE else None
    if sent.enabled:
        return named or NotificationType.BEEP
    return sent.type or before.notification


def _reminder(before: RecordingSettings, change: CallRecordingIn) -> int | None:
    sent = change.repeat
    if sent is None:
        return before.reminder_s
    if sent.enabled is False:
        return None
    if sent.enabled:
        return sent.interval or before.reminder_s or REMINDER_DEFAULT_S
    return before.reminder_s if before.reminder_s is None else sent.interval or before.reminder_s


def _alias(name: str) -> str:
    return str(CallRecordingIn.model_fields[name].alias)
