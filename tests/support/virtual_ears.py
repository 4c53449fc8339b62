"""What the server said in a call or a recording, as words and places: for whole calls in virtual time."""

from __future__ import annotations

from functools import cache
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from callbench.analysis import NO_TEMPLATES, ChannelReport, Templates, analyze, make_templates
from callbench.phone import PhoneCall
from callmodel.levels import dbm0_from_rms
from prompts import PromptLibrary, load_prompts

Pcm = NDArray[np.int16]
REFUSED = "refused"
BEEP = "beep"
_REFUSAL_BURSTS = 3
_APART_S = 0.25
"""Bursts of the refusal tone lie closer than this."""
_GAP_S = 0.5
"""Silence that parts two sounds; announcements have shorter ones inside."""
_NOTHING = 8
"""Samples up to this are nothing: A-law has no zero."""


@cache
def announcements() -> Templates:
    """The announcements of recording and voicemail; the service numbers' words are not looked for."""
    library = load_prompts()
    wanted = {
        key: sound for key, sound in library.sounds.items() if key[0].value.startswith(("recording", "voicemail"))
    }
    return make_templates(PromptLibrary(sounds=MappingProxyType(wanted)))


def listen(pcm: NDArray[Any], rate_hz: int = 8000, *, prompts: bool = True) -> ChannelReport:
    """Everything in one channel."""
    return analyze(pcm, rate_hz, templates=announcements() if prompts else NO_TEMPLATES).channels[0]


def told(pcm: Pcm, rate_hz: int = 8000, began_s: float = 0.0) -> list[tuple[str, float]]:
    """What the server said in a channel, in order of time: name and second.

    Names are ``recording-started/en`` and the like, ``refused`` for the refusal tone, ``beep`` for 1400 Hz of half a
    second, and ``437 Hz`` for any other tone.
    """
    found: list[tuple[str, float]] = []
    for first, last in islands(pcm, rate_hz):
        found += _told(pcm[first:last], rate_hz, began_s + first / rate_hz)
    return sorted(found, key=lambda item: item[1])


def islands(pcm: Pcm, rate_hz: int = 8000) -> list[tuple[int, int]]:
    """First and one-past-last sample of every stretch of sound between silences, with a margin of silence."""
    loud = np.flatnonzero(np.abs(pcm.astype(np.int32)) > _NOTHING)
    if not loud.size:
        return []
    breaks = np.flatnonzero(np.diff(loud) > _GAP_S * rate_hz)
    firsts, lasts = loud[np.concatenate([[0], breaks + 1])], loud[np.concatenate([breaks, [-1]])]
    margin = rate_hz // 10
    return [
        (max(0, int(first) - margin), min(pcm.size, int(last) + margin))
        for first, last in zip(firsts, lasts, strict=True)
    ]


def heard(call: PhoneCall) -> list[tuple[str, float]]:
    """What the server said to a party: name and seconds after the party's answer."""
    return told(call.heard.audio(), began_s=call.heard.began_at - call.answered_at)


def words(found: list[tuple[str, float]]) -> list[str]:
    """The names alone."""
    return [name for name, _ in found]


def level_of(pcm: Pcm, hz: float, rate_hz: int = 8000) -> float:
    """Level of a sine of known frequency in dBm0, by projection on it; -99 for nothing."""
    turned = np.exp(-2j * np.pi * hz * np.arange(pcm.size) / rate_hz)
    peak = 2 * abs(np.mean(pcm * turned))
    return dbm0_from_rms(float(peak) / float(np.sqrt(2)))


def tone_spans(pcm: Pcm, hz: float, rate_hz: int = 8000, *, above_dbm0: float = -40.0) -> list[tuple[float, float]]:
    """From when to when, in seconds to 10 ms, a frequency is heard."""
    block = rate_hz // 100
    count = pcm.size // block
    blocks = pcm[: count * block].reshape(count, block)
    turned = np.exp(-2j * np.pi * hz * np.arange(block) / rate_hz)
    peaks = 2 * np.abs((blocks * turned).mean(axis=1))
    sounding = np.concatenate([[False], peaks > 10 ** (above_dbm0 / 20) * 22657, [False]])
    edges = np.flatnonzero(np.diff(sounding.astype(np.int8))).reshape(-1, 2)
    return [(float(first) / 100, float(last) / 100) for first, last in edges]


def _told(pcm: Pcm, rate_hz: int, began_s: float) -> list[tuple[str, float]]:
    report = listen(pcm, rate_hz)
    found = [(f"{p.prompt}/{p.language}", began_s + p.start_ms / 1000) for p in report.prompts if p.complete]
    bursts: list[float] = []
    for tone in report.tones:
        at = began_s + tone.start_ms / 1000
        if abs(tone.hz - 400) < 1 and 95 < tone.length_ms < 105:
            bursts.append(at)
        elif abs(tone.hz - 1400) < 1 and 495 < tone.length_ms < 505:
            found.append((BEEP, at))
        else:
            found.append((f"{tone.hz:.0f} Hz", at))
    found += [(REFUSED, group[0]) for group in _grouped(bursts) if len(group) == _REFUSAL_BURSTS]
    return found


def _grouped(times: list[float]) -> list[list[float]]:
    groups: list[list[float]] = []
    for at in times:
        if groups and at - groups[-1][-1] < _APART_S:
            groups[-1].append(at)
        else:
            groups.append([at])
    return groups
