"""A recording's page in a real browser: it plays by ranges, seeks by click, mark and key, is labelled and shared."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page

from tests.support.chromium import PHONE, open_browser, window
from tests.support.dubber import sound
from tests.support.dubber_portal import ANN, BOSS, PASSWORD, PortalBench, open_portal

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module")]

MARKS = "a0.25+3.1:recording-started c12/1:pause p14+20:cut h20+5/2:on"
LENGTH_S = 40


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    """One Chromium for all."""
    async with open_browser(ignore_tls=True) as opened:
        yield opened


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def portal(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[PortalBench]:
    """The recordings site on a loopback port."""
    folder: Path = tmp_path_factory.mktemp("portal")
    async with open_portal(folder) as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="module")
async def recording_id(portal: PortalBench) -> int:
    """A call of ann with sound on its first channel, and marks."""
    made = await portal.call(
        "ann", from_label="Café Rouge", tags=("order",), meta_tags={"marks-01": MARKS}, duration=LENGTH_S
    )
    portal.audio(made, sound(LENGTH_S))
    return made


def base(portal: PortalBench) -> str:
    """The site's address."""
    return str(portal.bench.client.make_url("/app"))


async def opened(page: Page, portal: PortalBench, username: str, path: str) -> None:
    """Sign in at the form, then go on to a page with a player that is ready."""
    await page.goto(f"{base(portal)}/sign-in")
    await page.locator("input[name=username]").fill(username)
    await page.locator("input[name=password]").fill(PASSWORD)
    await page.locator("main button[type=submit]").click()
    await page.wait_for_url(f"{base(portal)}/")
    await page.goto(base(portal) + path)
    await page.locator(".player.ready").wait_for()
    await page.get_by_text(f"0:00 / 0:{LENGTH_S}").wait_for()


async def second(page: Page) -> float:
    """Where the player stands."""
    return float(await page.evaluate("document.querySelector('.player audio').currentTime"))


async def test_it_plays_and_seeks_by_key_click_and_mark(
    browser: Browser, portal: PortalBench, recording_id: int
) -> None:
    async with window(browser) as desk:
        page = desk.page
        statuses: list[int] = []
        page.on("response", lambda answer: statuses.append(answer.status) if answer.url.endswith("/audio") else None)
        await opened(page, portal, ANN, f"/recordings/{recording_id}")
        wave = page.get_by_role("slider", name="Position")
        await page.get_by_role("button", name="Code: pause").click()
        assert await second(page) == 12
        await wave.focus()
        await page.keyboard.press("ArrowRight")
        assert await second(page) == 17
        await page.keyboard.press("j")
        assert await second(page) == 7
        box = await wave.bounding_box()
        assert box is not None
        await wave.click(position={"x": box["width"] * 0.75, "y": box["height"] / 2})
        assert await second(page) == pytest.approx(0.75 * LENGTH_S, abs=0.5)
        await page.get_by_role("button", name="Play").click()
        await page.get_by_text(f"0:31 / 0:{LENGTH_S}").wait_for()
        await page.get_by_role("button", name="Pause", exact=True).click()
        await page.get_by_label("Speed").select_option("2")
        assert await page.evaluate("document.querySelector('.player audio').playbackRate") == 2
        assert await page.evaluate("document.querySelector('.player audio').error") is None
        assert set(statuses) == {206}
        assert desk.complaints == []


async def test_it_is_starred_tagged_noted_and_shared_with_a_stranger(
    browser: Browser, portal: PortalBench, recording_id: int
) -> None:
    async with window(browser) as desk, window(browser, language="fr", size=PHONE) as elsewhere:
        page = desk.page
        await opened(page, portal, ANN, f"/recordings/{recording_id}")
        await page.get_by_role("button", name="Most important").click()
        await page.locator(".star[aria-pressed=true]").wait_for()
        assert await portal.column(recording_id, "starred") is True
        await page.get_by_label("Tags of this recording").fill("vip")
        await page.keyboard.press("Enter")
        await page.get_by_role("button", name="Save the tags").click()
        await page.get_by_text("The tags are saved.").wait_for()
        assert await page.locator(".tags-editor .tag").all_inner_texts() == ["order\n×", "vip\n×"]
        await page.get_by_label("New note").fill("Call back on Monday")
        await page.get_by_role("button", name="Add the note").click()
        await page.get_by_text("Call back on Monday").wait_for()
        await page.get_by_role("radio", name="7 days").check()
        await page.get_by_role("button", name="Make a link").click()
        link = await page.get_by_label("Link", exact=True).input_value()
        await desk.picture("dubber-recording-shared")
        await elsewhere.page.goto(link)
        await elsewhere.page.locator(".player.ready").wait_for()
        await elsewhere.page.get_by_text("Partagé par Ann Archer.").wait_for()
        await elsewhere.picture("dubber-shared-phone")
        assert (await elsewhere.sideways_px(), await elsewhere.serious_problems()) == (0, [])
        assert desk.complaints + elsewhere.complaints == []


async def test_an_administrator_deletes_it_after_a_question_and_not_while_it_is_held(
    browser: Browser, portal: PortalBench, recording_id: int
) -> None:
    async with window(browser) as desk:
        page = desk.page
        await opened(page, portal, BOSS, f"/recordings/{recording_id}?kind=recordings")
        await page.get_by_label("Reason for a legal hold").fill("Case 12")
        await page.get_by_role("button", name="Put on legal hold").click()
        await page.get_by_text("On legal hold: nothing and nobody deletes this recording.").wait_for()
        assert await page.get_by_role("button", name="Delete …").is_disabled()
        await desk.picture("dubber-recording-held")
        await page.get_by_role("button", name="Release the legal hold").click()
        await page.get_by_text("The hold is released.").wait_for()
        await page.get_by_role("button", name="Delete …").click()
        question = page.get_by_role("dialog", name="Delete this recording?")
        await question.get_by_text("Nobody can bring them back.").wait_for()
        await desk.picture("dubber-recording-delete", whole=False)
        await question.get_by_role("button", name="Cancel").click()
        assert await portal.column(recording_id, "id") == recording_id
        await page.get_by_role("button", name="Delete …").click()
        await question.get_by_role("button", name="Delete for good").click()
        await page.get_by_text("1 recording was deleted.").wait_for()
        assert page.url == f"{base(portal)}/recordings?kind=recordings"
        assert await portal.column(recording_id, "id") is None
        assert desk.complaints == []
