"""``wxc_sdk`` on a running product: settings that hold in the next call, and a live recording steered from outside."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from wxc_sdk import WebexSimpleApi
from wxc_sdk.person_settings.call_recording import CallRecordingSetting, Record
from wxc_sdk.rest import RestError

from callmodel.manifest import MarkKind
from portals.webex.ids import person_id
from tests.support.phones import PjsuaPhone
from tests.support.server_process import ServerProcess, running
from tests.support.stage import Stage

pytestmark = pytest.mark.interop


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A product with its demo users."""
    with running(tmp_path_factory.mktemp("sdk") / "data", config="[calls]\nmax_load = 1.0\n", pages=True) as one:
        yield one


@pytest.fixture(scope="module")
def stage(server: ServerProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Voices for its phones."""
    one = Stage(server, tmp_path_factory.mktemp("voices"))
    yield one
    one.close()


def phone_of(stage: Stage, number: str, folder: Path) -> PjsuaPhone:
    """A registered phone that records what it hears."""
    return stage.phone(number, stage.user_voice, record=str(folder / f"{number}.wav"))


@pytest.fixture
def api(server: ServerProcess) -> Iterator[WebexSimpleApi]:
    """The administrator's client, with the token that ``info`` tells."""
    with WebexSimpleApi(tokens=server.info["webex"]["token"]) as client:
        client.session.BASE = server.info["webex"]["base"]
        yield client


def own(server: ServerProcess, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
    """One request to the product's own API."""
    request = urllib.request.Request(
        f"{server.info['http']}/api/v1{path}",
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {server.info['webex']['token']}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as response:
        return json.load(response)


def test_a_setting_of_the_sdk_holds_in_the_next_call(
    server: ServerProcess, stage: Stage, api: WebexSimpleApi, tmp_path: Path
) -> None:
    """1000 is never recorded; after one PUT, and no wait, it is."""
    phone = phone_of(stage, "1000", tmp_path)
    try:
        change = CallRecordingSetting(enabled=True, record=Record.always)
        api.person_settings.call_recording.configure(person_id("1000"), change)
        phone.call("9009")
        phone.talk(0.3)
        assert [call.recording_state for call in api.telephony.calls.list_calls()] == ["started"]
        phone.hang_up()
        opened = server.wait_for("recording.opened", user="1000")
        server.wait_for("upload.delivered", recording_id=opened["recording"])
    finally:
        phone.close()


def test_a_live_recording_is_steered_and_the_call_ended_by_its_user(
    server: ServerProcess, stage: Stage, api: WebexSimpleApi, tmp_path: Path
) -> None:
    """Start, pause, resume, stop: in the event log, and in the recording."""
    body = {"name": "1004's own", "scopes": ["spark:calls_read", "spark:calls_write", "spark:recordings_read"]}
    token = own(server, "POST", "/tokens", {**body, "number": "1004"})["token"]
    since = server.mark()
    phone = phone_of(stage, "1004", tmp_path)
    try:
        with WebexSimpleApi(tokens=token) as user:
            user.session.BASE = server.info["webex"]["base"]
            calls = user.telephony.calls
            assert calls.list_calls() == []
            phone.call("9002")
            [call] = calls.list_calls()
            call_id = call.call_id or ""
            assert (call.personality, call.state, call.recording_state) == ("originator", "connected", None)
            with pytest.raises(RestError) as caught:
                calls.pause_recording(call_id)
            assert caught.value.response.status_code == 409
            states = []
            for step in (calls.start_recording, calls.pause_recording, calls.resume_recording):
                step(call_id)
                states.append(calls.list_calls()[0].recording_state)
                phone.talk(0.6)
            assert states == ["started", "paused", "started"]
            calls.stop_recording(call_id)
            calls.hangup(call_id)
            phone.wait("over")
            opened = server.wait_for("recording.opened", since=since, user="1004")
            server.wait_for("upload.delivered", since=since, recording_id=opened["recording"])
            [recording] = user.converged_recordings.list()
            story = user.converged_recordings.metadata(recording.id or "").service_data
    finally:
        phone.close()
    assert recording.id == opened["recording"]
    assert story is not None
    assert [one.action for one in story.recording_actions or ()] == ["START", "PAUSE", "RESUME", "STOP"]
    [record] = server.recordings(user="1004")
    marks = [
        (mark.detail["command"], mark.detail["channel"]) for mark in record.manifest.marks if mark.kind is MarkKind.CODE
    ]
    assert marks == [("pause", "rest"), ("resume", "rest"), ("stop", "rest")], "a start is where the recording begins"
    [pause] = [mark for mark in record.manifest.marks if mark.kind is MarkKind.PAUSE]
    assert 500 < pause.length_ms < 2500
    events = own(server, "GET", f"/calls/{opened['call']}/events")["items"]
    steered = [event["data"] for event in events if event["kind"] == "recording.steered"]
    assert [(one["command"], one["channel"]) for one in steered] == [("start", "rest"), *marks]
    assert len([event for event in events if event["kind"] == "recording.refused"]) == 1
