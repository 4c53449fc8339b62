"""A call with what the runtime holds for it."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from dataclasses import dataclass, field

from mediaserver.call.call import Call
from mediaserver.call.inputs import CallInput
from mediaserver.runtime.media_pool import MediaWorker


@dataclass(slots=True, kw_only=True)
class LiveCall:
    """One that is not over."""

    call: Call
    worker: MediaWorker
    sip_legs: dict[str, int] = field(default_factory=dict)
    """SIP leg by party key."""
    ports: dict[int, tuple[str, int]] = field(default_factory=dict)
    """Host and port held for a media leg."""
    tries: Counter[int] = field(default_factory=Counter)
    timers: dict[str, asyncio.TimerHandle] = field(default_factory=dict)
    owned: list[tuple[str, int | str]] = field(default_factory=list)
    """Keys under which the hub finds this call."""
    inbox: deque[CallInput] = field(default_factory=deque)
    busy: bool = False
