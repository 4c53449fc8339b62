"""A platform in this process, over TLS on loopback, with a clock and chance of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from dubber_platform import UNLIMITED, PlatformConfig
from tests.support.databases import Databases
from tests.support.dubber import Bench, open_bench
from tests.support.library import Library, open_library


@pytest.fixture
async def bench(tmp_path: Path, databases: Databases) -> AsyncIterator[Bench]:
    """A platform with no limits, seeded, and a caller with group authentication."""
    url = databases.platform() if databases.server else None
    async with open_bench(PlatformConfig(data_dir=tmp_path, limits=UNLIMITED, database_url=url)) as opened:
        yield opened


@pytest.fixture
def library(databases: Databases) -> Iterator[Library]:
    """A store, in memory as a rule."""
    opened = open_library(databases.platform())
    yield opened
    opened.close()
