"""What was heard in a piece of audio, as values, as JSON and as text."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Levels:
    """How loud one channel is."""

    rms_dbm0: float
    """Over the whole channel."""
    active_dbm0: float
    """While something sounds (P.56 style, pauses left out)."""
    peak_dbm0: float
    """Of a sine with the channel's highest peak."""
    clipped_samples: int
    """Samples in runs of three or more at one of the largest values a coder has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tone:
    """One steady sine, its edges included."""

    hz: float
    level_dbm0: float
    """Between its edges."""
    start_ms: float
    end_ms: float

    @property
    def length_ms(self) -> float:
        """From the beginning of its rise to the end of its fall."""
        return self.end_ms - self.start_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class Digit:
    """One key press heard as its two tones (ITU-T Q.23)."""

    digit: str
    start_ms: float
    end_ms: float
    low_dbm0: float
    high_dbm0: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptHeard:
    """One announcement of the catalogue."""

    prompt: str
    language: str
    start_ms: float
    """Where its first sample lies, or would lie when its beginning is missing."""
    end_ms: float
    """Where its last sample lies, or would lie."""
    score: float
    """Normalised correlation over the parts that were heard, 0 to 1."""
    heard: float
    """Share of its length that was heard, 0 to 1."""
    moved_ms: float = 0.0
    """How much later its last part lies than its first one asks for (negative: earlier): frames put in or left out."""

    @property
    def complete(self) -> bool:
        """Heard from its first word to its last."""
        return self.heard >= 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """A span below the threshold."""

    start_ms: float
    end_ms: float
    digital: bool
    """Every sample has one and the same value: nothing was sounding at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Break:
    """A place where a continuous tone does not go on as it should: a frame lost, repeated, moved or blanked."""

    sample: int
    """First sample that does not fit."""
    at_ms: float
    missing_samples: int
    """Length of the silence there; 0 when the tone goes on at once with another phase."""
    phase_deg: float
    """How far the tone is ahead afterwards of where it should be, -180 to 180; near 0 when the time line was kept."""
    slip_ms: int | None
    """The number of whole 10 ms that explains the phase: positive when so much was left out, negative when so much was
    put in, 0 when the time line was kept, None when no step up to 60 ms fits, or two do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelReport:
    """Everything heard in one channel, each list in order of time."""

    channel: int
    """From 1."""
    levels: Levels
    tones: tuple[Tone, ...]
    digits: tuple[Digit, ...]
    prompts: tuple[PromptHeard, ...]
    silences: tuple[Silence, ...]
    breaks: tuple[Break, ...]

    @property
    def dialled(self) -> str:
        """The keys heard."""
        return "".join(digit.digit for digit in self.digits)


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalysisReport:
    """Everything heard in a file."""

    source: str
    sample_rate_hz: int
    samples: int
    channels: tuple[ChannelReport, ...]

    @property
    def duration_ms(self) -> float:
        """Length of the audio."""
        return self.samples * 1000 / self.sample_rate_hz

    def to_json(self) -> str:
        """The report as indented JSON text, keys in the order of the fields."""
        return json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n"


def render_report(report: AnalysisReport) -> str:
    """Plain text for a terminal: one line a finding, in order of time within each channel."""
    seconds = report.duration_ms / 1000
    lines = [f"{report.source}: {seconds:.3f} s, {report.sample_rate_hz} Hz, {len(report.channels)} channels"]
    for channel in report.channels:
        levels = channel.levels
        clipped = f", {levels.clipped_samples} samples clipped" if levels.clipped_samples else ""
        lines.append(
            f"channel {channel.channel}: rms {levels.rms_dbm0:.1f}, active {levels.active_dbm0:.1f}, "
            f"peak {levels.peak_dbm0:.1f} dBm0{clipped}"
        )
        lines += [f"  {_clock(start_ms)}  {text}" for start_ms, text in sorted(_findings(channel))]
    return "\n".join(lines) + "\n"


def _findings(channel: ChannelReport) -> list[tuple[float, str]]:
    found = [(t.start_ms, f"tone {t.hz:.1f} Hz, {t.level_dbm0:.1f} dBm0, {t.length_ms:.0f} ms") for t in channel.tones]
    found += [(d.start_ms, f"digit {d.digit}, {d.end_ms - d.start_ms:.0f} ms") for d in channel.digits]
    found += [
        (
            p.start_ms,
            f"prompt {p.prompt} ({p.language}), score {p.score:.2f}, {p.heard:.0%} heard"
            + (f", moved by {p.moved_ms:+.0f} ms within" if p.moved_ms else ""),
        )
        for p in channel.prompts
    ]
    found += [
        (s.start_ms, f"{'nothing at all' if s.digital else 'silence'}, {s.end_ms - s.start_ms:.0f} ms")
        for s in channel.silences
    ]
    return found + [(b.at_ms, f"break at sample {b.sample}: {_break_text(b)}") for b in channel.breaks]


def _break_text(found: Break) -> str:
    text = f"phase {found.phase_deg:+.0f} degrees"
    if found.missing_samples:
        text = f"{found.missing_samples} samples missing, {text}"
    return text if found.slip_ms is None else f"{text}, slip {found.slip_ms:+d} ms"


def _clock(ms: float) -> str:
    minutes, rest_ms = divmod(max(0.0, ms), 60_000)
    return f"{int(minutes):02}:{rest_ms / 1000:06.3f}"
