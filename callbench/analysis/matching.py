"""Which announcements a channel holds, from which sample on, and how much of each was heard."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from callbench.analysis.report import PromptHeard
from callbench.analysis.source import Floats
from callbench.analysis.templates import (
    COARSE_HZ,
    PIECE_S,
    TRANSFORM,
    Key,
    Piece,
    Templates,
    differenced,
    resampled,
)
from callmodel.levels import rms_from_dbm0

_QUIETEST_DBM0: Final = -60.0
_COARSE_SCORE: Final = 0.42
_SAME_START: Final = 6
"""Coarse samples (3 ms) within which pieces of one announcement agree on its beginning."""
_NEAR_S: Final = 0.005
"""How far from the coarse beginning the exact one may lie."""
_BLOCK_S: Final = 0.1
_BLOCK_SCORE: Final = 0.45
_FAINT_BLOCK: Final = 0.02
_SCORE: Final = 0.6
_LEAST_HEARD_S: Final = 0.6
"""What has to be heard of an announcement; shorter ones have to be heard nearly whole, and clearer."""
_SHORT_SCORE: Final = 0.75
_SHORT_HEARD: Final = 0.8
_MOST_CANDIDATES: Final = 2000
_ECHO: Final = 0.5
"""Share of what was heard that another announcement explains."""
_MOST_MOVED_MS: Final = 500
"""How far parts of one announcement may have been moved against each other by lost or repeated frames."""
_BOTH: Final = 0.25
"""Share of the smaller part that two of them may have in common; more, and it was heard twice."""


@dataclass(slots=True)
class _Candidate:
    key: Key
    start: int
    """Coarse sample of the channel at which the announcement would begin."""
    evidence: float


@dataclass(frozen=True, slots=True)
class _Finding:
    heard: PromptHeard
    key: Key
    present: NDArray[np.bool_]
    """For each block in which the announcement sounds: it was heard."""

    @property
    def weight(self) -> float:
        """How much of the channel it explains, and how well."""
        return self.heard.score**4 * self.heard.heard * (self.heard.end_ms - self.heard.start_ms)


def find_prompts(samples: Floats, rate_hz: int, templates: Templates) -> tuple[PromptHeard, ...]:
    """Every announcement heard in a channel, in order of time."""
    if not templates.pieces:
        return ()
    fine_hz = 8000 if rate_hz < 16000 else 16000
    fine = differenced(resampled(samples, rate_hz, fine_hz))
    coarse = differenced(resampled(samples, rate_hz, COARSE_HZ))
    found = [_examine(fine, fine_hz, candidate, templates) for candidate in _candidates(coarse, templates)]
    return _without_echoes([one for one in found if one is not None], fine_hz, templates)


def _candidates(coarse: Floats, templates: Templates) -> list[_Candidate]:
    """Where pieces correlate, by overlap-save blocks; pieces that agree on a beginning add up."""
    pad = round(PIECE_S * COARSE_HZ)
    padded = np.pad(coarse, pad)
    energy = np.concatenate([[0.0], np.cumsum(np.square(padded, dtype=np.float64))])
    step = TRANSFORM - pad
    floor = rms_from_dbm0(_QUIETEST_DBM0) ** 2
    found: dict[Key, list[_Candidate]] = {}
    for first in range(0, len(padded), step):
        block = padded[first : first + TRANSFORM]
        if float(np.square(block).max(initial=0.0)) > floor:
            spectrum = np.fft.rfft(block, TRANSFORM).astype(np.complex64)
            _search_block(spectrum, energy, first, min(step, len(padded) - first), templates, floor, found)
    for candidate in (one for group in found.values() for one in group):
        candidate.start -= pad
    ranked = sorted((one for group in found.values() for one in group), key=lambda c: -c.evidence)
    return ranked[:_MOST_CANDIDATES]


def _search_block(
    spectrum: NDArray[np.complex64],
    energy: NDArray[np.float64],
    first: int,
    count: int,
    templates: Templates,
    floor: float,
    found: dict[Key, list[_Candidate]],
) -> None:
    places = first + np.arange(count)
    norms: dict[int, NDArray[np.float32]] = {}
    for piece, row in zip(templates.pieces, templates.spectra, strict=True):
        if piece.length not in norms:
            ends = np.minimum(places + piece.length, len(energy) - 1)
            local = energy[ends] - energy[places]
            norms[piece.length] = np.sqrt(local + floor * piece.length).astype(np.float32)
        correlation = np.fft.irfft(spectrum * row, TRANSFORM)[:count]
        score = correlation / norms[piece.length]
        limit = _COARSE_SCORE * piece.norm
        if score.max() > limit:
            _note((score / piece.norm).astype(np.float64), first, piece, found)


def _note(score: NDArray[np.float64], first: int, piece: Piece, found: dict[Key, list[_Candidate]]) -> None:
    """Keep the local peaks of one piece's scores."""
    apart = min(piece.length, round(0.1 * COARSE_HZ))
    high = np.flatnonzero(score > _COARSE_SCORE)
    for group in np.split(high, np.flatnonzero(np.diff(high) > apart) + 1):
        place = int(group[score[group].argmax()])
        start = first + place - piece.offset
        weight = float(score[place]) ** 2 * piece.length
        group_of_key = found.setdefault(piece.key, [])
        for candidate in group_of_key:
            if abs(candidate.start - start) <= _SAME_START:
                candidate.evidence += weight
                break
        else:
            group_of_key.append(_Candidate(piece.key, start, weight))


def _examine(fine: Floats, rate_hz: int, candidate: _Candidate, templates: Templates) -> _Finding | None:
    """The exact beginning at the fine rate, then how much of the announcement is there."""
    template = templates.exact(candidate.key, rate_hz)
    near = round(_NEAR_S * rate_hz)
    rough = candidate.start * (rate_hz // COARSE_HZ)
    stretch = _cut(fine, rough - near, rough + near + len(template))
    lag = _best_lag(stretch, template, 2 * near)
    part = stretch[round(lag) : round(lag) + len(template)]
    scores, weights = _block_scores(part, template, round(_BLOCK_S * rate_hz))
    present = scores > _BLOCK_SCORE
    heard = float(present.sum() / len(scores))
    if not present.any():
        return None
    dot, own, other = weights[present].sum(axis=0)
    score = float(dot / np.sqrt(max(own * other, 1e-9)))
    seconds = len(template) / rate_hz
    if not _enough(score, heard, seconds):
        return None
    start_ms = (rough - near + lag) * 1000 / rate_hz
    prompt, language = candidate.key
    found = PromptHeard(
        prompt=prompt.value,
        language=language.value,
        start_ms=start_ms,
        end_ms=start_ms + seconds * 1000,
        score=min(1.0, score),
        heard=heard,
    )
    return _Finding(found, candidate.key, present)


def _enough(score: float, heard: float, seconds: float) -> bool:
    if heard * seconds >= _LEAST_HEARD_S:
        return score >= _SCORE
    return score >= _SHORT_SCORE and heard >= _SHORT_HEARD


def _cut(samples: Floats, first: int, last: int) -> Floats:
    """Samples first to last, silence where there are none."""
    inside = samples[max(0, first) : max(0, last)]
    return np.pad(inside, (max(0, -first), max(0, last - max(0, first) - len(inside)) - max(0, min(0, last))))


def _best_lag(stretch: Floats, template: Floats, most: int) -> float:
    """Where in the stretch the template fits best, between samples by a parabola."""
    size = 1 << (len(stretch) - 1).bit_length()
    spectrum = np.fft.rfft(stretch, size) * np.conj(np.fft.rfft(template, size))
    values = np.fft.irfft(spectrum, size)[: most + 1].astype(np.float64)
    best = int(values.argmax())
    if not 0 < best < most:
        return float(best)
    below, at, above = values[best - 1 : best + 2]
    return best + float(0.5 * (below - above) / (below - 2 * at + above))


def _block_scores(part: Floats, template: Floats, length: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """For each block in which the announcement sounds: its correlation, and (product, own power, other power)."""
    count = max(1, round(len(template) / length))
    bounds = np.linspace(0, len(template), count + 1).astype(int)[:-1]
    products = [
        np.add.reduceat(a.astype(np.float64) * b, bounds) for a, b in ((part, template), (template,) * 2, (part,) * 2)
    ]
    weights = np.stack(products, axis=1)
    sounding = weights[:, 1] > _FAINT_BLOCK * weights[:, 1].mean()
    weights = weights[sounding]
    return weights[:, 0] / np.sqrt(np.maximum(weights[:, 1] * weights[:, 2], 1e-9)), weights


def _without_echoes(found: list[_Finding], rate_hz: int, templates: Templates) -> tuple[PromptHeard, ...]:
    """Drop what is only an echo: words that a better finding says just there, or the same one found twice.

    Announcements that lie over each other and are not alike there (one over the talking test party) all stay.
    """
    kept: list[_Finding] = []
    for one in sorted(found, key=lambda f: -f.weight):
        if not any(_is_echo(one, other, rate_hz, templates) for other in kept):
            kept.append(one)
    return tuple(sorted((one.heard for one in _joined(kept)), key=lambda p: p.start_ms))


def _joined(found: list[_Finding]) -> list[_Finding]:
    """Parts of one announcement that a jitter buffer has moved against each other, as one."""
    whole: list[_Finding] = []
    for one in sorted(found, key=lambda f: int(np.argmax(f.present))):
        for at, other in enumerate(whole):
            if _goes_on(one, other):
                whole[at] = _put_together(other, one)
                break
        else:
            whole.append(one)
    return whole


def _goes_on(later: _Finding, earlier: _Finding) -> bool:
    if later.key != earlier.key or abs(later.heard.start_ms - earlier.heard.start_ms) > _MOST_MOVED_MS:
        return False
    both = int((later.present & earlier.present).sum())
    return both <= _BOTH * min(int(later.present.sum()), int(earlier.present.sum()))


def _put_together(earlier: _Finding, later: _Finding) -> _Finding:
    present = earlier.present | later.present
    counts = np.array([earlier.present.sum(), later.present.sum()])
    heard = PromptHeard(
        prompt=earlier.heard.prompt,
        language=earlier.heard.language,
        start_ms=earlier.heard.start_ms,
        end_ms=later.heard.end_ms,
        score=float(np.average([earlier.heard.score, later.heard.score], weights=counts)),
        heard=float(present.mean()),
        moved_ms=later.heard.end_ms - earlier.heard.end_ms + earlier.heard.moved_ms,
    )
    return _Finding(heard, earlier.key, present)


def _is_echo(one: _Finding, other: _Finding, rate_hz: int, templates: Templates) -> bool:
    """What was heard of ``one`` sounds like what ``other`` says at that time."""
    if min(one.heard.end_ms, other.heard.end_ms) <= max(one.heard.start_ms, other.heard.start_ms):
        return False
    own, longer = templates.exact(one.key, rate_hz), templates.exact(other.key, rate_hz)
    first = round((one.heard.start_ms - other.heard.start_ms) * rate_hz / 1000)
    near = round(_NEAR_S * rate_hz)
    there = _cut(longer, first - near, first + near + len(own))
    lag = round(_best_lag(there, own, 2 * near))
    scores, _ = _block_scores(there[lag : lag + len(own)], own, round(_BLOCK_S * rate_hz))
    return float(np.mean(scores[one.present] > _BLOCK_SCORE)) > _ECHO
