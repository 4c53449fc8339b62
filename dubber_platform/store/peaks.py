"""What a recording looks like: the loudest sample of each of many short spans, channel by channel."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import soundfile

VERSION = 1
BLOCK_FRAMES = 1 << 18
"""Read at a time, about; rounded to whole spans."""
PEAKS_FILE_MAX = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Peaks:
    """The waveform of one file."""

    version: int = VERSION
    points: int
    """Asked for; there are at most so many."""
    sample_rate_hz: int
    samples: int
    """Per channel."""
    channels: list[list[float]]
    """Per channel, the highest absolute sample (0 to 1) of each span, four digits."""

    @property
    def duration_s(self) -> float:
        """Length of the audio in seconds."""
        return self.samples / self.sample_rate_hz

    def to_json(self) -> str:
        """One line."""
        return json.dumps(asdict(self), separators=(",", ":"))


def peaks_of(path: Path, points: int) -> Peaks:
    """Read the whole file, a few spans at a time; FileNotFoundError when it is not there."""
    with path.open("rb") as file, soundfile.SoundFile(file) as sound:
        span = max(1, -(-sound.frames // points))
        spans = max(1, BLOCK_FRAMES // span)
        found = []
        for block in sound.blocks(blocksize=spans * span, dtype="float32", always_2d=True):
            found.append(np.maximum.reduceat(np.abs(block), np.arange(0, len(block), span), axis=0))
        peaks = np.concatenate(found) if found else np.zeros((0, sound.channels), np.float32)
        channels = [[round(float(peak), 4) for peak in np.minimum(column, 1.0)] for column in peaks.T]
        return Peaks(points=points, sample_rate_hz=sound.samplerate, samples=sound.frames, channels=channels)


def read_peaks(path: Path) -> Peaks | None:
    """What was kept; None when there is nothing, or nothing this version can use."""
    try:
        if path.stat().st_size > PEAKS_FILE_MAX:
            return None
        peaks = Peaks(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
    return peaks if peaks.version == VERSION else None
