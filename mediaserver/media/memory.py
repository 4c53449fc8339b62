"""A forwarder over an in-memory network: the seam's rules without sockets, for virtual time and for tests.

The network is whoever calls ``receive`` and whom ``transmit`` calls; this module knows neither clock nor delay.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from errno import EADDRINUSE
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mediaserver.media.addresses import Address, address_row, unpack_address
from mediaserver.media.arrays import Bytes
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
from mediaserver.media.timescale import NS_PER_TICK
from mediaserver.rtp.errors import RtpError
from mediaserver.rtp.packet import HEADER_BYTES, RtpPacket, is_rtcp
from mediaserver.rtp.sequence import TIMESTAMP_BITS, difference

FIRST_PORT: Final = 20000
LAST_PORT: Final = 65534

_NOTHING: Final = Batch(
    rows=np.zeros((0, ROW_BYTES), np.uint8),
    lengths=np.zeros(0, np.int32),
    legs=np.zeros(0, np.int32),
    arrival_ns=np.zeros(0, np.int64),
    verdicts=np.zeros(0, np.uint8),
    sources=np.zeros((0, SOCKADDR_BYTES), np.uint8),
)

Transmit = Callable[[bytes, Address, Address], None]
"""Datagram, from, to."""


class MemoryForwarder:
    """See ``seam.Forwarder``. ``clock`` gives nanoseconds of the machine clock (the virtual one)."""

    kind = "memory"

    def __init__(self, capacity: int, transmit: Transmit, clock: Callable[[], int]) -> None:
        self.table: NDArray[np.void] = np.zeros(capacity, LEG_DTYPE)
        self._remote, self._remote_len = self.table["remote"], self.table["remote_len"]
        self._packets_sent, self._octets_sent = self.table["packets_sent"], self.table["octets_sent"]
        self._transmit = transmit
        self._clock = clock
        self._local: dict[int, Address] = {}
        """RTP address of each open row."""
        self._rows: dict[Address, int] = {}
        """Row by RTP or RTCP address."""
        self._held = False
        self._kept: list[tuple[bytes, int, int, Verdict, bytes]] = []
        self.on_datagram: Callable[[Verdict], None] = _nobody
        """Told of each datagram that waits to be collected."""

    @contextmanager
    def held(self) -> Iterator[None]:
        """Nothing here runs beside the caller; holding twice would deadlock elsewhere, so it is an error here."""
        if self._held:
            raise RuntimeError("held twice")
        self._held = True
        try:
            yield
        finally:
            self._held = False

    def open_leg(self, row: int, host: str, port: int) -> int:
        """See the seam."""
        bound = port or self._free_port(host)
        if not bound or (host, bound) in self._rows or (host, bound + 1) in self._rows:
            raise OSError(EADDRINUSE, f"{host}:{port} is taken")
        self.table[row] = np.zeros((), LEG_DTYPE)
        self.table["route"][row] = -1
        self.table["pt_out"][row] = NO_PAYLOAD
        self.table["open"][row] = 1
        self._local[row] = (host, bound)
        self._rows[host, bound] = self._rows[host, bound + 1] = row
        return bound

    def close_leg(self, row: int) -> None:
        """See the seam."""
        host, port = self._local.pop(row)
        del self._rows[host, port], self._rows[host, port + 1]
        self.table["open"][row] = 0
        self.table["route"][row] = -1

    def let_pass(self) -> None:
        """Nothing waits here; said while held it would end in a deadlock elsewhere, so it is an error here."""
        if self._held:
            raise RuntimeError("let pass while held")

    def collect(self) -> Batch:
        """See the seam."""
        if not self._kept:
            return _NOTHING
        kept, self._kept = self._kept, []
        n = len(kept)
        rows = np.zeros((n, ROW_BYTES), np.uint8)
        sources = np.zeros((n, SOCKADDR_BYTES), np.uint8)
        for at, (data, _, _, _, source) in enumerate(kept):
            rows[at, : len(data)] = np.frombuffer(data, np.uint8)
            sources[at] = np.frombuffer(source, np.uint8)
        return Batch(
            rows=rows,
            lengths=np.array([len(data) for data, *_ in kept], np.int32),
            legs=np.array([row for _, row, *_ in kept], np.int32),
            arrival_ns=np.array([arrival for _, _, arrival, *_ in kept], np.int64),
            verdicts=np.array([verdict for *_, verdict, _ in kept], np.uint8),
            sources=sources,
        )

    def send(self, rows: Bytes, lengths: NDArray[np.int32], legs: NDArray[np.int32]) -> None:
        """See the seam."""
        for data, length, row in zip(rows, lengths.tolist(), legs.tolist(), strict=True):
            self._send(row, data[:length].tobytes(), HEADER_BYTES)

    def send_rtcp(self, row: int, data: bytes) -> None:
        """See the seam."""
        record = self.table[row]
        remote = unpack_address(record["remote_rtcp"][: record["remote_rtcp_len"]].tobytes())
        if remote is not None and row in self._local:
            host, port = self._local[row]
            muxed = record["remote_rtcp"].tobytes() == record["remote"].tobytes()
            self._transmit(data, (host, port if muxed else port + 1), remote)

    def close(self) -> None:
        """See the seam."""
        for row in list(self._local):
            self.close_leg(row)

    # --- the network's side ----------------------------------------------------------------------

    def receive(self, data: bytes, source: Address, destination: Address) -> bool:
        """One datagram has come for one of the ports; False when nobody listens there."""
        row = self._rows.get(destination)
        if row is None:
            return False
        record = self.table[row]
        if len(data) > ROW_BYTES:
            record["oversize"] += 1
            return True
        now = self._clock()
        raw = address_row(source)[0].tobytes()
        verdict = Verdict.RTCP if destination != self._local[row] else self._judge(row, data, raw)
        if verdict in (Verdict.PASSED, Verdict.KEPT, Verdict.FIRST, Verdict.NEW_SSRC):
            record["packets_received"] += 1
            record["received_ns"] = now
        if verdict is Verdict.FIRST:
            record["ssrc_in"], record["has_ssrc_in"] = int.from_bytes(data[8:12], "big"), 1
            if self._passes(record, data):
                self.table["anchored"][int(record["route"])] = 0
                self._pass(row, data, now)
        elif verdict is Verdict.PASSED:
            verdict = Verdict.PASSED if self._pass(row, data, now) else Verdict.KEPT
        elif verdict is Verdict.KEPT or (verdict is Verdict.ODD and _of_its_stream(record, data)):
            self._leave_out(record, data)
        self._kept.append((data, row, now, verdict, raw))
        self.on_datagram(verdict)
        return True

    def _judge(self, row: int, data: bytes, source: bytes) -> Verdict:
        record = self.table[row]
        expected = int(record["source_len"])
        if not expected or record["source"].tobytes()[:expected] != source[:expected]:
            return Verdict.FOREIGN
        if is_rtcp(data):
            return Verdict.RTCP
        try:
            packet = RtpPacket.parse(data)
        except RtpError:
            return Verdict.ODD
        pt_out = int(record["pt_out"][packet.payload_type])
        if pt_out == NO_PAYLOAD:
            return Verdict.ODD
        if not record["has_ssrc_in"]:
            return Verdict.FIRST
        if int(record["ssrc_in"]) != packet.ssrc:
            return Verdict.NEW_SSRC
        return Verdict.PASSED if self._passes(record, data) else Verdict.KEPT

    def _passes(self, record: np.void, data: bytes) -> bool:
        """Whether an accepted datagram goes on as it is, now."""
        route = int(record["route"])
        if record["pt_out"][data[1] & 0x7F] == NOT_PASSED or not 0 <= route < len(self.table):
            return False
        target = self.table[route]
        return bool(target["open"] and target["sends"] and target["remote_len"])

    def _pass(self, row: int, data: bytes, now: int) -> bool:
        """Send it on; False when its place in the stream is taken."""
        record = self.table[row]
        route = int(record["route"])
        to = self.table[route]
        sequence, timestamp = int.from_bytes(data[2:4], "big"), int.from_bytes(data[4:8], "big")
        marker = data[1] & 0x80
        if not to["anchored"]:
            passed = (now - int(to["sent_ns"])) // NS_PER_TICK if to["sent_ns"] else 0
            own = difference(timestamp + int(to["ts_off"]), int(to["ts_out"]), TIMESTAMP_BITS)
            ticks = ticks_on(own, passed, int(to["ptime_ticks"]))
            if ticks <= 0:
                return False
            to["ts_from"] = (int(to["ts_out"]) + ticks) & 0xFFFFFFFF
            to["seq_off"] = (int(to["seq_out"]) + 1 - sequence) & 0xFFFF
            to["ts_off"] = (int(to["ts_from"]) - timestamp) & 0xFFFFFFFF
            to["anchored"] = 1
            marker = 0x80
        sequence = (sequence + int(to["seq_off"])) & 0xFFFF
        timestamp = (timestamp + int(to["ts_off"])) & 0xFFFFFFFF
        newer = 0 < (sequence - int(to["seq_out"])) & 0xFFFF < 0x8000
        if not newer and difference(timestamp, int(to["ts_from"]), TIMESTAMP_BITS) < 0:
            return False
        second = marker | int(record["pt_out"][data[1] & 0x7F])
        ssrc = int(to["ssrc_out"])
        head = bytes([data[0], second]) + sequence.to_bytes(2, "big") + timestamp.to_bytes(4, "big")
        payload = len(RtpPacket.parse(data).payload)
        self._send(route, head + ssrc.to_bytes(4, "big") + data[HEADER_BYTES:], len(data) - payload)
        if newer:
            to["seq_out"], to["ts_out"], to["sent_ns"] = sequence, timestamp, now
        return True

    def _leave_out(self, record: np.void, data: bytes) -> None:
        """What is never passed on leaves no hole in the sequence that its target sees."""
        route = int(record["route"])
        if record["pt_out"][data[1] & 0x7F] >= NOT_PASSED and 0 <= route < len(self.table):
            to = self.table[route]
            sequence = int.from_bytes(data[2:4], "big") + int(to["seq_off"])
            if to["anchored"] and 0 < (sequence - int(to["seq_out"])) & 0xFFFF < 0x8000:
                to["seq_off"] = (int(to["seq_off"]) - 1) & 0xFFFF

    def _send(self, row: int, data: bytes, header: int) -> None:
        remote = unpack_address(self._remote[row, : self._remote_len[row]].tobytes())
        local = self._local.get(row)
        if remote is None or local is None:
            self.table["send_errors"][row] += 1
            return
        self._packets_sent[row] += 1
        self._octets_sent[row] += len(data) - header
        self._transmit(data, local, remote)

    def _free_port(self, host: str) -> int:
        ports = range(FIRST_PORT, LAST_PORT, 2)
        return next((p for p in ports if (host, p) not in self._rows and (host, p + 1) not in self._rows), 0)


def _of_its_stream(record: np.void, data: bytes) -> bool:
    """Whether what was judged ODD is so by its payload type only."""
    try:
        return bool(record["has_ssrc_in"]) and RtpPacket.parse(data).ssrc == int(record["ssrc_in"])
    except RtpError:
        return False


def _nobody(verdict: Verdict) -> None:
    """Nobody waits for datagrams."""
