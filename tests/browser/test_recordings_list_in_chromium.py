"""The list of recordings in a real browser: it follows typing, keys and the back button."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from tests.support.chromium import open_browser, window
from tests.support.dubber_portal import ADMIN, PASSWORD, PortalBench, open_portal

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module")]

LINES = "table[data-table] tbody tr"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    """One Chromium for all; the platform made its certificate itself."""
    async with open_browser(ignore_tls=True) as opened:
        yield opened


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def portal(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[PortalBench]:
    """Three calls of ann, two of bob."""
    async with open_portal(tmp_path_factory.mktemp("platform")) as opened:
        await opened.call(from_label="Alpha Trading", note="asked for a delivery")
        await opened.call(from_label="Bravo Bakery", recording_type="voicemail")
        await opened.call(from_label="Charlie Cars", tags=("order",))
        await opened.call("bob", from_label="Delta Design")
        await opened.call("bob", from_label="Echo Events")
        yield opened


@pytest_asyncio.fixture(loop_scope="module")
async def page(browser: Browser, portal: PortalBench) -> AsyncIterator[Page]:
    """The administrator at the list; the browser must have nothing to complain of."""
    base = str(portal.bench.client.make_url("/app"))
    async with window(browser) as opened:
        await opened.page.goto(f"{base}/sign-in?next=/app/recordings")
        await opened.page.locator("[name=username]").fill(ADMIN)
        await opened.page.locator("[name=password]").fill(PASSWORD)
        await opened.page.locator("main button.primary").click()
        await expect(opened.page.locator(LINES)).to_have_count(5)
        yield opened.page
        assert opened.complaints == []


async def test_the_list_follows_what_is_typed_and_the_back_button_undoes_it(page: Page) -> None:
    await page.locator(".pills a", has_text="Recorded calls").click()
    await expect(page.locator(LINES)).to_have_count(4)
    await page.keyboard.press("/")
    await page.keyboard.type("deliv")
    await expect(page.locator(LINES)).to_have_count(1)
    await expect(page.locator("mark")).to_have_text(["deliv"])
    await expect(page).to_have_url(re.compile(r"/app/recordings\?q=deliv&kind=recordings$"))
    await expect(page.locator("#search [name=q]")).to_be_focused()
    await page.go_back()
    await expect(page.locator(LINES)).to_have_count(4)
    await expect(page.locator("#search [name=q]")).to_have_value("")


async def test_keys_walk_choose_star_and_explain(page: Page) -> None:
    await page.keyboard.press("j")
    await page.keyboard.press("j")
    second = page.locator(LINES).nth(1)
    await expect(page.locator("tr.current")).to_have_count(1)
    await expect(second).to_have_class("current")
    await page.keyboard.press("s")
    await expect(second.locator("button.star")).to_have_attribute("aria-pressed", "true")
    await page.keyboard.press("x")
    await expect(page.locator(".bulk-bar")).to_be_visible()
    await page.keyboard.press("?")
    await expect(page.locator("dialog#keys")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.locator("dialog#keys")).to_be_hidden()
    await page.keyboard.press("k")
    await expect(page.locator(LINES).first).to_have_class("current")


async def test_the_down_arrow_restricts_the_list_to_a_dub_point(page: Page) -> None:
    await page.get_by_role("button", name="Restrict to dub.point").click()
    menu = page.locator("#dub-points")
    await expect(menu.get_by_role("link")).to_have_text(
        ["All dub.points", "Desk 1001 (Ann Archer)", "Desk 1002 (Bob Baker)"]
    )
    await menu.locator("[name=find]").fill("bak")
    await expect(menu.get_by_role("link")).to_have_text(["All dub.points", "Desk 1002 (Bob Baker)"])
    await menu.get_by_role("link", name="Desk 1002").click()
    await expect(page.locator(LINES)).to_have_count(2)
    await expect(page.locator(".chip")).to_have_text(["dub.point: Desk 1002 (Bob Baker)"])
