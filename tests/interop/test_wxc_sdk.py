"""``wxc_sdk``, which nobody here wrote, against ``/v1``: unchanged but for its base URL, blocking and asynchronous."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.request import urlopen
from uuid import UUID, uuid5

import numpy as np
import pytest
import soundfile
from aiohttp import web
from wxc_sdk import WebexSimpleApi
from wxc_sdk.common import Greeting
from wxc_sdk.person_settings.call_recording import (
    CallRecordingAccessSettings,
    CallRecordingAnnouncement,
    CallRecordingSetting,
    Notification,
    NotificationRepeat,
    NotificationType,
    Record,
    SelectiveCallRecording,
    StartStopAnnouncement,
)
from wxc_sdk.rest import ErrorDetail, RestError
from wxc_sdk.telephony.call_recording import FailureBehavior

from callmodel.manifest import Mark, MarkKind, Party
from callmodel.modes import FailureBehavior as OurFailure
from callmodel.modes import Language, RecordingMode
from callmodel.modes import NotificationType as OurNotification
from callmodel.subscriber import RecordingSettings, Subscriber
from catalog.installing import install_group
from portals import webex
from portals.rest import Scope
from portals.webex.ids import organisation_id, person_id
from prompts import PromptId
from prompts.custom import check_upload, own_prompts, save_custom
from tests.support.portals import DOMAIN, GROUP, NOW, PEOPLE, TESTER, WebSide, make_web_side, serving
from tests.support.recordings import finished

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # it inherits from a class of aiohttp's that is not made for it
    from wxc_sdk.as_api import AsWebexSimpleApi
    from wxc_sdk.as_rest import AsRestError, AsRestSession

pytestmark = pytest.mark.interop

NINA, ALAN, PAULA, OLGA, URSULA = PEOPLE
SPACE = UUID("8b2c5a0e-6d5f-5d0a-9a55-0b8d8f6f3c11")


@pytest.fixture
def side(tmp_path: Path) -> Iterator[WebSide]:
    """Five users, one of each mode."""
    one = make_web_side(tmp_path)
    yield one
    one.catalog.close()


@pytest.fixture
def base(side: WebSide) -> Iterator[str]:
    """Where ``/v1`` is."""

    with serving(application(side)) as url:
        yield f"{url}/v1"


def application(side: WebSide) -> Callable[[], web.Application]:
    """``/v1`` where the product has it."""

    def make() -> web.Application:
        app = web.Application()
        app.add_subapp("/v1", webex.application(side.services))
        return app

    return make


@pytest.fixture
def api(side: WebSide, base: str) -> Iterator[WebexSimpleApi]:
    """The blocking client of an administrator."""
    with client_of(side, base) as client:
        yield client


@contextmanager
def client_of(side: WebSide, base: str, *scopes: str, number: str | None = None) -> Iterator[WebexSimpleApi]:
    """The blocking client of whoever holds a token with these scopes (all of them when none is named)."""
    with WebexSimpleApi(tokens=side.token(*(scopes or Scope), number=number)) as client:
        client.session.BASE = base
        yield client


def tone_wav() -> bytes:
    """Half a second that can be heard."""
    file = io.BytesIO()
    soundfile.write(file, 0.2 * np.sin(np.arange(8000) / 5), 16000, format="WAV")
    return file.getvalue()


def recorded(side: WebSide, number: str) -> RecordingSettings:
    """What holds for a user's next call."""
    one = side.catalog.subscribers.get(number)
    assert one is not None
    return one.recording


def refused(call: Callable[..., Any], *arguments: Any, **named: Any) -> tuple[int, str]:
    """Status and description of a refusal."""
    with pytest.raises(RestError) as caught:
        call(*arguments, **named)
    detail = caught.value.detail
    assert isinstance(detail, ErrorDetail)
    assert detail.tracking_id.startswith("SIMPLE_")
    return caught.value.response.status_code, detail.description


# --- people -----------------------------------------------------------------------------------------------


def test_everybody_is_listed_in_pages(api: WebexSimpleApi) -> None:
    """Two a page; the SDK follows the links."""
    assert [person.display_name for person in api.people.list(max=2)] == [one.name for one in PEOPLE]


def test_people_are_found_by_address_name_and_id(api: WebexSimpleApi) -> None:
    """And nobody by what nobody has."""
    [by_email] = api.people.list(email="1002@carrier.test")
    assert by_email.display_name == "Paula Pause"
    assert [one.extension for one in api.people.list(display_name="alan", calling_data=True)] == ["1001"]
    both = api.people.list(id_list=[person_id("1004"), person_id("1000"), "nonsense"])
    assert [one.display_name for one in both] == ["Nina Never", "Ursula Start"]
    assert list(api.people.list(email="1002@elsewhere.test")) == []
    assert list(api.people.list(display_name="ver")) == []


def test_a_person_has_a_stable_id_and_an_address(api: WebexSimpleApi) -> None:
    """The id is made from the number alone; another installation has the same."""
    person = api.people.details(person_id("1001"), calling_data=True)
    assert person.person_id_uuid == str(uuid5(SPACE, "person:1001"))
    assert (person.emails, person.first_name, person.last_name) == (["1001@carrier.test"], "Alan", "Always")
    assert (person.extension, person.org_id) == ("1001", organisation_id(DOMAIN))


def test_me_is_the_program_or_the_user(side: WebSide, base: str, api: WebexSimpleApi) -> None:
    """A token of a user is that user; one of a program is the program."""
    assert api.people.me().display_name == "tester"
    with client_of(side, base, number="1003") as olga:
        assert olga.people.me().display_name == "Olga Demand"


def test_a_user_sees_only_the_own_entry(side: WebSide, base: str) -> None:
    """Whatever scopes the token has."""
    with client_of(side, base, number="1003") as olga:
        assert [one.display_name for one in olga.people.list(display_name="o")] == ["Olga Demand"]
        assert list(olga.people.list(display_name="Alan")) == []
        assert refused(olga.people.details, person_id("1001")) == (404, "there is no such person")
        assert refused(list, olga.people.list()) == (400, "Email, displayName, or id list should be specified.")


def test_without_the_scope_or_a_known_token_nothing_is_told(side: WebSide, base: str) -> None:
    """403 and 401, in the API's own words."""
    with client_of(side, base, Scope.CALLS_READ) as caller:
        status, description = refused(list, caller.people.list())
        assert (status, description.split(",")[0]) == (403, "The server understood the request")
    with WebexSimpleApi(tokens="made-up") as stranger:
        stranger.session.BASE = base
        status, description = refused(list, stranger.people.list())
    assert status == 401
    assert description == "The request requires a valid access token set in the Authorization request header."


# --- a person's call recording -------------------------------------------------------------------------------


@pytest.mark.parametrize("one", PEOPLE, ids=lambda one: one.recording.mode.name.lower())
def test_the_five_modes_are_read(api: WebexSimpleApi, one: Subscriber) -> None:
    """Never is not enabled."""
    settings = api.person_settings.call_recording.read(person_id(one.number))
    assert settings == CallRecordingSetting(
        enabled=one.recording.mode is not RecordingMode.NEVER,
        record=Record(one.recording.mode.value),
        record_voicemail_enabled=False,
        start_stop_announcement_enabled=False,
        notification=Notification(notification_type=NotificationType.none, enabled=False),
        repeat=NotificationRepeat(interval=15, enabled=False),
        service_provider="CARRIER",
        external_group="CARRIER-MAIN",
        external_identifier=f"{one.number}@carrier.test",
        start_stop_announcement=StartStopAnnouncement(internal_calls_enabled=False, pstn_calls_enabled=False),
        call_recording_access_settings=CallRecordingAccessSettings(
            view_and_play_recordings_enabled=True,
            download_recordings_enabled=True,
            delete_recordings_enabled=False,
            share_recordings_enabled=False,
        ),
    )


@pytest.mark.parametrize("record", list(Record), ids=lambda record: record.name)
def test_the_five_modes_are_set(side: WebSide, api: WebexSimpleApi, record: Record) -> None:
    """Nina's next call is under the mode; the running server was told."""
    change = CallRecordingSetting(enabled=record is not Record.never, record=record)
    api.person_settings.call_recording.configure(person_id("1000"), change)
    assert recorded(side, "1000") == RecordingSettings(mode=RecordingMode(record.value))
    assert side.exchange.refreshed == 1


def test_every_setting_is_written_and_read_back(side: WebSide, api: WebexSimpleApi) -> None:
    """All fields at once."""
    nina, call_recording = person_id("1000"), api.person_settings.call_recording
    change = CallRecordingSetting(
        enabled=True,
        record=Record.always_with_pause_resume,
        record_voicemail_enabled=True,
        start_stop_announcement=StartStopAnnouncement(internal_calls_enabled=False, pstn_calls_enabled=True),
        notification=Notification(notification_type=NotificationType.play_announcement, enabled=True),
        repeat=NotificationRepeat(interval=1800, enabled=True),
        call_recording_access_settings=CallRecordingAccessSettings(download_recordings_enabled=False),
    )
    call_recording.configure(nina, change)
    assert recorded(side, "1000") == RecordingSettings(
        mode=RecordingMode.ALWAYS_PAUSE_RESUME,
        announce_pstn=True,
        notification=OurNotification.ANNOUNCEMENT,
        reminder_s=1800,
        record_voicemail=True,
    )
    after = call_recording.read(nina)
    assert after.start_stop_announcement_enabled is True
    assert after.call_recording_access_settings == CallRecordingAccessSettings(
        view_and_play_recordings_enabled=True,
        download_recordings_enabled=False,
        delete_recordings_enabled=False,
        share_recordings_enabled=False,
    )


def test_what_was_read_can_be_written_back_with_one_form_of_the_announcement_changed(
    side: WebSide, api: WebexSimpleApi
) -> None:
    """The old single switch, then the new pair: whichever was changed counts."""
    alan, call_recording = person_id("1001"), api.person_settings.call_recording
    settings = call_recording.read(alan)
    settings.start_stop_announcement_enabled = True
    call_recording.configure(alan, settings)
    assert (recorded(side, "1001").announce_internal, recorded(side, "1001").announce_pstn) == (True, True)
    settings = call_recording.read(alan)
    settings.start_stop_announcement = StartStopAnnouncement(internal_calls_enabled=False, pstn_calls_enabled=True)
    call_recording.configure(alan, settings)
    assert (recorded(side, "1001").announce_internal, recorded(side, "1001").announce_pstn) == (False, True)


def test_a_notification_without_a_type_is_a_beep(side: WebSide, api: WebexSimpleApi) -> None:
    """As the platform's documentation has it."""
    change = CallRecordingSetting(notification=Notification(notification_type=NotificationType.none, enabled=True))
    api.person_settings.call_recording.configure(person_id("1001"), change)
    assert recorded(side, "1001").notification is OurNotification.BEEP


def test_a_change_stands_in_the_audit_log(side: WebSide, api: WebexSimpleApi) -> None:
    """Who, from where, what was and what is."""
    change = CallRecordingSetting(repeat=NotificationRepeat(interval=45, enabled=True))
    api.person_settings.call_recording.configure(person_id("1001"), change)
    entry = side.catalog.audit.list(limit=1)[0]
    assert (entry.actor, entry.action, entry.subject, entry.address) == (
        "token:tester",
        "user.changed",
        "1001",
        "127.0.0.1",
    )
    assert (entry.before, entry.after) == ({"reminder_s": None}, {"reminder_s": 45})


WRONG = {
    "an interval too short": (
        CallRecordingSetting(repeat=NotificationRepeat(interval=9, enabled=True)),
        "repeat.interval: Input should be greater than or equal to 10",
    ),
    "an interval too long": (
        CallRecordingSetting(repeat=NotificationRepeat(interval=1801, enabled=False)),
        "repeat.interval: Input should be less than or equal to 1800",
    ),
    "voicemail without a mailbox": (
        CallRecordingSetting(record_voicemail_enabled=True),
        "recordVoicemailEnabled: the user has no mailbox",
    ),
    "a field of another platform": (
        CallRecordingSetting(selective_call_recording_settings=SelectiveCallRecording()),
        "selectiveCallRecordingSettings: there is no such field here",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_value_is_refused_with_its_field(side: WebSide, api: WebexSimpleApi, name: str) -> None:
    """And nothing changes."""
    change, description = WRONG[name]
    before = recorded(side, "1001")
    assert refused(api.person_settings.call_recording.configure, person_id("1001"), change) == (400, description)
    assert recorded(side, "1001") == before


def test_nobody_is_enabled_before_the_terms_are_accepted(tmp_path: Path) -> None:
    """409 with the vendor, his name and where his terms are; once they are accepted, it works and Dubber is told."""
    side = make_web_side(tmp_path, installed=False, people=(NINA,))
    install_group(side.catalog, GROUP, actor=TESTER, now=NOW)
    with serving(application(side)) as url, client_of(side, f"{url}/v1") as api:
        configure = api.person_settings.call_recording.configure
        change = CallRecordingSetting(enabled=True, record=Record.always)
        with pytest.raises(RestError) as caught:
            configure(person_id("1000"), change)
        body = caught.value.response.json()
        vendors = api.telephony.call_recording.get_org_vendors().vendors
        assert vendors is not None
        assert caught.value.response.status_code == 409
        assert {name: body[name] for name in ("vendorId", "vendorName", "termsOfServiceUrl")} == {
            "vendorId": vendors[0].id,
            "vendorName": "Dubber",
            "termsOfServiceUrl": vendors[0].terms_of_service_url,
        }
        terms = api.telephony.call_recording.read_terms_of_service(body["vendorId"])
        assert terms.terms_of_service_enabled is False
        api.telephony.call_recording.update_terms_of_service(body["vendorId"], True)
        configure(person_id("1000"), change)
        assert api.telephony.call_recording.read_terms_of_service(body["vendorId"]).terms_of_service_enabled is True
    assert recorded(side, "1000").mode is RecordingMode.ALWAYS
    assert side.groups.woken == 1
    side.catalog.close()


def test_nobody_is_enabled_before_call_recording_is_installed(tmp_path: Path) -> None:
    """409 that says what is missing."""
    side = make_web_side(tmp_path, installed=False, people=(NINA,))
    with serving(application(side)) as url, client_of(side, f"{url}/v1") as api:
        change = CallRecordingSetting(enabled=True, record=Record.always)
        status, description = refused(api.person_settings.call_recording.configure, person_id("1000"), change)
        assert (status, "Group ID" in description) == (409, True)
        assert api.telephony.call_recording.read().enabled is False
    side.catalog.close()


def test_a_user_reads_the_own_settings_and_changes_nothing(side: WebSide, base: str) -> None:
    """The page of one's own, and 403 for a change."""
    with client_of(side, base, number="1002") as paula:
        mine = paula.me.recording.settings()
        assert (mine.enabled, mine.recording_mode, mine.warning_tone_enabled) == (
            True,
            "Always with Pause/Resume",
            False,
        )
        assert mine.vendor is not None
        assert mine.vendor.name == "Dubber"
        change = CallRecordingSetting(enabled=False)
        assert refused(paula.person_settings.call_recording.configure, person_id("1002"), change)[0] == 403


# --- the organisation ----------------------------------------------------------------------------------------


def test_the_organisation_is_disabled_and_enabled(side: WebSide, api: WebexSimpleApi) -> None:
    """Disabled, nobody can be enabled; enabled again, the same group is installed."""
    recording = api.telephony.call_recording
    assert recording.read().enabled is True
    recording.update(enabled=False)
    assert (recording.read().enabled, side.catalog.provider.read().group_id) == (False, None)
    change = CallRecordingSetting(enabled=True, record=Record.always)
    assert refused(api.person_settings.call_recording.configure, person_id("1000"), change)[0] == 409
    recording.update(enabled=True)
    assert (recording.read().enabled, side.catalog.provider.read().group_id) == (True, GROUP)


def test_the_vendor_is_dubber_and_brings_the_failure_behaviour(side: WebSide, api: WebexSimpleApi) -> None:
    """Set with the vendor, used from the next call on."""
    recording = api.telephony.call_recording
    before = recording.get_org_vendors()
    assert (before.vendor_name, before.failure_behavior) == (
        "Dubber",
        FailureBehavior.proceed_with_call_no_announcement,
    )
    assert before.vendor_id is not None
    assert recording.set_org_vendor(before.vendor_id, FailureBehavior.end_call_with_announcement)
    assert recording.get_org_vendors().failure_behavior == FailureBehavior.end_call_with_announcement
    assert side.catalog.service_settings.read().failure_behavior is OurFailure.END_ANNOUNCED
    assert side.exchange.refreshed == 1
    assert refused(recording.set_org_vendor, "another") == (400, "vendorId: is no vendor's id")


def test_announcements_are_told_and_taken_back(side: WebSide, api: WebexSimpleApi) -> None:
    """Default until one was uploaded; default again takes it out."""
    recording = api.telephony.call_recording
    assert recording.read_org_call_recording_announcement().pause == CallRecordingAnnouncement(type=Greeting.default)
    directory = side.services.data_dir / "prompts"
    save_custom(directory, PromptId.RECORDING_PAUSED, Language.FR, check_upload(tone_wav()))
    announcements = recording.read_org_call_recording_announcement()
    assert announcements.pause is not None
    assert announcements.pause.type == Greeting.custom
    recording.update_org_call_recording_announcement(announcements)
    assert own_prompts(directory) == {(PromptId.RECORDING_PAUSED, Language.FR)}
    announcements.pause = CallRecordingAnnouncement(type=Greeting.default)
    recording.update_org_call_recording_announcement(announcements)
    assert own_prompts(directory) == frozenset()
    announcements.stop = CallRecordingAnnouncement(type=Greeting.custom)
    assert refused(recording.update_org_call_recording_announcement, announcements)[0] == 400


def test_a_compliance_announcement_is_refused_rather_than_promised(api: WebexSimpleApi) -> None:
    """All off is what there is."""
    recording = api.telephony.call_recording
    settings = recording.read_org_compliance_announcement()
    assert (settings.inbound_pstncalls_enabled, settings.outbound_pstncalls_enabled) == (False, False)
    recording.update_org_compliance_announcement(settings)
    settings.inbound_pstncalls_enabled = True
    status, description = refused(recording.update_org_compliance_announcement, settings)
    assert (status, description.split(":")[0]) == (409, "inboundPSTNCallsEnabled")


def test_recorded_users_are_listed_with_the_vendor(api: WebexSimpleApi) -> None:
    """Everybody but Nina."""
    recording = api.telephony.call_recording
    assert [one.last_name for one in recording.list_org_users()] == ["Always", "Pause", "Demand", "Start"]
    assert [region.code for region in recording.get_call_recording_regions()] == ["US"]


# --- live calls ----------------------------------------------------------------------------------------------


def test_each_side_of_a_call_is_listed(side: WebSide, api: WebexSimpleApi) -> None:
    """Two users, one session, two ids; a call from outside has one side."""
    side.exchange.put_call("c-1", ALAN, URSULA)
    side.exchange.put_call("c-2", "+33155512345", OLGA, answered=False)
    calls = api.telephony.calls.list_calls()
    seen = [(one.personality, one.state, one.remote_party.number, one.recording_state) for one in calls]
    assert seen == [
        ("originator", "connected", "1004", "started"),
        ("terminator", "connected", "1001", None),
        ("terminator", "alerting", "+33155512345", None),
    ]
    assert calls[0].call_session_id == calls[1].call_session_id != calls[2].call_session_id
    assert (calls[1].remote_party.person_id, calls[2].remote_party.call_type) == (person_id("1001"), "external")
    assert [one.call_id for one in api.telephony.calls.list_calls(line_owner_id=person_id("1004"))] == [
        calls[1].call_id
    ]
    assert api.telephony.calls.call_details(calls[1].call_id or "") == calls[1]


def test_a_recording_is_started_paused_resumed_and_stopped(side: WebSide, api: WebexSimpleApi) -> None:
    """The state follows."""
    side.exchange.put_call("c-1", URSULA, "9002")
    calls = api.telephony.calls
    [call] = calls.list_calls()
    call_id = call.call_id or ""
    states = []
    for step in (calls.start_recording, calls.pause_recording, calls.resume_recording, calls.stop_recording):
        step(call_id)
        states.append(calls.list_calls()[0].recording_state)
    assert states == ["started", "paused", "started", None]


def test_what_mode_or_state_does_not_allow_is_refused(side: WebSide, api: WebexSimpleApi) -> None:
    """Always cannot be started or paused; nothing to pause before a start; no such call."""
    side.exchange.put_call("c-1", ALAN, "9002")
    side.exchange.put_call("c-2", URSULA, "9002")
    calls = api.telephony.calls
    alan, ursula = (one.call_id or "" for one in calls.list_calls())
    told = "the user's recording mode, or where the recording stands, does not allow"
    assert refused(calls.start_recording, alan) == (409, f"{told} start")
    assert refused(calls.pause_recording, alan) == (409, f"{told} pause")
    assert refused(calls.pause_recording, ursula) == (409, f"{told} pause")
    assert refused(calls.start_recording, "nonsense") == (404, "callId: there is no such call")
    assert refused(calls.pause_recording) == (400, "callId: is needed: this token stands for no user")


def test_a_user_steers_the_own_call_and_no_other(side: WebSide, base: str, api: WebexSimpleApi) -> None:
    """Without an id it is the most recent one; hanging up works too."""
    side.exchange.put_call("c-1", URSULA, "9002")
    side.exchange.put_call("c-2", OLGA, "9002")
    olgas = api.telephony.calls.list_calls()[1].call_id or ""
    with client_of(side, base, number="1004") as ursula:
        calls = ursula.telephony.calls
        [own] = calls.list_calls()
        calls.start_recording(own.call_id or "")
        calls.pause_recording()
        assert calls.list_calls()[0].recording_state == "paused"
        assert refused(calls.start_recording, olgas) == (404, "callId: there is no such call")
        assert refused(calls.hangup, olgas) == (404, "callId: there is no such call")
        calls.hangup(own.call_id or "")
        assert calls.list_calls() == []
    assert [one.call_id for one in side.exchange.calls()] == ["c-2"]


# --- recordings ------------------------------------------------------------------------------------------------


@pytest.fixture
def recordings(side: WebSide) -> tuple[str, ...]:
    """Three of Alan's, an hour apart, and one of Paula's with a pause; newest first."""
    made = []
    for number, (user, hour) in enumerate((("1001", 9), ("1001", 10), ("1001", 11), ("1002", 12))):
        at = NOW.replace(hour=hour)
        marks = (Mark(kind=MarkKind.PAUSE, file_ms=500, call_ms=500, length_ms=250),) if user == "1002" else ()
        name = f"rec-{number}"
        path, manifest = finished(
            side.services.data_dir,
            name,
            user=user,
            callee=Party(number=user, label=user),
            answered_at=at,
            started_at=at,
            marks=marks,
        )
        side.catalog.recordings.add_finished(manifest, path, now=at)
        made.append(name)
    return tuple(reversed(made))


def test_recordings_are_listed_newest_first_in_pages(
    side: WebSide, base: str, api: WebexSimpleApi, recordings: tuple[str, ...]
) -> None:
    """All of them for an administrator; by owner and time; a user's own for a user."""
    converged = api.converged_recordings
    assert [one.id for one in converged.list_for_admin_or_compliance_officer(max=2)] == list(recordings)
    of_paula = converged.list_for_admin_or_compliance_officer(owner_id=person_id("1002"))
    assert [one.id for one in of_paula] == ["rec-3"]
    between = converged.list(from_=NOW, to_=NOW.replace(hour=11), owner_email="1001@carrier.test")
    assert [one.id for one in between] == ["rec-1"]
    assert list(converged.list(status="deleted")) == []
    with client_of(side, base, number="1002") as paula:
        [own] = paula.converged_recordings.list()
        assert (own.id, own.owner_email, own.duration_seconds, own.status) == (
            "rec-3",
            "1002@carrier.test",
            1,
            "available",
        )
        assert refused(list, paula.converged_recordings.list_for_admin_or_compliance_officer())[0] == 403


def test_a_recording_tells_its_story(api: WebexSimpleApi, recordings: tuple[str, ...]) -> None:
    """Who called whom, and the pause."""
    story = api.converged_recordings.metadata(recordings[0], show_all_types=True)
    data = story.service_data
    assert data is not None
    assert data.recording_actions is not None
    assert [(one.action, one.time) for one in data.recording_actions] == [
        ("START", "2026-03-04T12:00:00.000Z"),
        ("PAUSE", "2026-03-04T12:00:00.500Z"),
        ("RESUME", "2026-03-04T12:00:00.750Z"),
        ("STOP", "2026-03-04T12:00:01.000Z"),
    ]
    assert data.calling_party is not None
    assert data.called_party is not None
    assert (data.personality, data.calling_party.number, data.called_party.number) == (
        "terminator",
        "+33155512345",
        "1002",
    )
    assert story.owner_name == "Paula Pause"


def test_the_own_recording_can_be_fetched_by_its_link(side: WebSide, base: str, recordings: tuple[str, ...]) -> None:
    """Without a token; not by an administrator, and not when the user may not download."""
    with client_of(side, base, number="1002") as paula:
        links = paula.converged_recordings.details(recordings[0]).temporary_direct_download_links
        assert links is not None
        assert links.audio_download_link is not None
        with urlopen(links.audio_download_link) as response:
            audio = response.read()
        record = side.catalog.recordings.get(recordings[0])
        assert record is not None
        assert sha256(audio).hexdigest() == record.manifest.audio.sha256
        assert refused(paula.converged_recordings.details, recordings[1]) == (404, "there is no such recording")
    with client_of(side, base) as administrator:
        assert administrator.converged_recordings.details(recordings[0]).temporary_direct_download_links is None
        closed = CallRecordingSetting(
            call_recording_access_settings=CallRecordingAccessSettings(download_recordings_enabled=False)
        )
        administrator.person_settings.call_recording.configure(person_id("1002"), closed)
    with client_of(side, base, number="1002") as paula:
        assert paula.converged_recordings.details(recordings[0]).temporary_direct_download_links is None


# --- the asynchronous client -------------------------------------------------------------------------------------


async def test_the_asynchronous_client_does_the_same(
    side: WebSide, base: str, recordings: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each call once."""
    monkeypatch.setattr(AsRestSession, "BASE", base)
    side.exchange.put_call("c-1", URSULA, "9002")
    async with AsWebexSimpleApi(tokens=side.token(*Scope)) as api:
        assert [person.display_name async for person in api.people.list_gen(max=2)] == [one.name for one in PEOPLE]
        assert (await api.people.me()).display_name == "tester"
        assert (await api.people.details(person_id("1001"))).display_name == "Alan Always"
        nina, personal = person_id("1000"), api.person_settings.call_recording
        await personal.configure(nina, CallRecordingSetting(enabled=True, record=Record.on_demand))
        assert (await personal.read(nina)).record == Record.on_demand
        with pytest.raises(AsRestError) as caught:
            await personal.configure(nina, CallRecordingSetting(repeat=NotificationRepeat(interval=5, enabled=True)))
        assert caught.value.status == 400
        assert caught.value.detail.description == "repeat.interval: Input should be greater than or equal to 10"
        organisation = api.telephony.call_recording
        assert (await organisation.read()).enabled is True
        await organisation.update(enabled=True)
        vendor_id = (await organisation.get_org_vendors()).vendor_id or ""
        assert await organisation.set_org_vendor(vendor_id, FailureBehavior.proceed_call_with_announcement)
        assert (await organisation.read_terms_of_service(vendor_id)).terms_of_service_enabled is True
        await organisation.update_terms_of_service(vendor_id, True)
        announcements = await organisation.read_org_call_recording_announcement()
        await organisation.update_org_call_recording_announcement(announcements)
        await organisation.update_org_compliance_announcement(await organisation.read_org_compliance_announcement())
        calls = api.telephony.calls
        [call] = await calls.list_calls()
        call_id = call.call_id or ""
        for step in (calls.start_recording, calls.pause_recording, calls.resume_recording, calls.stop_recording):
            await step(call_id)
        await calls.hangup(call_id)
        assert await calls.list_calls() == []
        converged = api.converged_recordings
        assert [one.id async for one in converged.list_gen(max=3)] == list(recordings)
        everybody = converged.list_for_admin_or_compliance_officer_gen(max=3)
        assert [one.id async for one in everybody] == list(recordings)
        assert (await converged.details(recordings[0])).id == recordings[0]
        assert (await converged.metadata(recordings[0])).owner_name == "Paula Pause"
