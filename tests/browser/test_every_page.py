"""Every page of both portals, in both languages: it fits, it is readable, it is translated, keys reach it.

Each is pictured into ``artifacts/screenshots``, to be looked at.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Final

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from dubber_platform.portal.pages import ALL as DUBBER_ROUTES
from portals.admin.pages import ALL as CARRIER_ROUTES
from prompts.catalogue import CATALOGUE
from tests.support.browser import Visitor, visitor
from tests.support.busy_day import BusyDay
from tests.support.chromium import DESK, PHONE
from tests.support.site_pages import CARRIER, DUBBER, NOT_PAGES, SitePage
from webkit.routes import Route

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

CASES: Final = {
    **{f"carrier {page.name}": ("carrier", page) for page in CARRIER},
    **{f"dubber {page.name}": ("dubber", page) for page in DUBBER},
}
WORD: Final = re.compile(r"\W*[^\W\d_]{2,}\W*")
SPOKEN: Final = {text for prompt in CATALOGUE.values() for text in prompt.texts.values()}
METADATA: Final = "mode: On Demand salvaged: false"
SAME_IN_BOTH: Final = {"Service provider (provider)", METADATA, *SPOKEN}
"""Names of people, what the carrier sent, and what announcements say."""


@dataclass(slots=True)
class Audience:
    """Everybody who looks at pages, each signed in once."""

    browser: Browser
    day: BusyDay
    stack: AsyncExitStack
    known: dict[tuple[str, str, str], Visitor] = field(default_factory=dict)

    async def at(self, site: str, who: str, language: str) -> Visitor:
        """Somebody in a role, reading a language."""
        key = (site, who, language)
        if key not in self.known:
            still = {"language": language, "reduced_motion": "reduce"}
            one = await self.stack.enter_async_context(visitor(self.browser, self.day.site(site), **still))
            if who != "nobody":
                await one.sign_in(*self.day.login(who))
            self.known[key] = one
        return self.known[key]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def audience(browser: Browser, day: BusyDay) -> AsyncIterator[Audience]:
    """At both sites."""
    async with AsyncExitStack() as stack:
        yield Audience(browser, day, stack)


@pytest.mark.parametrize(
    ("routes", "pages"), [(CARRIER_ROUTES, CARRIER), (DUBBER_ROUTES, DUBBER)], ids=["carrier", "dubber"]
)
async def test_no_page_is_left_out(routes: tuple[Route, ...], pages: tuple[SitePage, ...]) -> None:
    shown = {route.path for route in routes if route.method == "GET"} - NOT_PAGES
    assert shown - {page.route for page in pages} == set()


@pytest.mark.parametrize("case", CASES)
async def test_a_page(audience: Audience, case: str) -> None:
    site, page = CASES[case]
    path = page.path.format(**audience.day.facts)
    french = await audience.at(site, page.who, "fr")
    english = await audience.at(site, page.who, "en")
    name = f"{site}-{page.name}"
    for one in (french, english):
        one.refusals.clear()
        await one.go(path)
        if page.waits_for:
            await one.page.locator(page.waits_for).first.wait_for()
    found = {
        "refusals": [answer for answer in french.refusals + english.refusals if answer[0] != page.status],
        "complaints": french.complaints() + english.complaints(),
        "not translated": same_texts(await french.texts(), await english.texts()),
        "axe": await french.window.serious_problems(),
        "sideways": [],
    }
    await french.picture(f"{name}-fr")
    await english.picture(f"{name}-en")
    await french.page.set_viewport_size(PHONE)
    found["sideways"] = [f"{px} px" for px in [await french.window.sideways_px()] if px]
    if page.main:
        await french.picture(f"{name}-fr-phone")
        await english.page.emulate_media(color_scheme="dark")
        await english.picture(f"{name}-en-dark")
        found["axe, dark"] = await english.window.serious_problems()
        await english.page.emulate_media(color_scheme="light")
    await french.page.set_viewport_size(DESK)
    assert {what: problems for what, problems in found.items() if problems} == {}


def same_texts(french: list[str], english: list[str]) -> list[str]:
    """Texts of three words and more that both pages have."""
    same = set(english) - SAME_IN_BOTH
    return [text for text in french if text in same and sum(map(bool, map(WORD.fullmatch, text.split()))) >= 3]


FOCUSED: Final = """() => {
  const one = document.activeElement, style = getComputedStyle(one), label = one.labels?.[0];
  const marked = [one, one.closest(".search, .drop, .switch-row"), label].some(seen => seen
    && (getComputedStyle(seen).outlineStyle !== "none" || getComputedStyle(seen).boxShadow !== "none"));
  return [one.getAttribute("href") ?? one.outerHTML.slice(0, 120), marked];
}"""
"""What has the focus, and whether that can be seen."""


@pytest.mark.parametrize(("site", "who"), [("carrier", "provider"), ("dubber", "Dubber")], ids=["carrier", "dubber"])
async def test_keys_reach_everything_and_the_focus_is_seen(audience: Audience, site: str, who: str) -> None:
    one = await audience.at(site, who, "fr")
    await one.go("/")
    entries = await one.page.locator("#sidenav a").evaluate_all("links => links.map(link => link.getAttribute('href'))")
    passed: list[tuple[str, bool]] = []
    for _ in range(len(entries) + 12):
        await one.page.keyboard.press("Tab")
        passed.append(tuple(await one.page.evaluate(FOCUSED)))
    assert passed[0] == ("#content", True)
    assert [what for what, _ in passed][1 : len(entries) + 1] == entries
    assert [what for what, seen in passed if not seen] == []
    await one.go("/")
    await one.page.keyboard.press("Tab")
    await one.page.keyboard.press("Enter")
    assert await one.page.evaluate("document.activeElement.id") == "content"
