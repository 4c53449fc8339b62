"""What happened in a recording, as marks on its waveform in the reader's language."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from callmodel.manifest import MarkKind
from callmodel.mark_text import Marker
from webkit.formats import clock
from webkit.i18n import Translator, mark

CUT: Final = "cut"
ANNOUNCEMENTS: Final[Mapping[str, str]] = {
    "recording-started": mark("Announcement: recording started"),
    "recording-stopped": mark("Announcement: recording stopped"),
    "recording-paused": mark("Announcement: recording paused"),
    "recording-resumed": mark("Announcement: recording resumed"),
    "recording-failed-continue": mark("Announcement: recording failed, the call goes on"),
    "recording-failed-end": mark("Announcement: recording failed, the call ends"),
    "voicemail-greeting": mark("Announcement: voicemail greeting"),
}
CODES: Final[Mapping[str, str]] = {
    "start": mark("Code: start"),
    "stop": mark("Code: stop"),
    "pause": mark("Code: pause"),
    "resume": mark("Code: resume"),
    "refused": mark("Code: refused in this mode"),
}
HOLDS: Final[Mapping[str, str]] = {"on": mark("Put on hold"), "off": mark("Taken off hold")}
TONES: Final[Mapping[str, str]] = {"reminder": mark("Reminder tone"), "beep": mark("Beep")}
OTHERS: Final[Mapping[MarkKind, str]] = {
    MarkKind.ANNOUNCEMENT: mark("Announcement"),
    MarkKind.CODE: mark("Code"),
    MarkKind.HOLD: mark("On hold"),
    MarkKind.TONE: mark("Tone"),
    MarkKind.PAUSE: mark("Pause"),
    MarkKind.GAP: mark("No audio arrived"),
}
WORDS: Final[Mapping[MarkKind, Mapping[str, str]]] = {
    MarkKind.ANNOUNCEMENT: ANNOUNCEMENTS,
    MarkKind.CODE: CODES,
    MarkKind.HOLD: HOLDS,
    MarkKind.TONE: TONES,
}
OF_ONE_PARTY: Final = frozenset({MarkKind.CODE, MarkKind.HOLD, MarkKind.GAP})
"""Worth saying whose it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownMark:
    """One mark as the player draws and lists it."""

    kind: str
    label: str
    at_s: float
    until_s: float | None


def marks_of(t: Translator, markers: Iterable[Marker], names: Sequence[str]) -> tuple[ShownMark, ...]:
    """``names``: of the first and the second channel."""
    return tuple(_shown(t, marker, names) for marker in markers)


def _shown(t: Translator, marker: Marker, names: Sequence[str]) -> ShownMark:
    cut = marker.kind is MarkKind.PAUSE and marker.word == CUT
    if cut:
        label = t("Pause of %(duration)s, not in the file", duration=clock(marker.length_s))
    else:
        label = t(WORDS.get(marker.kind, {}).get(marker.word, OTHERS[marker.kind]))
    if marker.kind in OF_ONE_PARTY and marker.channel is not None:
        label = t("%(what)s – %(who)s", what=label, who=names[marker.channel - 1])
    until_s = marker.at_s + marker.length_s if marker.length_s > 0 and not cut else None
    return ShownMark(kind=marker.kind.value, label=label, at_s=marker.at_s, until_s=until_s)
