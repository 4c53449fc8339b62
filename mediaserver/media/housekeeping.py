"""What a leg wants done now and then, whether packets come or not: reports, and telling that it is quiet or silent."""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Final

import numpy as np

from mediaserver.media.config import EngineConfig
from mediaserver.media.legs import Leg, Legs
from mediaserver.media.messages import Event, LegQuiet, LegSilent
from mediaserver.media.streams import Streams
from mediaserver.media.timescale import TICK_HZ, nearest_tick, seconds, tick_at
from mediaserver.rtp.ntp import ntp_of_unix_ns
from mediaserver.rtp.rtcp import Bye, ReceiverReport, ReportBlock, RtcpPacket, SenderReport, named, print_compound

SILENT_S: Final = 5
"""LegSilent is told every so many seconds."""
LOOKS_AT_ONCE: Final = 64
"""Legs seen to in one step; more that fall due together come in the next ones."""
_MOST_LOST: Final = 0x7FFFFF


class Housekeeping:
    """All legs' deadlines."""

    def __init__(
        self,
        legs: Legs,
        streams: Streams,
        config: EngineConfig,
        emit: Callable[[Event], None],
        random_u32: Callable[[], int],
    ) -> None:
        self._legs = legs
        self._streams = streams
        self._config = config
        self._emit = emit
        self._random_u32 = random_u32
        self._soonest = inf
        """No deadline is before."""

    def begin(self, leg: Leg, now: float) -> None:
        """The leg's media was set (anew): count silence and quiet from now."""
        legs, row = self._legs, leg.row
        tick = tick_at(now)
        legs.arrival[row] = max(int(legs.arrival[row]), tick)
        if not legs.loud[row]:
            legs.loud[row] = tick
        leg.quiet_since = -1
        if self._config.rtcp_interval_s and not np.isfinite(legs.report_at[row]):
            legs.report_at[row] = now + self._interval() / 2
        self._plan(leg, now)

    def next_timer(self) -> float | None:
        """When the next leg wants something; never later than that."""
        return self._soonest if self._soonest < inf else None

    def look(self, now: float) -> None:
        """Do what is due."""
        if self._soonest > now:
            return
        top = self._legs.top
        for row in np.flatnonzero(self._legs.deadline[:top] <= now)[:LOOKS_AT_ONCE]:
            leg = self._legs.by_row.get(int(row))
            if leg is None or leg.closed or leg.media is None:
                self._legs.deadline[row] = np.inf
                continue
            self._look_at(leg, now)
            self._plan(leg, now)
        self._soonest = float(self._legs.deadline[:top].min(initial=inf))

    def event_began(self, leg: Leg) -> None:
        """A key is down on the leg: its end may have to be guessed."""
        due = leg.events.next_timer()
        if due is not None:
            self._legs.deadline[leg.row] = min(float(self._legs.deadline[leg.row]), due)
            self._soonest = min(self._soonest, due)

    def bye(self, leg: Leg, now: float) -> None:
        """Tell the peer that we leave (RFC 3550 6.6)."""
        if leg.media is not None and self._config.rtcp_interval_s:
            ssrc = int(self._legs.table["ssrc_out"][leg.row])
            self._send(leg, [*self._report(leg, now), Bye(ssrcs=(ssrc,))])

    def _look_at(self, leg: Leg, now: float) -> None:
        legs, row = self._legs, leg.row
        self._streams.event_timer(leg, now)
        if legs.report_at[row] <= now:
            self._send(leg, self._report(leg, now))
            legs.report_at[row] = now + self._interval()
        tick = tick_at(now)
        quiet_ticks = nearest_tick(self._config.media_timeout_s)
        receives = leg.media is not None and leg.media.receives
        arrival = int(legs.arrival[row])
        if tick - arrival >= quiet_ticks and receives and leg.quiet_since != arrival:
            leg.quiet_since = arrival
            self._emit(LegQuiet(leg_id=leg.leg_id, quiet_s=(tick - arrival) / TICK_HZ))
        loud = int(legs.loud[row])
        if loud != leg.silent_since:
            leg.silent_since, leg.silence_told = loud, 0
        told = (tick - loud) // (SILENT_S * TICK_HZ)
        if told > leg.silence_told:
            leg.silence_told = told
            self._emit(LegSilent(leg_id=leg.leg_id, silent_s=float(told * SILENT_S)))

    def _plan(self, leg: Leg, now: float) -> None:
        """The soonest of what may become due; packets only ever put quiet and silence off."""
        legs, row = self._legs, leg.row
        loud = int(legs.loud[row])
        periods = (tick_at(now) - loud) // (SILENT_S * TICK_HZ) + 1
        due = [float(legs.report_at[row]), seconds(loud + periods * SILENT_S * TICK_HZ)]
        if leg.quiet_since != int(legs.arrival[row]) and leg.media is not None and leg.media.receives:
            due.append(seconds(int(legs.arrival[row])) + self._config.media_timeout_s)
        pressed = leg.events.next_timer()
        if pressed is not None:
            due.append(pressed)
        legs.deadline[row] = soonest = max(min(due), now + 0.001)
        self._soonest = min(self._soonest, soonest)

    # --- RTCP -----------------------------------------------------------------------------------

    def _interval(self) -> float:
        """RFC 3550 6.3.1: half to one and a half times the mean, so that legs do not speak in chorus."""
        return self._config.rtcp_interval_s * (0.5 + self._random_u32() / 2**32)

    def _send(self, leg: Leg, packets: list[RtcpPacket]) -> None:
        if self._legs.can_send(leg.row) or self._legs.table["remote_rtcp_len"][leg.row]:
            self._legs.forwarder.send_rtcp(leg.row, print_compound(packets))

    def _report(self, leg: Leg, now: float) -> list[RtcpPacket]:
        record = self._legs.table[leg.row]
        ssrc = int(record["ssrc_out"])
        blocks = (self._block(leg, now),) if self._legs.anchored[leg.row] else ()
        name = named(ssrc, self._config.cname)
        sent, (one_before, before) = int(record["packets_sent"]), leg.sent_before
        leg.sent_before = before, sent
        if sent == one_before:  # nothing since the last report but one (RFC 3550 6.4)
            return [ReceiverReport(ssrc=ssrc, reports=blocks), name]
        now_ns = round(now * 1e9)
        since_ticks = (now_ns - int(record["sent_ns"])) * TICK_HZ // 1_000_000_000
        report = SenderReport(
            ssrc=ssrc,
            ntp=ntp_of_unix_ns(now_ns + self._config.unix_offset_ns),
            rtp_timestamp=(int(record["ts_out"]) + since_ticks) & 0xFFFFFFFF,
            packets=sent & 0xFFFFFFFF,
            octets=int(record["octets_sent"]) & 0xFFFFFFFF,
            reports=blocks,
        )
        return [report, name]

    def _block(self, leg: Leg, now: float) -> ReportBlock:
        legs, row = self._legs, leg.row
        highest = int(legs.sequence[row])
        expected = highest - int(legs.first_sequence[row]) + 1
        received = int(legs.unique[row])
        expected_before, received_before = leg.rtcp_before
        leg.rtcp_before = (expected, received)
        new, lost = expected - expected_before, (expected - expected_before) - (received - received_before)
        last_sr, since = (0, 0.0) if leg.peer_sr is None else (leg.peer_sr[0], now - leg.peer_sr[1])
        return ReportBlock(
            ssrc=int(legs.table["ssrc_in"][row]),
            fraction_lost=min(255, lost * 256 // new) if new > 0 and lost > 0 else 0,
            cumulative_lost=min(_MOST_LOST, max(0, expected - received)),
            highest_sequence=highest & 0xFFFFFFFF,
            jitter=int(legs.jitter[row]),
            last_sr=last_sr,
            delay_since_last_sr=max(0, min(0xFFFFFFFF, int(since * 65536))),
        )
