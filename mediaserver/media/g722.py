"""G.722 with its state, one object a direction and leg (ITU-T G.722 mode 1: 64 kbit/s, a byte for two 16 kHz samples).

The filter banks of encoder and decoder together delay sound by ``DELAY_SAMPLES``: what a decoder gives out was said so
much before the instant that its packet's timestamp names. The time line has it where it was said, so recordings know no
delay; a phone that hears G.722 of ours, or passed on, hears it that much later. A lost packet leaves the state where it
was; the adaptive quantisers find their way back by themselves within some 100 ms. Output that would overflow is
clipped.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from G722 import G722
from numpy.typing import NDArray

SAMPLE_RATE_HZ: Final = 16000
BIT_RATE: Final = 64000
DELAY_SAMPLES: Final = 22
"""From the encoder's input to the decoder's output, at 16 kHz: 1.375 ms, the same at every frequency."""


class G722Decoder:
    """Payloads of consecutive packets to samples."""

    def __init__(self) -> None:
        self._codec = G722(SAMPLE_RATE_HZ, BIT_RATE)

    def decode(self, payload: bytes) -> NDArray[np.int16]:
        """Two samples a byte."""
        return np.frombuffer(self._codec.decode(payload), np.int16)


class G722Encoder:
    """Samples to payloads of consecutive packets."""

    def __init__(self) -> None:
        self._codec = G722(SAMPLE_RATE_HZ, BIT_RATE)

    def encode(self, samples: NDArray[np.int16]) -> bytes:
        """One byte for two samples; ValueError for an odd number of them."""
        if samples.size % 2:
            raise ValueError(f"{samples.size} samples: G.722 takes them two by two")
        return bytes(self._codec.encode(np.ascontiguousarray(samples)))
