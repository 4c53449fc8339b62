"""How a recording's manifest becomes the fields Dubber has for it (research notes 8.4 and 8.5)."""

from __future__ import annotations

from datetime import UTC
from email.utils import format_datetime
from typing import Any

from callmodel.manifest import Party, RecordingManifest
from callmodel.mark_text import packed
from callmodel.subscriber import DubPointKey

NUMBER_MAX = 50
LABEL_MAX = 128
TAG_VALUE_MAX = 255
ANONYMOUS = "anonymous"
RECORDING_TAG = "recording-id"
DIGEST_TAG = "content-sha256"
MARKS_TAG = "marks-"
"""Announcements, tones, codes, pauses, holds and gaps in the form of ``callmodel/mark_text.py``: marks-01, marks-02."""
MARKS_TAGS_MAX = 30
"""Of the 50 meta tags a recording may have; enough for 2000 marks and more."""


def recording_fields(
    manifest: RecordingManifest, *, sha256: str, suffix: str, recorder: str, dub_point_id: str | None = None
) -> dict[str, Any]:
    """The body of ``POST /accounts/:id/recordings``; ``suffix`` is ``wav`` or ``mp3``, ``sha256`` of what is sent."""
    fields: dict[str, Any] = {
        "to": _number(manifest.callee),
        "from": _number(manifest.caller),
        "to_label": _text(manifest.callee.label, LABEL_MAX),
        "from_label": _text(manifest.caller.label, LABEL_MAX),
        "call_type": manifest.call_type.value,
        "recording_type": manifest.recording_type.value,
        "start_time": format_datetime(manifest.started_at.astimezone(UTC)),
        "duration": whole_seconds(manifest.duration_ms),
        "meta_tags": {
            "recording-platform": "broadworks",
            "original-filename": _text(original_filename(manifest, suffix), TAG_VALUE_MAX),
            "external-tracking-ids": _text(manifest.external_tracking_id, TAG_VALUE_MAX),
            "external-call-id": _text(manifest.external_call_id, TAG_VALUE_MAX),
            "recorder-call-id": _text(manifest.sip_call_ids[0] if manifest.sip_call_ids else "", TAG_VALUE_MAX),
            "recorder-identifier": _text(recorder, TAG_VALUE_MAX),
            RECORDING_TAG: manifest.recording_id,
            DIGEST_TAG: sha256,
            **marks_tags(manifest),
        },
        "metadata": {
            "mode": manifest.mode.value,
            "salvaged": "true" if manifest.salvaged else "false",
        },
    }
    if dub_point_id is not None:
        fields["dub_point_id"] = dub_point_id
    return fields


def marks_tags(manifest: RecordingManifest) -> dict[str, str]:
    """What happened in the recording, as meta tags; none when nothing did."""
    lines = packed(manifest.marks, longest=TAG_VALUE_MAX, most=MARKS_TAGS_MAX)
    return {f"{MARKS_TAG}{number:02d}": line for number, line in enumerate(lines, 1)}


def unidentified_fields(fields: dict[str, Any], key: DubPointKey | None) -> dict[str, Any]:
    """The body of ``POST /groups/:id/unidentified_recordings``: the same, with the key it came under."""
    if key is None:
        return fields
    return {
        **fields,
        "external_type": key.external_type,
        "service_provider": key.service_provider,
        "external_group": key.external_group,
        "external_identifier": key.external_identifier,
    }


def original_filename(manifest: RecordingManifest, suffix: str) -> str:
    """``dub_<to>_<from>_<YYYYMMDDThhmmss+0000>_<id>.wav``."""
    start = manifest.started_at.astimezone(UTC).strftime("%Y%m%dT%H%M%S+0000")
    return f"dub_{_number(manifest.callee)}_{_number(manifest.caller)}_{start}_{manifest.recording_id}.{suffix}"


def whole_seconds(duration_ms: float) -> int:
    """Rounded half up."""
    return int((duration_ms + 500) // 1000)


def _number(party: Party) -> str:
    return _text(party.number, NUMBER_MAX) or ANONYMOUS


def _text(text: str, longest: int) -> str:
    """Printable, trimmed, at most so long: what a caller put into a header must not cost the delivery."""
    return "".join(c if c.isprintable() else " " for c in text).strip()[:longest].strip()
