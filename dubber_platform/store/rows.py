"""A recording as lists show it, with what a search found in it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from dubber_platform.store.companions import Note, ShareLink
from dubber_platform.store.schema import DubPoint, Recording, Tag, User
from dubber_platform.store.search import searched
from dubber_platform.store.visibility import Right, Viewer, full_name, rights_over
from dubber_platform.store.words import highlights

SNIPPET = 120
"""Characters of a long text around the first thing found in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """Something with an id and a name."""

    id: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """A field in which a search found something."""

    field: str
    """``from``, ``from_label``, ``to``, ``to_label``, ``channel``, ``user``, ``dub_point``, ``tag``, ``note``,
    ``party``, ``metadata.KEY`` or ``meta_tags.KEY``."""
    text: str
    """The field, or of a long one what is around the first find."""
    ranges: tuple[tuple[int, int], ...]
    """Start and end in ``text`` of what was found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingRow:
    """One line of the list."""

    id: int
    account_id: str | None
    status: str
    """``Active``, or ``Do Not Record``: facts without audio."""
    recording_type: str
    """``recording`` or ``voicemail``."""
    call_type: str
    """``inbound`` or ``outbound``, as the user sees it."""
    from_number: str
    from_label: str
    to_number: str
    to_label: str
    user: Reference | None
    dub_point: Reference | None
    start: datetime
    duration_s: int | None
    tags: tuple[str, ...]
    starred: bool
    held: bool
    notes: int
    shared: bool
    rights: frozenset[Right]
    matches: tuple[Match, ...] = ()


def rows_of(session: Session, viewer: Viewer, ids: Sequence[int], terms: Sequence[str]) -> tuple[RecordingRow, ...]:
    """The rows of these recordings in the given order; what the viewer may not see is left out."""
    known = {row.id: row for row in session.scalars(select(Recording).where(Recording.id.in_(ids)))}
    rights = rights_over(session, viewer, known.values())
    users = references(session, User, {row.user_id for row in known.values() if row.user_id})
    points = references(session, DubPoint, {row.dub_point_id for row in known.values() if row.dub_point_id})
    tags, notes = tags_by_id(session, ids), _notes(session, ids)
    shared = set(session.scalars(select(ShareLink.recording_id).where(ShareLink.recording_id.in_(ids))))
    found = []
    for recording_id in ids:
        row = known.get(recording_id)
        if row is None or recording_id not in rights:
            continue
        user, point = users.get(row.user_id or ""), points.get(row.dub_point_id or "")
        found.append(
            RecordingRow(
                id=row.id,
                account_id=row.account_id,
                status=row.status,
                recording_type=row.recording_type,
                call_type=row.call_type,
                from_number=row.from_,
                from_label=row.from_label,
                to_number=row.to,
                to_label=row.to_label,
                user=user,
                dub_point=point,
                start=row.start_time,
                duration_s=row.duration,
                tags=tuple(tags[row.id]),
                starred=row.starred,
                held=row.legal_hold,
                notes=len(notes[row.id]),
                shared=row.id in shared,
                rights=rights[row.id],
                matches=_matches(row, terms, user, point, tags[row.id], notes[row.id]) if terms else (),
            )
        )
    return tuple(found)


def references(session: Session, kind: type[User] | type[DubPoint], ids: Iterable[str]) -> dict[str, Reference]:
    """Names of users or labels of dub points, by id."""
    rows: Iterable[User | DubPoint] = session.scalars(select(kind).where(kind.id.in_(sorted(ids))))
    return {row.id: Reference(id=row.id, name=_name(row)) for row in rows}


def tags_by_id(session: Session, ids: Sequence[int]) -> dict[int, list[str]]:
    """Tags in order, by recording id."""
    found: dict[int, list[str]] = {recording_id: [] for recording_id in ids}
    rows = select(Tag.recording_id, Tag.tag).where(Tag.recording_id.in_(ids)).order_by(Tag.tag)
    for recording_id, tag in session.execute(rows):
        found[recording_id].append(tag)
    return found


def _notes(session: Session, ids: Sequence[int]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {recording_id: [] for recording_id in ids}
    rows = select(Note.recording_id, Note.text).where(Note.recording_id.in_(ids)).order_by(Note.id)
    for recording_id, text in session.execute(rows):
        found[recording_id].append(text)
    return found


def _name(row: User | DubPoint) -> str:
    if isinstance(row, User):
        return full_name(row)
    return row.label or row.number or row.external_identifier or row.id


def _matches(
    row: Recording,
    terms: Sequence[str],
    user: Reference | None,
    point: Reference | None,
    tags: Sequence[str],
    notes: Sequence[str],
) -> tuple[Match, ...]:
    found = []
    for field, text, number in _fields(row, user, point, tags, notes):
        ranges = highlights(text, terms, number=number)
        if ranges:
            found.append(_snippet(field, text, ranges))
    return tuple(found)


def _fields(
    row: Recording,
    user: Reference | None,
    point: Reference | None,
    tags: Sequence[str],
    notes: Sequence[str],
) -> Iterator[tuple[str, str, bool]]:
    """Field, text, whether it is a number."""
    yield from (("from", row.from_, True), ("from_label", row.from_label, False))
    yield from (("to", row.to, True), ("to_label", row.to_label, False), ("channel", row.channel, False))
    if user is not None:
        yield "user", user.name, False
        yield "user", user.id, False
    if point is not None:
        yield "dub_point", point.name, True
    yield from (("tag", tag, False) for tag in tags)
    yield from (("note", note, False) for note in notes)
    for party in (*row.transfers, *row.additional_parties):
        yield "party", str(party.get("number", "")), True
        yield "party", str(party.get("label", "")), False
    yield from ((f"metadata.{name}", str(value), False) for name, value in row.details.items())
    yield from ((f"meta_tags.{name}", str(value), False) for name, value in row.meta_tags.items() if searched(name))


def _snippet(field: str, text: str, ranges: tuple[tuple[int, int], ...]) -> Match:
    if len(text) <= SNIPPET:
        return Match(field=field, text=text, ranges=ranges)
    start = max(0, min(ranges[0][0] - SNIPPET // 4, len(text) - SNIPPET))
    part = text[start : start + SNIPPET]
    inside = ((low - start, min(high - start, SNIPPET)) for low, high in ranges if low - start < SNIPPET)
    return Match(field=field, text=part, ranges=tuple((low, high) for low, high in inside if low < high))
