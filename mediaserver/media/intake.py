"""Received datagrams: the usual ones in bulk, the rest one by one through ``streams``.

Where media may come from (no RTP bleed, no injection): the forwarder marks what comes from another address
than the leg's ``source`` as FOREIGN. Such a packet moves the source only when it is valid RTP with a negotiated
payload type, its host is one of the leg's trusted hosts (its SDP's and its signalling's), and either no valid packet
has come since the media was set, or that was less than ``learning_s`` ago and the present source has been quiet for
QUIET_TICKS (a caller whose port moved at once). Everything else is dropped and counted, and moves nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from mediaserver.media.addresses import same_host, unpack_address
from mediaserver.media.arrays import Bytes, Flags, Ints, Pcm
from mediaserver.media.g711 import decoded_frames
from mediaserver.media.legs import CODEC_OF_KIND, SEEN, Leg, Legs, PayloadKind
from mediaserver.media.messages import AddressLearned, Event
from mediaserver.media.seam import Batch, Verdict
from mediaserver.media.streams import DOUBT_TICKS, MOST_DELAY_TICKS, SILENCE_POWER, Streams
from mediaserver.media.timeline import Timeline
from mediaserver.media.timescale import FRAME_TICKS, NS_PER_TICK, TICK_HZ, seconds
from mediaserver.rtp.errors import RtpError
from mediaserver.rtp.ntp import middle_bits
from mediaserver.rtp.packet import HEADER_BYTES, RtpPacket
from mediaserver.rtp.rtcp import SenderReport, parse_compound

FRAME_BYTES: Final = HEADER_BYTES + FRAME_TICKS
QUIET_TICKS: Final = TICK_HZ // 10

_PLAIN: Final = 0x80
"""First byte of a packet without padding, extension or CSRCs."""

_STUN_COOKIE: Final = bytes.fromhex("2112a442")
_STUN_FIRST_MOST: Final = 3
"""RFC 5389 6 and RFC 7983 7: what tells STUN from RTP on one port."""


class Intake:
    """What comes in, put where it belongs."""

    def __init__(
        self,
        legs: Legs,
        timeline: Timeline,
        streams: Streams,
        event_began: Callable[[Leg], None],
        emit: Callable[[Event], None],
        bulk_from: int,
    ) -> None:
        """``bulk_from`` packets at once are worth the bulk path."""
        self._bulk_from = max(1, bulk_from)
        self._legs = legs
        self._timeline = timeline
        self._streams = streams
        self._event_began = event_began
        self._emit = emit
        self.unknown = 0
        """Datagrams of rows that were closed meanwhile."""

    def take(self, batch: Batch, chosen: Ints) -> None:
        """Work through the datagrams ``chosen`` (indices, ascending) of a batch."""
        if chosen.size < self._bulk_from:
            for at in chosen:
                self._one(batch, int(at), int(batch.arrival_ns[at]) // NS_PER_TICK)
            return
        whole = chosen.size == batch.legs.size
        rows = batch.legs if whole else batch.legs[chosen]
        heads = np.ascontiguousarray(batch.rows[:, :HEADER_BYTES]) if whole else batch.rows[chosen, :HEADER_BYTES]
        lengths = batch.lengths if whole else batch.lengths[chosen]
        verdicts = batch.verdicts if whole else batch.verdicts[chosen]
        arrivals = (batch.arrival_ns if whole else batch.arrival_ns[chosen]) // NS_PER_TICK
        legs = self._legs
        kinds = legs.kind_of[rows, heads[:, 1] & 0x7F]
        usual = (
            (verdicts <= Verdict.KEPT)
            & (lengths == FRAME_BYTES)
            & (heads[:, 0] == _PLAIN)
            & (kinds >= PayloadKind.PCMU)
            & (kinds <= PayloadKind.PCMA)
            & legs.anchored[rows]
            & legs.verified[rows]
            & ~legs.in_doubt[rows]
            & ~self._timeline.wide_rows[rows]
        )
        if usual.any():
            self._bulk(batch, chosen, rows.astype(np.int64), heads, kinds, arrivals, usual)
        for at in np.flatnonzero(~usual):
            self._one(batch, int(chosen[at]), int(arrivals[at]))

    # --- in bulk --------------------------------------------------------------------------------

    def _bulk(
        self, batch: Batch, chosen: Ints, rows: Ints, heads: Bytes, kinds: Bytes, arrivals: Ints, usual: Flags
    ) -> None:
        """Clear bits of ``usual`` for what turns out doubtful: it goes the slow way."""
        legs = self._legs
        sequences, timestamps = self._unwrapped(rows, heads)
        ticks = timestamps + legs.offset[rows]
        transits = arrivals - ticks
        usual &= np.abs(transits) <= DOUBT_TICKS
        usual &= (legs.correction[rows] == 0) & (legs.seen[rows, sequences % SEEN] != sequences)
        at: Ints = np.flatnonzero(usual)
        if at.size != usual.size:
            rows, sequences, timestamps = rows[at], sequences[at], timestamps[at]
            ticks, transits, arrivals, kinds = ticks[at], transits[at], arrivals[at], kinds[at]
        if at.size == 0:
            return
        order = np.argsort(rows * SEEN + sequences % SEEN, kind="stable")
        keys = (rows * SEEN + sequences % SEEN)[order]
        if at.size > 1 and bool((keys[1:] == keys[:-1]).any()):
            usual[:] = False  # copies within one batch: rare, and the slow way tells them apart
            return
        let_pass = legs.forwarder.let_pass
        let_pass()
        self._count(rows, sequences, timestamps, ticks, transits, arrivals)
        let_pass()
        if not bool((legs.sending[rows] == kinds).all()):
            legs.sending[rows] = kinds
            legs.sending_changed = True
        picked = chosen[at]
        payload = batch.rows[:, HEADER_BYTES:FRAME_BYTES]
        if picked.size != batch.legs.size:
            payload = payload[picked]
        samples = self._decoded(np.ascontiguousarray(payload), kinds)
        let_pass()
        self._timeline.put_frames(rows, ticks, samples)
        let_pass()
        level = samples.astype(np.float32)
        loud = np.einsum("ij,ij->i", level, level) >= FRAME_TICKS * SILENCE_POWER
        np.maximum.at(legs.loud, rows[loud], arrivals[loud])

    def _unwrapped(self, rows: Ints, heads: Bytes) -> tuple[Ints, Ints]:
        legs = self._legs
        sequence = np.ascontiguousarray(heads[:, 2:4]).view(">u2")[:, 0].astype(np.int64)
        timestamp = np.ascontiguousarray(heads[:, 4:8]).view(">u4")[:, 0].astype(np.int64)
        highest, latest = legs.sequence[rows], legs.timestamp[rows]
        sequences = highest + (sequence - highest).astype(np.int16)
        timestamps = latest + (timestamp - latest).astype(np.int32)
        return sequences, timestamps

    def _count(
        self, rows: Ints, sequences: Ints, timestamps: Ints, ticks: Ints, transits: Ints, arrivals: Ints
    ) -> None:
        legs = self._legs
        place = sequences % SEEN
        legs.seen[rows, place] = sequences
        legs.seen_tick[rows, place] = ticks
        legs.seen_ticks[rows, place] = FRAME_TICKS
        np.add.at(legs.received, rows, 1)
        np.add.at(legs.unique, rows, 1)
        np.maximum.at(legs.sequence, rows, sequences)
        np.minimum.at(legs.first_sequence, rows, sequences)
        np.maximum.at(legs.timestamp, rows, timestamps)
        np.maximum.at(legs.arrival, rows, arrivals)
        np.maximum.at(legs.heard, rows, arrivals)
        np.minimum.at(legs.transit_min, rows, transits)
        np.maximum.at(legs.transit_max, rows, transits)
        self._jitter(rows, transits)
        late = transits > FRAME_TICKS
        if late.any():
            wanted = np.minimum(FRAME_TICKS * (1 + -(-transits[late] // FRAME_TICKS)), MOST_DELAY_TICKS)
            np.maximum.at(legs.play_delay, rows[late], wanted)

    def _jitter(self, rows: Ints, transits: Ints) -> None:
        """RFC 3550 A.8, packet by packet for each leg: as many rounds as the busiest leg has packets."""
        legs = self._legs
        order = np.argsort(rows, kind="stable")
        ranked = rows[order]
        fresh = np.ones(ranked.size, np.bool_)
        fresh[1:] = ranked[1:] != ranked[:-1]
        starts = np.maximum.accumulate(np.where(fresh, np.arange(ranked.size), 0))
        rank = np.arange(ranked.size) - starts
        for turn in range(int(rank.max()) + 1):
            at = order[rank == turn]
            row, transit = rows[at], transits[at]
            legs.jitter[row] += (np.abs(transit - legs.transit[row]) - legs.jitter[row]) / 16
            legs.transit[row] = transit

    def _decoded(self, payload: Bytes, kinds: Bytes) -> Pcm:
        words = payload.view(np.uint16)
        first = int(kinds[0])
        if bool((kinds == first).all()):
            return decoded_frames(CODEC_OF_KIND[PayloadKind(first)], words)
        samples = decoded_frames(CODEC_OF_KIND[PayloadKind.PCMU], words)
        a_law = kinds == PayloadKind.PCMA
        samples[a_law] = decoded_frames(CODEC_OF_KIND[PayloadKind.PCMA], words[a_law])
        return samples

    # --- one by one -----------------------------------------------------------------------------

    def _one(self, batch: Batch, at: int, arrival_tick: int) -> None:
        leg = self._legs.by_row.get(int(batch.legs[at]))
        if leg is None or leg.closed:
            self.unknown += 1
            return
        data = batch.rows[at, : int(batch.lengths[at])].tobytes()
        match Verdict(int(batch.verdicts[at])):
            case Verdict.FOREIGN:
                self._foreign(leg, data, batch.sources[at].tobytes(), arrival_tick)
            case Verdict.FIRST:
                self._streams.first(leg, data, arrival_tick)
            case Verdict.NEW_SSRC:
                self._streams.new_ssrc(leg, data, arrival_tick)
            case Verdict.ODD:
                self._odd(leg, data, arrival_tick)
            case Verdict.RTCP:
                self._rtcp(leg, data, batch.sources[at].tobytes(), arrival_tick)
            case _:
                self._streams.packet(leg, data, arrival_tick)
        if leg.events.pressed is not None:
            self._event_began(leg)

    def _odd(self, leg: Leg, data: bytes, arrival_tick: int) -> None:
        try:
            packet = RtpPacket.parse(data)
        except RtpError:
            leg.drop(_unreadable(data, "malformed"))
            return
        record = self._legs.table[leg.row]
        if packet.payload or not record["has_ssrc_in"] or int(record["ssrc_in"]) != packet.ssrc:
            leg.drop("payload-type")
        else:
            self._streams.empty(leg, packet, arrival_tick)

    def _foreign(self, leg: Leg, data: bytes, source: bytes, arrival_tick: int) -> None:
        address = unpack_address(source)
        if address is None or not (address == leg.learned or self._may_learn(leg, address[0], arrival_tick)):
            leg.drop("foreign-source")
            return
        try:
            packet = RtpPacket.parse(data)
        except RtpError:
            leg.drop(_unreadable(data, "malformed"))
            return
        if self._legs.kind_of[leg.row, packet.payload_type] in (PayloadKind.UNKNOWN, PayloadKind.COMFORT_NOISE):
            leg.drop("payload-type")
            return
        if address != leg.learned:
            self._learn(leg, address)
        self._streams.new_ssrc(leg, data, arrival_tick)

    def _may_learn(self, leg: Leg, host: str, arrival_tick: int) -> bool:
        if leg.media is None or not any(same_host(host, trusted) for trusted in leg.media.trusted_hosts):
            return False
        if not self._legs.verified[leg.row]:
            return True
        quiet = arrival_tick - int(self._legs.heard[leg.row]) >= QUIET_TICKS
        return quiet and seconds(arrival_tick) < leg.learn_until

    def _learn(self, leg: Leg, address: tuple[str, int]) -> None:
        legs = self._legs
        rtcp = address if leg.media is not None and leg.media.rtcp_mux else (address[0], min(address[1] + 1, 65535))
        with legs.forwarder.held():
            legs.set_addresses(leg, address, rtcp)
            legs.table["has_ssrc_in"][leg.row] = 0
        leg.learned = address
        leg.candidate = None
        if address != leg.offered:
            self._emit(AddressLearned(leg_id=leg.leg_id, offered=leg.offered, learned=address))

    def _rtcp(self, leg: Leg, data: bytes, source: bytes, arrival_tick: int) -> None:
        address = unpack_address(source)
        known = [leg.learned, leg.offered, leg.media.remote_rtcp if leg.media else None]
        hosts = {host for host, _ in filter(None, known)} | set(leg.media.trusted_hosts if leg.media else ())
        if address is None or not any(same_host(address[0], host) for host in hosts):
            leg.drop("foreign-rtcp")
            return
        try:
            packets = parse_compound(data)
        except RtpError:
            leg.drop(_unreadable(data, "malformed-rtcp"))
            return
        self._legs.arrival[leg.row] = max(int(self._legs.arrival[leg.row]), arrival_tick)
        for packet in packets:
            if isinstance(packet, SenderReport) and packet.ssrc == int(self._legs.table["ssrc_in"][leg.row]):
                leg.peer_sr = (middle_bits(packet.ntp), seconds(arrival_tick))


def _unreadable(data: bytes, reason: str) -> str:
    """Why it was dropped: phones ask with STUN where they are, on the ports of their media; we do not answer."""
    return "stun" if data[:1] <= bytes([_STUN_FIRST_MOST]) and data[4:8] == _STUN_COOKIE else reason
