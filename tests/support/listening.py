"""What is in a channel, block by block: the questions that tests with real phones ask of sound."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from callbench.analysis import NO_TEMPLATES, AnalysisReport, Tone, analyze
from callmodel.levels import RMS_0_DBM0

Samples = NDArray[np.int16]

BLOCK_S = 0.1


def channels_of(path: Path) -> tuple[list[Samples], int]:
    """Each channel's samples, and the rate."""
    samples, rate = soundfile.read(path, dtype="int16", always_2d=True)
    return [np.ascontiguousarray(samples[:, index]) for index in range(samples.shape[1])], int(rate)


def levels(channel: Samples, rate_hz: int, hz: float) -> NDArray[np.float64]:
    """Level in dBm0 of one frequency in each tenth of a second (Hann window, so others 20 Hz away hardly count)."""
    size = int(rate_hz * BLOCK_S)
    blocks = channel[: len(channel) // size * size].reshape(-1, size).astype(np.float64)
    window = np.hanning(size)
    probe = window * np.exp(-2j * np.pi * hz * np.arange(size) / rate_hz)
    peak = np.abs(blocks @ probe) * 2 / window.sum()
    return np.asarray(20 * np.log10(np.maximum(peak / np.sqrt(2), 1e-3) / RMS_0_DBM0))


def share_with(channel: Samples, rate_hz: int, hz: float, level_dbm0: float = -12.0, within_db: float = 1.0) -> float:
    """In what share of all tenths of a second a tone sounds at its level."""
    found = levels(channel, rate_hz, hz)
    return float(np.mean(np.abs(found - level_dbm0) <= within_db)) if len(found) else 0.0


def loudest(channel: Samples, rate_hz: int, hz: float) -> float:
    """The highest level that one frequency has in any tenth of a second, dBm0."""
    return float(levels(channel, rate_hz, hz).max(initial=-99.0))


def spans(channel: Samples, rate_hz: int, hz: float, *, above_dbm0: float = -28.0) -> list[tuple[float, float]]:
    """From when to when a frequency sounds, in ms, to about 10 ms; a frame that a phone lost or repeated parts nothing.

    Other tones must be 180 Hz or more away.
    """
    size, hop = rate_hz // 50, rate_hz // 100
    if len(channel) < size:
        return []
    blocks = np.lib.stride_tricks.sliding_window_view(channel.astype(np.float64), size)[::hop]
    window = np.hanning(size)
    probe = window * np.exp(-2j * np.pi * hz * np.arange(size) / rate_hz)
    peak = np.abs(blocks @ probe) * 2 / window.sum()
    on = np.flatnonzero(peak / np.sqrt(2) > RMS_0_DBM0 * 10 ** (above_dbm0 / 20))
    found: list[tuple[float, float]] = []
    for index in on:
        start_ms, end_ms = index * 10.0 + 5.0, index * 10.0 + 15.0
        if found and start_ms - found[-1][1] <= 30:
            found[-1] = (found[-1][0], end_ms)
        else:
            found.append((start_ms, end_ms))
    return [(start_ms, end_ms) for start_ms, end_ms in found if end_ms - start_ms >= 30]


def heard_spans(path: Path, hz: float) -> list[tuple[float, float]]:
    """``spans`` of the first channel of a file."""
    channels, rate = channels_of(path)
    return spans(channels[0], rate, hz)


def listen(path: Path, *, prompts: bool = False) -> AnalysisReport:
    """The analysis report of a file; looking for announcements takes longest, so only when asked for."""
    return analyze(path) if prompts else analyze(path, templates=NO_TEMPLATES)


def bursts(report: AnalysisReport, hz: float, channel: int = 1, within_hz: float = 2.0) -> list[Tone]:
    """Tones of a frequency in a channel."""
    return [tone for tone in report.channels[channel - 1].tones if abs(tone.hz - hz) <= within_hz]


def prompts_of(report: AnalysisReport, channel: int = 1, least: float = 0.95) -> list[tuple[str, str]]:
    """Announcements in a channel of which so much was heard, in order of time, with their language."""
    return [(heard.prompt, heard.language) for heard in report.channels[channel - 1].prompts if heard.heard >= least]
