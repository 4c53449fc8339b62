"""Marks as short texts, for places that keep a few strings beside a recording and no more.

One mark is ``<letter><seconds>``, then ``+<length in seconds>``, ``/<channel>`` and ``:<word>`` where there are any:
``a0.25+3.1:recording_started`` an announcement, ``c12.5/1:pause`` an accepted code, ``p14+20:cut`` a pause that was
cut out. Marks are parted by spaces. Unknown letters are left out when read, so that there may be more one day.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from callmodel.manifest import Mark, MarkKind

LETTERS: Mapping[MarkKind, str] = {
    MarkKind.CODE: "c",
    MarkKind.PAUSE: "p",
    MarkKind.ANNOUNCEMENT: "a",
    MarkKind.HOLD: "h",
    MarkKind.GAP: "g",
    MarkKind.TONE: "t",
}
"""Most telling first: when room is short, the last are left out. Other kinds are of use to technicians only."""
KINDS = {letter: kind for kind, letter in LETTERS.items()}
WORD_MAX = 32
MARK_MAX = 57
"""Characters of the longest mark there can be."""

_MARK = re.compile(
    r"([a-z])([0-9]{1,7}(?:\.[0-9]{1,2})?)"
    r"(?:\+([0-9]{1,7}(?:\.[0-9]{1,2})?))?(?:/([12]))?(?::([A-Za-z0-9*#_.-]{1,32}))?",
    re.ASCII,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Marker:
    """One mark as it can be shown on a waveform."""

    kind: MarkKind
    at_s: float
    """In the file."""
    length_s: float = 0.0
    """Of what happened; of a pause that was cut out there is nothing in the file."""
    channel: int | None = None
    """1 the recorded user, 2 everyone else, None both."""
    word: str = ""
    """Which announcement or command, ``on`` or ``off`` of a hold, ``reminder`` of a tone, ``cut`` of a pause."""


def packed(marks: Iterable[Mark], *, longest: int, most: int) -> list[str]:
    """At most ``most`` texts of at most ``longest`` characters, in order of time; ``LETTERS`` tells what goes first."""
    order = list(LETTERS)
    wanted = sorted((mark for mark in marks if mark.kind in LETTERS), key=lambda mark: order.index(mark.kind))
    # a line's end may be too short for the next mark, so that much of each is not counted on
    room, kept = most * (longest - MARK_MAX), []
    for mark in wanted:
        text = _text(mark)
        if text is not None and len(text) + 1 <= room:
            room -= len(text) + 1
            kept.append((mark.file_ms, text))
    lines: list[str] = []
    for _, text in sorted(kept):
        if lines and len(lines[-1]) + 1 + len(text) <= longest:
            lines[-1] += " " + text
        else:
            lines.append(text)
    return lines[:most]


def unpacked(texts: Iterable[str]) -> tuple[Marker, ...]:
    """The marks of some texts; what is not well formed is left out."""
    found = (_MARK.fullmatch(item) for text in texts for item in text.split(" "))
    markers = (
        Marker(
            kind=KINDS[match[1]],
            at_s=float(match[2]),
            length_s=float(match[3] or 0),
            channel=int(match[4]) if match[4] else None,
            word=match[5] or "",
        )
        for match in found
        if match and match[1] in KINDS
    )
    return tuple(sorted(markers, key=lambda marker: marker.at_s))


def _text(mark: Mark) -> str | None:
    text = LETTERS[mark.kind] + _seconds(mark.file_ms)
    if mark.length_ms >= 10:
        text += "+" + _seconds(mark.length_ms)
    if mark.channel is not None:
        text += f"/{mark.channel}"
    word = re.sub(r"[^A-Za-z0-9*#_.-]", "_", _word(mark))[:WORD_MAX]
    text += f":{word}" if word else ""
    return text if _MARK.fullmatch(text) else None


def _seconds(ms: float) -> str:
    return f"{max(ms, 0.0) / 1000:.2f}".rstrip("0").rstrip(".")


def _word(mark: Mark) -> str:
    detail = mark.detail
    if mark.kind is MarkKind.PAUSE:
        return "cut" if detail.get("rendering") == "cut" else ""
    if mark.kind is MarkKind.CODE:
        return detail.get("command", "") if detail.get("accepted", "true") == "true" else "refused"
    if mark.kind is MarkKind.HOLD:
        return detail.get("state", "")
    if mark.kind is MarkKind.TONE:
        return "reminder" if detail.get("reminder") else "beep"
    return detail.get("prompt", "")
