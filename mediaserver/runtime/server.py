"""The media server as one object: SIP sockets, calls, recordings, subscribers; all but the workers’ processes."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import structlog

from callmodel.errors import StartError, reason_of
from callmodel.manifest import RecordingManifest
from catalog import Catalog, Credentials, ServiceSettings
from catalog.roster import Listed
from mediaserver.call.config import CallConfig
from mediaserver.call.context import CallContext, Contact
from mediaserver.runtime.clock import Clock
from mediaserver.runtime.directory import Directory
from mediaserver.runtime.hub import CallHub
from mediaserver.runtime.journal import Journal
from mediaserver.runtime.media_pool import MediaPool, Prompts
from mediaserver.runtime.recordings import RecordingStore
from mediaserver.runtime.service import service_config
from mediaserver.runtime.signalling.network import DatagramNetwork
from mediaserver.runtime.signalling.shell import SipShell
from mediaserver.runtime.watch import LoadPrompts, Takers, Watch
from mediaserver.sip.config import LocalContact, SessionTimerConfig, SessionTimerMode, SipConfig, SipLimits
from mediaserver.sip.digest import Algorithm, Challenger
from mediaserver.sip.hops import Transport
from mediaserver.sip.ids import Ids
from mediaserver.sip.registrar import Registrar
from mediaserver.sip.user_agent import UserAgent

_log = structlog.get_logger()

RETRY_AFTER_S = 5
"""Told to callers that are refused because the server is full."""

REFRESH_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerPlan:
    """Everything the server is told once."""

    data_dir: Path
    calls: CallConfig
    """As configured; what the catalog's service settings say lies over it."""
    host: str = "127.0.0.1"
    host6: str | None = None
    """A second, IPv6, address to listen on."""
    advertise: str = ""
    """Written into Contact and SDP in place of ``host``."""
    sip_port: int = 5060
    tls_port: int | None = None
    tls: ssl.SSLContext | None = None
    streams: bool = True
    """TCP and TLS too; not in virtual time."""
    trusted_peers: tuple[str, ...] = ()
    max_calls: int = 500
    session_expires_s: int = 1800
    session_timer: str = "on"
    digest_algorithms: tuple[str, ...] = ("SHA-256", "MD5")
    at_rest_key: bytes | None = field(default=None, repr=False)
    refresh_s: float = REFRESH_S
    """How often the catalog is asked whether subscribers or settings changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Addresses:
    """Where the server listens, as ``host:port``."""

    udp: str
    tcp: str = ""
    tls: str = ""


class MediaServer:
    """Start it, and phones can register and call."""

    def __init__(
        self,
        plan: ServerPlan,
        *,
        catalog: Catalog,
        clock: Clock,
        network: DatagramNetwork,
        pool: MediaPool,
        ids: Ids,
        executor: Executor | None = None,
        load_prompts: LoadPrompts | None = None,
    ) -> None:
        """``executor`` has one thread: it writes to disk and database, in order.

        ``load_prompts`` reads the announcements again when they changed; the pool was given the first ones.
        """
        self.plan = plan
        self.pool = pool
        self.catalog = catalog
        self.clock = clock
        self._network = network
        self._ids = ids
        self._executor = executor
        self._refreshing: asyncio.Task[None] | None = None
        self._credentials: Mapping[str, Credentials] = {}
        self._context: CallContext
        self._watch = Watch(
            catalog,
            Takers(users=self._take_users, service=self._take_service, prompts=self._take_prompts),
            load_prompts,
        )
        self.registrar = Registrar()
        self.journal = Journal(catalog, clock, executor)
        self.recordings = RecordingStore(
            plan.data_dir,
            at_rest_key=plan.at_rest_key,
            pauses_cut=plan.calls.pause_rendering == "cut",
            enter=self._enter,
            known=catalog.recordings.ids,
            executor=executor,
        )
        self.addresses = Addresses(udp="")
        self.shell: SipShell
        self.agent: UserAgent
        self.hub: CallHub
        self.directory: Directory

    # --- start --------------------------------------------------------------------------------

    async def start(self) -> Addresses:
        """Settle what a crash left, then listen. OSError names the port that is taken."""
        await asyncio.get_running_loop().run_in_executor(self._executor, self.recordings.sweep)
        self.directory = self._make_directory()
        self._context = CallContext(config=self.plan.calls, around=self.directory, ids=self._ids)
        await self._watch.begin()
        self.shell = SipShell(self.clock, self._network)
        ports = await self._listen()
        self.agent = self._make_agent(ports)
        self.hub = CallHub(
            shell=self.shell,
            agent=self.agent,
            pool=self.pool,
            directory=self.directory,
            recordings=self.recordings,
            context=self._context,
            clock=self.clock,
            capture_heard=self.plan.calls.bench_capture != "off",
        )
        self.agent.admission = self._admit
        self.hub.on_note = self.journal.note
        self.hub.on_over = self.journal.over
        self._refreshing = asyncio.get_running_loop().create_task(self._keep_fresh())
        return self.addresses

    def _admit(self) -> tuple[int, int] | None:
        """Refuse a call before it could harm the others: 503 and when to try again."""
        if len(self.hub.calls) >= self.plan.max_calls or self.pool.choose() is None:
            return 503, RETRY_AFTER_S
        return None

    def _enter(self, manifest: RecordingManifest, path: Path) -> None:
        self.catalog.recordings.add_finished(
            manifest, path, now=self.clock.wall(self.clock.now()), deliver=manifest.audio.samples > 0
        )

    def _advertised(self, host: str) -> str:
        return self.plan.advertise or host

    def _make_directory(self) -> Directory:
        hosts = {6 if ":" in self.plan.host else 4: self.plan.host}
        if self.plan.host6:
            hosts[6] = self.plan.host6
        return Directory(
            clock=self.clock,
            codes=self.plan.calls.codes,
            contacts=self._contacts,
            media_hosts=hosts,
            advertised={v: self._advertised(host) if host == self.plan.host else host for v, host in hosts.items()},
        )

    def _contacts(self, user: str, now: float) -> tuple[Contact, ...]:
        bindings = self.registrar.bindings(user, now)
        return tuple(Contact(target=binding.request_uri, hop=binding.hop) for binding in bindings)

    def _sip_config(self, ports: dict[Transport, int]) -> SipConfig:
        host = self._advertised(self.plan.host)
        return SipConfig(
            realm=self.plan.calls.domain,
            contacts={transport: LocalContact(host=host, port=port) for transport, port in ports.items()},
            contacts6={
                transport: LocalContact(host=self.plan.host6, port=port)
                for transport, port in ports.items()
                if self.plan.host6
            },
            session_timer=SessionTimerConfig(
                mode=SessionTimerMode(self.plan.session_timer), expires_s=self.plan.session_expires_s
            ),
            limits=SipLimits(max_legs=self.plan.max_calls * 4),
            trusted_peers=self.plan.trusted_peers,
        )

    def _make_agent(self, ports: dict[Transport, int]) -> UserAgent:
        challenger = Challenger(
            realm=self.plan.calls.domain,
            secret=bytes.fromhex(self._ids.token(256)),
            algorithms=tuple(Algorithm(name) for name in self.plan.digest_algorithms),
        )
        return UserAgent(
            self._sip_config(ports),
            self._ids,
            self._ha1,
            is_local_user=lambda user: user in self.directory.subscribers,
            challenger=challenger,
            registrar=self.registrar,
        )

    async def _listen(self) -> dict[Transport, int]:
        plan = self.plan
        port = plan.sip_port
        if plan.streams:  # first: a port that is free for TCP is nearly always free for UDP too, when any will do
            port = await _bound("sip_port", port, lambda: self.shell.open_tcp(plan.host, plan.sip_port))
        port = (await _bound("sip_port", port, lambda: self.shell.open_udp(plan.host, port)))[1]
        ports = {Transport.UDP: port}
        addresses: dict[str, Any] = {"udp": _shown(plan.host, port)}
        if plan.streams:
            ports[Transport.TCP] = port
            addresses["tcp"] = _shown(plan.host, port)
            if plan.tls is not None and plan.tls_port is not None:
                tls, number = plan.tls, plan.tls_port
                tls_port = await _bound("tls_port", number, lambda: self.shell.open_tls(plan.host, number, tls))
                ports[Transport.TLS] = tls_port
                addresses["tls"] = _shown(plan.host, tls_port)
        if plan.host6:
            await self._listen6(plan.host6, ports)
        self.addresses = Addresses(**addresses)
        return ports

    async def _listen6(self, host: str, ports: dict[Transport, int]) -> None:
        """The IPv6 loopback beside the IPv4 one; a machine without IPv6 goes on with one."""
        try:
            await self.shell.open_udp(host, ports[Transport.UDP])
            if Transport.TCP in ports:
                await self.shell.open_tcp(host, ports[Transport.TCP])
            if Transport.TLS in ports and self.plan.tls is not None:
                await self.shell.open_tls(host, ports[Transport.TLS], self.plan.tls)
        except OSError as error:
            _log.warning("server.no-ipv6", host=host, error=reason_of(error))

    # --- what the catalog says ----------------------------------------------------------------

    async def refresh(self) -> None:
        """Use what the catalog says now for the next call, rather than within ``refresh_s``."""
        await self._watch.refresh()

    async def _keep_fresh(self) -> None:
        while True:
            await asyncio.sleep(self.plan.refresh_s)
            await self.refresh()

    def _ha1(self, user: str, algorithm: Algorithm) -> str | None:
        known = self._credentials.get(user)
        if known is None or known.realm != self.plan.calls.domain:
            return None  # a password of another domain is void
        return known.ha1_sha256 if algorithm is Algorithm.SHA_256 else known.ha1_md5

    def _take_users(self, users: Listed) -> None:
        self._credentials = users.credentials
        self.directory.replace_subscribers(users.subscribers)

    def _take_service(self, service: ServiceSettings) -> None:
        """In one step, so that a code which is dialled and the call it makes are of the same table."""
        self._context = replace(self._context, config=service_config(self.plan.calls, service))
        self.directory.replace_codes(self._context.config.codes)
        if self._refreshing is not None:  # before, the hub is not there: it is made with the context
            self.hub.use(self._context)

    def _take_prompts(self, prompts: Prompts) -> None:
        self.pool.replace_prompts(prompts)

    # --- stop ---------------------------------------------------------------------------------

    async def drain(self, seconds: float) -> None:
        """Take no new calls (503); let those that run finish for so long, then end them. Everything is sealed."""
        self.agent.draining = True
        if seconds > 0 and self.hub.calls:
            _log.info("server.draining", calls=len(self.hub.calls), seconds=seconds)
            try:
                async with asyncio.timeout(seconds):
                    await self.hub.idle()
            except TimeoutError:
                _log.info("server.drained-by-force", calls=len(self.hub.calls))
        self.hub.hang_up_all("drain")
        try:
            async with asyncio.timeout(10):
                await self.hub.idle()
        except TimeoutError:
            _log.error("server.calls-left", calls=len(self.hub.calls))
        self.recordings.close()
        await self.recordings.settled()
        await self.journal.written()

    async def stop(self) -> None:
        """Close the sockets; call ``drain`` first."""
        if self._refreshing is not None:
            self._refreshing.cancel()
        self.shell.close()


async def _bound(setting: str, port: int, opening: Callable[[], Any]) -> Any:
    try:
        return await opening()
    except OSError as error:
        raise StartError(
            f"{setting}: port {port} cannot be used: {reason_of(error)}. Stop the other program, or choose another "
            f"port (--{setting.replace('_', '-')}; 0 picks a free one)"
        ) from error


def _shown(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
