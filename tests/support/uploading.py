"""A carrier's side that delivers to a platform under test: catalogue, spool, uploader, and a wire that can be cut."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from callmodel.manifest import RecordingManifest
from catalog import Catalog, UploadJob
from dubber_platform import PlatformConfig
from dubber_uploader import DubberClient, DubberConfig, UploaderConfig, UploadWorker
from tests.support.dubber import Bench, FakeClock, open_bench
from tests.support.recordings import DUB_POINT, finished


@dataclass(slots=True)
class SteppedClock:
    """A clock for the uploader on top of the platform's: who sleeps moves it on."""

    shared: FakeClock
    ahead: timedelta = timedelta(0)

    def now(self) -> datetime:
        return self.shared.now + self.ahead

    async def sleep(self, seconds: float) -> None:
        self.shared.advance(seconds)
        await asyncio.sleep(0)


class Relay:
    """A wire to the platform that can be cut: bytes pass both ways until told otherwise."""

    def __init__(self, port: int) -> None:
        self.target = port
        self.ends: set[End] = set()
        self.cut_after: int | None = None
        """Cut the connection over which so many more bytes have gone to the platform."""
        self.drop_replies = False
        """The next answer of the platform is lost, and its connection cut."""
        self.cuts = 0
        self.port = 0
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: End(self, None), "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        await asyncio.gather(*(end.connecting for end in self.ends if end.connecting), return_exceptions=True)
        gone = [end.gone for end in self.ends]
        for end in list(self.ends):
            end.abort()
        await asyncio.gather(*gone)
        await self._server.wait_closed()

    def lost(self, size: int, *, upwards: bool) -> bool:
        """Whether these bytes are the ones that do not pass."""
        if upwards and self.cut_after is not None:
            self.cut_after -= size
            if self.cut_after >= 0:
                return False
            self.cut_after = None
        elif upwards or not self.drop_replies:
            return False
        self.drop_replies = False
        self.cuts += 1
        return True


class End(asyncio.Protocol):
    """One end of one connection: ``near`` is None at the uploader's end."""

    def __init__(self, relay: Relay, near: End | None) -> None:
        self._relay = relay
        self.other = near
        self.upwards = near is None
        self.waiting: list[bytes] = []
        self.transport: asyncio.Transport | None = None
        self.connecting: asyncio.Task[None] | None = None
        self.gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self._relay.ends.add(self)
        if self.upwards:
            self.connecting = asyncio.create_task(self._connect())

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            await loop.create_connection(self._far, "127.0.0.1", self._relay.target)
        except OSError:
            self.abort()
            return
        assert self.other is not None
        assert self.other.transport is not None
        self.other.transport.writelines(self.waiting)
        if self.gone.done():
            self.other.abort()

    def _far(self) -> End:
        self.other = End(self._relay, self)
        return self.other

    def data_received(self, data: bytes) -> None:
        if self._relay.lost(len(data), upwards=self.upwards):
            self.abort()
        elif self.other is None or self.other.transport is None:
            self.waiting.append(data)
        else:
            self.other.transport.write(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self._relay.ends.discard(self)
        self.gone.set_result(None)
        if self.other is not None and self.other.transport is not None:
            self.other.transport.close()

    def abort(self) -> None:
        """End it without a word, here and (by ``connection_lost``) there."""
        if self.transport is not None:
            self.transport.abort()


@dataclass(slots=True)
class Carrier:
    """The delivering side, with the platform it delivers to."""

    data_dir: Path
    platform: Bench
    relay: Relay
    clock: SteppedClock
    catalog: Catalog
    counts: Counter[str] = field(default_factory=Counter)
    at_rest_key: bytes | None = None
    on_count: Callable[[str, int], None] = lambda _name, _by: None
    client_class: type[DubberClient] = DubberClient

    def count(self, name: str, by: int) -> None:
        self.counts[name] += by
        self.on_count(name, by)

    def config(self, **changes: Any) -> DubberConfig:
        seed = self.platform.seed
        known: dict[str, Any] = {
            "base_url": f"https://127.0.0.1:{self.relay.port}/sandbox/v1",
            "ca_file": self.platform.platform.config.cert_file,
            "calls_per_second": None,
            "call_timeout_s": 10.0,
            **{name: seed[name] for name in ("client_id", "client_secret", "username", "password", "group_id")},
        }
        return DubberConfig(**{**known, **changes})

    def record(self, recording_id: str = "rec-1", **changes: Any) -> tuple[Path, RecordingManifest]:
        """A finished recording with its upload job."""
        path, manifest = finished(self.data_dir, recording_id, at_rest_key=self.at_rest_key, **changes)
        self.catalog.recordings.add_finished(manifest, path, now=self.clock.now())
        return path, manifest

    @asynccontextmanager
    async def uploader(self, *, dubber: DubberConfig | None = None, **settings: Any) -> AsyncIterator[UploadWorker]:
        """A worker with a client of its own, as after a start."""
        config = UploaderConfig(**{"part_size_bytes": 20_000, **settings})
        where = dubber or self.config()
        async with self.client_class(where, self.clock) as client:
            yield UploadWorker(
                catalog=self.catalog,
                client=client,
                config=config,
                group_id=where.group_id,
                data_dir=self.data_dir,
                at_rest_key=self.at_rest_key,
                clock=self.clock,
                chance=lambda: 0.5,
                count=self.count,
            )

    async def drain(self, worker: UploadWorker, *, rounds: int = 50) -> None:
        """Deliver until nothing is pending, moving the clock on to each job's time."""
        await worker.recover()
        for _ in range(rounds):
            await worker.deliver_due()
            next_at = await worker.next_at()
            if next_at is None:
                return
            self.clock.shared.now = max(self.clock.shared.now, next_at - self.clock.ahead)
        raise AssertionError(f"still pending after {rounds} rounds: {self.job()}")

    def job(self, recording_id: str = "rec-1") -> UploadJob:
        found = self.catalog.uploads.get(recording_id)
        assert found is not None
        return found

    async def provision(self) -> str:
        """The recorded user's line; the dub point's id."""
        user = await self.platform.user("1001@acme.test", "secret")
        key = {
            "external_type": DUB_POINT.external_type,
            "service_provider": DUB_POINT.service_provider,
            "external_group": DUB_POINT.external_group,
            "external_identifier": DUB_POINT.external_identifier,
        }
        made = await self.platform.call("POST", "/accounts/demo/dub_points", json={**key, "user": user})
        assert made.status == 201, made.body
        return str(made.body["id"])

    async def delivered(self, collection: str = "/accounts/demo/recordings", status: str = "Active") -> list[Any]:
        """What the platform lists."""
        listed = await self.platform.call("GET", collection, params={"status": status})
        assert listed.status == 200, listed.body
        found: list[Any] = listed.body["recordings"]
        return found


@asynccontextmanager
async def open_carrier(tmp_path: Path, **platform: Any) -> AsyncIterator[Carrier]:
    """A carrier with an empty catalogue, connected to a seeded platform."""
    ours, theirs = tmp_path / "carrier", tmp_path / "platform"
    ours.mkdir()
    theirs.mkdir()
    async with open_bench(PlatformConfig(data_dir=theirs, **{"part_min_bytes": 1000, **platform})) as bench:
        assert bench.client.port is not None
        relay = Relay(bench.client.port)
        await relay.start()
        try:
            with Catalog.open_in(ours) as catalog:
                yield Carrier(ours, bench, relay, SteppedClock(bench.clock), catalog)
        finally:
            await relay.stop()
