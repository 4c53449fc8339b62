"""Accounts and people that a form or an address names."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from dubber_platform.store.people import accounts_seen
from dubber_platform.store.refused import RefusedError, Why
from dubber_platform.store.rows import Reference
from dubber_platform.store.schema import User
from dubber_platform.store.visibility import Viewer, account_seen, full_name

SUGGESTED_MAX = 200
"""People offered beside a field; every other one can be typed."""


def account_wanted(session: Session, viewer: Viewer, asked: str = "") -> str:
    """The account a page is about: the one asked for, the viewer's own, or the first of its groups."""
    if asked:
        if not account_seen(session, viewer, asked):
            raise RefusedError(Why.UNKNOWN, "account")
        return asked
    if viewer.account_id is not None:
        return viewer.account_id
    seen = accounts_seen(session, viewer)
    if not seen:
        raise RefusedError(Why.UNKNOWN, "account")
    return seen[0].id


def user_typed(session: Session, account_id: str, text: str) -> User:
    """The account's user with this user name; RefusedError names ``user``."""
    found = session.scalar(select(User).where(User.account_id == account_id, User.username == text.strip().lower()))
    if found is None:
        raise RefusedError(Why.NO_SUCH, "user")
    return found


def suggested(session: Session, viewer: Viewer, account_id: str) -> tuple[Reference, ...]:
    """User names with their names, to choose from; nobody for those who may not list people."""
    if not viewer.administers:
        return ()
    rows = session.scalars(
        select(User)
        .where(User.account_id == account_id)
        .order_by(User.last_name, User.first_name, User.id)
        .limit(SUGGESTED_MAX)
    )
    return tuple(Reference(id=user.username, name=full_name(user)) for user in rows)
