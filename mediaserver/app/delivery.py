"""The uploader as a part of the product: where it delivers to, and its start and stop."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path
from typing import Final

import structlog

from callmodel.errors import ConfigError
from callmodel.manifest import RecordingManifest
from callmodel.modes import RecordingMode
from catalog import Catalog
from dubber_platform.server import RunningPlatform
from dubber_uploader.client import DubberClient
from dubber_uploader.clock import RealClock
from dubber_uploader.config import DeliveryFormat, DubberConfig, UploaderConfig
from dubber_uploader.provisioning import Provisioned, provision
from dubber_uploader.worker import UploadWorker
from mediaserver.app.config import Settings, reachable
from spool import load_key_file

_log = structlog.get_logger()

_NEEDED: Final = ("base_url", "client_id", "client_secret", "username", "password", "group_id")


class Delivery:
    """A running uploader."""

    def __init__(
        self, worker: UploadWorker, client: DubberClient, counts: Counter[str], changed: asyncio.Event
    ) -> None:
        self.client = client
        self.counts = counts
        self.changed = changed
        """Set whenever a count goes up; whoever waits on it clears it."""
        self._worker = worker
        self._task = asyncio.get_running_loop().create_task(worker.run(), name="uploader")

    def wake(self, manifest: RecordingManifest, path: Path) -> None:
        """A recording was sealed: do not wait for the next look."""
        self._worker.wake()

    async def stop(self) -> None:
        """Let what is being delivered finish for a moment; the rest goes on at the next start."""
        self._worker.stop()
        await self._task
        await self.client.__aexit__(None, None, None)


async def start_delivery(
    settings: Settings, catalog: Catalog, platform: RunningPlatform | None, ca_file: Path
) -> Delivery:
    """Start the uploader, towards the configured platform or else the built-in one."""
    config = platform_config(settings, platform, ca_file)
    table = settings.uploader
    client = await DubberClient(config, RealClock()).__aenter__()
    counts: Counter[str] = Counter()
    changed = asyncio.Event()

    def count(name: str, by: int) -> None:
        counts[name] += by
        changed.set()

    key_file = settings.recording.at_rest_key_file
    worker = UploadWorker(
        catalog=catalog,
        client=client,
        config=UploaderConfig(
            concurrency=table.concurrency,
            part_size_bytes=table.part_bytes,
            delivery_format=DeliveryFormat(table.delivery_format),
            remove_after_upload=table.remove_after_upload,
            poll_s=1.0,
        ),
        group_id=config.group_id,
        data_dir=settings.data_dir,
        at_rest_key=None if key_file is None else load_key_file(key_file),
        count=count,
    )
    return Delivery(worker, client, counts, changed)


def platform_config(settings: Settings, platform: RunningPlatform | None, ca_file: Path) -> DubberConfig:
    """Who the uploader is, and to whom; ConfigError names what is missing."""
    table = settings.uploader
    if table.base_url or platform is None:
        missing = [name for name in _NEEDED if not getattr(table, name)]
        if missing:
            raise ConfigError(
                f"uploader.{missing[0]} is empty: give the platform's address and credentials, or run the built-in "
                "platform, or leave the uploader out (--without uploader)"
            )
        return DubberConfig(
            base_url=table.base_url,
            client_id=table.client_id,
            client_secret=table.client_secret,
            username=table.username,
            password=table.password,
            group_id=table.group_id,
            ca_file=table.ca_file,
        )
    known = platform.credentials
    return DubberConfig(
        base_url=reachable(platform.base, "[::1]" if ":" in settings.host else "127.0.0.1"),
        client_id=known["client_id"],
        client_secret=known["client_secret"],
        username=known["username"],
        password=known["password"],
        group_id=known["group_id"],
        ca_file=ca_file,
        calls_per_second=settings.dubber.calls_per_second,
    )


async def provision_subscribers(delivery: Delivery, catalog: Catalog, account_id: str) -> dict[str, int]:
    """Make every recorded subscriber known to the platform; how many were present, created, failed."""
    outcomes: Counter[str] = Counter()
    for subscriber in await asyncio.to_thread(catalog.subscribers.list):
        if subscriber.dub_point is None or subscriber.recording.mode is RecordingMode.NEVER:
            continue
        result = await provision(delivery.client, account_id, subscriber)
        outcomes[result.outcome.value] += 1
        if result.outcome is Provisioned.FAILED:
            _log.error("provisioning.failed", user=subscriber.number, problem=result.problem)
        else:
            _log.info("provisioning.done", user=subscriber.number, outcome=result.outcome.value)
    return dict(outcomes)
