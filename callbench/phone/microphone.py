"""What a synthetic phone says: samples at 8 or 16 kHz, frame by frame."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from mediaserver.media.tones import sine, to_pcm
from prompts import PromptId, load_prompts

Pcm = NDArray[np.int16]
Microphone = Callable[[int, int, int], Pcm | None]
"""``(first sample, count, rate)`` to samples; None for nothing at all: no packet is sent."""

TONE_DBM0: Final = -10.0
MAX_FILE_S: Final = 4 * 3600


def silent(first: int, count: int, rate_hz: int) -> Pcm | None:
    """A phone that sends nothing."""
    return None


def quiet(first: int, count: int, rate_hz: int) -> Pcm | None:
    """A phone that sends digital silence."""
    return np.zeros(count, np.int16)


def tone(hz: float, dbm0: float = TONE_DBM0) -> Microphone:
    """A sine, exact in phase over any length."""

    def say(first: int, count: int, rate_hz: int) -> Pcm | None:
        return to_pcm(sine(hz, dbm0, count, rate_hz, first))

    return say


def samples(pcm: Pcm, rate_hz: int, *, round_and_round: bool = True) -> Microphone:
    """Given samples, turned into the codec's rate; once, or round and round."""
    at_rate = {rate_hz: pcm}

    def say(first: int, count: int, wanted_hz: int) -> Pcm | None:
        if wanted_hz not in at_rate:
            turned = soxr.resample(pcm.astype(np.float64), rate_hz, wanted_hz)
            at_rate[wanted_hz] = np.clip(np.rint(turned), -32768, 32767).astype(np.int16)
        sound = at_rate[wanted_hz]
        index = np.arange(first, first + count)
        if round_and_round:
            return sound[index % sound.size]
        return np.where(index < sound.size, sound[np.minimum(index, sound.size - 1)], 0).astype(np.int16)

    return say


def speech(language: str = "en") -> Microphone:
    """The catalogue's test passage, round and round."""
    library = load_prompts()
    return samples(library.audio(PromptId.TEST_SPEECH, language, 16000), 16000)


def file(path: Path) -> Microphone:
    """A WAV or FLAC file, its first channel, round and round; ValueError when it is none."""
    if not path.is_file():
        raise ValueError(f"{path}: there is no such file")
    try:
        info = soundfile.info(path)
        if info.frames == 0 or info.duration > MAX_FILE_S:
            raise ValueError(f"{path} is empty or longer than {MAX_FILE_S} s")
        pcm, rate_hz = soundfile.read(path, dtype="int16", always_2d=True)
    except soundfile.LibsndfileError as error:
        raise ValueError(f"{path} is no sound file: {error}") from error
    return samples(np.ascontiguousarray(pcm[:, 0]), rate_hz)


def parse_microphone(text: str) -> Microphone:
    """``speech``, ``speech:fr``, ``tone:440``, ``tone:440:-20``, ``silence``, ``nothing``, or the path of a file."""
    kind, _, rest = text.partition(":")
    if kind == "speech":
        if rest not in ("", "en", "fr"):
            raise ValueError(f"speech:{rest}: the languages are en and fr")
        return speech(rest or "en")
    if kind == "tone":
        hz, _, dbm0 = rest.partition(":")
        try:
            return tone(float(hz), float(dbm0) if dbm0 else TONE_DBM0)
        except ValueError as error:
            raise ValueError(f"{text}: use tone:HZ or tone:HZ:DBM0, such as tone:440:-20") from error
    if text in ("silence", "nothing"):
        return quiet if text == "silence" else silent
    return file(Path(text))
