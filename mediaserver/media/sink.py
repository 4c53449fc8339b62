"""Where a recording goes: what the engine hands over, block by block, and what it hears back later."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from callmodel.manifest import Mark
from mediaserver.media.messages import RecordingDestroyed, RecordingFailed, RecordingFinished, StartRecording

SinkResult = RecordingFinished | RecordingDestroyed | RecordingFailed


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingEnd:
    """What the engine knows when it closes a recording; the sink adds size, digest and completeness."""

    keep: bool
    """False: destroy every byte, answer RecordingDestroyed."""
    samples: int
    """Per channel, as handed to ``write`` in all."""
    heard_samples: int
    first_sample_at: float
    """Monotonic seconds of the first sample."""
    marks: tuple[Mark, ...]
    """All of them, in order of ``file_ms``."""


class RecordingSink(Protocol):
    """One open recording. Never blocks and never raises: what goes wrong is told by ``poll``."""

    def write(self, block: NDArray[np.int16]) -> None:
        """(n, 2) samples, at most one second; the sink may keep the array."""
        ...

    def write_heard(self, block: NDArray[np.int16]) -> None:
        """(n, 4) samples; only for recordings opened with ``heard``."""
        ...

    def mark(self, mark: Mark) -> None:
        """Append one mark, as it becomes known (for salvage after a crash)."""
        ...

    def finish(self, end: RecordingEnd) -> None:
        """Nothing more will be written."""
        ...

    def abandon(self) -> None:
        """Close the files as they are, for salvage; nothing is told."""
        ...

    def poll(self) -> SinkResult | None:
        """News, once each: RecordingFailed at any time; after ``finish``, as the last, one of the other two."""
        ...


OpenSink = Callable[[StartRecording], RecordingSink]
"""Never raises either: a sink that cannot be opened tells RecordingFailed at its first ``poll``."""
