"""What the menus beside the list offer: scopes, dub points, people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Select, or_, select
from sqlalchemy.orm import Session
from sqlalchemy.sql.elements import ColumnElement

from dubber_platform.store.companions import Team
from dubber_platform.store.rows import Reference
from dubber_platform.store.schema import Account, DubPoint, User
from dubber_platform.store.visibility import Viewer, full_name, reached

CHOICES_MAX: Final = 50
"""Longer lists are narrowed down by typing."""
LIKE_ESCAPE: Final = "\\"


def scopes(session: Session, viewer: Viewer) -> tuple[Reference, ...]:
    """The teams whose recordings one may ask for: all of the account for administrators, for others their own."""
    if not viewer.administers:
        return tuple(Reference(id=team.team_id, name=team.name) for team in viewer.teams)
    rows = session.execute(
        select(Team.id, Team.name).where(Team.account_id == viewer.account_id).order_by(Team.name).limit(CHOICES_MAX)
    )
    return tuple(Reference(id=team_id, name=name) for team_id, name in rows)


def dub_points(session: Session, viewer: Viewer, text: str) -> tuple[Reference, ...]:
    """Dub points whose label, number, identifier or user begins with or contains every word of ``text``."""
    statement = select(DubPoint, User).outerjoin(User, DubPoint.user_id == User.id).where(_seen(viewer))
    columns = (DubPoint.label, DubPoint.number, DubPoint.external_identifier, User.first_name, User.last_name)
    for word in text.split():
        like = f"%{escaped(word)}%"
        statement = statement.where(or_(*(column.ilike(like, escape=LIKE_ESCAPE) for column in columns)))
    ordered = statement.order_by(DubPoint.label, DubPoint.number, DubPoint.id).limit(CHOICES_MAX)
    return tuple(_reference(point, user) for point, user in session.execute(ordered))


def dub_point_named(session: Session, viewer: Viewer, dub_point_id: str) -> Reference | None:
    """One dub point the viewer may restrict the list to; None when there is no such."""
    found = session.execute(
        select(DubPoint, User)
        .outerjoin(User, DubPoint.user_id == User.id)
        .where(_seen(viewer), DubPoint.id == dub_point_id)
    ).first()
    return None if found is None else _reference(found[0], found[1])


def user_named(session: Session, viewer: Viewer, user_id: str) -> Reference | None:
    """One user whose recordings the viewer may ask for; None when there is no such."""
    user = session.get(User, user_id)
    if user is None:
        return None
    seen = session.scalar(select(User.id).where(User.id == user_id, _people(viewer)))
    return None if seen is None else Reference(id=user.id, name=full_name(user))


def escaped(word: str) -> str:
    """A word for LIKE in which nothing is a wildcard."""
    for special in (LIKE_ESCAPE, "%", "_"):
        word = word.replace(special, LIKE_ESCAPE + special)
    return word


def _reference(point: DubPoint, user: User | None) -> Reference:
    names: Sequence[str] = [point.label, point.number, point.external_identifier or "", point.id]
    name = next(text for text in names if text)
    other = full_name(user) if user is not None else ""
    return Reference(id=point.id, name=f"{name} ({other})" if other and other not in name else name)


def _seen(viewer: Viewer) -> ColumnElement[bool]:
    """Dub points whose recordings the viewer may see."""
    if viewer.administers:
        return DubPoint.account_id.in_(_accounts(viewer))
    own = DubPoint.user_id == viewer.user_id
    return DubPoint.account_id.in_(_accounts(viewer)) & (own | DubPoint.user_id.in_(reached(viewer)))


def _people(viewer: Viewer) -> ColumnElement[bool]:
    if viewer.administers:
        return User.account_id.in_(_accounts(viewer))
    return (User.id == viewer.user_id) | User.id.in_(reached(viewer))


def _accounts(viewer: Viewer) -> Select[Any]:
    below = Account.group_id.in_(sorted(viewer.groups)) | (Account.id == viewer.account_id)
    return select(Account.id).where(below if viewer.groups else Account.id == viewer.account_id)
