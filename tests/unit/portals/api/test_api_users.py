"""``/api/v1``: users, whole."""

from __future__ import annotations

from callmodel.modes import RecordingMode
from callmodel.subscriber import RecordingSettings, Subscriber
from catalog import make_credentials
from tests.support.portals import DOMAIN, WebSide
from tests.unit.portals.conftest import Http

NINA = {
    "number": "1000",
    "name": "Nina Never",
    "language": "en",
    "mailbox": True,
    "no_answer_s": 20,
    "recording": {
        "mode": "Never",
        "announce_internal": False,
        "announce_pstn": False,
        "notification": "None",
        "record_voicemail": False,
    },
    "dub_point": {
        "external_type": "BroadWorks",
        "service_provider": "CARRIER",
        "external_group": "CARRIER-MAIN",
        "external_identifier": "1000@carrier.test",
    },
    "registered": ["sip:1000@127.0.0.1:5070"],
}


async def test_a_user_is_told_whole(side: WebSide, http: Http) -> None:
    """With the phones that are registered now."""
    side.exchange.registrations["1000"] = ("sip:1000@127.0.0.1:5070",)
    assert await http("GET", "/api/v1/users/1000") == NINA


async def test_users_are_searched_sorted_and_paged(http: Http) -> None:
    """Names are found whatever their case."""
    found = await http("GET", "/api/v1/users?text=RSULA")
    assert ([one["number"] for one in found["items"]], found["total"]) == (["1004"], 1)
    page = await http("GET", "/api/v1/users?sort=name&descending=true&offset=1&limit=2")
    assert ([one["name"] for one in page["items"]], page["total"]) == (["Paula Pause", "Olga Demand"], 5)
    demand = await http("GET", "/api/v1/users?mode=On+Demand")
    assert [one["number"] for one in demand["items"]] == ["1003"]


async def test_a_user_is_added_changed_and_removed(side: WebSide, http: Http) -> None:
    """The running server and the provisioner are told."""
    body = {"name": "Zoé", "language": "fr", "recording": {"mode": "Always", "reminder_s": 45}}
    added = await http("PUT", "/api/v1/users/2001", 201, json=body)
    assert (added["name"], added["recording"]["reminder_s"]) == ("Zoé", 45)
    assert (side.groups.woken, side.exchange.refreshed) == (1, 1)
    await http("PUT", "/api/v1/users/2001", json={"name": "Zoé"})
    one = side.catalog.subscribers.get("2001")
    assert one is not None
    assert (one.name, one.recording) == ("Zoé", RecordingSettings())
    await http("DELETE", "/api/v1/users/2001", 204)
    assert side.catalog.subscribers.get("2001") is None
    assert (await http("DELETE", "/api/v1/users/2001", 404))["detail"] == "there is no user of this number"


async def test_a_wrong_field_is_named(http: Http) -> None:
    """As a problem document."""
    problem = await http("PUT", "/api/v1/users/1000", 400, json={"recording": {"mode": "Sometimes", "reminder_s": 9}})
    assert [error["field"] for error in problem["errors"]] == ["recording.mode", "recording.reminder_s"]
    assert (problem["type"], problem["title"], problem["status"]) == ("about:blank", "Bad Request", 400)
    problem = await http("PUT", "/api/v1/users/1001", 400, json={"recording": {"record_voicemail": True}})
    assert problem["errors"] == [{"field": "recording.record_voicemail", "message": "the user has no mailbox"}]
    problem = await http("PUT", "/api/v1/users/1001", 400, json={"nickname": "Al"})
    assert problem["errors"] == [{"field": "nickname", "message": "there is no such field here"}]
    problem = await http("PUT", "/api/v1/users/9004", 400, json={})
    assert problem["errors"] == [{"field": "number", "message": "9004 is a service number; choose another"}]
    problem = await http("PUT", "/api/v1/users/NOBODY", 400, json={})
    assert [error["field"] for error in problem["errors"]] == ["number"]


async def test_nobody_is_enabled_without_a_group(side: WebSide, http: Http) -> None:
    """409 says what is missing."""
    await http("DELETE", "/api/v1/provider/group", 204)
    problem = await http("PUT", "/api/v1/users/1000", 409, json={"recording": {"mode": "Always"}})
    assert problem["detail"] == "call recording is not installed: the Group ID that Dubber issued is not set yet"
    assert side.exchange.refreshed == 0


async def test_a_password_is_told_once(side: WebSide, http: Http) -> None:
    """What the registrar checks is made from it; nothing of it is in the audit log."""
    told = await http("POST", "/api/v1/users/1000/password")
    assert side.catalog.subscribers.credentials("1000") == make_credentials("1000", DOMAIN, told["password"])
    entry = side.catalog.audit.list(limit=1)[0]
    assert (entry.action, entry.subject, entry.after) == ("user.phone_key_reset", "1000", None)
    assert (await http("POST", "/api/v1/users/4711/password", 404))["status"] == 404


async def test_a_file_is_imported_whole_or_not_at_all(side: WebSide, http: Http) -> None:
    """CSV and YAML; an error names row and column."""
    csv = "number,name,mode\n3001,Ida,On Demand\n1001,Alan,Never\n"
    done = await http("POST", "/api/v1/users_file", data=csv, headers={"Content-Type": "text/csv"})
    assert done == {"added": ["3001"], "changed": ["1001"]}
    yaml = '- {number: "3002", name: Ian}\n'
    done = await http("POST", "/api/v1/users_file", data=yaml, headers={"Content-Type": "application/yaml"})
    assert done == {"added": ["3002"], "changed": []}
    wrong = "number,mode\n3003,Always\n3004,Sometimes\n"
    problem = await http("POST", "/api/v1/users_file", 400, data=wrong, headers={"Content-Type": "text/csv"})
    assert problem["detail"].startswith("mode: row 3, column mode: 'Sometimes' is not one of")
    assert side.catalog.subscribers.get("3003") is None


async def test_an_export_is_an_import(side: WebSide, http: Http) -> None:
    """Of everybody, without passwords."""
    before = side.catalog.subscribers.list()
    data = await http("GET", "/api/v1/users_file?format=yaml")
    await http("POST", "/api/v1/users_file", data=data, headers={"Content-Type": "application/yaml"})
    assert side.catalog.subscribers.list() == before
    assert b"password" not in data


async def test_many_people_are_listed_by_pages_that_follow_each_other(side: WebSide, http: Http) -> None:
    """The last page has no link."""
    side.catalog.subscribers.upsert_all(
        [(Subscriber(number=f"5{number:04}"), None) for number in range(1500)], now=side.services.clock()
    )
    async with http.client.get("/v1/people?max=1000", headers={"Authorization": f"Bearer {http.token}"}) as first:
        link = first.links["next"]["url"]
        assert len((await first.json())["items"]) == 1000
    async with http.client.session.get(link, headers={"Authorization": f"Bearer {http.token}"}) as second:
        assert len((await second.json())["items"]) == 505
        assert "next" not in second.links
    assert side.catalog.subscribers.mode_counts()[RecordingMode.NEVER] == 1501
