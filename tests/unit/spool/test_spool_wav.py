from __future__ import annotations

import io
import wave

import pytest

from spool import CorruptError
from spool.wav import HEADER_BYTES, MAX_DATA_BYTES, WavFormat, make_header, parse_header


def test_header_is_what_another_reader_understands() -> None:
    head = make_header(sample_rate_hz=16000, channels=2, data_bytes=8)
    with wave.open(io.BytesIO(head + bytes(8))) as found:
        params = (found.getnchannels(), found.getsampwidth(), found.getframerate(), found.getnframes())
    assert (len(head), params) == (HEADER_BYTES, (2, 2, 16000, 2))


def test_parse_gives_back_what_make_was_given() -> None:
    found = parse_header(make_header(sample_rate_hz=48000, channels=2, data_bytes=400))
    assert found == WavFormat(sample_rate_hz=48000, channels=2, data_bytes=400)
    assert (found.frame_bytes, found.samples) == (4, 100)


@pytest.mark.parametrize("size", [-1, MAX_DATA_BYTES + 1])
def test_sizes_riff_cannot_say_are_refused(size: int) -> None:
    with pytest.raises(ValueError, match="do not fit"):
        make_header(sample_rate_hz=8000, channels=2, data_bytes=size)


GOOD = make_header(sample_rate_hz=8000, channels=2, data_bytes=400)


@pytest.mark.parametrize(
    ("head", "says"),
    [
        (GOOD[:43], "cut short"),
        (b"RIFX" + GOOD[4:], "not a PCM16"),
        (GOOD[:20] + b"\x03\x00" + GOOD[22:], "not a PCM16"),
        (GOOD[:22] + b"\x00\x00" + GOOD[24:], "contradicts"),
        (GOOD[:24] + b"\x01\x00" + GOOD[26:], "contradicts"),
        (GOOD[:40] + b"\x00\x00\x00\x00", "never completed"),
    ],
)
def test_other_headers_are_corrupt(head: bytes, says: str) -> None:
    with pytest.raises(CorruptError, match=says):
        parse_header(head)
