"""G.711: every code and every sample, against the words of the recommendation's reference software (ITU-T G.191)."""

from __future__ import annotations

import numpy as np
import pytest

from mediaserver.media.g711 import SILENCE, decoded, decoded_frames, encoded
from mediaserver.media.messages import Codec

BOTH = (Codec.PCMU, Codec.PCMA)
ALL_CODES = bytes(range(256))
ALL_SAMPLES = np.arange(-32768, 32768).astype(np.int16)


def mu_law_code(sample: int) -> int:
    """One sample, step by step as G.191's ``ulaw_compress`` has it."""
    magnitude = min(((~sample if sample < 0 else sample) >> 2) + 33, 0x1FFF)
    segment = 1
    rest = magnitude >> 6
    while rest:
        segment += 1
        rest >>= 1
    return (0 if sample < 0 else 0x80) | ((8 - segment) << 4) | (15 - ((magnitude >> segment) & 15))


def a_law_code(sample: int) -> int:
    """One sample, step by step as G.191's ``alaw_compress`` has it."""
    step = (~sample if sample < 0 else sample) >> 4
    if step > 15:
        exponent = 1
        while step > 31:
            step >>= 1
            exponent += 1
        step += (exponent << 4) - 16
    return (step | (0 if sample < 0 else 0x80)) ^ 0x55


def mu_law_sample(code: int) -> int:
    """One code, as G.191's ``ulaw_expand`` has it."""
    exponent, mantissa = (~code >> 4) & 7, ~code & 15
    step = 4 << (exponent + 1)
    magnitude = (0x80 << exponent) + step * mantissa + step // 2 - 4 * 33
    return magnitude if code & 0x80 else -magnitude


def a_law_sample(code: int) -> int:
    """One code, as G.191's ``alaw_expand`` has it."""
    exponent, mantissa = ((code ^ 0x55) & 0x7F) >> 4, (code ^ 0x55) & 15
    if exponent:
        mantissa += 16
    magnitude = (mantissa << 4) + 8
    if exponent > 1:
        magnitude <<= exponent - 1
    return magnitude if code & 0x80 else -magnitude


@pytest.mark.parametrize(("codec", "expand"), [(Codec.PCMU, mu_law_sample), (Codec.PCMA, a_law_sample)])
def test_each_of_the_256_codes_is_expanded_as_the_reference_does(codec: Codec, expand: object) -> None:
    assert callable(expand)
    assert decoded(codec, ALL_CODES).tolist() == [expand(code) for code in range(256)]


@pytest.mark.parametrize(("codec", "compress"), [(Codec.PCMU, mu_law_code), (Codec.PCMA, a_law_code)])
def test_each_of_the_65536_samples_is_compressed_as_the_reference_does(codec: Codec, compress: object) -> None:
    assert callable(compress)
    assert encoded(codec, ALL_SAMPLES).tolist() == [compress(int(sample)) for sample in ALL_SAMPLES]


@pytest.mark.parametrize(
    ("codec", "samples", "codes"),
    [
        # the first decision values, and one to either side: a value on the edge goes up
        (Codec.PCMU, [-5, -4, -1, 0, 3, 4], [0x7E, 0x7F, 0x7F, 0xFF, 0xFF, 0xFE]),
        (Codec.PCMA, [-17, -16, -1, 0, 15, 16], [0x54, 0x55, 0x55, 0xD5, 0xD5, 0xD4]),
        # between two segments the decision value is the one of the table, not the middle of the two steps
        (Codec.PCMU, [123, 124, 32124, 32767, -32768], [0xF0, 0xEF, 0x80, 0x80, 0x00]),
        (Codec.PCMA, [511, 512, 32256, 32767, -32768], [0xCA, 0xF5, 0xAA, 0xAA, 0x2A]),
    ],
)
def test_samples_on_the_edges(codec: Codec, samples: list[int], codes: list[int]) -> None:
    assert encoded(codec, np.array(samples, np.int16)).tolist() == codes


def test_a_code_survives_the_way_through_samples_but_for_mu_laws_negative_zero() -> None:
    changed = {
        codec: [code for code in range(256) if encoded(codec, decoded(codec, bytes([code])))[0] != code]
        for codec in BOTH
    }
    assert changed == {Codec.PCMU: [0x7F], Codec.PCMA: []}


@pytest.mark.parametrize("codec", BOTH)
def test_silence_has_its_usual_byte(codec: Codec) -> None:
    assert encoded(codec, np.zeros(1, np.int16)).tolist() == [SILENCE[codec]]


def test_known_values() -> None:
    assert decoded(Codec.PCMU, b"\x00\x80\xff\x7f").tolist() == [-32124, 32124, 0, 0]
    assert decoded(Codec.PCMA, b"\x2a\xaa\xd5\x55").tolist() == [-32256, 32256, 8, -8]


@pytest.mark.parametrize("codec", BOTH)
def test_two_by_two_gives_what_one_by_one_gives(codec: Codec) -> None:
    payload = np.random.default_rng(1).integers(0, 256, (3, 160)).astype(np.uint8)
    frames = decoded_frames(codec, payload.view(np.uint16))
    assert frames.shape == (3, 160)
    assert frames.tobytes() == decoded(codec, payload.tobytes()).tobytes()


def test_a_batch_keeps_its_shape_and_nothing_gives_nothing() -> None:
    assert encoded(Codec.PCMA, np.zeros((2, 3), np.int16)).shape == (2, 3)
    assert decoded(Codec.PCMA, b"").size == 0
