"""Who may see which recordings, and do what with them. Every list and every change goes through here.

An administrator has all rights over the account's recordings; with group authentication over those of every
account in and below the group, and over what the group could not place. A standard user sees its own, and those of
the users its teams reach: to listen (Listener), to label too (Contributor), to share too (Manager).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Select, and_, or_, select
from sqlalchemy.orm import Session
from sqlalchemy.sql.elements import ColumnElement

from dubber_platform.store.companions import Team, TeamMember, TeamReach
from dubber_platform.store.refused import RefusedError, Why
from dubber_platform.store.schema import Account, Group, Recording, User

ADMINISTRATOR, STANDARD_USER = "Administrator", "Standard User"
ROLES = (ADMINISTRATOR, STANDARD_USER)
GROUP_DEPTH_MAX = 8
ACTIVE, UPLOADING, DO_NOT_RECORD = "Active", "Uploading", "Do Not Record"


class TeamRole(StrEnum):
    """What a member of a team may do with the recordings the team reaches."""

    LISTENER = "Listener"
    CONTRIBUTOR = "Contributor"
    MANAGER = "Manager"


class Right(StrEnum):
    """One thing that may be done with a recording one sees."""

    LISTEN = "listen"
    LABEL = "label"
    """Tags, notes, star, metadata."""
    SHARE = "share"
    DOWNLOAD = "download"
    KEEP = "keep"
    """Retention date and legal hold."""
    MOVE = "move"
    DELETE = "delete"


ALL_RIGHTS = frozenset(Right)
OWNER_RIGHTS = frozenset({Right.LISTEN, Right.LABEL, Right.SHARE})
TEAM_RIGHTS: Mapping[str, frozenset[Right]] = {
    TeamRole.LISTENER: frozenset({Right.LISTEN}),
    TeamRole.CONTRIBUTOR: frozenset({Right.LISTEN, Right.LABEL}),
    TeamRole.MANAGER: frozenset({Right.LISTEN, Right.LABEL, Right.SHARE}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership:
    """One team of a viewer."""

    team_id: str
    name: str
    role: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewer:
    """Who is looking."""

    user_id: str
    username: str
    name: str
    role: str
    account_id: str | None
    sole_account: str | None = None
    """The one account there is to see; None when there are several or none."""
    own_apart: bool = True
    """The own account is not in one of the groups."""
    groups: frozenset[str] = frozenset()
    """With group authentication: the group spoken for and all below it."""
    teams: tuple[Membership, ...] = ()

    @property
    def administers(self) -> bool:
        """True for administrators and for group authentication."""
        return bool(self.groups) or self.role == ADMINISTRATOR


def viewer_of(session: Session, user_id: str) -> Viewer | None:
    """The viewer a user is now; None when there is no such user."""
    user = session.get(User, user_id)
    return None if user is None else viewer_for(session, user)


def viewer_for(session: Session, user: User) -> Viewer:
    """The viewer this user is now."""
    groups = frozenset(groups_below(session, user.group_id)) if user.group_id else frozenset()
    teams = session.execute(
        select(Team.id, Team.name, TeamMember.role)
        .join(TeamMember, TeamMember.team_id == Team.id)
        .where(TeamMember.user_id == user.id, Team.account_id == user.account_id)
        .order_by(Team.name)
    )
    return Viewer(
        user_id=user.id,
        username=user.username,
        name=full_name(user),
        role=user.role,
        account_id=user.account_id,
        sole_account=_sole_account(session, user.account_id, groups),
        own_apart=_group_of(session, user.account_id) not in groups,
        groups=groups,
        teams=tuple(Membership(team_id=team_id, name=name, role=role) for team_id, name, role in teams),
    )


def _sole_account(session: Session, own: str | None, groups: frozenset[str]) -> str | None:
    if not groups:
        return own
    below = session.scalars(select(Account.id).where(Account.group_id.in_(sorted(groups))).limit(2)).all()
    seen = {*below, own} - {None}
    return seen.pop() if len(seen) == 1 else None


def _group_of(session: Session, account_id: str | None) -> str | None:
    account = session.get(Account, account_id) if account_id else None
    return account.group_id if account else None


def groups_below(session: Session, group_id: str) -> list[str]:
    """The group and all below it."""
    found, level = [group_id], [group_id]
    for _ in range(GROUP_DEPTH_MAX):
        level = list(session.scalars(select(Group.id).where(Group.parent_id.in_(level)))) if level else []
        found += level
    return found


def full_name(user: User) -> str:
    """First and last name, or the user name when both are empty."""
    return f"{user.first_name} {user.last_name}".strip() or user.username


def placed(viewer: Viewer) -> ColumnElement[bool]:
    """Condition for the recordings of accounts the viewer may see."""
    if viewer.administers:
        return _all_of(viewer)
    own, mine = Recording.account_id == viewer.account_id, Recording.user_id == viewer.user_id
    if not viewer.teams:
        return and_(own, mine)
    return and_(own, or_(mine, Recording.user_id.in_(reached(viewer))))


def _all_of(viewer: Viewer) -> ColumnElement[bool]:
    """One value to compare with where there is only one: an index is then in the order of the list."""
    if viewer.sole_account is not None:
        return Recording.account_id == viewer.sole_account
    groups = sorted(viewer.groups)
    below = Recording.group_id == groups[0] if len(groups) == 1 else Recording.group_id.in_(groups)
    placed_below = and_(below, Recording.account_id.is_not(None))
    return or_(placed_below, Recording.account_id == viewer.account_id) if viewer.own_apart else placed_below


def unplaced(viewer: Viewer) -> ColumnElement[bool]:
    """Condition for the recordings the viewer's groups could not place."""
    return and_(Recording.account_id.is_(None), Recording.group_id.in_(sorted(viewer.groups)))


def rights_over(session: Session, viewer: Viewer, recordings: Iterable[Recording]) -> dict[int, frozenset[Right]]:
    """What the viewer may do, by recording id; a recording it may not see is not in the answer."""
    rows = list(recordings)
    accounts = _accounts(session, viewer, {row.account_id for row in rows if row.account_id})
    others = {row.user_id for row in rows if row.user_id and row.user_id != viewer.user_id}
    roles = {} if viewer.administers else _roles_over(session, viewer, others)
    found = {}
    for row in rows:
        rights = _rights(viewer, row, accounts, roles)
        if rights is not None:
            found[row.id] = rights if row.status == ACTIVE else rights - {Right.LISTEN, Right.DOWNLOAD, Right.SHARE}
    return found


def visible(session: Session, viewer: Viewer, recording_id: int, right: Right | None = None) -> Recording:
    """The recording; RefusedError when the viewer may not see it, or has not the ``right`` needed."""
    recording = session.get(Recording, recording_id)
    rights = rights_over(session, viewer, [recording]).get(recording_id) if recording else None
    if recording is None or rights is None:
        raise RefusedError(Why.UNKNOWN, "recording")
    if right is not None and right not in rights:
        raise RefusedError(Why.NOT_ALLOWED, "recording")
    return recording


def require_administrator(viewer: Viewer) -> None:
    """RefusedError for standard users."""
    if not viewer.administers:
        raise RefusedError(Why.NOT_ALLOWED, "user")


def account_seen(session: Session, viewer: Viewer, account_id: str | None) -> bool:
    """Whether the account is the viewer's own or below its group."""
    return account_id is not None and account_id in _accounts(session, viewer, {account_id})


def _rights(
    viewer: Viewer, row: Recording, accounts: frozenset[str], roles: Mapping[str, str]
) -> frozenset[Right] | None:
    if row.account_id is None:
        return ALL_RIGHTS if row.group_id in viewer.groups else None
    if row.account_id not in accounts:
        return None
    if viewer.administers:
        return ALL_RIGHTS
    if row.user_id == viewer.user_id:
        return OWNER_RIGHTS
    return TEAM_RIGHTS.get(roles.get(row.user_id or "", ""))


def _accounts(session: Session, viewer: Viewer, asked: set[str]) -> frozenset[str]:
    seen = {viewer.account_id} & asked if viewer.account_id else set()
    if viewer.groups and asked - seen:
        below = select(Account.id).where(Account.id.in_(asked), Account.group_id.in_(sorted(viewer.groups)))
        seen |= set(session.scalars(below))
    return frozenset(account for account in seen if account is not None)


def reached(viewer: Viewer) -> Select[str]:
    """Users whose recordings the viewer's teams work with."""
    member = select(TeamMember.team_id).where(TeamMember.user_id == viewer.user_id)
    return select(TeamReach.user_id).where(TeamReach.team_id.in_(member))


def _roles_over(session: Session, viewer: Viewer, users: set[str]) -> dict[str, str]:
    """The viewer's best role over each of these users."""
    if not users or not viewer.teams:
        return {}
    rows = session.execute(
        select(TeamReach.user_id, TeamMember.role)
        .join(TeamMember, TeamMember.team_id == TeamReach.team_id)
        .where(TeamMember.user_id == viewer.user_id, TeamReach.user_id.in_(users))
    )
    best: dict[str, str] = {}
    for user_id, role in rows:
        if len(TEAM_RIGHTS[role]) > len(TEAM_RIGHTS.get(best.get(user_id, ""), ())):
            best[user_id] = role
    return best
