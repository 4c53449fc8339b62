"""The announcements of the catalogue, prepared for being looked for.

Looking is done at 2 kHz on pieces of at most 1.5 s, so that an announcement that was cut off or talked over is still
found by the pieces that are left. Everything is differenced first: the strong low voice parts, alike in all speech,
then say less than what tells one sentence from another.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from types import MappingProxyType
from typing import Final

import numpy as np
import soxr
from numpy.typing import NDArray

from callbench.analysis.source import Floats
from callmodel.modes import Language
from prompts import PromptId, PromptLibrary, load_prompts

COARSE_HZ: Final = 2000
PIECE_S: Final = 1.5
TRANSFORM: Final = 8192
_DIFFERENCE: Final = 0.9
_FAINT: Final = 0.05
"""A piece with less than this share of its announcement's mean power is a pause, and matches any pause."""

Key = tuple[PromptId, Language]
Spectra = NDArray[np.complex64]


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of an announcement at the coarse rate."""

    key: Key
    offset: int
    """Samples from the announcement's beginning."""
    length: int
    norm: float


@dataclass(frozen=True, slots=True)
class Templates:
    """All pieces and their conjugate spectra, shape (pieces, TRANSFORM / 2 + 1)."""

    library: PromptLibrary
    pieces: tuple[Piece, ...]
    spectra: Spectra

    def exact(self, key: Key, rate_hz: int) -> Floats:
        """A whole announcement at 8 or 16 kHz, differenced."""
        return differenced(self.library.audio(*key, rate_hz).astype(np.float32))


def differenced(samples: Floats) -> Floats:
    """x(n) - 0.9 x(n - 1)."""
    out = samples.copy()
    out[1:] -= np.float32(_DIFFERENCE) * samples[:-1]
    return out


def resampled(samples: Floats, rate_hz: int, target_hz: int) -> Floats:
    """The same at another rate."""
    if rate_hz == target_hz:
        return samples
    return np.asarray(soxr.resample(samples, rate_hz, target_hz, quality="HQ"), np.float32)


NO_TEMPLATES: Final = Templates(
    PromptLibrary(sounds=MappingProxyType({})), (), np.zeros((0, TRANSFORM // 2 + 1), np.complex64)
)
"""For an analysis that does not look for announcements, which is most of its work."""


@lru_cache(maxsize=1)
def built_in_templates() -> Templates:
    """Of the announcements that come with the program; made once."""
    return make_templates(load_prompts())


def make_templates(library: PromptLibrary) -> Templates:
    """Of any library: an installation's own announcements are found as well."""
    pieces: list[Piece] = []
    rows: list[Spectra] = []
    for prompt, language, rate_hz in library.sounds:
        if rate_hz == 8000:
            whole = differenced(resampled(library.audio(prompt, language, 8000).astype(np.float32), 8000, COARSE_HZ))
            for piece, sound in _pieces((prompt, language), whole):
                pieces.append(piece)
                rows.append(np.conj(np.fft.rfft(sound, TRANSFORM)).astype(np.complex64))
    return Templates(library, tuple(pieces), np.stack(rows))


def _pieces(key: Key, whole: Floats) -> list[tuple[Piece, Floats]]:
    count = max(1, -(-len(whole) // round(PIECE_S * COARSE_HZ)))
    bounds = np.linspace(0, len(whole), count + 1).astype(int)
    mean_power = float(np.mean(np.square(whole)))
    found = []
    for first, last in pairwise(bounds):
        sound = whole[first:last]
        norm = float(np.linalg.norm(sound))
        if norm**2 > _FAINT * mean_power * len(sound):
            found.append((Piece(key, int(first), len(sound), norm), sound))
    return found
