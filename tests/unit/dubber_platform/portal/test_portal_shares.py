"""Links to a recording: made by those who may, shown once, open to anybody, and over when they expire or are ended."""

from __future__ import annotations

import re

import pytest

from tests.support.dubber import sound
from tests.support.dubber_portal import ANN, BOB, Browser, PortalBench, Seen


async def linked(portal: PortalBench, browser: Browser, recording_id: int, valid: str = "1h") -> str:
    """A fresh link, below ``/app``."""
    portal.audio(recording_id, sound(1))
    seen = await browser.post(f"/recordings/{recording_id}/shares", ("valid", valid))
    assert seen.notices() == ["The link is made. Copy it now: it is shown this once."]
    return link_in(seen)


def link_in(seen: Seen) -> str:
    """The link that a page shows, below ``/app``."""
    (address,) = re.findall(r'value="https://127\.0\.0\.1:\d+/app(/shared/[^"]+)"', seen.text)
    return str(address)


async def test_a_link_is_shown_once_and_plays_without_signing_in(portal: PortalBench) -> None:
    ann, stranger, recording_id = await portal.browser(ANN), await portal.browser(), await portal.call()
    link = await linked(portal, ann, recording_id)
    assert link not in (await ann.get(f"/recordings/{recording_id}")).text
    seen = await stranger.get(link)
    assert (seen.status, seen.headers["X-Robots-Tag"], seen.headers["Referrer-Policy"]) == (
        200,
        "noindex, nofollow",
        "no-referrer",
    )
    assert seen.plain().startswith("+33612345678 to Ann Archer Mar 25, 2026")
    assert "Shared by Ann Archer." in seen.plain()
    status, body, _ = await stranger.raw("GET", f"{link}/audio", headers={"Range": "bytes=0-3"})
    assert (status, body) == (206, b"RIFF")
    assert (await stranger.raw("GET", f"{link}/peaks"))[0] == 200


async def test_it_shows_neither_notes_nor_tags_nor_the_way_to_more(portal: PortalBench) -> None:
    recording_id = await portal.call(tags=("secret-tag",), note="secret note")
    link = await linked(portal, await portal.browser(ANN), recording_id)
    seen = await (await portal.browser()).get(link)
    assert not any(word in seen.text for word in ("secret-tag", "secret note", "/recordings", "Desk 1001"))


@pytest.mark.parametrize(("valid", "hours"), [("1h", 1), ("1d", 24), ("7d", 7 * 24), ("30d", 30 * 24)])
async def test_a_link_expires(portal: PortalBench, valid: str, hours: int) -> None:
    stranger = await portal.browser()
    link = await linked(portal, await portal.browser(ANN), await portal.call(), valid)
    portal.bench.clock.advance(hours * 3600 - 1)
    assert (await stranger.get(link)).status == 200
    portal.bench.clock.advance(1)
    over = await stranger.get(link)
    assert (over.status, "This link is not good any more" in over.plain()) == (404, True)
    assert [(await stranger.raw("GET", f"{link}/{part}"))[0] for part in ("audio", "peaks")] == [404, 404]


async def test_a_link_is_ended(portal: PortalBench) -> None:
    ann, stranger, recording_id = await portal.browser(ANN), await portal.browser(), await portal.call()
    link = await linked(portal, ann, recording_id)
    page = await ann.get(f"/recordings/{recording_id}")
    (share,) = re.findall(rf"/recordings/{recording_id}/shares/(\w+)/delete", page.text)
    assert (await (await portal.browser(BOB)).post(f"/recordings/{recording_id}/shares/{share}/delete")).status == 404
    ended = await ann.post(f"/recordings/{recording_id}/shares/{share}/delete")
    assert ended.notices() == ["The link is good no more."]
    assert (await stranger.get(link)).status == 404
    assert (await ann.post(f"/recordings/{recording_id}/shares/{share}/delete")).status == 404


async def test_a_span_that_is_not_offered_is_refused(portal: PortalBench) -> None:
    seen = await (await portal.browser(ANN)).post(f"/recordings/{await portal.call()}/shares", ("valid", "10y"))
    assert (seen.status, "Choose one of the list." in seen.plain()) == (422, True)


@pytest.mark.parametrize("token", ["x", "x" * 101, "%C3%A9", "..%2F..", "%00"])
async def test_a_token_that_is_none_opens_nothing(portal: PortalBench, token: str) -> None:
    stranger = await portal.browser(lang="fr")
    assert (await stranger.get(f"/shared/{token}")).status == 404
    assert (await stranger.raw("GET", f"/shared/{token}/audio"))[0] == 404
