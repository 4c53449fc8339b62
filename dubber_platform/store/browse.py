"""The list of recordings: newest call first, narrowed down and searched, a page at a time."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from sqlalchemy import Select, and_, func, or_, select
from sqlalchemy.orm import Session
from sqlalchemy.sql.elements import ColumnElement

from dubber_platform.store.companions import SearchText, TeamReach
from dubber_platform.store.refused import RefusedError, Why
from dubber_platform.store.rows import RecordingRow, rows_of
from dubber_platform.store.schema import Recording, Tag
from dubber_platform.store.search import holds, indexed
from dubber_platform.store.teams import team_of
from dubber_platform.store.visibility import ACTIVE, DO_NOT_RECORD, Viewer, placed, unplaced
from dubber_platform.store.words import terms_of

PAGE_ROWS = 50
COUNT_MAX = 10_000
"""Totals are counted up to here."""
WALK_ROWS = 3000
"""The newest recordings are looked through one by one for a search, before the index is asked."""
INDEX_MAX = 10_000_000
MINE, ALL = "mine", "all"
_CURSOR = re.compile(r"(-?[0-9]{1,18})\.([0-9]{1,18})", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Kind(StrEnum):
    """The filter tabs."""

    ALL = "all"
    RECORDINGS = "recordings"
    VOICEMAILS = "voicemails"
    TAGGED = "tagged"
    STARRED = "starred"


KINDS: Mapping[Kind, ColumnElement[bool]] = {
    Kind.RECORDINGS: Recording.recording_type == "recording",
    Kind.VOICEMAILS: Recording.recording_type == "voicemail",
    Kind.TAGGED: Recording.tagged.is_(True),
    Kind.STARRED: Recording.starred.is_(True),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """A place between two rows of the list; as text it goes into an address."""

    start: datetime
    recording_id: int

    def __str__(self) -> str:
        """Microseconds since 1970, a point, the recording's id."""
        return f"{(self.start - _EPOCH) // _MICROSECOND}.{self.recording_id}"

    @classmethod
    def of(cls, text: str, field: str) -> Cursor:
        """Read back; RefusedError names ``field``."""
        found = _CURSOR.fullmatch(text)
        try:
            if found is not None:
                return cls(start=_EPOCH + int(found[1]) * _MICROSECOND, recording_id=int(found[2]))
        except OverflowError:
            pass
        raise RefusedError(Why.MALFORMED, field)


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """What the list is narrowed to; everything can be combined."""

    text: str = ""
    kind: Kind = Kind.ALL
    dub_point_id: str | None = None
    user_id: str | None = None
    scope: str = ALL
    """``mine``, ``all``, or the id of a team."""
    start: datetime | None = None
    """The first instant that is wanted."""
    end: datetime | None = None
    """The first instant that is not wanted any more."""
    tag: str | None = None
    unidentified: bool = False
    """Instead: what the viewer's groups could not place."""
    after: str | None = None
    """A cursor: only what comes below it, that is older recordings."""
    before: str | None = None
    """A cursor: only what comes above it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page of the list."""

    rows: tuple[RecordingRow, ...]
    terms: tuple[str, ...]
    """What was looked for, folded."""
    next: str | None
    """Cursor for ``Filter.after``; None on the last page."""
    previous: str | None
    """Cursor for ``Filter.before``; None on the first page."""
    total: int | None
    """Of all pages, at most ``COUNT_MAX``; None when counting would cost too much."""
    more_than_total: bool
    """There are more than ``total``."""


def browse(session: Session, viewer: Viewer, wanted: Filter, *, rows: int = PAGE_ROWS) -> Page:
    """One page of what the viewer may see; RefusedError names a cursor or scope that is none."""
    terms = terms_of(wanted.text)
    conditions = _conditions(session, viewer, wanted)
    backwards = wanted.before is not None and wanted.after is None
    bounded = [*conditions, *_bounds(wanted)]
    only_punctuation = bool(wanted.text.strip()) and not terms
    found = [] if only_punctuation else _ids(session, bounded, terms, rows + 1, backwards)
    more, found = len(found) > rows, found[:rows]
    if backwards:
        found.reverse()
    above, below = (more, True) if backwards else (wanted.after is not None, more)
    total, capped = _total(session, conditions, terms, found, is_all=not (above or below))
    shown = rows_of(session, viewer, [recording_id for recording_id, _ in found], terms)
    return Page(
        rows=shown,
        terms=terms,
        next=_cursor(found[-1]) if found and below else None,
        previous=_cursor(found[0]) if found and above else None,
        total=total,
        more_than_total=capped,
    )


def beside(session: Session, viewer: Viewer, wanted: Filter, place: Cursor) -> tuple[int | None, int | None]:
    """Ids of the recordings right above and right below a place in the list; its cursors are not looked at."""
    terms = terms_of(wanted.text)
    if wanted.text.strip() and not terms:
        return None, None
    conditions = _conditions(session, viewer, wanted)
    newer, older = _bounds(Filter(before=str(place))), _bounds(Filter(after=str(place)))
    above = _ids(session, [*conditions, *newer], terms, 1, backwards=True)
    below = _ids(session, [*conditions, *older], terms, 1, backwards=False)
    return (above[0][0] if above else None), (below[0][0] if below else None)


def unidentified(session: Session, viewer: Viewer, wanted: Filter | None = None) -> Page:
    """What the viewer's groups could not place, newest first; empty without group authentication."""
    given = wanted or Filter()
    return browse(session, viewer, Filter(text=given.text, unidentified=True, after=given.after, before=given.before))


def _conditions(session: Session, viewer: Viewer, wanted: Filter) -> list[ColumnElement[bool]]:
    whose = unplaced(viewer) if wanted.unidentified else placed(viewer)
    found = [whose, Recording.status.in_((ACTIVE, DO_NOT_RECORD)), *_scope(session, viewer, wanted.scope)]
    if wanted.kind in KINDS:
        found.append(KINDS[wanted.kind])
    if wanted.dub_point_id is not None:
        found.append(Recording.dub_point_id == wanted.dub_point_id)
    if wanted.user_id is not None:
        found.append(Recording.user_id == wanted.user_id)
    if wanted.start is not None:
        found.append(Recording.start_time >= wanted.start)
    if wanted.end is not None:
        found.append(Recording.start_time < wanted.end)
    if wanted.tag is not None:
        found.append(Recording.id.in_(select(Tag.recording_id).where(Tag.tag == wanted.tag)))
    return found


def _scope(session: Session, viewer: Viewer, scope: str) -> list[ColumnElement[bool]]:
    if scope == ALL:
        return []
    if scope == MINE:
        return [Recording.user_id == viewer.user_id]
    team = team_of(session, viewer, scope, field="scope")
    reach = select(TeamReach.user_id).where(TeamReach.team_id == team.id)
    return [Recording.account_id == team.account_id, Recording.user_id.in_(reach)]


def _bounds(wanted: Filter) -> list[ColumnElement[bool]]:
    if wanted.after is not None:
        cursor = Cursor.of(wanted.after, "after")
        older = and_(Recording.start_time == cursor.start, Recording.id < cursor.recording_id)
        return [Recording.start_time <= cursor.start, or_(Recording.start_time < cursor.start, older)]
    if wanted.before is not None:
        cursor = Cursor.of(wanted.before, "before")
        newer = and_(Recording.start_time == cursor.start, Recording.id > cursor.recording_id)
        return [Recording.start_time >= cursor.start, or_(Recording.start_time > cursor.start, newer)]
    return []


Found = tuple[int, datetime]


def _ids(
    session: Session, conditions: Sequence[ColumnElement[bool]], terms: Sequence[str], count: int, backwards: bool
) -> list[Found]:
    """The first ids in the order of the list (the other way round when ``backwards``)."""
    ordered = _in_order(_places(conditions), backwards)
    if not terms:
        return _pairs(session, ordered.limit(count))
    walked = ordered.limit(WALK_ROWS).subquery()
    looked = (
        select(walked.c.id, walked.c.start_time)
        .join(SearchText, SearchText.recording_id == walked.c.id)
        .where(*holds(terms))
        .limit(count)
    )
    looked = (
        looked.order_by(walked.c.start_time, walked.c.id)
        if backwards
        else looked.order_by(walked.c.start_time.desc(), walked.c.id.desc())
    )
    near = _pairs(session, looked)
    if len(near) == count or _count(session, ordered, WALK_ROWS) < WALK_ROWS:
        return near
    return _pairs(session, _in_order(_searched(session, conditions, terms), backwards).limit(count))


def _places(conditions: Iterable[ColumnElement[bool]]) -> Select[int, datetime]:
    return select(Recording.id, Recording.start_time).where(*conditions)


def _searched(
    session: Session, conditions: Iterable[ColumnElement[bool]], terms: Sequence[str]
) -> Select[int, datetime]:
    index = indexed(session.get_bind().dialect.name, terms)
    # the limit excludes nothing; it keeps SQLite from looking through the account's recordings instead
    held = select(SearchText.recording_id).where(SearchText.recording_id.in_(index), *holds(terms)).limit(INDEX_MAX)
    found = held.subquery()
    return _places(conditions).join(found, found.c.recording_id == Recording.id)


def _in_order(statement: Select[int, datetime], backwards: bool) -> Select[int, datetime]:
    if backwards:
        return statement.order_by(Recording.start_time, Recording.id)
    return statement.order_by(Recording.start_time.desc(), Recording.id.desc())


def _pairs(session: Session, statement: Select[int, datetime]) -> list[Found]:
    return [(recording_id, start) for recording_id, start in session.execute(statement)]


def _count(session: Session, statement: Select[int, datetime], most: int) -> int:
    inner = statement.with_only_columns(Recording.id).order_by(None).limit(most).subquery()
    return int(session.scalar(select(func.count()).select_from(inner)) or 0)


def _total(
    session: Session,
    conditions: Sequence[ColumnElement[bool]],
    terms: Sequence[str],
    found: Sequence[Found],
    *,
    is_all: bool,
) -> tuple[int | None, bool]:
    """The number of recordings on all pages: known when they are all here, else counted, unless it is a search."""
    if is_all:
        return len(found), False
    if terms:
        return None, False
    count = _count(session, _places(conditions), COUNT_MAX + 1)
    return min(count, COUNT_MAX), count > COUNT_MAX


def _cursor(found: Found) -> str:
    return str(Cursor(start=found[1], recording_id=found[0]))
