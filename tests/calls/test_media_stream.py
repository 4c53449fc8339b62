"""The stream that a phone gets, packet by packet, however often it changes who makes it: its numbers and its clock."""

from __future__ import annotations

import random
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest

from mediaserver.media.g711 import encoded
from mediaserver.media.messages import ArmReminder, Codec, Play, PromptAudio, SendDigits, ToneAudio
from mediaserver.media.tones import sine, to_pcm
from tests.support.media_world import STATIC, MediaWorld, Phone, prompt, speech

NOTICE = PromptAudio(prompt="notice", language="en")
TONE = ToneAudio(hz=1400, on_ms=500)
BOTH = {codec: ((0, Codec.PCMU), (STATIC[codec], codec)) for codec in (Codec.PCMA, Codec.G722)}


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


def timestamp_steps(phone: Phone) -> Counter[int]:
    """Of audio, from packet to packet."""
    audio = [heard.packet.timestamp for heard in phone.heard if heard.packet.payload_type != 101]
    return Counter((y - x) & 0xFFFFFFFF for x, y in pairwise(audio))


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


@pytest.mark.parametrize("told_ms", [0, 9])
@pytest.mark.parametrize("phase_ms", [0.3, 10, 20])
def test_keys_neither_hasten_nor_delay_the_speech_around_them(phase_ms: float, told_ms: int) -> None:
    """Ten keys, told at any time between packets: each takes the place of its own five frames and of nothing else."""
    world = MediaWorld()
    a, b = world.call()
    a.talk(speech(25 * 8000), 100 + phase_ms / 1000)
    for number in range(10):
        world.run(101 + 2 * number + told_ms / 1000)
        world.tell(SendDigits(leg_id=2, digits="5"))
    world.run(126)
    transits = transits_ms(b)
    assert max(transits) - min(transits) <= 20
    assert transits[-1] == pytest.approx(0, abs=1e-3)
    assert sequence_steps(b) == {1}
    assert timestamp_steps(b) == {160: 1249 - 60, 960: 10}


def test_a_key_is_one_timestamp_with_a_growing_duration_and_three_ends() -> None:
    """RFC 4733 2.5.1; the audio after it goes on in its own time."""
    world = MediaWorld()
    a, b = world.call()
    a.talk(speech(24000), 100.007)
    world.run(101)
    world.tell(SendDigits(leg_id=2, digits="5"))
    world.run(104)
    events = [heard.packet for heard in b.heard if heard.packet.payload_type == 101]
    before = [heard.packet for heard in b.heard if heard.packet.sequence == events[0].sequence - 1]
    assert {event.timestamp for event in events} == {before[0].timestamp + 160}
    assert [event.payload[2:].hex() for event in events] == ["00a0", "0140", "01e0", "0280", "0320", "0320", "0320"]
    assert [event.payload[1] >> 7 for event in events] == [0, 0, 0, 0, 1, 1, 1]
    assert [event.marker for event in events] == [True] + [False] * 6


@pytest.mark.parametrize("ptime_ms", [10, 30, 40])
def test_announcements_and_keys_between_packets_of_another_time_keep_that_time(ptime_ms: int) -> None:
    """Passed on or composed, packets lie a whole number of packet times apart, and no break puts them off."""
    world = MediaWorld(prompts={("notice", "en"): prompt(speech(8000, 9, 3000))})
    a, b = world.call(ptime_ms=ptime_ms)
    a.talk(speech(32 * 8000 + 1280), 100.003, ptime_ms=ptime_ms)
    for number in range(10):
        world.run(101 + 3 * number + 0.0037 * number)
        world.tell(Play(call_id="call", play_id=number, audio=(NOTICE,), audience=(2,)))
        world.run(world.now + 1.5)
        world.tell(SendDigits(leg_id=2, digits="5"))
    world.run(133)
    transits = transits_ms(b)
    assert max(transits) - min(transits) <= ptime_ms + 20
    assert transits[-1] == pytest.approx(0, abs=1e-3)
    assert {step % (8 * ptime_ms) for step in timestamp_steps(b)} == {0}
    assert sequence_steps(b) == {1}


@pytest.mark.parametrize("ptime_ms", [10, 20, 30, 40])
def test_a_talkspurt_begins_with_a_marker_whatever_the_packet_time(ptime_ms: int) -> None:
    """Transcoded speech with a pause in it: two marked packets (RFC 3551 4.1), the first and the one after it."""
    world = MediaWorld()
    a, b = world.phone(1, codec=Codec.PCMA), world.phone(2, ptime_ms=ptime_ms)
    world.bridge()
    a.talk(speech(8000), 100.003)
    a.timestamp += 16000
    a.talk(speech(8000), 103.003)
    world.run(105)
    marked = [number for number, heard in enumerate(b.heard) if heard.packet.marker]
    assert len(marked) == 2
    assert marked[0] == 0
    assert b.heard[marked[1]].at - b.heard[marked[1] - 1].at > 1


@pytest.mark.parametrize("codec", [Codec.PCMA, Codec.G722])
def test_after_a_change_of_codec_on_both_sides_packets_are_passed_on_again(codec: Codec) -> None:
    """Composed only while a phone still sends what it did before: then as they come, without the mixer's delay."""
    world = MediaWorld()
    a, b = world.call()
    a.talk(speech(16000), 100.003)
    world.run(101)
    for phone in (a, b):
        world.tell(world.media(phone, codec=codec, payload_type=STATIC[codec], receive_payload_types=BOTH[codec]))
    world.run(102.1)
    a.codec = codec
    payloads = [bytes([0x55 + number % 7]) * 160 for number in range(100)]
    for number, payload in enumerate(payloads):
        a.send(a.packet(payload), 102.103 + number * 0.02)
    world.run(105)
    passed = [heard for heard in b.heard if heard.at > 102.2]
    assert [heard.packet.payload for heard in passed] == payloads[-len(passed) :]
    assert len(passed) > 90
    assert {round(heard.at * 1000 % 20, 3) for heard in passed} == {3.0}


def test_a_session_refresh_that_changes_nothing_is_no_break() -> None:
    """The same media again on both sides, every second: one talkspurt, one marker (RFC 3551 4.1)."""
    world = MediaWorld()
    a, b = world.call()
    jittering(a, 100.001, 20, 0.03, in_order=True)
    for number in range(15):
        world.run(101 + 1.0031 * number)
        for phone in (a, b):
            world.tell(world.media(phone))
    world.run(121)
    assert [number for number, heard in enumerate(b.heard) if heard.packet.marker] == [0]
    assert sequence_steps(b) == {1}
    assert timestamp_steps(b) == {160: 999}
