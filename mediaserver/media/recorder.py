"""All open recordings of a worker."""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush
from typing import Final

from callmodel.manifest import MarkKind
from mediaserver.media.legs import Leg
from mediaserver.media.messages import (
    Event,
    MarkRecording,
    PauseRecording,
    RecordingDestroyed,
    RecordingFailed,
    RecordingFinished,
    ResumeRecording,
    StartRecording,
)
from mediaserver.media.mixer import NOBODY, Mixer
from mediaserver.media.recording import Recording, Rooms
from mediaserver.media.sink import OpenSink, RecordingSink
from mediaserver.media.timescale import FRAME_TICKS, TICK_HZ, nearest_tick

POLL_TICKS: Final = TICK_HZ // 5
MASKS_KEPT_TICKS: Final = 10 * TICK_HZ


class Recorder:
    """Opens, steers, writes and closes recordings."""

    def __init__(
        self, rooms: Rooms, mixer: Mixer, open_sink: OpenSink, emit: Callable[[Event], None], delay_ticks: int
    ) -> None:
        self._rooms = rooms
        self._mixer = mixer
        self._open_sink = open_sink
        self._emit = emit
        self._delay = delay_ticks
        self._open: dict[str, Recording] = {}
        self._plan: list[tuple[int, str]] = []
        """Heap of (tick, recording): when to look at each; an entry may be out of date, never missing."""
        self._given: list[Recording] = []
        """What has been written to since the last poll."""
        self._poll_at = 0
        self._closing: list[tuple[str, RecordingSink]] = []

    # --- commands -----------------------------------------------------------------------------

    def start(self, command: StartRecording) -> None:
        """Begin; RecordingFailed when a leg is unknown, the rate odd, or the id in use."""
        legs = self._rooms.legs
        user, other = legs.by_id.get(command.user_leg), legs.by_id.get(command.other_leg)
        rate_fits = command.sample_rate_hz in (TICK_HZ, 2 * TICK_HZ)
        if user is None or other is None or not rate_fits or command.recording_id in self._open:
            self._emit(RecordingFailed(recording_id=command.recording_id, reason="no-such-leg"))
            return
        recording = Recording(command, user, other, self._open_sink(command), self._rooms)
        self._open[command.recording_id] = recording
        self._given.append(recording)
        self._look_again(command.recording_id)
        if command.heard:
            for leg in (user, other):
                self._rooms.taps.open(leg.row, recording.written, self._passed_to(leg))

    def pause(self, command: PauseRecording) -> None:
        """See ``Recording.pause``."""
        if command.recording_id in self._open:
            self._open[command.recording_id].pause(nearest_tick(command.at))

    def resume(self, command: ResumeRecording) -> None:
        """See ``Recording.resume``."""
        if command.recording_id in self._open:
            self._open[command.recording_id].resume(nearest_tick(command.at))

    def mark(self, command: MarkRecording) -> None:
        """Note something of the call's."""
        if command.recording_id in self._open:
            recording = self._open[command.recording_id]
            recording.mark(command.kind, nearest_tick(command.at), detail=dict(command.detail))

    def finish(self, recording_id: str, at: float, *, keep: bool) -> None:
        """Close at ``at``; what is not kept is destroyed now, and takes no further sample."""
        recording = self._open.get(recording_id)
        if recording is None:
            return
        recording.finish(nearest_tick(at), keep=keep)
        self._look_again(recording_id)
        if not keep:
            self._close(recording_id)

    def abandon(self, recording_id: str) -> None:
        """Stop writing a recording that failed; no event follows."""
        recording = self._open.pop(recording_id, None)
        if recording is not None:
            recording.sink.abandon()
            self._untap(recording)

    def finish_call(self, call_id: str, at: float) -> None:
        """Finish and keep whatever is open on a call."""
        for recording_id, recording in list(self._open.items()):
            if recording.command.call_id == call_id:
                self.finish(recording_id, at, keep=True)

    # --- what happens on the legs ---------------------------------------------------------------

    def shifted(self, row: int, tick: int, ticks: int) -> None:
        """A leg's later packets lie ``ticks`` later than their timestamps said before."""
        for recording in self._open.values():
            channel = recording.channel_of(row)
            if channel is not None:
                frames = f"{ticks / FRAME_TICKS:+g}"
                recording.mark(MarkKind.DRIFT, tick, ticks=abs(ticks), channel=channel, detail={"frames": frames})

    def codec_changed(self, leg: Leg, before: str, after: str, tick: int) -> None:
        """A leg speaks another codec from ``tick`` on."""
        for recording in self._open.values():
            channel = recording.channel_of(leg.row)
            if channel is not None:
                recording.mark(MarkKind.CODEC, tick, channel=channel, detail={"before": before, "after": after})

    def uses(self, row: int) -> bool:
        """Whether a recording still reads the row."""
        return any(recording.channel_of(row) is not None for recording in self._open.values())

    def records(self, call_id: str) -> bool:
        """Whether a recording is open on the call."""
        return any(recording.command.call_id == call_id for recording in self._open.values())

    # --- time ------------------------------------------------------------------------------------

    def next_timer(self) -> int | None:
        """Tick at which something can be written or closed."""
        while self._plan and self._plan[0][1] not in self._open:
            heappop(self._plan)
        return self._plan[0][0] if self._plan else None

    def leg_closed(self, leg: Leg) -> None:
        """Nothing more comes from it: what waits for late packets may be over."""
        for recording_id, recording in self._open.items():
            if recording.channel_of(leg.row) is not None:
                self._look_again(recording_id)

    def _look_again(self, recording_id: str) -> None:
        heappush(self._plan, (self._open[recording_id].due(self._delay), recording_id))

    @property
    def waiting(self) -> bool:
        """Whether sinks have yet to say how they ended."""
        return bool(self._closing)

    def flush(self, tick: int) -> None:
        """Write what is finished."""
        while self._plan and self._plan[0][0] <= tick:
            _, recording_id = heappop(self._plan)
            recording = self._open.get(recording_id)
            if recording is None:
                continue
            if recording.due(self._delay) <= tick:
                recording.flush(tick, self._delay)
                self._rooms.legs.forwarder.let_pass()
                self._given.append(recording)
                if recording.over(tick, self._delay):
                    self._close(recording_id)
                    continue
            self._look_again(recording_id)

    def write_out(self, tick: int) -> None:
        """Write what is finished by now though it is no whole block."""
        for recording in self._open.values():
            recording.write_out(tick - self._delay)

    def poll(self, tick: int) -> None:
        """Hear what the sinks have to say: at once those that were given something, all of them now and then."""
        every = tick >= self._poll_at
        if every:
            self._poll_at = tick + POLL_TICKS
        for recording in self._open.values() if every else self._given:
            self._news(recording.sink)
        self._given.clear()
        self._closing = [(name, sink) for name, sink in self._closing if not self._news(sink)]

    def _news(self, sink: RecordingSink) -> bool:
        """Pass on one piece of news; True when it was the last."""
        news = sink.poll()
        if news is None:
            return False
        self._emit(news)
        return isinstance(news, (RecordingFinished, RecordingDestroyed))

    def _close(self, recording_id: str) -> None:
        recording = self._open.pop(recording_id)
        recording.close()
        self._untap(recording)
        self._closing.append((recording_id, recording.sink))

    def _untap(self, recording: Recording) -> None:
        if recording.command.heard:
            for leg in recording.channels:
                self._rooms.taps.close(leg.row)

    def _passed_to(self, leg: Leg) -> int:
        peer = int(self._mixer.peer[leg.row])
        routed = peer != NOBODY and int(self._rooms.legs.table["route"][peer]) == leg.row
        return peer if routed else NOBODY
