"""What a worker is told at its start, and what it says when it is ready."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from mediaserver.media.config import EngineConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSettings:
    """Picklable."""

    forwarder: str = "auto"
    engine: EngineConfig = field(default_factory=EngineConfig)
    realtime: bool = True
    """Ask for SCHED_RR; refused is logged and works too."""
    open_files: int = 0
    """Least RLIMIT_NOFILE; 0 derives it from the engine's legs."""
    queue_bytes: int = 64 << 20
    """What the recording writer may have waiting."""
    sync_interval_s: float = 20.0
    on_start: Callable[[], None] | None = None
    """Run first in the new process, such as to set up its logs; a module's function, so that it can be pickled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Begin:
    """All prompts were sent: start working."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """Finish what is open, write everything out, then end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerReady:
    """The worker takes commands."""

    pid: int
    forwarder: str
    realtime: bool
    open_files: int
