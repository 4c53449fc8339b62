"""One Chromium and one busy server for all of them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from tests.support.busy_day import BusyDay, busy_day
from tests.support.chromium import open_browser
from tests.support.server_process import running


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Headless."""
    async with open_browser() as opened:
        yield opened


@pytest.fixture(scope="session")
def day(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BusyDay]:
    """Demo users, some calls that are over, and one that goes on."""
    folder = tmp_path_factory.mktemp("busy")
    with running(folder / "data", pages=True) as server, busy_day(server, folder) as begun:
        yield begun
