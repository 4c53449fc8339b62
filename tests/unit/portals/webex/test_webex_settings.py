"""A person's call recording settings: what a change means, for every form of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callmodel.modes import NotificationType, RecordingMode
from callmodel.subscriber import DubPointKey, RecordingSettings, Subscriber
from portals.rest import RestError
from portals.webex.recording_settings import AccessSettings, CallRecordingIn, changed, shown

KEY = DubPointKey(service_provider="CARRIER", external_group="MAIN", external_identifier="1001@carrier.test")
ALWAYS = RecordingSettings(mode=RecordingMode.ALWAYS)


def becomes(before: RecordingSettings, body: str, *, mailbox: bool = True) -> RecordingSettings:
    """What a JSON body makes of settings."""
    one = Subscriber(number="1001", mailbox=mailbox, recording=before, dub_point=KEY)
    return changed(one, CallRecordingIn.model_validate_json(body)).recording


@given(
    st.builds(
        RecordingSettings,
        mode=st.sampled_from(RecordingMode),
        announce_internal=st.booleans(),
        announce_pstn=st.booleans(),
        notification=st.sampled_from(NotificationType),
        reminder_s=st.none() | st.integers(10, 1800),
        record_voicemail=st.booleans(),
    )
)
def test_what_is_read_can_be_written_back_and_changes_nothing(recording: RecordingSettings) -> None:
    """Whatever the settings are."""
    one = Subscriber(number="1001", mailbox=True, recording=recording, dub_point=KEY)
    told = shown(one, AccessSettings()).model_dump_json(by_alias=True)
    assert changed(one, CallRecordingIn.model_validate_json(told)) == one


CHANGES = {
    "nothing": ("{}", ALWAYS),
    "disabled, whatever the mode": (
        '{"enabled": false, "record": "On Demand"}',
        RecordingSettings(mode=RecordingMode.NEVER),
    ),
    "never is disabled": ('{"enabled": true, "record": "Never"}', RecordingSettings(mode=RecordingMode.NEVER)),
    "the mode alone": ('{"record": "On Demand"}', RecordingSettings(mode=RecordingMode.ON_DEMAND)),
    "enabled already": ('{"enabled": true}', ALWAYS),
    "one switch for both": (
        '{"startStopAnnouncementEnabled": true}',
        RecordingSettings(mode=RecordingMode.ALWAYS, announce_internal=True, announce_pstn=True),
    ),
    "half of the split": (
        '{"startStopAnnouncement": {"internalCallsEnabled": true}}',
        RecordingSettings(mode=RecordingMode.ALWAYS, announce_internal=True),
    ),
    "both forms, at odds": (
        '{"startStopAnnouncementEnabled": false, "startStopAnnouncement": {"pstnCallsEnabled": true}}',
        RecordingSettings(mode=RecordingMode.ALWAYS, announce_pstn=True),
    ),
    "a type without a switch": (
        '{"notification": {"type": "Play Announcement"}}',
        RecordingSettings(mode=RecordingMode.ALWAYS, notification=NotificationType.ANNOUNCEMENT),
    ),
    "a switch without a type": (
        '{"notification": {"enabled": true, "type": null}}',
        RecordingSettings(mode=RecordingMode.ALWAYS, notification=NotificationType.BEEP),
    ),
    "a switch without an interval": (
        '{"repeat": {"enabled": true}}',
        RecordingSettings(mode=RecordingMode.ALWAYS, reminder_s=15),
    ),
    "an interval while it is off": ('{"repeat": {"interval": 60}}', ALWAYS),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_may_be_partial(name: str) -> None:
    """What is not sent stays."""
    body, after = CHANGES[name]
    assert becomes(ALWAYS, body) == after


REFUSED = {
    "enabled without a mode": ('{"enabled": true}', "record"),
    "voicemail without a mailbox": ('{"recordVoicemailEnabled": true}', "recordVoicemailEnabled"),
    "another dub point": ('{"externalIdentifier": "1002@carrier.test"}', "externalIdentifier"),
    "another group": ('{"externalGroup": "OTHER"}', "externalGroup"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_is_refused_with_its_field(name: str) -> None:
    """As the API names it."""
    body, field = REFUSED[name]
    with pytest.raises(RestError) as caught:
        becomes(RecordingSettings(), body, mailbox=False)
    assert (caught.value.status, [problem.field for problem in caught.value.problems]) == (400, [field])
