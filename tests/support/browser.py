"""Somebody at a browser: what a hand does there, what an eye reads, and everything that the browser complains of."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from playwright.async_api import Browser, Locator, Page, Request, Response

from tests.support.chromium import ROOT, Window, window

SCREENSHOTS: Final = ROOT / "artifacts" / "screenshots"
WAIT_MS: Final = 20_000

VISIBLE_TEXTS: Final = """() => {
  const found = [], skipped = new Set(["SCRIPT", "STYLE", "TEMPLATE", "NOSCRIPT"]);
  const walker = document.createTreeWalker(document.documentElement, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT, {
    acceptNode: node => skipped.has(node.nodeName) ? NodeFilter.FILTER_REJECT : NodeFilter.FILTER_ACCEPT});
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    if (node.nodeType === Node.TEXT_NODE) { found.push(node.data); continue; }
    for (const name of ["aria-label", "title", "placeholder", "alt", "data-guard", "data-copied"])
      if (node.hasAttribute(name)) found.push(node.getAttribute(name));
  }
  return JSON.stringify(found);
}"""
"""Every text of a page, shown now or later, and what is read aloud."""


@dataclass
class Visitor:
    """One browser profile with one page, at one site; without slots, for Playwright marks whoever listens to it."""

    window: Window
    site: str
    """Address of the site's home, with a slash at the end."""
    troubles: list[str] = field(default_factory=list)
    refusals: list[tuple[int, str]] = field(default_factory=list)
    """Answers of 400 and more: status and path."""

    @property
    def page(self) -> Page:
        """Its page."""
        return self.window.page

    @property
    def at(self) -> str:
        """Path and query below the site's home."""
        return self.page.url.removeprefix(self.site.rstrip("/"))

    # --- a hand -------------------------------------------------------------------------------

    async def go(self, path: str) -> None:
        """Type an address below the site's home."""
        await self.page.goto(self.site.rstrip("/") + path)

    async def sign_in(self, username: str, password: str) -> None:
        """At the site's own form; returns at its home page."""
        await self.go("/sign-in")
        await self.page.locator("input[name=username]").fill(username)
        await self.page.locator("input[name=password]").fill(password)
        await self.page.locator("main button[type=submit]").click()
        await self.page.wait_for_url(lambda url: "/sign-in" not in url)

    def menu(self, heading: str) -> Locator:
        """The part of the main navigation under a heading."""
        page = self.page
        return page.locator("#sidenav .group").filter(has=page.get_by_role("heading", name=heading, exact=True))

    # --- an eye -------------------------------------------------------------------------------

    async def see(self, text: str) -> None:
        """Wait until it is shown, in small letters or capitals; French has spaces that do not break."""
        spaced = re.compile(r"\s+".join(map(re.escape, text.split())), re.IGNORECASE)
        await self.page.get_by_text(spaced).filter(visible=True).first.wait_for()

    async def texts(self) -> list[str]:
        """Every text of the page, each once, in order, spaces evened out."""
        found = json.loads(await self.page.evaluate(VISIBLE_TEXTS))
        return list(dict.fromkeys(" ".join(str(text).split()) for text in found))

    async def picture(self, name: str, *, whole: bool = True) -> Path:
        """Written to ``artifacts/screenshots/<name>.png``."""
        path = SCREENSHOTS / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        size = self.page.viewport_size
        assert size is not None
        await self.page.evaluate("scrollTo(0, 0)")
        if whole:  # in a window as tall as the page: what sticks to an edge is where the page ends
            tall = int(await self.page.evaluate("document.documentElement.scrollHeight"))
            await self.page.set_viewport_size({"width": size["width"], "height": max(tall, size["height"])})
        # Hiding the caret would leave empty style attributes behind, and htmx trips over the page's policy with those.
        await self.page.screenshot(path=path, animations="disabled", caret="initial")
        if whole:
            await self.page.set_viewport_size(size)
        return path

    # --- what went wrong ----------------------------------------------------------------------

    def complaints(self) -> list[str]:
        """Script errors, violations of the page's policy, requests that got no answer; answers are in ``refusals``."""
        console = [text for text in self.window.complaints if "Failed to load resource" not in text]
        return [*console, *self.troubles]

    def failed(self, request: Request) -> None:
        """Note a request that got no answer."""
        # Whoever leaves a page breaks off what it was still asking for.
        if request.failure != "net::ERR_ABORTED":
            self.troubles.append(f"{request.method} {request.url}: {request.failure}")

    def answered(self, response: Response) -> None:
        """Note a refusal."""
        if response.status >= 400:
            self.refusals.append((response.status, "/" + response.url.split("/", 3)[3]))

    @asynccontextmanager
    async def step(self, name: str) -> AsyncIterator[None]:
        """One numbered step of a walk, with a picture of its end; a failure tells which step it was."""
        try:
            yield
        except BaseException as error:
            error.add_note(f"step {name!r} at {self.page.url}; complaints: {self.complaints()}, {self.refusals}")
            await self.picture(f"failed {name}")
            raise
        await self.picture(name)


@asynccontextmanager
async def visitor(browser: Browser, site: str, *, language: str = "fr", **options: Any) -> AsyncIterator[Visitor]:
    """A fresh profile at a site; whatever the browser complains of fails the test.

    Certificates are not checked here: the platform's comes from an authority that each data directory makes for itself,
    and Chromium takes authorities only from its profile's own store. The uploader and the REST clients do verify it.
    """
    async with window(browser, language=language, ignore_https_errors=True, **options) as opened:
        opened.context.set_default_timeout(WAIT_MS)
        one = Visitor(opened, site)
        opened.page.on("requestfailed", one.failed)
        opened.page.on("response", one.answered)
        yield one
        assert not one.complaints(), one.complaints()
