"""``open.json``: what is known of a recording when it starts, and what a salvage needs to seal it without its call."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from datetime import datetime, timedelta
from typing import Any, Self

from callmodel.manifest import AudioFile, Mark, MarkKind, Party, RecordingManifest
from callmodel.modes import CallType, RecordingMode, RecordingResult, RecordingType
from callmodel.subscriber import DubPointKey
from spool.errors import CorruptError

DESCRIPTOR_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Descriptor:
    """The manifest's fields that are known at the start. Times are UTC-aware."""

    version: int = DESCRIPTOR_VERSION
    recording_id: str
    call_id: str
    user: str
    mode: RecordingMode
    recording_type: RecordingType = RecordingType.RECORDING
    call_type: CallType
    caller: Party
    callee: Party
    dub_point: DubPointKey | None = None
    external_tracking_id: str
    external_call_id: str
    sip_call_ids: tuple[str, ...] = ()
    answered_at: datetime
    started_at: datetime
    sample_rate_hz: int
    channels: int = 2
    kept: bool = True
    """False while provisional: a crash destroys it."""
    pauses_cut: bool = True
    """Pauses take no time in the file."""

    def to_json(self) -> str:
        """As indented JSON text."""
        return json.dumps(asdict(self), indent=2, ensure_ascii=False, default=_plain) + "\n"

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Read it back; CorruptError names what is wrong."""
        try:
            raw = json.loads(text)
            if raw["version"] != DESCRIPTOR_VERSION:
                raise CorruptError(f"descriptor version {raw['version']} is not {DESCRIPTOR_VERSION}")
            unknown = sorted(set(raw) - {f.name for f in fields(cls)})
            if unknown:
                raise CorruptError(f"unknown descriptor field {unknown[0]}")
            return cls(**{**raw, **_typed(raw)})
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise CorruptError(f"descriptor is not readable: {error}") from error

    def manifest(
        self,
        *,
        audio: AudioFile,
        heard: AudioFile | None = None,
        ended_at: datetime,
        duration_ms: float,
        marks: tuple[Mark, ...] = (),
        result: RecordingResult = RecordingResult.SUCCESSFUL,
        salvaged: bool = False,
    ) -> RecordingManifest:
        """The manifest of this recording, now that the rest is known."""
        known = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in _NOT_IN_MANIFEST}
        return RecordingManifest(
            **known,
            audio=audio,
            heard=heard,
            ended_at=ended_at,
            duration_ms=duration_ms,
            marks=marks,
            result=result,
            salvaged=salvaged,
        )

    def ended_at(self, duration_ms: float, marks: tuple[Mark, ...]) -> datetime:
        """When a file of this length came to its end, pauses included."""
        paused_ms = sum(m.length_ms for m in marks if m.kind is MarkKind.PAUSE) if self.pauses_cut else 0.0
        return self.started_at + timedelta(milliseconds=duration_ms + paused_ms)


_NOT_IN_MANIFEST = frozenset({"version", "sample_rate_hz", "channels", "kept", "pauses_cut"})


def _typed(raw: dict[str, Any]) -> dict[str, Any]:
    for name in ("sample_rate_hz", "channels"):
        if type(raw[name]) is not int or raw[name] <= 0:
            raise ValueError(f"{name} is not a positive whole number")
    return {
        "mode": RecordingMode(raw["mode"]),
        "recording_type": RecordingType(raw["recording_type"]),
        "call_type": CallType(raw["call_type"]),
        "caller": Party(**raw["caller"]),
        "callee": Party(**raw["callee"]),
        "dub_point": DubPointKey(**raw["dub_point"]) if raw["dub_point"] else None,
        "sip_call_ids": tuple(raw["sip_call_ids"]),
        "answered_at": datetime.fromisoformat(raw["answered_at"]),
        "started_at": datetime.fromisoformat(raw["started_at"]),
    }


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no JSON form")
