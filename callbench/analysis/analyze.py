"""Everything together: from a file or an array to a report."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from callbench.analysis.continuity import find_breaks
from callbench.analysis.digits import find_digits
from callbench.analysis.loudness import find_silences, measure_levels
from callbench.analysis.matching import find_prompts
from callbench.analysis.report import AnalysisReport, ChannelReport
from callbench.analysis.source import AnalysisError, Floats, audio_of, read_audio
from callbench.analysis.templates import Templates, built_in_templates
from callbench.analysis.tones import find_partials, is_tone, tone_of


def analyze(
    source: Path | NDArray[Any], rate_hz: int | None = None, *, templates: Templates | None = None
) -> AnalysisReport:
    """What is heard in a WAV or FLAC file, or in an array of shape (samples,) or (samples, channels).

    An array is int16, or float on the 16 bit scale, and needs its rate. ``templates`` are the announcements to look
    for: the built-in ones unless told otherwise. Raises AnalysisError for what cannot be analysed.
    """
    if isinstance(source, Path):
        audio = read_audio(source)
    elif rate_hz is None:
        raise AnalysisError("array: needs its sample rate")
    else:
        audio = audio_of(source, rate_hz)
    wanted = built_in_templates() if templates is None else templates
    channels = tuple(
        _channel(number, samples, audio.rate_hz, wanted) for number, samples in enumerate(audio.channels, start=1)
    )
    return AnalysisReport(
        source=audio.name,
        sample_rate_hz=audio.rate_hz,
        samples=len(audio.channels[0]),
        channels=channels,
    )


def _channel(number: int, samples: Floats, rate_hz: int, templates: Templates) -> ChannelReport:
    partials = find_partials(samples, rate_hz)
    digits, rest = find_digits(samples, partials, rate_hz)
    return ChannelReport(
        channel=number,
        levels=measure_levels(samples, rate_hz),
        tones=tuple(tone_of(partial, rate_hz) for partial in rest if is_tone(partial, rate_hz)),
        digits=digits,
        prompts=find_prompts(samples, rate_hz, templates),
        silences=find_silences(samples, rate_hz),
        breaks=find_breaks(samples, rest, rate_hz),
    )
