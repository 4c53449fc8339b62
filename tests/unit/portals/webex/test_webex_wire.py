"""``/v1`` on the wire, where the SDK does not look."""

from __future__ import annotations

from base64 import b64decode
from dataclasses import replace
from datetime import timedelta

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from callmodel.subscriber import Subscriber
from portals import webex
from portals.rest import Scope
from portals.webex import ids
from tests.support.portals import DOMAIN, NOW, PEOPLE, WebSide
from tests.support.recordings import finished
from tests.unit.portals.conftest import Http

NUMBERS = st.text("0123456789abcdefghijklmnopqrstuvwxyz+-_.", min_size=1, max_size=32)


@given(call=st.text("c-0123456789abcdef", min_size=1, max_size=40), number=NUMBERS)
def test_an_id_of_a_call_can_be_read_back_and_stands_in_a_path(call: str, number: str) -> None:
    """Letters and digits only: no slash, no plus."""
    identity = ids.call_id(call, number)
    assert identity.isalnum()
    assert ids.read_call_id(identity) == (call, number)


@given(st.text(max_size=80))
def test_what_is_no_id_is_nobodys(text: str) -> None:
    """Whatever it is."""
    assert ids.read_call_id(text) is None


def test_an_id_is_what_it_says() -> None:
    """In base64, without padding."""
    plain = b64decode(ids.person_id("1001") + "==").decode()
    assert plain.startswith("ciscospark://us/PEOPLE/")
    assert ids.person_id("1001") != ids.person_id("1002")


def test_people_who_came_later_are_found_and_those_who_left_are_not(side: WebSide) -> None:
    """The list of ids follows the catalogue."""
    known = ids.PeopleIds(side.catalog)
    assert known.number(ids.person_id("2001")) is None
    side.catalog.subscribers.upsert(Subscriber(number="2001"), now=NOW)
    assert known.number(ids.person_id("2001")) == "2001"
    assert known.number("nonsense") is None


async def test_another_organisation_is_not_here(http: Http) -> None:
    """Its own id may be named."""
    here = ids.organisation_id(DOMAIN)
    assert len((await http("GET", f"/v1/people?orgId={here}"))["items"]) == len(PEOPLE)
    told = await http("GET", "/v1/people?orgId=other", 404)
    assert told["errors"] == [{"description": "orgId: there is no such organisation"}]


async def test_wrong_values_are_told_with_their_fields(http: Http) -> None:
    """All of them at once, each with a description."""
    body = {"record": "Sometimes", "repeat": {"interval": 5, "enabled": "yes"}}
    told = await http("PUT", f"/v1/people/{ids.person_id('1001')}/features/callRecording", 400, json=body)
    assert [entry["description"].split(":")[0] for entry in told["errors"]] == [
        "record",
        "repeat.interval",
        "repeat.enabled",
    ]
    for query in ("max=0", "max=many", "cursor=%00", "nonsense=1", "max=1001"):
        await http("GET", f"/v1/people?{query}", 400)


async def test_recordings_are_asked_for_within_thirty_days(http: Http) -> None:
    """And from cannot be after to; an instant has a zone."""
    for query in (
        "from=2026-03-04T10:00:00Z&to=2026-03-04T09:00:00Z",
        "from=2026-03-04T10:00:00Z&to=2026-04-04T10:00:00Z",
        "from=2026-03-04T10:00:00",
        "from=20260304",
    ):
        await http("GET", f"/v1/convergedRecordings?{query}", 400)


@pytest.mark.parametrize("name", ["status", "serviceType", "format", "ownerType", "storageRegion"])
async def test_a_filter_of_recordings_that_is_misspelt_is_named(http: Http, name: str) -> None:
    """An empty list would say that there are none."""
    told = await http("GET", f"/v1/convergedRecordings?{name}=zzz", 400)
    assert told["errors"][0]["description"].startswith(f"{name}: ")


async def test_a_link_ends_after_three_hours_and_with_another_letter(side: WebSide) -> None:
    """It is signed for one recording and one time."""
    path, manifest = finished(side.services.data_dir)
    side.catalog.recordings.add_finished(manifest, path, now=NOW)
    now = [NOW]
    app = web.Application()
    app.add_subapp("/v1", webex.application(replace(side.services, clock=lambda: now[0])))
    async with TestClient(TestServer(app)) as client:
        http = Http(client, side.token(*Scope, number="1001"))
        told = await http("GET", "/v1/convergedRecordings/rec-1")
        link = URL(told["temporaryDirectDownloadLinks"]["audioDownloadLink"])
        assert told["temporaryDirectDownloadLinks"]["expiration"] == "2026-03-04T13:00:00.000Z"
        forged = [
            link.update_query(expires="1999999999"),
            link.update_query(signature="é" * 64),
            URL(str(link).replace("rec-1", "rec-2")),
        ]
        statuses = [(await client.get(one.relative())).status for one in (link, *forged)]
        now[0] = NOW + timedelta(hours=3)
        statuses.append((await client.get(link.relative())).status)
    assert statuses == [200, 404, 404, 404, 404]


async def test_a_user_who_may_not_view_sees_nothing(side: WebSide, http: Http) -> None:
    """Access settings are obeyed; an administrator still sees it."""
    path, manifest = finished(side.services.data_dir)
    side.catalog.recordings.add_finished(manifest, path, now=NOW)
    token = side.token(*Scope, number="1001")
    body = {"callRecordingAccessSettings": {"viewAndPlayRecordingsEnabled": False}}
    await http("PUT", f"/v1/people/{ids.person_id('1001')}/features/callRecording", 204, json=body)
    entry = side.catalog.audit.list(limit=1)[0]
    assert (entry.action, entry.after) == ("user.recording_access", {"view_and_play_recordings_enabled": False})
    assert (await http("GET", "/v1/convergedRecordings", token=token))["items"] == []
    await http("GET", "/v1/convergedRecordings/rec-1", 404, token=token)
    assert (await http("GET", "/v1/convergedRecordings/rec-1"))["id"] == "rec-1"


async def test_who_gets_a_number_again_does_not_get_its_access_settings(http: Http) -> None:
    """They go with the user."""
    path = f"/v1/people/{ids.person_id('1001')}/features/callRecording"
    body = {"callRecordingAccessSettings": {"shareRecordingsEnabled": True}}
    await http("PUT", path, 204, json=body)
    await http("DELETE", "/api/v1/users/1001", 204)
    await http("PUT", "/api/v1/users/1001", 201, json={})
    assert (await http("GET", path))["callRecordingAccessSettings"]["shareRecordingsEnabled"] is False
