"""Rest hooks and fetching a recording_url: what the platform sends out and fetches by itself."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from dubber_platform import UNLIMITED, PlatformConfig
from dubber_platform.api.hooks import deliver_due
from tests.support.dubber import CALL, Bench, open_bench, sound

HOST = "127.0.0.1"


@dataclass(slots=True)
class Receiver:
    """A site of the customer's: takes hooks, hands out audio."""

    echo: bool = True
    status: int = 200
    audio: bytes = b""
    taken: list[tuple[dict[str, str], Any]] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    url: str = ""

    async def take(self, request: web.Request) -> web.Response:
        """Note what came; confirm when told to."""
        names = ("X-Hook-Secret", "X-Hook-Signature")
        headers = {name: request.headers[name] for name in names if name in request.headers}
        self.raw.append(await request.read())
        self.taken.append((headers, json.loads(self.raw[-1])))
        secret = headers.get("X-Hook-Secret")
        echoed = {"X-Hook-Secret": secret} if self.echo and secret else None
        return web.Response(status=self.status, headers=echoed)

    async def give(self, _request: web.Request) -> web.Response:
        """The audio."""
        return web.Response(status=self.status, body=self.audio)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """It listens on a free loopback port."""
    made, app = Receiver(), web.Application()
    app.add_routes([web.post("/hook", made.take), web.get("/audio", made.give)])
    async with TestServer(app) as server:
        made.url = str(server.make_url("/"))
        yield made


@pytest.fixture
async def out(tmp_path: Path) -> AsyncIterator[Bench]:
    """A platform that may post to and fetch from loopback."""
    hosts = frozenset({HOST})
    config = PlatformConfig(
        data_dir=tmp_path,
        limits=UNLIMITED,
        hook_hosts=hosts,
        pull_hosts=hosts,
        hook_attempts=3,
        public_url="https://dubber.example",
        upload_max_bytes=100_000,
    )
    async with open_bench(config) as opened:
        yield opened


async def deliver(bench: Bench) -> int:
    """Everything that is due, once."""
    async with aiohttp.ClientSession() as client:
        return await deliver_due(bench.platform, client, "https://elsewhere.example")


async def subscribe(bench: Bench, receiver: Receiver, **fields: Any) -> str:
    """A hook of the account; its id."""
    body = {"post_url": receiver.url + "hook", "event_type": "recording.create", **fields}
    answer = await bench.call("POST", "/accounts/demo/notifications", json=body)
    assert (answer.status, answer.body["status"]) == (201, "Pending"), answer.body
    return str(answer.body["id"])


async def record(bench: Bench) -> str:
    """A complete recording; its id."""
    posted = await bench.call("POST", "/accounts/demo/recordings", json=CALL)
    await bench.upload(posted.body["id"], sound(0.1))
    return str(posted.body["id"])


async def status(bench: Bench, hook: str) -> tuple[str, str | None]:
    """Status and error of a hook."""
    body = (await bench.call("GET", f"/notifications/{hook}")).body
    return body["status"], body["error"]


async def test_a_hook_is_active_once_its_receiver_echoed_the_secret(out: Bench, receiver: Receiver) -> None:
    """And is told of new recordings from then on, signed with that secret."""
    hook = await subscribe(out, receiver)
    await record(out)
    assert (await deliver(out), await status(out, hook)) == (1, ("Active", None))
    await record(out)
    assert await deliver(out) == 1
    (greeting, first), (signed, event) = receiver.taken
    base = "https://dubber.example/sandbox/v1"
    assert first == {"notification": f"{base}/notifications/{hook}"}
    assert event == {
        "event_type": "recording.create",
        "id": "2",
        "recording": f"{base}/recordings/2",
        "date_created": "Thu, 26 Mar 2026 16:51:46 +0000",
    }
    signature = hmac.new(greeting["X-Hook-Secret"].encode(), receiver.raw[1], hashlib.sha256).hexdigest()
    assert signed == {"X-Hook-Signature": signature}
    assert await deliver(out) == 0


async def test_a_hook_can_be_activated_later(out: Bench, receiver: Receiver) -> None:
    """With the secret it was sent, and no other."""
    receiver.echo = False
    hook = await subscribe(out, receiver)
    await deliver(out)
    assert await status(out, hook) == ("Pending", None)
    path = f"/notifications/{hook}/activate"
    wrong = await out.call("POST", path, headers={"X-Hook-Secret": "guess"})
    secret = receiver.taken[0][0]["X-Hook-Secret"]
    right = await out.call("POST", path, headers={"X-Hook-Secret": secret})
    assert (wrong.status, wrong.body["code"], right.status, right.body["status"]) == (403, 1019, 200, "Active")
    assert secret not in json.dumps(right.body)


async def test_an_event_carries_the_recording_when_asked_to(out: Bench, receiver: Receiver) -> None:
    """include_data, and a group's hook hears of all its accounts."""
    body = {"post_url": receiver.url + "hook", "event_type": "recording.update", "include_data": True}
    await out.call("POST", f"/groups/{out.seed['group_id']}/notifications", json=body)
    await deliver(out)
    recording = await record(out)
    await out.call("POST", f"/recordings/{recording}/tags", json={"tags": ["vip"]})
    await deliver(out)
    data = receiver.taken[1][1]["data"]
    assert (data["id"], data["tags"], data["status"]) == (recording, ["vip"], "Active")


async def test_a_receiver_that_fails_is_tried_again_and_then_no_more(out: Bench, receiver: Receiver) -> None:
    """After 10 and 20 seconds; what was given up is released on demand."""
    hook = await subscribe(out, receiver)
    await deliver(out)
    await record(out)
    receiver.status = 500
    tried = []
    for wait in (0, 9, 1, 19, 1, 1000):
        out.clock.advance(wait)
        tried.append(await deliver(out))
    assert tried == [1, 0, 1, 0, 1, 0]
    assert await status(out, hook) == ("Active", "the receiver answered 500")
    receiver.status = 200
    released = await out.call("GET", f"/notifications/{hook}/unclaimed")
    assert [event["event_type"] for event in released.body["unclaimed"]] == ["recording.create"]
    assert (await deliver(out), await status(out, hook)) == (1, ("Active", None))


async def test_a_receiver_that_is_not_there_is_a_fault_like_any_other(out: Bench, receiver: Receiver) -> None:
    """It is noted at the hook."""
    hook = await subscribe(out, receiver, post_url=f"http://{HOST}:1/hook")
    await deliver(out)
    assert await status(out, hook) == ("Pending", "the receiver could not be reached (ClientConnectorError)")


async def test_hooks_are_listed_changed_and_deleted(out: Bench, receiver: Receiver) -> None:
    """A new address has to be confirmed anew."""
    hook = await subscribe(out, receiver)
    await deliver(out)
    listed = await out.call("GET", "/accounts/demo/notifications")
    assert [(row["id"], row["status"]) for row in listed.body["notifications"]] == [(hook, "Active")]
    same = await out.call("PUT", f"/notifications/{hook}", json={"include_data": True})
    moved = await out.call("PUT", f"/notifications/{hook}", json={"post_url": receiver.url + "hook?2"})
    assert (same.body["status"], moved.body["status"]) == ("Active", "Pending")
    assert (await out.call("DELETE", f"/notifications/{hook}")).status == 200
    assert ((await out.call("GET", f"/notifications/{hook}")).status, await deliver(out)) == (404, 0)
    group = await out.call("GET", f"/groups/{out.seed['group_id']}/notifications")
    assert group.body["notifications"] == []


async def test_hooks_go_to_listed_hosts_only(bench: Bench) -> None:
    """By default to none."""
    body = {"post_url": "https://customer.example/hook", "event_type": "recording.create"}
    answer = await bench.call("POST", "/accounts/demo/notifications", json=body)
    complaint = ["post_url: its host is not one this platform posts to"]
    assert (answer.status, answer.body["details"][0]["details"]) == (400, complaint)


async def test_there_are_only_so_many_hooks(out: Bench, receiver: Receiver) -> None:
    """Twenty for one owner."""
    for _ in range(20):
        await subscribe(out, receiver)
    body = {"post_url": receiver.url + "hook", "event_type": "recording.create"}
    answer = await out.call("POST", "/accounts/demo/notifications", json=body)
    assert answer.body["details"][0]["details"] == ["notification: at most 20 are kept"]


async def test_a_recording_url_is_fetched(out: Bench, receiver: Receiver) -> None:
    """The recording is Active at once."""
    receiver.audio = sound(1)
    answer = await out.call("POST", "/accounts/demo/recordings", json={**CALL, "recording_url": receiver.url + "audio"})
    assert (answer.status, answer.body["status"], answer.body["duration"]) == (201, "Active", 1)
    assert answer.body["content_sha256"] == hashlib.sha256(receiver.audio).hexdigest()


@pytest.mark.parametrize(
    ("status_code", "audio", "path", "complaint"),
    [
        (404, b"", "audio", "recording_url: answered 404"),
        (200, b"noise", "audio", "recording_url: the bytes are neither WAV nor MP3"),
        (200, bytes(100_001), "audio", "recording_url: is longer than 100000 bytes"),
        (200, b"", None, "recording_url: could not be fetched (ClientConnectorError)"),
    ],
)
async def test_a_recording_url_that_cannot_be_fetched_leaves_nothing(
    out: Bench, receiver: Receiver, status_code: int, audio: bytes, path: str | None, complaint: str
) -> None:
    """Neither row nor file."""
    receiver.status, receiver.audio = status_code, audio
    url = receiver.url + path if path else f"http://{HOST}:1/audio"
    answer = await out.call("POST", "/accounts/demo/recordings", json={**CALL, "recording_url": url})
    assert (answer.status, answer.body["details"][0]["details"]) == (400, [complaint])
    waiting = await out.call("GET", "/accounts/demo/recordings", params={"status": "Uploading"})
    assert waiting.body["recordings"] == []
    kept = [path for path in out.platform.config.data_dir.rglob("*.wav")]
    assert kept == []
