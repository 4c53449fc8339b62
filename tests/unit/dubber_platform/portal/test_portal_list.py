"""The list of recordings: what one may see, newest first, narrowed down by its address and by nothing else."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

import pytest

from dubber_platform.store.browse import PAGE_ROWS
from tests.support.dubber_portal import ADMIN, ANN, BOB, Browser, PortalBench, Seen


async def labelled(portal: PortalBench) -> dict[str, int]:
    """Six calls with telling names, oldest first; their ids."""
    return {
        "Alpha": await portal.call(from_label="Alpha", tags=("order",)),
        "Bravo": await portal.call(from_label="Bravo", recording_type="voicemail"),
        "Charlie": await portal.call(from_label="Charlie", starred=True, tags=("order", "vip")),
        "Delta": await portal.call("bob", from_label="Delta"),
        "Echo": await portal.call("bob", from_label="Echo", recording_type="voicemail", note="asked for a delivery"),
        "Foxtrot": await portal.call(None, from_label="Foxtrot"),
    }


def names(seen: Seen) -> list[str]:
    """The labels of the calls that are shown, in order."""
    known = ("Alpha", "Bravo", "Charlie", "Delta", "Echo", "Foxtrot")
    return [next(name for name in known if name in row) for row in seen.rows()]


@pytest.mark.parametrize(
    ("username", "shown"),
    [
        (ADMIN, ["Echo", "Delta", "Charlie", "Bravo", "Alpha"]),
        (ANN, ["Echo", "Delta", "Charlie", "Bravo", "Alpha"]),
        (BOB, ["Echo", "Delta"]),
    ],
    ids=("administrator", "listener", "user"),
)
async def test_everybody_sees_their_own_and_their_teams_newest_first(
    portal: PortalBench, username: str, shown: list[str]
) -> None:
    await labelled(portal)
    assert names(await (await portal.browser(username)).get("/recordings")) == shown


async def test_a_line_tells_who_when_how_long_and_what(portal: PortalBench) -> None:
    recording_id = await portal.call(
        "bob", call_type="outbound", from_="1002", from_label="Bob Baker", to="+442079460123", to_label="Shop",
        starred=True, tags=("vip", "order"), note="call back", legal_hold=True, status="Do Not Record",
    )  # fmt: skip
    browser = await portal.browser(ADMIN)
    seen = await browser.get("/recordings")
    (row,) = seen.rows()
    words = row.split()
    assert words[:10] == ["outgoing", "Bob", "Baker", "1002", "to", "Shop", "+442079460123", "Bob", "Baker", "Desk"]
    assert words[-11:] == ["1:05", "Call", "Not", "recorded", "On", "legal", "hold", "Notes:", "1", "order", "vip"]
    assert f'href="/app/recordings/{recording_id}"' in seen.text
    assert 'aria-pressed="true"' in seen.text.split("<tbody>")[1]


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("kind=recordings", ["Delta", "Charlie", "Alpha"]),
        ("kind=voicemails", ["Echo", "Bravo"]),
        ("kind=tagged", ["Charlie", "Alpha"]),
        ("kind=starred", ["Charlie"]),
        ("dub_point=point-bob", ["Echo", "Delta"]),
        ("user=bob", ["Echo", "Delta"]),
        ("scope=mine", ["Charlie", "Bravo", "Alpha"]),
        ("scope=support", ["Echo", "Delta"]),
        ("tag=order", ["Charlie", "Alpha"]),
        ("tag=order&kind=starred&scope=mine", ["Charlie"]),
        ("q=delivery", ["Echo"]),
        ("q=desk+1002+delta", ["Delta"]),
        ("q=5678&kind=voicemails&dub_point=point-ann", ["Bravo"]),
        ("q=%22+NEAR(+*", []),
        ("from=2026-03-27", []),
        ("from=2026-03-25&until=2026-03-26", ["Echo", "Delta", "Charlie", "Bravo", "Alpha"]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_every_filter_stands_in_the_address(portal: PortalBench, query: str, shown: list[str]) -> None:
    await labelled(portal)
    seen = await (await portal.browser(ANN)).get(f"/recordings?{query}")
    assert (seen.status, names(seen)) == (200, shown)


async def test_every_filter_that_is_on_shows_as_a_chip_with_its_way_out(portal: PortalBench) -> None:
    await labelled(portal)
    query = "q=alpha&kind=tagged&scope=support&dub_point=point-bob&user=bob&from=2026-03-01&until=2026-03-02&tag=vip"
    seen = await (await portal.browser(ANN)).get(f"/recordings?{query}")
    for word in ("“alpha”", "Tagged calls", "Team: Support", "dub.point: Desk 1002 (Bob Baker)", "User: Bob Baker",
                 "Mar 1, 2026 – Mar 2, 2026", "Tag: vip"):  # fmt: skip
        assert word in seen.plain()
    ways_out = [dict(parse_qsl(urlsplit(path).query)) for path in seen.links("") if path.startswith("/app/recordings?")]
    whole = dict(parse_qsl(query))
    without = [set(whole) - set(way) for way in ways_out]
    assert without == [{"q"}, {"kind"}, {"scope"}, {"dub_point"}, {"user"}, {"from", "until"}, {"tag"}]
    assert "No tagged calls match" in seen.plain()
    assert seen.links("Clear filters") == ["/app/recordings", "/app/recordings"]
    assert seen.links("Search everything") == ["/app/recordings?q=alpha"]


async def test_what_matched_is_marked_where_it_stands(portal: PortalBench) -> None:
    await portal.call(
        from_label="Élodie Alpha", tags=("order",), note="about the alphabet", details={"case": "alpha-7"}
    )
    seen = await (await portal.browser(ANN)).get("/recordings?q=alpha")
    assert "Élodie <mark>Alpha</mark>" in seen.text
    assert "about the <mark>alpha</mark>bet" in seen.text
    assert '<span class="muted">case</span> <mark>alpha</mark>-7' in seen.text


async def test_while_one_types_only_the_list_is_sent_and_the_address_follows(portal: PortalBench) -> None:
    await labelled(portal)
    seen = await (await portal.browser(ANN)).get("/recordings?q=alpha&kind=&scope=mine", htmx=True)
    assert seen.text.lstrip().startswith('<div id="list">')
    assert names(seen) == ["Alpha"]
    assert seen.headers["HX-Push-Url"] == "/app/recordings?q=alpha&scope=mine"


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("kind=other", 400),
        ("after=x", 400),
        ("before=1", 400),
        ("scope=nobodys-team", 404),
        ("from=yesterday", 422),
        ("from=2026-03-05&until=2026-03-01", 422),
        ("until=0001-01-01", 422),
        ("dub_point=unknown", 200),
        ("user=unknown", 200),
        ("tag=%00%0a", 200),
        ("q=" + "x" * 5000, 200),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_an_address_that_cannot_be_answered_says_so(portal: PortalBench, query: str, status: int) -> None:
    assert (await (await portal.browser(ANN)).get(f"/recordings?{query}")).status == status


async def test_a_wrong_date_is_named_and_the_rest_of_the_filters_counts(portal: PortalBench) -> None:
    await labelled(portal)
    seen = await (await portal.browser(ANN)).get("/recordings?kind=starred&from=soon")
    assert seen.notices() == ["This is not a date: soon. Write it as 2026-12-31."]
    assert names(seen) == ["Charlie"]


async def test_pages_of_fifty_go_on_by_cursor_and_back(portal: PortalBench) -> None:
    for number in range(PAGE_ROWS + 3):
        await portal.call(from_=f"+33600000{number:03}")
    browser = await portal.browser(ANN)
    first = await browser.get("/recordings?kind=recordings")
    assert (len(first.rows()), first.links("Newer")) == (PAGE_ROWS, [])
    assert f"{PAGE_ROWS + 3} recordings" in first.plain()
    (older,) = first.links("Older")
    second = await browser.get(browser.origin + older)
    assert [row.split()[1] for row in second.rows()] == ["+33600000002", "+33600000001", "+33600000000"]
    (newer,) = second.links("Newer")
    again = await browser.get(browser.origin + newer)
    assert again.rows() == first.rows()


async def test_an_empty_store_says_what_will_come(portal: PortalBench) -> None:
    assert "No recordings yet" in (await (await portal.browser(BOB)).get("/recordings")).plain()


@pytest.mark.parametrize(
    ("username", "find", "shown"),
    [
        (ADMIN, "", ["All dub.points", "Desk 1001 (Ann Archer)", "Desk 1002 (Bob Baker)"]),
        (ADMIN, "baker", ["All dub.points", "Desk 1002 (Bob Baker)"]),
        (ADMIN, "100%", ["All dub.points"]),
        (ANN, "1002@carrier", ["All dub.points", "Desk 1002 (Bob Baker)"]),
        (BOB, "", ["All dub.points", "Desk 1002 (Bob Baker)"]),
    ],
    ids=("all", "user", "wildcard", "identifier", "own"),
)
async def test_the_down_arrow_lists_dub_points_one_may_see(
    portal: PortalBench, username: str, find: str, shown: list[str]
) -> None:
    browser = await portal.browser(username)
    seen = await browser.get(f"/recordings/dub-points?find={find.replace('%', '%25')}&kind=starred", htmx=True)
    found = {label: path for label in shown for path in seen.links(label)}
    assert list(found) == shown
    assert seen.text.count('class="item ') == len(shown)
    assert found["All dub.points"] == "/app/recordings?kind=starred"


async def test_the_menu_of_scopes_offers_ones_teams(portal: PortalBench) -> None:
    for username, teams in ((ADMIN, 1), (ANN, 1), (BOB, 0)):
        seen = await (await portal.browser(username)).get("/recordings?tag=x")
        assert len(seen.links("Support")) == teams
        assert seen.links("My recordings") == ["/app/recordings?scope=mine&tag=x"]


async def star(browser: Browser, recording_id: int, starred: str, *, htmx: bool = False) -> Seen:
    """Press the star of a line."""
    fields = (("starred", starred), ("next", "/app/recordings?kind=starred"))
    return await browser.post(f"/recordings/star/{recording_id}", *fields, htmx=htmx)


async def test_the_star_works_in_place_and_without_script(portal: PortalBench) -> None:
    recording_id = await portal.call()
    browser = await portal.browser(ANN)
    pressed = await star(browser, recording_id, "on", htmx=True)
    assert (pressed.status, await portal.column(recording_id, "starred")) == (200, True)
    assert pressed.text.startswith('<button class="star"')
    assert 'aria-pressed="true"' in pressed.text
    back = await star(browser, recording_id, "")
    assert (back.path, await portal.column(recording_id, "starred")) == ("/app/recordings?kind=starred", False)


async def test_nobody_stars_what_is_not_theirs(portal: PortalBench) -> None:
    anns, bobs, nobodys = await portal.call("ann"), await portal.call("bob"), await portal.call(None)
    listener, stranger, boss = await portal.browser(ANN), await portal.browser(BOB), await portal.browser(ADMIN)
    assert (await star(listener, bobs, "on")).status == 403
    assert (await star(stranger, anns, "on")).status == 404
    assert (await star(stranger, nobodys, "on")).status == 404
    assert (await star(boss, 999, "on")).status == 404
    assert (await boss.post("/recordings/star/1x", ("starred", "on"))).status == 404
    assert not await portal.column(anns, "starred")
    assert not await portal.column(bobs, "starred")


@pytest.mark.parametrize(("lang", "word"), [("en", "Everything you may see"), ("fr", "Tout ce à quoi vous avez accès")])
async def test_the_list_speaks_both_languages(portal: PortalBench, lang: str, word: str) -> None:
    await labelled(portal)
    assert word in (await (await portal.browser(ANN, lang=lang)).get("/recordings")).plain()
