"""A media worker inside the main process: one engine on the caller's loop, whose clock may be virtual."""

from __future__ import annotations

import asyncio
import math
import secrets
from collections.abc import Callable
from typing import Final

from mediaserver.media.config import EngineConfig
from mediaserver.media.engine import MediaEngine
from mediaserver.media.messages import Command, Event, StartRecording
from mediaserver.media.seam import Forwarder, Verdict
from mediaserver.runtime.media_pool import MediaWorker, Prompts
from mediaserver.runtime.worker.writer import InlineWriter, QueuedSink

STEPS_HZ: Final = 50


class LocalWorker:
    """:class:`mediaserver.runtime.media_pool.MediaWorker`; commands are carried out by the loop's next turn.

    Give it a MemoryForwarder and a loop with a virtual clock and a call takes no time. Let the forwarder's
    ``on_datagram`` be ours: what cannot wait is then looked at as soon as a worker process would.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        forwarder: Forwarder,
        prompts: Prompts,
        config: EngineConfig,
        on_event: Callable[[Event], None],
        random_u32: Callable[[], int],
    ) -> None:
        self.forwarder = forwarder
        self._loop = loop
        self._on_event = on_event
        self._writer = InlineWriter(loop.time)
        self._sinks: list[QueuedSink] = []
        self._engine = MediaEngine(forwarder, prompts, config, self._open_sink, random_u32=random_u32)
        self._commands: list[Command] = []
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False

    def send(self, command: Command) -> None:
        """Queue a command."""
        if self._closed:
            return
        self._commands.append(command)
        if len(self._commands) == 1:
            self._loop.call_soon(self._carry_out)

    def datagram(self, verdict: Verdict) -> None:
        """A datagram has come: one that was passed on may wait, unless keys are listened for in the audio."""
        if self._engine.listening or verdict not in (Verdict.PASSED, Verdict.RTCP):
            self.wake()

    def wake(self) -> None:
        """See that a step follows within one frame."""
        at = (math.floor(self._loop.time() * STEPS_HZ) + 1) / STEPS_HZ
        if not self._closed and (self._timer is None or self._timer.when() > at):
            if self._timer is not None:
                self._timer.cancel()
            self._timer = self._loop.call_at(at, self._step)

    def replace_prompts(self, prompts: Prompts) -> None:
        """These announcements from the next play on."""
        for key, pcm in prompts.items():
            self._engine.replace_prompt(key, pcm)

    def close(self) -> None:
        """No more steps; the forwarder is closed, and files that are open are as a dead process leaves them."""
        self._closed = True
        for sink in self._sinks:
            sink.abandon()
        if self._timer is not None:
            self._timer.cancel()
        self.forwarder.close()

    def _open_sink(self, start: StartRecording) -> QueuedSink:
        self._sinks.append(self._writer.open_sink(start))
        return self._sinks[-1]

    def _carry_out(self) -> None:
        commands, self._commands = self._commands, []
        for command in commands:
            self._engine.command(command, self._loop.time())
        self._tell_and_arm()

    def _step(self) -> None:
        if not self._closed:
            self._engine.step(self._loop.time())
            self._tell_and_arm()

    def _tell_and_arm(self) -> None:
        for event in self._engine.events():
            self._on_event(event)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        at = None if self._closed else self._engine.next_timer(self._loop.time())
        if at is not None:
            self._timer = self._loop.call_at(max(at, self._loop.time()), self._step)


class LocalPool:
    """:class:`mediaserver.runtime.media_pool.MediaPool` of one LocalWorker; the network picks the ports."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        forwarder: Forwarder,
        prompts: Prompts,
        config: EngineConfig | None = None,
        random_u32: Callable[[], int] = lambda: secrets.randbits(32),
    ) -> None:
        self.on_event: Callable[[Event], None] = lambda event: None
        self.on_lost: Callable[[MediaWorker], None] = lambda worker: None
        self.worker = LocalWorker(loop, forwarder, prompts, config or EngineConfig(), self._heard, random_u32)

    def choose(self) -> MediaWorker | None:
        """The one there is."""
        return self.worker

    def take_port(self, host: str) -> int | None:
        """Let the network pick."""
        del host
        return 0

    def give_back(self, host: str, port: int) -> None:
        """Nothing was taken."""

    def replace_prompts(self, prompts: Prompts) -> None:
        """Tell the worker."""
        self.worker.replace_prompts(prompts)

    def close(self) -> None:
        """Close the worker."""
        self.worker.close()

    def _heard(self, event: Event) -> None:
        self.on_event(event)
