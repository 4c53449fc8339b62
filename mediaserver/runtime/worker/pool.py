"""The main process' side of the media workers: starting, choosing, listening, burying and replacing them."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import socket
from collections import deque
from collections.abc import Callable
from statistics import median
from typing import Any, Final

import numpy as np
import structlog

from mediaserver.media.config import PromptPcm
from mediaserver.media.messages import CloseCall, Command, Event, OpenLeg, WorkerLoad
from mediaserver.runtime.media_pool import MediaWorker, Prompts
from mediaserver.runtime.worker.control import Channel
from mediaserver.runtime.worker.entry import THREAD_VARIABLES, worker_main
from mediaserver.runtime.worker.ports import PortRange
from mediaserver.runtime.worker.settings import Begin, Stop, WorkerReady, WorkerSettings

_log = structlog.get_logger()

LOAD_LIMIT: Final = 0.8
REPORTS: Final = 3
"""How many reports of a worker, a second apart, tell its load."""
CALL_LOAD: Final = 0.002
"""What a call is thought to cost until the worker's next report tells."""
RESTART_S: Final = 0.2
"""Between a worker's death and its successor's start."""
LONGEST_RESTART_S: Final = 5.0
"""The same when workers die before they are ready."""
STOP_S: Final = 15.0
_LEGS_PER_CALL: Final = 2


class Worker:
    """One worker process: :class:`mediaserver.runtime.media_pool.MediaWorker`."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.ready: WorkerReady | None = None
        self.load = WorkerLoad(load=0.0, legs=0)
        self._reports: deque[float] = deque((0.0,) * REPORTS, REPORTS)
        self.calls: set[str] = set()
        self._new_calls = 0
        self._process: Any = None
        self._channel: Channel | None = None

    @property
    def pid(self) -> int | None:
        """Process id, once started."""
        pid: int | None = None if self._process is None else self._process.pid
        return pid

    @property
    def expected_load(self) -> float:
        """The middle one of the last reports (one busy second is no overload), and a guess for calls begun since."""
        return median(self._reports) + CALL_LOAD * self._new_calls

    def send(self, command: Command) -> None:
        """Queue a command; to a worker that died it goes nowhere."""
        if isinstance(command, OpenLeg) and command.call_id not in self.calls:
            self.calls.add(command.call_id)
            self._new_calls += 1
        elif isinstance(command, CloseCall):
            self.calls.discard(command.call_id)
        self._put(command)

    def start(
        self,
        settings: WorkerSettings,
        prompts: Prompts,
        on_values: Callable[[tuple[Any, ...]], None],
        on_gone: Callable[[], None],
    ) -> None:
        """Start the process; ``on_gone`` is called once when it has ended, however it did."""
        loop = asyncio.get_running_loop()
        ours, theirs = socket.socketpair()
        context = multiprocessing.get_context("spawn")
        self._process = context.Process(
            target=worker_main, args=(theirs,), name=f"media-worker-{self.number}", daemon=True
        )
        self._process.start()
        theirs.close()
        sentinel = self._process.sentinel

        def gone() -> None:
            loop.remove_reader(sentinel)
            self._process.join()
            channel.drain()
            on_gone()

        self._channel = channel = Channel(loop, ours, on_values, lambda: None)
        loop.add_reader(sentinel, gone)
        channel.send(settings)
        self.send_prompts(prompts)
        channel.send(Begin())

    def send_prompts(self, prompts: Prompts) -> None:
        """Announcements, each in a frame of its own: a worker at work takes them between two steps."""
        for key, pcm in prompts.items():
            self._put((key, pcm))

    def heard(self, load: WorkerLoad) -> None:
        """A report came."""
        self.load = load
        self._reports.append(load.load)
        self._new_calls = 0

    def ask_to_stop(self) -> None:
        """Finish recordings, then end."""
        self._put(Stop())

    def kill(self) -> None:
        """End it now."""
        if self._process is not None and self._process.is_alive():
            self._process.kill()

    def _put(self, value: object) -> None:
        if self._channel is not None:
            self._channel.send(value)


class WorkerPool:
    """:class:`mediaserver.runtime.media_pool.MediaPool` over processes."""

    def __init__(
        self,
        count: int,
        *,
        ports: PortRange,
        settings: WorkerSettings,
        prompts: Prompts,
        load_limit: float = LOAD_LIMIT,
        keeps_spare: bool = True,
    ) -> None:
        """``keeps_spare``: one more worker is started and waits; without it a dead one's place is empty for a while."""
        self.on_event: Callable[[Event], None] = lambda event: None
        self.on_lost: Callable[[MediaWorker], None] = lambda worker: None
        self.workers: list[Worker] = []
        """Those that take calls."""
        self.spare: Worker | None = None
        """Started beside them, so that a dead one is replaced at once and not after an interpreter's start."""
        self._count = count
        self._ports = ports
        self._settings = settings
        self._prompts = dict(prompts)
        self._load_limit = load_limit
        self._keeps_spare = keeps_spare
        self._changed = asyncio.Event()
        self._stopping = False
        self._started = 0
        self._stillborn = 0

    async def start(self) -> None:
        """Start all workers; returns when every one is ready. RuntimeError when one dies before that."""
        for name in THREAD_VARIABLES:
            os.environ.setdefault(name, "1")  # inherited before the child's first import
        for _ in range(self._count):
            self._start_one()
        await self._until(lambda: self._stillborn > 0 or all(worker.ready for worker in self.workers))
        if self._stillborn:
            await self.stop()
            raise RuntimeError("a media worker ended before it was ready; its own output says why")
        self._keep_spare()

    async def stop(self) -> None:
        """Let every worker finish its recordings and end; kill what does not within ``STOP_S``."""
        self._stopping = True
        for worker in self._all():
            worker.ask_to_stop()
        try:
            async with asyncio.timeout(STOP_S):
                await self._until(lambda: not self._all())
        except TimeoutError:
            for worker in self._all():
                _log.error("worker.killed", worker=worker.number)
                worker.kill()
            await self._until(lambda: not self._all())

    def choose(self) -> Worker | None:
        """The least loaded worker that is ready and under its limits."""
        legs = self._settings.engine.legs
        able = [
            worker
            for worker in self.workers
            if worker.ready is not None
            and worker.expected_load < self._load_limit
            and (len(worker.calls) + 1) * _LEGS_PER_CALL <= legs
        ]
        return min(able, key=lambda worker: (worker.expected_load, len(worker.calls)), default=None)

    def take_port(self, host: str) -> int | None:
        """An even port whose pair is free."""
        return self._ports.take(host)

    def give_back(self, host: str, port: int) -> None:
        """Let a pair rest."""
        self._ports.give_back(host, port)

    def replace_prompts(self, prompts: Prompts) -> None:
        """Send what has changed to the workers there are; those that are started later get all of it."""
        changed = {key: pcm for key, pcm in prompts.items() if not _alike(pcm, self._prompts.get(key))}
        self._prompts.update(changed)
        for worker in self._all():
            worker.send_prompts(changed)
        _log.info("prompts.replaced", changed=len(changed), workers=len(self._all()))

    # --- inside -----------------------------------------------------------------------

    def _all(self) -> list[Worker]:
        return [*self.workers, self.spare] if self.spare is not None else list(self.workers)

    def _keep_spare(self) -> None:
        if self._keeps_spare and not self._stopping and self.spare is None:
            self.spare = self._new()

    def _start_one(self) -> None:
        self.workers.append(self._new())

    def _new(self) -> Worker:
        self._started += 1
        worker = Worker(self._started)
        worker.start(
            self._settings,
            self._prompts,
            lambda values: self._heard(worker, values),
            lambda: self._gone(worker),
        )
        return worker

    def _heard(self, worker: Worker, values: tuple[Any, ...]) -> None:
        for value in values:
            if isinstance(value, WorkerReady):
                worker.ready = value
                _log.info("worker.ready", worker=worker.number, pid=value.pid, forwarder=value.forwarder)
                self._wake()
                continue
            if isinstance(value, WorkerLoad):
                worker.heard(value)
            self.on_event(value)

    def _gone(self, worker: Worker) -> None:
        spare = worker is self.spare
        if spare:
            self.spare = None
        else:
            self.workers.remove(worker)
        self._wake()
        if self._stopping:
            return
        _log.error("worker.lost", worker=worker.number, pid=worker.pid, calls=len(worker.calls))
        self._stillborn = 0 if worker.ready else self._stillborn + 1
        delay = min(RESTART_S * (1 + self._stillborn), LONGEST_RESTART_S)
        if not spare:
            self._promote()
            self.on_lost(worker)
        asyncio.get_running_loop().call_later(delay, self._replace)

    def _promote(self) -> None:
        """The spare takes the lost one's place, when it is up."""
        if self.spare is not None and self.spare.ready is not None:
            _log.info("worker.promoted", worker=self.spare.number)
            self.workers.append(self.spare)
            self.spare = None

    def _replace(self) -> None:
        if not self._stopping and len(self.workers) < self._count:
            self._start_one()
        self._keep_spare()

    def _wake(self) -> None:
        self._changed.set()

    async def _until(self, reached: Callable[[], bool]) -> None:
        while not reached():
            self._changed.clear()
            await self._changed.wait()


def _alike(one: PromptPcm, other: PromptPcm | None) -> bool:
    return other is not None and np.array_equal(one.pcm_16k, other.pcm_16k) and np.array_equal(one.pcm_8k, other.pcm_8k)
