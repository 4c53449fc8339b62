"""A real browser without a window: what it complains of, what axe finds, and pictures to look at."""

from __future__ import annotations

import json
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final, Literal

from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, ViewportSize, async_playwright

ROOT: Final = Path(__file__).resolve().parents[2]
PICTURES: Final = ROOT / "artifacts" / "pictures"
AXE: Final = ROOT / "webkit" / "frontend" / "node_modules" / "axe-core" / "axe.min.js"

ARGUMENTS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--autoplay-policy=no-user-gesture-required",
)
DESK: Final = ViewportSize(width=1360, height=900)
PHONE: Final = ViewportSize(width=390, height=844)

SERIOUS: Final = frozenset({"serious", "critical"})
RUN_AXE: Final = """axe.run(document, {resultTypes: ["violations"]}).then(({violations}) => JSON.stringify(
  violations.map(({impact, id, nodes}) => ({
    impact, id, nodes: nodes.map(({html, failureSummary}) => [html, failureSummary])}))))"""


@asynccontextmanager
async def open_browser(*, ignore_tls: bool = False) -> AsyncIterator[Browser]:
    """Chromium from PATH; ``ignore_tls`` takes any certificate (of a platform that made its own)."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    assert program is not None, "no chromium on PATH"
    extra = ("--ignore-certificate-errors",) if ignore_tls else ()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program, args=[*ARGUMENTS, *extra])
        try:
            yield browser
        finally:
            await browser.close()


SIDEWAYS: Final = """async () => {
  const wide = () => document.documentElement.scrollWidth - document.documentElement.clientWidth;
  for (let frame = 0; frame < 30 && wide() > 0; frame++) await new Promise(requestAnimationFrame);
  return wide();
}"""
"""A page that has just been given another width takes a few frames to fit it."""


class Window:
    """One page, and everything that the browser complained of while it was open."""

    def __init__(self, context: BrowserContext, page: Page) -> None:
        self.context = context
        self.page = page
        self.complaints: list[str] = []
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(f"{message.type}: {message.text}")

    async def serious_problems(self) -> list[str]:
        """What axe-core finds serious or critical; past the page's own policy, through the debugging protocol."""
        session = await self.context.new_cdp_session(self.page)
        await session.send("Runtime.evaluate", {"expression": AXE.read_text()})
        asked = {"expression": RUN_AXE, "awaitPromise": True, "returnByValue": True}
        answer: dict[str, Any] = await session.send("Runtime.evaluate", asked)
        await session.detach()
        found = json.loads(answer["result"]["value"])
        return [f"{one['id']}: {node}" for one in found if one["impact"] in SERIOUS for node in one["nodes"]]

    async def sideways_px(self) -> int:
        """How far the whole page can be scrolled sideways; a page that fits has 0."""
        return int(await self.page.evaluate(SIDEWAYS))

    async def picture(self, name: str, *, whole: bool = True) -> Path:
        """Written to ``artifacts/pictures/<name>.png``; the ``whole`` page as on a screen that is high enough."""
        path = PICTURES / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        before = self.page.viewport_size
        assert before is not None
        await self.page.evaluate("scrollTo(0, 0)")
        if whole:
            height = await self.page.evaluate("document.documentElement.scrollHeight")
            await self.page.set_viewport_size(ViewportSize(width=before["width"], height=max(before["height"], height)))
        await self.page.screenshot(path=path, animations="disabled")
        await self.page.set_viewport_size(before)
        return path


@asynccontextmanager
async def window(
    browser: Browser,
    *,
    language: str = "en",
    scheme: Literal["light", "dark"] = "light",
    size: ViewportSize = DESK,
    **options: Any,
) -> AsyncIterator[Window]:
    """A fresh profile with one page."""
    context = await browser.new_context(locale=language, color_scheme=scheme, viewport=size, **options)
    try:
        yield Window(context, await context.new_page())
    finally:
        await context.close()
