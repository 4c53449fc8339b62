"""The composition root: which parts run, in which order they start, and in which they stop."""

from __future__ import annotations

import asyncio
import fcntl
import os
import shutil
import ssl
import time
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import IO, Any, Final

import structlog
from aiohttp import web

from callmodel.errors import StartError, reason_of
from catalog import Catalog, JobState
from dubber_platform.config import PlanLimits, PlatformConfig
from dubber_platform.server import PlatformStartError, RunningPlatform, run_platform
from feature_codes import OnDemandAnnounce, OnDemandStop, RepeatedCode, TableOptions
from mediaserver.app import metrics
from mediaserver.app.certificates import Certificates, ensure_certificates
from mediaserver.app.config import Settings, reachable
from mediaserver.app.delivery import Delivery, start_delivery
from mediaserver.app.demo_users import ensure_demo_users
from mediaserver.app.description import FirstDoors, described_doors, described_platform, dubber_portal, sip_addresses
from mediaserver.app.dubber_link import DubberLink
from mediaserver.app.info import forget_info, write_info
from mediaserver.app.preflight import MIN_FREE_BYTES, check_files, check_machine, prepare_data_dir
from mediaserver.app.provider_setup import set_up_provider
from mediaserver.app.service_defaults import service_defaults
from mediaserver.app.switchboard import LiveSwitchboard
from mediaserver.call.config import CallConfig, VoicemailConfig, tone_audio
from mediaserver.media.config import EngineConfig, PromptPcm
from mediaserver.media.messages import ToneAudio
from mediaserver.runtime.chance import SecureIds
from mediaserver.runtime.clock import SystemClock
from mediaserver.runtime.http import Reading, make_http
from mediaserver.runtime.media_pool import Prompts
from mediaserver.runtime.server import Addresses, MediaServer, ServerPlan
from mediaserver.runtime.signalling.network import SystemNetwork
from mediaserver.runtime.worker.pool import WorkerPool
from mediaserver.runtime.worker.ports import PortRange, ephemeral_overlap
from mediaserver.runtime.worker.settings import WorkerSettings
from portals.services import Reachable, Services
from prompts import REMINDERS, Tone, load_prompts
from spool import load_key_file
from webkit.site import MAX_BODY_BYTES

_log = structlog.get_logger()

LEGS_PER_WORKER: Final = 1024


class Product:
    """All parts of one installation in one process (and its media workers)."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.info: dict[str, Any] = {}
        self.server: MediaServer
        self.switchboard: LiveSwitchboard
        self.catalog: Catalog
        self.pool: WorkerPool
        self.platform: RunningPlatform | None = None
        self.delivery: Delivery | None = None
        self._stack = AsyncExitStack()
        self._doors = FirstDoors()

    # --- start --------------------------------------------------------------------------------

    async def start(self) -> dict[str, Any]:
        """Start every part; on an error everything that was started is stopped again. Returns ``info``."""
        try:
            await self._start()
        except BaseException:
            await self._stack.aclose()
            raise
        return self.info

    async def _start(self) -> None:
        settings = self.settings
        check_files(settings)
        check_machine(settings)
        prepare_data_dir(settings.data_dir)
        self._lock()
        certificates = ensure_certificates(
            settings.data_dir / "tls", [settings.host, settings.advertise or settings.host], datetime.now(UTC)
        )
        executor = ThreadPoolExecutor(1, thread_name_prefix="disk")
        self._stack.callback(executor.shutdown)
        self.catalog = self._open_catalog()
        self._stack.callback(self.catalog.close)
        passwords = self._demo_users()
        if settings.runs("dubber-platform"):
            self.platform = await self._start_platform(certificates)
        set_up_provider(settings, self.catalog, self.platform, datetime.now(UTC))
        self.pool = self._make_pool()
        self._stack.push_async_callback(self.pool.stop)
        await self.pool.start()
        self.server = MediaServer(
            self._plan(certificates),
            catalog=self.catalog,
            clock=SystemClock(),
            network=SystemNetwork(),
            pool=self.pool,
            ids=SecureIds(),
            executor=executor,
            load_prompts=self._load_prompts,
        )
        self.switchboard = LiveSwitchboard(self.server)
        addresses = await self.server.start()
        self._stack.push_async_callback(self._stop_server)
        if settings.runs("uploader"):
            self.delivery = await start_delivery(
                settings, self.catalog, self.platform, certificates.ca_file, settle=bool(passwords)
            )
            self._stack.push_async_callback(self.delivery.stop)
            self.server.recordings.on_sealed = self.delivery.wake
        http = await self._start_http(addresses, certificates)
        self.info = self._describe(addresses, certificates, passwords, http)
        write_info(settings.data_dir, self.info)
        self._stack.callback(forget_info, settings.data_dir)
        _log.info("product.ready", sip=self.info["sip"], http=http, forwarder=self._forwarder())

    def _lock(self) -> None:
        """One server a data directory: two would settle each other's open recordings."""
        path = self.settings.data_dir / "run" / "lock"
        path.parent.mkdir(mode=0o700, exist_ok=True)
        file: IO[str] = path.open("w")
        self._stack.callback(file.close)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise StartError(
                f"data_dir: another server runs in {self.settings.data_dir}; stop it, or choose another --data-dir"
            ) from error

    def _open_catalog(self) -> Catalog:
        url = self.settings.database_url
        return Catalog.open(url) if url else Catalog.open_in(self.settings.data_dir)

    def _demo_users(self) -> dict[str, str]:
        if not self.settings.demo_users:
            return {}
        secrets_dir = self.settings.data_dir / "secrets"
        secrets_dir.mkdir(mode=0o700, exist_ok=True)
        return ensure_demo_users(self.catalog, secrets_dir, self.settings.domain, datetime.now(UTC))

    async def _start_platform(self, certificates: Certificates) -> RunningPlatform:
        settings = self.settings
        config = PlatformConfig(
            data_dir=settings.data_dir / "dubber",
            database_url=settings.dubber.database_url or None,
            host=settings.host,
            port=settings.dubber_port,
            cert_file=certificates.dubber_cert_file,
            key_file=certificates.dubber_key_file,
            region=settings.dubber.region,
            limits=PlanLimits(
                calls_per_second=settings.dubber.calls_per_second, calls_per_day=settings.dubber.calls_per_day
            ),
        )
        try:
            platform = await run_platform(config)
        except PlatformStartError as error:
            told = {
                "port": f"dubber_port: {error}. Choose another with --dubber-port (0 picks a free one)",
                "region": f"dubber.region: {error}",
                "database_url": f"dubber.database_url: {error}",
            }
            raise StartError(told.get(error.setting, str(error))) from error
        self._stack.push_async_callback(platform.stop)
        return platform

    def _make_pool(self) -> WorkerPool:
        settings = self.settings
        low, high = settings.rtp_range
        overlap = ephemeral_overlap(low, high)
        if overlap is not None:
            _log.warning("rtp_ports.overlap", rtp=f"{low}-{high}", ephemeral=f"{overlap[0]}-{overlap[1]}")
        engine = EngineConfig(
            legs=LEGS_PER_WORKER,
            media_timeout_s=settings.calls.media_timeout_s,
            duck_db=settings.recording.duck_db,
            unix_offset_ns=time.time_ns() - time.monotonic_ns(),
        )
        count = (os.cpu_count() or 1) if settings.media_workers == "auto" else settings.media_workers
        return WorkerPool(
            count,
            ports=PortRange(low, high, time.monotonic),
            settings=WorkerSettings(forwarder=settings.forwarder, engine=engine),
            prompts=self._load_prompts(),
            load_limit=settings.calls.max_load,
        )

    def _load_prompts(self) -> Prompts:
        library = load_prompts(self.settings.recording.prompts_dir, self.settings.uploaded_prompts_dir)
        return {
            (prompt.value, language.value): PromptPcm(
                pcm_8k=library.audio(prompt, language, 8000), pcm_16k=library.audio(prompt, language, 16000)
            )
            for prompt, language in {(key[0], key[1]) for key in library.sounds}
        }

    def _plan(self, certificates: Certificates) -> ServerPlan:
        settings = self.settings
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(certificates.sip_cert_file, certificates.sip_key_file)
        key_file = settings.recording.at_rest_key_file
        return ServerPlan(
            data_dir=settings.data_dir,
            calls=call_config(settings),
            host=settings.host,
            host6="::1" if settings.host == "127.0.0.1" else None,
            advertise=settings.advertise,
            sip_port=settings.sip_port,
            tls_port=settings.tls_port,
            tls=tls,
            trusted_peers=settings.calls.trusted_peers,
            max_calls=settings.calls.max_calls,
            session_expires_s=settings.calls.session_expires_s,
            session_timer=settings.calls.session_timer,
            digest_algorithms=settings.calls.digest_algorithms,
            at_rest_key=None if key_file is None else load_key_file(key_file),
        )

    async def _start_http(self, addresses: Addresses, certificates: Certificates) -> str:
        settings = self.settings
        app = make_http(self.readings, self.problems, max_body_bytes=MAX_BODY_BYTES)
        if settings.runs("portals"):
            await self._open_pages(app, addresses, certificates)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=2)
        await runner.setup()
        self._stack.push_async_callback(runner.cleanup)
        try:
            await web.TCPSite(runner, settings.host, settings.http_port).start()
        except OSError as error:
            raise StartError(
                f"http_port: port {settings.http_port} cannot be used: {reason_of(error)}. Stop the other program, or "
                "choose another port (--http-port; 0 picks a free one)"
            ) from error
        return f"http://{_shown(settings.host)}:{runner.addresses[0][1]}"

    def _services(self, addresses: Addresses, certificates: Certificates) -> Services:
        settings = self.settings
        key_file = settings.recording.at_rest_key_file

        def reachable_parts() -> Reachable:
            return Reachable(
                sip=sip_addresses(settings, addresses),
                ca_file=certificates.ca_file,
                dubber_portal=dubber_portal(settings, self.platform),
                http=self.info.get("http", ""),
            )

        return Services(
            catalog=self.catalog,
            switchboard=self.switchboard,
            dubber=DubberLink(self.delivery),
            data_dir=settings.data_dir,
            domain=settings.domain,
            reachable=reachable_parts,
            at_rest_key=None if key_file is None else load_key_file(key_file),
            defaults=service_defaults(settings),
            refusal_sound=Tone(**settings.recording.refusal_tone.model_dump()),
            prompts_dir=settings.recording.prompts_dir,
        )

    async def _open_pages(self, app: web.Application, addresses: Addresses, certificates: Certificates) -> None:
        # a second of imports that a server without pages need not wait for
        from mediaserver.app.pages import mount_pages  # noqa: PLC0415 -- see above
        from mediaserver.app.portal_logins import first_doors  # noqa: PLC0415 -- see above

        settings, folder = self.settings, self.settings.data_dir / "secrets"
        self._doors = await asyncio.to_thread(
            first_doors, self.catalog, folder, settings.domain, datetime.now(UTC), demo_users=settings.demo_users
        )
        mount_pages(app, self._services(addresses, certificates))

    # --- what it says about itself --------------------------------------------------------------

    def _describe(
        self, addresses: Addresses, certificates: Certificates, passwords: dict[str, str], http: str
    ) -> dict[str, Any]:
        subscribers = self.server.directory.subscribers
        reached = reachable(http, self.settings.reachable_host)
        return {
            "sip": sip_addresses(self.settings, addresses),
            "domain": self.settings.domain,
            "http": reached,
            "data_dir": str(self.settings.data_dir.resolve()),
            "ca_file": str(certificates.ca_file.resolve()),
            "forwarder": self._forwarder(),
            "media_workers": len(self.pool.workers),
            "users": [
                {"number": number, "password": password, "mode": subscribers[number].recording.mode.value}
                for number, password in sorted(passwords.items())
            ],
            "dubber": described_platform(self.settings, self.platform, certificates),
            **described_doors(self.settings, self.platform, self._doors, reached),
        }

    def _forwarder(self) -> str:
        return next((w.ready.forwarder for w in self.pool.workers if w.ready is not None), "none")

    def problems(self) -> Iterable[str]:
        """Why no call could be taken and recorded now."""
        if not any(worker.ready is not None for worker in self.pool.workers):
            yield "no media worker is up"
        if self.server.agent.draining:
            yield "the server is draining: it takes no new calls"
        if shutil.disk_usage(self.settings.data_dir).free < MIN_FREE_BYTES:
            yield f"less than {MIN_FREE_BYTES // 2**20} MiB are free in {self.settings.data_dir}"

    async def readings(self) -> Iterable[Reading]:
        """Metrics; the database is asked in a thread, so that a slow one delays no call."""
        return list(self._readings(await asyncio.to_thread(self._upload_counts)))

    def _readings(self, uploads: dict[str, float]) -> Iterable[Reading]:
        server, hub = self.server, self.server.hub
        loads = {str(worker.number): worker.load.load for worker in self.pool.workers}
        yield metrics.CALLS.read({"": len(hub.calls)})
        yield metrics.CALLS_STARTED.read({"": hub.started})
        yield metrics.EVENTS.read(dict(server.journal.counts))
        yield metrics.SIP_DISCARDED.read(dict(server.shell.dropped))
        yield metrics.WORKER_LOAD.read(loads)
        yield metrics.UPLOADS.read(uploads)
        yield metrics.UPLOAD_RESULTS.read(dict(self.delivery.counts) if self.delivery is not None else {})
        drops: Counter[str] = Counter()
        for worker in self.pool.workers:
            drops.update(dict(worker.load.dropped))
        yield metrics.WORKER_DROPS.read(drops)
        yield metrics.DISK_FREE.read({"": shutil.disk_usage(self.settings.data_dir).free})

    def _upload_counts(self) -> dict[str, float]:
        counts = self.catalog.uploads.counts()
        return {state.value: counts.get(state, 0) for state in JobState}

    # --- stop -----------------------------------------------------------------------------------

    async def _stop_server(self) -> None:
        await self.server.drain(self.settings.drain_s)
        await self.server.stop()

    async def stop(self) -> None:
        """Drain and seal while metrics, health and deliveries go on; then stop every part, the last started first."""
        _log.info("product.stopping")
        await self.server.drain(self.settings.drain_s)
        await self._stack.aclose()
        _log.info("product.stopped")


def call_config(settings: Settings) -> CallConfig:
    """The call logic's share of the settings."""
    recording = settings.recording
    return CallConfig(
        domain=settings.domain,
        codecs=settings.calls.codecs,
        codes=settings.codes.table(),
        code_timeout_s=settings.codes.timeout_s,
        table=TableOptions(
            on_demand_stop=OnDemandStop(recording.on_demand_stop),
            on_demand_announce=OnDemandAnnounce(recording.on_demand_announce),
            repeated_code=RepeatedCode(recording.repeated_code),
            announce_on_resume=recording.announce_on_resume,
        ),
        refusal=recording.refusal,
        refusal_tone=ToneAudio(**recording.refusal_tone.model_dump()),
        pause_rendering=recording.pause_rendering,
        mask_digits=recording.mask_digits,
        bench_capture=recording.bench_capture,
        failure_behavior=recording.failure_behavior,
        reminder_tone=tone_audio(REMINDERS[recording.tone_preset].tone),
        service_language=settings.calls.service_language,
        voicemail=VoicemailConfig(**settings.voicemail.model_dump()),
    )


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host


async def serve(product: Product, stopping: asyncio.Event) -> None:
    """Run until ``stopping`` is set."""
    await stopping.wait()
    await product.stop()
