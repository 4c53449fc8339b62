"""A whole carrier in virtual time: the real server, engine, spool and catalog on an in-memory network.

``run_virtual(scenario())`` runs a coroutine that opens a ``Carrier`` with ``async with``; nothing waits.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import soundfile
from numpy.typing import NDArray

from callbench.network import Address, Fate, MemoryNetwork, undisturbed
from callbench.phone import Microphone, Phone, PhoneCall, PhoneSetup, silent
from callmodel.manifest import RecordingManifest
from callmodel.modes import RecordingMode
from callmodel.subscriber import DubPointKey, RecordingSettings, Subscriber
from catalog import Catalog
from mediaserver.call.config import CallConfig
from mediaserver.media.config import EngineConfig, PromptPcm
from mediaserver.media.memory import MemoryForwarder
from mediaserver.media.messages import Codec
from mediaserver.runtime.clock import LoopClock
from mediaserver.runtime.server import MediaServer, ServerPlan
from mediaserver.runtime.worker.local import LocalPool
from prompts import PromptLibrary, load_prompts
from spool import finished_recordings, read_manifest

DOMAIN = "carrier.test"
SERVER = ("127.0.0.1", 5060)
PASSWORD = "correct horse"
SETTLED_WITHIN_S = 120.0


class SeededIds:
    """Tokens from a seeded generator: the same run twice gives the same bytes."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def token(self, bits: int = 64) -> str:
        """As ``mediaserver.sip.ids.Ids`` has it."""
        return f"{self._random.getrandbits(bits):0{(bits + 3) // 4}x}"

    def u32(self) -> int:
        """32 bits."""
        return self._random.getrandbits(32)


@dataclass(slots=True)
class SipLog:
    """Every SIP message on the network: when, from, to and its text. Let it be a network's ``fate``."""

    then: Fate = undisturbed
    messages: list[tuple[float, str, str, str]] = field(default_factory=list)

    def __call__(self, data: bytes, source: Address, destination: Address) -> list[float]:
        """Note it, and let it go its way."""
        if SERVER[1] in (source[1], destination[1]):
            now = asyncio.get_running_loop().time()
            self.messages.append((now, f"{source[0]}:{source[1]}", f"{destination[0]}:{destination[1]}", data.decode()))
        return self.then(data, source, destination)

    def responses(self, method: str) -> list[int]:
        """Status of each response to a method, in order, repeats included."""
        texts = [text for *_, text in self.messages if text.startswith("SIP/2.0") and f" {method}\r\n" in text]
        return [int(text.split()[1]) for text in texts]

    def requests(self, method: str) -> list[str]:
        """Each request of a method, in order, repeats included."""
        return [text for *_, text in self.messages if text.startswith(f"{method} ")]


@cache
def prompt_bank() -> dict[tuple[str, str], PromptPcm]:
    """Every prompt in both languages, loaded once a test process."""
    return bank_of(load_prompts())


def bank_of(library: PromptLibrary) -> dict[tuple[str, str], PromptPcm]:
    """A library as the media workers take it."""
    return {
        (prompt.value, language.value): PromptPcm(
            pcm_8k=library.audio(prompt, language, 8000), pcm_16k=library.audio(prompt, language, 16000)
        )
        for prompt, language in {(key[0], key[1]) for key in library.sounds}
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """One sealed recording."""

    manifest: RecordingManifest
    directory: Path

    @property
    def audio(self) -> NDArray[np.int16]:
        """(n, 2): the recorded user, everyone else."""
        pcm: NDArray[np.int16] = soundfile.read(self.directory / "audio.wav", dtype="int16")[0]
        return pcm

    @property
    def heard(self) -> NDArray[np.int16]:
        """(n, 4): said by user, said by other, heard by user, heard by other."""
        pcm: NDArray[np.int16] = soundfile.read(self.directory / "heard.flac", dtype="int16")[0]
        return pcm


@dataclass(slots=True, kw_only=True)
class Carrier:
    """The server and its phones."""

    data_dir: Path
    subscribers: Sequence[Subscriber] = ()
    config: CallConfig = field(default_factory=lambda: CallConfig(domain=DOMAIN))
    engine: EngineConfig = field(default_factory=lambda: EngineConfig(legs=64))
    seed: int = 1
    plan: dict[str, Any] = field(default_factory=dict)
    """More of ServerPlan. Changes of subscribers are looked for once a virtual minute unless ``refresh_s`` says so."""
    network: MemoryNetwork = field(default_factory=MemoryNetwork)
    server: MediaServer = field(init=False)
    pool: LocalPool = field(init=False)
    phones: list[Phone] = field(init=False, default_factory=list)

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        clock = LoopClock(loop)
        catalog = Catalog.open_in(self.data_dir)
        for subscriber in self.subscribers:
            catalog.subscribers.upsert(subscriber, now=clock.wall(0))
            catalog.subscribers.set_password(subscriber.number, PASSWORD, realm=DOMAIN, now=clock.wall(0))
        forwarder = MemoryForwarder(self.engine.legs, self.network.transmit, lambda: round(loop.time() * 1e9))
        self.network.attach(forwarder.receive)
        ids = SeededIds(self.seed)
        self.pool = LocalPool(loop, forwarder, prompt_bank(), self.engine, ids.u32)
        forwarder.on_datagram = self.pool.worker.datagram
        self.server = MediaServer(
            ServerPlan(data_dir=self.data_dir, calls=self.config, streams=False, **({"refresh_s": 60.0} | self.plan)),
            catalog=catalog,
            clock=clock,
            network=self.network,
            pool=self.pool,
            ids=ids,
            load_prompts=lambda: bank_of(load_prompts(uploaded=self.uploaded)),
        )
        await self.server.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for phone in self.phones:
            await phone.close()
        await self.server.drain(0)
        await self.server.stop()
        self.pool.close()
        self.server.catalog.close()

    @property
    def uploaded(self) -> Path:
        """Where announcements of the carrier's own lie."""
        return self.data_dir / "prompts"

    async def phone(
        self,
        number: str,
        microphone: Microphone = silent,
        *,
        codecs: tuple[Codec, ...] = (Codec.PCMU,),
        register: bool = True,
        **more: Any,
    ) -> Phone:
        """A registered phone of a subscriber."""
        setup = PhoneSetup(
            number=number,
            password=PASSWORD,
            domain=DOMAIN,
            server=SERVER,
            host=f"127.0.1.{len(self.phones) + 1}",
            codecs=codecs,
            microphone=microphone,
            **more,
        )
        phone = Phone(setup, self.network, SeededIds(self.seed * 1000 + len(self.phones)))
        self.phones.append(phone)
        await phone.start()
        if register:
            await phone.register()
        return phone

    async def connect(
        self,
        *,
        caller: str = "1001",
        callee: str = "1002",
        caller_says: Microphone = silent,
        callee_says: Microphone = silent,
        caller_more: dict[str, Any] | None = None,
        callee_more: dict[str, Any] | None = None,
    ) -> tuple[PhoneCall, PhoneCall]:
        """Two phones in a call: the caller's side of it and the callee's. ``*_more`` goes to ``phone``."""
        one = await self.phone(caller, caller_says, **(caller_more or {}))
        other = await self.phone(callee, callee_says, **(callee_more or {}))
        call = await one.dial(callee)
        await call.answered()
        taken = await other.called()
        await taken.answered()
        return call, taken

    async def over(self, *calls: PhoneCall) -> None:
        """Hang up the first; wait for the end of all, and until everything is written."""
        calls[0].hang_up()
        for call in calls:
            await call.ended()
        await self.settled()

    async def later(self, seconds: float) -> None:
        """Let virtual time pass."""
        await asyncio.sleep(seconds)

    def lose_worker(self) -> None:
        """The media worker dies: it does and says nothing any more, and the pool tells."""
        self.pool.worker.close()
        self.pool.on_lost(self.pool.worker)

    def now(self) -> float:
        """Virtual seconds."""
        return asyncio.get_running_loop().time()

    async def settled(self) -> None:
        """Wait until every call is over and everything is sealed and written; TimeoutError when a call never is."""
        async with asyncio.timeout(SETTLED_WITHIN_S):
            await self.server.hub.idle()
        await self.server.recordings.settled()
        await self.server.journal.written()

    def recordings(self) -> list[Finished]:
        """All sealed recordings, in the order of their start."""
        found = [
            Finished(manifest=read_manifest(directory), directory=directory)
            for directory in finished_recordings(self.data_dir)
        ]
        return sorted(found, key=lambda item: (item.manifest.started_at, item.manifest.user))


def user(number: str, mode: RecordingMode = RecordingMode.NEVER, **settings: Any) -> Subscriber:
    """A subscriber with a recording mode; ``settings`` go to the recording settings, or to the subscriber."""
    own = {key: settings.pop(key) for key in ("name", "language", "mailbox", "no_answer_s") if key in settings}
    return Subscriber(
        number=number,
        recording=RecordingSettings(mode=mode, **settings),
        dub_point=DubPointKey(
            service_provider="TEST", external_group="TEST-SITE", external_identifier=f"{number}@{DOMAIN}"
        ),
        **own,
    )


def config(**changes: Any) -> CallConfig:
    """The default call settings, with changes."""
    return replace(CallConfig(domain=DOMAIN), **changes)


def in_the_way(data_dir: Path) -> None:
    """No directory can be made for a recording: a file has its parent's name."""
    spool = data_dir / "spool"
    if spool.exists():
        spool.rmdir()
    spool.write_bytes(b"")


Scenario = Callable[[], Any]
