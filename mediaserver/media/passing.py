"""Passing on, in the forwarder's stead, the few packets that were accepted after it had seen them.

Two packets of a changed SSRC, and the first ones of a learned address: while the engine made up its mind the forwarder
kept them. They go on by the forwarder's own rules (``seam``), and never behind a packet it has passed meanwhile.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mediaserver.media.legs import Leg, Legs
from mediaserver.media.seam import NOT_PASSED, ticks_on
from mediaserver.media.timescale import NS_PER_TICK
from mediaserver.rtp.packet import RtpPacket
from mediaserver.rtp.sequence import TIMESTAMP_BITS, difference


class Passing:
    """For all legs of a worker."""

    def __init__(self, legs: Legs) -> None:
        self._legs = legs

    def on(self, leg: Leg, packet: RtpPacket, arrival_tick: int) -> None:
        """Send an accepted packet of ``leg`` to its route, if it has one and the stream there is not beyond it.

        The forwarder must be held.
        """
        record = self._legs.table[leg.row]
        payload_type, route = int(record["pt_out"][packet.payload_type]), int(record["route"])
        if payload_type >= NOT_PASSED or route < 0 or not self._legs.can_send(route):
            return
        to = self._legs.table[route]
        marker = packet.marker
        if not to["anchored"]:
            if not self._anchor(to, packet, arrival_tick):
                return
            marker = True
        sequence = (packet.sequence + int(to["seq_off"])) & 0xFFFF
        if not 0 < (sequence - int(to["seq_out"])) & 0xFFFF < 0x8000:
            return
        timestamp = (packet.timestamp + int(to["ts_off"])) & 0xFFFFFFFF
        self._send(route, packet, payload_type, sequence, timestamp, marker=marker)
        to["seq_out"], to["ts_out"] = sequence, timestamp
        to["sent_ns"] = max(int(to["sent_ns"]), arrival_tick * NS_PER_TICK)

    def _anchor(self, to: np.void, packet: RtpPacket, arrival_tick: int) -> bool:
        passed = arrival_tick - int(to["sent_ns"]) // NS_PER_TICK if to["sent_ns"] else 0
        own = difference(packet.timestamp + int(to["ts_off"]), int(to["ts_out"]), TIMESTAMP_BITS)
        ticks = ticks_on(own, passed, int(to["ptime_ticks"]))
        if ticks <= 0:
            return False
        to["ts_from"] = (int(to["ts_out"]) + ticks) & 0xFFFFFFFF
        to["seq_off"] = (int(to["seq_out"]) + 1 - packet.sequence) & 0xFFFF
        to["ts_off"] = (int(to["ts_from"]) - packet.timestamp) & 0xFFFFFFFF
        to["anchored"] = 1
        return True

    def _send(
        self, route: int, packet: RtpPacket, payload_type: int, sequence: int, timestamp: int, *, marker: bool
    ) -> None:
        data = bytes(
            replace(
                packet,
                payload_type=payload_type,
                sequence=sequence,
                timestamp=timestamp,
                ssrc=int(self._legs.ssrc_out[route]),
                marker=marker,
            )
        )
        frame = np.frombuffer(data, np.uint8)[None, :]
        self._legs.forwarder.send(frame, np.array([len(data)], np.int32), np.array([route], np.int32))
