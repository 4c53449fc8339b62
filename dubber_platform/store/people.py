"""People and their dub points: listed, added by hand, changed."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, delete, func, or_, select, update
from sqlalchemy.orm import DeclarativeBase, InstrumentedAttribute, Session

from dubber_platform.config import Chance
from dubber_platform.store.do_not_record import DoNotRecordView, do_not_record
from dubber_platform.store.dub_points import DubPointView, dub_points_of
from dubber_platform.store.refused import RefusedError, Why, text_field
from dubber_platform.store.schema import Account, DubPoint, Recording, Token, User
from dubber_platform.store.search import forget_owner, rename_user
from dubber_platform.store.visibility import (
    ROLES,
    STANDARD_USER,
    Viewer,
    account_seen,
    full_name,
    require_administrator,
)

NAME_MAX, USERNAME_MAX, MOBILE_MAX = 128, 254, 50
LANGUAGES = ("en", "de", "es", "fr", "it", "ja", "nl", "pl", "pt", "zh-CN", "zh-TW")
PAGE_ROWS = 50
LIKE_ESCAPE = "\\"
_POINT_FIELDS = (DubPoint.label, DubPoint.number, DubPoint.external_identifier)


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonRow:
    """One line of the list of people."""

    id: str
    username: str
    name: str
    role: str
    language: str
    mobile_number: str
    may_sign_in: bool
    """It has a password."""
    dub_points: int
    date_created: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PeoplePage:
    """One page of the list."""

    rows: tuple[PersonRow, ...]
    total: int
    offset: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonView:
    """One user in full."""

    row: PersonRow
    account_id: str | None
    first_name: str
    last_name: str
    recordings: int
    dub_points: tuple[DubPointView, ...]
    do_not_record: tuple[DoNotRecordView, ...]
    is_viewer: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class UserDraft:
    """What a new user is made from; text is trimmed and checked."""

    username: str
    first_name: str
    last_name: str
    role: str = STANDARD_USER
    language: str = "en"
    mobile_number: str = ""


def people(
    session: Session,
    viewer: Viewer,
    *,
    text: str = "",
    role: str | None = None,
    offset: int = 0,
    limit: int = PAGE_ROWS,
    account_id: str | None = None,
) -> PeoplePage:
    """The account's users by last and first name.

    Each word of ``text`` is looked for in names, user name, mobile number, and in the dub points.
    """
    require_administrator(viewer)
    wanted = account_id or viewer.account_id
    if not account_seen(session, viewer, wanted):
        raise RefusedError(Why.UNKNOWN, "account")
    statement = select(User).where(User.account_id == wanted)
    if role is not None:
        statement = statement.where(User.role == role)
    for word in text[:200].split():
        like = f"%{_escaped(word)}%"
        names = (User.first_name, User.last_name, User.username, User.mobile_number)
        points = select(DubPoint.user_id).where(DubPoint.account_id == wanted, _hold(_POINT_FIELDS, like))
        statement = statement.where(or_(_hold(names, like), User.id.in_(points)))
    ordered = statement.order_by(User.last_name, User.first_name, User.id)
    if text.strip():  # looking costs more than listing, so it is done once for the total and the rows
        found = session.scalars(ordered.with_only_columns(User.id)).all()
        shown = select(User).where(User.id.in_(found[offset : offset + limit]))
        rows = _rows(session, shown.order_by(User.last_name, User.first_name, User.id))
        return PeoplePage(rows=rows, total=len(found), offset=offset)
    total = int(session.scalar(select(func.count()).select_from(statement.with_only_columns(User.id).subquery())) or 0)
    ordered = ordered.offset(offset).limit(limit)
    return PeoplePage(rows=_rows(session, ordered), total=total, offset=offset)


def person(session: Session, viewer: Viewer, user_id: str) -> PersonView:
    """One user: oneself, or anybody of the account for administrators."""
    user = user_seen(session, viewer, user_id)
    own = select(func.count()).where(Recording.user_id == user_id, Recording.status != "Uploading")
    return PersonView(
        row=_rows(session, select(User).where(User.id == user_id))[0],
        account_id=user.account_id,
        first_name=user.first_name,
        last_name=user.last_name,
        recordings=int(session.scalar(own) or 0),
        dub_points=dub_points_of(session, viewer, user_id=user_id),
        do_not_record=do_not_record(session, viewer, user_id) if user.account_id else (),
        is_viewer=user_id == viewer.user_id,
    )


def add_user(
    session: Session, viewer: Viewer, draft: UserDraft, *, now: datetime, ids: Chance, account_id: str | None = None
) -> User:
    """A new user of the account, without a password; RefusedError names the field that is blank, wrong or taken."""
    require_administrator(viewer)
    wanted = account_id or viewer.account_id
    if not account_seen(session, viewer, wanted):
        raise RefusedError(Why.UNKNOWN, "account")
    username = text_field(draft.username, "username", longest=USERNAME_MAX).lower()
    if not re.fullmatch(r"[^@\s]{1,64}@[^@\s]{1,189}", username):
        raise RefusedError(Why.MALFORMED, "username", sentence="must have the form name@domain")
    checked = _checked(draft)
    if session.scalar(select(User.id).where(User.username == username)) is not None:
        raise RefusedError(Why.TAKEN, "username")
    user = User(
        id=free_slug(session, User, username, 128, ids),
        username=username,
        account_id=wanted,
        date_created=now,
        date_updated=now,
        **checked,
    )
    session.add(user)
    session.flush()
    return user


def change_user(session: Session, viewer: Viewer, user_id: str, changes: UserDraft, *, now: datetime) -> User:
    """Names, role, language, mobile number; the user name stays. Standard users change their own, but not the role."""
    user = user_changed(session, viewer, user_id)
    checked = _checked(changes)
    if checked["role"] != user.role and not viewer.administers:
        raise RefusedError(Why.NOT_ALLOWED, "role")
    apply(session, user, checked, now=now)
    return user


def apply(session: Session, user: User, changes: dict[str, str], *, now: datetime) -> None:
    """Set checked values; search finds the recordings by the new names."""
    for name, value in changes.items():
        setattr(user, name, value)
    user.date_updated = now
    session.flush()
    if "first_name" in changes or "last_name" in changes:
        rename_user(session, user)


def set_password(session: Session, viewer: Viewer, user_id: str, password_hash: str, *, now: datetime) -> None:
    """A password that was hashed already (see ``secrets_at_rest.py``); tokens given out before are void."""
    user = user_changed(session, viewer, user_id)
    user.password_hash, user.confirmed, user.date_updated = password_hash, True, now
    session.execute(delete(Token).where(Token.user_id == user_id))
    session.flush()


def delete_user(session: Session, viewer: Viewer, user_id: str) -> None:
    """Recordings and dub points stay with the account, without a user."""
    require_administrator(viewer)
    user = user_changed(session, viewer, user_id)
    if user_id == viewer.user_id:
        raise RefusedError(Why.NOT_ALLOWED, "user", sentence="cannot delete itself")
    forget_owner(session, user_id)
    session.execute(delete(Token).where(Token.user_id == user_id))
    session.execute(update(DubPoint).where(DubPoint.user_id == user_id).values(user_id=None))
    session.execute(update(Recording).where(Recording.user_id == user_id).values(user_id=None))
    session.delete(user)
    session.flush()


def user_seen(session: Session, viewer: Viewer, user_id: str) -> User:
    """Oneself, or for administrators a user of an account or group they see; RefusedError otherwise."""
    user = session.get(User, user_id)
    if user is None:
        raise RefusedError(Why.UNKNOWN, "user")
    if user_id == viewer.user_id:
        return user
    if not (account_seen(session, viewer, user.account_id) or user.group_id in viewer.groups):
        raise RefusedError(Why.UNKNOWN, "user")
    if not viewer.administers:
        raise RefusedError(Why.NOT_ALLOWED, "user")
    return user


def user_changed(session: Session, viewer: Viewer, user_id: str) -> User:
    """As ``user_seen``; and an account's administrator has no power over someone who speaks for the group."""
    user = user_seen(session, viewer, user_id)
    if user.group_id is not None and not viewer.groups:
        raise RefusedError(Why.NOT_ALLOWED, "user")
    return user


def free_slug(session: Session, table: type[DeclarativeBase], text: str, longest: int, ids: Chance) -> str:
    """An id made of ``text`` that nothing in ``table`` has."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[: longest - 10].strip("-") or "x"
    while session.get(table, slug) is not None:
        slug = f"{slug[: longest - 10]}-{ids.token_hex(4)}"
    return slug


def accounts_seen(session: Session, viewer: Viewer) -> tuple[Account, ...]:
    """The viewer's account and those below its group, by name."""
    own = Account.id == viewer.account_id
    wanted = or_(own, Account.group_id.in_(sorted(viewer.groups))) if viewer.groups else own
    return tuple(session.scalars(select(Account).where(wanted).order_by(Account.name).limit(1000)))


def _checked(draft: UserDraft) -> dict[str, str]:
    if draft.role not in ROLES:
        raise RefusedError(Why.NOT_OFFERED, "role")
    if draft.language not in LANGUAGES:
        raise RefusedError(Why.NOT_OFFERED, "language")
    return {
        "first_name": text_field(draft.first_name, "first_name", longest=NAME_MAX),
        "last_name": text_field(draft.last_name, "last_name", longest=NAME_MAX),
        "role": draft.role,
        "language": draft.language,
        "mobile_number": text_field(draft.mobile_number, "mobile_number", longest=MOBILE_MAX, blank=True),
    }


def _rows(session: Session, statement: Select[User]) -> tuple[PersonRow, ...]:
    users = session.scalars(statement).all()
    counted = session.execute(
        select(DubPoint.user_id, func.count())
        .where(DubPoint.user_id.in_([user.id for user in users]))
        .group_by(DubPoint.user_id)
    )
    points = {user_id: count for user_id, count in counted}
    return tuple(
        PersonRow(
            id=user.id,
            username=user.username,
            name=full_name(user),
            role=user.role,
            language=user.language,
            mobile_number=user.mobile_number,
            may_sign_in=user.password_hash is not None,
            dub_points=points.get(user.id, 0),
            date_created=user.date_created,
        )
        for user in users
    )


def _hold(columns: Sequence[InstrumentedAttribute[Any]], like: str) -> ColumnElement[bool]:
    """One of the columns is like that; all at once, which is several times as quick as one by one."""
    together: ColumnElement[str] = func.coalesce(columns[0], "")
    for column in columns[1:]:
        together = together.concat("\n").concat(func.coalesce(column, ""))
    return together.ilike(like, escape=LIKE_ESCAPE)


def _escaped(text: str) -> str:
    for special in (LIKE_ESCAPE, "%", "_"):
        text = text.replace(special, LIKE_ESCAPE + special)
    return text
