"""Over REST: teams, do-not-record numbers, passwords, the dashboard's numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.orm import Session

from dubber_platform.api.upkeep import sweep
from dubber_platform.secrets_at_rest import password_matches
from dubber_platform.store.do_not_record import plain_number
from dubber_platform.store.schema import Recording, User
from tests.support.dubber import CALL, KEY, Answer, Bench, sound


async def owner(bench: Bench) -> tuple[str, str]:
    """A user of the demo account and its dub point."""
    user = await bench.user("own@x.example", "p")
    return user, (await bench.call("POST", "/accounts/demo/dub_points", json={**KEY, "user": user})).body["id"]


async def deliver(bench: Bench, **fields: Any) -> Answer:
    """Create a recording, upload it; the answer to its completion."""
    posted = await bench.call("POST", "/accounts/demo/recordings", json={**CALL, **fields})
    assert posted.status == 201, posted.body
    return await bench.upload(posted.body["id"], sound(0.1))


def audio(tmp_path: Path) -> list[str]:
    """Names of the files kept."""
    return sorted(path.name for path in (tmp_path / "audio").rglob("*") if path.is_file())


async def test_a_team_from_its_making_to_its_end(bench: Bench) -> None:
    """Made, filled, seen through, emptied, deleted."""
    (user, point), helper = await owner(bench), await bench.user("help@x.example", "p")
    recording = (await deliver(bench, dub_point_id=point)).body["id"]
    made = await bench.call("POST", "/accounts/demo/teams", json={"name": " Sales "})
    team = f"/teams/{made.body['id']}"
    base = f"https://127.0.0.1:{bench.client.port}/sandbox/v1"
    now = "Thu, 26 Mar 2026 16:51:46 +0000"
    expected = {
        "self": base + team,
        "id": made.body["id"],
        "account": f"{base}/accounts/demo",
        "name": "Sales",
        "members": [],
        "reach": [],
        "date_created": now,
        "date_updated": now,
    }
    assert (made.status, made.body) == (201, expected)
    await bench.call("PUT", f"{team}/members/{helper}", json={"role": "Listener"})
    filled = await bench.call("PUT", f"{team}/reach", json={"users": [user, user]})
    expected["members"] = [{"user": f"{base}/users/{helper}", "name": "Ann Other", "role": "Listener"}]
    expected["reach"] = [{"user": f"{base}/users/{user}", "name": "Ann Other"}]
    assert filled.body == expected
    administrator = bench.token
    bench.token = (await bench.sign_in(username="help@x.example", password="p")).body["access_token"]
    assert (await bench.call("GET", f"/recordings/{recording}")).status == 200
    assert (await bench.call("PUT", f"/recordings/{recording}/star", json={"starred": True})).body["code"] == 1019
    assert (await bench.call("GET", "/accounts/demo/teams")).body["teams"] == [expected]
    assert (await bench.call("PUT", f"{team}/members/{user}", json={"role": "Listener"})).body["code"] == 1019
    bench.token = administrator
    assert (await bench.call("DELETE", f"{team}/members/{helper}")).body["members"] == []
    assert (await bench.call("PUT", team, json={"name": "Support"})).body["name"] == "Support"
    assert (await bench.call("DELETE", team)).status == 200
    assert (await bench.call("GET", team)).body["code"] == 1009
    assert (await bench.call("GET", "/accounts/demo/teams")).body["teams"] == []


async def test_a_manager_takes_people_in_but_makes_no_managers(bench: Bench) -> None:
    """And changes nothing else of the team."""
    manager, other = await bench.user("m@x.example", "p"), await bench.user("o@x.example", "p")
    team = f"/teams/{(await bench.call('POST', '/accounts/demo/teams', json={'name': 'T'})).body['id']}"
    await bench.call("PUT", f"{team}/members/{manager}", json={"role": "Manager"})
    bench.token = (await bench.sign_in(username="m@x.example", password="p")).body["access_token"]
    taken = await bench.call("PUT", f"{team}/members/{other}", json={"role": "Contributor"})
    assert [member["role"] for member in taken.body["members"]] == ["Manager", "Contributor"]
    refused = [
        await bench.call("PUT", f"{team}/members/{other}", json={"role": "Manager"}),
        await bench.call("DELETE", f"{team}/members/{manager}"),
        await bench.call("PUT", f"{team}/reach", json={"users": [other]}),
        await bench.call("PUT", team, json={"name": "Mine"}),
        await bench.call("DELETE", team),
    ]
    assert [answer.body["code"] for answer in refused] == [1019] * 5
    assert (await bench.call("DELETE", f"{team}/members/{other}")).status == 200


@pytest.mark.parametrize(
    ("method", "path", "body", "details"),
    [
        ("POST", "/accounts/demo/teams", {"name": "Taken"}, "name: is already taken"),
        ("POST", "/accounts/demo/teams", {"name": " "}, "name: String should have at least 1 character"),
        ("PUT", "TEAM/members/nobody", {"role": "Listener"}, "user: is not a user of the account"),
        (
            "PUT",
            "TEAM/members/nobody",
            {"role": "Boss"},
            "role: Input should be 'Listener', 'Contributor' or 'Manager'",
        ),
        ("PUT", "TEAM/reach", {"users": ["nobody"]}, "reach: is not a user of the account"),
    ],
)
async def test_what_a_team_cannot_have_is_named(
    bench: Bench, method: str, path: str, body: dict[str, Any], details: str
) -> None:
    """The field, and why."""
    team = (await bench.call("POST", "/accounts/demo/teams", json={"name": "Taken"})).body["id"]
    answer = await bench.call(method, path.replace("TEAM", f"/teams/{team}"), json=body)
    assert (answer.status, answer.body["details"][0]["details"]) == (400, [details])


async def test_calls_with_a_number_on_the_list_keep_their_facts_only(bench: Bench, tmp_path: Path) -> None:
    """The sender is told that all arrived; nobody hears it, and the status says why."""
    user, point = await owner(bench)
    added = await bench.call(
        "POST",
        f"/users/{user}/do_not_record",
        json={"number": "+33 6 12 34 56 78", "reason": "asked not to be recorded"},
    )
    assert (added.status, added.body["number"], added.body["author"]) == (
        201,
        "+33 6 12 34 56 78",
        "Demo Administrator",
    )
    done = await deliver(bench, to="0033612345678", dub_point_id=point, meta_tags={"recording-id": "rec-1"})
    facts = {name: done.body[name] for name in ("status", "do_not_record", "size", "duration")}
    assert facts == {
        "status": "Do Not Record",
        "do_not_record": "asked not to be recorded",
        "size": len(sound(0.1)),
        "duration": 0,
    }
    assert audio(tmp_path) == []
    path = f"/recordings/{done.body['id']}"
    heard = await bench.call("GET", path, params={"listener": bench.seed["username"]})
    assert (heard.status, "recording_url" in heard.body) == (200, False)
    assert (await bench.call("GET", f"{path}/waveform")).body["code"] == 1009
    listed = await bench.call("GET", "/accounts/demo/recordings", params={"query": "rec-1"})
    assert [row["status"] for row in listed.body["recordings"]] == ["Do Not Record"]
    kept = await deliver(bench, **{"from": "+33612345678"}, dub_point_id=point)
    assert (kept.body["status"], audio(tmp_path)) == ("Active", ["2.wav"])
    entries = (await bench.call("GET", f"/users/{user}/do_not_record")).body["do_not_record"]
    assert entries == [added.body]
    assert (await bench.call("DELETE", f"/users/{user}/do_not_record/{added.body['id']}")).status == 200
    assert (await deliver(bench, to="+33612345678", dub_point_id=point)).body["status"] == "Active"


async def test_a_recording_that_is_moved_to_such_a_user_loses_its_audio(bench: Bench, tmp_path: Path) -> None:
    """Unless it is on hold; a sweep finishes what a crash cut short."""
    user, _ = await owner(bench)
    await bench.call("POST", f"/users/{user}/do_not_record", json={"number": CALL["to"], "reason": "private"})
    first, second, third = [(await deliver(bench)).body["id"] for _ in range(3)]
    await bench.call("PUT", f"/recordings/{second}/hold", json={"held": True, "reason": "case"})
    moved = [await bench.call("PUT", f"/recordings/{one}/move", json={"user": user}) for one in (first, second)]
    assert [answer.body["status"] for answer in moved] == ["Do Not Record", "Active"]
    assert audio(tmp_path) == [f"{second}.wav", f"{third}.wav"]

    def cut_short(session: Session) -> None:
        session.get_one(Recording, int(third)).status = "Do Not Record"

    await bench.platform.database.run(cut_short)
    assert (await sweep(bench.platform), audio(tmp_path)) == ([], [f"{second}.wav"])


@pytest.mark.parametrize(
    ("number", "plain"),
    [("+33 6-12.34", "+3361234"), ("0033 61234", "+3361234"), ("1001", "1001"), ("00", "00"), ("Ann@x", "ann@x")],
)
def test_numbers_are_compared_without_their_punctuation(number: str, plain: str) -> None:
    """00 and + are the same."""
    assert plain_number(number) == plain


async def test_only_oneself_and_administrators_touch_the_list(bench: Bench) -> None:
    """Twice the same number is refused with the field named."""
    user, _ = await owner(bench)
    other = await bench.user("other@x.example", "p")
    bench.token = (await bench.sign_in(username="own@x.example", password="p")).body["access_token"]
    body = {"number": "9002", "reason": "private"}
    assert (await bench.call("POST", f"/users/{user}/do_not_record", json=body)).status == 201
    again = await bench.call("POST", f"/users/{user}/do_not_record", json={**body, "number": "90-02"})
    assert again.body["details"][0]["details"] == ["number: is on the list already"]
    assert (await bench.call("POST", f"/users/{other}/do_not_record", json=body)).body["code"] == 1019
    assert (await bench.call("GET", "/users/nobody/do_not_record")).body["code"] == 1009


async def test_a_password_is_set_and_tokens_given_out_before_are_void(bench: Bench) -> None:
    """Hashed as people's passwords are; both kinds of hash are accepted."""
    user, _ = await owner(bench)
    administrator = bench.token
    bench.token = (await bench.sign_in(username="own@x.example", password="p")).body["access_token"]
    changed = await bench.call("PUT", f"/users/{user}/password", json={"password": "a longer password"})
    assert (changed.status, (await bench.call("GET", "/profile")).body["code"]) == (200, 1038)
    bench.token = administrator
    kept = await bench.platform.database.run(lambda session: session.get_one(User, user).password_hash)
    assert (kept or "").startswith("$argon2id$")
    assert [password_matches(word, kept) for word in ("a longer password", "p")] == [True, False]
    assert (await bench.sign_in(username="own@x.example", password="a longer password")).status == 200
    short = await bench.call("PUT", f"/users/{user}/password", json={"password": "short"})
    assert short.body["details"][0]["details"] == ["password: String should have at least 10 characters"]


async def test_the_dashboard_counts_what_one_may_see(bench: Bench) -> None:
    """The administrator all of it, a user its own."""
    _, point = await owner(bench)
    await deliver(bench, dub_point_id=point, tags=["vip"], duration=30)
    await deliver(bench, recording_type="voicemail", duration=12, start_time="2026-03-25T10:00:00Z")
    lost = f"/groups/{bench.seed['group_id']}/unidentified_recordings"
    waiting = await bench.call("POST", lost, json=CALL)
    await bench.upload(waiting.body["id"], sound(0.1))
    seen = (await bench.call("GET", "/dashboard")).body
    days = [(day["day"], day["recordings"], day["duration"]) for day in seen.pop("days")]
    assert (len(days), days[-2:]) == (14, [("2026-03-25", 1, 12), ("2026-03-26", 1, 30)])
    assert seen == {
        "self": f"https://127.0.0.1:{bench.client.port}/sandbox/v1/dashboard",
        "recordings": 1,
        "voicemails": 1,
        "starred": 0,
        "tagged": 1,
        "today": 1,
        "unidentified": 1,
        "users": 2,
        "dub_points": 1,
        "do_not_record": 0,
        "duration": 42,
        "size": 2 * len(sound(0.1)),
    }
    bench.token = (await bench.sign_in(username="own@x.example", password="p")).body["access_token"]
    own = (await bench.call("GET", "/dashboard")).body
    assert (own["recordings"], own["voicemails"], own["unidentified"], own["users"]) == (1, 0, 0, None)
