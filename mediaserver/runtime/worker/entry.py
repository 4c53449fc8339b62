"""The first thing a worker process runs. Standard library only: numpy must find its settings made."""

from __future__ import annotations

import os
import socket

THREAD_VARIABLES = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
"""One process a core: a matrix product must not wake the other cores."""


def worker_main(control: socket.socket) -> None:
    """Serve until the other end says Stop or is gone."""
    for name in THREAD_VARIABLES:
        os.environ[name] = "1"
    from mediaserver.runtime.worker.process import serve  # noqa: PLC0415 - numpy is imported with it

    serve(control)
