"""One stream of one codec, at its own rate or another: lengths, levels and delays."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from mediaserver.media.codecs import Resampler, converted, decoder_for, encoder_for, silent_payload
from mediaserver.media.messages import Codec

RATES = (8000, 16000)


def tone(hz: float, rate_hz: int, ms: int = 600, *, later_samples: int = 0) -> NDArray[np.int16]:
    at = np.arange(rate_hz * ms // 1000) - later_samples
    return np.asarray(np.rint(8000 * np.sin(2 * np.pi * hz * at / rate_hz)), np.int16)


def distance_db(heard: NDArray[np.int16], expected: NDArray[np.int16]) -> float:
    """Error against what should be heard, the first and last 100 ms left out."""
    edge = heard.size // 6
    error = heard[edge:-edge].astype(np.float64) - expected[edge:-edge]
    # a thousandth of a step of noise, so that no error at all has a level too
    return float(10 * np.log10((1e-6 + np.mean(error**2)) / np.mean(expected[edge:-edge].astype(np.float64) ** 2)))


@pytest.mark.parametrize(("codec", "own_hz"), [(Codec.PCMU, 8000), (Codec.PCMA, 8000), (Codec.G722, 16000)])
def test_without_a_rate_a_stream_has_its_codecs(codec: Codec, own_hz: int) -> None:
    assert (encoder_for(codec).sample_rate_hz, decoder_for(codec).sample_rate_hz) == (own_hz, own_hz)


@pytest.mark.parametrize("codec", Codec)
@pytest.mark.parametrize("rate_hz", RATES)
@pytest.mark.parametrize("ms", [10, 20, 30, 40, 60])
def test_a_payload_byte_is_an_eighth_of_a_millisecond_in_every_codec(codec: Codec, rate_hz: int, ms: int) -> None:
    payload = encoder_for(codec, rate_hz).encode(np.zeros(rate_hz * ms // 1000, np.int16))
    assert (len(payload), decoder_for(codec, rate_hz).decode(payload).size) == (8 * ms, rate_hz * ms // 1000)


@pytest.mark.parametrize(
    ("codec", "rate_hz", "delay"),
    [
        (Codec.PCMA, 8000, 0), (Codec.PCMA, 16000, 32), (Codec.PCMU, 8000, 0), (Codec.PCMU, 16000, 32),
        (Codec.G722, 16000, 22), (Codec.G722, 8000, 11 + 16),
    ],
)  # fmt: skip
def test_a_decoder_knows_its_delay_to_the_sample(codec: Codec, rate_hz: int, delay: int) -> None:
    encoder, decoder = encoder_for(codec), decoder_for(codec, rate_hz)
    said = tone(1000, encoder.sample_rate_hz)
    frame = encoder.sample_rate_hz // 50
    heard = np.concatenate([decoder.decode(encoder.encode(said[at : at + frame])) for at in range(0, said.size, frame)])
    assert decoder.delay_samples == delay
    assert distance_db(heard, tone(1000, rate_hz, later_samples=delay)) < -33


@pytest.mark.parametrize("codec", Codec)
def test_an_encoder_at_the_other_rate_adds_two_milliseconds(codec: Codec) -> None:
    rate_hz = 16000 if codec is not Codec.G722 else 8000
    encoder, decoder = encoder_for(codec, rate_hz), decoder_for(codec)
    said = tone(1000, rate_hz)
    frame = rate_hz // 50
    heard = np.concatenate([decoder.decode(encoder.encode(said[at : at + frame])) for at in range(0, said.size, frame)])
    own = decoder.sample_rate_hz
    assert distance_db(heard, tone(1000, own, later_samples=decoder.delay_samples + own // 500)) < -33


@pytest.mark.parametrize(("from_hz", "to_hz"), [(8000, 16000), (16000, 8000)])
def test_a_stream_gives_the_same_in_pieces_as_in_one(from_hz: int, to_hz: int) -> None:
    samples = np.random.default_rng(2).integers(-20000, 20000, 3200).astype(np.int16)
    cuts = [0, 2, 2, 320, 330, 1000, 3200]
    pieces = Resampler(from_hz, to_hz)
    whole = Resampler(from_hz, to_hz)
    cut = np.concatenate([pieces.process(samples[a:b]) for a, b in pairwise(cuts)])
    assert cut.tobytes() == whole.process(samples).tobytes()
    assert pieces.flush().tobytes() == whole.flush().tobytes()


@pytest.mark.parametrize(("from_hz", "to_hz"), [(8000, 16000), (16000, 8000)])
@pytest.mark.parametrize(("hz", "below_db"), [(300, -80), (1000, -80), (2000, -80), (3000, -75), (3400, -60)])
def test_a_whole_piece_keeps_its_place_its_level_and_its_phase(
    from_hz: int, to_hz: int, hz: float, below_db: float
) -> None:
    assert distance_db(converted(tone(hz, from_hz), from_hz, to_hz), tone(hz, to_hz)) < below_db


def test_what_does_not_fit_into_8_khz_is_gone() -> None:
    left = converted(tone(5000, 16000), 16000, 8000)[800:-800].astype(np.float64)
    assert np.sqrt(np.mean(left**2)) < 8000 / np.sqrt(2) / 1000


def test_doubling_keeps_every_sample_and_an_impulse_its_place() -> None:
    samples = np.zeros(100, np.int16)
    samples[40] = 10000
    twice = converted(samples, 8000, 16000)
    assert twice[::2].tolist() == samples.tolist()
    assert int(twice.argmax()) == 80
    assert converted(twice, 16000, 8000).argmax() == 40


def test_the_same_rate_changes_nothing_and_an_odd_sample_is_left_out() -> None:
    samples = tone(500, 8000)
    assert converted(samples, 8000, 8000) is samples
    assert converted(np.zeros(7, np.int16), 16000, 8000).size == 3


def test_a_flushed_stream_starts_anew() -> None:
    stream = Resampler(8000, 16000)
    stream.process(tone(500, 8000))
    stream.flush()
    assert not stream.process(np.zeros(100, np.int16)).any()


def test_other_rates_and_odd_pieces_are_refused() -> None:
    with pytest.raises(ValueError, match="48000"):
        Resampler(48000, 8000)
    with pytest.raises(ValueError, match="halved"):
        Resampler(16000, 8000).process(np.zeros(3, np.int16))


@pytest.mark.parametrize("codec", Codec)
def test_silence_is_as_long_as_asked_and_silent(codec: Codec) -> None:
    payload = silent_payload(codec, 30)
    assert len(payload) == 240
    assert np.abs(decoder_for(codec).decode(payload)).max() <= 8
