"""Audio to inject, rendered once: every distinct sequence lies in one long array, so that a frame for any number of
listeners is one gather."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np

from mediaserver.media.arrays import Ints, Pcm
from mediaserver.media.config import PromptPcm
from mediaserver.media.messages import Audio, PromptAudio, SilenceAudio, ToneAudio
from mediaserver.media.timescale import FRAME_TICKS, TICK_HZ
from mediaserver.media.tones import tone

KEPT_SAMPLES: Final = 8_000_000
"""16 MB: beyond, what nobody plays any more is thrown out."""

Prompts = Mapping[tuple[str, str], PromptPcm]
"""By (id, language)."""


class UnknownPromptError(KeyError):
    """The catalogue has no such prompt in any language."""


def render(prompts: Prompts, audio: tuple[Audio, ...], rate_hz: int) -> Pcm:
    """A sequence as samples; a prompt missing in its language is taken in another, UnknownPromptError when in none."""
    parts = [_part(prompts, item, rate_hz) for item in audio]
    return np.concatenate(parts) if parts else np.zeros(0, np.int16)


def used(prompts: Prompts, audio: tuple[Audio, ...]) -> Prompts:
    """Of all prompts those that a sequence is made of now; UnknownPromptError. For rendering it again later."""
    return {(item.prompt, item.language): _prompt(prompts, item) for item in audio if isinstance(item, PromptAudio)}


def _part(prompts: Prompts, item: Audio, rate_hz: int) -> Pcm:
    match item:
        case PromptAudio():
            pcm = _prompt(prompts, item)
            return pcm.pcm_8k if rate_hz == TICK_HZ else pcm.pcm_16k
        case ToneAudio():
            return tone(
                hz=item.hz,
                on_ms=item.on_ms,
                off_ms=item.off_ms,
                bursts=item.bursts,
                level_dbm0=item.level_dbm0,
                rate_hz=rate_hz,
            )
        case SilenceAudio():
            return np.zeros(rate_hz * item.ms // 1000, np.int16)


def _prompt(prompts: Prompts, item: PromptAudio) -> PromptPcm:
    found = prompts.get((item.prompt, item.language))
    if found is None:
        found = next((pcm for (prompt, _), pcm in prompts.items() if prompt == item.prompt), None)
    if found is None:
        raise UnknownPromptError(item.prompt)
    return found


class Bank:
    """8 kHz samples of everything that is injected now or was lately. The first frame is silence."""

    def __init__(self) -> None:
        self._samples = np.zeros(1 << 16, np.int16)
        self._used = FRAME_TICKS
        self._places: dict[object, int] = {}
        self._frames = self._windows()

    def place(self, key: object, samples: Pcm) -> int:
        """Where ``samples`` begin; they are followed by silence for a frame. The same key is stored once."""
        known = self._places.get(key)
        if known is not None:
            return known
        end = self._used + samples.size + FRAME_TICKS
        if end > self._samples.size:
            grown = np.zeros(max(end, 2 * self._samples.size), np.int16)
            grown[: self._used] = self._samples[: self._used]
            self._samples = grown
            self._frames = self._windows()
        at = self._used
        self._samples[at : at + samples.size] = samples
        self._used = end
        self._places[key] = at
        return at

    def frames(self, places: Ints) -> Pcm:
        """(n, 160): the frame that begins at each place."""
        found: Pcm = self._frames[places]
        return found

    def frame(self, place: int) -> Pcm:
        """The frame at one place: a view, until something is placed."""
        return self._samples[place : place + FRAME_TICKS]

    def forget(self, prompt: str) -> None:
        """Another announcement took the place of this one: sequences with it are stored anew when they are wanted."""
        for key in [key for key in self._places if isinstance(key, tuple) and _says(key, prompt)]:
            del self._places[key]

    @property
    def large(self) -> bool:
        """Whether it is time to ``clear`` it."""
        return self._used > KEPT_SAMPLES

    def clear(self) -> None:
        """Begin anew; what still plays has to be placed again."""
        self._samples = np.zeros(1 << 16, np.int16)
        self._used = FRAME_TICKS
        self._places.clear()
        self._frames = self._windows()

    def _windows(self) -> Pcm:
        return np.lib.stride_tricks.sliding_window_view(self._samples, FRAME_TICKS)


def _says(audio: tuple[object, ...], prompt: str) -> bool:
    return any(isinstance(part, PromptAudio) and part.prompt == prompt for part in audio)
