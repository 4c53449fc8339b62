"""A worker that stood still, or reads slowly after it did, loses nothing of what had come, and shifts nothing."""

from __future__ import annotations

import time
from collections import defaultdict
from dataclasses import replace

import numpy as np
import pytest

from callmodel.manifest import MarkKind
from mediaserver.media.backlog import PATIENCE_TICKS, Backlog
from mediaserver.media.config import EngineConfig
from mediaserver.media.memory import MemoryForwarder
from mediaserver.media.messages import (
    Bridge,
    CloseLeg,
    Codec,
    FinishRecording,
    LegStatistics,
    MarkRecording,
    OpenSource,
    SourceKind,
    ToneAudio,
)
from mediaserver.media.seam import Batch, Verdict
from tests.support.media_world import MediaWorld, Pcm, speech

CONFIG = EngineConfig(legs=16, held_up_s=0.25, rtcp_interval_s=0)


class SlowReader(MemoryForwarder):
    """Hands over at most ``rate`` datagrams a socket and step, as a loop does that reads one a round; the rest waits
    with its arrival time, as in a kernel's buffer."""

    rate = 1 << 30

    def collect(self) -> Batch:
        taken: dict[int, int] = defaultdict(int)
        now: list[tuple[bytes, int, int, Verdict, bytes]] = []
        later: list[tuple[bytes, int, int, Verdict, bytes]] = []
        for each in self._kept:
            taken[each[1]] += 1
            (now if taken[each[1]] <= self.rate else later).append(each)
        self._kept = now
        batch = super().collect()
        self._kept = later
        return batch


def _world(config: EngineConfig = CONFIG) -> tuple[MediaWorld, SlowReader]:
    world = MediaWorld(config=config)
    slow = SlowReader(config.legs, world._transmit, lambda: round(world.now * 1e9))
    world.forwarder = slow
    world.engine = type(world.engine)(slow, {}, config, world._open_sink, random_u32=world._random_u32)
    return world, slow


def _run(world: MediaWorld, until: float) -> None:
    """Steps every 20 ms, as a worker process makes them; a packet's arrival is when it came."""
    for frame in range(round(world.now * 50) + 1, round(until * 50) + 1):
        _arrive(world, frame / 50)
        world.step()


def _arrive(world: MediaWorld, until: float) -> None:
    while world._arrivals and world._arrivals[0][0] <= until:
        world.now = world._arrivals[0][0]
        world.deliver()
    world.now = until


def _stall(world: MediaWorld, until: float) -> None:
    """The kernel takes packets in, nobody steps."""
    _arrive(world, until)


@pytest.mark.parametrize("stalled_s", [0.3, 1.0, 2.0])
@pytest.mark.parametrize("rate", [0, 3, 1 << 30])
def test_a_stalled_worker_loses_no_packet_and_shifts_nothing(stalled_s: float, rate: int) -> None:
    """At the first step nothing, a few packets a socket or all of them have been read; then a few more each step."""
    world, slow = _world()
    a, b = world.call()
    sink = world.record()
    said = a.talk(speech(8 * 8000), 100.003), b.talk(speech(8 * 8000, 2), 100.009)
    _run(world, 102.3)
    _stall(world, 102.3 + stalled_s)
    slow.rate = rate
    world.step()
    slow.rate = max(rate, 5)
    _run(world, 110)
    world.tell(FinishRecording(recording_id="rec", at=110.0, keep=True))
    _run(world, 111)
    audio = sink.audio
    assert audio.shape == (80000, 2)
    for channel, (samples, began) in enumerate(zip(said, (24, 72), strict=True)):
        assert np.array_equal(audio[began : began + samples.size, channel], samples)
    assert [mark for mark in sink.marks if mark.kind in (MarkKind.GAP, MarkKind.DRIFT)] == []
    world.tell(CloseLeg(leg_id=1))
    lost = world.told(LegStatistics)[0]
    assert (lost.packets_received, lost.packets_lost, lost.dropped) == (400, 0, ())


def test_a_command_after_a_stall_does_not_write_what_is_not_read() -> None:
    """It comes before the step, and again while packets wait."""
    world, slow = _world()
    a, _ = world.call()
    sink = world.record()
    said = a.talk(speech(4 * 8000), 100.003)
    _run(world, 101)
    _stall(world, 102.8)
    note = MarkRecording(recording_id="rec", kind=MarkKind.CODE, at=102.8, detail=())
    world.tell(note)
    slow.rate = 2
    world.step()
    world.tell(note)
    slow.rate = 20
    _run(world, 106)
    assert np.array_equal(sink.audio[24 : 24 + said.size, 0], said)


def test_what_a_source_said_meanwhile_is_in_the_record() -> None:
    """A tone of ours goes on without a seam through two seconds in which nobody stepped."""
    records: list[Pcm] = []
    for stalls in (False, True):
        world, _ = _world()
        world.phone(1)
        tone = ToneAudio(hz=1004, on_ms=0, level_dbm0=-10)
        world.tell(OpenSource(call_id="call", leg_id=2, kind=SourceKind.TONE, audio=(tone,)))
        world.tell(Bridge(call_id="call", leg_a=1, leg_b=2))
        sink = world.record()
        _run(world, 101)
        if stalls:
            _stall(world, 103)
        _run(world, 106)
        records.append(sink.audio)
    assert records[0][:, 1].any()
    assert np.array_equal(records[1], records[0])


def test_an_announcement_goes_on_while_packets_wait() -> None:
    """Frames are composed in time whatever waits; of the speech that is not read yet nothing stale is heard."""
    world, slow = _world()
    a = world.phone(1)
    b = world.phone(2, codec=Codec.PCMA)
    world.bridge()
    a.talk(speech(6 * 8000), 100.003)
    _run(world, 104.5)
    _stall(world, 105.5)
    slow.rate = 0
    before = len(b.heard)
    world.step()
    _run(world, 105.6)
    assert len(b.heard) == before  # who has not been heard for so long is not sent as silence
    slow.rate = 50
    _run(world, 105.8)
    assert len(b.heard) > before


def test_packets_never_wait_in_virtual_time() -> None:
    """A step after a minute writes all that is finished at once."""
    world, _ = _world(replace(CONFIG, held_up_s=0.0))
    world.call()
    sink = world.record()
    world.now = 160.0
    world.step()
    assert sink.audio.shape == (59 * 8000 + 4000, 2)  # half seconds, a quarter of one behind


def test_a_backlog_begins_with_a_late_step_and_ends_with_fresh_packets() -> None:
    backlog = Backlog(2000)
    assert [backlog.look(tick, None) for tick in (0, 160, 320)] == [False] * 3
    assert (backlog.late(2319), backlog.late(2320)) == (False, True)
    assert backlog.look(2400, 400)
    assert backlog.there
    assert backlog.look(2560, 500)
    assert not backlog.look(2720, 2000)
    assert not backlog.there


def test_old_packets_show_a_backlog_though_no_step_was_late() -> None:
    backlog = Backlog(2000)
    assert not backlog.look(160, 100)
    assert not backlog.look(320, 160 - 640)
    assert backlog.look(480, 320 - 801)


def test_recordings_wait_for_packets_for_two_seconds_at_most() -> None:
    backlog = Backlog(2000)
    backlog.look(0, None)
    waits = [backlog.look(tick, 0) for tick in range(2000, 2000 + PATIENCE_TICKS + 161, 160)]
    assert waits.index(False) == PATIENCE_TICKS // 160
    assert backlog.there


def test_the_first_call_after_a_month_of_idleness_starts_at_once() -> None:
    """Nothing waited while no leg was open: the time line begins with the call, and not at the clock's zero."""
    world, _ = _world()
    world.now = 30 * 86400.0
    began = time.process_time()
    phone = world.phone(1)
    tone = ToneAudio(hz=1004, on_ms=0, level_dbm0=-10)
    world.tell(OpenSource(call_id="call", leg_id=2, kind=SourceKind.TONE, audio=(tone,)))
    world.tell(Bridge(call_id="call", leg_a=1, leg_b=2))
    world.record()
    _run(world, world.now + 1.0)
    assert time.process_time() - began < 5.0  # a step over a month of half seconds would take an hour
    assert len(phone.heard) >= 49
