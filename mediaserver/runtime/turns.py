"""Taking turns on a core: all threads of a media worker have one real-time priority, so none of them is interrupted."""

from __future__ import annotations

import os
from typing import Final

PIECE_NS: Final = 500_000
"""Packets need not go first oftener than this: the fewer go at once, the more each of them costs."""


def give_way() -> None:
    """Let threads that wait for this core go first; returns when the caller's turn has come again.

    A forwarder's thread passes what has come in some 20 microseconds a packet, so a long piece of work that says this
    now and then delays no packet by more than the piece it is in. Outside SCHED_RR nothing happens: the kernel shares
    the core out by itself there, and a thread that yields loses its share to every other program.
    """
    if os.sched_getscheduler(0) == os.SCHED_RR:
        os.sched_yield()
