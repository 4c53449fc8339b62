"""What is heard in a recording: tones, announcements, key presses, silences, breaks and levels, by measuring it."""

from callbench.analysis.analyze import analyze
from callbench.analysis.report import (
    AnalysisReport,
    Break,
    ChannelReport,
    Digit,
    Levels,
    PromptHeard,
    Silence,
    Tone,
    render_report,
)
from callbench.analysis.source import AnalysisError
from callbench.analysis.templates import NO_TEMPLATES, Templates, built_in_templates, make_templates

__all__ = [
    "NO_TEMPLATES",
    "AnalysisError",
    "AnalysisReport",
    "Break",
    "ChannelReport",
    "Digit",
    "Levels",
    "PromptHeard",
    "Silence",
    "Templates",
    "Tone",
    "analyze",
    "built_in_templates",
    "make_templates",
    "render_report",
]
