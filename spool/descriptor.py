"""``open.json``: what is known of a recording when it starts, and what a salvage needs to seal it without its call."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Self

from callmodel.manifest import AudioFile, Mark, MarkKind, RecordingManifest
from spool.errors import CorruptError

DESCRIPTOR_VERSION = 1
_FIELDS = {"version", "kept", "pauses_cut", "facts"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Descriptor:
    """A manifest in the making."""

    version: int = DESCRIPTOR_VERSION
    facts: RecordingManifest
    """As far as it is known: its audio has a rate and channels, and no sample yet."""
    kept: bool = True
    """False while provisional: a crash destroys it."""
    pauses_cut: bool = True
    """Pauses take no time in the file."""

    def to_json(self) -> str:
        """As indented JSON text."""
        facts = json.loads(self.facts.to_json())
        known = {"version": self.version, "kept": self.kept, "pauses_cut": self.pauses_cut, "facts": facts}
        return json.dumps(known, indent=2, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Read it back; CorruptError names what is wrong."""
        try:
            raw = json.loads(text)
            if raw["version"] != DESCRIPTOR_VERSION:
                raise CorruptError(f"descriptor version {raw['version']} is not {DESCRIPTOR_VERSION}")
            unknown = sorted(set(raw) - _FIELDS)
            if unknown:
                raise CorruptError(f"unknown descriptor field {unknown[0]}")
            if not (isinstance(raw["kept"], bool) and isinstance(raw["pauses_cut"], bool)):
                raise CorruptError("descriptor: kept and pauses_cut must be true or false")
            facts = RecordingManifest.from_json(json.dumps(raw["facts"]))
            found = cls(facts=facts, kept=raw["kept"], pauses_cut=raw["pauses_cut"])
            audio = found.facts.audio
            if not (_is_count(audio.sample_rate_hz) and _is_count(audio.channels)):
                raise CorruptError("descriptor: sample_rate_hz and channels must be positive whole numbers")
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise CorruptError(f"descriptor is not readable: {error}") from error
        return found

    def salvaged(self, *, audio: AudioFile, duration_ms: float, marks: tuple[Mark, ...]) -> RecordingManifest:
        """The manifest of what a crash left of this recording."""
        paused_ms = sum(m.length_ms for m in marks if m.kind is MarkKind.PAUSE) if self.pauses_cut else 0.0
        return replace(
            self.facts,
            audio=audio,
            duration_ms=duration_ms,
            ended_at=self.facts.started_at + timedelta(milliseconds=duration_ms + paused_ms),
            marks=marks,
            salvaged=True,
        )


def _is_count(value: object) -> bool:
    return type(value) is int and value > 0
