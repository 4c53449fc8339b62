"""The platform's own site over real TLS: provisioning a line, delivering a recording, hearing it."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from dubber_platform import UNLIMITED, PlatformConfig
from tests.support.dubber import CALL, KEY, open_bench, sound

pytestmark = pytest.mark.e2e


async def test_a_line_is_provisioned_and_its_recording_delivered_and_heard(tmp_path: Path) -> None:
    """The carrier's whole path through documented end points: find, create, upload in parts, listen."""
    config = PlatformConfig(data_dir=tmp_path, limits=UNLIMITED, part_min_bytes=20_000)
    audio = sound(2.0)
    async with open_bench(config) as bench:
        assert (await bench.call("GET", "/dub_points/find", params=KEY)).body["code"] == 1009
        user = await bench.user("1001@carrier.example", "secret")
        made = await bench.call("POST", "/accounts/demo/dub_points", json={**KEY, "user": user})
        assert made.status == 201
        found = await bench.call("GET", "/dub_points/find", params=KEY)
        assert found.body == made.body

        posted = await bench.call(
            "POST", "/accounts/demo/recordings", json={**CALL, "dub_point_id": found.body["id"], "tags": ["vip"]}
        )
        assert (posted.status, posted.body["status"], posted.body["channel"]) == (201, "Uploading", "Ann Other")
        done = await bench.upload(posted.body["id"], audio[:30_000], audio[30_000:60_000], audio[60_000:])
        assert done.status == 200, done.body
        assert (done.body["status"], done.body["duration"], done.body["size"], done.body["content_sha256"]) == (
            "Active",
            2,
            len(audio),
            hashlib.sha256(audio).hexdigest(),
        )
        heard = await bench.call("GET", f"/recordings/{posted.body['id']}", params={"listener": user})
        link = heard.body["recording_url"].split(str(bench.client.port), 1)[1]
        fetched = await bench.raw("GET", link)
        assert (fetched.status, fetched.headers["Content-Type"], fetched.body) == (200, "audio/wav", audio)
