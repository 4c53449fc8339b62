"""Who may see and touch what. What a caller may not see does not exist for it (404)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy.orm import Session

from dubber_platform.api.context import Caller
from dubber_platform.api.errors import ApiError, invalid, needs_group_auth, not_authorised, not_found
from dubber_platform.store.schema import Account, DubPoint, Group, Recording, User
from dubber_platform.store.visibility import Right, Viewer, account_seen, rights_over, visible

T = TypeVar("T")


def named(field: str, look: Callable[[], T]) -> T:
    """What ``look`` finds for something a body names: not finding it is the body's fault (400), not the address's."""
    try:
        return look()
    except ApiError as error:
        if error.status != 404:
            raise
        raise invalid(f"{field}: is unknown") from error


def require_group_auth(caller: Caller) -> str:
    """The caller's group; ApiError 1042 for account authentication."""
    if caller.group_id is None:
        raise needs_group_auth()
    return caller.group_id


def require_administrator(caller: Caller) -> None:
    """ApiError 1019 for standard users."""
    if not caller.administers:
        raise not_authorised()


def group_for(session: Session, caller: Caller, group_id: str) -> Group:
    """A group in or below the caller's own."""
    require_group_auth(caller)
    group = session.get(Group, group_id)
    if group is None or group_id not in caller.viewer.groups:
        raise not_found()
    return group


def account_for(session: Session, caller: Caller, account_id: str) -> Account:
    """The caller's own account, or one below its group."""
    account = session.get(Account, account_id)
    if account is None or not account_seen(session, caller.viewer, account_id):
        raise not_found()
    return account


def user_for(session: Session, caller: Caller, user_id: str) -> User:
    """The caller itself, a user of an account it may see, or a user of its group."""
    user = session.get(User, user_id)
    if user is None:
        raise not_found()
    if user.account_id is not None:
        account_for(session, caller, user.account_id)
    elif user.id != caller.user_id and user.group_id not in caller.viewer.groups:
        raise not_found()
    return user


def dub_point_for(session: Session, caller: Caller, dub_point_id: str) -> DubPoint:
    """A dub point of an account the caller may see, or an unidentified one of its groups."""
    dub_point = session.get(DubPoint, dub_point_id)
    if dub_point is None or not may_see_dub_point(caller, dub_point):
        raise not_found()
    return dub_point


def may_see_dub_point(caller: Caller, dub_point: DubPoint) -> bool:
    """As ``dub_point_for`` says."""
    own = caller.account_id is not None and dub_point.account_id == caller.account_id
    return own or dub_point.group_id in caller.viewer.groups


def recording_id_of(text: str) -> int:
    """The id in an address; ApiError 404 when it is none."""
    if not re.fullmatch(r"[1-9][0-9]{0,17}", text, re.ASCII):
        raise not_found()
    return int(text)


def recording_for(session: Session, caller: Caller, recording_id: str, right: Right | None = None) -> Recording:
    """A recording the caller may see and has the ``right`` over: see ``store/visibility.py``."""
    return visible(session, caller.viewer, recording_id_of(recording_id), right)


def may_listen(session: Session, listener: Viewer, recording: Recording) -> bool:
    """True when ``listener`` may hear ``recording`` once it is complete."""
    return recording.id in rights_over(session, listener, [recording])
