"""Start and stop the platform: its own TLS, its own store, nothing of the carrier's."""

from __future__ import annotations

import asyncio
import secrets
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog
from aiohttp import web
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from callmodel.errors import reason_of
from dubber_platform.api.app import create_app
from dubber_platform.api.context import PLATFORM
from dubber_platform.api.hooks import deliver_forever
from dubber_platform.api.upkeep import keep_up
from dubber_platform.config import Chance, PlatformConfig
from dubber_platform.portal.site import PREFIX as PORTAL
from dubber_platform.seed import seed_demo
from dubber_platform.store.database import SchemaError
from webkit.assets import AssetsMissing

log = structlog.get_logger("dubber_platform")


class PlatformStartError(Exception):
    """The platform cannot start; the message says why."""

    def __init__(self, message: str, *, setting: str = "") -> None:
        """``setting``: the field of PlatformConfig that is to be changed; empty when it is none of them."""
        super().__init__(message)
        self.setting = setting


@dataclass(slots=True)
class RunningPlatform:
    """A platform that answers; ``stop`` ends it."""

    base: str
    """``https://host:port/region/v1``."""
    credentials: dict[str, str]
    """The ``dubber`` object of ``info --json`` without its ``ca_file``."""
    app: web.Application
    _runner: web.AppRunner
    _upkeep: tuple[asyncio.Task[None], ...]

    async def stop(self) -> None:
        """Finish what is being answered, then close everything."""
        for task in self._upkeep:
            task.cancel()
        await asyncio.gather(*self._upkeep, return_exceptions=True)
        await self._runner.cleanup()


def utc_now() -> datetime:
    """The wall clock."""
    return datetime.now(UTC)


async def run_platform(
    config: PlatformConfig, *, clock: Callable[[], datetime] = utc_now, ids: Chance = secrets
) -> RunningPlatform:
    """Seed the data directory if need be and listen; returns as soon as requests are answered."""
    if config.base_path.startswith(f"{PORTAL}/"):
        raise PlatformStartError(f"region cannot be {config.region}: that is where the pages are", setting="region")
    context = tls_context(config)
    try:
        credentials = await seed_demo(config, clock, ids)
    except (SchemaError, SQLAlchemyError, ImportError) as error:
        cause = error.orig if isinstance(error, DBAPIError) else error
        raise PlatformStartError(
            f"the platform's database cannot be opened: {cause}", setting="database_url"
        ) from error
    try:
        app = create_app(config, clock, ids)
    except AssetsMissing as error:
        raise PlatformStartError(str(error)) from error
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=5)
    await runner.setup()
    try:
        site = web.TCPSite(runner, config.host, config.port, ssl_context=context)
        await site.start()
        if config.plain_port is not None:
            await web.TCPSite(runner, config.host, config.plain_port).start()
    except OSError as error:
        await runner.cleanup()
        told = f"cannot listen on {config.host} port {config.port}: {reason_of(error)}"
        raise PlatformStartError(told, setting="port") from error
    port = int(runner.addresses[0][1])
    host = f"[{config.host}]" if ":" in config.host else config.host
    origin = config.public_url or f"https://{host}:{port}"
    base = origin + config.base_path
    log.info("platform.started", base=base)
    upkeep = (
        asyncio.create_task(keep_up(app[PLATFORM]), name="platform-upkeep"),
        asyncio.create_task(deliver_forever(app[PLATFORM], origin), name="platform-hooks"),
    )
    return RunningPlatform(base, {"base": base, **credentials}, app, runner, upkeep)


def tls_context(config: PlatformConfig) -> ssl.SSLContext:
    """TLS 1.2 and later with the configured certificate."""
    if config.cert_file is None or config.key_file is None:
        told = "cert_file and key_file are needed: the platform answers over TLS only"
        raise PlatformStartError(told, setting="cert_file")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(config.cert_file, config.key_file)
    except (OSError, ssl.SSLError) as error:
        told = f"cert_file {config.cert_file} or key_file cannot be used: {error}"
        raise PlatformStartError(told, setting="cert_file") from error
    return context
