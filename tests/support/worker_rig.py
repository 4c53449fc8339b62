"""A pool of worker processes on loopback, what it tells, and a recorded call of two bare phones on it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

import numpy as np

from mediaserver.media.config import EngineConfig, PromptPcm
from mediaserver.media.messages import (
    Bridge,
    Codec,
    Event,
    LegOpened,
    OpenLeg,
    SetLegMedia,
    StartRecording,
)
from mediaserver.runtime.media_pool import MediaWorker
from mediaserver.runtime.worker.pool import Worker, WorkerPool
from mediaserver.runtime.worker.ports import PortRange
from mediaserver.runtime.worker.settings import WorkerSettings
from tests.support.rtp_rig import Phone, rtp

T = TypeVar("T")
HOST = "127.0.0.1"
PATIENCE_S = 20.0
LOW, HIGH = 17000, 17399
BEEP = np.full(1600, 8000, np.int16)
PROMPTS = {("beep", "en"): PromptPcm(pcm_8k=BEEP, pcm_16k=np.repeat(BEEP, 2))}


class Listener:
    """Everything a pool tells, and a way to wait for it."""

    def __init__(self, pool: WorkerPool) -> None:
        self.pool = pool
        self.events: list[Event] = []
        self.lost: list[MediaWorker] = []
        self._changed = asyncio.Event()
        pool.on_event = self._event
        pool.on_lost = self._lost

    def _event(self, event: Event) -> None:
        self.events.append(event)
        self._changed.set()

    def _lost(self, worker: MediaWorker) -> None:
        self.lost.append(worker)
        self._changed.set()

    async def until(self, reached: Callable[[], object]) -> None:
        """Wait for a condition on what was told; reports of load come every second and wake it too."""
        async with asyncio.timeout(PATIENCE_S):
            while not reached():
                self._changed.clear()
                await self._changed.wait()

    async def first(self, kind: type[T]) -> T:
        """The first event of a kind."""
        found: list[T] = []

        def there() -> bool:
            found.extend(event for event in self.events if isinstance(event, kind))
            return bool(found)

        await self.until(there)
        return found[0]


@asynccontextmanager
async def running(forwarder: str = "auto", load_limit: float = 0.99, legs: int = 16) -> AsyncIterator[Listener]:
    pool = WorkerPool(
        1,
        ports=PortRange(LOW, HIGH, time.monotonic),
        settings=WorkerSettings(forwarder=forwarder, engine=EngineConfig(legs=legs), realtime=False),
        prompts=PROMPTS,
        load_limit=load_limit,
    )
    listener = Listener(pool)
    await pool.start()
    try:
        yield listener
    finally:
        await pool.stop()


def chosen(pool: WorkerPool) -> Worker:
    worker = pool.choose()
    assert worker is not None
    return worker


async def open_call(listener: Listener, directory: Path) -> tuple[Worker, Phone, Phone, list[int]]:
    """Two phones, bridged and recorded; the worker's RTP ports for them."""
    pool = listener.pool
    worker = chosen(pool)
    phones = Phone(), Phone()
    ports = []
    for leg, phone in enumerate(phones):
        port = pool.take_port(HOST)
        assert port is not None
        ports.append(port)
        worker.send(OpenLeg(call_id="c-1", leg_id=leg, host=HOST, port=port))
        worker.send(
            SetLegMedia(
                leg_id=leg,
                codec=Codec.PCMU,
                payload_type=0,
                receive_payload_types=((0, Codec.PCMU),),
                remote=(HOST, phone.port),
                trusted_hosts=(HOST,),
            )
        )
    worker.send(Bridge(call_id="c-1", leg_a=0, leg_b=1))
    await listener.until(lambda: sum(isinstance(event, LegOpened) for event in listener.events) == 2)
    now = time.monotonic()
    worker.send(
        StartRecording(
            call_id="c-1",
            recording_id="r-1",
            user_leg=0,
            other_leg=1,
            directory=str(directory),
            sample_rate_hz=8000,
            at=now,
            answered_at=now,
        )
    )
    return worker, phones[0], phones[1], ports


async def talk(phone: Phone, port: int, frames: int, ssrc: int) -> None:
    """Loud noise, one packet each 20 ms of the loop's clock."""
    loop = asyncio.get_running_loop()
    start = loop.time()
    for frame in range(frames):
        phone.send(rtp(frame, frame * 160, ssrc=ssrc, payload=bytes([frame % 7, 128]) * 80), port)
        ticked = loop.create_future()
        loop.call_at(start + 0.02 * (frame + 1), ticked.set_result, None)
        await ticked
