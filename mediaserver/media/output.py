"""The stream towards each leg that the engine composes itself: sequence numbers, timestamps, markers, encoders.

While the forwarder passes packets to a leg it owns the leg's ``out`` fields; while the engine mixes for it, no leg is
routed to it and they are ours. The first frame after a change goes on by one in sequence and by the time
that passed, in whole frames, in timestamp, with the marker bit.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from struct import Struct
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mediaserver.media.arrays import Bytes, Flags, Ints, Pcm
from mediaserver.media.g711 import encoded
from mediaserver.media.g722 import G722Encoder
from mediaserver.media.legs import Leg, Legs
from mediaserver.media.messages import Codec
from mediaserver.media.seam import ROW_BYTES
from mediaserver.media.timescale import FRAME_TICKS, NS_PER_TICK
from mediaserver.rtp.event_sender import EventFrame
from mediaserver.rtp.packet import HEADER_BYTES, RtpPacket

NOT_OURS: Final = -1
"""``sent_tick`` of a leg whose last packet was not the engine's."""
_FRAME_BYTES: Final = HEADER_BYTES + FRAME_TICKS
_HEAD: Final = Struct(">BHII")
"""All but the first byte, which never changes: payload type with marker, sequence, timestamp, SSRC."""


@dataclass(slots=True, kw_only=True)
class Packetizer:
    """A leg whose packets are not 20 ms of G.711: samples gather until a packet is full."""

    pending: Pcm = field(default_factory=lambda: np.zeros(0, np.int16))
    first_tick: int
    """Of the first pending sample, or of the next that a packet may begin with: packets lie a packet time apart."""
    begins: bool = False
    """The next packet is the first after a pause."""
    encoder: G722Encoder | None = None


class Output:
    """Composed streams of all legs."""

    def __init__(self, legs: Legs) -> None:
        self._legs = legs
        n = legs.capacity
        self._sent_tick = np.full(n, NOT_OURS, np.int64)
        self._base = np.zeros(n, np.int64)
        """Timestamp less tick."""
        self._apart_ns = np.zeros(n, np.int64)
        """Instant that a frame's timestamp stands for (``sent_ns``) less the frame's own."""
        self.payload_type = np.zeros(n, np.uint8)
        self.a_law = np.zeros(n, np.bool_)
        self._packetizers: dict[int, Packetizer] = {}
        self._frames = np.zeros((n, _FRAME_BYTES), np.uint8)
        self._frames[:, 0] = 0x80
        self._heads = self._frames.reshape(-1).data
        self._lengths = np.full(n, _FRAME_BYTES, np.int32)

    def configure(self, leg: Leg) -> None:
        """The leg's codec or payload type is settled anew."""
        if leg.media is not None:
            self.payload_type[leg.row] = leg.media.payload_type
            self.a_law[leg.row] = leg.media.codec is Codec.PCMA
        self._packetizers.pop(leg.row, None)

    def begin(self, row: int) -> None:
        """The engine composes from now on."""
        self._sent_tick[row] = NOT_OURS
        self._packetizers.pop(row, None)

    def timestamps(self, rows: Ints, tick: int) -> Ints:
        """Timestamps of the frame at ``tick``; rows that were not ours are joined on to what the forwarder sent.

        By whole packets, and by the forwarder's clock: frames that follow a packet too closely do not push the stream
        ahead, since what is passed on after them is counted from that packet too.
        """
        fresh = rows[self._sent_tick[rows] == NOT_OURS]
        if fresh.size:
            sent_ns = self._legs.sent_ns[fresh]
            whole = self._legs.ptime_ticks[fresh].astype(np.int64)
            passed = np.where(sent_ns > 0, tick - sent_ns // NS_PER_TICK, whole)
            ahead = np.maximum((passed + whole // 2) // whole, 1) * whole
            self._base[fresh] = self._legs.ts_out[fresh].astype(np.int64) + ahead - tick
            self._apart_ns[fresh] = np.where(sent_ns > 0, sent_ns + (ahead - tick) * NS_PER_TICK, 0)
        return (self._base[rows] + tick) & 0xFFFFFFFF

    def send_frames(self, rows: Ints, tick: int, samples: Pcm) -> None:
        """One 20 ms G.711 frame to each of ``rows``."""
        n = rows.size
        timestamps = self.timestamps(rows, tick)
        legs = self._legs
        sequences = legs.seq_out[rows] + np.uint16(1)
        out = self._frames[:n]
        marked = self._sent_tick[rows] != tick - FRAME_TICKS
        out[:, 1] = self.payload_type[rows] | (marked.astype(np.uint8) << 7)
        out[:, 2:4] = _big_endian(sequences, ">u2")
        out[:, 4:8] = _big_endian(timestamps, ">u4")
        out[:, 8:12] = _big_endian(legs.ssrc_out[rows], ">u4")
        out[:, HEADER_BYTES:] = self._encoded(self.a_law[rows], samples)
        legs.seq_out[rows] = sequences
        legs.ts_out[rows] = timestamps
        legs.sent_ns[rows] = tick * NS_PER_TICK + self._apart_ns[rows]
        self._sent_tick[rows] = tick
        self._legs.forwarder.send(out, self._lengths[:n], rows.astype(np.int32))

    def send_few(self, rows: list[int], tick: int, samples: list[Pcm]) -> None:
        """``send_frames`` for a handful, one by one."""
        legs = self._legs
        for at, row in enumerate(rows):
            sent = int(self._sent_tick[row])
            timestamp = self._timestamp(row, tick)
            sequence = (int(legs.seq_out[row]) + 1) & 0xFFFF
            marker = 0 if sent == tick - FRAME_TICKS else 0x80
            second = int(self.payload_type[row]) | marker
            _HEAD.pack_into(self._heads, at * _FRAME_BYTES + 1, second, sequence, timestamp, int(legs.ssrc_out[row]))
            codec = Codec.PCMA if self.a_law[row] else Codec.PCMU
            self._frames[at, HEADER_BYTES:] = encoded(codec, samples[at])
            legs.seq_out[row] = sequence
            legs.ts_out[row] = timestamp
            legs.sent_ns[row] = tick * NS_PER_TICK + int(self._apart_ns[row])
            self._sent_tick[row] = tick
        n = len(rows)
        legs.forwarder.send(self._frames[:n], self._lengths[:n], np.array(rows, np.int32))

    def _timestamp(self, row: int, tick: int) -> int:
        """``timestamps`` of one row."""
        if self._sent_tick[row] == NOT_OURS:
            self.timestamps(np.array([row]), tick)
        return (int(self._base[row]) + tick) & 0xFFFFFFFF

    def send_odd(self, leg: Leg, tick: int, samples: Pcm, events: EventFrame) -> None:
        """One frame to a leg with another codec, packet time, or a key press under way (``samples`` at its rate)."""
        row = leg.row
        packetizer = self._packetizers.setdefault(row, Packetizer(first_tick=tick))
        media = leg.media
        if media is None:
            return
        ticks, per_tick = media.ptime_ms * 8, media.codec.sample_rate_hz // 8000
        self._timestamp(row, tick)
        if self._sent_tick[row] != tick - FRAME_TICKS:
            packetizer.pending, packetizer.begins = packetizer.pending[:0], True
        self._sent_tick[row] = tick
        for packet in events.packets:
            self._send_one(row, media.telephone_event_send or 0, packet.timestamp, packet.payload, packet.marker)
        if events.replaces_audio:
            packetizer.pending = packetizer.pending[:0]
            self._reached(row, tick)
            return
        if not packetizer.pending.size:
            early = (packetizer.first_tick - tick) % ticks
            packetizer.first_tick = tick + early
            samples = samples[early * per_tick :]
        packetizer.pending = np.concatenate([packetizer.pending, samples])
        while packetizer.pending.size >= ticks * per_tick:
            chunk, packetizer.pending = np.split(packetizer.pending, [ticks * per_tick])
            at = self._reached(row, packetizer.first_tick)
            payload = self._payload(packetizer, media.codec, chunk)
            self._send_one(row, media.payload_type, at, payload, packetizer.begins)
            packetizer.first_tick += ticks
            packetizer.begins = False

    def _reached(self, row: int, tick: int) -> int:
        """The newest timestamp of the stream is that of ``tick`` now; returns it."""
        timestamp = (int(self._base[row]) + tick) & 0xFFFFFFFF
        self._legs.ts_out[row] = timestamp
        self._legs.sent_ns[row] = tick * NS_PER_TICK + int(self._apart_ns[row])
        return timestamp

    def _payload(self, packetizer: Packetizer, codec: Codec, samples: Pcm) -> bytes:
        if codec is not Codec.G722:
            return encoded(codec, samples).tobytes()
        if packetizer.encoder is None:
            packetizer.encoder = G722Encoder()
        return packetizer.encoder.encode(samples)

    def _send_one(self, row: int, payload_type: int, timestamp: int, payload: bytes, marker: bool) -> None:
        record = self._legs.table[row]
        sequence = (int(record["seq_out"]) + 1) & 0xFFFF
        data = bytes(
            RtpPacket(
                payload_type=payload_type,
                sequence=sequence,
                timestamp=timestamp,
                ssrc=int(record["ssrc_out"]),
                payload=payload,
                marker=marker,
            )
        )
        frame = np.zeros((1, ROW_BYTES), np.uint8)
        frame[0, : len(data)] = np.frombuffer(data, np.uint8)
        record["seq_out"] = sequence
        self._legs.forwarder.send(frame, np.array([len(data)], np.int32), np.array([row], np.int32))

    def _encoded(self, a_law: Flags, samples: Pcm) -> Bytes:
        if not a_law.any():
            return encoded(Codec.PCMU, samples)
        if a_law.all():
            return encoded(Codec.PCMA, samples)
        out = encoded(Codec.PCMU, samples)
        out[a_law] = encoded(Codec.PCMA, samples[a_law])
        return out


def _big_endian(values: NDArray[np.integer[Any]], kind: str) -> Bytes:
    """(n, 2 or 4) bytes of the values."""
    return values.astype(kind).view(np.uint8).reshape(values.size, -1)
