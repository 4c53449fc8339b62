"""One recording: two legs' time lines, cut, overlaid and handed to its sink a second at a time.

* Channel 1 is the user's leg, channel 2 the other: what each phone said, by its timestamps, bit for bit.
* What the server injected and was meant for the record (announcements, reminder tones) is added, undamped speech under
  it, to **both** channels, at the instant it was sent. What stands for the other party is in that party's channel.
* A pause holds no sample of speech: with ``cut`` nothing, with ``silence`` silence, with ``tone`` a quiet tone.
* Spans of a leg that hold a key's tone are silent when digits are masked.
* A loss is silence and a GAP mark with the packets lost; a sender that paused (timestamps jump, sequence numbers do
  not) is silence and no mark.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from callmodel.manifest import Mark, MarkKind
from mediaserver.media.arrays import Flags, Ints, Pcm
from mediaserver.media.injector import Injector, Item, described
from mediaserver.media.legs import SEEN, Leg, Legs
from mediaserver.media.messages import StartRecording
from mediaserver.media.resample import CONTEXT, doubled
from mediaserver.media.sink import RecordingEnd, RecordingSink
from mediaserver.media.takes import Takes
from mediaserver.media.taps import Taps
from mediaserver.media.timeline import Timeline
from mediaserver.media.timescale import TICK_HZ, nearest_tick, seconds
from mediaserver.media.tones import sine, to_pcm

BLOCK_TICKS: Final = TICK_HZ // 2
PAUSE_TONE_HZ: Final = 440.0
PAUSE_TONE_DBM0: Final = -30.0


@dataclass(slots=True, kw_only=True)
class _Follow:
    """How far one leg's packets have been accounted for."""

    generation: int
    next_sequence: int
    next_tick: int
    """Where the packet before ended."""
    lost: int = -1
    """Packets missing so far, all of them told; -1 when some may not be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rooms:
    """What a recording reads from."""

    legs: Legs
    timeline: Timeline
    injector: Injector
    taps: Taps


class Recording:
    """An open recording."""

    def __init__(self, command: StartRecording, user: Leg, other: Leg, sink: RecordingSink, rooms: Rooms) -> None:
        self.command = command
        self.channels = (user, other)
        self.sink = sink
        self._rooms = rooms
        self._rate = command.sample_rate_hz
        self._per_tick = self._rate // TICK_HZ
        self._answered = nearest_tick(command.answered_at)
        start = nearest_tick(command.at)
        self.written = start
        """Everything before this tick is with the sink."""
        self.takes = Takes(start, cut=command.pause_rendering == "cut")
        self.end: int | None = None
        self.keep = True
        self._samples = 0
        self._heard_samples = 0
        self._marks: list[Mark] = []
        self._follow = [self._following(leg, start) for leg in self.channels]
        self._told_items: set[int] = set()
        self._told_masks: tuple[set[int], set[int]] = (set(), set())

    # --- steering -----------------------------------------------------------------------------

    def pause(self, tick: int) -> None:
        """No speech from ``tick`` on."""
        self.takes.change(tick, paused=True, written=self.written)

    def resume(self, tick: int) -> None:
        """Speech again from ``tick`` on; the pause is marked."""
        since = self.takes.paused_since
        if self.takes.change(tick, paused=False, written=self.written):
            self._mark_pause(since, self.takes.paused_since)

    def finish(self, tick: int, *, keep: bool) -> None:
        """Nothing from ``tick`` on."""
        if self.end is None:
            self.end = max(tick, self.written)
            self.keep = keep

    def mark(
        self, kind: MarkKind, tick: int, *, ticks: int = 0, channel: int | None = None, detail: dict[str, str]
    ) -> None:
        """Note something at its place."""
        mark = Mark(
            kind=kind,
            file_ms=self.takes.file_ticks(tick) / 8,
            call_ms=(tick - self._answered) / 8,
            length_ms=ticks / 8,
            channel=channel,
            detail=detail,
        )
        self._marks.append(mark)
        self.sink.mark(mark)

    def channel_of(self, row: int) -> int | None:
        """1, 2, or None when the leg is not part of this recording."""
        return next((at for at, leg in enumerate(self.channels, 1) if leg.row == row), None)

    # --- writing ------------------------------------------------------------------------------

    def due(self, delay: int) -> int:
        """Tick at which there is something to write, or to finish."""
        block = self.written + BLOCK_TICKS + delay
        if self.end is None:
            return block
        return min(block, self.end if self._nobody_left() else self.end + delay)

    def flush(self, tick: int, delay: int) -> None:
        """Hand over every whole half second that lies ``delay`` behind ``tick``; at the end the rest."""
        while self.end is None or self.written + BLOCK_TICKS <= self.end:
            if self.written + BLOCK_TICKS + delay > tick:
                break
            self._write(self.written + BLOCK_TICKS)
        if self.over(tick, delay) and self.end is not None and self.written < self.end:
            self._write(self.end)

    def write_out(self, tick: int) -> None:
        """Hand over everything before ``tick``."""
        last = tick if self.end is None else min(tick, self.end)
        if last > self.written:
            self._write(last)

    def over(self, tick: int, delay: int) -> bool:
        """Whether nothing that still comes can change it."""
        return self.end is not None and tick >= (self.end if self._nobody_left() else self.end + delay)

    def close(self) -> None:
        """Tell the sink what there is."""
        if self.end is not None:
            self._tell_items(self.end)
        if self.takes.paused and self.end is not None and self.takes.paused_since < self.end:
            self._mark_pause(self.takes.paused_since, self.end)
        self.sink.finish(
            RecordingEnd(
                keep=self.keep,
                samples=self._samples,
                heard_samples=self._heard_samples,
                first_sample_at=seconds(self.takes.start),
                marks=tuple(sorted(self._marks, key=lambda mark: (mark.file_ms, mark.call_ms))),
            )
        )

    def _nobody_left(self) -> bool:
        return all(leg.closed or leg.source is not None for leg in self.channels)

    def _write(self, end: int) -> None:
        start = self.written
        for stretch in self.takes.stretches(start, end):
            block = (
                self._paused(stretch.start, stretch.end) if stretch.paused else self._spoken(stretch.start, stretch.end)
            )
            if block is not None and block.shape[0]:
                self._samples += block.shape[0]
                self.sink.write(block)
            if self.command.heard:
                heard = self._heard(stretch.start, stretch.end, paused=stretch.paused)
                self._heard_samples += heard.shape[0]
                self.sink.write_heard(heard)
        self.written = end
        for at, leg in enumerate(self.channels):
            self._account(at, leg, start, end)
        self._tell_items(end)
        self._tell_masks(end)

    def _spoken(self, start: int, end: int) -> Pcm:
        block = np.empty(((end - start) * self._per_tick, 2), np.int16)
        for at, leg in enumerate(self.channels):
            block[:, at] = self._said(leg, start, end)
        for item in self._items(start, end):
            if item.recorded and not item.alone:
                self._add(block, item, start, end)
        return block

    def _said(self, leg: Leg, start: int, end: int) -> Pcm:
        samples = self._rooms.timeline.read_at(leg.row, start, end - start, self._rate)
        if self.command.mask_digits:
            for first, last in leg.masked.items():
                low, high = max(first, start), min(last, end)
                if low < high:
                    samples[(low - start) * self._per_tick : (high - start) * self._per_tick] = 0
        for item in self._items(start, end):
            if item.recorded and item.alone and leg.row not in item.audience:
                self._add(samples[:, None], item, start, end)
        return samples

    def _items(self, start: int, end: int) -> list[Item]:
        """What the server said to either side in a stretch."""
        rows = {leg.row for leg in self.channels}
        history = self._rooms.injector.history(self.command.call_id)
        return [item for item in history if _within(item, start, end) and rows & set(item.audience)]

    def _add(self, block: Pcm, item: Item, start: int, end: int, columns: slice = slice(None)) -> None:
        first, last = max(item.start or 0, start), min(item.end or 0, end)
        samples = item.samples if self._rate == TICK_HZ else item.wide()
        begin = (first - (item.start or 0)) * self._per_tick
        part = samples[begin : begin + (last - first) * self._per_tick]
        at = (first - start) * self._per_tick
        under = block[at : at + part.size, columns]
        under[:] = np.clip(under.astype(np.int32) + part[:, None], -32768, 32767)

    def _paused(self, start: int, end: int) -> Pcm | None:
        if self.command.pause_rendering == "cut":
            return None
        block = np.zeros(((end - start) * self._per_tick, 2), np.int16)
        if self.command.pause_rendering == "tone":
            first = (start - self.takes.start) * self._per_tick
            block[:] = to_pcm(sine(PAUSE_TONE_HZ, PAUSE_TONE_DBM0, block.shape[0], self._rate, first))[:, None]
        return block

    def _heard(self, start: int, end: int, *, paused: bool) -> Pcm:
        """(n, 4): said by user, said by other, heard by user, heard by other; in a pause only what the server said."""
        if self._rate != TICK_HZ:
            return self._heard_wide(start, end, paused=paused)
        block = np.zeros((end - start, 4), np.int16)
        for at, leg in enumerate(self.channels):
            if paused:
                continue
            block[:, at] = self._said(leg, start, end)
            block[:, 2 + at] = self._rooms.taps.read(leg.row, start, end - start)
        if paused:
            self._add_heard(block, start, end)
        return block

    def _heard_wide(self, start: int, end: int, *, paused: bool) -> Pcm:
        block = np.zeros((2 * (end - start), 4), np.int16)
        if paused:
            self._add_heard(block, start, end)
            return block
        for at, leg in enumerate(self.channels):
            block[:, at] = self._said(leg, start, end)
            around = self._rooms.taps.read(leg.row, start - CONTEXT, end - start + 2 * CONTEXT)
            block[:, 2 + at] = doubled(around)
        return block

    def _add_heard(self, block: Pcm, start: int, end: int) -> None:
        for item in self._items(start, end):
            for at, leg in enumerate(self.channels):
                if leg.row in item.audience:
                    self._add(block, item, start, end, slice(2 + at, 3 + at))

    # --- marks ---------------------------------------------------------------------------------

    def _mark_pause(self, since: int, until: int) -> None:
        self.mark(MarkKind.PAUSE, since, ticks=until - since, detail={"rendering": self.command.pause_rendering})

    def _tell_items(self, end: int) -> None:
        """Note what the server has said before ``end``; what still sounds is told later, or cut where all ends."""
        for item in self._items(self.takes.start, end):
            still_sounds = item.end is None or (item.end > end and end != self.end)
            if still_sounds or item.number in self._told_items or not item.audio:
                continue
            self._told_items.add(item.number)
            kind = MarkKind.ANNOUNCEMENT if item.kind == "announcement" else MarkKind.TONE
            first = max(item.start or 0, self.takes.start)
            recorded = "yes" if item.recorded else "no"
            ticks = min(item.end or end, end) - first
            at = self._speaks(item) if item.alone else None
            self.mark(kind, first, ticks=ticks, channel=at, detail=described(item) | {"recorded": recorded})

    def _speaks(self, item: Item) -> int | None:
        """Whose channel an item stands for."""
        return next((at for at, leg in enumerate(self.channels, 1) if leg.row not in item.audience), None)

    def _tell_masks(self, end: int) -> None:
        for at, leg in enumerate(self.channels):
            for first, last in list(leg.masked.items()):
                if last <= end and first >= self.takes.start and first not in self._told_masks[at]:
                    self._told_masks[at].add(first)
                    masked = "yes" if self.command.mask_digits else "no"
                    self.mark(MarkKind.DIGIT, first, ticks=last - first, channel=at + 1, detail={"masked": masked})

    # --- gaps ---------------------------------------------------------------------------------

    def _following(self, leg: Leg, tick: int) -> _Follow:
        legs, row = self._rooms.legs, leg.row
        return _Follow(generation=int(legs.generation[row]), next_sequence=int(legs.sequence[row]) + 1, next_tick=tick)

    def _account(self, at: int, leg: Leg, start: int, end: int) -> None:
        """Note what was lost among the packets that end before ``end``; a loss is told once a later packet has come."""
        legs, row = self._rooms.legs, leg.row
        if not legs.anchored[row]:
            return
        follow = self._follow[at]
        if follow.generation != int(legs.generation[row]):
            first = int(legs.first_sequence[row])
            follow = self._follow[at] = _Follow(
                generation=int(legs.generation[row]), next_sequence=first, next_tick=start
            )
        highest = int(legs.sequence[row])
        lost = highest - int(legs.first_sequence[row]) + 1 - int(legs.unique[row])
        if lost == follow.lost:
            return  # nothing new is missing: where the next loss is looked for may lag behind
        follow.lost = -1
        follow.next_sequence = max(follow.next_sequence, highest - SEEN + 1)
        if follow.next_sequence > highest:
            return
        numbers = np.arange(follow.next_sequence, highest + 1)
        places = numbers % SEEN
        present = legs.seen[row, places] == numbers
        ticks = legs.seen_tick[row, places]
        lengths = legs.seen_ticks[row, places]
        here = np.flatnonzero(present & (ticks < end))
        if not here.size:
            return
        last = int(here[-1])
        if not bool(present[: last + 1].all()):
            self._mark_gaps(at, follow, present[: last + 1], ticks, lengths)
        if bool(present[last + 1 :].all()):
            follow.lost = lost
        follow.next_sequence = int(numbers[last]) + 1
        follow.next_tick = int(ticks[last] + lengths[last])

    def _mark_gaps(
        self,
        at: int,
        follow: _Follow,
        present: Flags,
        ticks: Ints,
        lengths: NDArray[np.int32],
    ) -> None:
        begun, lost = follow.next_tick, 0
        for index, here in enumerate(present):
            if not here:
                lost += 1
                continue
            until = int(ticks[index])
            if lost and until > begun:
                self.mark(MarkKind.GAP, begun, ticks=until - begun, channel=at + 1, detail={"packets_lost": str(lost)})
            begun, lost = max(begun, until + int(lengths[index])), 0


def _within(item: Item, start: int, end: int) -> bool:
    return item.start is not None and item.start < end and (item.end or 0) > start
