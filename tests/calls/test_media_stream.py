"""The stream that a phone gets, packet by packet, however often it changes who makes it: its numbers and its clock."""

from __future__ import annotations

import random
from itertools import pairwise

import numpy as np
import pytest

from mediaserver.media.g711 import encoded
from mediaserver.media.messages import ArmReminder, Codec, Play, PromptAudio, ToneAudio
from mediaserver.media.tones import sine, to_pcm
from tests.support.media_world import MediaWorld, Phone, prompt, speech

NOTICE = PromptAudio(prompt="notice", language="en")
TONE = ToneAudio(hz=1400, on_ms=500)


def transits_ms(phone: Phone) -> list[float]:
    """How late each audio packet came by its timestamp, against the first."""
    audio = [heard for heard in phone.heard if heard.packet.payload_type != 101]
    zero = audio[0]
    return [
        1000 * (heard.at - zero.at) - (heard.packet.timestamp - zero.packet.timestamp + 2**31) % 2**32 / 8 + 2**31 / 8
        for heard in audio
    ]


def sequence_steps(phone: Phone) -> set[int]:
    return {(y.packet.sequence - x.packet.sequence) & 0xFFFF for x, y in pairwise(phone.heard)}


def jittering(phone: Phone, at: float, seconds: int, jitter_s: float, *, in_order: bool) -> None:
    """Speech whose packets come up to ``jitter_s`` late."""
    chance = random.Random(7)
    codes = encoded(Codec.PCMU, to_pcm(sine(437, -20, seconds * 8000, 8000))).tobytes()
    before = 0.0
    for number in range(len(codes) // 160):
        due = at + number * 0.02 + chance.random() * jitter_s
        before = max(due, before + 1e-5) if in_order else due
        phone.send(phone.packet(codes[number * 160 : number * 160 + 160]), before)


@pytest.mark.parametrize("jitter_ms", [12, 30, 60])
def test_breaks_in_jittering_speech_do_not_put_the_stream_off(jitter_ms: int) -> None:
    """Sixty announcements later what was least late is as late as before the first."""
    world = MediaWorld()
    a, b = world.call()
    jittering(a, 100.001, 120, jitter_ms / 1000, in_order=True)
    world.tell(ArmReminder(recording_id="rec", interval_s=2, tone=TONE, audience=(2,), at=100.0))
    world.run(219)
    transits = transits_ms(b)
    assert max(transits) - min(transits) <= jitter_ms + 20
    passed = [transit for heard, transit in zip(b.heard, transits, strict=True) if round(heard.at * 1e6) % 20_000]
    assert min(passed[:250]) == pytest.approx(min(passed[-250:]), abs=2)
    assert sequence_steps(b) == {1}
    assert len(b.heard) <= 5951


def test_what_comes_late_around_a_break_has_a_number_and_a_time_of_its_own() -> None:
    """Packets overtake each other by up to two: no two that the phone gets have the same number or the same time."""
    world = MediaWorld()
    a, b = world.call()
    jittering(a, 100.001, 120, 0.06, in_order=False)
    world.tell(ArmReminder(recording_id="rec", interval_s=2, tone=TONE, audience=(2,), at=100.0))
    world.run(221)
    sequences = [heard.packet.sequence for heard in b.heard]
    times = [heard.packet.timestamp for heard in b.heard]
    assert len(set(sequences)) == len(sequences)
    assert len(set(times)) == len(times)


def test_a_phone_whose_packets_come_on_the_frame_itself_is_not_hurried() -> None:
    """A little before the frame or a little after, as it falls: a packet more or less would add up."""
    world = MediaWorld(prompts={("notice", "en"): prompt(speech(8000, 9, 3000))})
    a, b = world.call()
    jittering(a, 99.9995 + 0.02, 120, 0.001, in_order=True)
    for number in range(40):
        world.run(101 + 2.5 * number)
        world.tell(Play(call_id="call", play_id=number, audio=(NOTICE,), audience=(2,)))
    world.run(221)
    transits = transits_ms(b)
    assert max(transits) - min(transits) <= 22
    assert np.median(transits[:50]) == pytest.approx(np.median(transits[-50:]), abs=1)
