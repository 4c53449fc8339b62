"""Recordings: listing by key, tags, and finding the dub point one belongs to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Select, delete, or_, select, update
from sqlalchemy.orm import Session

from dubber_platform.store.schema import Account, DubPoint, Recording, Tag
from dubber_platform.store.wanted import Page, RecordingFilter

LIKE_ESCAPE = "\\"


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
    statement = _filtered(whose, wanted)
    if page.after_id is not None:
        statement = statement.where(Recording.id > page.after_id).order_by(Recording.id.asc()).limit(page.count)
        return list(reversed(session.scalars(statement).all()))
    if page.before_id is not None:
        statement = statement.where(Recording.id < page.before_id)
    return session.scalars(statement.order_by(Recording.id.desc()).offset(page.offset).limit(page.count)).all()


def _filtered(statement: Select[Recording], wanted: RecordingFilter) -> Select[Recording]:
    statement = statement.where(Recording.status == wanted.status)
    if wanted.query is not None:
        statement = statement.where(Recording.search_text.like(_contains(wanted.query.casefold()), escape=LIKE_ESCAPE))
    if wanted.number is not None:
        statement = statement.where(or_(Recording.to == wanted.number, Recording.from_ == wanted.number))
    if wanted.tag is not None:
        tagged = select(Tag.recording_id).where(Tag.tag == wanted.tag, Tag.recording_id == Recording.id)
        statement = statement.where(tagged.exists())
    if wanted.recording_type is not None:
        statement = statement.where(Recording.recording_type == wanted.recording_type)
    if wanted.dub_point_id is not None:
        statement = statement.where(Recording.dub_point_id == wanted.dub_point_id)
    if wanted.since is not None:
        statement = statement.where(Recording.start_time >= wanted.since)
    if wanted.until is not None:
        statement = statement.where(Recording.start_time < wanted.until)
    return statement


def _contains(text: str) -> str:
    for special in (LIKE_ESCAPE, "%", "_"):
        text = text.replace(special, LIKE_ESCAPE + special)
    return f"%{text}%"


def searchable(recording: Recording) -> str:
    """What ``query`` looks in."""
    words = [recording.to, recording.to_label, recording.from_, recording.from_label, recording.channel]
    return "\n".join([*words, *map(str, recording.meta_tags.values())]).casefold()


def tags_of(session: Session, recordings: Iterable[Recording]) -> dict[int, list[str]]:
    """Tags by recording id."""
    found: dict[int, list[str]] = {recording.id: [] for recording in recordings}
    rows = session.execute(select(Tag.recording_id, Tag.tag).where(Tag.recording_id.in_(list(found))))
    for recording_id, tag in rows:
        found[recording_id].append(tag)
    return found


def set_tags(session: Session, recording: Recording, tags: Iterable[str], now: datetime) -> None:
    """Replace the whole set."""
    session.execute(delete(Tag).where(Tag.recording_id == recording.id))
    session.add_all(Tag(recording_id=recording.id, tag=tag) for tag in dict.fromkeys(tags))
    recording.date_updated = now


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


def claim(session: Session, dub_point: DubPoint, account: Account, user_id: str | None, now: datetime) -> None:
    """Give a dub point to an account and user, with what came for it while it was unidentified."""
    unplaced = update(Recording).where(Recording.dub_point_id == dub_point.id, Recording.account_id.is_(None))
    session.execute(
        unplaced.values(account_id=account.id, group_id=account.group_id, user_id=user_id, date_updated=now)
    )
    dub_point.account_id, dub_point.group_id, dub_point.user_id = account.id, account.group_id, user_id
    dub_point.date_updated = now


def lapsed_uploads(session: Session, now: datetime) -> Sequence[Recording]:
    """Uploads nobody completed in time."""
    statement = select(Recording).where(Recording.status == "Uploading", Recording.upload_expires_at <= now)
    return session.scalars(statement.limit(500)).all()


def past_retention(session: Session, now: datetime) -> Sequence[Recording]:
    """Recordings whose retention has ended."""
    return session.scalars(select(Recording).where(Recording.expiry_time <= now).limit(500)).all()


def retention_end(start: datetime, now: datetime, days: int) -> datetime:
    """``days`` after the call; after now for a call that is reported later than that."""
    end = start + timedelta(days=days)
    return end if end > now else now + timedelta(days=days)
