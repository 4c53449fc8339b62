"""Dub points: the link between a line on a phone platform and a user."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session

from dubber_platform.config import Chance
from dubber_platform.store.do_not_record import withhold
from dubber_platform.store.refused import RefusedError, Why, text_field
from dubber_platform.store.schema import Account, DubPoint, Recording, User
from dubber_platform.store.search import change_owner, rename_dub_point
from dubber_platform.store.visibility import ACTIVE, Viewer, account_seen, full_name, reached, require_administrator

EXTERNAL_TYPES = ("BroadWorks", "AudioCodes", "Cisco", "Metaswitch")
PRODUCTS = ("reserved", "payg", "playback")
"""Offered by name; newer codes such as ``DUR_T_02`` are taken too (``api/bodies.py``)."""
PART_MAX, IDENTIFIER_MAX, LABEL_MAX, NUMBER_MAX = 80, 161, 128, 50
LIST_MAX = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class DubPointView:
    """One dub point."""

    id: str
    account_id: str | None
    user_id: str | None
    user_name: str
    type: str
    label: str
    product: str
    external_type: str | None
    service_provider: str | None
    external_group: str | None
    external_identifier: str | None
    number: str
    status: str
    recordings: int
    date_created: datetime

    @property
    def name(self) -> str:
        """What to call it in a list."""
        return self.label or self.number or self.external_identifier or self.id


@dataclass(frozen=True, slots=True, kw_only=True)
class DubPointDraft:
    """What a new dub point is made from; text is trimmed and checked."""

    user_id: str | None
    product: str
    external_type: str
    service_provider: str
    external_group: str
    external_identifier: str
    label: str = ""
    number: str = ""


def add_dub_point(
    session: Session, viewer: Viewer, draft: DubPointDraft, *, now: datetime, ids: Chance, account_id: str | None = None
) -> DubPoint:
    """A new dub point; an unidentified one with this key is claimed, with the recordings that came for it.

    RefusedError names the field that is blank, not offered, or taken.
    """
    require_administrator(viewer)
    wanted = account_id or viewer.account_id
    if wanted is None or not account_seen(session, viewer, wanted):
        raise RefusedError(Why.UNKNOWN, "account")
    account, key = session.get_one(Account, wanted), _key(draft)
    if draft.product not in PRODUCTS:
        raise RefusedError(Why.NOT_OFFERED, "product")
    label = text_field(draft.label, "label", longest=LABEL_MAX, blank=True)
    number = text_field(draft.number, "number", longest=NUMBER_MAX, blank=True)
    user = _user(session, draft.user_id, account)
    dub_point = free_dub_point(session, viewer, key, account, now=now, ids=ids)
    dub_point.product, dub_point.number = draft.product, number
    dub_point.label = label or (full_name(user)[:LABEL_MAX] if user else "")
    claim(session, dub_point, account, draft.user_id, now)
    return dub_point


def free_dub_point(
    session: Session, viewer: Viewer, key: dict[str, str], account: Account, *, now: datetime, ids: Chance
) -> DubPoint:
    """A new row for the four-part key, or the unidentified one there is; RefusedError when it belongs to someone."""
    dub_point = by_key(session, key)
    if dub_point is None:
        dub_point = DubPoint(id=ids.token_hex(10), group_id=account.group_id, **key, date_created=now, date_updated=now)
        session.add(dub_point)
        session.flush()
    elif dub_point.account_id is not None or not may_claim(viewer, dub_point, account):
        raise RefusedError(Why.TAKEN, "external_identifier", sentence="a dub point with this key exists already")
    return dub_point


def may_claim(viewer: Viewer, dub_point: DubPoint, account: Account) -> bool:
    """An unidentified dub point goes to an account of the group it waits in, or below for who speaks for the group."""
    return dub_point.group_id == account.group_id or dub_point.group_id in viewer.groups


def by_key(session: Session, key: dict[str, str]) -> DubPoint | None:
    """The dub point with this four-part key, identified or not."""
    return session.scalar(select(DubPoint).filter_by(**key))


def claim(session: Session, dub_point: DubPoint, account: Account, user_id: str | None, now: datetime) -> None:
    """Give a dub point to an account and user, with what came for it while it was unidentified."""
    waiting = select(Recording).where(Recording.dub_point_id == dub_point.id, Recording.account_id.is_(None))
    for recording in session.scalars(waiting):
        recording.account_id, recording.group_id, recording.user_id = account.id, account.group_id, user_id
        recording.date_updated = now
        if recording.status == ACTIVE:
            withhold(session, recording)
    dub_point.account_id, dub_point.group_id, dub_point.user_id = account.id, account.group_id, user_id
    dub_point.date_updated = now
    session.flush()
    rename_dub_point(session, dub_point)
    change_owner(session, dub_point, session.get(User, user_id) if user_id else None)


def move_dub_point(session: Session, viewer: Viewer, dub_point_id: str, user_id: str, *, now: datetime) -> DubPoint:
    """Further calls of its line go to another user of its account; recordings stay with who has them."""
    require_administrator(viewer)
    dub_point = dub_point_seen(session, viewer, dub_point_id)
    user = session.get(User, user_id)
    if user is None or user.account_id is None or user.account_id != dub_point.account_id:
        raise RefusedError(Why.NO_SUCH, "user", sentence="is not a user of the account")
    claim(session, dub_point, session.get_one(Account, user.account_id), user_id, now)
    return dub_point


def delete_dub_point(session: Session, viewer: Viewer, dub_point_id: str) -> None:
    """Its recordings stay with their user."""
    require_administrator(viewer)
    dub_point = dub_point_seen(session, viewer, dub_point_id)
    forget(session, dub_point)


def forget(session: Session, dub_point: DubPoint) -> None:
    """Remove the row; recordings are found by its label no more."""
    dub_point.label = dub_point.number = ""
    rename_dub_point(session, dub_point)
    session.execute(update(Recording).where(Recording.dub_point_id == dub_point.id).values(dub_point_id=None))
    session.delete(dub_point)
    session.flush()


def dub_point_seen(session: Session, viewer: Viewer, dub_point_id: str) -> DubPoint:
    """A dub point of an account the viewer sees, or one its groups could not place."""
    row = session.get(DubPoint, dub_point_id)
    if row is None or not (account_seen(session, viewer, row.account_id) or row.group_id in viewer.groups):
        raise RefusedError(Why.UNKNOWN, "dub_point")
    return row


def dub_points_of(
    session: Session, viewer: Viewer, *, user_id: str | None = None, account_id: str | None = None
) -> tuple[DubPointView, ...]:
    """Dub points of a user, or of the account: all of them for administrators, for others those they see calls of."""
    wanted = account_id or viewer.account_id
    statement = select(DubPoint).order_by(DubPoint.label, DubPoint.number, DubPoint.id).limit(LIST_MAX)
    if user_id is not None:
        user = session.get(User, user_id)
        if user is None or not (user.id == viewer.user_id or account_seen(session, viewer, user.account_id)):
            raise RefusedError(Why.UNKNOWN, "user")
        statement = statement.where(DubPoint.user_id == user_id)
    else:
        if not account_seen(session, viewer, wanted):
            raise RefusedError(Why.UNKNOWN, "account")
        statement = statement.where(DubPoint.account_id == wanted)
    if not viewer.administers and user_id != viewer.user_id:
        statement = statement.where(or_(DubPoint.user_id == viewer.user_id, DubPoint.user_id.in_(reached(viewer))))
    return _views(session, session.scalars(statement).all())


def unidentified_dub_points(session: Session, viewer: Viewer) -> tuple[DubPointView, ...]:
    """What the viewer's groups know a key of, and nothing else; empty without group authentication."""
    statement = select(DubPoint).where(DubPoint.account_id.is_(None), DubPoint.group_id.in_(sorted(viewer.groups)))
    return _views(session, session.scalars(statement.order_by(DubPoint.id).limit(LIST_MAX)).all())


def _key(draft: DubPointDraft) -> dict[str, str]:
    if draft.external_type not in EXTERNAL_TYPES:
        raise RefusedError(Why.BLANK if not draft.external_type else Why.NOT_OFFERED, "external_type")
    return {
        "external_type": draft.external_type,
        "service_provider": text_field(draft.service_provider, "service_provider", longest=PART_MAX),
        "external_group": text_field(draft.external_group, "external_group", longest=PART_MAX),
        "external_identifier": text_field(draft.external_identifier, "external_identifier", longest=IDENTIFIER_MAX),
    }


def _user(session: Session, user_id: str | None, account: Account) -> User | None:
    user = session.get(User, user_id) if user_id else None
    if user_id and (user is None or user.account_id != account.id):
        raise RefusedError(Why.NO_SUCH, "user", sentence="is not a user of the account")
    return user


def _views(session: Session, rows: Iterable[DubPoint]) -> tuple[DubPointView, ...]:
    known = list(rows)
    wanted = {row.user_id for row in known if row.user_id}
    users = {user.id: full_name(user) for user in session.scalars(select(User).where(User.id.in_(wanted)))}
    counts = session.execute(
        select(Recording.dub_point_id, func.count())
        .where(Recording.dub_point_id.in_([row.id for row in known]))
        .group_by(Recording.dub_point_id)
    )
    recordings = {dub_point_id: count for dub_point_id, count in counts}
    return tuple(
        DubPointView(
            id=row.id,
            account_id=row.account_id,
            user_id=row.user_id,
            user_name=users.get(row.user_id or "", ""),
            type=row.type,
            label=row.label,
            product=row.product,
            external_type=row.external_type,
            service_provider=row.service_provider,
            external_group=row.external_group,
            external_identifier=row.external_identifier,
            number=row.number,
            status=row.status,
            recordings=recordings.get(row.id, 0),
            date_created=row.date_created,
        )
        for row in known
    )
