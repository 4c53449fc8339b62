"""What a call is expected to have been, as words on a command line, and the verdicts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from callbench.analysis import AnalysisReport
from callbench.one_call import CallOutcome
from prompts import PromptId

HZ_TOLERANCE: Final = 1.0
LEVEL_TOLERANCE_DB: Final = 0.5
SPEECH_DBM0: Final = -40.0
SILENCE_DBM0: Final = -60.0

HELP: Final = (
    "answered, status:486, provisional:183, tone:1004, tone:1004:0 (dBm0), prompt:recording-started, "
    "prompt:recording-started:fr, digits:123, speech, silence, duration:10 (s, within 0.2), "
    "and not:… before any of them"
)

_STATUS_WORDS: Final = {"busy": 486, "declined": 603, "unavailable": 480, "unknown": 404, "ringing": 180}


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One expectation, checked."""

    expected: str
    met: bool
    found: str


Check = Callable[[CallOutcome, AnalysisReport], tuple[bool, str]]


def parse_expectation(text: str) -> tuple[str, Check]:
    """An expectation by its words; ValueError says which words there are."""
    wanted = text.strip()
    if wanted.startswith("not:"):
        _, check = parse_expectation(wanted.removeprefix("not:"))

        def opposite(outcome: CallOutcome, report: AnalysisReport) -> tuple[bool, str]:
            met, found = check(outcome, report)
            return not met, found

        return text, opposite
    kind, _, rest = wanted.partition(":")
    if kind in _STATUS_WORDS and not rest:
        kind, rest = "status", str(_STATUS_WORDS[kind])
    maker = _MAKERS.get(kind)
    if maker is None:
        raise ValueError(f"--expect {text}: no such expectation; there are {HELP}")
    try:
        return text, maker(rest)
    except ValueError as error:
        raise ValueError(f"--expect {text}: {error}; see {HELP}") from error


def judge(outcome: CallOutcome, expectations: list[tuple[str, Check]]) -> list[Verdict]:
    """Check them all against one outcome."""
    report = outcome.listen()
    verdicts = []
    for text, check in expectations:
        met, found = check(outcome, report)
        verdicts.append(Verdict(expected=text, met=met, found=found))
    return verdicts


def _answered(rest: str) -> Check:
    return lambda outcome, report: (outcome.answered, f"status {outcome.status}")


def _status(rest: str) -> Check:
    wanted = int(rest)
    return lambda outcome, report: (outcome.status == wanted, f"status {outcome.status}")


def _provisional(rest: str) -> Check:
    wanted = int(rest)
    return lambda outcome, report: (wanted in outcome.provisional, f"provisional {list(outcome.provisional)}")


def _tone(rest: str) -> Check:
    hz_text, _, level_text = rest.partition(":")
    hz, level = float(hz_text), float(level_text) if level_text else None

    def check(outcome: CallOutcome, report: AnalysisReport) -> tuple[bool, str]:
        tones = [tone for channel in report.channels for tone in channel.tones]
        met = any(
            abs(tone.hz - hz) <= HZ_TOLERANCE and (level is None or abs(tone.level_dbm0 - level) <= LEVEL_TOLERANCE_DB)
            for tone in tones
        )
        return met, ", ".join(f"{t.hz:.1f} Hz {t.level_dbm0:.1f} dBm0" for t in tones[:5]) or "no tone"

    return check


def _prompt(rest: str) -> Check:
    name, _, language = rest.partition(":")
    if name not in set(PromptId):
        raise ValueError(f"no prompt {name!r}")

    def check(outcome: CallOutcome, report: AnalysisReport) -> tuple[bool, str]:
        heard = [prompt for channel in report.channels for prompt in channel.prompts if prompt.complete]
        met = any(p.prompt == name and language in ("", p.language) for p in heard)
        return met, ", ".join(f"{p.prompt} ({p.language}) at {p.start_ms:.0f} ms" for p in heard[:5]) or "no prompt"

    return check


def _digits(rest: str) -> Check:
    def check(outcome: CallOutcome, report: AnalysisReport) -> tuple[bool, str]:
        in_band = "".join(channel.dialled for channel in report.channels)
        return rest in (outcome.digits, in_band), f"events {outcome.digits!r}, tones {in_band!r}"

    return check


def _speech(rest: str) -> Check:
    def check(outcome: CallOutcome, report: AnalysisReport) -> tuple[bool, str]:
        level = max((channel.levels.active_dbm0 for channel in report.channels), default=-99.0)
        return bool(outcome.heard.size) and level > SPEECH_DBM0, f"active level {level:.1f} dBm0"

    return check


def _silence(rest: str) -> Check:
    def check(outcome: CallOutcome, report: AnalysisReport) -> tuple[bool, str]:
        level = max((channel.levels.rms_dbm0 for channel in report.channels), default=-99.0)
        return not outcome.heard.size or level < SILENCE_DBM0, f"level {level:.1f} dBm0"

    return check


def _duration(rest: str) -> Check:
    seconds = float(rest)
    return lambda outcome, report: (abs(outcome.duration_s - seconds) <= 0.2, f"{outcome.duration_s:.2f} s")


_MAKERS: Final[dict[str, Callable[[str], Check]]] = {
    "answered": _answered,
    "status": _status,
    "provisional": _provisional,
    "tone": _tone,
    "prompt": _prompt,
    "digits": _digits,
    "speech": _speech,
    "silence": _silence,
    "duration": _duration,
}
