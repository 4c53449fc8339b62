"""An announcement is replaced while calls are up: the next play has the new one, one asked for before has the old."""

from __future__ import annotations

import numpy as np
import pytest

from mediaserver.media.config import PromptPcm
from mediaserver.media.g722 import G722Decoder
from mediaserver.media.messages import Codec, OpenSource, Play, PlayEnded, PromptAudio, SourceKind
from mediaserver.media.tones import sine, to_pcm
from tests.support.media_world import MediaWorld, Pcm

OLD_HZ, NEW_HZ = 600.0, 2000.0
NOTICE = PromptAudio(prompt="notice", language="en")


def notice(hz: float, seconds: float = 1.0) -> PromptPcm:
    """A tone for an announcement."""
    pcm = {rate: to_pcm(sine(hz, -10, round(seconds * rate), rate, 0)) for rate in (8000, 16000)}
    return PromptPcm(pcm_8k=pcm[8000], pcm_16k=pcm[16000])


def pitches(pcm: Pcm, rate_hz: int) -> list[float]:
    """The loudest frequency of each half second that is not silent, to 10 Hz; repeats are left out."""
    found: list[float] = []
    length = rate_hz // 2
    for part in pcm[: pcm.size // length * length].reshape(-1, length).astype(np.float64):
        if np.abs(part).max() > 1000:
            hz = round(float(np.argmax(np.abs(np.fft.rfft(part)))) * rate_hz / length, -1)
            found += [hz] if found[-1:] != [hz] else []
    return found


def play(world: MediaWorld, play_id: int, audio: PromptAudio = NOTICE) -> None:
    world.tell(Play(call_id="call", play_id=play_id, audio=(audio,), audience=(1,)))


def test_the_next_play_has_the_new_announcement() -> None:
    world = MediaWorld(prompts={("notice", "en"): notice(OLD_HZ)})
    a, _ = world.call()
    play(world, 1)
    world.run(101.2)
    world.engine.replace_prompt(("notice", "en"), notice(NEW_HZ))
    play(world, 2)
    world.run(102.5)
    assert pitches(a.audio(), 8000) == [OLD_HZ, NEW_HZ]


def test_one_that_sounds_goes_on_unharmed() -> None:
    """Sample for sample what is heard when nothing is replaced."""
    heard = []
    for replaced in (False, True):
        world = MediaWorld(prompts={("notice", "en"): notice(OLD_HZ, 2.0)})
        a, _ = world.call()
        play(world, 1)
        world.run(101.0)
        if replaced:
            world.engine.replace_prompt(("notice", "en"), notice(NEW_HZ, 0.1))
        world.run(102.5)
        assert [event.completed for event in world.told(PlayEnded)] == [True]
        heard.append(a.audio())
    assert np.array_equal(*heard)


@pytest.mark.parametrize("codec", [Codec.PCMU, Codec.G722])
def test_one_that_waits_is_heard_as_it_was_at_both_rates(codec: Codec) -> None:
    world = MediaWorld(prompts={("notice", "en"): notice(OLD_HZ)})
    a, _ = world.call(codec=codec)
    for play_id in (1, 2):
        play(world, play_id)
    world.run(100.4)
    world.engine.replace_prompt(("notice", "en"), notice(NEW_HZ))
    play(world, 3)
    world.run(103.5)
    decoder = G722Decoder()
    wide = codec is Codec.G722
    pcm = np.concatenate([decoder.decode(heard.packet.payload) for heard in a.heard]) if wide else a.audio()
    assert pitches(pcm, codec.sample_rate_hz) == [OLD_HZ, NEW_HZ]
    assert len(world.told(PlayEnded)) == 3


def test_an_announcement_that_stands_in_for_another_language_is_replaced_too() -> None:
    world = MediaWorld(prompts={("notice", "en"): notice(OLD_HZ)})
    a, _ = world.call()
    in_french = PromptAudio(prompt="notice", language="fr")
    play(world, 1, in_french)
    world.run(101.2)
    world.engine.replace_prompt(("notice", "en"), notice(NEW_HZ))
    play(world, 2, in_french)
    world.run(102.5)
    assert pitches(a.audio(), 8000) == [OLD_HZ, NEW_HZ]


def test_a_party_that_talks_goes_on_with_what_it_began_with() -> None:
    world = MediaWorld(prompts={("notice", "en"): notice(OLD_HZ)})
    a = world.phone(1)
    world.tell(OpenSource(call_id="call", leg_id=2, kind=SourceKind.PROMPTS, audio=(NOTICE,)))
    world.bridge()
    world.run(101.0)
    world.engine.replace_prompt(("notice", "en"), notice(NEW_HZ))
    world.run(103.0)
    assert pitches(a.audio(), 8000) == [OLD_HZ]


def test_the_announcements_an_engine_was_given_are_not_changed() -> None:
    given = {("notice", "en"): notice(OLD_HZ)}
    world = MediaWorld(prompts=given)
    old = given["notice", "en"]
    world.engine.replace_prompt(("notice", "en"), notice(NEW_HZ))
    assert given["notice", "en"] is old
