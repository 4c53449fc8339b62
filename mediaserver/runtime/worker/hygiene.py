"""What a worker process does for itself before it works: scheduling, file limit, signals, garbage."""

from __future__ import annotations

import gc
import os
import resource
import signal
import sys

import structlog

_log = structlog.get_logger()

SWITCH_INTERVAL_S = 0.0005
"""How long the writer's Python may keep the step waiting."""
FILES_BESIDE_LEGS = 256
FILES_PER_LEG = 4
"""RTP, RTCP, and half of a call's audio, marks and heard files."""


def ignore_signals() -> None:
    """Ctrl-C and a service manager reach the whole group; the main process says when to stop, or closes the channel."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


def raise_open_files(least: int) -> int:
    """Raise RLIMIT_NOFILE to the hard limit; the limit that holds. A limit under ``least`` is logged."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if hard not in (resource.RLIM_INFINITY, -1) and hard < least:
        _log.warning("worker.few_open_files", limit=hard, wanted=least)
    return hard


def ask_for_realtime() -> bool:
    """SCHED_RR for this thread and those it starts; False (and logged) when it is refused.

    All threads of a worker at one priority: with packets above the step, each packet of a busy second interrupts it, a
    wake-up costs twice what it does when a few have come meanwhile, and the step and the writer starve (measured).
    """
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    except OSError as error:
        _log.info("worker.no_realtime", error=str(error))
        return False
    return True


def settle() -> None:
    """After everything was built: keep it out of garbage collections, and hand the interpreter over quickly."""
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
