"""Tones as sound files, to be listened to before they are chosen: what a page plays is what a call will hear."""

from __future__ import annotations

import io
import wave
from typing import Final

import numpy as np
from numpy.typing import NDArray

from callmodel.levels import sine_peak_from_dbm0
from prompts import Tone
from prompts.tones import EDGE_MS

RATE_HZ: Final = 16000
SILENCE_MS: Final = 60
"""Before and after: players swallow the first milliseconds."""


def tone_samples(tone: Tone, rate_hz: int = RATE_HZ) -> NDArray[np.int16]:
    """All bursts of a tone, shape (n,), with 10 ms raised-cosine edges inside each burst."""
    length = round(tone.on_ms * rate_hz / 1000)
    burst = np.sin(2 * np.pi * tone.hz * np.arange(length) / rate_hz) * sine_peak_from_dbm0(tone.level_dbm0)
    edge = min(round(EDGE_MS * rate_hz / 1000), length // 2)
    ramp = (1 - np.cos(np.pi * (np.arange(edge) + 0.5) / max(edge, 1))) / 2
    burst[:edge] *= ramp
    burst[length - edge :] *= ramp[::-1]
    gap = np.zeros(round(tone.off_ms * rate_hz / 1000))
    parts = [part for _ in range(tone.bursts) for part in (burst, gap)]
    samples: NDArray[np.int16] = np.rint(np.clip(np.concatenate(parts[:-1]), -32767, 32767)).astype(np.int16)
    return samples


def tone_wav(tone: Tone) -> bytes:
    """A WAV file of a tone: one channel, 16 bits."""
    silence = np.zeros(SILENCE_MS * RATE_HZ // 1000, np.int16)
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE_HZ)
        out.writeframes(np.concatenate([silence, tone_samples(tone), silence]).astype("<i2").tobytes())
    return file.getvalue()
