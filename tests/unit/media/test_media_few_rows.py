"""A few rows are composed one by one, many in bulk: both send the same bytes at the same instants."""

from __future__ import annotations

import numpy as np
import pytest

from mediaserver.media import mixer as mixer_module
from mediaserver.media.config import EngineConfig
from mediaserver.media.messages import (
    ArmReminder,
    Bridge,
    Codec,
    OpenSource,
    Play,
    PromptAudio,
    SourceKind,
    StopPlay,
    ToneAudio,
)
from tests.support.media_world import MediaWorld, Pcm, Phone, prompt, speech

Sent = list[tuple[float, bytes]]


def _world() -> MediaWorld:
    return MediaWorld(prompts={("notice", "en"): prompt(speech(9000, 7, 30000))}, config=EngineConfig(legs=8))


def _sent(*phones: Phone) -> list[Sent]:
    return [[(heard.at, bytes(heard.packet)) for heard in phone.heard] for phone in phones]


def _told(world: MediaWorld, *phones: Phone) -> tuple[list[Sent], Pcm]:
    return _sent(*phones), world.sinks["rec"].heard


def _announced(talks: bool) -> tuple[list[Sent], Pcm]:
    """An announcement to both, one to one of them that is cut, and a reminder; over speech or not."""
    world = _world()
    a, b = world.phone(1), world.phone(2, codec=Codec.PCMA)
    world.bridge()
    world.record(heard=True)
    if talks:
        a.talk(speech(24000, 1, 32000), 100.003)
        b.talk(speech(16000, 2, 32000), 100.6)
    notice = (PromptAudio(prompt="notice", language="en"),)
    world.run(100.5)
    world.tell(Play(call_id="call", play_id=1, audio=notice, audience=(1, 2)))
    world.tell(Play(call_id="call", play_id=2, audio=notice, audience=(2,), alone=True))
    tone = ToneAudio(hz=1400, on_ms=130)
    world.tell(ArmReminder(recording_id="rec", interval_s=4, tone=tone, audience=(1, 2), at=100.5))
    world.run(102.2)
    world.tell(StopPlay(play_id=2))
    world.run(110)
    return _told(world, a, b)


def _alone() -> tuple[list[Sent], Pcm]:
    """A phone that listens to a tone of ours, and hears an announcement over it."""
    world = _world()
    a = world.phone(1)
    tone = ToneAudio(hz=1004, on_ms=0, level_dbm0=0)
    world.tell(OpenSource(call_id="call", leg_id=2, kind=SourceKind.TONE, audio=(tone,)))
    world.tell(Bridge(call_id="call", leg_a=1, leg_b=2))
    world.record(heard=True)
    world.tell(Play(call_id="call", play_id=1, audio=(PromptAudio(prompt="notice", language="en"),), audience=(1,)))
    world.run(103)
    return _told(world, a)


@pytest.mark.parametrize("situation", ["over-speech", "over-silence", "over-a-tone"])
def test_few_rows_and_many_are_composed_alike(situation: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every packet of every phone, and what is noted as heard, bit for bit."""
    runs: list[tuple[list[Sent], Pcm]] = []
    for few in (0, 6):
        monkeypatch.setattr(mixer_module, "FEW_ROWS", few)
        runs.append(_alone() if situation == "over-a-tone" else _announced(situation == "over-speech"))
    (bulk, bulk_heard), (single, single_heard) = runs
    assert min(len(sent) for sent in bulk) > 50
    assert single == bulk
    assert np.array_equal(single_heard, bulk_heard)
