"""The programs a bench round compares: each is started with its legs, says where its CPU is counted, and is stopped."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from callmodel.manifest import MarkKind
from mediaserver.media.config import EngineConfig
from mediaserver.media.messages import (
    Bridge,
    CloseCall,
    Codec,
    Command,
    Digit,
    Event,
    FinishRecording,
    LegOpened,
    LegOpenFailed,
    OpenLeg,
    Play,
    PlayStarted,
    RecordingDestroyed,
    RecordingFailed,
    RecordingFinished,
    SetLegMedia,
    StartRecording,
    ToneAudio,
    WorkerLoad,
)
from mediaserver.runtime.worker.pool import WorkerPool
from mediaserver.runtime.worker.ports import PortRange
from mediaserver.runtime.worker.settings import WorkerSettings

HERE = Path(__file__).parent
HOST = "127.0.0.1"
SERVER_PORT = 20000
PHONE_PORT = 27000
PATIENCE_S = 30.0


@dataclass
class Outcome:
    """What a server itself had to say, after it stopped."""

    recordings: int = 0
    incomplete: int = 0
    gaps: int = 0
    digits: int = 0
    shortest_s: float = 0.0
    lost_copies: int = 0


@dataclass
class Served:
    """A server that listens."""

    pid: int
    outcome: Outcome = field(default_factory=Outcome)


Server = Callable[[int, Path], AbstractAsyncContextManager[Served]]


def legs_text(calls: int, *, of_phones: bool) -> str:
    """What the C programs read: a line a leg."""
    pairs = [(SERVER_PORT + 2 * leg, PHONE_PORT + leg) for leg in range(2 * calls)]
    return "".join(f"{b} {a}\n" if of_phones else f"{a} {b}\n" for a, b in pairs)


def on_core(core: int, *, realtime: bool) -> Callable[[], None]:
    """What a child does to itself first: one core, and SCHED_RR where that is allowed, the same for all."""

    def prepare() -> None:
        os.sched_setaffinity(0, {core})
        if realtime:
            with suppress(OSError):
                os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))

    return prepare


def program(core: int, *command: str | Path, realtime: bool) -> Server:
    """A program that reads its legs, prints ``ready`` and runs until it is terminated."""

    @asynccontextmanager
    async def serve(calls: int, folder: Path) -> AsyncIterator[Served]:
        process = await asyncio.create_subprocess_exec(
            *command,
            folder,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            preexec_fn=on_core(core, realtime=realtime),
        )
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(legs_text(calls, of_phones=False).encode())
        process.stdin.close()
        try:
            async with asyncio.timeout(PATIENCE_S):
                line = await process.stdout.readline()
            assert line == b"ready\n", f"{command[0]} said {line!r}"
            yield Served(pid=process.pid)
        finally:
            process.terminate()
            await process.wait()

    return serve


def worker(core: int, forwarder: str, *, mixed: bool, realtime: bool) -> Server:
    """Our media worker, driven as the call logic drives it: recording on, tones listened for on every frame."""

    @asynccontextmanager
    async def serve(calls: int, folder: Path) -> AsyncIterator[Served]:
        own = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {core})  # inherited by the worker
        settings = WorkerSettings(
            forwarder=forwarder, realtime=realtime, engine=EngineConfig(legs=max(64, 2 * calls + 8))
        )
        ports = PortRange(SERVER_PORT, SERVER_PORT + 4 * calls + 2, time.monotonic)
        pool = WorkerPool(1, ports=ports, settings=settings, prompts={}, keeps_spare=False)
        driver = _Driver(pool, folder)
        try:
            await pool.start()
        finally:
            os.sched_setaffinity(0, own)
        try:
            ready = pool.workers[0].ready
            assert ready is not None
            await driver.set_up(calls, mixed=mixed)
            served = Served(pid=ready.pid)
            yield served
            served.outcome = await driver.tear_down(calls)
        finally:
            await pool.stop()

    return serve


class _Driver:
    """Plays the call logic's part for many calls at once."""

    def __init__(self, pool: WorkerPool, folder: Path) -> None:
        self._pool = pool
        self._folder = folder
        self._counts: Counter[type] = Counter()
        self._finished: list[RecordingFinished] = []
        self._changed = asyncio.Event()
        pool.on_event = self._heard

    async def set_up(self, calls: int, *, mixed: bool) -> None:
        """Open, bridge and record all calls; in the mixed case a soft tone plays to both sides for the whole time."""
        self._worker = self._pool.workers[0]
        for call in range(calls):
            for side in range(2):
                leg = 2 * call + side
                self._send(OpenLeg(call_id=f"c{call}", leg_id=leg, host=HOST, port=SERVER_PORT + 2 * leg))
        await self._until(lambda: self._counts[LegOpened] == 2 * calls)
        now = time.monotonic()
        for call in range(calls):
            a, b = 2 * call, 2 * call + 1
            for leg in (a, b):
                self._send(
                    SetLegMedia(
                        leg_id=leg,
                        codec=Codec.PCMU,
                        payload_type=0,
                        receive_payload_types=((0, Codec.PCMU),),
                        remote=(HOST, PHONE_PORT + leg),
                        trusted_hosts=(HOST,),
                    )
                )
            self._send(Bridge(call_id=f"c{call}", leg_a=a, leg_b=b))
            at = now + 2.0 + call / calls  # calls do not begin in one instant: their seconds end one after the other
            directory = self._folder / f"r{call}"
            directory.mkdir()
            self._send(
                StartRecording(
                    call_id=f"c{call}",
                    recording_id=f"r{call}",
                    user_leg=a,
                    other_leg=b,
                    directory=str(directory),
                    sample_rate_hz=8000,
                    at=at,
                    answered_at=at,
                )
            )
            if mixed:
                tone = ToneAudio(hz=1400.0, on_ms=1000, off_ms=0, bursts=600, level_dbm0=-40.0)
                self._send(Play(call_id=f"c{call}", play_id=call, audio=(tone,), audience=(a, b)))
        if mixed:
            await self._until(lambda: self._counts[PlayStarted] == calls)
        reports = self._counts[WorkerLoad]  # a full second without a command: the burst of beginnings is over
        await self._until(lambda: self._counts[WorkerLoad] >= reports + 2)

    async def tear_down(self, calls: int) -> Outcome:
        """Finish all recordings and close all calls; what came of it."""
        now = time.monotonic()
        for call in range(calls):
            self._send(FinishRecording(recording_id=f"r{call}", at=now, keep=True))
        await self._until(lambda: self._counts[RecordingFinished] + self._counts[RecordingDestroyed] == calls)
        for call in range(calls):
            self._send(CloseCall(call_id=f"c{call}"))
        lost = dict(self._worker.load.dropped)
        return Outcome(
            recordings=len(self._finished),
            incomplete=sum(not each.complete for each in self._finished),
            gaps=sum(mark.kind is MarkKind.GAP for each in self._finished for mark in each.marks),
            digits=self._counts[Digit],
            shortest_s=min((each.samples / each.sample_rate_hz for each in self._finished), default=0.0),
            lost_copies=lost.get("ring-full", 0),
        )

    def _send(self, command: Command) -> None:
        self._worker.send(command)

    def _heard(self, event: Event) -> None:
        self._counts[type(event)] += 1
        if isinstance(event, RecordingFinished):
            self._finished.append(event)
        elif isinstance(event, LegOpenFailed | RecordingFailed):
            print(f"  ! {event}", file=sys.stderr)
        self._changed.set()

    async def _until(self, reached: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not reached():
                self._changed.clear()
                await self._changed.wait()
