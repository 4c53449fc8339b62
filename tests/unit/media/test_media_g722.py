"""G.722: state, delay, quality, and the very bits other implementations make."""

from __future__ import annotations

import hashlib
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from mediaserver.media.g722 import DELAY_SAMPLES, SAMPLE_RATE_HZ, G722Decoder, G722Encoder

FRAME = 320


def tone(hz: float, amplitude: float, samples: int = 16000) -> NDArray[np.int16]:
    wave = amplitude * np.sin(2 * np.pi * hz * np.arange(samples) / SAMPLE_RATE_HZ)
    return np.asarray(np.rint(wave), np.int16)


def through(samples: NDArray[np.int16]) -> NDArray[np.float64]:
    """Encoded and decoded, packet by packet."""
    encoder, decoder = G722Encoder(), G722Decoder()
    frames = [decoder.decode(encoder.encode(samples[at : at + FRAME])) for at in range(0, samples.size, FRAME)]
    return np.concatenate(frames).astype(np.float64)


def integer_signal() -> NDArray[np.int16]:
    """Saw, triangle and noise in whole numbers, the same on every machine."""
    n = np.arange(16000)
    chance, noise = 12345, []
    for _ in range(n.size):
        chance = (chance * 1103515245 + 12345) & 0x7FFFFFFF
        noise.append((chance >> 16) % 2001 - 1000)
    waves = (n * 397 % 16384) - 8192 + np.abs(n * 61 % 8192 - 4096) * 2 - 4096
    return np.asarray(waves + np.array(noise), np.int16)


def test_bits_and_samples_are_those_of_spandsp() -> None:
    # digests of what spandsp 0.0.6 (the G.722 of FreeSWITCH and baresip) made of the same samples
    payload = G722Encoder().encode(integer_signal())
    samples = G722Decoder().decode(payload).astype("<i2").tobytes()
    assert [hashlib.sha256(data).hexdigest() for data in (payload, samples)] == [
        "113de95f036a0f02a1fddfed256fc9081e12b0687759e7c5005f7f1b18c6b5de",
        "1baa02fe9bf2f4613d156ee0959df3084b0137debbbfcfe5bc82182c0878c44f",
    ]


def test_packets_are_one_stream_wherever_they_are_cut() -> None:
    samples = integer_signal()
    whole = G722Encoder().encode(samples)
    encoder, decoder = G722Encoder(), G722Decoder()
    cuts = [0, 160, 640, 642, 1600, samples.size]
    payloads = [encoder.encode(samples[a:b]) for a, b in pairwise(cuts)]
    assert b"".join(payloads) == whole
    decoded = np.concatenate([decoder.decode(payload) for payload in payloads])
    assert decoded.tobytes() == G722Decoder().decode(whole).tobytes()


@pytest.mark.parametrize(
    ("hz", "least_db"),
    [(300, 55), (1000, 45), (1400, 45), (3000, 38), (3900, 38), (5000, 20), (7000, 20)],
)
def test_a_tone_comes_through_clean_at_its_level_and_22_samples_later(hz: float, least_db: float) -> None:
    heard = through(tone(hz, 12000))[4000:]
    at = np.arange(4000, 16000)
    expected = 12000 * np.sin(2 * np.pi * hz * (at - DELAY_SAMPLES) / SAMPLE_RATE_HZ)
    error_db = 10 * np.log10(np.mean(expected**2) / np.mean((heard - expected) ** 2))
    assert error_db > least_db


def test_a_short_sound_comes_out_22_samples_later() -> None:
    samples = np.zeros(8000, np.int16)
    samples[3000:3400] = np.rint(8000 * np.hanning(400) * np.sin(2 * np.pi * 800 * np.arange(400) / SAMPLE_RATE_HZ))
    lag = int(np.correlate(through(samples), samples.astype(np.float64), "full").argmax()) - (samples.size - 1)
    assert lag == DELAY_SAMPLES == 22


def test_silence_stays_silent() -> None:
    assert np.abs(through(np.zeros(16000, np.int16))).max() <= 4


def test_what_is_too_loud_is_clipped_and_never_turns_over() -> None:
    samples = tone(440, 32767)
    heard = through(samples)
    settled = slice(1000, None)
    assert np.abs(heard[DELAY_SAMPLES:] - samples[:-DELAY_SAMPLES])[settled].max() < 200


def test_a_lost_packet_is_forgotten_within_100_ms() -> None:
    encoder = G722Encoder()
    samples = tone(1000, 8000)
    payloads = [encoder.encode(samples[at : at + FRAME]) for at in range(0, samples.size, FRAME)]
    whole, holed = G722Decoder(), G722Decoder()
    heard_whole = [whole.decode(payload).astype(np.int32) for payload in payloads]
    heard_holed = [holed.decode(payload).astype(np.int32) for at, payload in enumerate(payloads) if at != 20]
    assert np.abs(heard_whole[26] - heard_holed[25]).max() < 80


def test_two_streams_do_not_touch_each_other() -> None:
    first, second = G722Encoder(), G722Encoder()
    first.encode(tone(700, 9000))
    assert second.encode(integer_signal()) == G722Encoder().encode(integer_signal())


def test_an_odd_number_of_samples_is_refused_and_nothing_gives_nothing() -> None:
    with pytest.raises(ValueError, match="two by two"):
        G722Encoder().encode(np.zeros(3, np.int16))
    assert G722Encoder().encode(np.zeros(0, np.int16)) == b""
    assert G722Decoder().decode(b"").size == 0


def test_samples_that_do_not_lie_side_by_side_are_encoded_as_they_read() -> None:
    samples = np.repeat(integer_signal(), 2)[::2]
    assert G722Encoder().encode(samples) == G722Encoder().encode(integer_signal())
