"""The native forwarder as Python sees it: its memory as numpy arrays, its thread out of sight.

Importing this raises ImportError where the extension was not built, or was built for another layout of the table.
"""

from __future__ import annotations

import ctypes
import os
import time
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mediaserver.media.seam import LEG_DTYPE, Batch
from mediaserver.runtime.forwarders._native import ffi, lib
from mediaserver.runtime.forwarders.ring import RingArrays, RingReader, new_table, ring_rows
from mediaserver.runtime.forwarders.sockets import Pair, bind_pair, send_rtcp
from mediaserver.runtime.turns import PIECE_NS, give_way


def _check_layout() -> None:
    fields = LEG_DTYPE.fields
    if fields is None:
        raise ImportError("LEG_DTYPE has no fields")
    wanted = [fields[name][1] for name in LEG_DTYPE.names or ()] + [LEG_DTYPE.itemsize]
    if wanted != list(lib.fw_layout):
        raise ImportError("the native forwarder was built for another table of legs: install the package again")


_check_layout()

_LOCK_CALL = ctypes.PYFUNCTYPE(None, ctypes.c_void_p)
"""A call that keeps the interpreter's lock: who holds the table must not wait for another Python thread."""


def _lock_call(name: str) -> ctypes._FuncPointer:
    return _LOCK_CALL(int(ffi.cast("uintptr_t", ffi.addressof(lib, name))))


_hold = _lock_call("fw_hold")
_let_go = _lock_call("fw_let_go")


class _TableLock:
    """``with`` it no packet is looked at. Re-entrant: only the worker's one thread takes it."""

    def __init__(self, forwarder: int) -> None:
        self._forwarder = forwarder
        self._depth = 0

    def __enter__(self) -> None:
        if self._depth == 0:
            _hold(self._forwarder)
        self._depth += 1

    def __exit__(self, *_: object) -> None:
        self._depth -= 1
        if self._depth == 0:
            _let_go(self._forwarder)


def _pointer(kind: str, array: NDArray[Any]) -> Any:
    return ffi.cast(kind, array.ctypes.data)


class NativeForwarder:
    """:class:`mediaserver.media.seam.Forwarder` by the epoll thread in ``native.c``."""

    kind = "native"

    def __init__(self, capacity: int, rows: int | None = None) -> None:
        size = rows or ring_rows(capacity)
        self.table: NDArray[np.void] = new_table(capacity)
        self._arrays = RingArrays.allocate(size)
        self._ring = RingReader(self._arrays)
        self._fw = lib.fw_new(
            capacity,
            size,
            _pointer("void *", self.table),
            _pointer("uint8_t *", self._arrays.rows),
            _pointer("int32_t *", self._arrays.lengths),
            _pointer("int32_t *", self._arrays.legs),
            _pointer("int64_t *", self._arrays.arrival_ns),
            _pointer("uint8_t *", self._arrays.verdicts),
            _pointer("uint8_t *", self._arrays.sources),
        )
        if self._fw == ffi.NULL:
            raise OSError(ffi.errno, os.strerror(ffi.errno))
        self._lock = _TableLock(int(ffi.cast("uintptr_t", self._fw)))
        self._passed_at_ns = 0
        self._closed = False
        self._sockets: dict[int, Pair] = {}

    def held(self) -> AbstractContextManager[None]:
        """No packet is looked at while inside."""
        return self._lock

    def open_leg(self, row: int, host: str, port: int) -> int:
        """Bind both sockets and hand them to the thread."""
        if row in self._sockets:
            raise ValueError(f"leg {row} is open")
        pair = bind_pair(host, port)
        error = lib.fw_add(self._fw, row, pair[0].fileno(), pair[1].fileno())
        if error:
            for each in pair:
                each.close()
            raise OSError(error, os.strerror(error))
        self._sockets[row] = pair
        return int(pair[0].getsockname()[1])

    def close_leg(self, row: int) -> None:
        """Take both sockets back and close them."""
        pair = self._sockets.pop(row, None)
        if pair is None:
            return
        lib.fw_remove(self._fw, row)
        for each in pair:
            each.close()
        self._ring.forget(row, lib.fw_head(self._fw))

    def collect(self) -> Batch:
        """What the thread kept; raises RuntimeError when it has stopped."""
        failed = lib.fw_failed(self._fw)
        if failed:
            raise RuntimeError(f"the native forwarder stopped: {os.strerror(failed)}")
        lib.fw_release(self._fw, self._ring.seen)
        return self._ring.take(lib.fw_head(self._fw))

    def send(self, rows: NDArray[np.uint8], lengths: NDArray[np.int32], legs: NDArray[np.int32]) -> None:
        """All of them in one call into C."""
        if not len(legs):
            return
        if rows.dtype != np.uint8 or rows.strides[1] != 1 or not len(rows) == len(lengths) == len(legs):
            raise ValueError("send takes rows of bytes, and as many lengths and legs")
        wide = np.ascontiguousarray(lengths, np.int32), np.ascontiguousarray(legs, np.int32)
        lib.fw_send(
            self._fw,
            _pointer("uint8_t *", rows),
            rows.strides[0] if len(rows) > 1 else rows.shape[1],
            _pointer("int32_t *", wide[0]),
            _pointer("int32_t *", wide[1]),
            len(legs),
        )

    def send_rtcp(self, row: int, data: bytes) -> None:
        """One datagram from the leg's RTCP socket."""
        send_rtcp(self._sockets.get(row), self.table[row], data)

    def let_pass(self) -> None:
        """The thread's turn, should it wait for this core."""
        now = time.monotonic_ns()
        if now - self._passed_at_ns >= PIECE_NS:
            give_way()
            self._passed_at_ns = time.monotonic_ns()

    def close(self) -> None:
        """Close all legs and stop the thread; the table stays readable."""
        if self._closed:
            return
        self._closed = True
        for row in list(self._sockets):
            self.close_leg(row)
        lib.fw_free(self._fw)
