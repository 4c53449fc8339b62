"""Announcements as sample arrays at the rates calls run at, the built-in ones or an installation's own.

An installation replaces an announcement by putting ``<language>/<id>.wav`` into its prompt directory: mono, 8, 16 or
48 kHz, at most 60 s; those uploaded on a page (``prompts.custom``) lie over these. A file that cannot be used is an
error, never a silent announcement in a call.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from callmodel.errors import ConfigError
from callmodel.modes import Language
from prompts.catalogue import PromptId

AUDIO_DIRECTORY: Final = Path(__file__).resolve().parent / "audio"
CALL_RATES_HZ: Final = (8000, 16000)
FILE_RATES_HZ: Final = (8000, 16000, 48000)
LONGEST_S: Final = 60
_CONTAINERS: Final = frozenset({"WAV", "WAVEX"})
_LARGEST_BYTES: Final = LONGEST_S * max(FILE_RATES_HZ) * 8 + 65536
"""60 s of 64 bit samples and a generous header."""


class PromptError(ConfigError):
    """An announcement that cannot be used: the file, what is wrong with it, and what to do."""

    reason = "prompt"


Key = tuple[PromptId, Language, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptLibrary:
    """All announcements in memory, read-only."""

    sounds: MappingProxyType[Key, NDArray[np.int16]]
    replaced: frozenset[tuple[PromptId, Language]] = frozenset()
    """Those that are not the built-in ones."""

    def audio(self, prompt: str, language: str, rate_hz: int) -> NDArray[np.int16]:
        """Shape (samples,) at 8000 or 16000 Hz; KeyError for an id, language or rate there is none of."""
        try:
            return self.sounds[PromptId(prompt), Language(language), rate_hz]
        except ValueError as error:
            raise KeyError(str(error)) from error

    def length_ms(self, prompt: str, language: str) -> float:
        """How long an announcement is, by its 16 kHz form."""
        return len(self.audio(prompt, language, 16000)) / 16


def load_prompts(
    overrides: Path | None = None, uploaded: Path | None = None, *, directory: Path = AUDIO_DIRECTORY
) -> PromptLibrary:
    """Read, check and resample every announcement; raises PromptError.

    ``overrides`` must be there when it is given; ``uploaded`` comes first, and need not be there.
    """
    chosen = {(prompt, language): path for prompt, language, path in _built_in(directory)}
    own = dict(_overrides(overrides)) if overrides is not None else {}
    if uploaded is not None and uploaded.is_dir():
        own |= dict(_overrides(uploaded))
    sounds: dict[Key, NDArray[np.int16]] = {}
    for (prompt, language), path in {**chosen, **own}.items():
        samples, rate_hz = read_prompt(path)
        for target_hz in CALL_RATES_HZ:
            sounds[prompt, language, target_hz] = _resample(samples, rate_hz, target_hz)
    return PromptLibrary(sounds=MappingProxyType(sounds), replaced=frozenset(own))


def read_prompt(path: Path) -> tuple[NDArray[np.float32], int]:
    """Samples of one channel in the range -1 to 1 and their rate; raises PromptError."""
    if path.stat().st_size > _LARGEST_BYTES:
        raise PromptError(f"{path}: larger than {LONGEST_S} s of audio can be; shorten it")
    try:
        with soundfile.SoundFile(path) as file:
            _check_form(path, file)
            samples: NDArray[np.float32] = file.read(dtype="float32")
            rate_hz: int = file.samplerate
    except soundfile.LibsndfileError as error:
        raise PromptError(f"{path}: not a readable WAV file ({error.error_string}); save it again as WAV") from error
    if not np.all(np.isfinite(samples)):
        raise PromptError(f"{path}: holds samples that are not numbers; save it again as 16 bit PCM")
    return samples, rate_hz


def _check_form(path: Path, file: soundfile.SoundFile) -> None:
    if file.format not in _CONTAINERS:
        raise PromptError(f"{path}: is {file.format}, not WAV; convert it to WAV")
    if file.channels != 1:
        raise PromptError(f"{path}: has {file.channels} channels; mix it down to one")
    if file.samplerate not in FILE_RATES_HZ:
        raise PromptError(f"{path}: is sampled at {file.samplerate} Hz; use 8000, 16000 or 48000 Hz")
    if file.frames == 0:
        raise PromptError(f"{path}: holds no sound; record it again")
    if file.frames > LONGEST_S * file.samplerate:
        raise PromptError(f"{path}: lasts {file.frames / file.samplerate:.1f} s; shorten it to at most {LONGEST_S} s")


def _resample(samples: NDArray[np.float32], rate_hz: int, target_hz: int) -> NDArray[np.int16]:
    if rate_hz != target_hz:
        samples = soxr.resample(samples, rate_hz, target_hz, quality="HQ")
    sound: NDArray[np.int16] = np.clip(np.rint(samples * 32768), -32768, 32767).astype(np.int16)
    sound.setflags(write=False)
    return sound


def _built_in(directory: Path) -> list[tuple[PromptId, Language, Path]]:
    hashes = json.loads((directory / "hashes.json").read_text(encoding="utf-8"))
    found = []
    for prompt in PromptId:
        for language in Language:
            name = f"{language}/{prompt}.wav"
            _check_intact(directory / name, hashes.get(name))
            found.append((prompt, language, directory / name))
    return found


def _check_intact(path: Path, expected: str | None) -> None:
    if expected is None or not path.is_file():
        raise PromptError(f"{path}: a built-in announcement is missing; install the program again")
    if hashlib.sha256(path.read_bytes()).hexdigest() != expected:
        raise PromptError(
            f"{path}: a built-in announcement was changed; install the program again, and put your own announcements "
            f"into a prompt directory instead"
        )


def _overrides(directory: Path) -> list[tuple[tuple[PromptId, Language], Path]]:
    if not directory.is_dir():
        raise PromptError(f"{directory}: is not a directory; create it or remove the setting")
    return [(_name_of(path, directory), path) for path in sorted(directory.rglob("*")) if path.suffix.lower() == ".wav"]


def _name_of(path: Path, directory: Path) -> tuple[PromptId, Language]:
    folder = str(path.parent.relative_to(directory))
    if folder not in set(Language):
        raise PromptError(f"{path}: announcements lie in a folder named {' or '.join(Language)}; move it there")
    if path.stem not in set(PromptId):
        raise PromptError(f"{path}: no announcement is called {path.stem}; rename it to one of {', '.join(PromptId)}")
    return PromptId(path.stem), Language(folder)
