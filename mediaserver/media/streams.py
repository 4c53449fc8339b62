"""One packet at a time, correctly: everything the bulk path of ``intake`` leaves over.

New SSRCs, doubtful timestamps, odd lengths, G.722, header extensions, comfort noise and telephone-events.

A stream is anchored once, by the arrival of its first packet: place = unwrapped timestamp + offset. Jitter never
moves it. Sender reports are not used to anchor: they relate a phone's RTP clock to that phone's own wall clock,
which no other phone need share, while all arrivals are told by one clock. Three things move an anchor: a new SSRC
(two packets in a row, RFC 3550 A.1, unless it is the first); a run of RUN packets that all disagree with their
arrival by the same time (a sender whose clock stood still in a hold, or jumped); and drift (``clocks``).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from callmodel.modes import SteeringChannel
from mediaserver.media.arrays import Pcm
from mediaserver.media.g711 import decoded
from mediaserver.media.g722 import DELAY_SAMPLES, G722Decoder
from mediaserver.media.legs import CODEC_OF_KIND, NEVER, SEEN, Doubt, Held, Leg, Legs, PayloadKind
from mediaserver.media.messages import Codec, Digit, Event, FirstPacket
from mediaserver.media.passing import Passing
from mediaserver.media.timeline import PAD, SPAN, Timeline
from mediaserver.media.timescale import FRAME_TICKS, TICK_HZ, seconds
from mediaserver.media.tones import power_of
from mediaserver.rtp.errors import RtpError
from mediaserver.rtp.event_receiver import KeyPress
from mediaserver.rtp.packet import RtpPacket
from mediaserver.rtp.sequence import SEQUENCE_BITS, TIMESTAMP_BITS, nearest

DOUBT_TICKS: Final = TICK_HZ // 10
"""A packet whose arrival is further than this from its place is looked at one by one."""
RUN: Final = 5
"""Doubtful packets in a row, all off by the same time, that move the anchor."""
RUN_SPREAD_TICKS: Final = FRAME_TICKS

MOST_DELAY_TICKS: Final = 6 * FRAME_TICKS
"""The jitter buffer grows no longer than 120 ms."""

SILENCE_POWER: Final = power_of(-50.0)
"""Below -50 dBm0 a leg is silent."""

STILL_TICKS: Final = 3 * FRAME_TICKS
"""Silence before and at a packet at which a correction may be made: nothing loud is overwritten."""

G722_DELAY_TICKS: Final = DELAY_SAMPLES // 2

OnShift = Callable[[int, int, int], None]
"""Row, tick at which it takes effect, ticks by which later packets lie later."""


class Streams:
    """The slow path of all legs."""

    def __init__(self, legs: Legs, timeline: Timeline, emit: Callable[[Event], None], on_shift: OnShift) -> None:
        self._legs = legs
        self._timeline = timeline
        self._emit = emit
        self._on_shift = on_shift
        self._passing = Passing(legs)

    # --- which stream ------------------------------------------------------------------------

    def first(self, leg: Leg, data: bytes, arrival_tick: int) -> None:
        """The packet whose SSRC the forwarder took for the leg's; it has gone on, if it was to."""
        packet = _parsed(leg, data)
        if packet is not None:
            self._begin(leg, packet, arrival_tick)
            self.packet(leg, data, arrival_tick)

    def new_ssrc(self, leg: Leg, data: bytes, arrival_tick: int) -> None:
        """A packet from the right address that the forwarder did not pass on: its SSRC is not, or was not yet, the
        leg's. Once it is accepted it is passed on here, ahead of those that the forwarder passes then."""
        packet = _parsed(leg, data)
        if packet is None:
            return
        record = self._legs.table[leg.row]
        held = leg.candidate
        if record["has_ssrc_in"] and int(record["ssrc_in"]) == packet.ssrc:
            with self._legs.forwarder.held():
                self._passing.on(leg, packet, arrival_tick)
        elif not record["has_ssrc_in"] or not self._legs.anchored[leg.row]:
            self._accept(leg, [(packet, arrival_tick)])
        elif held is not None and held.ssrc == packet.ssrc and (packet.sequence - held.sequence) & 0xFFFF == 1:
            self._accept(leg, [(RtpPacket.parse(held.data), held.arrival_tick), (packet, arrival_tick)])
            self.packet(leg, held.data, held.arrival_tick)
        else:
            if held is not None:
                leg.drop("ssrc")
            leg.candidate = Held(ssrc=packet.ssrc, sequence=packet.sequence, data=data, arrival_tick=arrival_tick)
            return
        leg.candidate = None
        self.packet(leg, data, arrival_tick)

    def _accept(self, leg: Leg, packets: list[tuple[RtpPacket, int]]) -> None:
        """From now on the SSRC of these (each with its arrival) is the leg's; the stream towards its peer goes on
        without a seam."""
        legs = self._legs
        record = legs.table[leg.row]
        with legs.forwarder.held():
            record["ssrc_in"], record["has_ssrc_in"] = packets[0][0].ssrc, 1
            target = int(record["route"])
            if target >= 0:
                legs.table["anchored"][target] = 0
            for packet, arrival_tick in packets:
                self._passing.on(leg, packet, arrival_tick)
        self._begin(leg, *packets[0])

    def _begin(self, leg: Leg, packet: RtpPacket, arrival_tick: int) -> None:
        for press in leg.events.flush(seconds(arrival_tick)):
            self._tell(leg, press)
        leg.candidate = None
        self._anchor(leg, packet.sequence, packet.timestamp, arrival_tick)

    def _anchor(self, leg: Leg, sequence: int, timestamp: int, arrival_tick: int) -> None:
        legs, row = self._legs, leg.row
        legs.lost_before[row] = legs.lost(row)
        legs.anchored[row] = True
        legs.offset[row] = arrival_tick - timestamp
        legs.timestamp[row] = timestamp
        legs.sequence[row] = sequence - 1
        legs.first_sequence[row] = sequence
        legs.unique[row] = 0
        legs.seen[row] = -NEVER
        legs.transit[row] = 0
        legs.transit_min[row], legs.transit_max[row] = NEVER, -NEVER
        legs.based[row] = False
        legs.window_from[row] = legs.received[row]
        legs.correction[row] = 0
        legs.generation[row] += 1
        leg.doubtful.clear()
        legs.in_doubt[row] = False
        leg.decoder = None
        leg.rtcp_before, leg.peer_sr = (0, 0), None

    # --- one packet ---------------------------------------------------------------------------

    def packet(self, leg: Leg, data: bytes, arrival_tick: int) -> None:
        """A packet of the leg's own stream."""
        packet = _parsed(leg, data)
        if packet is None:
            return
        legs, row = self._legs, leg.row
        if not legs.anchored[row]:
            self._anchor(leg, packet.sequence, packet.timestamp, arrival_tick)
        kind = PayloadKind(int(legs.kind_of[row, packet.payload_type]))
        if kind is PayloadKind.UNKNOWN:
            leg.drop("payload-type")
            return
        self.verify(leg, arrival_tick)
        legs.arrival[row] = max(legs.arrival[row], arrival_tick)
        legs.received[row] += 1
        sequence = nearest(packet.sequence, int(legs.sequence[row]), SEQUENCE_BITS)
        timestamp = nearest(packet.timestamp, int(legs.timestamp[row]), TIMESTAMP_BITS)
        copy = bool(legs.seen[row, sequence % SEEN] == sequence)
        if kind is PayloadKind.EVENT:
            self._remember(row, sequence, timestamp + int(legs.offset[row]), 0)
            self._event(leg, packet, timestamp, arrival_tick)
        elif kind is PayloadKind.COMFORT_NOISE:
            self._remember(row, sequence, timestamp + int(legs.offset[row]), 0)
        elif not packet.payload:
            self.empty(leg, packet, arrival_tick)
        elif not copy:
            legs.sending_changed = legs.sending_changed or int(legs.sending[row]) != kind
            legs.sending[row] = kind
            self._audio(leg, CODEC_OF_KIND[kind], packet.payload, sequence, timestamp, arrival_tick)

    def empty(self, leg: Leg, packet: RtpPacket, arrival_tick: int) -> None:
        """A packet with nothing in it, of any payload type, which keeps a path open: it came, so it is not lost."""
        legs, row = self._legs, leg.row
        if legs.anchored[row]:
            legs.arrival[row] = max(legs.arrival[row], arrival_tick)
            sequence = nearest(packet.sequence, int(legs.sequence[row]), SEQUENCE_BITS)
            self._remember(row, sequence, int(legs.timestamp[row] + legs.offset[row]), 0)

    def verify(self, leg: Leg, arrival_tick: int) -> None:
        """Tell the first valid packet since the media was set."""
        if not self._legs.verified[leg.row]:
            self._legs.verified[leg.row] = True
            self._legs.table["latched"][leg.row] = 1
            self._emit(FirstPacket(leg_id=leg.leg_id, at=seconds(arrival_tick)))

    def _remember(self, row: int, sequence: int, tick: int, ticks: int) -> None:
        legs = self._legs
        at = sequence % SEEN
        if legs.seen[row, at] != sequence:
            legs.unique[row] += 1
        legs.seen[row, at], legs.seen_tick[row, at], legs.seen_ticks[row, at] = sequence, tick, ticks
        legs.sequence[row] = max(int(legs.sequence[row]), sequence)
        legs.first_sequence[row] = min(int(legs.first_sequence[row]), sequence)

    def _audio(self, leg: Leg, codec: Codec, payload: bytes, sequence: int, timestamp: int, arrival_tick: int) -> None:
        legs, row = self._legs, leg.row
        ticks = len(payload)  # 8 bits a tick for all three codecs
        if ticks > PAD:
            leg.drop("length")
            return
        samples = self._decode(leg, codec, payload)
        tick = timestamp + int(legs.offset[row])
        transit = arrival_tick - tick
        self._remember(row, sequence, tick, ticks)
        legs.timestamp[row] = max(int(legs.timestamp[row]), timestamp)
        if abs(transit) > DOUBT_TICKS:
            leg.doubtful.append(
                Doubt(
                    sequence=sequence,
                    timestamp=timestamp,
                    arrival_tick=arrival_tick,
                    transit=transit,
                    samples=samples,
                    ticks=ticks,
                )
            )
            legs.in_doubt[row] = True
            if self._settle(leg):
                return
        else:
            leg.doubtful.clear()
            legs.in_doubt[row] = False
            self._measure(row, transit)
            still = arrival_tick - int(legs.loud[row]) >= STILL_TICKS
            if legs.correction[row] and still and _power(samples) < SILENCE_POWER:
                self.correct(row, tick)
                tick = timestamp + int(legs.offset[row])
        legs.heard[row] = max(int(legs.heard[row]), arrival_tick)
        if _power(samples) >= SILENCE_POWER:
            legs.loud[row] = max(int(legs.loud[row]), arrival_tick)
        self._place(leg, tick, samples, ticks)

    def _measure(self, row: int, transit: int) -> None:
        legs = self._legs
        legs.jitter[row] += (abs(transit - int(legs.transit[row])) - legs.jitter[row]) / 16
        legs.transit[row] = transit
        legs.transit_min[row] = min(int(legs.transit_min[row]), transit)
        legs.transit_max[row] = max(int(legs.transit_max[row]), transit)
        legs.play_delay[row] = max(int(legs.play_delay[row]), delay_for(transit))

    def _decode(self, leg: Leg, codec: Codec, payload: bytes) -> Pcm:
        if codec is not Codec.G722:
            return decoded(codec, payload)
        if leg.decoder is None:
            leg.decoder = G722Decoder()
        return leg.decoder.decode(payload)

    def _place(self, leg: Leg, tick: int, samples: Pcm, ticks: int) -> None:
        horizon = self._timeline.horizon
        tick -= _said_before(samples, ticks)
        if not horizon - SPAN + PAD <= tick <= horizon - ticks:
            leg.drop("out-of-window")
        elif samples.size == 2 * ticks:
            self._timeline.put_wide(leg.row, tick, samples)
        else:
            self._timeline.put(leg.row, tick, samples)

    # --- moving an anchor -----------------------------------------------------------------------

    def _settle(self, leg: Leg) -> bool:
        """Move the anchor when the run agrees with itself; its packets are put where they belong now."""
        run = leg.doubtful[-RUN:]
        del leg.doubtful[:-RUN]
        transits = [doubt.transit for doubt in run]
        if len(run) < RUN or max(transits) - min(transits) > RUN_SPREAD_TICKS:
            return False
        legs, row = self._legs, leg.row
        shift = min(transits)
        before = int(legs.offset[row])
        for doubt in run[:-1]:
            early = _said_before(doubt.samples, doubt.ticks)
            self._timeline.silence(row, doubt.timestamp + before - early, doubt.ticks)
        legs.offset[row] += shift
        legs.timestamp[row] = run[-1].timestamp
        leg.doubtful.clear()
        legs.in_doubt[row] = False
        for doubt in run:
            tick = doubt.timestamp + before + shift
            self._remember(row, doubt.sequence, tick, doubt.ticks)
            self._place(leg, tick, doubt.samples, doubt.ticks)
        legs.heard[row] = run[-1].arrival_tick
        legs.based[row] = False
        legs.transit_min[row], legs.transit_max[row] = NEVER, -NEVER
        self._on_shift(row, run[0].timestamp + before + shift, shift)
        return True

    def correct(self, row: int, tick: int) -> None:
        """Carry out a drift correction before the packet at ``tick``."""
        legs = self._legs
        shift = int(legs.correction[row])
        legs.correction[row] = 0
        legs.offset[row] += shift
        legs.transit[row] -= shift  # our doing is no jitter
        legs.transit_min[row], legs.transit_max[row] = NEVER, -NEVER
        legs.window_from[row] = legs.received[row]
        self._on_shift(row, tick + min(shift, 0), shift)

    # --- telephone-events ------------------------------------------------------------------------

    def _event(self, leg: Leg, packet: RtpPacket, timestamp: int, arrival_tick: int) -> None:
        start = timestamp + int(self._legs.offset[leg.row])
        presses = leg.events.receive(
            timestamp=packet.timestamp,
            payload=packet.payload,
            now=seconds(arrival_tick),
            marker=packet.marker,
            ssrc=packet.ssrc,
        )
        if leg.events.pressed is not None:
            # the key is down: audio sent beside the event may hold its tone until the end is told
            leg.masked[start] = max(leg.masked.get(start, 0), arrival_tick + 2 * FRAME_TICKS)
        for press in presses:
            began = nearest(press.timestamp, timestamp, TIMESTAMP_BITS) + int(self._legs.offset[leg.row])
            leg.masked[began] = began + press.duration_ticks
            self._tell(leg, press)

    def event_timer(self, leg: Leg, now: float) -> None:
        """Close presses whose end never came."""
        for press in leg.events.handle_timer(now):
            self._tell(leg, press)

    def _tell(self, leg: Leg, press: KeyPress) -> None:
        if press.digit is not None:
            self._emit(
                Digit(
                    leg_id=leg.leg_id,
                    digit=press.digit,
                    channel=SteeringChannel.RFC4733,
                    at=press.closed_at,
                    duration_ms=round(press.duration_ticks / 8),
                )
            )


def delay_for(transit: int) -> int:
    """Jitter buffer, ticks, that still plays a frame that came ``transit`` ticks late."""
    return max(2 * FRAME_TICKS, min(MOST_DELAY_TICKS, FRAME_TICKS * (1 - -transit // FRAME_TICKS)))


def _said_before(samples: Pcm, ticks: int) -> int:
    """How far before its packet's timestamp the first sample was said: G.722 (16 kHz) comes out of its filters late."""
    return G722_DELAY_TICKS if samples.size == 2 * ticks else 0


def _parsed(leg: Leg, data: bytes) -> RtpPacket | None:
    try:
        return RtpPacket.parse(data)
    except RtpError:
        leg.drop("malformed")
        return None


def _power(samples: Pcm) -> float:
    wide = samples.astype("f8")
    return float(wide @ wide) / samples.size
