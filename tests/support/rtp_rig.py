"""Two phones and a forwarder between them on loopback, for the tests that every forwarder must pass."""

from __future__ import annotations

import asyncio
import socket
import struct
import time
from dataclasses import dataclass, field

import numpy as np

from mediaserver.media.seam import SOCKADDR_BYTES, Batch, Forwarder, Verdict
from mediaserver.runtime.forwarders.sockets import to_sockaddr

PATIENCE_S = 5.0
RTP = struct.Struct(">BBHII")


def rtp(
    seq: int, ts: int, *, ssrc: int = 0x11111111, pt: int = 0, marker: bool = False, payload: bytes = b"x" * 160
) -> bytes:
    """One RTP datagram."""
    return RTP.pack(0x80, marker << 7 | pt, seq, ts, ssrc) + payload


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """One datagram of a batch, as plain values."""

    data: bytes
    leg: int
    verdict: Verdict
    source: bytes


def unpack(batch: Batch) -> list[Kept]:
    """The batch as values; sources only where they are defined."""
    told = (Verdict.FOREIGN, Verdict.RTCP)
    return [
        Kept(
            data=batch.rows[i, : batch.lengths[i]].tobytes(),
            leg=int(batch.legs[i]),
            verdict=Verdict(batch.verdicts[i]),
            source=batch.sources[i].tobytes() if batch.verdicts[i] in told else b"",
        )
        for i in range(len(batch.legs))
    ]


class Phone:
    """A bare UDP socket."""

    def __init__(self, host: str = "127.0.0.1") -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self.socket.bind((host, 0))
        self.host = host
        self.port = int(self.socket.getsockname()[1])

    @property
    def sockaddr(self) -> bytes:
        """Its address as the table has it, padded."""
        return to_sockaddr(self.host, self.port).ljust(SOCKADDR_BYTES, b"\0")

    def send(self, data: bytes, port: int) -> None:
        """To a port of the same host."""
        self.socket.sendto(data, (self.host, port))

    async def receive(self) -> bytes:
        """The next datagram."""
        async with asyncio.timeout(PATIENCE_S):
            return await asyncio.get_running_loop().sock_recv(self.socket, 4096)

    def nothing_there(self) -> bool:
        """Whether no datagram waits."""
        try:
            self.socket.recv(4096)
        except BlockingIOError:
            return True
        return False


@dataclass
class Rig:
    """Rows 0 and 1 bridged: phone ``a`` on row 0, phone ``b`` on row 1."""

    forwarder: Forwarder
    host: str = "127.0.0.1"
    kept: list[Kept] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.a, self.b = Phone(self.host), Phone(self.host)
        self.port_a = self.forwarder.open_leg(0, self.host, 0)
        self.port_b = self.forwarder.open_leg(1, self.host, 0)
        self.expect(0, self.a, 0x11111111)
        self.expect(1, self.b, 0x22222222)
        with self.forwarder.held():
            self.leg(0)["route"], self.leg(1)["route"] = 1, 0

    def leg(self, row: int) -> np.void:
        """A row of the table, to read and write."""
        leg: np.void = self.forwarder.table[row]
        return leg

    def expect(self, row: int, phone: Phone, ssrc: int) -> None:
        """What an engine writes after offer, answer and first packet."""
        raw = to_sockaddr(phone.host, phone.port)
        leg = self.leg(row)
        with self.forwarder.held():
            for name in ("remote", "source"):
                leg[name][: len(raw)] = np.frombuffer(raw, np.uint8)
                leg[f"{name}_len"] = len(raw)
            leg["pt_out"][0] = 0
            leg["pt_out"][8] = 8
            leg["pt_out"][101] = 254
            leg["ssrc_in"], leg["has_ssrc_in"] = ssrc, 1
            leg["sends"], leg["ptime_ticks"] = 1, 160
            leg["ssrc_out"], leg["seq_out"], leg["ts_out"] = 0xABCD0000 + row, 1000, 50000

    async def keep(self, count: int) -> list[Kept]:
        """Collect until ``count`` datagrams are there; the whole list of this call."""
        got: list[Kept] = []
        deadline = time.monotonic() + PATIENCE_S
        while len(got) < count:
            assert time.monotonic() < deadline, f"{len(got)} of {count} datagrams were kept"
            got += unpack(self.forwarder.collect())
            await asyncio.sleep(0)  # the Python forwarder reads on this loop
        return got

    async def counted(self, row: int, counter: str, value: int) -> None:
        """Wait until a counter has a value."""
        deadline = time.monotonic() + PATIENCE_S
        while self.leg(row)[counter] != value:
            assert time.monotonic() < deadline, f"{counter} is {self.leg(row)[counter]}, not {value}"
            await asyncio.sleep(0)

    def close(self) -> None:
        """Close everything."""
        self.forwarder.close()
        self.a.socket.close()
        self.b.socket.close()
