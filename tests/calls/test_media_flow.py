"""Who hears what: passed on, mixed, transcoded, held; and from where media is let in."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from callmodel.modes import SteeringChannel
from mediaserver.media.config import EngineConfig
from mediaserver.media.g711 import decoded, encoded
from mediaserver.media.g722 import G722Decoder, G722Encoder
from mediaserver.media.messages import (
    AddressLearned,
    ArmReminder,
    CloseCall,
    CloseLeg,
    Codec,
    Digit,
    DisarmReminder,
    FirstPacket,
    LegOpenFailed,
    LegQuiet,
    LegSilent,
    LegStatistics,
    OpenLeg,
    OpenSource,
    Play,
    PlayEnded,
    PlayStarted,
    PromptAudio,
    SendDigits,
    SilenceAudio,
    SourceKind,
    StopPlay,
    ToneAudio,
    Unbridge,
)
from mediaserver.media.tones import dbm0_of, keys, sine, to_pcm
from mediaserver.rtp.event_receiver import EventReceiver
from mediaserver.rtp.packet import RtpPacket
from mediaserver.rtp.rtcp import Bye, ReceiverReport, SenderReport, parse_compound, print_compound
from tests.support.media_world import SERVER, MediaWorld, Pcm, Phone, prompt, speech

NOTICE = PromptAudio(prompt="notice", language="en")


def steady(phone: Phone) -> None:
    """One SSRC, sequence numbers without a hole, timestamps that never turn back."""
    packets = [heard.packet for heard in phone.heard]
    assert len({packet.ssrc for packet in packets}) <= 1
    sequences = [packet.sequence for packet in packets]
    assert [(b - a) & 0xFFFF for a, b in pairwise(sequences)] == [1] * (len(packets) - 1)
    audio = [packet.timestamp for packet in packets if packet.payload_type != 101]
    assert all(0 < (b - a) & 0xFFFFFFFF < 2**31 for a, b in pairwise(audio))


def on_time(phone: Phone) -> None:
    """No packet in more or less than one for each frame of time: none comes a frame before or behind its timestamp."""
    steps = {(y.packet.timestamp - x.packet.timestamp) & 0xFFFFFFFF for x, y in pairwise(phone.heard)}
    assert steps == {160}
    zero = phone.heard[0].packet.timestamp
    transits = [heard.at - ((heard.packet.timestamp - zero) & 0xFFFFFFFF) / 8000 for heard in phone.heard]
    assert max(transits) - min(transits) <= 0.02 + 1e-6


def play(
    world: MediaWorld, *audio: object, audience: tuple[int, ...] = (1, 2), play_id: int = 1, **more: object
) -> None:
    world.tell(Play(call_id="call", play_id=play_id, audio=audio, audience=audience, **more))  # type: ignore[arg-type]


def where(haystack: Pcm, needle: Pcm) -> int:
    """First place of a piece in a signal, -1 when it is not there."""
    starts = np.flatnonzero(haystack[: haystack.size - needle.size + 1] == needle[0])
    return next((int(at) for at in starts if np.array_equal(haystack[at : at + needle.size], needle)), -1)


def coded(samples: Pcm, codec: Codec = Codec.PCMU) -> Pcm:
    return decoded(codec, encoded(codec, samples).tobytes())


# --- passing and mixing ---------------------------------------------------------------------


def test_packets_are_passed_on_as_they_come() -> None:
    world = MediaWorld()
    a, b = world.call()
    said = a.talk(speech(8000), 100.005)
    world.run(102)
    assert np.array_equal(b.audio(), said)
    assert [round(heard.at - 100.005, 6) for heard in b.heard] == [round(0.02 * n, 6) for n in range(50)]
    steady(b)


def test_an_announcement_is_mixed_over_ducked_speech_and_passing_goes_on_after_it() -> None:
    world = MediaWorld(prompts={("notice", "en"): prompt(np.zeros(8000, np.int16))})
    a, b = world.call()
    voice = to_pcm(sine(437, -10, 40000, 8000))
    a.talk(voice, 100.0)
    world.run(101)
    play(world, NOTICE)
    world.run(105.2)
    steady(b)
    heard = b.audio()
    at = round((world.told(PlayStarted)[0].at - b.heard[0].at) * 8000)
    assert dbm0_of(heard[: at - 800]) == pytest.approx(-10, abs=0.05)
    assert dbm0_of(heard[at + 400 : at + 7600]) == pytest.approx(-22, abs=0.2)
    assert dbm0_of(heard[at + 8800 : -800]) == pytest.approx(-10, abs=0.05)
    assert sum(heard.packet.marker for heard in b.heard) == 3
    on_time(b)


@pytest.mark.parametrize("phase_ms", [0.0, 0.3, 7.0, 13.0, 19.7])
def test_reminders_over_speech_neither_hasten_nor_delay_the_stream(phase_ms: float) -> None:
    """Whenever the other phone's packets come within a frame: one packet in for one out, timestamps in whole frames."""
    world = MediaWorld()
    a, b = world.call()
    tone = ToneAudio(hz=1400, on_ms=500)
    world.tell(ArmReminder(recording_id="rec", interval_s=2, tone=tone, audience=(2,), at=100.0))
    a.talk(to_pcm(sine(437, -20, 8 * 60_000, 8000)), 100.001 + phase_ms / 1000)
    world.run(159)
    steady(b)
    on_time(b)
    assert sum(heard.packet.marker for heard in b.heard) == 1 + 2 * 29


@pytest.mark.parametrize("media", [{}, {"sends": True, "receives": False}])
def test_a_silent_or_held_peer_hears_an_announcement(media: dict[str, object]) -> None:
    notice = speech(4000, 9, 3000)
    world = MediaWorld(prompts={("notice", "en"): prompt(notice)})
    a, b = world.call(**media)
    play(world, NOTICE)
    world.run(101)
    for phone in (a, b):
        assert np.array_equal(phone.audio()[:4000], coded(notice))
        assert [round(y.at - x.at, 6) for x, y in pairwise(phone.heard)] == [0.02] * 24
    assert [type(event) for _, event in world.events[-2:]] == [PlayStarted, PlayEnded]
    assert world.told(PlayEnded) == [PlayEnded(play_id=1, at=100.5, completed=True)]


def test_nothing_is_sent_to_a_leg_that_may_not_receive() -> None:
    world = MediaWorld(prompts={("notice", "en"): prompt(speech(4000))})
    a, b = world.call(sends=False)
    a.talk(speech(8000), 100.0)
    play(world, NOTICE)
    world.run(102)
    assert a.heard == []
    assert b.heard == []
    assert world.told(PlayEnded)[0].completed


def test_plays_to_one_leg_queue_and_start_together_on_all_of_theirs() -> None:
    world = MediaWorld()
    world.call()
    play(world, ToneAudio(hz=400, on_ms=200), audience=(1,), play_id=1)
    play(world, ToneAudio(hz=400, on_ms=100), audience=(1, 2), play_id=2)
    play(world, SilenceAudio(ms=50), ToneAudio(hz=400, on_ms=50), audience=(2,), play_id=3)
    world.run(102)
    started = {event.play_id: event.at for event in world.told(PlayStarted)}
    ended = {event.play_id: event.at for event in world.told(PlayEnded)}
    assert started == {1: 100.0, 2: 100.2, 3: 100.3}
    assert ended == {1: 100.2, 2: 100.3, 3: 100.4}


def test_a_play_that_is_stopped_falls_silent_at_once() -> None:
    world = MediaWorld(prompts={("notice", "en"): prompt(speech(16000))})
    a, _ = world.call()
    play(world, NOTICE)
    world.run(100.5)
    world.tell(StopPlay(play_id=1))
    world.run(102)
    assert world.told(PlayEnded) == [PlayEnded(play_id=1, at=100.5, completed=False)]
    assert a.heard[-1].at <= 100.54


def test_a_play_alone_replaces_the_other_party() -> None:
    notice = speech(8000, 9)
    world = MediaWorld(prompts={("notice", "en"): prompt(notice)})
    a, b = world.call()
    a.talk(speech(24000, 2), 100.0)
    world.run(100.5)
    play(world, NOTICE, audience=(2,), alone=True)
    world.run(103)
    assert where(b.audio(), coded(notice)[160:]) > 0


def test_a_prompt_nobody_has_ends_at_once() -> None:
    world = MediaWorld()
    world.call()
    play(world, NOTICE)
    play(world, ToneAudio(hz=400, on_ms=20), audience=(77,), play_id=2)
    assert world.told(PlayEnded) == [
        PlayEnded(play_id=1, at=100.0, completed=False),
        PlayEnded(play_id=2, at=100.0, completed=False),
    ]


def test_a_prompt_missing_in_a_language_is_played_in_another() -> None:
    world = MediaWorld(prompts={("notice", "fr"): prompt(speech(1600))})
    world.call()
    play(world, NOTICE)
    world.run(101)
    assert world.told(PlayEnded)[0].completed


def test_a_play_ends_with_its_last_listener() -> None:
    world = MediaWorld(prompts={("notice", "en"): prompt(speech(16000))})
    world.call()
    play(world, NOTICE)
    world.run(100.1)
    world.tell(CloseLeg(leg_id=1))
    world.run(100.2)
    assert world.told(PlayEnded) == []
    world.tell(CloseLeg(leg_id=2))
    assert [event.completed for event in world.told(PlayEnded)] == [False]


def test_unbridged_legs_hear_nothing_of_each_other() -> None:
    world = MediaWorld()
    a, b = world.call()
    a.talk(speech(16000), 100.0)
    world.run(101)
    world.tell(Unbridge(call_id="call"))
    before = len(b.heard)
    world.run(103)
    assert len(b.heard) == before


# --- codecs ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("one", "other"), [(Codec.PCMU, Codec.PCMA), (Codec.PCMA, Codec.PCMU)])
def test_the_two_laws_are_turned_into_each_other(one: Codec, other: Codec) -> None:
    world = MediaWorld()
    a, b = world.phone(1, codec=one), world.phone(2, codec=other)
    world.bridge()
    said = a.talk(speech(8000), 100.0)
    world.run(102)
    assert where(b.audio(), coded(said, other)) >= 0
    steady(b)


def test_g711_is_turned_into_g722_and_back() -> None:
    world = MediaWorld()
    a, b = world.phone(1), world.phone(2, codec=Codec.G722)
    world.bridge()
    a.talk(to_pcm(sine(1000, -10, 16000, 8000)), 100.0)
    encoder = G722Encoder()
    wave = to_pcm(sine(700, -10, 32000, 16000))
    for number in range(100):
        b.send(b.packet(encoder.encode(wave[number * 320 : number * 320 + 320])), 100 + number * 0.02)
    world.run(102.5)
    decoder = G722Decoder()
    wide = np.concatenate([decoder.decode(heard.packet.payload) for heard in b.heard])
    narrow = a.audio()
    assert loudest_hz(wide[4000:20000], 16000) == pytest.approx(1000, abs=1)
    assert dbm0_of(wide[4000:20000]) == pytest.approx(-10, abs=0.2)
    assert loudest_hz(narrow[4000:12000], 8000) == pytest.approx(700, abs=1)
    assert dbm0_of(narrow[4000:12000]) == pytest.approx(-10, abs=0.2)
    steady(a)
    steady(b)


def loudest_hz(samples: Pcm, rate_hz: int) -> float:
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(samples.size)))
    return float(spectrum.argmax()) * rate_hz / samples.size


def test_two_g722_legs_pass_and_hear_a_16_khz_announcement() -> None:
    notice = to_pcm(sine(5000, -10, 16000, 16000))
    both = prompt(np.zeros(8000, np.int16))
    object.__setattr__(both, "pcm_16k", notice)
    world = MediaWorld(prompts={("notice", "en"): both})
    a, _ = world.call(codec=Codec.G722)
    play(world, NOTICE)
    world.run(101.5)
    decoder = G722Decoder()
    wide = np.concatenate([decoder.decode(heard.packet.payload) for heard in a.heard])
    assert loudest_hz(wide[2000:14000], 16000) == pytest.approx(5000, abs=2)


@pytest.mark.parametrize("ptime_ms", [10, 30, 40])
def test_a_leg_gets_packets_of_the_time_it_asked_for(ptime_ms: int) -> None:
    world = MediaWorld()
    a, b = world.phone(1), world.phone(2, ptime_ms=ptime_ms)
    world.bridge()
    said = a.talk(speech(24000), 100.0)
    world.run(103.5)
    assert {len(heard.packet.payload) for heard in b.heard} == {8 * ptime_ms}
    assert where(b.audio(), said[: 24000 - 960]) >= 0
    steady(b)


def test_a_phone_that_changes_codec_within_what_it_negotiated_is_still_heard() -> None:
    world = MediaWorld()
    both = ((0, Codec.PCMU), (8, Codec.PCMA))
    a, b = world.call(receive_payload_types=both)
    a.talk(speech(8000, 1), 100.0)
    world.run(101)
    a.codec = Codec.PCMA
    said = a.talk(speech(16000, 2), 101.0)
    world.run(104)
    assert where(b.audio(), coded(said)[1600:]) > 0
    steady(b)


# --- reminders ------------------------------------------------------------------------------


def test_reminders_keep_their_times_for_half_an_hour_of_silent_peers() -> None:
    """Burst k within one frame of k times ten seconds, from first to last."""
    world = MediaWorld(config=EngineConfig(legs=4, rtcp_interval_s=0))
    a, b = world.call()
    world.now = 100.0137
    world.tell(
        ArmReminder(recording_id="rec", interval_s=10, tone=ToneAudio(hz=1400, on_ms=500), audience=(1, 2), at=100.0137)
    )
    world.run(1901)
    for phone in (a, b):
        starts = [heard.at for heard in phone.heard if heard.packet.marker]
        late = [at - (100.0137 + 10 * k) for k, at in enumerate(starts, 1)]
        assert len(starts) == 180
        assert min(late) >= 0
        assert max(late) < 0.02
        assert len(phone.heard) == 180 * 25


def test_a_reminder_waits_for_an_announcement_and_the_next_one_does_not_drift() -> None:
    world = MediaWorld(prompts={("notice", "en"): prompt(speech(8000))})
    a, _ = world.call()
    tone = ToneAudio(hz=1400, on_ms=100)
    world.tell(ArmReminder(recording_id="rec", interval_s=10, tone=tone, audience=(1, 2), at=100.0))
    world.run(109.5)
    play(world, NOTICE)
    world.run(121)
    ended = world.told(PlayEnded)[0].at
    tones = dbm0_by_frame(a)
    first = next(at for at, level in tones if at >= ended and level > -30)
    second = next(at for at, level in tones if at >= first + 1 and level > -30)
    assert first == pytest.approx(ended, abs=0.021)
    assert second == pytest.approx(120, abs=0.021)


def dbm0_by_frame(phone: Phone) -> list[tuple[float, float]]:
    return [(heard.at, dbm0_of(decoded(Codec.PCMU, heard.packet.payload))) for heard in phone.heard]


def test_a_disarmed_reminder_is_cut() -> None:
    world = MediaWorld()
    a, _ = world.call()
    tone = ToneAudio(hz=1400, on_ms=500)
    world.tell(ArmReminder(recording_id="rec", interval_s=10, tone=tone, audience=(1, 2), at=100.0))
    world.run(110.1)
    world.tell(DisarmReminder(recording_id="rec"))
    world.run(130)
    assert a.heard[0].at >= 110
    assert a.heard[-1].at <= 110.14


# --- sources --------------------------------------------------------------------------------


def source(world: MediaWorld, kind: SourceKind, *audio: object) -> Phone:
    phone = world.phone(1)
    world.tell(OpenSource(call_id="call", leg_id=2, kind=kind, audio=audio))  # type: ignore[arg-type]
    world.bridge()
    return phone


def test_the_milliwatt_number_sends_0_dbm0_at_1004_hz() -> None:
    world = MediaWorld()
    a = source(world, SourceKind.TONE, ToneAudio(hz=1004, on_ms=0, level_dbm0=0.0))
    world.run(110)
    heard = a.audio()
    assert dbm0_of(heard) == pytest.approx(0, abs=0.1)
    assert loudest_hz(heard[:80000], 8000) == pytest.approx(1004, abs=0.1)
    assert len(a.heard) == pytest.approx(500, abs=1)
    steady(a)


def test_echo_says_what_it_hears() -> None:
    world = MediaWorld()
    a = source(world, SourceKind.ECHO)
    said = a.talk(speech(16000), 100.0)
    world.run(103)
    assert where(a.audio(), said) >= 0


def test_prompts_go_round_and_round_and_silence_is_sent_as_silence() -> None:
    world = MediaWorld(prompts={("notice", "en"): prompt(speech(4000))})
    a = source(world, SourceKind.PROMPTS, NOTICE)
    world.run(102)
    heard = a.audio()
    assert np.array_equal(heard[:4000], coded(speech(4000)))
    assert np.array_equal(heard[4000:8000], heard[:4000])
    world.tell(CloseCall(call_id="call"))
    world.run(102.1)
    b = source(world, SourceKind.SILENCE)
    world.run(103)
    assert len(b.heard) > 40
    assert not b.audio().any()


def test_a_source_with_nothing_to_say_is_silent() -> None:
    world = MediaWorld()
    a = source(world, SourceKind.PROMPTS, NOTICE)
    world.run(101)
    assert not a.audio().any()


# --- digits ---------------------------------------------------------------------------------


def test_key_presses_are_told_once_and_never_passed_on() -> None:
    world = MediaWorld()
    a, b = world.call()
    a.talk(speech(1600), 100.0)
    for number in range(5):
        end = 0x80 if number == 4 else 0
        for _ in range(3 if end else 1):
            payload = bytes([11, end | 10]) + ((number + 1) * 160).to_bytes(2, "big")
            packet = a.packet(payload, payload_type=101)
            a.timestamp -= 4
            a.send(packet, 100.2 + number * 0.02)
    world.run(101)
    [digit] = world.told(Digit)
    assert (digit.leg_id, digit.digit, digit.channel, digit.duration_ms) == (1, "#", SteeringChannel.RFC4733, 100)
    assert {heard.packet.payload_type for heard in b.heard} == {0}


def test_a_press_whose_end_is_lost_is_told_all_the_same() -> None:
    world = MediaWorld()
    a, _ = world.call()
    a.send(a.packet(bytes([4, 10, 0, 160]), payload_type=101), 100.0)
    world.run(101)
    assert [(event.digit, event.leg_id) for event in world.told(Digit)] == [("4", 1)]


def test_digits_are_sent_as_telephone_events_in_one_stream_with_the_audio() -> None:
    world = MediaWorld()
    a, b = world.call()
    a.talk(speech(16000), 100.0)
    world.run(100.5)
    world.tell(SendDigits(leg_id=2, digits="*4"))
    world.run(103)
    receiver = EventReceiver()
    presses = [
        press.digit
        for heard in b.heard
        if heard.packet.payload_type == 101
        for press in receiver.receive(timestamp=heard.packet.timestamp, payload=heard.packet.payload, now=heard.at)
    ]
    assert presses == ["*", "4"]
    steady(b)
    assert b.heard[-1].at > 101.9


def test_digits_go_in_band_where_no_telephone_event_was_negotiated_and_are_heard_there() -> None:
    """The tones we send are the tones we hear: from leg 2's phone back into a leg that listens."""
    world = MediaWorld()
    a, b = world.call(telephone_event_send=None, telephone_event_receive=None)
    world.tell(SendDigits(leg_id=2, digits="159D", duration_ms=80))
    world.run(102)
    heard = b.audio()
    assert where(heard, coded(keys("1", 80, 8000))) >= 0
    a.talk(heard, 102.0)
    world.run(104)
    assert [(event.digit, event.channel) for event in world.told(Digit)] == [
        (key, SteeringChannel.IN_BAND) for key in "159D"
    ]
    assert [event.duration_ms for event in world.told(Digit)] == pytest.approx([80] * 4, abs=15)


def test_in_band_digits_are_masked_in_the_recording() -> None:
    world = MediaWorld()
    a, _ = world.call(telephone_event_receive=None)
    sink = world.record()
    quiet = np.full(1600, 100, np.int16)
    a.talk(np.concatenate([quiet, keys("7", 100, 8000, gap_ms=0), quiet]), 100.0)
    world.run(102.3)
    assert [event.digit for event in world.told(Digit)] == ["7"]
    assert np.abs(sink.audio[:, 0]).max() <= 132


# --- from where -----------------------------------------------------------------------------


def test_a_stranger_is_not_heard_and_moves_nothing() -> None:
    """Neither before the first packet nor after, whatever it sends: no bleed, no injection."""
    world = MediaWorld()
    a, b = world.call()
    sink = world.record()
    stranger = ("203.0.113.66", 4000)
    for number in range(50):
        a.send(a.packet(encoded(Codec.PCMU, speech(160)).tobytes()), 100 + number * 0.02, source=stranger)
    a.sequence, a.timestamp = 1000, 5000
    said = a.talk(speech(8000, 2), 101.0)
    for number in range(50):
        loud = RtpPacket(
            payload_type=0, sequence=5000 + number, timestamp=160 * number, ssrc=a.ssrc, payload=b"\x00" * 160
        )
        a.send(bytes(loud), 101 + number * 0.02, source=stranger)
    world.run(103.3)
    assert np.array_equal(sink.audio[8000:16000, 0], said)
    assert not sink.audio[:8000].any()
    assert np.array_equal(b.audio(), said)
    assert world.told(AddressLearned) == []
    world.tell(CloseLeg(leg_id=1))
    assert dict(world.told(LegStatistics)[0].dropped) == {"foreign-source": 100}


def test_an_address_is_learned_from_a_trusted_host_once() -> None:
    world = MediaWorld()
    a, b = world.phone(1, trusted_hosts=("198.51.100.1", "203.0.113.9")), world.phone(2)
    world.bridge()
    behind = ("203.0.113.9", 31000)
    packets = [a.packet(encoded(Codec.PCMU, speech(160, n)).tobytes()) for n in range(20)]
    for number, packet in enumerate(packets):
        a.send(packet, 100 + number * 0.02, source=behind)
    world.phones[behind] = a
    b.talk(speech(3200), 100.1)
    world.run(101)
    assert world.told(AddressLearned) == [AddressLearned(leg_id=1, offered=a.address, learned=behind)]
    assert len(b.heard) >= 18
    assert len(a.heard) >= 18
    for number in range(5):
        late = RtpPacket(payload_type=0, sequence=number, timestamp=160 * number, ssrc=9, payload=b"\x00" * 160)
        a.send(bytes(late), 104 + number * 0.02, source=("203.0.113.9", 31002))
    world.run(105)
    assert len(world.told(AddressLearned)) == 1


def test_a_phone_that_asks_with_stun_is_counted_as_that_and_not_as_broken() -> None:
    world = MediaWorld()
    a, _ = world.call()
    asked = bytes.fromhex("000100002112a442") + bytes(12)
    a.talk(speech(1600), 100.0)
    for port in a.server[1], a.server[1] + 1:
        world.arrive(100.1, asked, (a.address[0], a.address[1] + port - a.server[1]), (a.server[0], port))
    world.run(101)
    world.tell(CloseLeg(leg_id=1))
    assert dict(world.told(LegStatistics)[0].dropped) == {"stun": 2}


def test_what_was_not_negotiated_or_is_no_rtp_is_dropped_and_counted() -> None:
    world = MediaWorld()
    a, b = world.call()
    a.talk(speech(1600), 100.0)
    a.send(a.packet(b"\x00" * 160, payload_type=18), 100.3)
    a.send(b"\x80", 100.3)
    a.send(b"\x00" * 40, 100.3)
    a.send(a.packet(b"\x00" * 600), 100.32)
    world.run(101)
    world.tell(CloseLeg(leg_id=1))
    assert dict(world.told(LegStatistics)[0].dropped) == {"length": 1, "malformed": 2, "payload-type": 1}
    assert len(b.heard) == 11


def test_one_packet_of_another_ssrc_changes_nothing() -> None:
    world = MediaWorld()
    a, b = world.call()
    sink = world.record()
    said = a.talk(speech(16000), 100.0)
    alien = RtpPacket(payload_type=0, sequence=7, timestamp=7, ssrc=0xBAD, payload=b"\x00" * 160)
    a.send(bytes(alien), 100.505)
    world.run(103)
    assert np.array_equal(sink.audio[:16000, 0], said)
    assert np.array_equal(b.audio(), said)


def test_first_packets_are_told_again_after_a_re_invite() -> None:
    world = MediaWorld()
    a, _ = world.call()
    a.talk(speech(16000), 100.0)
    world.run(101)
    world.tell(world.media(a))
    world.run(103)
    assert [event.at for event in world.told(FirstPacket)] == pytest.approx([100.0, 101.0], abs=0.021)


# --- reports and silence --------------------------------------------------------------------


def test_reports_tell_what_was_sent_received_and_lost() -> None:
    world = MediaWorld()
    a, b = world.call()
    samples = speech(80000)
    for number in range(500):
        packet = a.packet(encoded(Codec.PCMU, samples[number * 160 : number * 160 + 160]).tobytes())
        if number % 10:
            a.send(packet, 100 + number * 0.02)
    world.run(111)
    reports = [packet for data in a.rtcp for packet in parse_compound(data) if isinstance(packet, ReceiverReport)]
    assert reports
    block = reports[-1].reports[0]
    assert block.ssrc == a.ssrc
    assert block.fraction_lost == pytest.approx(25.6, abs=4)
    sent = [packet for data in b.rtcp for packet in parse_compound(data) if isinstance(packet, SenderReport)]
    assert sent[-1].packets == pytest.approx(449, abs=2)
    world.tell(CloseCall(call_id="call"))
    assert any(isinstance(packet, Bye) for packet in parse_compound(a.rtcp[-1]))
    assert [event.packets_lost for event in world.told(LegStatistics)] == [49, 0]


def test_a_leg_without_packets_is_told_quiet_once_and_rtcp_keeps_it_alive() -> None:
    world = MediaWorld()
    a, b = world.call()
    a.talk(speech(8000), 100.0)
    report = print_compound([ReceiverReport(ssrc=1)])
    for at in range(100, 200, 20):
        world.arrive(float(at), report, (b.address[0], 4001), (b.server[0], b.server[1] + 1))
    world.run(230)
    assert [(event.leg_id, round(event.quiet_s)) for event in world.told(LegQuiet)] == [(1, 60)]


def test_a_silent_leg_is_told_every_five_seconds() -> None:
    world = MediaWorld()
    a, _ = world.call()
    a.talk(np.concatenate([speech(8000), np.zeros(96000, np.int16)]), 100.0)
    world.run(112)
    silent = [(at, event.silent_s) for at, event in world.events if isinstance(event, LegSilent) and event.leg_id == 1]
    assert [seconds for _, seconds in silent] == [5.0, 10.0]
    assert [at for at, _ in silent] == pytest.approx([105.98, 110.98], abs=0.05)


def test_a_leg_that_cannot_be_opened_says_why() -> None:
    world = MediaWorld(config=EngineConfig(legs=2))
    world.phone(1)
    world.tell(OpenLeg(call_id="x", leg_id=5, host=SERVER, port=20000))
    world.phone(2)
    world.tell(OpenLeg(call_id="x", leg_id=6, host=SERVER, port=0))
    world.tell(OpenSource(call_id="x", leg_id=7, kind=SourceKind.SILENCE))
    assert world.told(LegOpenFailed) == [
        LegOpenFailed(leg_id=5, reason="address-in-use"),
        LegOpenFailed(leg_id=6, reason="other"),
        LegOpenFailed(leg_id=7, reason="other"),
    ]


def test_an_idle_engine_wants_no_step() -> None:
    world = MediaWorld(config=EngineConfig(legs=4))
    assert world.engine.next_timer(100.0) is None
    world.step()
    assert world.engine.next_timer(100.0) is None
