"""Recordings: listing by key, tags, and finding the dub point one belongs to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Select, delete, false, or_, select
from sqlalchemy.orm import Session

from dubber_platform.store.companions import SearchText
from dubber_platform.store.schema import DubPoint, Recording, Tag
from dubber_platform.store.search import holds, indexed, reindex
from dubber_platform.store.visibility import ACTIVE, DO_NOT_RECORD
from dubber_platform.store.wanted import Page, RecordingFilter
from dubber_platform.store.words import terms_of

COMPLETE = (ACTIVE, DO_NOT_RECORD)


def of_account(account_id: str) -> Select[Recording]:
    """Recordings of an account."""
    return select(Recording).where(Recording.account_id == account_id)


def of_user(user_id: str) -> Select[Recording]:
    """Recordings of a user."""
    return select(Recording).where(Recording.user_id == user_id)


def unidentified_of(group_id: str) -> Select[Recording]:
    """Recordings a group could not place."""
    return select(Recording).where(Recording.group_id == group_id, Recording.account_id.is_(None))


def page_of_recordings(
    session: Session, whose: Select[Recording], wanted: RecordingFilter, page: Page
) -> Sequence[Recording]:
    """One page, newest (highest id) first. After an id come the next newer ones, so that a follower misses none."""
    statement = _filtered(session, whose, wanted)
    if page.after_id is not None:
        statement = statement.where(Recording.id > page.after_id).order_by(Recording.id.asc()).limit(page.count)
        return list(reversed(session.scalars(statement).all()))
    if page.before_id is not None:
        statement = statement.where(Recording.id < page.before_id)
    return session.scalars(statement.order_by(Recording.id.desc()).offset(page.offset).limit(page.count)).all()


def _filtered(session: Session, statement: Select[Recording], wanted: RecordingFilter) -> Select[Recording]:
    statuses = COMPLETE if wanted.status is None else (wanted.status,)
    statement = statement.where(Recording.status.in_(statuses))
    if wanted.query is not None:
        statement = statement.where(Recording.id.in_(_holding(session, wanted.query)))
    if wanted.number is not None:
        statement = statement.where(or_(Recording.to == wanted.number, Recording.from_ == wanted.number))
    if wanted.tag is not None:
        tagged = select(Tag.recording_id).where(Tag.tag == wanted.tag, Tag.recording_id == Recording.id)
        statement = statement.where(tagged.exists())
    if wanted.recording_type is not None:
        statement = statement.where(Recording.recording_type == wanted.recording_type)
    if wanted.dub_point_id is not None:
        statement = statement.where(Recording.dub_point_id == wanted.dub_point_id)
    for column in ("user_id", "starred", "tagged"):
        if getattr(wanted, column) is not None:
            statement = statement.where(getattr(Recording, column) == getattr(wanted, column))
    if wanted.since is not None:
        statement = statement.where(Recording.start_time >= wanted.since)
    if wanted.until is not None:
        statement = statement.where(Recording.start_time < wanted.until)
    return statement


def _holding(session: Session, query: str) -> Select[int]:
    """Recordings in which every word of ``query`` begins a word; none when there is no word in it."""
    terms = terms_of(query)
    if not terms:
        return select(SearchText.recording_id).where(false())
    found = indexed(session.get_bind().dialect.name, terms)
    return select(SearchText.recording_id).where(SearchText.recording_id.in_(found), *holds(terms))


def tags_of(session: Session, recordings: Iterable[Recording]) -> dict[int, list[str]]:
    """Tags by recording id."""
    found: dict[int, list[str]] = {recording.id: [] for recording in recordings}
    rows = session.execute(select(Tag.recording_id, Tag.tag).where(Tag.recording_id.in_(list(found))))
    for recording_id, tag in rows:
        found[recording_id].append(tag)
    return found


def set_tags(session: Session, recording: Recording, tags: Iterable[str], now: datetime) -> None:
    """Replace the whole set, asking nobody; what search looks in follows."""
    session.execute(delete(Tag).where(Tag.recording_id == recording.id))
    wanted = dict.fromkeys(tags)
    session.add_all(Tag(recording_id=recording.id, tag=tag) for tag in wanted)
    recording.tagged, recording.date_updated = bool(wanted), now
    reindex(session, [recording.id])


def dub_point_by_key(
    session: Session, external_type: str, service_provider: str, external_group: str, external_identifier: str
) -> DubPoint | None:
    """The dub point with this four-part key, identified or not."""
    return session.scalar(
        select(DubPoint).where(
            DubPoint.external_type == external_type,
            DubPoint.service_provider == service_provider,
            DubPoint.external_group == external_group,
            DubPoint.external_identifier == external_identifier,
        )
    )


def lapsed_uploads(session: Session, now: datetime) -> Sequence[Recording]:
    """Uploads nobody completed in time."""
    statement = select(Recording).where(Recording.status == "Uploading", Recording.upload_expires_at <= now)
    return session.scalars(statement.limit(500)).all()


def past_retention(session: Session, now: datetime) -> Sequence[Recording]:
    """Recordings whose retention has ended and that are not on hold."""
    ended = select(Recording).where(Recording.expiry_time <= now, Recording.legal_hold.is_(False))
    return session.scalars(ended.limit(500)).all()


def withheld_audio(session: Session) -> Sequence[Recording]:
    """Recordings whose audio is not to be kept and may still be there."""
    there = select(Recording).where(Recording.status == DO_NOT_RECORD, Recording.media_type.is_not(None))
    return session.scalars(there.limit(500)).all()


def retention_end(start: datetime, now: datetime, days: int) -> datetime:
    """``days`` after the call; after now for a call that is reported later than that."""
    end = start + timedelta(days=days)
    return end if end > now else now + timedelta(days=days)
