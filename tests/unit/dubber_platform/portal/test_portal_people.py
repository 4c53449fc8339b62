"""People: listed and searched, added by hand, changed, given a password that is shown once, deleted."""

from __future__ import annotations

import re

import pytest
from sqlalchemy.orm import Session

from dubber_platform.store.schema import User
from tests.support.dubber_portal import ADMIN, ANN, BOSS, DATES, PASSWORD, Browser, PortalBench

NEW = (
    ("username", "carl@demo.example"),
    ("first_name", "Carl"),
    ("last_name", "Cook"),
    ("role", "Standard User"),
    ("language", "fr"),
    ("mobile_number", "+33 6 00 00 00 01"),
)


def changed(*fields: tuple[str, str]) -> list[tuple[str, str]]:
    """NEW with some fields changed."""
    return list((dict(NEW) | dict(fields)).items())


def names(rows: list[str]) -> list[str]:
    """The first two words of each line."""
    return [" ".join(row.split()[:2]) for row in rows]


async def test_people_are_listed_by_last_name_searched_and_narrowed_by_role(portal: PortalBench) -> None:
    boss = await portal.browser(BOSS)
    assert names((await boss.get("/people")).rows()) == ["Demo Administrator", "Ann Archer", "Bob Baker", "Bea Boss"]
    assert names((await boss.get("/people?q=b+demo.example&role=Standard+User")).rows()) == ["Bob Baker"]
    assert names((await boss.get("/people?q=1002%40carrier.example")).rows()) == ["Bob Baker"]
    assert names((await boss.get("/people?role=Administrator")).rows()) == ["Demo Administrator", "Bea Boss"]
    nobody = await boss.get("/people?q=zzz")
    assert "Nobody fits" in nobody.plain()
    typed = await boss.get("/people?q=ann", htmx=True)
    assert (typed.text.lstrip().startswith('<div id="list"'), names(typed.rows())) == (True, ["Ann Archer"])


def fifty(session: Session) -> None:
    """Fifty more users."""
    for number in range(50):
        names = {"username": f"user{number}@demo.example", "first_name": "Uma", "last_name": f"{number:02}"}
        session.add(User(id=f"user-{number}", account_id="demo", role="Standard User", **names, **DATES))


async def test_fifty_stand_on_a_page(portal: PortalBench) -> None:
    await portal.bench.platform.database.run(fifty)
    boss = await portal.browser(BOSS)
    assert [len((await boss.get(f"/people?page={page}")).rows()) for page in (1, 2, 3)] == [50, 4, 0]
    assert [len((await boss.get(f"/people?q=demo&page={page}")).rows()) for page in (1, 2, 3)] == [50, 4, 0]


async def test_a_user_is_added_by_hand_and_the_dub_points_come_next(portal: PortalBench) -> None:
    boss = await portal.browser(BOSS)
    seen = await boss.post("/people/new", *NEW)
    assert (seen.status, seen.path) == (200, "/app/people/carl-demo-example/dub-points")
    assert seen.notices()[0] == "Carl Cook is added. Next: add the dub.point of the line."
    profile = (await boss.get("/people/carl-demo-example")).text
    assert 'value="Carl"' in profile
    assert 'value="+33 6 00 00 00 01"' in profile
    assert '<option value="fr" selected>' in profile


@pytest.mark.parametrize(
    ("field", "value", "problem"),
    [
        ("username", "", "This field is needed."),
        ("username", "carl", "Write it in the form of an e-mail address, such as name@example.com."),
        ("username", "ANN@demo.example", "This exists already."),
        ("username", "x" * 250 + "@x.fr", "At most 254 characters; these are 255."),
        ("first_name", " ", "This field is needed."),
        ("last_name", "a\x07b", "Control characters cannot be used here."),
        ("role", "Owner", "Choose one of the list."),
        ("language", "xx", "Choose one of the list."),
        ("mobile_number", "1" * 51, "At most 50 characters; these are 51."),
    ],
)
async def test_what_does_not_fit_is_said_beside_its_field_and_the_rest_is_kept(
    portal: PortalBench, field: str, value: str, problem: str
) -> None:
    boss = await portal.browser(BOSS)
    seen = await boss.post("/people/new", *changed((field, value)))
    beside = re.search(rf'id="e-{field}">.*?<span>(.*?)</span>', seen.text, re.DOTALL)
    assert (seen.status, beside and beside[1]) == (422, problem)
    kept = "Carl" if field != "first_name" else "Cook"
    assert f'value="{kept}"' in seen.text


async def test_a_profile_is_changed_and_recordings_are_found_by_the_new_name(portal: PortalBench) -> None:
    boss, recording_id = await portal.browser(BOSS), await portal.call("ann")
    fields = changed(("first_name", "Anne"), ("last_name", "Zorn"))
    seen = await boss.post("/people/ann", *fields)
    assert (seen.path, seen.notices()[0]) == ("/app/people/ann", "The profile is saved.")
    assert f"/app/recordings/{recording_id}" in (await boss.get("/recordings?q=zorn")).text
    blank = await boss.post("/people/ann", *changed(("last_name", "")))
    assert (blank.status, "This field is needed." in blank.plain()) == (422, True)


async def test_nobody_changes_the_own_role(portal: PortalBench) -> None:
    boss = await portal.browser(BOSS)
    seen = await boss.post("/people/boss", *changed(("role", "Standard User")))
    assert (seen.status, "You cannot change your own role" in seen.plain()) == (422, True)
    assert (await boss.get("/people")).status == 200


async def test_a_password_is_shown_once_and_lets_in_and_the_one_before_does_not(portal: PortalBench) -> None:
    boss, ann = await portal.browser(BOSS), await portal.browser(ANN)
    seen = await boss.post("/people/ann/password")
    (password,) = re.findall(r'id="f-fresh" value="([^"]+)"', seen.text)
    assert len(password) >= 16
    assert "f-fresh" not in (await boss.get("/people/ann")).text
    assert (await ann.get("/recordings")).path.startswith("/app/sign-in")
    again: Browser = await portal.browser()
    assert (await again.sign_in(ANN, PASSWORD)).status == 401
    assert (await again.sign_in(ANN, password)).path == "/app/"


async def test_a_deleted_user_is_out_at_once_and_the_recordings_stay(portal: PortalBench) -> None:
    boss, ann, recording_id = await portal.browser(BOSS), await portal.browser(ANN), await portal.call("ann")
    seen = await boss.post("/people/ann/delete")
    assert (seen.path, seen.notices()) == (
        "/app/people",
        ["Ann Archer is deleted. Recordings and dub.points stay with the account."],
    )
    assert (await ann.get("/")).path.startswith("/app/sign-in")
    assert (await boss.get(f"/recordings/{recording_id}")).status == 200
    own = await boss.post("/people/boss/delete")
    assert own.notices()[0] == "You cannot delete yourself. Ask another administrator."


async def test_who_speaks_for_the_group_is_changed_by_none_below(portal: PortalBench) -> None:
    boss, path = await portal.browser(BOSS), "/people/admin-demo-example"
    seen = await boss.get(path)
    assert "This user speaks for the whole group" in seen.plain()
    assert "Make a new password" not in seen.plain()
    assert [(await boss.post(path + rest, *NEW)).status for rest in ("", "/password", "/delete")] == [403, 403, 403]
    assert (await (await portal.browser(ADMIN)).get(path)).status == 200


def shown(text: str) -> tuple[str, str]:
    """The hidden field that tells which state the page's form has shown."""
    found = re.search(r'name="seen" value="(\w+)"', text)
    assert found is not None
    return "seen", found[1]


@pytest.mark.parametrize(
    ("path", "first", "second"),
    [
        ("/people/ann", changed(("last_name", "Abel")), changed(("last_name", "Adler"))),
        ("/teams/support", [("name", "Help")], [("name", "Care")]),
    ],
    ids=["a user", "a team"],
)
async def test_what_another_tab_saved_meanwhile_is_not_undone_unseen(
    portal: PortalBench, path: str, first: list[tuple[str, str]], second: list[tuple[str, str]]
) -> None:
    boss = await portal.browser(BOSS)
    opened = shown((await boss.get(path)).text)
    assert (await boss.post(path, *first, opened)).status == 200
    told = await boss.post(path, *second, opened)
    assert told.status == 422
    assert "This was changed after you opened the page." in told.plain()
    assert {"/people/ann": "Abel", "/teams/support": "Help"}[path] in (await boss.get(path)).text
    assert (await boss.post(path, *second, shown(told.text))).status == 200
