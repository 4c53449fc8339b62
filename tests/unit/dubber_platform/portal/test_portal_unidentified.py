"""Recordings of lines without a dub point are shown to who speaks for the group, and moved to users."""

from __future__ import annotations

import pytest
from sqlalchemy.orm import Session

from dubber_platform.store.do_not_record import add_do_not_record
from dubber_platform.store.schema import DubPoint
from dubber_platform.store.visibility import viewer_of
from tests.support.dubber import START, CountedChance
from tests.support.dubber_portal import ADMIN, Browser, PortalBench, Seen

NEXT = "/app/unidentified?q=x"


async def move(browser: Browser, *chosen: int, **fields: str) -> Seen:
    """Send the form of the page."""
    rows = [("chosen", str(number)) for number in chosen]
    return await browser.post("/unidentified/move", *rows, ("next", NEXT), *fields.items())


async def owner(portal: PortalBench, *numbers: int) -> list[tuple[str | None, str | None]]:
    """Account and user of recordings."""
    return [(await portal.column(n, "account_id"), await portal.column(n, "user_id")) for n in numbers]


async def test_what_waits_is_shown_with_its_identifiers(portal: PortalBench) -> None:
    await portal.call()
    lost = await portal.call(None)
    bare = await portal.call(None, dub_point_id=None, from_label="No Key")
    seen = await (await portal.browser(ADMIN)).get("/unidentified")
    newest, oldest = seen.rows()
    assert "No Key" in newest
    assert "none given" in newest
    assert "1101@carrier.example BroadWorks · ACME1 · ACME1SITE" in oldest
    assert [path.split("&")[0] for path in seen.links("Move to user …")] == [
        f"/app/unidentified/move?ids={bare}",
        f"/app/unidentified/move?ids={lost}",
    ]


async def test_search_narrows_what_waits(portal: PortalBench) -> None:
    await portal.call(None, from_label="Alpha")
    await portal.call(None, from_label="Bravo")
    browser = await portal.browser(ADMIN)
    assert len((await browser.get("/unidentified?q=bravo", htmx=True)).rows()) == 1
    assert "No recordings match" in (await browser.get("/unidentified?q=zulu")).plain()


async def test_nothing_waits_says_so(portal: PortalBench) -> None:
    assert "Nothing waits here" in (await (await portal.browser(ADMIN)).get("/unidentified")).plain()


async def test_the_button_below_the_list_leads_to_the_choice_of_a_user(portal: PortalBench) -> None:
    chosen = [await portal.call(None), await portal.call(None)]
    fields = [("chosen", str(number)) for number in chosen]
    browser = await portal.browser(ADMIN)
    seen = await browser.post("/recordings/bulk", *fields, ("action", "move"), ("next", NEXT))
    assert seen.path.startswith("/app/unidentified/move?ids=1,2&next=")
    for word in ("2 recordings", "Ann Archer", "Bob Baker", "Add the dub.point, too", "1101@carrier.example"):
        assert word in seen.plain()


async def test_people_are_found_while_one_types(portal: PortalBench) -> None:
    lost, browser = await portal.call(None), await portal.browser(ADMIN)
    seen = await browser.get(f"/unidentified/move?ids={lost}&find=bak", htmx=True)
    assert seen.text.lstrip().startswith('<div id="people"')
    assert "Bob Baker" in seen.text
    assert "Ann Archer" not in seen.text
    assert "Nobody fits" in (await browser.get(f"/unidentified/move?ids={lost}&find=zz", htmx=True)).text


async def test_a_recording_is_moved_alone(portal: PortalBench) -> None:
    moved, left = await portal.call(None), await portal.call(None)
    seen = await move(await portal.browser(ADMIN), moved, user_id="bob")
    assert (seen.path, seen.notices()) == (NEXT, ["1 recording belongs to Bob Baker now."])
    assert await owner(portal, moved, left) == [("demo", "bob"), (None, None)]


async def test_with_its_dub_point_everything_of_the_line_moves_along(portal: PortalBench) -> None:
    chosen, other, bare = await portal.call(None), await portal.call(None), await portal.call(None, dub_point_id=None)
    browser = await portal.browser(ADMIN)
    seen = await move(browser, chosen, bare, user_id="bob", create="on", product="payg")
    assert seen.notices() == [
        "3 recordings belong to Bob Baker now.",
        "1 dub.point was added: further calls of its line go to Bob Baker by themselves.",
    ]
    assert await owner(portal, chosen, other, bare) == [("demo", "bob")] * 3
    point = await portal.bench.platform.database.run(lambda session: session.get_one(DubPoint, "point-nobody"))
    assert (point.account_id, point.user_id, point.product, point.label) == ("demo", "bob", "payg", "Bob Baker")
    assert "Nothing waits here" in (await browser.get("/unidentified")).plain()


async def test_audio_goes_when_the_other_party_is_not_to_be_recorded(portal: PortalBench) -> None:
    lost = await portal.call(None)
    path = portal.audio(lost, b"audio")
    await portal.bench.platform.database.run(_never_record_the_caller)
    seen = await move(await portal.browser(ADMIN), lost, user_id="bob")
    assert seen.notices() == [
        "1 recording belongs to Bob Baker now.",
        "1 of them lost its audio: the other party is on the user’s do-not-record list.",
    ]
    assert (await portal.column(lost, "status"), path.exists()) == ("Do Not Record", False)


def _never_record_the_caller(session: Session) -> None:
    viewer = viewer_of(session, "bob")
    assert viewer is not None
    add_do_not_record(session, viewer, "bob", "+33 6 12 34 56 78", "asked to", now=START, ids=CountedChance())


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({}, "Choose the user."),
        ({"user_id": "ann", "create": "on", "product": "gold"}, "Choose one of the list."),
    ],
    ids=("no user", "product"),
)
async def test_what_is_missing_is_said_beside_its_field(portal: PortalBench, fields: dict[str, str], said: str) -> None:
    lost = await portal.call(None)
    seen = await move(await portal.browser(ADMIN), lost, **fields)
    assert seen.status == 422
    assert seen.plain().count(said) == 2
    assert await owner(portal, lost) == [(None, None)]


async def test_users_of_nobody_and_recordings_of_others_are_refused(portal: PortalBench) -> None:
    mine, lost = await portal.call(), await portal.call(None)
    browser = await portal.browser(ADMIN)
    seen = await move(browser, lost, user_id="nobody")
    assert (seen.status, "This user is not there any more." in seen.plain()) == (422, True)
    assert (await browser.get(f"/unidentified/move?ids={mine}")).status == 404
    assert (await browser.get("/unidentified/move?ids=77,x")).status == 404
    assert await owner(portal, lost) == [(None, None)]


async def test_a_recording_that_was_moved_meanwhile_stays_where_it_is(portal: PortalBench) -> None:
    moved = await portal.call()
    seen = await move(await portal.browser(ADMIN), moved, user_id="bob")
    assert seen.notices() == ["0 recordings belong to Bob Baker now."]
    assert await owner(portal, moved) == [("demo", "ann")]
