"""The recordings site with its people, over TLS on loopback."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.dubber_portal import PortalBench, open_portal


@pytest.fixture
async def portal(tmp_path: Path) -> AsyncIterator[PortalBench]:
    """No calls yet."""
    async with open_portal(tmp_path) as opened:
        yield opened
