"""The 44-byte header of a PCM16 WAV file (RIFF, ``fmt ``, ``data``), made and read back."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from spool.errors import CorruptError

HEADER_BYTES = 44
BYTES_PER_SAMPLE = 2
MAX_DATA_BYTES = 0xFFFFFFFF - HEADER_BYTES + 8
"""RIFF sizes are 32 bits: about 37 hours of 8 kHz stereo."""

_LAYOUT = struct.Struct("<4sI4s4sIHHIIHH4sI")
_PCM = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class WavFormat:
    """What the header says."""

    sample_rate_hz: int
    channels: int
    data_bytes: int

    @property
    def frame_bytes(self) -> int:
        """Bytes of one sample of all channels."""
        return self.channels * BYTES_PER_SAMPLE

    @property
    def samples(self) -> int:
        """Samples per channel."""
        return self.data_bytes // self.frame_bytes


def make_header(*, sample_rate_hz: int, channels: int, data_bytes: int) -> bytes:
    """Header of a file with ``data_bytes`` of interleaved little-endian PCM16; ValueError when RIFF cannot say it."""
    if not 0 <= data_bytes <= MAX_DATA_BYTES:
        raise ValueError(f"{data_bytes} bytes of audio do not fit a WAV file")
    frame = channels * BYTES_PER_SAMPLE
    riff_bytes = HEADER_BYTES - 8 + data_bytes
    fmt = (b"fmt ", 16, _PCM, channels, sample_rate_hz, sample_rate_hz * frame, frame, 8 * BYTES_PER_SAMPLE)
    return _LAYOUT.pack(b"RIFF", riff_bytes, b"WAVE", *fmt, b"data", data_bytes)


def parse_header(head: bytes) -> WavFormat:
    """Read a header made by :func:`make_header`; CorruptError for anything else."""
    if len(head) < HEADER_BYTES:
        raise CorruptError("WAV header is cut short")
    riff, riff_bytes, wave, fmt, fmt_bytes, kind, channels, rate, rate_bytes, frame, bits, data, data_bytes = (
        _LAYOUT.unpack(head[:HEADER_BYTES])
    )
    if (riff, wave, fmt, fmt_bytes, kind, bits, data) != (b"RIFF", b"WAVE", b"fmt ", 16, _PCM, 16, b"data"):
        raise CorruptError("not a PCM16 WAV header")
    if channels == 0 or frame != channels * BYTES_PER_SAMPLE or rate_bytes != rate * frame:
        raise CorruptError("WAV header contradicts itself")
    if riff_bytes != HEADER_BYTES - 8 + data_bytes:
        raise CorruptError("WAV header was never completed")
    return WavFormat(sample_rate_hz=rate, channels=channels, data_bytes=data_bytes)
