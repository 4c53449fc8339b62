"""The media engine of one worker: sans-IO, all its legs at once.

Commands go in, datagrams come and go through the forwarder, time is told; events come out. The worker calls ``step``
every 20 ms. In virtual time it is called after packets have come and when ``next_timer`` says.

One step: datagrams are placed on the time line in order of arrival, in slices short enough that nothing of a late
step's past is overwritten before it is written; recordings are written ``flush_delay_s`` behind, or behind what has
been read while packets wait (``backlog``); then the frames that are due are composed and sent. Missed frames are
skipped, at most CATCH_UP are sent at once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from mediaserver.media.arrays import Ints
from mediaserver.media.backlog import ROOM_TICKS, Backlog
from mediaserver.media.bank import Prompts
from mediaserver.media.clocks import Clocks
from mediaserver.media.config import EngineConfig, PromptPcm
from mediaserver.media.desk import Desk
from mediaserver.media.housekeeping import Housekeeping
from mediaserver.media.inband import Ears
from mediaserver.media.injector import Injector
from mediaserver.media.intake import Intake
from mediaserver.media.legs import Legs
from mediaserver.media.messages import CloseCall, CloseLeg, Command, Event
from mediaserver.media.mixer import Mixer
from mediaserver.media.output import Output
from mediaserver.media.recorder import Recorder
from mediaserver.media.recording import Rooms
from mediaserver.media.seam import Batch, Forwarder
from mediaserver.media.sink import OpenSink
from mediaserver.media.sources import Sources
from mediaserver.media.streams import Streams
from mediaserver.media.taps import Taps
from mediaserver.media.timeline import AHEAD, Timeline
from mediaserver.media.timescale import FRAME_TICKS, NS_PER_TICK, TICK_HZ, frame_from, nearest_tick, seconds, tick_at

CATCH_UP: Final = 3
SLICE_TICKS: Final = TICK_HZ // 2
"""Longest stretch of arrivals placed before recordings are looked at again."""
POLL_S: Final = 0.02
"""How soon to ask again a sink that is still writing."""


class MediaEngine:
    """One per worker."""

    def __init__(
        self,
        forwarder: Forwarder,
        prompts: Prompts,
        config: EngineConfig,
        open_sink: OpenSink,
        *,
        random_u32: Callable[[], int],
    ) -> None:
        """``random_u32`` gives 32 unpredictable bits: SSRCs, first sequence numbers and timestamps, report times."""
        self._events: list[Event] = []
        emit = self._events.append
        self._forwarder = forwarder
        self._legs = legs = Legs(forwarder, config.legs)
        self._timeline = timeline = Timeline(legs.capacity)
        self._prompts = dict(prompts)
        self._injector = Injector(legs, self._prompts, emit, config.duck_db)
        self._taps = Taps(timeline)
        self._mixer = Mixer(legs, timeline, self._injector, Output(legs), self._taps)
        rooms = Rooms(legs=legs, timeline=timeline, injector=self._injector, taps=self._taps)
        self._recorder = Recorder(rooms, self._mixer, open_sink, emit, nearest_tick(config.flush_delay_s))
        self._streams = Streams(legs, timeline, emit, self._recorder.shifted)
        self._house = Housekeeping(legs, self._streams, config, emit, random_u32)
        self._intake = Intake(legs, timeline, self._streams, self._house.event_began, emit, config.bulk_from)
        self._clocks = Clocks(legs, self._streams)
        self._ears = Ears(legs, timeline, emit)
        self._sources = Sources(legs, timeline, self._mixer, self._prompts)
        self._desk = Desk(
            legs=legs,
            timeline=timeline,
            mixer=self._mixer,
            injector=self._injector,
            recorder=self._recorder,
            house=self._house,
            ears=self._ears,
            sources=self._sources,
            config=config,
            emit=emit,
            random_u32=random_u32,
        )
        self._backlog = Backlog(nearest_tick(config.held_up_s))
        self._frame = 0
        """First tick of the next frame to compose."""
        self._tick = 0
        """Up to which tick the time line has been worked through."""

    # --- the outside -----------------------------------------------------------------------------

    @property
    def open_legs(self) -> int:
        """Legs that are open now, sources included."""
        return len(self._legs.by_id)

    @property
    def listening(self) -> bool:
        """Keys are listened for in the audio of some leg: a step should follow every packet within a frame."""
        return self._ears.listening

    def command(self, command: Command, now: float) -> None:
        """Carry out one command; what comes of it is told by events."""
        if not self._composing:
            self._frame = max(self._frame, frame_from(tick_at(now)))
        if not self.open_legs:
            self._backlog.rest(tick_at(now))
        if isinstance(command, CloseLeg | CloseCall):
            self._ingest(tick_at(now))  # what came before the sockets close counts
        elif not self._backlog.there and not self._backlog.late(tick_at(now)):
            self._reach(tick_at(now))
        self._desk.carry_out(command, now)

    def replace_prompt(self, key: tuple[str, str], pcm: PromptPcm) -> None:
        """Another announcement under this id and language from the next play on; one that sounds or waits stays."""
        self._prompts[key] = pcm
        self._injector.bank.forget(key[0])

    def step(self, now: float) -> None:
        """Work off what has come and what is due."""
        tick = tick_at(now)
        let_pass = self._forwarder.let_pass
        self._ingest(tick)
        let_pass()
        self._frames(tick)
        let_pass()
        self._house.look(now)
        let_pass()
        self._clocks.look(tick)
        let_pass()
        self._recorder.poll(tick)
        self._desk.release()

    def events(self) -> list[Event]:
        """What has happened since the last call, in order."""
        told = self._events.copy()
        self._events.clear()
        return told

    def next_timer(self, now: float) -> float | None:
        """When ``step`` is wanted though no packet comes; None when nothing is due unless one does."""
        if self._composing or self._ears.busy:
            return seconds(max(self._frame, frame_from(tick_at(now))))  # what else is due waits these 20 ms
        due: list[float] = []
        reminder = self._injector.next_reminder()
        if reminder is not None:
            due.append(seconds(max(reminder, self._frame)))
        writing = self._recorder.next_timer()
        if writing is not None:
            due.append(seconds(writing))
        housekeeping = self._house.next_timer()
        if housekeeping is not None:
            due.append(housekeeping)
        if self._recorder.waiting:
            due.append(now + POLL_S)
        return min(due, default=None)

    # --- inside ------------------------------------------------------------------------------------

    @property
    def _composing(self) -> bool:
        return self._mixer.active or self._injector.active or self._sources.active

    def _reach(self, tick: int) -> None:
        """Bring the time line up to ``tick``: write what is finished before its place in the ring is used anew."""
        while self._tick < tick:
            self._tick = min(tick, self._tick + SLICE_TICKS) if self._recorder.next_timer() is not None else tick
            self._timeline.advance(frame_from(self._tick) + AHEAD, self._legs.top)
            self._sources.reach(self._tick)
            self._recorder.flush(self._tick)
        self._sources.reach(self._tick)
        self._recorder.flush(self._tick)

    def _ingest(self, tick: int) -> None:
        batch = self._forwarder.collect()
        if not batch.legs.size:
            if not self._backlog.look(tick, None):
                self._reach(tick)
            return
        arrivals = batch.arrival_ns // NS_PER_TICK
        first, last = int(arrivals.min()), int(arrivals.max())
        behind = ROOM_TICKS if self._backlog.look(tick, first) else 0
        self._reach(min(first, tick))
        if last - first <= SLICE_TICKS:
            self._place(batch, np.arange(arrivals.size), last, behind)
        else:  # a late step: as if it had been called every half second meanwhile
            slices = (arrivals - first) // SLICE_TICKS
            for part in np.unique(slices):
                chosen = np.flatnonzero(slices == part)
                self._place(batch, chosen, int(arrivals[chosen].max()), behind)
        if not behind:
            self._reach(tick)

    def _place(self, batch: Batch, chosen: Ints, tick: int, behind: int) -> None:
        if behind:
            self._recorder.write_out(self._tick)  # its place in the ring may be wanted
        self._timeline.advance(frame_from(tick) + AHEAD, self._legs.top)
        self._intake.take(batch, chosen)
        self._reach(tick - behind)

    def _frames(self, tick: int) -> None:
        due = (tick - self._frame) // FRAME_TICKS + 1
        if due <= 0:
            return
        if not (self._composing or self._ears.listening):
            self._frame += (due - 1) * FRAME_TICKS  # only the one in which a reminder may be due
        elif due > CATCH_UP:
            self._frame += (due - CATCH_UP) * FRAME_TICKS
        while self._frame <= tick:
            self._one_frame(self._frame)
            self._frame += FRAME_TICKS

    def _one_frame(self, frame: int) -> None:
        self._injector.frame(frame)
        self._mixer.review(frame)
        if self._mixer.active:
            self._mixer.frame(frame)
            self._mixer.review(frame)  # what is over goes back to passing before the next packet comes
        self._ears.frame(frame)
