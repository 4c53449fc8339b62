"""One stream of one codec: samples to payloads and back, at the codec's own rate or at the rate one asks for.

All three codecs spend 64 kbit/s, so a payload byte is one tick of the RTP clock and 1/8 ms of sound in each.

Between 8 and 16 kHz a linear-phase half-band filter is used (``resample``). A stream's output lags behind its
input by a constant ``delay_samples``, told in samples of its output; ``converted`` turns a whole piece without any.
"""

from __future__ import annotations

from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from mediaserver.media.g711 import SILENCE, decoded, encoded
from mediaserver.media.g722 import DELAY_SAMPLES, G722Decoder, G722Encoder
from mediaserver.media.messages import Codec
from mediaserver.media.resample import CONTEXT, doubled, halved

Pcm = NDArray[np.int16]

LOW_HZ: Final = 8000
HIGH_HZ: Final = 16000
BYTES_PER_MS: Final = 8
"""Of payload, whichever codec."""

_HISTORY_MS: Final = 2 * CONTEXT * 1000 // LOW_HZ


class Decoder(Protocol):
    """Payloads of one stream, in order, to samples."""

    @property
    def sample_rate_hz(self) -> int:
        """Of what comes out."""
        ...

    @property
    def delay_samples(self) -> int:
        """What comes out first was said so many samples before the first payload's timestamp."""
        ...

    def decode(self, payload: bytes) -> Pcm:
        """``len(payload) / 8`` ms of sound."""
        ...


class Encoder(Protocol):
    """Samples of one stream, in order, to payloads."""

    @property
    def sample_rate_hz(self) -> int:
        """Of what goes in."""
        ...

    def encode(self, samples: Pcm) -> bytes:
        """One byte for 1/8 ms; ValueError for a length that is no whole number of bytes."""
        ...


class Resampler:
    """A stream from 8 to 16 kHz or back; block by block it gives what it would give in one piece."""

    def __init__(self, from_hz: int, to_hz: int) -> None:
        """ValueError for any other pair of rates."""
        if {from_hz, to_hz} != {LOW_HZ, HIGH_HZ}:
            raise ValueError(f"{from_hz} to {to_hz} Hz: only {LOW_HZ} and {HIGH_HZ} are turned into one another")
        self._up = from_hz == LOW_HZ
        self._history: Pcm = np.zeros(_HISTORY_MS * from_hz // 1000, np.int16)
        self.delay_samples = CONTEXT * to_hz // LOW_HZ
        """Of output, 2 ms: sample n is the input's of ``delay_samples`` before."""

    def process(self, samples: Pcm) -> Pcm:
        """As much sound as goes in, later by the delay; going down takes an even number of samples (ValueError)."""
        if not self._up and samples.size % 2:
            raise ValueError(f"{samples.size} samples cannot be halved")
        around = np.concatenate([self._history, samples])
        self._history = around[samples.size :]
        return doubled(around) if self._up else halved(around)

    def flush(self) -> Pcm:
        """The last 2 ms of what went in; the stream starts anew afterwards."""
        tail = self.process(np.zeros(self._history.size // 2, np.int16))
        self._history = np.zeros_like(self._history)
        return tail


def converted(samples: Pcm, from_hz: int, to_hz: int) -> Pcm:
    """A whole piece of sound at another rate, sample n at its own instant; silence is assumed around it.

    Going down, an odd last sample is left out. ValueError for rates other than 8000 and 16000.
    """
    if from_hz == to_hz:
        return samples
    stream = Resampler(from_hz, to_hz)
    whole = samples if to_hz > from_hz else samples[: samples.size // 2 * 2]
    return np.concatenate([stream.process(whole), stream.flush()])[stream.delay_samples :]


def decoder_for(codec: Codec, sample_rate_hz: int | None = None) -> Decoder:
    """A decoder with a state of its own; without a rate, at the codec's."""
    own: Decoder = _G722Decoding() if codec is Codec.G722 else _G711Decoding(codec)
    if sample_rate_hz in (None, own.sample_rate_hz):
        return own
    return _Resampled(own, sample_rate_hz or own.sample_rate_hz)


def encoder_for(codec: Codec, sample_rate_hz: int | None = None) -> Encoder:
    """An encoder with a state of its own; without a rate, at the codec's. Another rate adds the resampler's 2 ms."""
    own: Encoder = _G722Encoding() if codec is Codec.G722 else _G711Encoding(codec)
    if sample_rate_hz in (None, own.sample_rate_hz):
        return own
    return _Resampling(own, sample_rate_hz or own.sample_rate_hz)


def silent_payload(codec: Codec, duration_ms: int) -> bytes:
    """What a stream that has been silent so far sends for more silence."""
    if codec is Codec.G722:
        return G722Encoder().encode(np.zeros(duration_ms * HIGH_HZ // 1000, np.int16))
    return bytes([SILENCE[codec]]) * (duration_ms * BYTES_PER_MS)


class _G711Decoding:
    def __init__(self, codec: Codec) -> None:
        self._codec = codec
        self.sample_rate_hz = LOW_HZ
        self.delay_samples = 0

    def decode(self, payload: bytes) -> Pcm:
        return decoded(self._codec, payload)


class _G711Encoding:
    def __init__(self, codec: Codec) -> None:
        self._codec = codec
        self.sample_rate_hz = LOW_HZ

    def encode(self, samples: Pcm) -> bytes:
        return encoded(self._codec, samples).tobytes()


class _G722Decoding(G722Decoder):
    sample_rate_hz = HIGH_HZ
    delay_samples = DELAY_SAMPLES


class _G722Encoding(G722Encoder):
    sample_rate_hz = HIGH_HZ


class _Resampled:
    """A decoder whose output is turned into another rate."""

    def __init__(self, inner: Decoder, sample_rate_hz: int) -> None:
        self._inner = inner
        self._resampler = Resampler(inner.sample_rate_hz, sample_rate_hz)
        self.sample_rate_hz = sample_rate_hz
        own = inner.delay_samples * sample_rate_hz // inner.sample_rate_hz
        self.delay_samples = own + self._resampler.delay_samples

    def decode(self, payload: bytes) -> Pcm:
        return self._resampler.process(self._inner.decode(payload))


class _Resampling:
    """An encoder whose input comes at another rate."""

    def __init__(self, inner: Encoder, sample_rate_hz: int) -> None:
        self._inner = inner
        self._resampler = Resampler(sample_rate_hz, inner.sample_rate_hz)
        self.sample_rate_hz = sample_rate_hz

    def encode(self, samples: Pcm) -> bytes:
        return self._inner.encode(self._resampler.process(samples))
