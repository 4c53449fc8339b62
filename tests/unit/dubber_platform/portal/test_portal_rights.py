"""Each route for each role, over what is one's own, a team's, nobody's, and another account's.

What one may not see is not found (404); what one sees but may not change is refused (403), as are pages of
another role.
"""

from __future__ import annotations

from typing import Final

import pytest
from sqlalchemy.orm import Session

from dubber_platform.portal.pages import ALL
from dubber_platform.portal.roles import ADMINISTRATORS, GROUP_ADMINISTRATORS
from dubber_platform.store.companions import Team
from dubber_platform.store.schema import Account, DubPoint, Group, User
from tests.support.dubber import sound
from tests.support.dubber_portal import ADMIN, ANN, BOB, BOSS, DATES, PortalBench
from webkit.routes import Route

WHO: Final = {"listener": ANN, "owner": BOB, "account": BOSS, "group": ADMIN}
"""ann listens to bob's recordings; boss administers their account; admin speaks for its group."""

PAGES: Final = {"": (200, 200, 200, 200), "/audio": (200, 200, 200, 200), "/peaks": (200, 200, 200, 200)}
RECORDINGS: Final = {
    # of bob, whom ann hears through a team
    "bob": (200, 200, 200, 200),
    "ann": (200, 404, 200, 200),
    "nobody": (404, 404, 404, 200),
    "strange": (404, 404, 404, 404),
}
DOWNLOADS: Final = {
    "bob": (403, 403, 200, 200),
    "ann": (403, 403, 200, 200),
    "nobody": (403, 403, 404, 200),
    "strange": (403, 403, 404, 404),
}
CHANGES: Final = {
    "/tags": (("tags", "x"),),
    "/notes": (("text", "x"),),
    "/metadata": (("metadata", "a: b"),),
    "/shares": (("valid", "1h"),),
    "/retention": (("until", "2027-01-01"),),
    "/hold": (("held", "on"), ("reason", "x")),
}
CHANGED: Final = {
    # of bob: ann may only listen, bob may label and share, administrators may do everything
    "/tags": (403, 200, 200, 200),
    "/notes": (403, 200, 200, 200),
    "/metadata": (403, 200, 200, 200),
    "/shares": (403, 200, 200, 200),
    "/retention": (403, 403, 200, 200),
    "/hold": (403, 403, 200, 200),
}
ADMINISTRATION: Final = (
    "/people/{user}",
    "/people/{user}/dub-points",
    "/people/{user}/dub-points/add",
    "/people/{user}/do-not-record",
    "/people/{user}/dub-points/{point}/move",
)
OWN: Final = ("/do-not-record", "/teams", "/me")


def strangers(session: Session) -> None:
    """Another group with an account, a user, a dub point and a team."""
    session.add(Group(id="far", name="Far", **DATES))
    session.flush()
    session.add(Account(id="far", group_id="far", name="Far", details={}, **DATES))
    session.flush()
    session.add(User(id="zoe", account_id="far", username="zoe@far.example", role="Standard User", **DATES))
    session.flush()
    session.add(DubPoint(id="point-zoe", group_id="far", account_id="far", user_id="zoe", **DATES))
    session.add(Team(id="far-team", account_id="far", name="Far", **DATES))


async def prepared(portal: PortalBench) -> dict[str, int]:
    """Recordings by owner, all with audio."""
    await portal.bench.platform.database.run(strangers)
    ids = {"ann": await portal.call("ann"), "bob": await portal.call("bob"), "nobody": await portal.call(None)}
    ids["strange"] = await portal.call("ann", account_id="far", group_id="far", user_id="zoe", dub_point_id="point-zoe")
    for recording_id in ids.values():
        portal.audio(recording_id, sound(0.1))
    return ids


@pytest.mark.parametrize(("place", "who"), list(enumerate(WHO)), ids=WHO)
async def test_a_recording_and_its_sound(portal: PortalBench, place: int, who: str) -> None:
    ids, browser = await prepared(portal), await portal.browser(WHO[who])
    for owner, recording_id in ids.items():
        found = {part: (await browser.raw("GET", f"/recordings/{recording_id}{part}"))[0] for part in PAGES}
        assert (owner, found) == (owner, dict.fromkeys(PAGES, RECORDINGS[owner][place]))
        status = (await browser.raw("GET", f"/recordings/{recording_id}/download"))[0]
        assert (owner, status) == (owner, DOWNLOADS[owner][place])


@pytest.mark.parametrize(("place", "who"), list(enumerate(WHO)), ids=WHO)
async def test_what_is_done_to_a_recording(portal: PortalBench, place: int, who: str) -> None:
    ids, browser = await prepared(portal), await portal.browser(WHO[who])
    assert {
        what: (await browser.post(f"/recordings/{ids['bob']}{what}", *fields)).status
        for what, fields in CHANGES.items()
    } == {what: statuses[place] for what, statuses in CHANGED.items()}
    for what, fields in CHANGES.items():
        status = (await browser.post(f"/recordings/{ids['strange']}{what}", *fields)).status
        only_administrators = CHANGED[what][1] == 403
        expected = 403 if only_administrators and who in {"listener", "owner"} else 404
        assert (what, status) == (what, expected)


@pytest.mark.parametrize("who", WHO)
async def test_people_teams_and_the_account(portal: PortalBench, who: str) -> None:
    await prepared(portal)
    browser, administers = await portal.browser(WHO[who]), who in {"account", "group"}
    for path in ADMINISTRATION:
        near = (await browser.get(path.format(user="ann", point="point-ann"))).status
        far = (await browser.get(path.format(user="zoe", point="point-zoe"))).status
        assert (path, near, far) == (path, *((200, 404) if administers else (403, 403)))
    assert [(await browser.get(path)).status for path in OWN] == [200, 200, 200]
    for path in ("/people", "/people/new", "/account"):
        assert (path, (await browser.get(path)).status) == (path, 200 if administers else 403)
    assert (await browser.get("/people?account=far")).status == (404 if administers else 403)
    assert (await browser.get("/teams?account=far")).status == 404
    found = [(await browser.get(f"/teams/{team}")).status for team in ("support", "far-team", "none")]
    assert found == [404 if who == "owner" else 200, 404, 404]


def filled(route: Route) -> str:
    """A path of a route, over what is there."""
    there = {"recording": "1", "user": "ann", "point": "point-ann", "team": "support", "token": "x"}
    return route.path.format_map({**there, "note": "1", "share": "x", "entry": "x"})


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_nobody_comes_in_without_signing_in_but_by_a_link(portal: PortalBench, method: str) -> None:
    assert await portal.call() == 1
    browser = await portal.browser()
    csrf = await browser.csrf()
    for route in ALL:
        if route.method == method:
            fields = {"data": {"csrf": csrf}} if method == "POST" else {}
            status, _, headers = await browser.raw(method, filled(route), allow_redirects=False, **fields)
            if route.path.startswith("/shared/"):
                assert (route.path, status) == (route.path, 404)
            else:
                assert (route.path, status, headers["Location"][:12]) == (route.path, 303, "/app/sign-in")


async def test_a_standard_user_gets_to_no_page_of_administrators(portal: PortalBench) -> None:
    assert await portal.call() == 1
    browser = await portal.browser(ANN)
    csrf = await browser.csrf()
    found = {}
    for route in ALL:
        if route.allow in (ADMINISTRATORS, GROUP_ADMINISTRATORS):
            fields = {"data": {"csrf": csrf}} if route.method == "POST" else {}
            status, _, _ = await browser.raw(route.method, filled(route), allow_redirects=False, **fields)
            found[route.method, route.path] = status
    assert len(found) > 25
    assert set(found.values()) == {403}


async def test_no_form_is_taken_without_its_token(portal: PortalBench) -> None:
    assert await portal.call() == 1
    browser = await portal.browser(ADMIN)
    found = {
        route.path: (await browser.post(filled(route), csrf="0" * 64)).status for route in ALL if route.method == "POST"
    }
    assert found == dict.fromkeys(found, 403)
    assert len(found) > 25


@pytest.mark.parametrize("lang", ["en", "fr"])
async def test_every_page_is_shown_in_both_languages_with_the_strict_headers(portal: PortalBench, lang: str) -> None:
    ids = await prepared(portal)
    browser = await portal.browser(ADMIN, lang=lang)
    for path in (
        f"/recordings/{ids['ann']}",
        f"/recordings/{ids['nobody']}",
        *(path.format(user="ann", point="point-ann") for path in ADMINISTRATION),
        *OWN,
        "/people",
        "/people/new",
        "/account",
        "/teams/support",
    ):
        seen = await browser.get(path)
        assert (path, seen.status) == (path, 200)
        assert f'<html lang="{lang}"' in seen.text
        assert "default-src 'none'" in seen.headers["Content-Security-Policy"]
        assert not any(forbidden in seen.text for forbidden in (" style=", "<style", " onclick=", "<script>"))
