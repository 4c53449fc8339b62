"""The uploader as a part of the product: where it delivers to, and its start and stop."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path
from typing import Final

from callmodel.errors import ConfigError
from callmodel.manifest import RecordingManifest
from catalog import Catalog
from dubber_platform.server import RunningPlatform
from dubber_uploader.client import DubberClient
from dubber_uploader.clock import RealClock
from dubber_uploader.config import DeliveryFormat, DubberConfig, UploaderConfig
from dubber_uploader.provisioner import Provisioner
from dubber_uploader.worker import UploadWorker
from mediaserver.app.config import Settings, reachable
from spool import load_key_file

SETTLE_USERS: Final = 20

_NEEDED: Final = ("base_url", "client_id", "client_secret", "username", "password", "group_id")


class Delivery:
    """A running uploader: one worker for recordings, and one for users."""

    def __init__(
        self,
        worker: UploadWorker,
        provisioner: Provisioner,
        client: DubberClient,
        counts: Counter[str],
        changed: asyncio.Event,
    ) -> None:
        self.client = client
        self.counts = counts
        self.changed = changed
        """Set whenever a count goes up; whoever waits on it clears it."""
        self._worker = worker
        self._provisioner = provisioner
        loop = asyncio.get_running_loop()
        self._tasks = (
            loop.create_task(worker.run(), name="uploader"),
            loop.create_task(provisioner.run(), name="provisioner"),
        )

    def wake(self, manifest: RecordingManifest, path: Path) -> None:
        """A recording was sealed: do not wait for the next look."""
        self._worker.wake()

    def wake_provisioner(self) -> None:
        """A user was enabled: do not wait for the next look."""
        self._provisioner.wake()

    async def stop(self) -> None:
        """Let what is being delivered finish for a moment; the rest goes on at the next start."""
        self._worker.stop()
        self._provisioner.stop()
        try:
            await asyncio.gather(*self._tasks)
        finally:
            await self.client.__aexit__(None, None, None)


async def start_delivery(
    settings: Settings, catalog: Catalog, platform: RunningPlatform | None, ca_file: Path, *, settle: bool = False
) -> Delivery:
    """Start the uploader, towards the configured platform or else the built-in one.

    ``settle``: try to make a few waiting users known to the platform before anything else (the demo's).
    """
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
    provisioner = Provisioner(catalog=catalog, client=client, poll_s=1.0)
    if settle:
        await provisioner.recover()
        await provisioner.provision_due(limit=SETTLE_USERS)
    return Delivery(worker, provisioner, client, counts, changed)


def needs_another_platform(settings: Settings) -> bool:
    """Recordings go elsewhere than to the built-in platform."""
    return bool(settings.uploader.base_url) or not settings.runs("dubber-platform")


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
