"""What the engine's own step costs: closed loop, no sockets, all calls of a worker at once.

``python bench/media_engine.py [--calls 100,300,500] [--seconds 4]`` prints CPU milliseconds per call-second
(thread time of ``step`` alone; packets are put into the batch by uncounted code). ``pass`` receives and places; the
other rows add recording, in-band detection on every leg, and mixing in both directions.
"""

from __future__ import annotations

import argparse
import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import gc
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from mediaserver.media.config import EngineConfig, PromptPcm
from mediaserver.media.engine import MediaEngine
from mediaserver.media.messages import Bridge, Codec, OpenLeg, Play, PromptAudio, SetLegMedia, StartRecording
from mediaserver.media.seam import LEG_DTYPE, ROW_BYTES, SOCKADDR_BYTES, Batch, Verdict
from mediaserver.media.sink import RecordingEnd, SinkResult

FRAME_NS = 20_000_000


class LoopForwarder:
    """Hands the engine one packet a leg and step, and counts what it sends."""

    kind = "bench"

    def __init__(self, legs: int) -> None:
        self.table = np.zeros(legs, LEG_DTYPE)
        self.rows = np.zeros((legs, ROW_BYTES), np.uint8)
        self.rows[:, 0] = 0x80
        self.rows[:, 12:172] = np.random.default_rng(1).integers(0, 255, (legs, 160), np.uint8)
        self.legs = legs
        self.ready = False
        self.sent = 0
        self.frame = 0
        self.now_ns = 0

    @contextmanager
    def held(self) -> Iterator[None]:
        yield

    def let_pass(self) -> None:
        pass

    def open_leg(self, row: int, host: str, port: int) -> int:
        self.table["open"][row], self.table["route"][row] = 1, -1
        return 20000 + 2 * row

    def close_leg(self, row: int) -> None:
        self.table["open"][row] = 0

    def tick(self, frame: int, now_ns: int) -> None:
        """One packet of every leg has come."""
        self.frame, self.now_ns, self.ready = frame, now_ns, True
        self.rows[:, 2:4] = np.frombuffer((frame & 0xFFFF).to_bytes(2, "big"), np.uint8)
        self.rows[:, 4:8] = np.frombuffer((frame * 160).to_bytes(4, "big"), np.uint8)

    def collect(self) -> Batch:
        n = self.legs if self.ready else 0
        verdict = Verdict.NEW_SSRC if self.frame == 1 else Verdict.KEPT
        self.ready = False
        return Batch(
            rows=self.rows[:n],
            lengths=np.full(n, 172, np.int32),
            legs=np.arange(n, dtype=np.int32),
            arrival_ns=np.full(n, self.now_ns),
            verdicts=np.full(n, verdict, np.uint8),
            sources=np.zeros((n, SOCKADDR_BYTES), np.uint8),
        )

    def send(self, rows: np.ndarray, lengths: np.ndarray, legs: np.ndarray) -> None:
        self.sent += len(legs)

    def send_rtcp(self, row: int, data: bytes) -> None:
        pass

    def close(self) -> None:
        pass


class NullSink:
    """Takes blocks and forgets them: what disks cost is measured with the worker."""

    def write(self, block: np.ndarray) -> None: ...
    def write_heard(self, block: np.ndarray) -> None: ...
    def mark(self, mark: object) -> None: ...
    def finish(self, end: RecordingEnd) -> None: ...
    def abandon(self) -> None: ...
    def poll(self) -> SinkResult | None:
        return None


def measure(calls: int, seconds: float, *, record: bool, detect: bool, mix: bool) -> tuple[float, float, float]:
    """CPU-ms per call-second: mean and median over steps; and the longest step, ms."""
    forwarder = LoopForwarder(2 * calls)
    noise = np.random.default_rng(2).integers(-3000, 3000, 16000 * 60).astype(np.int16)
    prompts = {("long", "en"): PromptPcm(pcm_8k=noise[: 8000 * 60], pcm_16k=noise)}
    state = iter(range(1, 1 << 30))
    engine = MediaEngine(
        forwarder, prompts, EngineConfig(legs=2 * calls), lambda _: NullSink(), random_u32=lambda: next(state) * 7919
    )
    base = 1000.0
    for call in range(calls):
        name = f"call-{call}"
        for leg in (2 * call, 2 * call + 1):
            engine.command(OpenLeg(call_id=name, leg_id=leg, host="127.0.0.1", port=0), base)
            engine.command(
                SetLegMedia(
                    leg_id=leg,
                    codec=Codec.PCMU,
                    payload_type=0,
                    receive_payload_types=((0, Codec.PCMU),),
                    telephone_event_receive=None if detect else 101,
                    remote=("127.0.0.1", 9000),
                ),
                base,
            )
        engine.command(Bridge(call_id=name, leg_a=2 * call, leg_b=2 * call + 1), base)
        if record:
            engine.command(
                StartRecording(
                    call_id=name,
                    recording_id=name,
                    user_leg=2 * call,
                    other_leg=2 * call + 1,
                    directory="",
                    sample_rate_hz=8000,
                    at=base + (call % 50) * 0.02,
                    answered_at=base,
                ),
                base,
            )
        if mix:
            audio = (PromptAudio(prompt="long", language="en"),)
            engine.command(Play(call_id=name, play_id=call, audio=audio, audience=(2 * call, 2 * call + 1)), base)
    gc.collect()
    gc.freeze()
    gc.disable()
    spent: list[float] = []
    for frame in range(1, round((seconds + 2) * 50)):
        now = base + frame * 0.02
        forwarder.tick(frame, round(now * 1e9))
        began = time.thread_time()
        engine.step(now)
        spent.append(time.thread_time() - began)
        engine.events()
    gc.enable()
    steady = np.array(spent[100:])
    per_call_second = 50 * 1000 / calls
    return (
        float(steady.mean()) * per_call_second,
        float(np.median(steady)) * per_call_second,
        float(steady.max()) * 1000,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", default="100,300,500")
    parser.add_argument("--seconds", type=float, default=4.0)
    options = parser.parse_args()
    modes = {
        "pass": {"record": False, "detect": False, "mix": False},
        "pass + record": {"record": True, "detect": False, "mix": False},
        "pass + record + in-band": {"record": True, "detect": True, "mix": False},
        "mix": {"record": False, "detect": False, "mix": True},
        "mix + record + in-band": {"record": True, "detect": True, "mix": True},
    }
    print("CPU-ms per call-second, mean (median) | longest step ms")
    for calls in map(int, options.calls.split(",")):
        for name, mode in modes.items():
            mean, median, longest = measure(calls, options.seconds, **mode)
            print(f"{calls:5d} calls  {name:26s} {mean:6.3f} ({median:6.3f}) | {longest:6.1f}")


if __name__ == "__main__":
    main()
