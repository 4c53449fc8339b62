"""The Python forwarder: the fallback where no compiler was, with the same behaviour per packet as ``native.c``.

It runs on the worker's own loop, one reader per socket. What a packet needs of its leg's row is read from the table's
memory by struct (a numpy scalar costs ten times as much); addresses as Python knows them are cached by their bytes.
"""

from __future__ import annotations

import asyncio
import struct
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from selectors import EVENT_READ, DefaultSelector
from socket import CMSG_SPACE, MSG_TRUNC, socket

import numpy as np
from numpy.typing import NDArray

from mediaserver.media.seam import (
    LEG_DTYPE,
    NO_PAYLOAD,
    NOT_PASSED,
    ROW_BYTES,
    SOCKADDR_BYTES,
    Batch,
    Verdict,
    ticks_on,
)
from mediaserver.rtp.sequence import TIMESTAMP_BITS, difference
from mediaserver.runtime.forwarders.ring import RingArrays, RingReader, new_table, ring_rows
from mediaserver.runtime.forwarders.sockets import (
    MOST_BACKLOG_NS,
    Address,
    Pair,
    bind_pair,
    from_sockaddr,
    send_rtcp,
    to_sockaddr,
)
from mediaserver.runtime.turns import PIECE_NS

_NS_PER_TICK = 125_000
_RTP_BYTES = 12
_STAMP = struct.Struct("@ll")
"""struct timespec: seconds and nanoseconds of CLOCK_REALTIME."""
_NOTE_BYTES = CMSG_SPACE(_STAMP.size)
_RTP = struct.Struct(">BBHII")
_ROW = LEG_DTYPE.itemsize

# Runs of neighbouring fields, read and written by one struct call each.
_ROUTE = struct.Struct("=i")
_SOURCE = struct.Struct(f"={SOCKADDR_BYTES}sI")
_SSRC_IN = struct.Struct("=II")
_STREAM = struct.Struct("=IIIIHHI")
"""ssrc_out, ts_out, ts_off, ts_from, seq_out, seq_off, ptime_ticks."""
_SENT = struct.Struct("=q")
_SENT_COUNTS = struct.Struct("=QQ")
_RECEIVED = struct.Struct("=qQ")


def _at(field: str) -> int:
    fields = LEG_DTYPE.fields
    assert fields is not None
    return int(fields[field][1])


_AT_ROUTE, _AT_REMOTE, _AT_SOURCE, _AT_PT_OUT = _at("route"), _at("remote"), _at("source"), _at("pt_out")
_AT_SSRC_IN, _AT_STREAM, _AT_SENT = _at("ssrc_in"), _at("ssrc_out"), _at("sent_ns")
_AT_RECEIVED, _AT_SENT_COUNTS = _at("received_ns"), _at("packets_sent")

_PASSED, _KEPT, _FOREIGN = int(Verdict.PASSED), int(Verdict.KEPT), int(Verdict.FOREIGN)
_NEW_SSRC, _ODD, _RTCP, _FIRST = int(Verdict.NEW_SSRC), int(Verdict.ODD), int(Verdict.RTCP), int(Verdict.FIRST)


class _Addresses:
    """The last sockaddr seen in a field and what it is for ``recvfrom`` and ``sendto``."""

    __slots__ = ("remote", "remote_raw", "source", "source_raw")

    def __init__(self) -> None:
        self.source_raw = self.remote_raw = (b"", 0)
        self.source: Address | None = None
        self.remote: Address | None = None


class PythonForwarder:
    """:class:`mediaserver.media.seam.Forwarder` on an asyncio loop (uvloop when it is the worker's)."""

    kind = "python"

    def __init__(self, capacity: int, loop: asyncio.AbstractEventLoop, rows: int | None = None) -> None:
        self._loop = loop
        self._capacity = capacity
        self.table: NDArray[np.void] = new_table(capacity)
        self._bytes = self.table.view(np.uint8).reshape(-1).data
        self._arrays = arrays = RingArrays.allocate(rows or ring_rows(capacity))
        self._ring = RingReader(arrays)
        self._size = len(arrays.lengths)
        self._views = [memoryview(row) for row in arrays.rows]
        self._scratch = memoryview(bytearray(ROW_BYTES))
        self._lengths, self._legs = arrays.lengths.data, arrays.legs.data
        self._arrival_ns, self._verdicts = arrays.arrival_ns.data, arrays.verdicts.data
        self._head = self._tail = 0
        self._wall_ns = time.time_ns() - time.monotonic_ns()
        self._sockets: dict[int, Pair] = {}
        self._waiting = DefaultSelector()
        self._passed_at_ns = 0
        self._addresses: dict[int, _Addresses] = {}

    def held(self) -> AbstractContextManager[None]:
        """Nothing to do: packets are looked at by the caller's own thread."""
        return nullcontext()

    def open_leg(self, row: int, host: str, port: int) -> int:
        """Bind both sockets and watch them."""
        if row in self._sockets:
            raise ValueError(f"leg {row} is open")
        pair = bind_pair(host, port)
        self.table[row : row + 1] = new_table(1)
        self.table[row]["open"] = 1
        self._sockets[row] = pair
        self._addresses[row] = _Addresses()
        for sock, muxed in zip(pair, (True, False), strict=True):
            read = self._reader(row, sock, muxed=muxed)
            self._loop.add_reader(sock, read)
            self._waiting.register(sock, EVENT_READ, read)
        return int(pair[0].getsockname()[1])

    def close_leg(self, row: int) -> None:
        """Stop watching and close."""
        pair = self._sockets.pop(row, None)
        if pair is None:
            return
        self.table[row]["open"] = 0
        self.table[row]["route"] = -1
        for each in pair:
            self._loop.remove_reader(each)
            self._waiting.unregister(each)
            each.close()
        self._ring.forget(row, self._head)

    def collect(self) -> Batch:
        """What the readers kept."""
        self._tail = self._ring.seen
        self._wall_ns = time.time_ns() - time.monotonic_ns()
        return self._ring.take(self._head)

    def send(self, rows: NDArray[np.uint8], lengths: NDArray[np.int32], legs: NDArray[np.int32]) -> None:
        """One after the other."""
        if not len(rows) == len(lengths) == len(legs):
            raise ValueError("send takes as many lengths and legs as rows")
        for data, length, row in zip(rows, lengths.tolist(), legs.tolist(), strict=True):
            if 0 <= row < len(self.table):
                if not _RTP_BYTES <= length <= len(data) or row not in self._sockets:
                    self._add(row, "send_errors")
                else:
                    self._send(row, memoryview(data[:length]), length - _RTP_BYTES)

    def send_rtcp(self, row: int, data: bytes) -> None:
        """One datagram from the leg's RTCP socket."""
        send_rtcp(self._sockets.get(row), self.table[row], data)

    def let_pass(self) -> None:
        """Read what waits, here and now: the loop cannot before the step has ended."""
        now = time.monotonic_ns()
        if now - self._passed_at_ns >= PIECE_NS:
            for key, _ in self._waiting.select(0):
                key.data()
            self._passed_at_ns = time.monotonic_ns()

    def close(self) -> None:
        """Close all legs."""
        for row in list(self._sockets):
            self.close_leg(row)
        self._waiting.close()

    # --- per packet -------------------------------------------------------------------

    def _reader(self, row: int, sock: socket, *, muxed: bool) -> Callable[[], None]:
        """A callback with everything that does not change bound to it."""
        receive, clock, judge, stamp = sock.recvmsg_into, time.monotonic_ns, self._judge, _STAMP.unpack
        views, size, table = self._views, self._size, self._bytes
        received_at = row * _ROW + _AT_RECEIVED

        def read() -> None:
            head = self._head
            place = head % size
            full = head - self._tail >= size
            data = self._scratch if full else views[place]
            try:
                length, notes, _, address = receive((data,), _NOTE_BYTES, MSG_TRUNC)
            except BlockingIOError:
                return
            except OSError:  # what a peer's ICMP says of our sends
                self._add(row, "send_errors")
                return
            if length > ROW_BYTES:
                self._add(row, "oversize")
                return
            now = clock()
            arrival = now
            if notes:
                seconds, nanoseconds = stamp(notes[0][2])
                noted = seconds * 1_000_000_000 + nanoseconds - self._wall_ns
                if 0 <= now - noted < MOST_BACKLOG_NS:
                    arrival = noted
            verdict = judge(row, data, length, address, now) if muxed else _RTCP
            if verdict in (_PASSED, _KEPT, _NEW_SSRC, _FIRST):
                _, received = _RECEIVED.unpack_from(table, received_at)
                _RECEIVED.pack_into(table, received_at, now, received + 1)
            if full:
                self._add(row, "copies_dropped")
                return
            self._lengths[place] = length
            self._legs[place] = row
            self._arrival_ns[place] = arrival
            self._verdicts[place] = verdict
            if verdict in (_FOREIGN, _RTCP):
                raw = to_sockaddr(address[0], address[1])
                self._arrays.sources[place, : len(raw)] = np.frombuffer(raw, np.uint8)
            self._head = head + 1

        return read

    def _judge(self, row: int, data: memoryview, length: int, address: Address, now: int) -> int:
        """The verdict; a datagram that passes is sent before this returns."""
        known = self._addresses[row]
        raw = _SOURCE.unpack_from(self._bytes, row * _ROW + _AT_SOURCE)
        if raw != known.source_raw:
            known.source_raw, known.source = raw, from_sockaddr(raw[0][: raw[1]])
        source = known.source
        if source is None or address[1] != source[1] or address[0] != source[0]:
            return _FOREIGN
        if length < 2 or data[0] >> 6 != 2:
            return _ODD
        if 192 <= data[1] <= 223:
            return _RTCP
        return _ODD if length < _RTP_BYTES else self._judge_rtp(row * _ROW, data, length, now)

    def _judge_rtp(self, base: int, data: memoryview, length: int, now: int) -> int:
        table = self._bytes
        header = _RTP_BYTES if data[0] & 31 == 0 else _header_bytes(data, length)
        pt_out = table[base + _AT_PT_OUT + (data[1] & 127)]
        if header < 0:
            return _ODD
        if pt_out == NO_PAYLOAD:
            return self._odd(base, data)
        ssrc_in, has_ssrc_in = _SSRC_IN.unpack_from(table, base + _AT_SSRC_IN)
        came = _RTP.unpack_from(data)
        if not has_ssrc_in:
            _SSRC_IN.pack_into(table, base + _AT_SSRC_IN, came[4], 1)
        elif came[4] != ssrc_in:
            return _NEW_SSRC
        (route,) = _ROUTE.unpack_from(table, base + _AT_ROUTE)
        if pt_out == NOT_PASSED or not 0 <= route < self._capacity:
            if has_ssrc_in:
                self._leave_out(base, came[2])
            return _KEPT if has_ssrc_in else _FIRST
        opened, anchored, sends = table[route * _ROW], table[route * _ROW + 1], table[route * _ROW + 2]
        if not (opened and sends and route in self._sockets and self._remote(route)):
            return _KEPT if has_ssrc_in else _FIRST
        if not has_ssrc_in:
            table[route * _ROW + 1] = anchored = 0
        marker = came[1] & 128 if anchored else 128
        if not self._rewrite(route, data, came, marker | pt_out & 127, now):
            return _KEPT if has_ssrc_in else _FIRST
        self._send(route, data[:length], length - header)
        _RTP.pack_into(data, 0, *came)  # what is kept is what came
        return _PASSED if has_ssrc_in else _FIRST

    def _odd(self, base: int, data: memoryview) -> int:
        """A whole header, but a payload type that was not negotiated."""
        came = _RTP.unpack_from(data)
        if (came[4], 1) == _SSRC_IN.unpack_from(self._bytes, base + _AT_SSRC_IN):
            self._leave_out(base, came[2])
        return _ODD

    def _rewrite(self, route: int, data: memoryview, came: tuple[int, ...], second: int, now: int) -> bool:
        """Put the new header in, and note in the target's row what it got; False when its place there is taken."""
        table, base = self._bytes, route * _ROW
        ssrc_out, ts_out, ts_off, ts_from, seq_out, seq_off, ptime = _STREAM.unpack_from(table, base + _AT_STREAM)
        if not table[base + 1]:  # the first packet after a break: sequence on by one
            (sent_ns,) = _SENT.unpack_from(table, base + _AT_SENT)
            own = difference(came[3] + ts_off, ts_out, TIMESTAMP_BITS)
            ticks = ticks_on(own, (now - sent_ns) // _NS_PER_TICK if sent_ns > 0 else 0, ptime)
            if ticks <= 0:
                return False
            ts_from = (ts_out + ticks) & 0xFFFFFFFF
            seq_off = (seq_out + 1 - came[2]) & 0xFFFF
            ts_off = (ts_from - came[3]) & 0xFFFFFFFF
            table[base + 1] = 1
        seq = (came[2] + seq_off) & 0xFFFF
        ts = (came[3] + ts_off) & 0xFFFFFFFF
        if 0 < (seq - seq_out) & 0xFFFF < 0x8000:  # a late packet does not turn the stream back
            seq_out, ts_out = seq, ts
            _STREAM.pack_into(table, base + _AT_STREAM, ssrc_out, ts_out, ts_off, ts_from, seq_out, seq_off, ptime)
            _SENT.pack_into(table, base + _AT_SENT, now)
        elif (ts - ts_from) & 0xFFFFFFFF >= 0x80000000:
            return False
        _RTP.pack_into(data, 0, came[0], second, seq, ts, ssrc_out)
        return True

    def _leave_out(self, came_at: int, sequence: int) -> None:
        """What is never passed on leaves no hole in the sequence that its target sees."""
        table = self._bytes
        (route,) = _ROUTE.unpack_from(table, came_at + _AT_ROUTE)
        if not 0 <= route < self._capacity:
            return
        base = route * _ROW
        *before, seq_out, seq_off, ptime = _STREAM.unpack_from(table, base + _AT_STREAM)
        if table[base + 1] and 0 < (sequence + seq_off - seq_out) & 0xFFFF < 0x8000:
            _STREAM.pack_into(table, base + _AT_STREAM, *before, seq_out, (seq_off - 1) & 0xFFFF, ptime)

    def _remote(self, row: int) -> Address | None:
        known = self._addresses[row]
        raw = _SOURCE.unpack_from(self._bytes, row * _ROW + _AT_REMOTE)
        if raw != known.remote_raw:
            known.remote_raw, known.remote = raw, from_sockaddr(raw[0][: raw[1]])
        return known.remote

    def _send(self, row: int, datagram: memoryview, octets: int) -> None:
        """To ``remote``, counted either way."""
        remote = self._remote(row)
        try:
            if remote is None:
                raise OSError
            self._sockets[row][0].sendto(datagram, remote)
        except OSError:
            self._add(row, "send_errors")
            return
        at = row * _ROW + _AT_SENT_COUNTS
        packets, total = _SENT_COUNTS.unpack_from(self._bytes, at)
        _SENT_COUNTS.pack_into(self._bytes, at, packets + 1, total + octets)

    def _add(self, row: int, counter: str) -> None:
        self.table[row][counter] += 1


def _header_bytes(data: memoryview, length: int) -> int:
    """Bytes of header and extension (RFC 3550 5.1, 5.3.1); -1 when the datagram is shorter than it says."""
    header = _RTP_BYTES + 4 * (data[0] & 15)
    if data[0] & 16:
        if length < header + 4:
            return -1
        header += 4 + 4 * int.from_bytes(data[header + 2 : header + 4], "big")
    return header if header <= length else -1
