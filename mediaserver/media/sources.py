"""Legs with no phone behind them: they talk by themselves into their own ring, a frame at a time."""

from __future__ import annotations

from typing import Final

import numpy as np

from mediaserver.media.arrays import Pcm
from mediaserver.media.bank import Prompts, UnknownPromptError, render
from mediaserver.media.legs import Leg, Legs
from mediaserver.media.messages import OpenSource, SourceKind, ToneAudio
from mediaserver.media.mixer import NOBODY, Mixer
from mediaserver.media.timeline import Timeline
from mediaserver.media.timescale import FRAME_TICKS, TICK_HZ, frame_from
from mediaserver.media.tones import sine, to_pcm

MOST_AT_ONCE: Final = 3 * TICK_HZ
"""After a worker was held up: less than the time line holds."""


class Sources:
    """All of a worker's."""

    def __init__(self, legs: Legs, timeline: Timeline, mixer: Mixer, prompts: Prompts) -> None:
        self._legs = legs
        self._timeline = timeline
        self._mixer = mixer
        self._prompts = prompts
        self._talkers: dict[int, tuple[OpenSource, int, Pcm]] = {}
        """By row: what it is, the tick it began at, and for PROMPTS its samples."""
        self._next = 0
        """First tick of the next frame to say."""

    @property
    def active(self) -> bool:
        """Whether there are any."""
        return bool(self._talkers)

    def open(self, leg: Leg, command: OpenSource, tick: int) -> None:
        """Begin to talk; unknown prompts are silence."""
        samples = np.zeros(0, np.int16)
        if command.kind is SourceKind.PROMPTS:
            try:
                samples = render(self._prompts, command.audio, TICK_HZ)
            except UnknownPromptError:
                leg.drop("unknown-prompt")
        self._talkers[leg.row] = (command, tick, samples)
        self._legs.play_delay[leg.row] = 0
        self._legs.anchored[leg.row] = False

    def close(self, row: int) -> None:
        """Be silent."""
        self._talkers.pop(row, None)

    def reach(self, tick: int) -> None:
        """Say every frame that begins by ``tick``, as far back as the time line goes."""
        if not self._talkers:
            self._next = frame_from(tick)
            return
        self._next = max(self._next, frame_from(tick - MOST_AT_ONCE))
        while self._next <= tick:
            self._frame(self._next)
            self._next += FRAME_TICKS

    def _frame(self, tick: int) -> None:
        for row, (command, began, prompts) in self._talkers.items():
            samples = self._samples(row, command, tick, tick - began, prompts)
            self._timeline.put(row, tick, samples)
            self._legs.heard[row] = tick

    def _samples(self, row: int, command: OpenSource, tick: int, first: int, prompts: Pcm) -> Pcm:
        match command.kind:
            case SourceKind.ECHO:
                peer = int(self._mixer.peer[row])
                if peer != NOBODY:
                    return self._timeline.read(peer, tick - int(self._legs.play_delay[peer]), FRAME_TICKS)
            case SourceKind.TONE:
                heard = next((part for part in command.audio if isinstance(part, ToneAudio)), None)
                if heard is not None:
                    return to_pcm(sine(heard.hz, heard.level_dbm0, FRAME_TICKS, TICK_HZ, first))
            case SourceKind.PROMPTS:
                if prompts.size:
                    return prompts.take(np.arange(first, first + FRAME_TICKS), mode="wrap")
            case SourceKind.SILENCE:
                pass
        return np.zeros(FRAME_TICKS, np.int16)
