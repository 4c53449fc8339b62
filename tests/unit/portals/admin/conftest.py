"""The carrier's portal, opened by its administrators."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from catalog import PortalRole
from portals.admin.pages import ALL
from tests.support.browsing import Browser, browse
from tests.support.portals import WebSide, make_web_side

Opens = Callable[..., Awaitable[Browser]]


@pytest.fixture
def side(tmp_path: Path) -> WebSide:
    """Five users, one of each mode; call recording is installed."""
    return make_web_side(tmp_path)


@pytest.fixture
async def opened(side: WebSide) -> AsyncIterator[Opens]:
    """Sign somebody in: ``await opened(PortalRole.ADMINISTRATOR)``; another web side as ``of``."""
    browsers: list[Browser] = []

    async def signed_in(role: PortalRole = PortalRole.ADMINISTRATOR, of: WebSide | None = None) -> Browser:
        browsers.append(await browse(of or side, ALL, role))
        return browsers[-1]

    yield signed_in
    for browser in browsers:
        await browser.client.close()


@pytest.fixture
async def admin(opened: Opens) -> Browser:
    """The customer's administrator."""
    return await opened()
