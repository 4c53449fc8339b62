"""The carrier's pages for tests: the real application on a loopback port, with people who are signed in."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from aiohttp import ClientResponse, CookieJar, web
from aiohttp.test_utils import TestClient, TestServer

from callmodel.manifest import AudioFile, Party, RecordingManifest
from callmodel.modes import CallType, RecordingMode
from catalog import CallRecord, PortalAccount, PortalRole
from portals.admin.site import PREFIX, make_application, make_site
from tests.support.portals import NOW, WebSide
from webkit.routes import Route
from webkit.site import MAX_BODY_BYTES

LOGINS = {
    PortalRole.PROVIDER: PortalAccount(username="provider", name="Pia Provider", role=PortalRole.PROVIDER),
    PortalRole.ADMINISTRATOR: PortalAccount(username="admin", name="Ada Admin", role=PortalRole.ADMINISTRATOR),
    PortalRole.USER: PortalAccount(username="user", name="Paula Pause", role=PortalRole.USER, number="1002"),
}
FRENCH = {"Accept-Language": "fr"}


class Browser:
    """One person at one browser; without script."""

    def __init__(self, client: TestClient[web.Request, web.Application], side: WebSide, csrf: str) -> None:
        self.client = client
        self.side = side
        self.csrf = csrf

    async def get(self, path: str, **headers: str) -> ClientResponse:
        """A page; redirections are not followed."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.client.get(PREFIX + path, headers=sent, allow_redirects=False)

    async def text(self, path: str, *, french: bool = False, status: int = 200) -> str:
        """What a page shows."""
        answer = await self.client.get(PREFIX + path, headers=FRENCH if french else {}, allow_redirects=False)
        shown = await answer.text()
        assert answer.status == status, shown[:2000]
        return shown

    async def fragment(self, path: str) -> str:
        """What htmx would put into the page."""
        answer = await self.client.get(PREFIX + path, headers={"HX-Request": "true"}, allow_redirects=False)
        assert answer.status == 200
        return await answer.text()

    async def post(self, path: str, fields: dict[str, str] | None = None) -> ClientResponse:
        """Send a form; the redirection is not followed."""
        sent = {"csrf": self.csrf, **(fields or {})}
        return await self.client.post(PREFIX + path, data=sent, allow_redirects=False)

    async def save(self, path: str, fields: dict[str, str] | None = None) -> str:
        """Send a form that is to be taken, and read the page that it leads to."""
        answer = await self.post(path, fields)
        assert answer.status == 303, (await answer.text())[:3000]
        return await self.text(answer.headers["Location"].removeprefix(PREFIX))

    async def refused(self, path: str, fields: dict[str, str] | None = None) -> str:
        """Send a form that is not to be taken, and read why."""
        answer = await self.post(path, fields)
        assert answer.status == 422
        return await answer.text()


async def browse(side: WebSide, routes: Sequence[Route], role: PortalRole) -> Browser:
    """Sign somebody in; close ``client`` afterwards. The password check itself is webkit's, and slow on purpose."""
    account = LOGINS[role]
    side.catalog.accounts.put(account, None, now=NOW)
    site = make_site(side.services)
    root = web.Application(client_max_size=MAX_BODY_BYTES)
    root.add_subapp(PREFIX, make_application(site, side.services, routes))
    client: TestClient[web.Request, web.Application] = TestClient(TestServer(root), cookie_jar=CookieJar(unsafe=True))
    await client.start_server()
    token = site.sessions.open(account.username)
    client.session.cookie_jar.update_cookies({"admin_session": token}, client.make_url(PREFIX))
    return Browser(client, side, site.sessions.csrf(token))


def words(html: str) -> str:
    """What a reader sees of a page, on one line."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html)).replace("&#39;", "'").replace("&#34;", '"').strip()


def finish_call(side: WebSide) -> None:
    """A call of 1002 to a stranger is over; its recording was delivered to Dubber as 4711."""
    answered, ended = NOW - timedelta(minutes=5), NOW - timedelta(minutes=3)
    caller, callee = Party(number="1002", label="Paula Pause"), Party(number="+33123456789")
    call = CallRecord(
        call_id="call-1",
        external_tracking_id="track-1",
        started_at=answered - timedelta(seconds=6),
        answered_at=answered,
        ended_at=ended,
        result="answered",
        cause="a-bye",
        caller=caller,
        callee=callee,
    )
    side.catalog.calls.put(call)
    manifest = RecordingManifest(
        recording_id="rec-1",
        call_id="call-1",
        user="1002",
        mode=RecordingMode.ALWAYS_PAUSE_RESUME,
        call_type=CallType.OUTBOUND,
        external_tracking_id="track-1",
        external_call_id="half-1",
        answered_at=answered,
        started_at=answered,
        ended_at=ended,
        duration_ms=118_000.0,
        audio=AudioFile(sample_rate_hz=8000, samples=944_000, size_bytes=3_776_044, sha256="0" * 64),
        caller=caller,
        callee=callee,
    )
    side.catalog.recordings.add_finished(manifest, Path("/nowhere"), now=NOW)
    side.catalog.uploads.claim_due(NOW)
    side.catalog.uploads.report_done("rec-1", remote_id="4711", now=NOW)
