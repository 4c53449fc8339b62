"""Who hears whom, and how: passed on by the forwarder, or composed here frame by frame.

Per direction. A direction is composed while the target hears something of ours (announcement, tone, digits), while its
gain is not back at one, and always when its two sides differ in codec or packet time or one has no phone behind
it. Otherwise the forwarder passes packets on as they come, and this room has nothing to do.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mediaserver.media.arrays import Flags, Ints, Pcm
from mediaserver.media.injector import Injector
from mediaserver.media.legs import KIND_OF_CODEC, Leg, Legs
from mediaserver.media.messages import Codec
from mediaserver.media.output import Output
from mediaserver.media.taps import Taps
from mediaserver.media.timeline import Timeline
from mediaserver.media.timescale import FRAME_TICKS, TICK_HZ
from mediaserver.rtp.event_sender import EventFrame

NOBODY: Final = -1
STILL_TALKING_TICKS: Final = TICK_HZ // 5
"""A direction that only transcodes goes quiet this long after its source did."""

SPOKEN_TICKS: Final = TICK_HZ // 2
"""A leg not heard for this long has nothing left in its jitter buffer. (Less than the time line is ahead.)"""

FEW_ROWS: Final = 6
"""Up to so many rows are composed one by one."""

_RAMP: Final = ((np.arange(FRAME_TICKS, dtype=np.float32) + 1) / FRAME_TICKS)[None, :]
_RAMP_16K: Final = (np.arange(2 * FRAME_TICKS, dtype=np.float32) + 1) / (2 * FRAME_TICKS)
_NO_EVENTS: Final = EventFrame()


class Mixer:
    """Directions of all calls of a worker."""

    def __init__(self, legs: Legs, timeline: Timeline, injector: Injector, output: Output, taps: Taps) -> None:
        self._legs = legs
        self._timeline = timeline
        self._injector = injector
        self._output = output
        self._taps = taps
        n = legs.capacity
        self.peer = np.full(n, NOBODY, np.int64)
        """Whom a leg hears (and who hears it)."""
        self._gain = np.ones(n, np.float32)
        self._composed = np.zeros(n, np.bool_)
        self._odd = np.zeros(n, np.bool_)
        self._always = np.zeros(n, np.bool_)
        """Composed for as long as the two sides are what they are."""
        self._settling = False
        """A gain has changed in the last frame: it may be back at one."""
        self._expected = np.zeros(n, np.uint8)
        """PayloadKind that may be passed on from a leg; 0 while nothing may."""
        self._may = np.zeros(n, np.bool_)
        """What the leg sends was of that kind when it was last looked at."""
        self._called_for: set[int] = set()
        """Rows to look at before the next frame: they have keys to send, or have sent the last."""
        self._usual_rows: Ints = np.zeros(0, np.int64)
        self._odd_rows: list[int] = []

    @property
    def active(self) -> bool:
        """Whether frames must be composed."""
        return bool(self._usual_rows.size or self._odd_rows or self._called_for)

    def bridge(self, one: Leg, other: Leg, tick: int) -> None:
        """Let two legs hear each other."""
        for leg, peer in ((one, other), (other, one)):
            if self.peer[leg.row] not in (NOBODY, peer.row):
                self.part(leg, tick)
            self.peer[leg.row] = peer.row
        for leg, peer in ((one, other), (other, one)):
            self._legs.set_payloads(leg, peer)
            self.refresh(leg.row, tick)

    def part(self, leg: Leg, tick: int) -> None:
        """A leg, and whoever heard it, hear nobody."""
        other = int(self.peer[leg.row])
        for row in (leg.row, other):
            if row == NOBODY:
                continue
            self._legs.table["route"][row] = NOBODY
            self._expected[row], self._may[row] = 0, False
            self.peer[row] = NOBODY
        for row in (leg.row, other):
            if row in self._legs.by_row:
                self._taps.route(row, NOBODY, tick)
                self.refresh(row, tick)

    def settle(self, leg: Leg, tick: int) -> None:
        """A leg's media is settled anew: what may be passed, and how, may have changed both ways."""
        self._output.configure(leg)
        peer = self._legs.by_row.get(int(self.peer[leg.row]))
        self._legs.set_payloads(leg, peer)
        self._legs.table["anchored"][leg.row] = 0
        if peer is not None:
            self._legs.set_payloads(peer, leg)
            self._legs.table["anchored"][peer.row] = 0
            self.refresh(peer.row, tick)
        self.refresh(leg.row, tick)

    def forget(self, row: int) -> None:
        """A row is given up."""
        self._composed[row] = self._odd[row] = False
        self._gain[row] = 1.0
        self._rebuild()

    # --- pass or compose ------------------------------------------------------------------------

    def call_for(self, row: int) -> None:
        """The leg has keys to send: from the next frame on."""
        self._called_for.add(row)

    def refresh(self, row: int, tick: int) -> None:
        """Choose how the leg in ``row`` is served, and switch when that changed."""
        leg = self._legs.by_row[row]
        source = self._legs.by_row.get(int(self.peer[row]))
        passed = source is not None and self._look_at(source, leg)
        busy = bool(self._injector.hears[row]) or float(self._gain[row]) != 1.0
        busy = busy or (leg.digits_out is not None and not leg.digits_out.idle)
        compose = leg.source is None and leg.media is not None and (busy or (source is not None and not passed))
        odd = compose and (leg.codec is Codec.G722 or leg.ptime_ms != 20 or leg.digits_out is not None)
        self._always[row] = compose and source is not None and not passed
        if source is not None:
            self._route(source, leg, tick, passed=passed and not compose)
        if compose and not self._composed[row]:
            self._output.begin(row)
        if compose != self._composed[row] or odd != self._odd[row]:
            self._composed[row], self._odd[row] = compose, odd
            self._rebuild()

    def _look_at(self, source: Leg, target: Leg) -> bool:
        """Whether what the source sends now may be passed on to the target; noted, to tell when that changes."""
        one, other = source.media, target.media
        same = one is not None and other is not None and (one.codec, one.ptime_ms) == (other.codec, other.ptime_ms)
        expected = int(KIND_OF_CODEC[target.codec]) if same else 0
        may = same and int(self._legs.sending[source.row]) in (0, expected)
        self._expected[source.row], self._may[source.row] = expected, may
        return may

    def _route(self, source: Leg, target: Leg, tick: int, *, passed: bool) -> None:
        table = self._legs.table
        route = target.row if passed else NOBODY
        if int(table["route"][source.row]) != route:
            with self._legs.forwarder.held():
                if passed:
                    table["anchored"][target.row] = 0
                table["route"][source.row] = route
            self._taps.route(target.row, source.row if passed else NOBODY, tick)

    def _rebuild(self) -> None:
        self._usual_rows = np.flatnonzero(self._composed & ~self._odd)
        self._odd_rows = [int(row) for row in np.flatnonzero(self._composed & self._odd)]

    # --- one frame -------------------------------------------------------------------------------

    def review(self, tick: int) -> None:
        """Before a frame: switch directions whose need has begun or ended."""
        legs, top = self._legs, self._legs.top
        if not (self._injector.changed or legs.sending_changed or self._settling or self._called_for):
            return
        self._injector.changed = legs.sending_changed = self._settling = False
        hears = self._injector.hears[:top]
        changed = hears & ~self._composed[:top]
        changed |= self._composed[:top] & ~self._always[:top] & ~hears & (self._gain[:top] == 1.0)
        expected, sending = self._expected[:top], legs.sending[:top]
        changed |= self._may[:top] != ((expected != 0) & ((sending == expected) | (sending == 0)))
        rows = self._called_for.union(np.flatnonzero(changed).tolist())
        self._called_for.clear()
        for row in sorted(rows):
            for affected in (row, int(self.peer[row])):
                if affected in legs.by_row:
                    self.refresh(affected, tick)

    def frame(self, tick: int) -> None:
        """Compose and send the frame that begins at ``tick``."""
        rows = self._usual_rows
        if 0 < rows.size <= FEW_ROWS:
            self._few(rows, tick)
        elif rows.size:
            self._usual(rows, tick)
        for row in list(self._odd_rows):
            self._odd_frame(self._legs.by_row[row], tick)

    def _few(self, rows: Ints, tick: int) -> None:
        """The same as ``_usual`` bit for bit, one row after the other: for so few, arrays cost more than they save."""
        legs = self._legs
        ready: list[int] = []
        samples: list[Pcm] = []
        for row in rows.tolist():
            peer = int(self.peer[row])
            ago = tick - int(legs.heard[peer]) if peer >= 0 else SPOKEN_TICKS
            frame = self._single(row, peer, tick, spoke=ago < SPOKEN_TICKS)
            self._taps.sent_one(row, tick, frame)
            if (self._injector.hears[row] or ago < STILL_TALKING_TICKS) and legs.can_send(row):
                ready.append(row)
                samples.append(frame)
        if ready:
            self._output.send_few(ready, tick, samples)

    def _single(self, row: int, peer: int, tick: int, *, spoke: bool) -> Pcm:
        gain, wanted = self._gain[row], self._injector.speech_gain[row]
        if spoke:
            speech = self._timeline.frame(peer, tick - int(self._legs.play_delay[peer]))
            if gain == 1.0 and wanted == 1.0 and not self._injector.hears[row]:
                return speech
            mixed = speech * (gain + (wanted - gain) * _RAMP[0])
            mixed += self._injector.frame_of(row, tick)
            frame = _clipped(mixed)
        else:
            frame = self._injector.frame_of(row, tick)
        if gain != wanted:
            self._gain[row] = wanted
            self._settling = True
        return frame

    def _usual(self, rows: Ints, tick: int) -> None:
        legs = self._legs
        peers = self.peer[rows]
        sources = np.maximum(peers, 0)
        hears = self._injector.hears[rows]
        gain, wanted = self._gain[rows], self._injector.speech_gain[rows]
        mixing = bool(hears.any()) or bool((gain != 1.0).any()) or bool((wanted != 1.0).any())
        lately = tick - legs.heard[sources] < SPOKEN_TICKS
        lately &= peers >= 0
        if not lately.any():
            samples = self._injector.frames(rows, tick)
        else:
            samples = self._timeline.frames(sources, tick - legs.play_delay[sources])
            samples[~lately] = 0
            if mixing:
                mixed = samples * (gain[:, None] + (wanted - gain)[:, None] * _RAMP)
                mixed += self._injector.frames(rows, tick)
                samples = _clipped(mixed)
        if mixing:
            self._gain[rows] = wanted
            self._settling = self._settling or bool((gain != wanted).any())
        self._taps.sent(rows, tick, samples)
        sendable = self._sendable(rows, peers, hears, tick)
        if bool(sendable.all()):
            self._output.send_frames(rows, tick, samples)
        elif bool(sendable.any()):
            self._output.send_frames(rows[sendable], tick, samples[sendable])

    def _sendable(self, rows: Ints, peers: Ints, hears: Flags, tick: int) -> Flags:
        legs = self._legs
        talking = (peers >= 0) & (tick - legs.heard[np.maximum(peers, 0)] < STILL_TALKING_TICKS)
        may = (legs.open[rows] & legs.sends[rows]).astype(np.bool_) & (legs.remote_len[rows] != 0)
        ready: Flags = may & (hears | talking)
        return ready

    def _odd_frame(self, leg: Leg, tick: int) -> None:
        row, peer = leg.row, int(self.peer[leg.row])
        rate = leg.codec.sample_rate_hz
        delay = int(self._legs.play_delay[max(peer, 0)])
        if peer >= 0:
            speech = self._timeline.read_at(peer, tick - delay, FRAME_TICKS, rate)
        else:
            speech = np.zeros(FRAME_TICKS * rate // TICK_HZ, np.int16)
        wide = rate != TICK_HZ
        hears = bool(self._injector.hears[row])
        gain, wanted = float(self._gain[row]), float(self._injector.speech_gain[row])
        if hears or gain != 1.0 or wanted != 1.0:
            mixed = speech * (gain + (wanted - gain) * (_RAMP_16K if wide else _RAMP[0]))
            ours = self._injector.wide_frame(row, tick) if wide else self._injector.frames(np.array([row]), tick)[0]
            speech = _clipped(mixed + ours)
            self._gain[row] = wanted
            self._settling = self._settling or gain != wanted
        self._taps.sent(np.array([row]), tick, (speech[::2] if wide else speech)[None, :])
        talking = peer >= 0 and tick - int(self._legs.heard[peer]) < STILL_TALKING_TICKS
        events = _NO_EVENTS
        if leg.digits_out is not None and self._legs.can_send(row):
            events = leg.digits_out.frame(int(self._output.timestamps(np.array([row]), tick)[0]))
            if leg.digits_out.idle:
                leg.digits_out = None
                self.call_for(row)
        if self._legs.can_send(row) and (hears or talking or events.packets):
            self._output.send_odd(leg, tick, speech, events)


def _clipped(mixed: NDArray[np.floating[Any]]) -> Pcm:
    samples: Pcm = np.clip(np.rint(mixed), -32768, 32767).astype(np.int16)
    return samples
