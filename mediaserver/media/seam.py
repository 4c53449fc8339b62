"""The seam between the media engine and a forwarder: one shared table of legs, packets out in bulk, packets in in bulk.

A forwarder owns the sockets and is the only code that runs per packet. Per received RTP datagram it

1. looks at the leg's row of the table: exact source address, RTP version 2, payload type with ``pt_out != NO_PAYLOAD``
   or ``NOT_PASSED``, SSRC equal to ``ssrc_in``; while none is known (``has_ssrc_in`` 0), the first that fits in all
   else becomes it, and ``anchored`` of its target is cleared;
2. if all fits and ``route >= 0``: rewrites payload type, SSRC, sequence and timestamp for the target leg and sends at
   once;
3. keeps the datagram (as it came) for ``collect``, with the verdict.

A packet of the leg's stream that is never passed on though there is a route (``NOT_PASSED``, or ``NO_PAYLOAD``: what
keeps a path open, RFC 6263 4.6) leaves no hole: when it is newer than all that was passed, ``seq_off`` of its target
goes back by one, so that the far end counts no loss. Its time stays.

Anything that does not fit is not forwarded, only kept with its verdict: learning an address, a change of SSRC,
telephone-event, comfort noise are the engine's slow path, at most one bulk step later.

Continuity towards a target leg: while ``anchored`` is 1, ``out = in + offset``. When it is 0 (after a mix, a re-INVITE,
an SSRC change; the engine clears it) the forwarder sets the offsets from the next packet so that the sequence goes on
by one and the timestamp as ``ticks_on`` says, sets the marker bit, and sets ``anchored``. A packet whose time has been
filled meanwhile is not passed on, nor, later, one from before the break (``ts_from``): its number and its time are
those of something else by now. Both are KEPT. The engine, when it sends frames of its own to a leg, takes the
sequence and timestamp from the same fields and writes them back. The engine only touches ``out`` fields of a leg to
which no other leg is routed, or while it holds the table: packets it has accepted late (a learned address, a changed
SSRC) it passes on itself before the forwarder sees their successors.

The table is the contract of both implementations (``native`` in C, ``python``); its layout is C's natural alignment.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

ROW_BYTES: Final = 2048
"""Longest datagram kept; a longer one is dropped and counted."""

SOCKADDR_BYTES: Final = 28
"""sizeof(struct sockaddr_in6); a sockaddr_in lies in the first 16."""

NO_PAYLOAD: Final = 255
"""``pt_out``: this payload type was not negotiated (verdict ODD)."""

NOT_PASSED: Final = 254
"""``pt_out``: negotiated, accepted, but never passed on as it is (telephone-event, another codec)."""


class Verdict(IntEnum):
    """What the forwarder made of a datagram."""

    PASSED = 0
    """Accepted and sent on."""
    KEPT = 1
    """Accepted; the leg has no route, this payload type is not passed, or its place in the stream is taken."""
    FOREIGN = 2
    """From another address than ``source``."""
    NEW_SSRC = 3
    """Right address and payload type, another SSRC than the leg's."""
    ODD = 4
    """Not RTP version 2, too short (also for its own header), or a payload type that was not negotiated."""
    RTCP = 5
    """From the RTCP port (any source: the engine looks), or muxed (RFC 5761: from ``source``, second byte 192 to
    223)."""
    FIRST = 6
    """Accepted, its SSRC is the leg's from now on, and sent on or not as PASSED or KEPT would be."""


LEG_DTYPE: Final = np.dtype(
    [
        ("open", "u1"),
        ("anchored", "u1"),
        ("sends", "u1"),
        ("latched", "u1"),
        ("route", "i4"),
        ("remote", "u1", SOCKADDR_BYTES),
        ("remote_len", "u4"),
        ("remote_rtcp", "u1", SOCKADDR_BYTES),
        ("remote_rtcp_len", "u4"),
        ("source", "u1", SOCKADDR_BYTES),
        ("source_len", "u4"),
        ("pt_out", "u1", 128),
        ("ssrc_in", "u4"),
        ("has_ssrc_in", "u4"),
        ("ssrc_out", "u4"),
        ("ts_out", "u4"),
        ("ts_off", "u4"),
        ("ts_from", "u4"),
        ("seq_out", "u2"),
        ("seq_off", "u2"),
        ("ptime_ticks", "u4"),
        ("oversize", "u4"),
        ("sent_ns", "i8"),
        ("received_ns", "i8"),
        ("packets_received", "u8"),
        ("packets_sent", "u8"),
        ("octets_sent", "u8"),
        ("send_errors", "u8"),
        ("copies_dropped", "u8"),
    ],
    align=True,
)
"""One leg. ``open``, ``sends`` 0/1; ``route`` the row that accepted audio goes to, -1 none; addresses are raw sockaddr
bytes; ``pt_out[p]`` what payload type p *from* this leg becomes at its route; ``*_out`` describe the stream *towards*
this leg: the highest sequence and timestamp sent (a late packet does not turn them back), ``ts_from`` the timestamp it
was last anchored at. ``sent_ns`` is the instant that the newest timestamp stands for: when the forwarder passed it on,
or where it would have, had it passed on what the engine composed instead; so composing and passing follow each other
without the stream running ahead of the clock.

``packets_received`` and ``received_ns`` are of PASSED, KEPT, FIRST and NEW_SSRC. ``packets_sent``, ``octets_sent``
(without headers, RFC 3550 6.4.1) and ``send_errors`` are counted by the forwarder, for ``send`` too. ``copies_dropped``
counts datagrams not kept because the ring was full, ``oversize`` those longer than ROW_BYTES. ``open_leg`` clears the
row (``route`` -1, ``pt_out`` NO_PAYLOAD) and sets ``open``."""


AGREE_TICKS: Final = 800
"""100 ms: a sender's clock and ours that differ less are taken to differ by jitter."""


def ticks_on(own_ticks: int, passed_ticks: int, ptime_ticks: int) -> int:
    """How far timestamps go on after a break; not at all (0 or less) when the packet's time has been filled meanwhile.

    As far as the sender's own went on (``own_ticks``, by the offset from before the break) when that agrees with the
    time that passed: however many breaks there are and however much packets jitter, the stream is never put off. Else
    by the time that passed, in whole packets, at least one: phones count frames by timestamp, and one that falls
    between two is a frame lost to them.
    """
    whole = max(ptime_ticks, 1)
    ticks = max(1, (passed_ticks + whole // 2) // whole) * whole
    return own_ticks if abs(own_ticks - ticks) <= AGREE_TICKS else ticks


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Datagrams kept since the last collect, in order of arrival for each leg. Views: valid until the next
    ``collect``."""

    rows: NDArray[np.uint8]
    """(n, ROW_BYTES)."""
    lengths: NDArray[np.int32]
    legs: NDArray[np.int32]
    """Row of the table."""
    arrival_ns: NDArray[np.int64]
    """CLOCK_MONOTONIC."""
    verdicts: NDArray[np.uint8]
    sources: NDArray[np.uint8]
    """(n, SOCKADDR_BYTES); filled for FOREIGN and RTCP, else undefined."""


class Forwarder(Protocol):
    """One per worker. All calls come from the worker's one thread."""

    kind: str
    """``native``, ``python`` or ``memory``."""

    table: NDArray[np.void]
    """LEG_DTYPE rows, shared: the engine writes, the forwarder reads at the next packet."""

    def held(self) -> AbstractContextManager[None]:
        """While inside, no packet is looked at: wrap writes of fields that belong together (an address and its length,
        a route and what was anchored to it), and nothing slow. After it, no packet that was under way still touches
        what was changed."""
        ...

    def open_leg(self, row: int, host: str, port: int) -> int:
        """Bind ``port`` (RTP) and ``port + 1`` (RTCP); the port bound (a free even one when 0). OSError when it
        cannot."""
        ...

    def close_leg(self, row: int) -> None:
        """Close both sockets; the row may be used again."""
        ...

    def collect(self) -> Batch:
        """Everything kept since the last call."""
        ...

    def send(self, rows: NDArray[np.uint8], lengths: NDArray[np.int32], legs: NDArray[np.int32]) -> None:
        """Send whole RTP datagrams to each leg's ``remote``; errors are counted, never raised."""
        ...

    def send_rtcp(self, row: int, data: bytes) -> None:
        """Send one RTCP datagram to the leg's ``remote_rtcp``."""
        ...

    def let_pass(self) -> None:
        """Packets that wait while a step works may go first: said between its pieces, never while ``held``."""
        ...

    def close(self) -> None:
        """Close everything."""
        ...
