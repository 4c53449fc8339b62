"""The client against a server that says what it is told to, over TLS: every strange answer has one meaning."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from dubber_platform import PlatformConfig, tls_context
from dubber_uploader import DubberClient, DubberConfig, Meaning
from dubber_uploader.answers import AttemptError
from dubber_uploader.client import MAX_ANSWER_BYTES, DubPoint, PartAddress, RemoteRecording, account_collection
from tests.support.dubber import self_signed
from tests.support.recordings import DUB_POINT

TOKEN = {"access_token": "token-1", "expires_in": 86400, "refresh_token": "refresh-1", "token_type": "bearer"}


@dataclass(slots=True)
class StillClock:
    """Time that only sleeping moves."""

    at: datetime = datetime(2026, 3, 4, 9, 30, tzinfo=UTC)
    slept: list[float] = field(default_factory=list)

    def now(self) -> datetime:
        return self.at

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.at += timedelta(seconds=seconds)


@dataclass(slots=True)
class Script:
    """What the server answers: to the token end point, and to everything else."""

    token: Any = field(default_factory=lambda: dict(TOKEN))
    token_status: int = 200
    status: int = 200
    body: bytes = b"{}"
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})
    seen: list[tuple[str, str, str]] = field(default_factory=list)
    forms: list[dict[str, str]] = field(default_factory=list)

    def says(self, body: object, status: int = 200) -> None:
        self.body, self.status = json.dumps(body).encode(), status

    async def answer(self, request: web.Request) -> web.Response:
        if request.path.endswith("/token"):
            self.forms.append({str(name): str(value) for name, value in (await request.post()).items()})
            return web.json_response(self.token, status=self.token_status)
        await request.read()
        self.seen.append((request.method, request.path_qs, request.headers.get("Authorization", "")))
        return web.Response(status=self.status, body=self.body, headers=self.headers)


@pytest.fixture
def clock() -> StillClock:
    return StillClock()


@pytest.fixture
def script() -> Script:
    return Script()


@pytest.fixture
async def client(tmp_path: Path, script: Script, clock: StillClock) -> AsyncIterator[DubberClient]:
    certificate, key = self_signed()
    (tmp_path / "cert.pem").write_bytes(certificate)
    (tmp_path / "key.pem").write_bytes(key)
    config = PlatformConfig(data_dir=tmp_path, cert_file=tmp_path / "cert.pem", key_file=tmp_path / "key.pem")
    app = web.Application()
    app.router.add_route("*", "/{anything:.*}", script.answer)
    server = TestServer(app, scheme="https")
    await server.start_server(ssl=tls_context(config))
    dubber = DubberConfig(
        base_url=f"https://127.0.0.1:{server.port}/v1",
        client_id="client",
        client_secret="secret",
        username="user",
        password="password",
        group_id="g",
        ca_file=tmp_path / "cert.pem",
        calls_per_second=None,
    )
    async with DubberClient(dubber, clock) as opened:
        yield opened
    await server.close()


async def meaning_of(call: Awaitable[object]) -> Meaning:
    with pytest.raises(AttemptError) as caught:
        await call
    return caught.value.outcome.meaning


async def test_a_recording_without_size_and_digest_is_read_as_such(client: DubberClient, script: Script) -> None:
    script.says({"id": 42, "status": "Active", "meta_tags": None})
    assert await client.get_recording("42") == RemoteRecording(
        id="42", status="Active", size_bytes=None, sha256=None, meta_tags={}
    )
    assert script.seen == [("GET", "/v1/recordings/42", "Bearer token-1")]


async def test_a_dub_points_account_may_be_a_uri(client: DubberClient, script: Script) -> None:
    script.says({"id": "0a1b", "account": "https://api.dubber.net/us/v1/accounts/acme"})
    assert await client.find_dub_point(DUB_POINT) == DubPoint(id="0a1b", account_id="acme")
    assert script.seen[0][1].startswith("/v1/dub_points/find?external_type=BroadWorks&service_provider=ACME1&")


async def test_a_dub_point_that_is_not_there_is_none_and_any_other_refusal_an_error(
    client: DubberClient, script: Script
) -> None:
    script.says({"code": 1009}, 404)
    assert await client.find_dub_point(DUB_POINT) is None
    script.says({"code": 1042}, 403)
    assert await meaning_of(client.find_dub_point(DUB_POINT)) is Meaning.FORBIDDEN


@pytest.mark.parametrize(
    ("body", "status", "meaning"),
    [
        (b"not json", 200, Meaning.GARBLED),
        (b"[]", 200, Meaning.GARBLED),
        (b"", 200, Meaning.GARBLED),
        (b'{"id": "../x"}', 200, Meaning.GARBLED),
        (b'{"id": "' + b"9" * 200 + b'"}', 200, Meaning.GARBLED),
        (b" " * (MAX_ANSWER_BYTES + 1), 200, Meaning.GARBLED),
        (b"[" * 100_000, 200, Meaning.GARBLED),
        (b"", 302, Meaning.GARBLED),
        (b"<html>", 502, Meaning.SERVER_ERROR),
        (b"", 504, Meaning.SERVER_ERROR),
        (b'{"code": 1024}', 403, Meaning.SERVER_ERROR),
        (b'{"code": 1009}', 404, Meaning.REMOTE_GONE),
        (b'{"code": 1044}', 410, Meaning.REMOTE_GONE),
        (b'{"code": 1019}', 403, Meaning.FORBIDDEN),
        (b'{"code": 1038}', 401, Meaning.TOKEN_REFUSED),
        (b'{"code": 2000}', 400, Meaning.REJECTED),
        (b"", 408, Meaning.TIMEOUT),
    ],
)
async def test_every_strange_answer_has_one_meaning(
    client: DubberClient, script: Script, body: bytes, status: int, meaning: Meaning
) -> None:
    script.body, script.status = body, status
    assert await meaning_of(client.get_recording("42")) is meaning


@pytest.mark.parametrize("body", [{}, {"recordings": 1}, {"recordings": [1]}])
async def test_a_list_that_is_none_is_garbled(client: DubberClient, script: Script, body: object) -> None:
    script.says(body)
    assert await meaning_of(client.find_recording(account_collection("a b"), "t", "v")) is Meaning.GARBLED
    assert script.seen[0][1] == "/v1/accounts/a%20b/recordings?query=v&status=Uploading&count=100"


@pytest.mark.parametrize("url", [None, 7, "http://store.test/x", "/relative"])
async def test_a_part_goes_to_an_https_address_only(client: DubberClient, script: Script, url: object) -> None:
    script.says({"url": url})
    assert await meaning_of(client.part_address("42", 1, md5="m", sha256="s")) is Meaning.GARBLED


async def one_block() -> AsyncIterator[bytes]:
    yield b"abc"


async def test_a_part_without_a_tag_is_garbled(client: DubberClient, script: Script) -> None:
    script.says({"url": f"{client._config.base_url}/part?signature=s3cret"})
    address = await client.part_address("42", 1, md5="m", sha256="s")
    put = client.put_part(address, one_block(), size=3, media_type="audio/wav")
    assert await meaning_of(put) is Meaning.GARBLED
    assert "s3cret" not in repr(address)


async def test_neither_token_nor_signature_is_in_an_error(client: DubberClient, script: Script) -> None:
    script.body, script.status = b"<Error><Code>AccessDenied</Code></Error>", 403
    script.headers = {"Content-Type": "application/xml"}
    address = PartAddress(url=f"{client._config.base_url}/part?signature=s3cret", headers={"Authorization": "s1gned"})
    with pytest.raises(AttemptError) as caught:
        await client.put_part(address, one_block(), size=3, media_type="audio/wav")
    assert caught.value.outcome.meaning is Meaning.ADDRESS_EXPIRED
    assert caught.value.outcome.detail.endswith("/v1/part gave 403 AccessDenied")
    assert script.seen[0][2] == "s1gned"


@pytest.mark.parametrize(
    "token",
    [{}, {"access_token": "x"}, {"access_token": "a\nb", "expires_in": 1}, {"access_token": 1, "expires_in": 1}],
)
async def test_a_token_answer_without_a_token_is_garbled(client: DubberClient, script: Script, token: object) -> None:
    script.token = token
    assert await meaning_of(client.get_recording("42")) is Meaning.GARBLED


async def test_a_token_is_fetched_once_and_renewed_before_it_expires(
    client: DubberClient, script: Script, clock: StillClock
) -> None:
    script.says({"id": "1"})
    for _ in range(3):
        await client.get_recording("1")
    clock.at += timedelta(seconds=86_400 - 59)
    await client.get_recording("1")
    assert [form["grant_type"] for form in script.forms] == ["password", "refresh_token"]
    assert script.forms[0] == {
        "grant_type": "password",
        "username": "user",
        "password": "password",
        "client_id": "client",
        "client_secret": "secret",
    }
    assert script.forms[1]["refresh_token"] == "refresh-1"


async def test_a_token_of_no_lifetime_is_not_asked_for_at_every_call(client: DubberClient, script: Script) -> None:
    script.token = {"access_token": "x", "expires_in": 0}
    script.says({"id": "1"})
    for _ in range(3):
        await client.get_recording("1")
    assert len(script.forms) == 1


@pytest.mark.parametrize(("status", "meaning"), [(400, Meaning.BAD_CREDENTIALS), (500, Meaning.SERVER_ERROR)])
async def test_a_refused_renewal_tries_the_password_and_a_fault_does_not(
    client: DubberClient, script: Script, status: int, meaning: Meaning
) -> None:
    await client.refresh_token()
    script.token, script.token_status = {"error": "invalid_grant"}, status
    assert await meaning_of(client.refresh_token()) is meaning
    tried = [form["grant_type"] for form in script.forms]
    assert tried == ["password", "refresh_token", *(["password"] if status == 400 else [])]


async def test_calls_that_come_too_soon_are_repeated_as_the_platform_says(
    client: DubberClient, script: Script, clock: StillClock
) -> None:
    script.says({"code": 1021}, 403)
    script.headers = {"Content-Type": "application/json", "Retry-After": "3"}
    assert await meaning_of(client.get_recording("1")) is Meaning.PER_SECOND_LIMIT
    assert (clock.slept, len(script.seen)) == ([3.0] * 5, 6)


async def test_deleting_what_is_gone_is_fine_and_another_refusal_is_not(client: DubberClient, script: Script) -> None:
    script.says({"code": 1009}, 404)
    await client.abort("1")
    script.says({"code": 1019}, 403)
    assert await meaning_of(client.abort("1")) is Meaning.FORBIDDEN


async def test_a_server_that_is_not_there_is_unreachable(clock: StillClock) -> None:
    config = DubberConfig(
        base_url="https://127.0.0.1:1/v1", client_id="c", client_secret="s", username="u", password="p", group_id="g"
    )
    async with DubberClient(config, clock) as client:
        assert await meaning_of(client.refresh_token()) is Meaning.UNREACHABLE


async def test_a_certificate_nobody_vouches_for_is_refused_and_the_settings_are_named(
    client: DubberClient, clock: StillClock
) -> None:
    async with DubberClient(replace(client._config, ca_file=None), clock) as stranger:
        with pytest.raises(AttemptError) as refused:
            await stranger.refresh_token()
    assert refused.value.outcome.meaning is Meaning.UNREACHABLE
    assert "its certificate is not trusted (self-signed certificate)" in refused.value.outcome.detail
    assert "check uploader.base_url and uploader.ca_file" in refused.value.outcome.detail


async def test_silence_is_a_timeout(client: DubberClient, clock: StillClock) -> None:
    silent = await asyncio.start_server(_say_nothing, "127.0.0.1", 0)
    port = silent.sockets[0].getsockname()[1]
    config = replace(client._config, base_url=f"https://127.0.0.1:{port}/v1", call_timeout_s=0.05)
    async with DubberClient(config, clock) as patient:
        assert await meaning_of(patient.refresh_token()) is Meaning.TIMEOUT
    silent.close()
    await silent.wait_closed()


async def _say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()
    writer.transport.abort()
