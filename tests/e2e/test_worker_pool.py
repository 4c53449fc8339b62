"""Media workers as processes on loopback: they carry calls, finish recordings, die alone, are replaced."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import struct
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest
import soundfile

from mediaserver.media.config import EngineConfig, PromptPcm
from mediaserver.media.messages import (
    Bridge,
    CloseCall,
    Codec,
    Event,
    FinishRecording,
    LegOpened,
    LegOpenFailed,
    OpenLeg,
    Play,
    PlayEnded,
    PromptAudio,
    RecordingFinished,
    SetLegMedia,
    StartRecording,
    WorkerLoad,
)
from mediaserver.runtime.forwarders import native_available
from mediaserver.runtime.media_pool import MediaWorker
from mediaserver.runtime.worker.pool import Worker, WorkerPool
from mediaserver.runtime.worker.ports import PortRange
from mediaserver.runtime.worker.settings import WorkerSettings
from tests.support.rtp_rig import Phone, rtp

pytestmark = pytest.mark.e2e

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


@pytest.mark.parametrize("forwarder", ["native", "python"] if native_available() else ["python"])
async def test_a_call_is_carried_and_recorded(forwarder: str, tmp_path: Path) -> None:
    """What one phone says the other hears as it was said, and it stands in its own channel of the file."""
    async with running(forwarder) as listener:
        worker, a, b, ports = await open_call(listener, tmp_path)
        assert worker.ready is not None
        assert worker.ready.forwarder == forwarder
        await talk(a, ports[0], 50, 0xAAAA)
        heard = [b.socket.recv(2048)[12:] for _ in range(40)]
        worker.send(FinishRecording(recording_id="r-1", at=time.monotonic(), keep=True))
        told = await listener.first(RecordingFinished)
        worker.send(CloseCall(call_id="c-1"))
        for phone in (a, b):
            phone.socket.close()
    assert {bytes([n, 128]) * 80 for n in range(7)} >= set(heard)
    samples, rate = soundfile.read(tmp_path / "audio.part", dtype="int16")
    assert (told.complete, told.samples, rate) == (True, len(samples), 8000)
    assert np.abs(samples[:, 0]).max() > 8000
    assert np.abs(samples[:, 1]).max() == 0


async def test_a_graceful_stop_finishes_open_recordings(tmp_path: Path) -> None:
    """The pool's stop returns when the file is whole and told."""
    async with running() as listener:
        _, a, b, ports = await open_call(listener, tmp_path)
        await talk(a, ports[0], 25, 0xAAAA)
        a.socket.close()
        b.socket.close()
    told = [event for event in listener.events if isinstance(event, RecordingFinished)]
    samples, _ = soundfile.read(tmp_path / "audio.part", dtype="int16")
    assert [(event.recording_id, event.complete, event.samples) for event in told] == [("r-1", True, len(samples))]
    assert (listener.lost, listener.pool.workers) == ([], [])


async def test_a_killed_worker_is_told_and_replaced(tmp_path: Path) -> None:
    """Within a second another one is ready; what the dead one wrote stays, all but the last moments."""
    async with running() as listener:
        worker, a, b, ports = await open_call(listener, tmp_path)
        await talk(a, ports[0], 90, 0xAAAA)
        assert worker.pid is not None
        await listener.until(lambda: listener.pool.spare is not None and listener.pool.spare.ready)
        spare = listener.pool.spare
        died = time.monotonic()
        os.kill(worker.pid, signal.SIGKILL)
        await listener.until(lambda: listener.lost)
        took_s = time.monotonic() - died
        assert listener.lost == [worker]
        worker.send(CloseCall(call_id="c-1"))  # goes nowhere, and that is no error
        assert chosen(listener.pool) is spare
        await listener.until(lambda: listener.pool.spare is not None and listener.pool.spare.ready)
        a.socket.close()
        b.socket.close()
    assert took_s < 1.0
    written = (tmp_path / "audio.part").stat().st_size - 44
    assert written >= 8000 * 4 * 0.5
    head = (tmp_path / "audio.part").read_bytes()[:44]
    assert struct.unpack_from("<I", head, 40) == (0,)


async def test_a_port_somebody_else_has_is_told() -> None:
    async with running() as listener:
        port = listener.pool.take_port(HOST)
        assert port is not None
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
            other.bind((HOST, port))
            chosen(listener.pool).send(OpenLeg(call_id="c-1", leg_id=7, host=HOST, port=port))
            told = await listener.first(LegOpenFailed)
    assert told == LegOpenFailed(leg_id=7, reason="address-in-use")


async def test_prompts_reach_the_worker() -> None:
    """A play to a leg ends by itself: the announcement was there."""
    async with running() as listener:
        worker, phone = chosen(listener.pool), Phone()
        worker.send(OpenLeg(call_id="c-1", leg_id=1, host=HOST, port=LOW + 100))
        worker.send(
            SetLegMedia(
                leg_id=1,
                codec=Codec.PCMU,
                payload_type=0,
                receive_payload_types=((0, Codec.PCMU),),
                remote=(HOST, phone.port),
            )
        )
        worker.send(Play(call_id="c-1", play_id=3, audio=(PromptAudio(prompt="beep", language="en"),), audience=(1,)))
        told = await listener.first(PlayEnded)
        assert len(phone.socket.recv(2048)) == 172
        phone.socket.close()
    assert (told.play_id, told.completed) == (3, True)


async def test_workers_at_their_limit_are_not_chosen() -> None:
    """By load, and by the number of legs there is room for."""
    async with running(load_limit=0.0) as listener:
        assert listener.pool.choose() is None
    async with running(legs=4) as listener:
        for call in range(2):
            chosen(listener.pool).send(OpenLeg(call_id=f"c-{call}", leg_id=call, host=HOST, port=0))
        assert listener.pool.choose() is None
        listener.pool.workers[0].send(CloseCall(call_id="c-0"))
        assert listener.pool.choose() is listener.pool.workers[0]


async def test_an_idle_worker_costs_little() -> None:
    """A report a second, and next to no processor time (the product's limit is 1 %; this shared machine gets room)."""
    async with running() as listener:
        listener.events.clear()
        await listener.until(lambda: sum(isinstance(event, WorkerLoad) for event in listener.events) >= 2)
        loads = [event for event in listener.events if isinstance(event, WorkerLoad)]
    assert loads[-1].legs == 0
    assert loads[-1].load < 0.05
