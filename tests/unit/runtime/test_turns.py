"""A media worker's threads take turns on a core: a packet waits for a piece of a step, not for the step."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable

from mediaserver.media.config import EngineConfig
from mediaserver.media.engine import MediaEngine
from mediaserver.media.memory import MemoryForwarder
from mediaserver.media.seam import Verdict
from mediaserver.runtime.forwarders import native_available
from mediaserver.runtime.forwarders.python import PythonForwarder
from mediaserver.runtime.turns import give_way
from mediaserver.runtime.worker.hygiene import ask_for_realtime
from tests.support.media_world import MediaWorld
from tests.support.rtp_rig import Rig, rtp, unpack

REFUSED = "no real-time priority here"
BLOCKS_IN_TWO_SECONDS = 3
"""Half a second each; the fourth waits for late packets."""


def on_one_core(work: Callable[[], str]) -> str:
    """What ``work`` says on a thread of its own: one core, SCHED_RR, and so has every thread it starts."""
    said: list[str] = []

    def run() -> None:
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
        said.append(work() if ask_for_realtime() else REFUSED)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    (answer,) = said
    return answer


def test_a_packet_passes_between_two_pieces_of_a_busy_thread() -> None:
    """And not before: the forwarder's thread has no higher priority."""

    def work() -> str:
        from mediaserver.runtime.forwarders.native import NativeForwarder

        rig = Rig(NativeForwarder(8))
        try:
            give_way()  # the thread is in its wait
            rig.a.send(rtp(7, 900), rig.port_a)
            before = rig.b.nothing_there()
            rig.forwarder.let_pass()
            return f"{before} {rig.b.nothing_there()}"
        finally:
            rig.close()

    if native_available():
        assert on_one_core(work) in ("True False", REFUSED)


async def test_the_python_forwarder_reads_what_waits_in_the_middle_of_a_step() -> None:
    """The loop has not gone round in between; what came is kept too, once."""
    rig = Rig(PythonForwarder(8, asyncio.get_running_loop()))
    try:
        rig.a.send(rtp(7, 900), rig.port_a)
        assert rig.b.nothing_there()
        rig.forwarder.let_pass()
        assert not rig.b.nothing_there()
        assert [each.verdict for each in await rig.keep(1)] == [Verdict.PASSED]
        await asyncio.sleep(0)
        assert not unpack(rig.forwarder.collect())
    finally:
        rig.close()


def test_giving_way_changes_nothing_elsewhere() -> None:
    before = os.sched_getscheduler(0)
    give_way()
    assert os.sched_getscheduler(0) == before


class Counting(MemoryForwarder):
    """Counts how often packets may go first."""

    turns = 0

    def let_pass(self) -> None:
        super().let_pass()
        self.turns += 1


def turns_in_a_flush(recordings: int) -> int:
    """Of a step in which so many recordings write half a second."""
    config = EngineConfig(legs=4, rtcp_interval_s=0)
    world = MediaWorld(config=config)
    world.forwarder = counting = Counting(config.legs, world._transmit, lambda: round(world.now * 1e9))
    world.engine = MediaEngine(counting, {}, config, world._open_sink, random_u32=world._random_u32)
    world.call()
    for number in range(recordings):
        world.record(f"r-{number}")
    world.now += 2.0
    before = counting.turns
    world.step()
    return counting.turns - before


def test_packets_may_go_first_after_each_recording_that_writes() -> None:
    assert turns_in_a_flush(recordings=9) - turns_in_a_flush(recordings=1) == 8 * BLOCKS_IN_TWO_SECONDS
