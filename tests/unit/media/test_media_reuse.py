"""A row that is used anew begins in silence, whatever was said in it before."""

from __future__ import annotations

import numpy as np
import pytest

from callmodel.manifest import MarkKind
from mediaserver.media.config import EngineConfig
from mediaserver.media.messages import CloseCall, Codec
from tests.support.media_world import MediaWorld, speech


@pytest.mark.parametrize("codec", [Codec.PCMU, Codec.G722])
def test_a_row_used_again_holds_nothing_of_its_last_leg(codec: Codec) -> None:
    """The second call's recording of a silent phone is silent, though its rows have just been talked in."""
    world = MediaWorld(config=EngineConfig(legs=2))
    for phone in world.call(codec=codec):
        for number in range(100):
            payload = speech(160, number).astype(np.int8).astype(np.uint8).tobytes()
            phone.send(phone.packet(payload), 100 + number * 0.02)
    world.run(102)
    world.tell(CloseCall(call_id="call"))
    world.step()
    world.call()
    world.now = 102.02
    sink = world.record(at=101.0)
    world.run(106)
    assert sink.audio.shape == (36000, 2)
    assert not sink.audio.any()


@pytest.mark.parametrize("late", [False, True])
def test_each_loss_is_told_once_however_long_after_the_last(late: bool) -> None:
    """Losses seconds apart, with whole seconds without any between; a packet that comes late is none."""
    world = MediaWorld()
    a, _ = world.call()
    sink = world.record()
    samples = speech(20 * 8000)
    codes = samples.astype(np.int8).astype(np.uint8)
    lost = {100, 101, 700}
    for number in range(1000):
        data = a.packet(codes[number * 160 : number * 160 + 160].tobytes())
        if number not in lost:
            a.send(data, 100 + number * 0.02 + (0.1 if late and number == 400 else 0))
    world.run(122)
    gaps = [mark for mark in sink.marks if mark.kind is MarkKind.GAP]
    assert [(gap.call_ms, gap.length_ms, gap.detail) for gap in gaps] == [
        (2000, 40, {"packets_lost": "2"}),
        (14000, 20, {"packets_lost": "1"}),
    ]
