"""The worker inside the main process: same commands and events as a process, on the caller's own clock."""

from __future__ import annotations

import asyncio
from pathlib import Path

from mediaserver.media.config import EngineConfig
from mediaserver.media.memory import MemoryForwarder
from mediaserver.media.messages import (
    CloseCall,
    Event,
    FinishRecording,
    LegOpened,
    OpenLeg,
    RecordingFinished,
    StartRecording,
)
from mediaserver.runtime.worker.local import LocalPool


class SteppedLoop(asyncio.SelectorEventLoop):
    """A loop whose clock jumps to its next timer when nothing else is to be done."""

    def __init__(self) -> None:
        super().__init__()
        self.at = 50.0

    def time(self) -> float:
        return self.at

    def run_for(self, seconds: float) -> None:
        """Let the clock run."""
        end = self.at + seconds
        while self.at < end:
            self.call_soon(self.stop)
            self.run_forever()
            timers = [timer.when() for timer in getattr(self, "_scheduled", []) if not timer.cancelled()]
            self.at = min([end, *timers])
        self.call_soon(self.stop)
        self.run_forever()


def pool_on(loop: SteppedLoop) -> tuple[LocalPool, list[Event]]:
    forwarder = MemoryForwarder(8, lambda data, source, target: None, lambda: int(loop.time() * 1e9))
    pool = LocalPool(loop, forwarder, {}, EngineConfig(legs=8), lambda: 7)
    events: list[Event] = []
    pool.on_event = events.append
    return pool, events


def test_a_whole_recording_in_no_time(tmp_path: Path) -> None:
    """Ten minutes of two silent legs: a complete file of exactly that length, told by the same events as a process'."""
    loop = SteppedLoop()
    pool, events = pool_on(loop)
    worker = pool.choose()
    assert worker is not None
    assert pool.take_port("10.0.0.1") == 0
    for leg in range(2):
        worker.send(OpenLeg(call_id="c", leg_id=leg, host="10.0.0.1", port=0))
    loop.run_for(0.1)
    assert [event for event in events if isinstance(event, LegOpened)] == [
        LegOpened(leg_id=0, port=20000),
        LegOpened(leg_id=1, port=20002),
    ]
    start = StartRecording(
        call_id="c",
        recording_id="r",
        user_leg=0,
        other_leg=1,
        directory=str(tmp_path),
        sample_rate_hz=8000,
        at=51.0,
        answered_at=51.0,
    )
    worker.send(start)
    loop.run_for(600.9)
    worker.send(FinishRecording(recording_id="r", at=651.0, keep=True))
    worker.send(CloseCall(call_id="c"))
    loop.run_for(2.0)
    told = next(event for event in events if isinstance(event, RecordingFinished))
    assert (told.complete, told.samples, told.size_bytes) == (True, 600 * 8000, 44 + 600 * 8000 * 4)
    pool.give_back("10.0.0.1", 0)
    pool.close()
    loop.close()


def test_a_closed_worker_does_nothing_more() -> None:
    loop = SteppedLoop()
    pool, events = pool_on(loop)
    pool.close()
    pool.worker.send(OpenLeg(call_id="c", leg_id=1, host="10.0.0.1", port=0))
    pool.worker.wake()
    loop.run_for(1.0)
    assert events == []
    loop.close()


def test_datagrams_bring_the_next_step_forward() -> None:
    """Nothing is due on an idle worker; ``wake`` asks for a step at the next 20 ms."""
    loop = SteppedLoop()
    pool, _ = pool_on(loop)
    pool.worker.wake()
    timer = pool.worker._timer
    pool.worker.wake()
    assert timer is pool.worker._timer
    assert timer is not None
    assert 0 < timer.when() - loop.time() <= 0.02 + 1e-9
    loop.run_for(0.1)
    assert pool.worker._timer is None
    pool.close()
    loop.close()
