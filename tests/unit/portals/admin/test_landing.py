"""The page at the server's root."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import CookieJar, web
from aiohttp.test_utils import TestClient, TestServer

from portals.admin.pages.landing import landing
from portals.admin.site import make_site
from portals.services import Reachable
from tests.support.portals import make_web_side

Client = TestClient[web.Request, web.Application]


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    """A browser that was never here before."""
    reachable = Reachable(
        sip={"udp": "192.0.2.1:5062"}, ca_file=tmp_path / "ca.pem", dubber_portal="https://dubber.test/app"
    )
    services = replace(make_web_side(tmp_path).services, reachable=lambda: reachable)
    app = web.Application()
    app.router.add_get("/", landing(make_site(services), services))
    async with TestClient(TestServer(app), cookie_jar=CookieJar(unsafe=True)) as browser:
        yield browser


async def test_it_leads_everywhere_and_says_how_to_begin(client: Client) -> None:
    answer = await client.get("/")
    shown = await answer.text()

    for part in (
        'href="/admin/"',
        'href="https://dubber.test/app"',
        'href="/api/v1/"',
        'href="/readyz"',
        'href="/metrics"',
        "192.0.2.1:5062",
        *(f"900{n}" for n in range(1, 10)),
    ):
        assert part in shown
    assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
    assert "Set-Cookie" not in answer.headers


async def test_it_speaks_the_browser_s_language_until_another_is_chosen(client: Client) -> None:
    assert "Numéros à composer" in await (await client.get("/", headers={"Accept-Language": "fr"})).text()

    chosen = await client.get("/?lang=fr&theme=dark", allow_redirects=False)
    kept = {name: morsel.value for name, morsel in chosen.cookies.items()}
    shown = await (await client.get("/", cookies=kept)).text()

    assert (chosen.status, chosen.headers["Location"]) == (303, "/")
    assert "Numéros à composer" in shown
    assert 'data-theme="dark"' in shown


async def test_a_language_there_is_none_of_changes_nothing(client: Client) -> None:
    assert (await client.get("/?lang=xx&theme=pink", allow_redirects=False)).status == 200
