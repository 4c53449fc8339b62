"""``/api/v1``: recordings and their audio."""

from __future__ import annotations

import secrets
from dataclasses import replace
from hashlib import sha256

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from callmodel.manifest import RecordingManifest
from portals import api
from portals.rest import Scope
from tests.support.portals import NOW, WebSide
from tests.support.recordings import finished
from tests.unit.portals.conftest import Http


def add(side: WebSide, *, key: bytes | None = None, frames: int = 8000) -> RecordingManifest:
    """One finished recording of 1001, in the catalogue."""
    path, manifest = finished(side.services.data_dir, frames=frames, at_rest_key=key)
    side.catalog.recordings.add_finished(manifest, path, now=NOW)
    return manifest


async def test_a_recording_is_listed_with_its_delivery(side: WebSide, http: Http) -> None:
    """By user and time; the manifest is the one on disk."""
    manifest = add(side)
    [listed] = (await http("GET", "/api/v1/recordings?user=1001&since=2026-03-04T09:30:00Z"))["items"]
    assert (listed["recording_id"], listed["delivery"], listed["local"]) == ("rec-1", "pending", True)
    assert await http("GET", "/api/v1/recordings/rec-1") == listed
    assert (await http("GET", "/api/v1/recordings?user=1002"))["items"] == []
    assert (await http("GET", "/api/v1/recordings?until=2026-03-04T09:30:00Z"))["items"] == []
    async with http.client.get(
        "/api/v1/recordings/rec-1/manifest", headers={"Authorization": f"Bearer {http.token}"}
    ) as response:
        assert RecordingManifest.from_json(await response.read()) == manifest


async def test_the_audio_is_sent_whole(side: WebSide, http: Http) -> None:
    """With the digest of the manifest."""
    manifest = add(side)
    assert sha256(await http("GET", "/api/v1/recordings/rec-1/audio")).hexdigest() == manifest.audio.sha256


async def test_encrypted_audio_is_sent_plain(side: WebSide) -> None:
    """To whom has the token; the file on disk is something else."""
    key = secrets.token_bytes(32)
    manifest = add(side, key=key)
    app = web.Application()
    app.add_subapp("/api/v1", api.application(replace(side.services, at_rest_key=key)))
    async with TestClient(TestServer(app)) as client:
        http = Http(client, side.token(Scope.READ))
        assert sha256(await http("GET", "/api/v1/recordings/rec-1/audio")).hexdigest() == manifest.audio.sha256


RANGES = {
    "from the middle": ("bytes=100-199", 206, "bytes 100-199/32044", slice(100, 200)),
    "to the end": ("bytes=32000-", 206, "bytes 32000-32043/32044", slice(32000, None)),
    "the last ones": ("bytes=-44", 206, "bytes 32000-32043/32044", slice(-44, None)),
    "past the end": ("bytes=32000-99999", 206, "bytes 32000-32043/32044", slice(32000, None)),
    "not readable": ("bytes=a-b", 200, None, slice(None)),
}


@pytest.mark.parametrize("name", RANGES)
async def test_a_range_of_the_audio_is_sent(side: WebSide, http: Http, name: str) -> None:
    """As players ask for it."""
    add(side)
    asked, status, told, part = RANGES[name]
    whole = await http("GET", "/api/v1/recordings/rec-1/audio")
    headers = {"Authorization": f"Bearer {http.token}", "Range": asked}
    async with http.client.get("/api/v1/recordings/rec-1/audio", headers=headers) as response:
        assert (response.status, response.headers.get("Content-Range")) == (status, told)
        assert await response.read() == whole[part]


async def test_a_range_behind_the_end_is_refused(side: WebSide, http: Http) -> None:
    """416 tells the size."""
    add(side)
    headers = {"Authorization": f"Bearer {http.token}", "Range": "bytes=40000-"}
    async with http.client.get("/api/v1/recordings/rec-1/audio", headers=headers) as response:
        assert (response.status, response.headers["Content-Range"]) == (416, "bytes */32044")


async def test_audio_that_is_not_here_any_more_is_told_so(side: WebSide, http: Http) -> None:
    """Removed after delivery, or gone from disk."""
    add(side)
    record = side.catalog.recordings.get("rec-1")
    assert record is not None
    (record.path / "audio.wav").unlink()
    assert (await http("GET", "/api/v1/recordings/rec-1/audio", 404))["detail"].startswith("the audio is not there")
    side.catalog.recordings.mark_local_removed("rec-1")
    assert "delivered to Dubber" in (await http("GET", "/api/v1/recordings/rec-1/audio", 404))["detail"]
    await http("GET", "/api/v1/recordings/nothing", 404)


async def test_recordings_follow_each_other_in_pages(side: WebSide, http: Http) -> None:
    """Newest first, by the link of the header; a cursor that nobody made is refused."""
    for number in range(3):
        at = NOW.replace(minute=number)
        path, manifest = finished(side.services.data_dir, f"rec-{number}", started_at=at, answered_at=at, frames=80)
        side.catalog.recordings.add_finished(manifest, path, now=at)
    async with http.client.get(
        "/api/v1/recordings?limit=2", headers={"Authorization": f"Bearer {http.token}"}
    ) as first:
        assert [one["recording_id"] for one in (await first.json())["items"]] == ["rec-2", "rec-1"]
        link = first.links["next"]["url"]
    assert [one["recording_id"] for one in (await http("GET", link.path_qs))["items"]] == ["rec-0"]
    for cursor in ("bm9wZQ", "%00", "x" * 600):
        await http("GET", f"/api/v1/recordings?cursor={cursor}", 400)
