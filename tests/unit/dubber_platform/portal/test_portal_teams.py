"""Teams: made and filled by administrators, led by managers, and felt in what their members may do."""

from __future__ import annotations

import re

from tests.support.dubber_portal import ANN, BOB, BOSS, PortalBench, Seen

BOB_NAME, ANN_NAME = "bob@demo.example", "ann@demo.example"


def problems(seen: Seen) -> dict[str, str]:
    """Sentence by field."""
    return dict(re.findall(r'id="e-(\w+)">.*?<span>(.*?)</span>', seen.text, re.DOTALL))


async def test_administrators_see_all_teams_and_others_their_own(portal: PortalBench) -> None:
    found = {}
    for username in (BOSS, ANN, BOB):
        found[username] = (await (await portal.browser(username)).get("/teams")).rows()
    assert found[BOSS] == ["Support 1 Bob Baker Recordings"]
    assert found[ANN] == ["Support 1 · you: Listener Bob Baker Recordings"]
    assert found[BOB] == []
    assert [(await (await portal.browser(who)).get("/teams/support")).status for who in (BOSS, ANN, BOB)] == [
        200,
        200,
        404,
    ]


async def test_a_team_is_made_filled_renamed_and_deleted(portal: PortalBench) -> None:
    boss, bob, recording_id = await portal.browser(BOSS), await portal.browser(BOB), await portal.call("ann")
    assert problems(await boss.post("/teams", ("name", ""))) == {"name": "This field is needed."}
    assert problems(await boss.post("/teams", ("name", "Support"))) == {"name": "This exists already."}
    made = await boss.post("/teams", ("name", "Sales"))
    team = made.path.removeprefix("/app")
    assert made.notices() == ["The team is made. Say who is in it, and whose recordings it works with."]
    assert (await bob.get(f"/recordings/{recording_id}")).status == 404
    assert problems(await boss.post(f"{team}/reach", ("reached", "x@x.fr"))) == {
        "reached": "There is no such user in this account."
    }
    await boss.post(f"{team}/reach", ("reached", ANN_NAME))
    taken = await boss.post(f"{team}/members", ("member", BOB_NAME), ("role", "Contributor"))
    assert taken.notices() == ["bob@demo.example is in the team now."]
    assert (await bob.get(f"/recordings/{recording_id}")).status == 200
    assert (await bob.post(f"/recordings/{recording_id}/tags", ("tags", "seen"))).status == 200
    out = await boss.post(f"{team}/reach/ann/remove")
    assert out.notices() == ["The team does not hear these recordings any more."]
    assert (await bob.get(f"/recordings/{recording_id}")).status == 404
    assert (await boss.post(team, ("name", "Care"))).notices() == ["The team has another name."]
    assert problems(await boss.post(team, ("name", "Support"))) == {"name": "This exists already."}
    gone = await boss.post(f"{team}/delete")
    assert (gone.path, gone.rows()) == ("/app/teams", ["Support 1 Bob Baker Recordings"])


async def test_roles_are_changed_and_members_taken_out(portal: PortalBench) -> None:
    boss, ann, recording_id = await portal.browser(BOSS), await portal.browser(ANN), await portal.call("bob")
    assert (await ann.post(f"/recordings/{recording_id}/notes", ("text", "x"))).status == 403
    changed = await boss.post("/teams/support/members/ann", ("member_role", "Contributor"))
    assert changed.notices() == ["The role is changed."]
    assert (await ann.post(f"/recordings/{recording_id}/notes", ("text", "x"))).status == 200
    assert (await boss.post("/teams/support/members/ann", ("member_role", "Owner"))).status == 422
    assert (await boss.post("/teams/support/members/ann/remove")).notices() == [
        "The person is not in the team any more."
    ]
    assert (await ann.get(f"/recordings/{recording_id}")).status == 404


async def test_managers_look_after_members_but_not_after_managers_or_reach(portal: PortalBench) -> None:
    boss, ann = await portal.browser(BOSS), await portal.browser(ANN)
    listener = await ann.post("/teams/support/members", ("member", BOB_NAME), ("role", "Listener"))
    assert listener.status == 403
    await boss.post("/teams/support/members/ann", ("member_role", "Manager"))
    page = await ann.get("/teams/support")
    assert "demo.example" not in page.text.partition("<main")[2]  # nobody is suggested to those who may not list people
    assert re.findall(r'name="role" value="(\w+)"', page.text) == ["Listener", "Contributor"]
    taken = await ann.post("/teams/support/members", ("member", BOB_NAME), ("role", "Listener"))
    assert taken.notices() == ["bob@demo.example is in the team now."]
    above = await ann.post("/teams/support/members/bob", ("member_role", "Manager"))
    assert (above.status, "Your role does not allow this." in above.plain()) == (422, True)
    assert (await ann.post("/teams/support/members/ann/remove")).status == 403
    assert (await ann.post("/teams/support/members/bob/remove")).status == 200
    for path, field in (
        ("/teams/support", "name"),
        ("/teams/support/reach", "reached"),
        ("/teams/support/delete", "x"),
    ):
        assert (await ann.post(path, (field, ANN_NAME))).status == 403
