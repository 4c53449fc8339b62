"""What is injected, rendered once."""

from __future__ import annotations

import numpy as np
import pytest

from mediaserver.media import bank as bank_module
from mediaserver.media.bank import Bank
from mediaserver.media.messages import Play, PlayEnded, PromptAudio
from tests.support.media_world import MediaWorld, prompt, speech


def test_the_same_key_is_stored_once_and_found_by_its_place() -> None:
    bank = Bank()
    one, other = bank.place("a", speech(200)), bank.place("b", speech(100_000, 2))
    assert bank.place("a", speech(200)) == one
    frames = bank.frames(np.array([0, one, other, one + 160]))
    assert not frames[0].any()
    assert np.array_equal(frames[1], speech(200)[:160])
    assert np.array_equal(frames[2], speech(100_000, 2)[:160])
    assert np.array_equal(frames[3], np.concatenate([speech(200)[160:], np.zeros(120, np.int16)]))


def test_a_full_bank_is_emptied_under_what_plays(monkeypatch: pytest.MonkeyPatch) -> None:
    """The long prompt goes on without a seam when a short one ends and the bank begins anew."""
    monkeypatch.setattr(bank_module, "KEPT_SAMPLES", 1000)
    world = MediaWorld(prompts={("long", "en"): prompt(speech(8000)), ("short", "en"): prompt(speech(1600, 2))})
    a, _ = world.call()
    for play_id, leg, name in ((1, 2, "short"), (2, 1, "long")):
        audio = (PromptAudio(prompt=name, language="en"),)
        world.tell(Play(call_id="call", play_id=play_id, audio=audio, audience=(leg,)))
    world.run(101.5)
    error = a.audio()[:8000].astype(int) - speech(8000)
    assert np.abs(error).max() <= 260
    assert [event.play_id for event in world.told(PlayEnded)] == [1, 2]
