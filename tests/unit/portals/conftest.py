"""Both APIs over real HTTP on loopback, in the test's own event loop."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from portals import api, webex
from portals.api.events import EventFeed
from portals.rest import Scope
from tests.support.portals import WebSide, make_web_side


@dataclass(frozen=True, slots=True)
class Http:
    """Somebody who calls the APIs."""

    client: TestClient[web.Request, web.Application]
    token: str

    async def __call__(
        self, method: str, path: str, status: int = 200, *, token: str | None = None, **named: Any
    ) -> Any:
        """One request that must be answered with this status; its JSON, or its bytes."""
        headers = {"Authorization": f"Bearer {token or self.token}", **named.pop("headers", {})}
        async with self.client.request(method, path, headers=headers, **named) as response:
            body = await response.read()
            assert response.status == status, (response.status, body[:500])
            return await response.json(content_type=None) if response.content_type.endswith("json") else body


@pytest.fixture
def side(tmp_path: Path) -> Iterator[WebSide]:
    """Five users, one of each mode."""
    one = make_web_side(tmp_path)
    yield one
    one.catalog.close()


@pytest.fixture
async def http(side: WebSide) -> AsyncIterator[Http]:
    """An administrator's token, and both APIs where the product has them."""
    app = web.Application()
    app.add_subapp("/v1", webex.application(side.services))
    app.add_subapp("/api/v1", api.application(side.services, feed=EventFeed(kept=3, heartbeat_s=0.05)))
    async with TestClient(TestServer(app)) as client:
        yield Http(client, side.token(*Scope))
