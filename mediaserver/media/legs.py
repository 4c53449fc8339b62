"""The legs of a worker: one row each of many parallel arrays, and one small object each for what is not counted."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final

import numpy as np

from mediaserver.media.addresses import Address, address_row
from mediaserver.media.arrays import Bytes, Pcm
from mediaserver.media.g722 import G722Decoder
from mediaserver.media.messages import Codec, LegStatistics, OpenSource, SetLegMedia
from mediaserver.media.seam import NO_PAYLOAD, NOT_PASSED, Forwarder
from mediaserver.media.timescale import FRAME_TICKS
from mediaserver.rtp.event_receiver import EventReceiver
from mediaserver.rtp.event_sender import EventSender

SEEN: Final = 512
"""Packets remembered by sequence number, for duplicates and gaps: 10 s at 20 ms."""
NEVER: Final = 1 << 62
"""A tick or a transit that no packet has."""
COMFORT_NOISE: Final = 13
"""Static payload type (RFC 3389)."""


START: Final[dict[str, float]] = {
    **dict.fromkeys(("kind_of", "sending", "anchored", "verified", "in_doubt", "based", "offset", "timestamp"), 0),
    **dict.fromkeys(("sequence", "first_sequence", "unique", "received", "lost_before", "jitter", "transit"), 0),
    **dict.fromkeys(("transit_base", "window_from", "correction", "arrival", "heard", "loud"), 0),
    **{"seen": -NEVER, "transit_min": NEVER, "transit_max": -NEVER, "play_delay": 2 * FRAME_TICKS},
    **{"deadline": float("inf"), "report_at": float("inf")},
}
"""What the arrays of a fresh row hold."""


class PayloadKind(IntEnum):
    """What a payload type from a leg carries, as one byte a type in ``Legs.kind_of``."""

    UNKNOWN = 0
    PCMU = 1
    PCMA = 2
    G722 = 3
    EVENT = 4
    COMFORT_NOISE = 5


KIND_OF_CODEC: Final = {Codec.PCMU: PayloadKind.PCMU, Codec.PCMA: PayloadKind.PCMA, Codec.G722: PayloadKind.G722}
CODEC_OF_KIND: Final = {kind: codec for codec, kind in KIND_OF_CODEC.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A packet that may be the first of a new stream, kept until a second one agrees (RFC 3550 A.1)."""

    ssrc: int
    sequence: int
    data: bytes
    arrival_tick: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """A packet whose timestamp names another time than its arrival."""

    sequence: int
    timestamp: int
    arrival_tick: int
    transit: int
    samples: Pcm
    """Its audio, at 8 kHz or (twice as many for its ticks) 16 kHz."""
    ticks: int


@dataclass(slots=True, kw_only=True)
class Leg:
    """What one leg is, apart from its row in the arrays."""

    row: int
    leg_id: int
    call_id: str
    port: int = 0
    source: OpenSource | None = None
    media: SetLegMedia | None = None
    offered: Address | None = None
    learned: Address | None = None
    learn_until: float = 0.0
    candidate: Held | None = None
    events: EventReceiver = field(default_factory=EventReceiver)
    digits_out: EventSender | None = None
    decoder: G722Decoder | None = None
    masked: dict[int, int] = field(default_factory=dict)
    """Spans of the time line that hold a key's tone: first tick to the tick after the last."""
    doubtful: list[Doubt] = field(default_factory=list)
    """The present run of packets whose timestamp and arrival disagree."""
    dropped: dict[str, int] = field(default_factory=dict)
    peer_sr: tuple[int, float] | None = None
    """Middle bits of the NTP time of its stream's last sender report, and when it came."""
    rtcp_before: tuple[int, int] = (0, 0)
    """Expected and received of its stream at the last report."""
    sent_before: tuple[int, int] = (0, 0)
    """Packets sent to it by the last report but one, and by the last."""
    quiet_since: int = -1
    """Arrival tick since which it is known to be quiet: told once for each."""
    silence_told: int = 0
    """Periods of silence told since audio last came."""
    silent_since: int = 0
    """Which tick of last audio those count from."""
    closed: bool = False

    @property
    def codec(self) -> Codec:
        """What we send it; G.711 mu-law while nothing is settled (sources never settle)."""
        return self.media.codec if self.media else Codec.PCMU

    @property
    def ptime_ms(self) -> int:
        """Packet time of what we send."""
        return self.media.ptime_ms if self.media else 20

    def drop(self, reason: str, count: int = 1) -> None:
        """Count datagrams that were not used."""
        self.dropped[reason] = self.dropped.get(reason, 0) + count


class Legs:
    """Parallel arrays over rows; times are ticks, sequence numbers and timestamps are unwrapped.

    What a leg sends:

    * ``kind_of`` (n, 128) PayloadKind of each payload type; ``sending`` that of its last audio packet, 0 before it
    * ``anchored`` its stream has a place on the time line: unwrapped timestamp + ``offset`` = tick
    * ``verified`` a valid packet has come since the media was set
    * ``in_doubt`` its last audio packet's timestamp and arrival disagreed
    * ``timestamp``, ``sequence`` highest so far; ``first_sequence`` lowest
    * ``seen``, ``seen_tick``, ``seen_ticks`` (n, SEEN) the packet remembered at its sequence number modulo SEEN: its
      number, place and length
    * ``received`` packets; ``unique`` of this SSRC, without copies; ``lost_before`` of earlier SSRCs
    * ``generation`` counts anchorings: sequence numbers of two generations do not compare

    When it comes:

    * ``jitter`` RFC 3550 A.8, ticks; ``transit`` arrival less place of the last packet; ``transit_min`` and
      ``transit_max`` over the present window of ``clocks``, which began when ``window_from`` packets had been received
    * ``transit_base`` the least of the first window (if ``based``): what drift is measured from
    * ``correction`` ticks to shift by at the next silent packet
    * ``arrival`` tick of the last datagram that counted, RTP or RTCP; ``heard`` of the last audio packet; ``loud`` of
      the last one above the silence threshold
    * ``play_delay`` how far behind now its audio is mixed: its jitter buffer
    * ``deadline`` monotonic seconds at which ``housekeeping`` is to look at it; ``report_at`` its next RTCP report
    """

    def __init__(self, forwarder: Forwarder, capacity: int) -> None:
        self.forwarder = forwarder
        self.table = forwarder.table
        self.open, self.sends = self.table["open"], self.table["sends"]
        self.remote_len, self.sent_ns = self.table["remote_len"], self.table["sent_ns"]
        self.ptime_ticks = self.table["ptime_ticks"]
        self.seq_out, self.ts_out, self.ssrc_out = (self.table[name] for name in ("seq_out", "ts_out", "ssrc_out"))
        self.sending_changed = False
        """A leg has sent another codec than before since this was last cleared."""
        self.capacity = min(capacity, len(forwarder.table))
        self.top = 0
        """Rows in use lie below."""
        self.by_row: dict[int, Leg] = {}
        self.by_id: dict[int, Leg] = {}
        self._free = list(range(self.capacity - 1, -1, -1))
        self._allocate(self.capacity)

    def _allocate(self, n: int) -> None:
        """One array a fact; see the class for what each is."""
        self.kind_of = np.zeros((n, 128), np.uint8)
        self.sending = np.zeros(n, np.uint8)
        self.anchored, self.verified, self.in_doubt, self.based = (np.zeros(n, np.bool_) for _ in range(4))
        self.offset, self.timestamp, self.sequence, self.first_sequence = (np.zeros(n, np.int64) for _ in range(4))
        self.seen, self.seen_tick = np.zeros((n, SEEN), np.int64), np.zeros((n, SEEN), np.int64)
        self.seen_ticks = np.zeros((n, SEEN), np.int32)
        self.unique, self.received, self.lost_before = (np.zeros(n, np.int64) for _ in range(3))
        self.jitter = np.zeros(n, np.float64)
        self.transit, self.transit_min, self.transit_max = (np.zeros(n, np.int64) for _ in range(3))
        self.transit_base, self.window_from, self.correction = (np.zeros(n, np.int64) for _ in range(3))
        self.arrival, self.heard, self.loud = (np.zeros(n, np.int64) for _ in range(3))
        self.play_delay, self.generation = np.zeros(n, np.int64), np.zeros(n, np.int64)
        self.deadline, self.report_at = np.full(n, np.inf), np.full(n, np.inf)

    def add(self, leg_id: int, call_id: str, source: OpenSource | None = None) -> Leg | None:
        """A fresh row; None when the worker is full."""
        if not self._free:
            return None
        row = self._free.pop()
        leg = Leg(row=row, leg_id=leg_id, call_id=call_id, source=source)
        self.by_row[row] = self.by_id[leg_id] = leg
        self.top = max(self.top, row + 1)
        self._clear(row)
        return leg

    def remove(self, leg: Leg) -> None:
        """Let the row be used again."""
        self.by_row.pop(leg.row, None)
        self.deadline[leg.row] = np.inf
        self.anchored[leg.row] = False
        self._free.append(leg.row)
        self.top = max(self.by_row, default=-1) + 1

    def _clear(self, row: int) -> None:
        generation = int(self.generation[row]) + 1
        for name, start in START.items():
            getattr(self, name)[row] = start
        self.generation[row] = generation

    def set_payloads(self, leg: Leg, peer: Leg | None) -> None:
        """Say what each payload type from ``leg`` is, and what it becomes at ``peer`` when passed on."""
        kinds, passed = self.kind_of[leg.row], np.full(128, NO_PAYLOAD, np.uint8)
        kinds[:] = PayloadKind.UNKNOWN
        if leg.media is not None:
            self._set_payloads(leg.media, peer.media if peer else None, kinds, passed)
        self.table["pt_out"][leg.row] = passed  # at once: packets come meanwhile

    def _set_payloads(self, media: SetLegMedia, peer: SetLegMedia | None, kinds: Bytes, passed: Bytes) -> None:
        passed[COMFORT_NOISE] = NOT_PASSED
        kinds[COMFORT_NOISE] = PayloadKind.COMFORT_NOISE
        for payload_type, codec in media.receive_payload_types:
            kinds[payload_type] = KIND_OF_CODEC[codec]
            passed[payload_type] = peer.payload_type if peer is not None and peer.codec is codec else NOT_PASSED
        if media.telephone_event_receive is not None:
            kinds[media.telephone_event_receive] = PayloadKind.EVENT
            passed[media.telephone_event_receive] = NOT_PASSED

    def set_addresses(self, leg: Leg, remote: Address | None, rtcp: Address | None) -> None:
        """Where to send, and the one source that counts."""
        row = self.table[leg.row]
        row["remote"], row["remote_len"] = address_row(remote)
        row["source"], row["source_len"] = address_row(remote)
        row["remote_rtcp"], row["remote_rtcp_len"] = address_row(rtcp)

    def can_send(self, row: int) -> bool:
        """Whether anything may be sent to the leg now."""
        return bool(self.open[row] and self.sends[row] and self.remote_len[row])

    def lost(self, row: int) -> int:
        """Packets that never came, over all SSRCs of the leg."""
        expected = int(self.sequence[row] - self.first_sequence[row]) + 1 if self.anchored[row] else 0
        return int(self.lost_before[row]) + max(0, expected - int(self.unique[row]))

    def statistics(self, leg: Leg) -> LegStatistics:
        """The leg's counters so far."""
        record = self.table[leg.row]
        forwarder_side = {"ring-full": int(record["copies_dropped"]), "oversize": int(record["oversize"])}
        dropped = leg.dropped | {reason: count for reason, count in forwarder_side.items() if count}
        return LegStatistics(
            leg_id=leg.leg_id,
            packets_received=int(self.received[leg.row]),
            packets_sent=int(record["packets_sent"]),
            packets_lost=self.lost(leg.row),
            jitter_ms=float(self.jitter[leg.row]) / 8,
            dropped=tuple(sorted(dropped.items())),
        )
