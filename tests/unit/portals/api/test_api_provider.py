"""``/api/v1``: the provider's set-up and provisioning."""

from __future__ import annotations

import pytest

from portals.ports import GroupOutcome
from tests.support.portals import GROUP, WebSide
from tests.unit.portals.conftest import Http


async def test_a_group_that_dubber_knows_is_installed(side: WebSide, http: Http) -> None:
    """With its name; everybody who is enabled is provisioned again, as the group is another one."""
    side.groups.known["other"] = "Other"
    told = await http("PUT", "/api/v1/provider/group", json={"group_id": "other"})
    assert (told["group_id"], told["group_name"], told["auto_provisioning"]) == ("other", "Other", True)
    assert side.groups.woken == 1
    states = await http("GET", "/api/v1/provisioning?status=pending&limit=2")
    assert [one["number"] for one in states["items"]] == ["1001", "1002"]


OUTCOMES = {
    GroupOutcome.UNKNOWN: (409, "Dubber does not know this Group ID: check it and try again"),
    GroupOutcome.UNREACHABLE: (503, "Dubber cannot be reached now: check the connection and try again"),
    GroupOutcome.REFUSED: (502, "Dubber refuses the credentials of this server: the uploader's settings need mending"),
}


@pytest.mark.parametrize("outcome", OUTCOMES, ids=lambda outcome: outcome.value)
async def test_a_group_that_cannot_be_used_is_not_installed(side: WebSide, http: Http, outcome: GroupOutcome) -> None:
    """Each reason in words."""
    side.groups.outcome = outcome
    status, message = OUTCOMES[outcome]
    problem = await http("PUT", "/api/v1/provider/group", status, json={"group_id": "other"})
    assert problem["errors"] == [{"field": "group_id", "message": message}]
    assert side.catalog.provider.read().group_id == GROUP


async def test_auto_provisioning_is_switched(side: WebSide, http: Http) -> None:
    """What is not done is by hand from now on."""
    assert (await http("PUT", "/api/v1/provider/auto_provisioning", json={"enabled": False}))[
        "auto_provisioning"
    ] is False
    assert (await http("GET", "/api/v1/provisioning/1001"))["status"] == "manual"
    assert (await http("GET", "/api/v1/provider"))["group_id"] == GROUP
    assert (await http("POST", "/api/v1/provider/terms"))["terms_accepted_by"] == "test"


async def test_provisioning_is_asked_for_again(side: WebSide, http: Http) -> None:
    """For those whose calls are recorded."""
    assert (await http("POST", "/api/v1/provisioning/1001/retry"))["status"] == "pending"
    assert side.groups.woken == 1
    await http("POST", "/api/v1/provisioning/1000/retry", 404)
    await http("GET", "/api/v1/provisioning/1000", 404)


async def test_pages_of_states_follow_each_other(http: Http) -> None:
    """By the link of the header."""
    async with http.client.get(
        "/api/v1/provisioning?limit=3", headers={"Authorization": f"Bearer {http.token}"}
    ) as first:
        link = first.links["next"]["url"]
    rest = await http("GET", link.path_qs)
    assert [one["number"] for one in rest["items"]] == ["1004"]
    await http("GET", "/api/v1/provisioning?cursor=%00", 400)
