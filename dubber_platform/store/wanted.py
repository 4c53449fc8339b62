"""Which part of which list is wanted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

COUNT_DEFAULT = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Which part of a list is wanted."""

    count: int = COUNT_DEFAULT
    page: int = 1
    after_id: int | None = None
    before_id: int | None = None

    @property
    def offset(self) -> int:
        """Rows to pass over."""
        return (self.page - 1) * self.count


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingFilter:
    """Which recordings are wanted."""

    query: str | None = None
    number: str | None = None
    tag: str | None = None
    status: str | None = None
    """None: whatever is complete, with its audio or without."""
    recording_type: str | None = None
    dub_point_id: str | None = None
    user_id: str | None = None
    starred: bool | None = None
    tagged: bool | None = None
    since: datetime | None = None
    until: datetime | None = None
    """The first instant that is not wanted any more."""
