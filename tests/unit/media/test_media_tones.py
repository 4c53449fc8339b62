"""Tones as G.711 makes them: level, frequency, length."""

from __future__ import annotations

import numpy as np
import pytest

from mediaserver.media.g711 import decoded, encoded
from mediaserver.media.messages import Codec
from mediaserver.media.tones import dbm0_of, keys, shaped, sine, to_pcm, tone


def test_the_digital_milliwatt_of_g711_table_5_is_0_dbm0() -> None:
    milliwatt = decoded(Codec.PCMU, bytes.fromhex("1e0b0b1e9e8b8b9e") * 100)
    assert dbm0_of(milliwatt) == pytest.approx(0, abs=0.01)


@pytest.mark.parametrize("codec", [Codec.PCMU, Codec.PCMA])
@pytest.mark.parametrize("dbm0", [0.0, -10.0, -18.0])
def test_a_tone_through_a_codec_keeps_its_level_and_frequency(codec: Codec, dbm0: float) -> None:
    sent = to_pcm(sine(1004, dbm0, 80000, 8000))
    heard = decoded(codec, encoded(codec, sent).tobytes())
    spectrum = np.abs(np.fft.rfft(heard * np.hanning(heard.size)))
    assert dbm0_of(heard) == pytest.approx(dbm0, abs=0.1)
    assert spectrum.argmax() * 8000 / heard.size == pytest.approx(1004, abs=0.1)


def test_an_endless_tone_has_no_seam_between_its_pieces() -> None:
    """Phase is counted from sample 0, an hour in as at the start."""
    hour = 3600 * 8000
    whole = sine(1004, 0, 400, 8000, hour)
    assert np.array_equal(np.concatenate([sine(1004, 0, 200, 8000, hour), sine(1004, 0, 200, 8000, hour + 200)]), whole)
    assert np.allclose(whole, sine(1004, 0, 400, 8000), atol=1e-3)


def test_bursts_have_their_length_and_edges_inside() -> None:
    samples = tone(hz=400, on_ms=100, off_ms=100, bursts=3, level_dbm0=-10, rate_hz=8000)
    assert samples.size == 8 * 500
    loud = np.flatnonzero(np.abs(samples) > 20)
    runs = np.split(loud, np.flatnonzero(np.diff(loud) > 40) + 1)
    assert [(run[0] / 8, (run[-1] - run[0]) / 8) for run in runs] == [
        (pytest.approx(start, abs=1), pytest.approx(100, abs=2)) for start in (0, 200, 400)
    ]
    assert np.abs(samples[:10]).max() < np.abs(samples[300:400]).max() / 10


def test_a_burst_shorter_than_its_edges_is_all_edge() -> None:
    assert np.array_equal(shaped(np.ones(1), 8000), np.ones(1))
    assert shaped(np.ones(20), 8000).max() < 1


def test_no_bursts_and_no_keys_are_no_samples() -> None:
    assert tone(hz=400, on_ms=10, off_ms=10, bursts=0, level_dbm0=0, rate_hz=8000).size == 0
    assert keys("x", 100, 8000).size == 0
    assert dbm0_of(np.zeros(0, np.int16)) == float("-inf")
