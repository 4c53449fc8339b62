"""Where a page of recordings ended: both lists of them have the same order, newest first."""

from __future__ import annotations

from datetime import UTC, datetime

from catalog import RecordingRecord
from portals.rest.errors import refuse
from portals.rest.paging import read_cursor


def place_of(record: RecordingRecord) -> str:
    """To be made into the cursor of the page after this recording."""
    return f"{record.manifest.started_at.astimezone(UTC).isoformat()} {record.manifest.recording_id}"


def read_place(cursor: str | None) -> tuple[datetime, str] | None:
    """When the last recording of the page before began, and its id; None for the first page; RestError 400."""
    text = read_cursor(cursor)
    if not text:
        return None
    at, _, recording_id = text.partition(" ")
    try:
        return datetime.fromisoformat(at).astimezone(UTC), recording_id
    except (ValueError, OverflowError) as error:
        raise refuse(400, "was not made by this server", field="cursor") from error
