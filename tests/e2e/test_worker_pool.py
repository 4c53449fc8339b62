"""Media workers as processes on loopback: they carry calls, finish recordings, die alone, are replaced."""

from __future__ import annotations

import os
import signal
import socket
import struct
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from mediaserver.media.messages import (
    CloseCall,
    Codec,
    FinishRecording,
    LegOpenFailed,
    OpenLeg,
    Play,
    PlayEnded,
    PromptAudio,
    RecordingFinished,
    SetLegMedia,
    WorkerLoad,
)
from mediaserver.runtime.forwarders import native_available
from tests.support.rtp_rig import Phone
from tests.support.worker_rig import HOST, LOW, chosen, open_call, running, talk

pytestmark = pytest.mark.e2e


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
