"""The inside of a worker process: a loop around one engine and one forwarder.

Commands are carried out as they come, in bounded bites. A step runs every 20 ms while legs are open, else when the
engine asks for one; a late step is not made up for. What the engine has to say is sent after each.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

import structlog
import uvloop

from mediaserver.media.config import PromptPcm
from mediaserver.media.engine import MediaEngine
from mediaserver.media.messages import (
    AbandonRecording,
    CloseCall,
    Command,
    Event,
    OpenLeg,
    OpenSource,
    RecordingDestroyed,
    RecordingFinished,
    StartRecording,
    WorkerLoad,
)
from mediaserver.media.seam import Forwarder
from mediaserver.runtime.forwarders import make_forwarder
from mediaserver.runtime.worker import hygiene
from mediaserver.runtime.worker.control import Channel
from mediaserver.runtime.worker.grid import Grid
from mediaserver.runtime.worker.settings import Begin, Stop, WorkerReady, WorkerSettings
from mediaserver.runtime.worker.writer import WriterThread

_log = structlog.get_logger()

HELD_UP_S: Final = 0.25
"""A step so long after the one before: packets may still wait in their sockets."""
COMMANDS_AT_ONCE: Final = 32
"""Then packets and the step get their turn."""
LOAD_INTERVAL_S: Final = 1.0
FAILURES_TO_DIE: Final = 25
"""Steps and commands that fail one after the other: half a second of them."""
STOP_POLL_S: Final = 0.005
FINISH_S: Final = 10.0
"""How long a stop waits for recordings to be closed."""


def serve(control: socket.socket) -> None:
    """Until Stop, or until the main process is gone."""
    hygiene.ignore_signals()
    uvloop.run(_serve(control))


async def _serve(control: socket.socket) -> None:
    worker = Worker(asyncio.get_running_loop(), control)
    await worker.done.wait()


class Worker:
    """Everything of one worker, on one loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop, control: socket.socket) -> None:
        self.done = asyncio.Event()
        self._loop = loop
        self._settings = WorkerSettings()
        self._prompts: dict[tuple[str, str], PromptPcm] = {}
        self._running: _Running | None = None
        self._channel = Channel(loop, control, self._on_values, self._on_closed)

    def _on_values(self, values: tuple[Any, ...]) -> None:
        for value in values:
            match value:
                case WorkerSettings():
                    self._settings = value
                case (str(), str()) as key, PromptPcm() as pcm:
                    self._take_prompt(key, pcm)
                case Begin():
                    self._begin()
                case Stop():
                    self._loop.create_task(self._stop()).add_done_callback(self._over)
                case _ if self._running is not None:
                    self._running.take(value)
                case _:
                    _log.error("worker.early_command", command=type(value).__name__)

    def _take_prompt(self, key: tuple[str, str], pcm: PromptPcm) -> None:
        if self._running is None:
            self._prompts[key] = pcm
        else:
            self._running.replace_prompt(key, pcm)

    def _begin(self) -> None:
        if self._settings.on_start is not None:
            self._settings.on_start()
        self._running = running = _Running(self._loop, self._channel, self._settings, self._prompts)
        hygiene.settle()
        running.start()

    async def _stop(self) -> None:
        if self._running is not None:
            await self._running.finish()

    def _over(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and task.exception() is not None:
            _log.error("worker.stop_failed", exc_info=task.exception())
        self._channel.close()

    def _on_closed(self) -> None:
        """Said goodbye, or the main process died: what is queued is still written, then nothing more."""
        if self._running is not None:
            self._running.close()
        self.done.set()


class _Running:
    """Engine, forwarder and writer of a worker that has begun."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        channel: Channel,
        settings: WorkerSettings,
        prompts: dict[tuple[str, str], PromptPcm],
    ) -> None:
        unix_offset_ns = time.time_ns() - time.monotonic_ns()
        config = replace(settings.engine, unix_offset_ns=unix_offset_ns, held_up_s=HELD_UP_S)
        self._loop = loop
        self._channel = channel
        least = settings.open_files or hygiene.FILES_BESIDE_LEGS + hygiene.FILES_PER_LEG * config.legs
        files = hygiene.raise_open_files(least)
        realtime = settings.realtime and hygiene.ask_for_realtime()  # before the threads, which inherit it
        self._writer = WriterThread(queue_bytes=settings.queue_bytes, sync_interval_s=settings.sync_interval_s)
        self._forwarder: Forwarder = make_forwarder(settings.forwarder, config.legs, loop)
        self._engine = MediaEngine(
            self._forwarder, prompts, config, self._writer.open_sink, random_u32=lambda: secrets.randbits(32)
        )
        self._ready = WorkerReady(pid=os.getpid(), forwarder=self._forwarder.kind, realtime=realtime, open_files=files)
        self._commands: deque[Command] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._grid = Grid()
        self._load = _Load()
        self._open = _Open()
        self._failures = 0
        self._closed = False

    def start(self) -> None:
        """Tell that commands are welcome."""
        self._channel.send(self._ready)
        self._load = _Load()  # what starting up cost is not the load of calls
        self._loop.call_later(LOAD_INTERVAL_S, self._report)
        self._step()

    def take(self, command: Command) -> None:
        """Queue a command; the first of a burst is carried out before the loop goes round."""
        self._commands.append(command)
        if len(self._commands) == 1:
            self._loop.call_soon(self._carry_out)

    def replace_prompt(self, key: tuple[str, str], pcm: PromptPcm) -> None:
        """Another announcement; commands that wait already may still be carried out with it, or without."""
        self._engine.replace_prompt(key, pcm)

    async def finish(self) -> None:
        """Close every call; return when all recordings are on disk and told."""
        while self._commands:
            self._carry_out()
        for call_id in sorted(self._open.calls):
            self._commands.append(CloseCall(call_id=call_id))
        while self._commands:
            self._carry_out()
        deadline = time.monotonic() + FINISH_S
        while self._open.recordings and time.monotonic() < deadline:
            self._step()
            await asyncio.sleep(STOP_POLL_S)
        if self._open.recordings:
            _log.error("worker.recordings_unfinished", recordings=sorted(self._open.recordings))

    def close(self) -> None:
        """Stop at once; blocks that are queued are still written."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        self._forwarder.close()
        self._writer.close()

    def _carry_out(self) -> None:
        now = time.monotonic()
        for _ in range(min(COMMANDS_AT_ONCE, len(self._commands))):
            command = self._commands.popleft()
            self._open.command(command)
            self._guarded(self._engine.command, command, now)
        self._tell()
        self._arm()
        if self._commands:
            self._loop.call_soon(self._carry_out)

    def _step(self) -> None:
        if self._closed:
            return
        self._guarded(self._engine.step, self._grid.reach(time.monotonic()))
        self._tell()
        self._arm()

    def _guarded(self, work: Callable[..., None], *arguments: object) -> None:
        """The edge of a step and of a command: one that fails is logged and left behind, a row of them ends the worker.

        What a peer sent must not end the calls of others; an engine that is broken must not pretend to work.
        """
        try:
            work(*arguments)
            self._failures = 0
        except Exception:
            self._failures += 1
            _log.exception("worker.step_failed", row=self._failures)
            if self._failures >= FAILURES_TO_DIE:
                os._exit(1)

    def _tell(self) -> None:
        events = tuple(self._engine.events())
        for event in events:
            self._open.event(event)
        self._channel.send(*events)

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._closed:
            return
        now = time.monotonic()
        wanted = now if self._engine.open_legs else self._engine.next_timer(now)
        if wanted is not None:
            # Only ever on the grid: 300 recordings that each want their own instant are 50 steps a second.
            self._timer = self._loop.call_later(self._grid.after(wanted, now) - now, self._step)

    def _report(self) -> None:
        if self._closed:
            return
        dropped = {
            "ring-full": int(self._forwarder.table["copies_dropped"].sum()),
            "queue-full": self._writer.refused,
        }
        legs = int(self._forwarder.table["open"].sum())
        told = tuple((reason, count) for reason, count in dropped.items() if count)
        self._channel.send(WorkerLoad(load=self._load.measure(), legs=legs, dropped=told))
        self._loop.call_later(LOAD_INTERVAL_S, self._report)


class _Open:
    """Calls and recordings that are not over: what a stop has to wait for."""

    def __init__(self) -> None:
        self.calls: set[str] = set()
        self.recordings: set[str] = set()

    def command(self, command: Command) -> None:
        """Note what a command opens or closes."""
        match command:
            case OpenLeg(call_id=call_id) | OpenSource(call_id=call_id):
                self.calls.add(call_id)
            case CloseCall(call_id=call_id):
                self.calls.discard(call_id)
            case StartRecording(recording_id=recording_id):
                self.recordings.add(recording_id)
            case AbandonRecording(recording_id=recording_id):
                self.recordings.discard(recording_id)
            case _:
                pass

    def event(self, event: Event) -> None:
        """Note a recording's end."""
        if isinstance(event, RecordingFinished | RecordingDestroyed):
            self.recordings.discard(event.recording_id)


class _Load:
    """Processor time of this process, all threads, per time that passed."""

    def __init__(self) -> None:
        self._cpu = time.process_time()
        self._at = time.monotonic()

    def measure(self) -> float:
        """Since the last call; 0 to 1 (the threads of a worker may together use more than a core)."""
        cpu, at = time.process_time(), time.monotonic()
        used = (cpu - self._cpu) / max(at - self._at, 1e-3)
        self._cpu, self._at = cpu, at
        return min(1.0, used)
