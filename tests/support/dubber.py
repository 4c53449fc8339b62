"""Test bench of the Dubber platform: over real TLS on a free loopback port, time and chance given."""

from __future__ import annotations

import base64
import hashlib
import io
import ipaddress
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import soundfile
from aiohttp import TCPConnector, web
from aiohttp.test_utils import TestClient, TestServer
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from multidict import CIMultiDictProxy
from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from dubber_platform import PlatformConfig, create_app, seed_demo, tls_context
from dubber_platform.api.context import PLATFORM, Platform
from dubber_platform.secrets_at_rest import digest_token, hash_password
from dubber_platform.store.database import Database, engine_of
from dubber_platform.store.schema import Base, SchemaVersion, Token, User

START = datetime(2026, 3, 26, 16, 51, 46, tzinfo=UTC)
BASE = "/sandbox/v1"
KEY = {
    "external_type": "BroadWorks",
    "service_provider": "WSWYZ25455",
    "external_group": "WSWYZ25455L31161",
    "external_identifier": "1001@carrier.example",
}
CALL = {"to": "9002", "from": "1001", "call_type": "outbound", "start_time": "Thu, 26 Mar 2026 16:51:46 +0000"}


@dataclass(slots=True)
class FakeClock:
    """A clock that stands still until it is moved."""

    now: datetime = START

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        """Move on."""
        self.now += timedelta(seconds=seconds)


@dataclass(slots=True)
class CountedChance:
    """Chance that counts: different every time, the same in every run."""

    count: int = 0

    def token_bytes(self, nbytes: int, /) -> bytes:
        self.count += 1
        return hashlib.shake_128(str(self.count).encode()).digest(nbytes)

    def token_hex(self, nbytes: int, /) -> str:
        return self.token_bytes(nbytes).hex()

    def token_urlsafe(self, nbytes: int, /) -> str:
        return base64.urlsafe_b64encode(self.token_bytes(nbytes)).decode().rstrip("=")


@dataclass(slots=True)
class Answer:
    """What came back: status, JSON (or text) and headers."""

    status: int
    body: Any
    headers: CIMultiDictProxy[str]


@dataclass(slots=True)
class Bench:
    """A platform under test with one client."""

    client: TestClient[web.Request, web.Application]
    clock: FakeClock
    seed: dict[str, str]
    platform: Platform
    token: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    async def call(self, method: str, path: str, **arguments: Any) -> Answer:
        """One API call below the base path, with the bench's token."""
        headers = {"Authorization": f"Bearer {self.token}", **self.headers, **arguments.pop("headers", {})}
        async with self.client.request(method, BASE + path, headers=headers, **arguments) as response:
            read = response.json if response.content_type == "application/json" else response.text
            return Answer(response.status, await read(), response.headers)

    async def sign_in(self, **fields: str) -> Answer:
        """POST /token with the seed's credentials, less or more the given fields."""
        form = {"grant_type": "password", **{name: self.seed[name] for name in CREDENTIALS}, **fields}
        return await self.call("POST", "/token", data={name: value for name, value in form.items() if value})

    async def user(self, username: str, password: str, *, role: str = "Standard User") -> str:
        """A further user of the demo account who may sign in; its id."""
        names = {"first_name": "Ann", "last_name": "Other"}
        answer = await self.call("POST", "/accounts/demo/users", json={"username": username, "role": role, **names})
        user_id = str(answer.body["id"])

        def work(session: Session) -> None:
            session.get_one(User, user_id).password_hash = hash_password(password, b"salt")

        await self.platform.database.run(work)
        return user_id

    async def upload(self, recording_id: str, *parts: bytes) -> Answer:
        """All parts, then complete_upload."""
        done = []
        for number, part in enumerate(parts, 1):
            put = await self.put_part(recording_id, number, part)
            assert put.status == 200, put.body
            done.append({"part_number": number, "e_tag": put.headers["ETag"]})
        return await self.call("PUT", f"/recordings/{recording_id}/complete_upload", json={"parts": done})

    async def put_part(self, recording_id: str, number: int, part: bytes, **headers: str) -> Answer:
        """Ask for a part's address and PUT it there; ``headers`` replace the right ones."""
        md5, sha256 = base64.b64encode(hashlib.md5(part).digest()).decode(), hashlib.sha256(part).hexdigest()
        query = {"part_number": str(number), "content_md5": md5, "content_sha256": sha256}
        signed = await self.call("GET", f"/recordings/{recording_id}/upload", params=query)
        assert signed.status == 200, signed.body
        right = {
            "Authorization": signed.body["authorization"],
            "X-Amz-Date": signed.body["X-Amz-Date"],
            "Host": signed.body["Host"],
            "Content-Type": "audio/mpeg",
            "Content-MD5": md5,
            "X-Amz-Content-Sha256": sha256,
        }
        path = signed.body["url"].split(signed.body["Host"], 1)[1]
        return await self.raw("PUT", path, data=part, headers={**right, **headers})

    async def raw(self, method: str, path: str, **arguments: Any) -> Answer:
        """A request outside the base path, without token."""
        async with self.client.request(method, path, **arguments) as response:
            return Answer(response.status, await response.read(), response.headers)


CREDENTIALS = ("client_id", "client_secret", "username", "password")


class AsInProduct(TestServer):
    """Like the platform's own server, one that goes on when a player leaves in mid-answer.

    aiohttp's for tests would cancel the answer there; in the moment in which its file is being opened, nobody is left
    to close it.
    """

    async def _make_runner(self, **options: Any) -> web.AppRunner:
        return web.AppRunner(self.app, **{**options, "handler_cancellation": False})


@asynccontextmanager
async def open_bench(config: PlatformConfig, *, secure: bool = True) -> AsyncIterator[Bench]:
    """A seeded platform on a free loopback port, its caller signed in; without TLS when not ``secure``."""
    clock, ids = FakeClock(), CountedChance(count=1000)
    certificate, key = self_signed()
    (config.data_dir / "cert.pem").write_bytes(certificate)
    (config.data_dir / "key.pem").write_bytes(key)
    for name, content in (await seeded_files()).items():
        (config.data_dir / name).write_bytes(content)
    if config.database_url is not None:
        copy_rows(f"sqlite:///{config.data_dir / 'platform.sqlite'}", config.database_url)
    config = replace(config, cert_file=config.data_dir / "cert.pem", key_file=config.data_dir / "key.pem")
    app = create_app(config, clock, ids)
    server = AsInProduct(app, scheme="https" if secure else "http")
    await server.start_server(ssl=tls_context(config) if secure else None)
    trusted = ssl.create_default_context(cafile=str(config.cert_file))
    seed = json.loads((config.data_dir / "seed.json").read_bytes())
    async with TestClient(server, connector=TCPConnector(ssl=trusted)) as client:
        yield Bench(client, clock, seed, app[PLATFORM], token=SIGNED_IN)


SIGNED_IN = "access-token-of-the-bench"
_FILES: dict[str, bytes] = {}


async def seeded_files() -> dict[str, bytes]:
    """Data files of a platform that was seeded and signed in to at START; made once, because passwords hash slowly."""
    if not _FILES:
        with TemporaryDirectory() as directory:
            config = PlatformConfig(data_dir=Path(directory))
            seed = await seed_demo(config, lambda: START, CountedChance())
            database = Database(config.sqlalchemy_url)
            await database.run(lambda session: session.add(_token(seed)))
            await database.close()
            _FILES.update({path.name: path.read_bytes() for path in Path(directory).iterdir()})
    return _FILES


def copy_rows(source: str, target: str) -> None:
    """All rows of one platform's database to another that has none."""
    of_source, of_target = engine_of(source), engine_of(target)
    with of_source.connect() as read, of_target.begin() as written:
        for table in Base.metadata.sorted_tables:
            rows = [dict(row) for row in read.execute(select(table)).mappings()]
            if rows and table is not SchemaVersion.__table__:
                written.execute(insert(table), rows)
    of_source.dispose()
    of_target.dispose()


def _token(seed: dict[str, str]) -> Token:
    return Token(
        access_hash=digest_token(SIGNED_IN),
        client_id=seed["client_id"],
        user_id="admin-demo-example",
        access_expires_at=START + timedelta(days=1),
        refresh_expires_at=START + timedelta(days=28),
    )


@cache
def self_signed() -> tuple[bytes, bytes]:
    """A certificate for the loopback address, and its key (PEM); made once per run of the tests."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "platform under test")])
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    return certificate.public_bytes(serialization.Encoding.PEM), private


def sound(seconds: float, *, rate_hz: int = 8000, channels: int = 2, kind: str = "WAV") -> bytes:
    """A file with 440 Hz at half scale on the first channel and silence on the others."""
    instants = np.arange(round(seconds * rate_hz)) / rate_hz
    samples = np.zeros((len(instants), channels), dtype=np.float32)
    samples[:, 0] = 0.5 * np.sin(2 * np.pi * 440 * instants)
    file = io.BytesIO()
    soundfile.write(file, samples, rate_hz, format=kind)
    return file.getvalue()
