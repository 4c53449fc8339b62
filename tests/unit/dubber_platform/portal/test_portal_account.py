"""The account's details, and everybody's own profile and password."""

from __future__ import annotations

import re

import pytest

from tests.support.dubber_portal import ANN, BOSS, PASSWORD, PortalBench

FRESH = "another long password"


async def test_the_account_shows_its_ids_with_buttons_to_copy_them(portal: PortalBench) -> None:
    await portal.call()
    seen = await (await portal.browser(BOSS)).get("/account")
    group_id = portal.bench.seed["group_id"]
    assert re.findall(r'id="f-(?:account|group)-1" value="([^"]*)"', seen.text) == ["demo", group_id]
    assert re.findall(r'aria-label="(Copy [^"]*)"', seen.text) == ["Copy Account ID", "Copy Group ID"]
    assert "Recordings 1 Total duration 1:05 Storage 1.0 MB Retention 90 days" in seen.plain()


async def test_the_own_profile_names_dub_points_and_teams(portal: PortalBench) -> None:
    await portal.call()
    seen = await (await portal.browser(ANN)).get("/me")
    assert (
        "User name ann@demo.example Role Standard user dub.points Desk 1001 1001@carrier.example "
        "Teams Support Listener Recordings 1"
    ) in seen.plain()


async def test_the_own_password_is_changed_with_the_current_one(portal: PortalBench) -> None:
    here, elsewhere = await portal.browser(ANN), await portal.browser(ANN)
    seen = await here.post("/me/password", ("current", PASSWORD), ("fresh", FRESH), ("again", FRESH))
    assert seen.notices() == ["Your password is changed. Sessions in other browsers have ended."]
    assert (await elsewhere.get("/me")).path.startswith("/app/sign-in")
    assert (await elsewhere.sign_in(ANN, PASSWORD)).status == 401
    assert (await elsewhere.sign_in(ANN, FRESH)).status == 200


@pytest.mark.parametrize(
    ("current", "fresh", "again", "field", "problem"),
    [
        ("wrong password", FRESH, FRESH, "current", "This is not your password."),
        (PASSWORD, "short", "short", "fresh", "At least 10 characters."),
        (PASSWORD, FRESH, FRESH + "x", "again", "This is not the same as above."),
        (PASSWORD, "x" * 201, "x" * 201, "fresh", "At most 200 characters; these are 201."),
    ],
    ids=["wrong", "short", "different", "long"],
)
async def test_what_does_not_fit_is_said_and_no_password_comes_back(
    portal: PortalBench, current: str, fresh: str, again: str, field: str, problem: str
) -> None:
    browser = await portal.browser(ANN)
    seen = await browser.post("/me/password", ("current", current), ("fresh", fresh), ("again", again))
    found = dict(re.findall(r'id="e-(\w+)">.*?<span>(.*?)</span>', seen.text, re.DOTALL))
    assert (seen.status, found[field]) == (422, problem)
    assert re.findall(r'type="password" value="([^"]*)"', seen.text) == ["", "", ""]


async def test_guessing_the_current_password_gets_slow(portal: PortalBench) -> None:
    browser = await portal.browser(ANN)
    guess = (("current", "guess"), ("fresh", FRESH), ("again", FRESH))
    found = [(await browser.post("/me/password", *guess)).plain() for _ in range(6)]
    assert ["Too many wrong passwords" in text for text in found] == [False] * 5 + [True]
