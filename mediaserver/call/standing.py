"""Where one user's recording stands, for whoever looks at a call from outside."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from callmodel.modes import Phase, RecordingMode


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One recorded user of a call."""

    user: str
    mode: RecordingMode
    """As read when the call was answered."""
    phase: Phase
    recording_id: str | None
    """Of the recording that is open; None while none is."""
    since: datetime | None
    """When it was opened."""
