"""What the server itself says, to whom and when: announcements in their queues, reminder tones, in-band digits.

All of it runs on frame boundaries of the one clock. A leg hears one item at a time: a play waits for the items
before it on every leg of its audience, and starts on all of them in the same frame. A reminder burst that is due
while something plays on its audience waits for the end of that; its successors keep their own times, so nothing drifts.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from mediaserver.media.arrays import Ints, Pcm
from mediaserver.media.bank import Bank, Prompts, UnknownPromptError, render, used
from mediaserver.media.legs import Leg, Legs
from mediaserver.media.messages import (
    ArmReminder,
    Audio,
    Event,
    Play,
    PlayEnded,
    PlayStarted,
    PromptAudio,
    SendDigits,
    ToneAudio,
)
from mediaserver.media.timescale import FRAME_TICKS, TICK_HZ, frame_from, nearest_tick, seconds
from mediaserver.media.tones import keys

HISTORY_TICKS: Final = 10 * TICK_HZ
"""How long what has sounded is remembered for recordings: longer than their writing lags behind."""
MAX_QUEUED: Final = 64
"""Items that may wait on one leg; a play beyond ends at once, not completed."""


@dataclass(slots=True, kw_only=True, eq=False)
class Item:
    """One thing to be heard by some legs."""

    number: int
    """Counts items: each has its own."""
    call_id: str
    audience: tuple[int, ...]
    """Rows."""
    audio: tuple[Audio, ...] = ()
    """What it is, for marks; empty for digits."""
    samples: Pcm
    wide: Callable[[], Pcm]
    """The same at 16 kHz, made when a 16 kHz leg or file wants it."""
    place: int
    play_id: int | None = None
    reminder_of: str | None = None
    recorded: bool = True
    alone: bool = False
    """It stands for the other party: what that party says."""
    speech_gain: float = 1.0
    """What becomes of the other party's sound while this is heard."""
    start: int | None = None
    """Tick of its first sample; None while it waits."""
    end: int | None = None
    """Tick after its last (set from its start on; earlier when it is stopped)."""

    @property
    def kind(self) -> str:
        """For marks: ``announcement``, ``tone`` or ``digits``."""
        if not self.audio:
            return "digits"
        return "announcement" if any(isinstance(part, PromptAudio) for part in self.audio) else "tone"


@dataclass(slots=True, kw_only=True)
class Reminder:
    """An armed reminder."""

    command: ArmReminder
    call_id: str
    audience: tuple[int, ...]
    start: int
    """Tick that intervals are counted from."""
    count: int = 1
    """Number of the next burst."""
    sounding: Item | None = None

    @property
    def due(self) -> int:
        """Tick of the next burst."""
        return self.start + self.count * self.command.interval_s * TICK_HZ


@dataclass(slots=True, kw_only=True)
class History:
    """Items of one call that have started, for its recordings; pruned by age."""

    items: list[Item] = field(default_factory=list)


class Injector:
    """Queues of all legs of a worker."""

    def __init__(self, legs: Legs, prompts: Prompts, emit: Callable[[Event], None], duck_db: float) -> None:
        self._legs = legs
        self._prompts = prompts
        self._emit = emit
        self._ducked = 10 ** (-duck_db / 20)
        self.bank = Bank()
        self.changed = False
        """Somebody has begun or ceased to hear us since this was last cleared."""
        self._numbers = 0
        self._queues: dict[int, deque[Item]] = {}
        self._items: list[Item] = []
        self._reminders: dict[str, Reminder] = {}
        self._history: dict[str, History] = {}
        n = legs.capacity
        self._place = np.zeros(n, np.int64)
        """Where in the bank tick 0 of the time line would be, for rows that hear something now."""
        self.hears = np.zeros(n, np.bool_)
        self.speech_gain = np.ones(n, np.float32)
        """Gain wanted for the other party's sound."""

    # --- commands ----------------------------------------------------------------------------

    def play(self, command: Play, now: float) -> None:
        """Queue an announcement."""
        audience = self._rows(command.audience)
        try:
            item = self._item(command.call_id, audience, command.audio)
        except UnknownPromptError:
            item = None
        if item is None or not audience or any(len(self._queues.get(row, ())) >= MAX_QUEUED for row in audience):
            self._emit(PlayEnded(play_id=command.play_id, at=now, completed=False))
            return
        item.play_id, item.recorded = command.play_id, command.recorded
        item.alone, item.speech_gain = command.alone, 0.0 if command.alone else self._ducked
        self._queue(item)

    def digits(self, command: SendDigits) -> None:
        """Queue in-band key tones; they replace speech and enter no recording."""
        leg = self._legs.by_id.get(command.leg_id)
        samples = keys(command.digits, command.duration_ms, TICK_HZ)
        if leg is None or not samples.size:
            return
        self._queue(
            Item(
                number=self._next_number(),
                call_id=leg.call_id,
                audience=(leg.row,),
                samples=samples,
                wide=lambda: keys(command.digits, command.duration_ms, 2 * TICK_HZ),
                place=self.bank.place((command.digits, command.duration_ms), samples),
                recorded=False,
                speech_gain=0.0,
            )
        )

    def stop(self, play_id: int, now: float) -> None:
        """End a play, sounding or waiting."""
        for item in [item for item in self._items if item.play_id == play_id]:
            self._end(item, now, completed=False)

    def arm(self, command: ArmReminder) -> None:
        """Begin a reminder; one that was armed for the recording ends."""
        self.disarm(command.recording_id, command.at)
        audience = self._rows(command.audience)
        legs = [self._legs.by_row[row] for row in audience]
        if legs and command.interval_s > 0:
            self._reminders[command.recording_id] = Reminder(
                command=command,
                call_id=legs[0].call_id,
                audience=audience,
                start=nearest_tick(command.at),
            )

    def disarm(self, recording_id: str, now: float) -> None:
        """No more bursts; one that sounds is cut."""
        reminder = self._reminders.pop(recording_id, None)
        if reminder is not None and reminder.sounding in self._items and reminder.sounding is not None:
            self._end(reminder.sounding, now, completed=False)

    def drop_leg(self, leg: Leg, now: float) -> None:
        """A leg hears no more; a play ends when nobody of its audience is left."""
        for item in list(self._queues.get(leg.row, ())):
            rest = tuple(row for row in item.audience if row != leg.row)
            if rest:
                item.audience = rest
                self._queues[leg.row].remove(item)
            else:
                self._end(item, now, completed=False)
        self._queues.pop(leg.row, None)
        self._silence((leg.row,))
        for recording_id, reminder in list(self._reminders.items()):
            reminder.audience = tuple(row for row in reminder.audience if row != leg.row)
            if not reminder.audience:
                del self._reminders[recording_id]

    # --- the frame clock ----------------------------------------------------------------------

    def frame(self, tick: int) -> None:
        """Bring everything up to the frame that begins at ``tick``: end what is over, start what is due."""
        for item in [item for item in self._items if item.end is not None and item.end <= tick]:
            self._end(item, seconds(item.end or tick), completed=True)
        for reminder in self._reminders.values():
            self._remind(reminder, tick)
        for item in [item for item in self._items if item.start is None]:
            if all(self._queues[row][0] is item for row in item.audience):
                self._start(item, tick)

    def _remind(self, reminder: Reminder, tick: int) -> None:
        if tick < reminder.due or any(self._queues.get(row) for row in reminder.audience):
            return
        interval = reminder.command.interval_s * TICK_HZ
        reminder.count = (tick - reminder.start) // interval + 1
        item = self._item(reminder.call_id, reminder.audience, (reminder.command.tone,))
        item.reminder_of = reminder.command.recording_id
        reminder.sounding = item
        self._queue(item)

    @property
    def active(self) -> bool:
        """Whether anything sounds or waits."""
        return bool(self._items)

    def next_reminder(self) -> int | None:
        """First frame boundary at which a burst is due, as a tick."""
        return min((frame_from(reminder.due) for reminder in self._reminders.values()), default=None)

    def frames(self, rows: Ints, tick: int) -> Pcm:
        """(n, 160) at 8 kHz: what each row hears of us in the frame at ``tick``."""
        return self.bank.frames(np.where(self.hears[rows], self._place[rows] + tick, 0))

    def frame_of(self, row: int, tick: int) -> Pcm:
        """160 samples at 8 kHz: the same for one row (a view, not to be kept or changed)."""
        return self.bank.frame(int(self._place[row]) + tick if self.hears[row] else 0)

    def wide_frame(self, row: int, tick: int) -> Pcm:
        """320 samples at 16 kHz: the same for one row."""
        frame = np.zeros(2 * FRAME_TICKS, np.int16)
        queue = self._queues.get(row)
        if queue and queue[0].start is not None and self.hears[row]:
            at = 2 * (tick - queue[0].start)
            part = queue[0].wide()[at : at + frame.size]
            frame[: part.size] = part
        return frame

    def history(self, call_id: str) -> list[Item]:
        """What has sounded on a call, oldest first; what sounds now has its planned end."""
        kept = self._history.get(call_id)
        return kept.items if kept else []

    def forget(self, call_id: str, before: int | None = None) -> None:
        """Drop history that ended before a tick, or all of it."""
        if before is None:
            self._history.pop(call_id, None)
        elif call_id in self._history:
            items = self._history[call_id].items
            items[:] = [item for item in items if item.end is None or item.end >= before]

    def forget_unless(self, call_id: str, *, kept: bool) -> None:
        """The call is over; while a recording of it is still being written its history stays, to go by age."""
        if not kept:
            self.forget(call_id)

    # --- inside -------------------------------------------------------------------------------

    def _rows(self, leg_ids: Iterable[int]) -> tuple[int, ...]:
        found = (self._legs.by_id.get(leg_id) for leg_id in dict.fromkeys(leg_ids))
        return tuple(leg.row for leg in found if leg is not None and not leg.closed)

    def _item(self, call_id: str, audience: tuple[int, ...], audio: tuple[Audio, ...]) -> Item:
        prompts = used(self._prompts, audio)  # both rates of one announcement, also when it is replaced meanwhile
        samples = render(prompts, audio, TICK_HZ)
        return Item(
            number=self._next_number(),
            call_id=call_id,
            audience=audience,
            audio=audio,
            samples=samples,
            wide=_Once(lambda: render(prompts, audio, 2 * TICK_HZ)),
            place=self.bank.place(audio, samples),
        )

    def _next_number(self) -> int:
        self._numbers += 1
        return self._numbers

    def _queue(self, item: Item) -> None:
        self._items.append(item)
        for row in item.audience:
            self._queues.setdefault(row, deque()).append(item)

    def _start(self, item: Item, tick: int) -> None:
        item.start, item.end = tick, tick + item.samples.size
        rows = np.array(item.audience)
        self._place[rows] = item.place - tick
        self.hears[rows] = True
        self.speech_gain[rows] = item.speech_gain
        self.changed = True
        self.forget(item.call_id, tick - HISTORY_TICKS)
        self._history.setdefault(item.call_id, History()).items.append(item)
        if item.play_id is not None:
            self._emit(PlayStarted(play_id=item.play_id, at=seconds(tick)))

    def _end(self, item: Item, now: float, *, completed: bool) -> None:
        self._items.remove(item)
        sounding = item.start is not None
        if sounding and not completed:
            # what was cut is silent from the next frame on: the frame under way has been sent
            item.end = max(item.start or 0, min(item.end or 0, frame_from(nearest_tick(now))))
        for row in item.audience:
            self._queues[row].remove(item)
            if not self._queues[row]:
                del self._queues[row]
        if sounding:
            self._silence(item.audience)
        if item.play_id is not None:
            self._emit(PlayEnded(play_id=item.play_id, at=now, completed=completed))
        if self.bank.large:
            self._tidy()

    def _tidy(self) -> None:
        """Keep of the bank only what sounds or waits."""
        self.bank.clear()
        for item in self._items:
            item.place = self.bank.place(item.number, item.samples)
            if item.start is not None:
                self._place[np.array(item.audience)] = item.place - item.start

    def _silence(self, audience: tuple[int, ...]) -> None:
        rows = np.array(audience, np.int64)
        self.hears[rows] = False
        self.speech_gain[rows] = 1.0
        self.changed = True


class _Once:
    """A value made when first wanted."""

    def __init__(self, make: Callable[[], Pcm]) -> None:
        self._make = make
        self._made: Pcm | None = None

    def __call__(self) -> Pcm:
        if self._made is None:
            self._made = self._make()
        return self._made


def described(item: Item) -> dict[str, str]:
    """Facts for a mark: prompt and language, or the tone."""
    for part in item.audio:
        if isinstance(part, PromptAudio):
            return {"prompt": part.prompt, "language": part.language}
    for part in item.audio:
        if isinstance(part, ToneAudio):
            facts = {"hz": f"{part.hz:g}", "on_ms": str(part.on_ms), "bursts": str(part.bursts)}
            return facts | ({"reminder": "yes"} if item.reminder_of else {})
    return {}
