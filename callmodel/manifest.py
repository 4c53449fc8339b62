"""What is known about one finished recording: the ``manifest.json`` beside its audio.

Schema version 1. Positions are milliseconds as floats; at 8, 16 and 48 kHz a
sample is an exact fraction of a millisecond, so nothing is rounded.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from enum import StrEnum
from typing import Any, Self

from callmodel.modes import CallType, RecordingMode, RecordingResult, RecordingType
from callmodel.subscriber import DubPointKey

MANIFEST_VERSION = 1


class MarkKind(StrEnum):
    """What a mark on the recording's time line stands for."""

    PAUSE = "pause"
    GAP = "gap"
    HOLD = "hold"
    ANNOUNCEMENT = "announcement"
    TONE = "tone"
    CODE = "code"
    CODEC = "codec"
    DRIFT = "drift"
    DIGIT = "digit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """Something that happened, with its place in the file and in the call."""

    kind: MarkKind
    file_ms: float
    """From the first sample of the file. A pause that was cut out is a point in it."""
    call_ms: float
    """From the moment the call was answered."""
    length_ms: float = 0.0
    channel: int | None = None
    """1 the recorded user, 2 everyone else, None both."""
    detail: dict[str, str] = field(default_factory=dict)
    """Kind-specific facts: prompt and language, tone's Hz, code and steering channel, codec, packets lost, a pause's
    rendering (``cut``, ``silence``, ``tone``)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioFile:
    """The audio beside the manifest."""

    file: str = "audio.wav"
    sample_rate_hz: int
    channels: int = 2
    samples: int
    """Per channel."""
    size_bytes: int
    """Of the plain WAV, before encryption at rest."""
    sha256: str
    """Of the plain WAV, hexadecimal."""
    encrypted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """One end of the call as the network named it."""

    number: str
    label: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingManifest:
    """The facts of one recording. On disk it means: the audio beside it is complete."""

    version: int = MANIFEST_VERSION
    recording_id: str
    call_id: str
    user: str
    """Number of the recorded user (channel 1)."""
    mode: RecordingMode
    recording_type: RecordingType = RecordingType.RECORDING
    call_type: CallType
    result: RecordingResult = RecordingResult.SUCCESSFUL
    caller: Party
    callee: Party
    dub_point: DubPointKey | None = None
    external_tracking_id: str
    """Shared by all recordings of one call."""
    external_call_id: str
    """This user's half of the call."""
    sip_call_ids: tuple[str, ...] = ()
    answered_at: datetime
    started_at: datetime
    """UTC instant of the first sample in the file."""
    ended_at: datetime
    duration_ms: float
    """Length of the file: answered (or started) time less pauses."""
    audio: AudioFile
    heard: AudioFile | None = None
    """Four tracks: said by user, said by other, heard by user, heard by other."""
    marks: tuple[Mark, ...] = ()
    salvaged: bool = False
    """True when a crash cut it off and a later start sealed what was left."""

    def to_json(self) -> str:
        """The manifest as indented JSON text, keys in the order of the fields."""
        return json.dumps(asdict(self), indent=2, ensure_ascii=False, default=_plain) + "\n"

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Read a manifest back; ValueError names what is missing or wrong."""
        try:
            raw = json.loads(text)
            if raw["version"] != MANIFEST_VERSION:
                raise ValueError(f"manifest version {raw['version']} is not {MANIFEST_VERSION}")
            known = {f.name for f in fields(cls)}
            unknown = sorted(set(raw) - known)
            if unknown:
                raise ValueError(f"unknown manifest field {unknown[0]}")
            return cls(**{**raw, **_typed(raw)})
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"manifest is not readable: {error}") from error


def _typed(raw: dict[str, Any]) -> dict[str, Any]:
    return {
        "mode": RecordingMode(raw["mode"]),
        "recording_type": RecordingType(raw["recording_type"]),
        "call_type": CallType(raw["call_type"]),
        "result": RecordingResult(raw["result"]),
        "caller": Party(**raw["caller"]),
        "callee": Party(**raw["callee"]),
        "dub_point": DubPointKey(**raw["dub_point"]) if raw["dub_point"] else None,
        "sip_call_ids": tuple(raw["sip_call_ids"]),
        "answered_at": datetime.fromisoformat(raw["answered_at"]),
        "started_at": datetime.fromisoformat(raw["started_at"]),
        "ended_at": datetime.fromisoformat(raw["ended_at"]),
        "audio": AudioFile(**raw["audio"]),
        "heard": AudioFile(**raw["heard"]) if raw["heard"] else None,
        "marks": tuple(Mark(**{**m, "kind": MarkKind(m["kind"])}) for m in raw["marks"]),
    }


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no JSON form")
