"""Numbers whose calls with one user are not to be kept: the facts stay, the audio goes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from dubber_platform.config import Chance
from dubber_platform.store.companions import DoNotRecord
from dubber_platform.store.refused import RefusedError, Why, text_field
from dubber_platform.store.schema import Recording, User
from dubber_platform.store.visibility import DO_NOT_RECORD, Viewer, account_seen

NUMBER_MAX, REASON_MAX = 50, 255
NUMBERS_MAX = 1000
"""Of one user."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DoNotRecordView:
    """One number of one user's list."""

    id: str
    user_id: str
    number: str
    reason: str
    author: str
    date_created: datetime


def do_not_record(session: Session, viewer: Viewer, user_id: str) -> tuple[DoNotRecordView, ...]:
    """The user's list by number; its own, or anybody's for administrators."""
    _user(session, viewer, user_id)
    rows = session.scalars(select(DoNotRecord).where(DoNotRecord.user_id == user_id).order_by(DoNotRecord.plain))
    return tuple(_view(row) for row in rows)


def add_do_not_record(
    session: Session, viewer: Viewer, user_id: str, number: str, reason: str, *, now: datetime, ids: Chance
) -> DoNotRecordView:
    """From now on; recordings that were delivered before stay as they are."""
    _user(session, viewer, user_id)
    typed = text_field(number, "number", longest=NUMBER_MAX)
    because, plain = text_field(reason, "reason", longest=REASON_MAX), plain_number(typed)
    if not plain:
        raise RefusedError(Why.MALFORMED, "number")
    own = select(func.count()).where(DoNotRecord.user_id == user_id)
    if int(session.scalar(own) or 0) >= NUMBERS_MAX:
        raise RefusedError(Why.TOO_MANY, "number", limit=NUMBERS_MAX)
    if _entry(session, user_id, typed) is not None:
        raise RefusedError(Why.TAKEN, "number", sentence="is on the list already")
    row = DoNotRecord(
        id=ids.token_hex(10),
        user_id=user_id,
        number=typed,
        plain=plain,
        reason=because,
        author=viewer.name,
        date_created=now,
    )
    session.add(row)
    session.flush()
    return _view(row)


def delete_do_not_record(session: Session, viewer: Viewer, user_id: str, entry_id: str) -> None:
    """Calls with the number are kept again from now on."""
    _user(session, viewer, user_id)
    row = session.get(DoNotRecord, entry_id)
    if row is None or row.user_id != user_id:
        raise RefusedError(Why.UNKNOWN, "number")
    session.delete(row)
    session.flush()


def withhold(session: Session, recording: Recording) -> bool:
    """Keep the facts only, when the other party is on the user's list; True when the audio has to go.

    A legal hold keeps the audio.
    """
    if recording.user_id is None or recording.legal_hold:
        return False
    other = recording.from_ if recording.call_type == "inbound" else recording.to
    entry = _entry(session, recording.user_id, other)
    if entry is None:
        return False
    recording.status, recording.withheld_reason = DO_NOT_RECORD, entry.reason
    return True


def plain_number(number: str) -> str:
    """As numbers are compared: without spaces and punctuation, ``00`` and ``+`` alike."""
    plain = re.sub(r"[\s().\-/]", "", number).casefold()
    return "+" + plain[2:] if plain.startswith("00") and len(plain) > 4 else plain


def _entry(session: Session, user_id: str, number: str) -> DoNotRecord | None:
    plain = plain_number(number)[:NUMBER_MAX]
    return session.scalar(select(DoNotRecord).where(DoNotRecord.user_id == user_id, DoNotRecord.plain == plain))


def _user(session: Session, viewer: Viewer, user_id: str) -> User:
    user = session.get(User, user_id)
    if user is None or not account_seen(session, viewer, user.account_id):
        raise RefusedError(Why.UNKNOWN, "user")
    if not viewer.administers and user.id != viewer.user_id:
        raise RefusedError(Why.NOT_ALLOWED, "user")
    return user


def _view(row: DoNotRecord) -> DoNotRecordView:
    return DoNotRecordView(
        id=row.id,
        user_id=row.user_id,
        number=row.number,
        reason=row.reason,
        author=row.author,
        date_created=row.date_created,
    )
