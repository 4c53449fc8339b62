"""Profile, groups, accounts, users and dub points; what lands on the unidentified lists."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.dubber import CALL, KEY, Bench, sound

NAMES = {"first_name": "Ann", "last_name": "Other"}


def identifiers(answer: Any, kind: str) -> list[str]:
    """Ids of a list."""
    return [row["id"] for row in answer.body[kind]]


def complaint(answer: Any) -> tuple[int, list[str]]:
    """Status and sentences of a refusal."""
    return answer.status, answer.body["details"][0]["details"]


async def standard_token(bench: Bench) -> str:
    """Token of a standard user of the demo account."""
    await bench.user("own@x.example", "p")
    token: str = (await bench.sign_in(username="own@x.example", password="p")).body["access_token"]
    return token


async def test_the_profile_tells_who_calls(bench: Bench) -> None:
    """The seeded administrator, with group authentication."""
    base, now = f"https://127.0.0.1:{bench.client.port}/sandbox/v1", "Thu, 26 Mar 2026 16:51:46 +0000"
    assert (await bench.call("GET", "/profile")).body == {
        "self": f"{base}/users/admin-demo-example",
        "id": "admin-demo-example",
        "account": f"{base}/accounts/demo",
        "role": "Administrator",
        "username": "admin@demo.example",
        "first_name": "Demo",
        "last_name": "Administrator",
        "confirmed": True,
        "mobile_number": "",
        "language": "en",
        "date_created": now,
        "date_updated": now,
        "group": f"{base}/groups/{bench.seed['group_id']}",
        "authentication": "group",
    }


async def test_an_account_is_made_below_the_group(bench: Bench) -> None:
    """Its id is a slug of its name, and stays unique."""
    body = {"name": "Café & Söhne", "time_zone": "Europe/Paris", "metadata": {"customer": "7"}}
    made = await bench.call("POST", "/accounts", json=body)
    twin = await bench.call("POST", "/accounts", json=body)
    assert (made.status, made.body["id"], made.body["status"]) == (201, "cafe-sohne", "Active")
    assert twin.body["id"].startswith("cafe-sohne-")
    listed = await bench.call("GET", f"/groups/{bench.seed['group_id']}/accounts")
    assert identifiers(listed, "accounts") == ["cafe-sohne", twin.body["id"], "demo"]
    assert (await bench.call("GET", "/accounts/cafe-sohne")).body == made.body
    again = await bench.call("POST", "/accounts", json={"name": "x", "id": "demo"})
    assert complaint(again) == (400, ["id: is already taken"])


async def test_an_account_is_changed_field_by_field(bench: Bench) -> None:
    """What is not given stays."""
    answer = await bench.call("PUT", "/accounts/demo", json={"phone": "0123", "metadata": {"a": "b"}})
    assert (answer.body["name"], answer.body["phone"], answer.body["metadata"]) == ("Demo", "0123", {"a": "b"})


async def test_groups_nest(bench: Bench) -> None:
    """A sub-group is listed, and an account may be made in it; eight levels are allowed."""
    top = bench.seed["group_id"]
    made = await bench.call("POST", f"/groups/{top}/groups", json={"name": "North"})
    assert identifiers(await bench.call("GET", f"/groups/{top}/groups"), "groups") == [made.body["id"]]
    account = await bench.call("POST", "/accounts", json={"name": "Inner", "group": made.body["id"]})
    assert account.body["group"] == made.body["self"]
    assert (await bench.call("GET", "/accounts/inner")).status == 200
    deepest = made.body["id"]
    for _ in range(6):
        deepest = (await bench.call("POST", f"/groups/{deepest}/groups", json={"name": "x"})).body["id"]
    assert (await bench.call("GET", f"/groups/{deepest}")).status == 200
    too_deep = await bench.call("POST", f"/groups/{deepest}/groups", json={"name": "x"})
    assert complaint(too_deep) == (400, ["group: groups may be nested 8 deep"])
    unknown = await bench.call("POST", "/accounts", json={"name": "x", "group": "0" * 20})
    assert complaint(unknown) == (400, ["group: is unknown"])


async def test_users_are_listed_by_role(bench: Bench) -> None:
    """In pages."""
    for name in ("b@x.example", "a@x.example"):
        await bench.call("POST", "/accounts/demo/users", json={"username": name, **NAMES})
    everyone = await bench.call("GET", "/accounts/demo/users", params={"count": "2"})
    standard = await bench.call("GET", "/accounts/demo/users", params={"role": "Standard User", "page": "1"})
    nobody = await bench.call("GET", "/accounts/demo/users", params={"role": "Boss"})
    assert identifiers(everyone, "users") == ["a-x-example", "admin-demo-example"]
    assert identifiers(standard, "users") == ["a-x-example", "b-x-example"]
    assert complaint(nobody) == (400, ["Invalid parameter: role (must be one of Administrator, Standard User)"])


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"username": "ADMIN@demo.example"}, "username: is already taken"),
        ({"username": "nobody"}, "username: String should match pattern '^[^@\\s]{1,64}@[^@\\s]{1,189}$'"),
        ({"first_name": ""}, "first_name: String should have at least 1 character"),
        ({"role": "Boss"}, "role: Input should be 'Administrator' or 'Standard User'"),
    ],
)
async def test_a_user_that_cannot_be_made_says_why(bench: Bench, fields: dict[str, str], sentence: str) -> None:
    """By field."""
    answer = await bench.call("POST", "/accounts/demo/users", json={"username": "a@x.example", **NAMES, **fields})
    assert complaint(answer) == (400, [sentence])


async def test_a_user_is_changed_and_deleted(bench: Bench) -> None:
    """What it owned stays with the account."""
    user = await bench.user("own@x.example", "p")
    point = await bench.call("POST", "/accounts/demo/dub_points", json={**KEY, "user": user})
    body = {**CALL, "dub_point_id": point.body["id"]}
    recording = (await bench.call("POST", "/accounts/demo/recordings", json=body)).body
    token = (await bench.sign_in(username="own@x.example", password="p")).body["access_token"]
    changed = await bench.call("PUT", f"/users/{user}", json={"language": "fr"})
    assert (changed.body["language"], changed.body["first_name"]) == ("fr", "Ann")
    assert (await bench.call("DELETE", f"/users/{user}")).status == 200
    assert (await bench.call("GET", f"/users/{user}")).status == 404
    assert (await bench.call("GET", f"/dub_points/{point.body['id']}")).body["user"] is None
    kept = (await bench.call("GET", f"/recordings/{recording['id']}")).body
    assert (recording["user"][-13:], kept["user"], kept["dub_point_id"]) == ("own-x-example", None, point.body["id"])
    gone = await bench.call("GET", "/profile", headers={"Authorization": f"Bearer {token}"})
    assert gone.body["code"] == 1038


async def test_nobody_deletes_itself(bench: Bench) -> None:
    """Or the account would be without administrator."""
    answer = await bench.call("DELETE", "/users/admin-demo-example")
    assert complaint(answer) == (400, ["user: cannot delete itself"])


@pytest.mark.parametrize(
    ("method", "path", "body", "code"),
    [
        ("POST", "/accounts", {"name": "x"}, 1042),
        ("GET", "/groups/{group}", None, 1042),
        ("GET", "/groups/{group}/unidentified_recordings", None, 1042),
        ("GET", "/dub_points/find?external_type=BroadWorks", None, 1042),
        ("POST", "/accounts/demo/dub_points", KEY, 1042),
        ("POST", "/accounts/demo/recordings", CALL, 1019),
        ("POST", "/accounts/demo/users", {"username": "z@x.example", **NAMES}, 1019),
        ("PUT", "/accounts/demo", {}, 1019),
        ("GET", "/users/admin-demo-example", None, 1019),
        ("PUT", "/users/own-x-example", {"role": "Administrator"}, 1019),
        ("GET", "/accounts/other", None, 1009),
    ],
)
async def test_a_standard_user_may_not(bench: Bench, method: str, path: str, body: Any, code: int) -> None:
    """1042 where group authentication is wanted, 1019 where an administrator is, 1009 for others' things."""
    await bench.call("POST", "/accounts", json={"name": "other"})
    bench.token = await standard_token(bench)
    path = path.replace("{group}", bench.seed["group_id"])
    answer = await bench.call(method, path, **({"json": body} if body is not None else {}))
    assert (answer.status, answer.body["code"]) == (404 if code == 1009 else 403, code)


async def test_an_accounts_administrator_governs_the_account_but_not_the_group(bench: Bench) -> None:
    """It makes users and recordings, not dub points, and cannot touch the group's administrator."""
    await bench.user("boss@x.example", "p", role="Administrator")
    bench.token = (await bench.sign_in(username="boss@x.example", password="p")).body["access_token"]
    answers = [
        await bench.call("POST", "/accounts/demo/users", json={"username": "z@x.example", **NAMES}),
        await bench.call("POST", "/accounts/demo/recordings", json=CALL),
        await bench.call("POST", "/accounts/demo/dub_points", json=KEY),
        await bench.call("PUT", "/users/admin-demo-example", json={"role": "Standard User"}),
        await bench.call("DELETE", "/users/admin-demo-example"),
    ]
    assert [(answer.status, answer.body.get("code")) for answer in answers] == [
        *((201, None), (201, None)),
        *((403, 1042), (403, 1019), (403, 1019)),
    ]


async def test_a_standard_user_sees_itself(bench: Bench) -> None:
    """And changes its own name."""
    bench.token = await standard_token(bench)
    answer = await bench.call("PUT", "/users/own-x-example", json={"first_name": "Eve"})
    assert (answer.status, answer.body["first_name"]) == (200, "Eve")


async def test_a_dub_point_in_full(bench: Bench) -> None:
    """Made, shown, listed and found the same."""
    user = await bench.user("own@x.example", "p")
    body = {**KEY, "user": user, "label": "desk", "product": "DUR_T_02", "number": "1001", "ai": True}
    made = await bench.call("POST", "/accounts/demo/dub_points", json=body)
    base, now = f"https://127.0.0.1:{bench.client.port}/sandbox/v1", "Thu, 26 Mar 2026 16:51:46 +0000"
    assert (made.status, made.body) == (
        201,
        {
            **KEY,
            "self": f"{base}/dub_points/{made.body['id']}",
            "id": made.body["id"],
            "account": f"{base}/accounts/demo",
            "user": f"{base}/users/{user}",
            "type": "Recorder",
            "label": "desk",
            "product": "DUR_T_02",
            "number": "1001",
            "playback": True,
            "status": "Active",
            "ai": True,
            "date_created": now,
            "date_updated": now,
        },
    )
    assert len(made.body["id"]) == 20
    listed = await bench.call("GET", "/accounts/demo/dub_points")
    assert listed.body == {"self": f"{base}/accounts/demo/dub_points", "dub_points": [made.body]}
    assert (await bench.call("GET", f"/dub_points/{made.body['id']}")).body == made.body
    assert (await bench.call("GET", "/dub_points/find", params=KEY)).body == made.body


@pytest.mark.parametrize("missing", KEY)
async def test_all_four_parts_of_the_key_are_mandatory(bench: Bench, missing: str) -> None:
    """The one that is missing is named."""
    query = {name: value for name, value in KEY.items() if name != missing}
    answer = await bench.call("GET", "/dub_points/find", params=query)
    assert complaint(answer) == (400, [f"Invalid parameter: {missing} (is mandatory)"])


async def test_a_key_exists_once(bench: Bench) -> None:
    """A second one is refused, and so is a user of nowhere."""
    await bench.call("POST", "/accounts/demo/dub_points", json=KEY)
    again = await bench.call("POST", "/accounts/demo/dub_points", json=KEY)
    assert complaint(again) == (400, ["external_identifier: a dub point with this key exists already"])
    other = {**KEY, "external_identifier": "1002@carrier.example", "user": "nobody"}
    unknown = await bench.call("POST", "/accounts/demo/dub_points", json=other)
    assert complaint(unknown) == (400, ["user: is not a user of the account"])


async def test_a_dub_point_is_changed_moved_and_deleted(bench: Bench) -> None:
    """Older recordings stay where they were."""
    await bench.call("POST", "/accounts", json={"name": "other"})
    user = await bench.user("own@x.example", "p")
    point = (await bench.call("POST", "/accounts/demo/dub_points", json=KEY)).body["id"]
    posted = await bench.call("POST", "/accounts/demo/recordings", json={**CALL, "dub_point_id": point})
    changed = await bench.call("PUT", f"/dub_points/{point}", json={"product": "payg", "status": "Suspended"})
    assert (changed.body["product"], changed.body["status"]) == ("payg", "Suspended")
    moved = await bench.call("PUT", f"/dub_points/{point}/move", json={"user": user})
    assert moved.body["user"].endswith(f"/users/{user}")
    away = await bench.call("PUT", f"/dub_points/{point}/move", json={"account": "other"})
    assert (away.body["account"][-15:], away.body["user"]) == ("/accounts/other", None)
    wrong = await bench.call("PUT", f"/dub_points/{point}/move", json={"account": "nowhere"})
    assert complaint(wrong) == (400, ["account: is unknown"])
    nowhere = await bench.call("PUT", f"/dub_points/{point}/move", json={})
    assert complaint(nowhere) == (400, ["body: Value error, give a user, an account or a dub_point"])
    assert (await bench.call("DELETE", f"/dub_points/{point}")).status == 200
    kept = (await bench.call("GET", f"/recordings/{posted.body['id']}")).body
    assert (kept["account"][-14:], kept["dub_point_id"]) == ("/accounts/demo", None)
    assert (await bench.call("GET", "/dub_points/find", params=KEY)).status == 404


async def unidentified(bench: Bench, **fields: str) -> dict[str, Any]:
    """A complete recording nobody could place."""
    path = f"/groups/{bench.seed['group_id']}/unidentified_recordings"
    posted = await bench.call("POST", path, json={**CALL, **fields})
    assert posted.status == 201, posted.body
    await bench.upload(posted.body["id"], sound(0.1))
    body: dict[str, Any] = posted.body
    return body


async def lists(bench: Bench) -> tuple[list[str], list[str]]:
    """Recordings of the account, and of the unidentified list."""
    own = await bench.call("GET", "/accounts/demo/recordings")
    lost = await bench.call("GET", f"/groups/{bench.seed['group_id']}/unidentified_recordings")
    return identifiers(own, "recordings"), identifiers(lost, "recordings")


async def test_a_recording_without_dub_point_can_be_moved_to_a_user(bench: Bench) -> None:
    """Then it appears under the account."""
    user = await bench.user("own@x.example", "p")
    recording = await unidentified(bench)
    assert (recording["account"], await lists(bench)) == (None, ([], ["1"]))
    moved = await bench.call("PUT", "/recordings/1/move", json={"user": user})
    assert (moved.status, moved.body["user"][-13:]) == (200, user)
    assert await lists(bench) == (["1"], [])


async def test_a_recording_can_be_moved_to_a_dub_point(bench: Bench) -> None:
    """But not to one that is unidentified itself, nor to one there is not."""
    await unidentified(bench, **KEY)
    await unidentified(bench)
    lost = await bench.call("GET", f"/groups/{bench.seed['group_id']}/unidentified_dub_points")
    (lost_id,) = identifiers(lost, "dub_points")
    refused = await bench.call("PUT", "/recordings/2/move", json={"dub_point": lost_id})
    assert complaint(refused) == (400, ["dub_point: is itself unidentified; move the dub point first"])
    unknown = await bench.call("PUT", "/recordings/2/move", json={"dub_point": "nowhere"})
    assert complaint(unknown) == (400, ["dub_point: is unknown"])
    other = {**KEY, "external_identifier": "1002@carrier.example"}
    point = (await bench.call("POST", "/accounts/demo/dub_points", json=other)).body["id"]
    moved = await bench.call("PUT", "/recordings/2/move", json={"dub_point": point})
    assert (moved.body["dub_point_id"], await lists(bench)) == (point, (["2"], ["1"]))


@pytest.mark.parametrize("how", ["create", "move"])
async def test_a_dub_point_that_becomes_known_brings_its_recordings(bench: Bench, how: str) -> None:
    """An unknown key waits as an unidentified dub point; find does not see it before."""
    user = await bench.user("own@x.example", "p")
    recording = await unidentified(bench, **KEY)
    assert (await bench.call("GET", "/dub_points/find", params=KEY)).status == 404
    if how == "create":
        known = await bench.call("POST", "/accounts/demo/dub_points", json={**KEY, "user": user})
    else:
        known = await bench.call("PUT", f"/dub_points/{recording['dub_point_id']}/move", json={"user": user})
    assert known.body["id"] == recording["dub_point_id"]
    assert await lists(bench) == (["1"], [])
    shown = (await bench.call("GET", "/recordings/1")).body
    assert (shown["user"][-13:], shown["dub_point_id"]) == (user, known.body["id"])


async def test_a_known_key_leads_to_its_account_at_once(bench: Bench) -> None:
    """Even when it comes in as unidentified."""
    point = (await bench.call("POST", "/accounts/demo/dub_points", json=KEY)).body["id"]
    recording = await unidentified(bench, **KEY)
    assert (recording["dub_point_id"], await lists(bench)) == (point, (["1"], []))


async def test_half_a_key_is_refused(bench: Bench) -> None:
    """All four or none."""
    path = f"/groups/{bench.seed['group_id']}/unidentified_recordings"
    answer = await bench.call("POST", path, json={**CALL, "external_type": "BroadWorks"})
    sentence = "external_type, service_provider, external_group and external_identifier go together"
    assert complaint(answer) == (400, [f"body: Value error, {sentence}"])
