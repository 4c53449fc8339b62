"""What a recording holds, sample by sample, whatever the network does to the packets."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callmodel.manifest import MarkKind
from mediaserver.media.config import EngineConfig
from mediaserver.media.g711 import decoded, encoded
from mediaserver.media.messages import (
    AbandonRecording,
    CloseCall,
    CloseLeg,
    Codec,
    FinishRecording,
    MarkRecording,
    PauseRecording,
    Play,
    PlayStarted,
    PromptAudio,
    RecordingDestroyed,
    RecordingFailed,
    RecordingFinished,
    ResumeRecording,
    StartRecording,
    ToneAudio,
)
from tests.support.media_world import STATIC, MediaWorld, MemorySink, Pcm, Phone, prompt, speech


def finish(world: MediaWorld, *, keep: bool = True) -> MemorySink:
    world.tell(FinishRecording(recording_id="rec", at=world.now, keep=keep))
    world.run(world.now + 0.5)
    return world.sinks["rec"]


def marks(sink: MemorySink, kind: MarkKind) -> list[tuple[float, float, int | None, dict[str, str]]]:
    assert sink.end is not None
    return [(m.file_ms, m.length_ms, m.channel, m.detail) for m in sink.end.marks if m.kind is kind]


@pytest.mark.parametrize("codec", [Codec.PCMU, Codec.PCMA])
@pytest.mark.parametrize("bulk_from", [1, 8])
@pytest.mark.parametrize("ptime_ms", [10, 20, 30, 40, 60])
def test_what_two_phones_say_is_recorded_bit_for_bit(codec: Codec, ptime_ms: int, bulk_from: int) -> None:
    """Each at its own phase, in any packet time, in bulk and one by one."""
    world = MediaWorld(config=EngineConfig(legs=4, bulk_from=bulk_from))
    a, b = world.call(codec=codec)
    world.record()
    said_a = a.talk(speech(24000, 1), 100.013, ptime_ms=ptime_ms)
    said_b = b.talk(speech(24000, 2), 100.0175, ptime_ms=ptime_ms)
    world.run(103.5)
    audio = finish(world).audio
    expected = np.zeros((28000, 2), np.int16)
    expected[104 : 104 + said_a.size, 0] = said_a
    expected[140 : 140 + said_b.size, 1] = said_b
    assert np.array_equal(audio, expected)


def test_a_sequence_and_a_timestamp_that_wrap_leave_no_trace() -> None:
    world = MediaWorld()
    a, _ = world.call()
    a.sequence, a.timestamp = 65530, 2**32 - 1000
    world.record()
    said = a.talk(speech(16000), 100.02)
    world.run(102.5)
    sink = finish(world)
    assert np.array_equal(sink.audio[160:16160, 0], said)
    assert marks(sink, MarkKind.GAP) == []


@pytest.mark.parametrize("bulk_from", [1, 8])
def test_lost_packets_are_silence_and_one_mark(bulk_from: int) -> None:
    world = MediaWorld(config=EngineConfig(legs=4, bulk_from=bulk_from))
    a, _ = world.call()
    world.record()
    samples = speech(16000)
    packets = [a.packet(encoded(Codec.PCMU, samples[at : at + 160]).tobytes()) for at in range(0, 16000, 160)]
    for number, packet in enumerate(packets):
        if number not in (20, 21, 22, 70):
            a.send(packet, 100 + number * 0.02)
    world.run(102.5)
    sink = finish(world)
    expected = decoded(Codec.PCMU, encoded(Codec.PCMU, samples).tobytes()).copy()
    expected[20 * 160 : 23 * 160] = 0
    expected[70 * 160 : 71 * 160] = 0
    assert np.array_equal(sink.audio[:16000, 0], expected)
    assert marks(sink, MarkKind.GAP) == [
        (400.0, 60.0, 1, {"packets_lost": "3"}),
        (1400.0, 20.0, 1, {"packets_lost": "1"}),
    ]


def test_a_sender_that_pauses_by_timestamp_leaves_silence_and_no_gap() -> None:
    world = MediaWorld()
    a, _ = world.call()
    world.record()
    first = a.talk(speech(4000, 1), 100.0)
    a.timestamp += 8000 - 4000
    second = a.talk(speech(4000, 2), 101.0)
    world.run(102)
    sink = finish(world)
    assert np.array_equal(sink.audio[: first.size, 0], first)
    assert not sink.audio[first.size : 8000, 0].any()
    assert np.array_equal(sink.audio[8000 : 8000 + second.size, 0], second)
    assert marks(sink, MarkKind.GAP) == []


def test_a_new_ssrc_is_placed_by_its_arrival() -> None:
    world = MediaWorld()
    a, _ = world.call()
    world.record()
    first = a.talk(speech(8000, 1), 100.0)
    a.ssrc, a.sequence, a.timestamp = 0x7777, 9, 77
    second = a.talk(speech(8000, 2), 101.4)
    world.run(103)
    sink = finish(world)
    assert np.array_equal(sink.audio[:8000, 0], first)
    assert np.array_equal(sink.audio[11200:19200, 0], second)
    assert marks(sink, MarkKind.GAP) == []


def test_a_clock_that_stood_still_in_a_hold_is_anchored_anew() -> None:
    """Sequence and timestamp go on as if nothing had been; five packets settle it and are put where they belong."""
    world = MediaWorld()
    a, _ = world.call()
    world.record()
    first = a.talk(speech(8000, 1), 100.0)
    second = a.talk(speech(8000, 2), 103.0)
    world.run(105)
    sink = finish(world)
    assert np.array_equal(sink.audio[:8000, 0], first)
    assert not sink.audio[8000:24000, 0].any()
    assert np.array_equal(sink.audio[24000:32000, 0], second)
    assert marks(sink, MarkKind.DRIFT) == [(3000.0, 2000.0, 1, {"frames": "+100"})]


def test_a_network_that_stalls_moves_nothing() -> None:
    """200 ms of packets come at once: they lie where their timestamps say."""
    world = MediaWorld()
    a, _ = world.call()
    world.record()
    samples = speech(16000)
    for number in range(100):
        packet = a.packet(encoded(Codec.PCMU, samples[number * 160 : number * 160 + 160]).tobytes())
        sent = number * 0.02
        a.send(packet, 100 + (1.2 if 1.0 <= sent < 1.2 else sent))
    world.run(102.5)
    sink = finish(world)
    assert np.array_equal(sink.audio[:16000, 0], decoded(Codec.PCMU, encoded(Codec.PCMU, samples).tobytes()))


@settings(max_examples=25, deadline=None)
@given(
    delays=st.lists(st.floats(0, 0.06), min_size=60, max_size=60),
    lost=st.sets(st.integers(1, 58), max_size=8),
    doubled=st.sets(st.integers(0, 59), max_size=8),
    first=st.tuples(st.integers(0, 65535), st.integers(0, 2**32 - 1)),
    bulk_from=st.sampled_from([1, 8]),
)
def test_placement_is_by_timestamp_whatever_the_network_does(
    delays: list[float], lost: set[int], doubled: set[int], first: tuple[int, int], bulk_from: int
) -> None:
    """Jitter up to 60 ms, reordering, loss and copies: the same samples in the same places, all from packet 0."""
    world = MediaWorld(config=EngineConfig(legs=4, bulk_from=bulk_from))
    a, _ = world.call()
    world.record()
    a.sequence, a.timestamp = first
    samples = speech(60 * 160)
    delays = [0.0, *delays[1:]]
    for number in range(60):
        data = a.packet(encoded(Codec.PCMU, samples[number * 160 : number * 160 + 160]).tobytes())
        if number not in lost:
            a.send(data, 100 + number * 0.02 + delays[number])
            if number in doubled:
                a.send(data, 100 + number * 0.02 + delays[number] + 0.01)
    world.run(101.6)
    sink = finish(world)
    expected = decoded(Codec.PCMU, encoded(Codec.PCMU, samples).tobytes()).copy()
    for number in lost:
        expected[number * 160 : number * 160 + 160] = 0
    assert np.array_equal(sink.audio[: expected.size, 0], expected)
    assert sum(int(detail["packets_lost"]) for _, _, _, detail in marks(sink, MarkKind.GAP)) == len(lost)


def test_a_pause_is_cut_to_the_sample() -> None:
    """No sample between pause and resume reaches the sink; what is left is joined without a seam."""
    world = MediaWorld()
    a, _ = world.call()
    world.record()
    said = a.talk(speech(32000), 100.0)
    world.run(101.2346)
    world.tell(PauseRecording(recording_id="rec", at=101.2345))
    world.run(102.8)
    world.tell(ResumeRecording(recording_id="rec", at=102.7891))
    world.run(104.5)
    sink = finish(world)
    pause, resume = round(1.2345 * 8000), round(2.7891 * 8000)
    assert np.array_equal(sink.audio[:, 0][: 32000 - resume + pause], np.concatenate([said[:pause], said[resume:]]))
    assert sink.audio.shape[0] == 36000 - (resume - pause)
    assert marks(sink, MarkKind.PAUSE) == [(pause / 8, (resume - pause) / 8, None, {"rendering": "cut"})]


@pytest.mark.parametrize("rendering", ["silence", "tone"])
def test_a_pause_that_is_rendered_keeps_its_length_and_no_speech(rendering: str) -> None:
    world = MediaWorld()
    a, _ = world.call()
    world.record(pause_rendering=rendering)
    said = a.talk(speech(24000), 100.0)
    world.run(101)
    world.tell(PauseRecording(recording_id="rec", at=101.0))
    world.run(102)
    world.tell(ResumeRecording(recording_id="rec", at=102.0))
    world.run(103)
    sink = finish(world)
    assert sink.audio.shape[0] == 24000
    assert np.array_equal(sink.audio[:8000, 0], said[:8000])
    assert np.array_equal(sink.audio[16000:, 0], said[16000:])
    paused = sink.audio[8000:16000]
    assert np.array_equal(paused[:, 0], paused[:, 1])
    assert paused.any() == (rendering == "tone")
    assert marks(sink, MarkKind.PAUSE) == [(1000.0, 1000.0, None, {"rendering": rendering})]


def test_a_pause_open_at_the_end_is_marked_to_the_end() -> None:
    world = MediaWorld()
    world.call()
    world.record()
    world.run(101)
    world.tell(PauseRecording(recording_id="rec", at=101.0))
    world.run(103)
    sink = finish(world)
    assert sink.audio.shape[0] == 8000
    assert marks(sink, MarkKind.PAUSE) == [(1000.0, 2000.0, None, {"rendering": "cut"})]


def test_what_is_injected_lies_over_both_channels_at_its_instant() -> None:
    """Speech under it is whole in the recording, though what is heard is ducked."""
    world = MediaWorld(prompts={("notice", "en"): prompt(speech(4000, 9, 2000))})
    a, b = world.call()
    world.record()
    said_a, said_b = a.talk(speech(16000, 1), 100.0), b.talk(speech(16000, 2), 100.0)
    world.run(101)
    notice = PromptAudio(prompt="notice", language="en")
    world.tell(Play(call_id="call", play_id=1, audio=(notice,), audience=(1,)))
    world.run(102)
    sink = finish(world)
    expected = np.stack([said_a, said_b], axis=1).astype(np.int32)
    [started] = world.told(PlayStarted)
    begun = round((started.at - 100) * 8000)
    expected[begun : begun + 4000] += speech(4000, 9, 2000)[:, None]
    assert np.array_equal(sink.audio[:16000], expected)
    facts = {"prompt": "notice", "language": "en", "recorded": "yes"}
    assert marks(sink, MarkKind.ANNOUNCEMENT) == [(begun / 8, 500.0, None, facts)]
    assert started.at == pytest.approx(101, abs=0.021)


def test_what_is_not_for_the_record_is_only_noted() -> None:
    world = MediaWorld()
    world.call()
    world.record()
    world.tell(Play(call_id="call", play_id=1, audio=(ToneAudio(hz=1400, on_ms=500),), audience=(1, 2), recorded=False))
    world.run(102)
    sink = finish(world)
    assert not sink.audio.any()
    facts = {"hz": "1400", "on_ms": "500", "bursts": "1", "recorded": "no"}
    assert marks(sink, MarkKind.TONE) == [(0.0, 500.0, None, facts)]


def test_a_recording_that_is_not_kept_leaves_nothing() -> None:
    world = MediaWorld()
    a, _ = world.call()
    world.record()
    a.talk(speech(16000), 100.0)
    world.run(102)
    sink = finish(world, keep=False)
    assert sink.audio.size == 0
    assert world.told(RecordingDestroyed) == [RecordingDestroyed(recording_id="rec")]
    assert world.told(RecordingFinished) == []


def test_the_last_packets_count_when_both_legs_close_at_once() -> None:
    """Nothing more can come: the end is written without waiting."""
    world = MediaWorld()
    a, _ = world.call()
    world.record()
    said = a.talk(speech(8000), 100.0)
    world.run(100.999)
    world.tell(CloseCall(call_id="call"))
    world.run(101.1)
    audio = world.sinks["rec"].audio
    assert audio.shape[0] == 7992
    assert np.array_equal(audio[:7992, 0], said[:7992])
    assert [event.samples for event in world.told(RecordingFinished)] == [7992]
    assert world.engine.open_legs == 0


def test_a_leg_that_closes_is_read_to_its_end() -> None:
    """Its row is not given to another leg before the recording has been written."""
    world = MediaWorld()
    a, _ = world.call()
    world.record()
    said = a.talk(speech(4000), 100.0)
    world.run(100.52)
    world.tell(CloseLeg(leg_id=1))
    stranger = world.phone(3)
    stranger.talk(speech(8000, 5), 100.53)
    world.run(102)
    audio = finish(world).audio
    assert np.array_equal(audio[: said.size, 0], said)
    assert not audio[said.size :, 0].any()


def test_a_codec_change_in_mid_call_is_marked_and_heard() -> None:
    world = MediaWorld()
    a, _ = world.call()
    world.record()
    before = a.talk(speech(8000, 1), 100.0)
    world.run(101)
    a.codec = Codec.PCMA
    world.tell(world.media(a))
    after = a.talk(speech(8000, 2), 101.0)
    world.run(102.2)
    sink = finish(world)
    assert np.array_equal(sink.audio[:16000, 0], np.concatenate([before, after]))
    assert marks(sink, MarkKind.CODEC) == [(1000.0, 0.0, 1, {"before": "PCMU", "after": "PCMA"})]


def test_a_g722_leg_is_recorded_at_16_khz_and_a_g711_leg_beside_it() -> None:
    world = MediaWorld()
    a = world.phone(1, codec=Codec.G722)
    b = world.phone(2)
    world.bridge()
    world.record(sample_rate_hz=16000)
    said = b.talk(speech(8000), 100.0)
    wide = np.rint(8000 * np.sin(2 * np.pi * 5000 * np.arange(16000) / 16000)).astype(np.int16)
    talk_g722(a, wide, 100.0)
    world.run(101.5)
    sink = finish(world)
    assert sink.audio.shape[0] == 24000
    assert np.array_equal(sink.audio[:16000:2, 1], said)
    spectrum = np.abs(np.fft.rfft(sink.audio[4000:12000, 0].astype(np.float64)))
    assert spectrum.argmax() * 2 == 5000


@pytest.mark.parametrize("rate_hz", [16000, 8000])
def test_what_is_said_in_g722_lies_at_its_timestamp_within_a_sample(rate_hz: int) -> None:
    """A click of noise said at a known instant is found there: the codec's delay is taken out, at either rate, and both
    legs of a call that speak different codecs stay together."""
    world = MediaWorld()
    a, b = world.phone(1, codec=Codec.G722), world.phone(2)
    world.bridge()
    world.record(sample_rate_hz=rate_hz)
    burst = np.zeros(16000, np.int16)
    burst[6000:6400] = np.rint(12000 * np.sin(2 * np.pi * 900 * np.arange(400) / 16000)).astype(np.int16)
    talk_g722(a, burst, 100.0)
    b.talk(np.ascontiguousarray(burst[::2]), 100.0)
    world.run(101.5)
    audio = finish(world).audio.astype(np.float64)
    wanted = burst[:: 16000 // rate_hz].astype(np.float64)
    for channel in (0, 1):
        apart = np.correlate(audio[: wanted.size, channel], wanted, "full").argmax() - (wanted.size - 1)
        assert abs(int(apart)) <= 1


def test_a_g722_leg_is_halved_for_an_8_khz_recording() -> None:
    world = MediaWorld()
    a = world.phone(1, codec=Codec.G722)
    world.phone(2)
    world.bridge()
    world.record()
    wide = np.rint(8000 * np.sin(2 * np.pi * 1000 * np.arange(16000) / 16000)).astype(np.int16)
    talk_g722(a, wide, 100.0)
    world.run(101.5)
    channel = finish(world).audio[2000:6000, 0].astype(np.float64)
    spectrum = np.abs(np.fft.rfft(channel))
    assert spectrum.argmax() * 2 == 1000
    assert 20 * np.log10(np.std(channel) * np.sqrt(2) / 8000) == pytest.approx(0, abs=0.3)


def talk_g722(phone: Phone, wide: Pcm, at: float) -> None:
    from mediaserver.media.g722 import G722Encoder

    encoder = G722Encoder()
    for number in range(wide.size // 320):
        payload = encoder.encode(wide[number * 320 : number * 320 + 320])
        phone.send(phone.packet(payload), at + number * 0.02)


def test_drift_is_taken_out_by_whole_frames_in_silence() -> None:
    """A phone 700 ppm fast for 52 seconds: never further than 20 ms off, each step a mark."""
    world = MediaWorld()
    a, _ = world.call()
    world.record()
    silence = encoded(Codec.PCMU, np.zeros(160, np.int16)).tobytes()
    click = encoded(Codec.PCMU, np.full(160, 8000, np.int16)).tobytes()
    for number in range(2600):
        loud = number % 100 == 0
        a.send(a.packet(click if loud else silence), 100 + number * 0.02 * (1 - 700e-6))
    world.run(152.5)
    sink = finish(world)
    starts = np.flatnonzero(np.diff((sink.audio[:, 0] > 4000).astype(np.int8)) == 1) + 1
    truth = np.arange(1, 26) * 16000
    fast = truth * (1 - 700e-6)
    assert np.abs(starts - fast).max() <= 160
    shifts = marks(sink, MarkKind.DRIFT)
    assert {(length, channel, detail["frames"]) for _, length, channel, detail in shifts} == {(20.0, 1, "-1")}
    assert len(shifts) == 1


def test_digits_leave_a_span_of_silence_and_no_name() -> None:
    """The phone goes on sending its tone as audio beside the events."""
    world = MediaWorld()
    a, _ = world.call()
    world.record()
    said = a.talk(speech(4000, 1), 100.0)
    press(a, event=5, at=100.5, beside=speech(800, 3))
    rest = a.talk(speech(4000, 2), 100.6)
    world.run(102)
    sink = finish(world)
    assert np.array_equal(sink.audio[:4000, 0], said)
    assert not sink.audio[4000:4800, 0].any()
    assert np.array_equal(sink.audio[4800:8800, 0], rest)
    assert marks(sink, MarkKind.DIGIT) == [(500.0, 100.0, 1, {"masked": "yes"})]


def press(phone: Phone, *, event: int, at: float, beside: Pcm) -> None:
    """Five event packets of 20 ms, three ends, and audio beside them."""
    codes = encoded(Codec.PCMU, beside).tobytes()
    began = phone.timestamp
    for number in range(5):
        end = number == 4
        for _ in range(3 if end else 1):
            payload = bytes([event, 0x8A if end else 0x0A]) + ((number + 1) * 160).to_bytes(2, "big")
            phone.timestamp, now_at = began, phone.timestamp
            phone.send(phone.packet(payload, payload_type=101, marker=number == 0), at + number * 0.02)
            phone.timestamp = now_at
        phone.send(phone.packet(codes[number * 160 : number * 160 + 160]), at + number * 0.02 + 0.001)


def test_marks_of_the_call_have_their_place_in_file_and_call() -> None:
    world = MediaWorld()
    world.call()
    world.record(answered_at=98.5)
    world.run(101)
    world.tell(PauseRecording(recording_id="rec", at=101.0))
    world.run(102)
    world.tell(ResumeRecording(recording_id="rec", at=102.0))
    world.run(103)
    world.tell(MarkRecording(recording_id="rec", kind=MarkKind.HOLD, at=102.5, detail=(("by", "user"),)))
    world.run(104)
    sink = finish(world)
    assert sink.end is not None
    hold = next(mark for mark in sink.end.marks if mark.kind is MarkKind.HOLD)
    assert (hold.file_ms, hold.call_ms, hold.detail) == (1500.0, 4000.0, {"by": "user"})


def test_what_each_side_heard_is_captured_too() -> None:
    """Said by user, said by other, heard by user, heard by other; in a pause only what the server said."""
    world = MediaWorld(prompts={("notice", "en"): prompt(speech(4000, 9, 2000))})
    a, b = world.call()
    said_a, said_b = a.talk(speech(32000, 1), 100.0), b.talk(speech(32000, 2), 100.0)
    world.run(100.1)
    sink = world.record(heard=True, at=100.1, answered_at=100.0)
    world.run(101)
    world.tell(PauseRecording(recording_id="rec", at=101.0))
    notice = PromptAudio(prompt="notice", language="en")
    world.tell(Play(call_id="call", play_id=1, audio=(notice,), audience=(1,), recorded=False))
    world.run(102)
    world.tell(ResumeRecording(recording_id="rec", at=102.0))
    world.run(103)
    finish(world)
    heard = sink.heard
    assert heard.shape[0] == 8000 * 2.9
    spoken = np.stack([said_a, said_b, said_b, said_a], axis=1)
    assert np.array_equal(heard[:7200], spoken[800:8000])
    only_ours = np.zeros((8000, 4), np.int16)
    begun = round((world.told(PlayStarted)[0].at - 101) * 8000)
    only_ours[begun : begun + 4000, 2] = speech(4000, 9, 2000)
    assert np.array_equal(heard[7200:15200], only_ours)
    assert np.array_equal(heard[16000:23200], spoken[16800:24000])


def test_a_recording_of_legs_that_are_not_there_fails() -> None:
    world = MediaWorld()
    world.tell(
        StartRecording(
            call_id="call",
            recording_id="rec",
            user_leg=8,
            other_leg=9,
            directory="",
            sample_rate_hz=8000,
            at=100.0,
            answered_at=100.0,
        )
    )
    assert world.told(RecordingFailed) == [RecordingFailed(recording_id="rec", reason="no-such-leg")]


def test_an_abandoned_recording_is_closed_as_it_is() -> None:
    world = MediaWorld()
    world.call()
    sink = world.record()
    world.run(102)
    world.tell(AbandonRecording(recording_id="rec"))
    world.run(103)
    assert sink.abandoned
    assert sink.end is None
    assert world.told(RecordingFinished) == []


def test_two_recordings_of_one_call_swap_its_channels() -> None:
    world = MediaWorld()
    a, b = world.call()
    world.record()
    world.record("other", user_leg=2, other_leg=1)
    said_a, said_b = a.talk(speech(8000, 1), 100.0), b.talk(speech(8000, 2), 100.0)
    world.run(101)
    for name in ("rec", "other"):
        world.tell(FinishRecording(recording_id=name, at=101.0, keep=True))
    world.run(102)
    assert np.array_equal(world.sinks["rec"].audio, np.stack([said_a, said_b], axis=1))
    assert np.array_equal(world.sinks["other"].audio, np.stack([said_b, said_a], axis=1))


def test_an_offered_payload_type_other_than_the_first_is_recorded_too() -> None:
    """A phone may send any codec it negotiated; the record follows."""
    world = MediaWorld()
    both = ((0, Codec.PCMU), (8, Codec.PCMA))
    a, _ = world.call(receive_payload_types=both)
    world.record()
    samples = speech(8000)
    a.codec = Codec.PCMA
    said = a.talk(samples, 100.0)
    world.run(101)
    assert np.array_equal(finish(world).audio[:8000, 0], said)
    assert STATIC[a.codec] == 8


def test_a_step_that_comes_two_seconds_late_loses_nothing() -> None:
    """What the forwarder kept meanwhile is worked off as if in time."""
    world = MediaWorld()
    a, b = world.call()
    world.record()
    said_a, said_b = a.talk(speech(32000, 1), 100.0), b.talk(speech(32000, 2), 100.0)
    world.run(101)
    for number in range(100):
        world.now = 101 + number * 0.02
        world.deliver()
    world.step()
    world.run(104.5)
    sink = finish(world)
    assert np.array_equal(sink.audio[:32000], np.stack([said_a, said_b], axis=1))
    assert marks(sink, MarkKind.GAP) == []


def test_calls_in_both_laws_are_decoded_in_one_batch() -> None:
    world = MediaWorld(config=EngineConfig(legs=4, bulk_from=1))
    a, b = world.phone(1), world.phone(2, codec=Codec.PCMA)
    world.bridge()
    world.record()
    said_a, said_b = a.talk(speech(8000, 1), 100.0), b.talk(speech(8000, 2), 100.0)
    world.run(101)
    assert np.array_equal(finish(world).audio[:8000], np.stack([said_a, said_b], axis=1))


def test_comfort_noise_between_talk_is_silence_and_no_gap() -> None:
    world = MediaWorld()
    a, _ = world.call()
    world.record()
    first = a.talk(speech(4000, 1), 100.0)
    a.send(a.packet(b"\x40", payload_type=13), 100.5)
    a.timestamp += 4000 - 1
    second = a.talk(speech(4000, 2), 101.0)
    world.run(102)
    sink = finish(world)
    assert np.array_equal(sink.audio[:12000, 0], np.concatenate([first, np.zeros(4000, np.int16), second]))
    assert marks(sink, MarkKind.GAP) == []


def test_what_each_side_heard_is_captured_at_16_khz() -> None:
    world = MediaWorld()
    a, b = world.phone(1, codec=Codec.G722), world.phone(2, codec=Codec.G722)
    world.bridge()
    sink = world.record(heard=True, sample_rate_hz=16000)
    talk_g722(a, np.rint(8000 * np.sin(2 * np.pi * 1000 * np.arange(48000) / 16000)).astype(np.int16), 100.0)
    world.run(101)
    world.tell(PauseRecording(recording_id="rec", at=101.0))
    world.run(102)
    world.tell(ResumeRecording(recording_id="rec", at=102.0))
    world.run(103)
    finish(world)
    assert b.heard
    assert sink.heard.shape[0] == 48000
    level = np.sqrt(np.mean(sink.heard.astype(np.float64).reshape(3, 16000, 4) ** 2, axis=1))
    assert (level[[0, 2]][:, [0, 3]] > 5000).all()
    assert not level[1].any()
    assert not level[:, [1, 2]].any()
