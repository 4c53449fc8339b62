"""Tones as numbers: the notification beep, the refusal tone, and the reminder tone of each country.

A recorder tone is 1400 Hz nearly everywhere; countries differ in the length of the burst and in its repetition
(FS-1037C; the tone tables telephony servers ship). All have 10 ms raised-cosine edges inside their length.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from callmodel.modes import TonePreset

EDGE_MS: Final = 10
RECORDER_HZ: Final = 1400.0
TONE_LEVEL_DBM0: Final = -18.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Tone:
    """``bursts`` times ``on_ms`` of a sine, with ``off_ms`` of silence between them."""

    hz: float
    on_ms: int
    off_ms: int = 0
    bursts: int = 1
    level_dbm0: float = TONE_LEVEL_DBM0

    @property
    def length_ms(self) -> int:
        """From the first sample of the first burst to the last of the last."""
        return self.bursts * self.on_ms + (self.bursts - 1) * self.off_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class ReminderPreset:
    """One country's recorder tone, and how often it sounds there when nobody set an interval."""

    tone: Tone
    interval_s: int = 15


BEEP: Final = Tone(hz=RECORDER_HZ, on_ms=500)
"""Pause and resume notification."""

REFUSAL: Final = Tone(hz=400.0, on_ms=100, off_ms=100, bursts=3)
"""A code that does not fit."""

VOICEMAIL_BEEP: Final = Tone(hz=1000.0, on_ms=400)
"""Leave your message now; another pitch than the recorder tone, so that nobody mistakes one for the other."""

_LONG: Final = ReminderPreset(tone=BEEP)
_MEDIUM: Final = ReminderPreset(tone=Tone(hz=RECORDER_HZ, on_ms=425))
_SHORT: Final = ReminderPreset(tone=Tone(hz=RECORDER_HZ, on_ms=80))

REMINDERS: Final[Mapping[TonePreset, ReminderPreset]] = MappingProxyType(
    {
        TonePreset.US: _LONG,
        TonePreset.FR: _LONG,
        TonePreset.UK: ReminderPreset(tone=BEEP, interval_s=10),
        TonePreset.DE: _SHORT,
        TonePreset.CH: _SHORT,
        TonePreset.DK: _SHORT,
        TonePreset.BG: _MEDIUM,
        TonePreset.NZ: _MEDIUM,
    }
)
"""By country, as the setting ``tone_preset`` names it."""

DEFAULT_REMINDER: Final = REMINDERS[TonePreset.US]
