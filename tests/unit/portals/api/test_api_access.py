"""Who may use the APIs: tokens, scopes, the audit log; and what surrounds every request."""

from __future__ import annotations

import pytest

from portals.api.description import APIS
from portals.rest import Scope
from portals.rest.openapi import operation_id
from portals.rest.scopes import MEANINGS
from tests.support.portals import WebSide
from tests.unit.portals.conftest import Http


async def test_a_token_is_issued_used_and_revoked(side: WebSide, http: Http) -> None:
    """Told once; only its digest is kept; after the revocation it opens nothing."""
    body = {"name": "reports", "scopes": ["mediaserver:read"]}
    issued = await http("POST", "/api/v1/tokens", 201, json=body)
    token = issued.pop("token")
    await http("GET", "/api/v1/users", token=token)
    [listed] = [one for one in (await http("GET", "/api/v1/tokens"))["items"] if one["name"] == "reports"]
    assert listed == {**issued, "last_used_at": "2026-03-04T10:00:00.000Z"}
    await http("PUT", "/api/v1/users/1000", 403, token=token, json={})
    await http("DELETE", f"/api/v1/tokens/{issued['id']}", 204)
    await http("GET", "/api/v1/users", 401, token=token)
    await http("DELETE", f"/api/v1/tokens/{issued['id']}", 404)
    actions = [entry.action for entry in side.catalog.audit.list(action="api_access")]
    assert actions == ["api_access.revoked", "api_access.granted"]
    assert token not in str(side.catalog.audit.list())


WRONG = {
    "an unknown scope": ({"name": "x", "scopes": ["everything"]}, "scopes.0"),
    "no scope": ({"name": "x", "scopes": []}, "scopes"),
    "no name": ({"name": "", "scopes": ["mediaserver:read"]}, "name"),
    "an administrator's scope for a user": (
        {"name": "x", "scopes": ["mediaserver:read"], "number": "1001"},
        "scopes",
    ),
    "a user there is none of": ({"name": "x", "scopes": ["spark:calls_read"], "number": "4711"}, "number"),
}


@pytest.mark.parametrize("name", WRONG)
async def test_a_token_that_cannot_be_is_refused_with_its_field(http: Http, name: str) -> None:
    """Nothing is issued."""
    body, field = WRONG[name]
    problem = await http("POST", "/api/v1/tokens", 400, json=body)
    assert [error["field"] for error in problem["errors"]] == [field]


async def test_a_token_of_one_user_opens_nothing_of_the_own_api(side: WebSide, http: Http) -> None:
    """Not even with its scopes."""
    token = side.token(*Scope, number="1001")
    for path in ("/api/v1/users/1001", "/api/v1/calls", "/api/v1/audit", "/api/v1/events"):
        await http("GET", path, 403, token=token)


async def test_the_audit_log_is_paged_and_filtered(http: Http) -> None:
    """Newest first."""
    for number in ("2001", "2002", "2003"):
        await http("PUT", f"/api/v1/users/{number}", 201, json={})
    async with http.client.get(
        "/api/v1/audit?action=user&actor=token:tester&limit=2", headers={"Authorization": f"Bearer {http.token}"}
    ) as first:
        assert [one["subject"] for one in (await first.json())["items"]] == ["2003", "2002"]
        link = first.links["next"]["url"]
    assert [one["subject"] for one in (await http("GET", link.path_qs))["items"]] == ["2001"]
    [entry] = (await http("GET", "/api/v1/audit?subject=2001"))["items"]
    assert (entry["action"], entry["address"], entry["after"]["mode"]) == ("user.added", "127.0.0.1", "Never")


OPEN = {"/v1/convergedRecordings/{recording_id}/audio", "/api/v1/openapi.json"}
EVERY = {operation_id(api, route): (api.prefix + route.path, route) for api in APIS for route in api.routes}


async def test_nothing_is_told_without_a_token_or_scope(side: WebSide, http: Http) -> None:
    """Every operation: 401 without a token, 403 with one of all other scopes; some need none."""
    for name, (template, route) in EVERY.items():
        if template in OPEN:
            assert route.scopes == (), name
            continue
        path = template.replace("{call_id}", "Y2lzY29").replace("{", "").replace("}", "")
        async with http.client.request(route.method, path) as response:
            assert (response.status, response.headers.get("WWW-Authenticate")) == (401, "Bearer"), name
        await http(route.method, path, 403, token=side.token(*(set(Scope) - set(route.scopes))))


async def test_both_apis_refuse_what_is_not_there_in_their_own_form(http: Http) -> None:
    """An unknown path, another method."""
    told = await http("GET", "/v1/rooms", 404, headers={"TrackingID": "mine"})
    assert told == {
        "message": "The requested resource could not be found.",
        "errors": [{"description": "Not Found"}],
        "trackingId": "mine",
    }
    assert (await http("GET", "/api/v1/rooms", 404))["title"] == "Not Found"
    async with http.client.delete("/v1/people") as response:
        assert (response.status, response.headers["Allow"]) == (405, "GET")
    async with http.client.get("/api/v1/%00") as response:
        assert response.status == 404


async def test_a_body_is_limited_and_of_one_type(http: Http) -> None:
    """JSON, at most 64 KiB, whole."""
    path = "/api/v1/provider/group"
    await http("PUT", path, 413, data=b" " * 70_000, headers={"Content-Type": "application/json"})
    await http("PUT", path, 415, data=b"{}", headers={"Content-Type": "text/plain"})
    for broken in (b"", b"{", b"\xff", b'{"group_id": "\\ud800"}', b"[]"):
        await http("PUT", path, 400, data=broken, headers={"Content-Type": "application/json"})


async def test_a_setting_that_cannot_be_read_is_named(side: WebSide, http: Http) -> None:
    """Another version of the program may have written it."""
    side.catalog.settings.set("service.codes", {"start": 5}, now=side.services.clock())
    assert (await http("GET", "/api/v1/settings", 400))["errors"][0]["field"] == "codes"


async def test_a_fault_of_ours_is_500_and_tells_nothing(side: WebSide, http: Http) -> None:
    """The database is gone: the answer has its form and no trace."""
    side.catalog.close()
    for file in side.services.data_dir.glob("catalog.sqlite3*"):
        file.unlink()
    problem = await http("GET", "/api/v1/users", 500)
    assert (problem["detail"], problem["errors"]) == ("something went wrong on the server", [])
    told = await http("GET", "/v1/people", 500)
    assert told["errors"] == [{"description": "something went wrong on the server"}]


async def test_the_description_is_open(http: Http) -> None:
    """For programs; people have a page."""
    async with http.client.get("/api/v1/openapi.json") as response:
        document = await response.json()
    assert document["openapi"] == "3.1.0"
    assert {path for path in document["paths"]} == {template for template, _ in EVERY.values()}


def test_every_scope_is_explained_and_used() -> None:
    """On the page and in the docs."""
    used = {scope for api in APIS for route in api.routes for scope in route.scopes}
    assert set(MEANINGS) == set(Scope) == used
