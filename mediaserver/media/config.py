"""What a media engine is told once, when its worker starts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineConfig:
    """Limits and times; the defaults are the product's."""

    legs: int = 1024
    """Capacity: rows of the forwarder's table that may be used."""
    media_timeout_s: float = 60.0
    """Silence of RTP and RTCP after which a leg that should send is told as LegQuiet."""
    learning_s: float = 3.0
    """After SetLegMedia, how long a source may still move to another port of a trusted host (see ``intake``)."""
    flush_delay_s: float = 0.25
    """How far behind now a recording is written: packets may be that late, and a pause may be told that late."""
    rtcp_interval_s: float = 5.0
    """Mean time between reports of a leg (RFC 3550 6.2); 0 sends none."""
    cname: str = "recorder@mediaserver.invalid"
    bulk_from: int = 8
    """Packets in one step from which on arrays are cheaper than one packet at a time."""
    duck_db: float = 12.0
    """How far speech goes down under an announcement."""
    held_up_s: float = 0.0
    """A step that comes so long after the one before was held up, and packets that came meanwhile may not be read yet:
    recordings wait for them (see ``backlog``). 0: packets never wait to be read (virtual time)."""
    unix_offset_ns: int = 0
    """Wall time less monotonic time, for the NTP field of sender reports."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptPcm:
    """One announcement, mono, at both rates the engine mixes in."""

    pcm_8k: NDArray[np.int16]
    pcm_16k: NDArray[np.int16]
