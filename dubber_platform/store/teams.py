"""Teams: who works with whose recordings, and as what."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from dubber_platform.config import Chance
from dubber_platform.store.companions import Team, TeamMember, TeamReach
from dubber_platform.store.refused import RefusedError, Why, text_field
from dubber_platform.store.schema import User
from dubber_platform.store.visibility import TeamRole, Viewer, account_seen, full_name, require_administrator

NAME_MAX = 128
TEAMS_MAX = 500
"""Of one account."""
PEOPLE_MAX = 10_000
"""Members of one team, and users it reaches."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamPerson:
    """A member, or someone whose recordings a team reaches (then ``role`` is None)."""

    user_id: str
    name: str
    role: TeamRole | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamView:
    """One team in full."""

    id: str
    account_id: str
    name: str
    members: tuple[TeamPerson, ...]
    reach: tuple[TeamPerson, ...]
    may_change: bool
    """The viewer may change members and reach: administrators may; managers the members' roles only."""
    may_set_members: bool
    date_created: datetime
    date_updated: datetime


def teams(session: Session, viewer: Viewer, *, account_id: str | None = None) -> tuple[TeamView, ...]:
    """The account's teams by name: all for administrators, their own for others."""
    wanted = account_id or viewer.account_id
    if not account_seen(session, viewer, wanted):
        raise RefusedError(Why.UNKNOWN, "account")
    statement = select(Team).where(Team.account_id == wanted).order_by(Team.name)
    if not viewer.administers:
        statement = statement.where(Team.id.in_([team.team_id for team in viewer.teams]))
    return tuple(_view(session, viewer, row) for row in session.scalars(statement.limit(TEAMS_MAX)).all())


def team(session: Session, viewer: Viewer, team_id: str) -> TeamView:
    """One team; RefusedError unless the viewer is in it or administers it."""
    return _view(session, viewer, team_of(session, viewer, team_id))


def add_team(
    session: Session, viewer: Viewer, name: str, *, now: datetime, ids: Chance, account_id: str | None = None
) -> TeamView:
    """A new, empty team of the account."""
    require_administrator(viewer)
    wanted = account_id or viewer.account_id
    if wanted is None or not account_seen(session, viewer, wanted):
        raise RefusedError(Why.UNKNOWN, "account")
    if int(session.scalar(select(func.count()).where(Team.account_id == wanted)) or 0) >= TEAMS_MAX:
        raise RefusedError(Why.TOO_MANY, "team", limit=TEAMS_MAX)
    row = Team(
        id=ids.token_hex(10),
        account_id=wanted,
        name=_free_name(session, wanted, name),
        date_created=now,
        date_updated=now,
    )
    session.add(row)
    session.flush()
    return _view(session, viewer, row)


def rename_team(session: Session, viewer: Viewer, team_id: str, name: str, *, now: datetime) -> TeamView:
    """Another name."""
    row = _administered(session, viewer, team_id)
    row.name, row.date_updated = _free_name(session, row.account_id, name, but=row.id), now
    session.flush()
    return _view(session, viewer, row)


def delete_team(session: Session, viewer: Viewer, team_id: str) -> None:
    """Members lose what the team gave them; recordings stay."""
    session.delete(_administered(session, viewer, team_id))
    session.flush()


def set_member(
    session: Session, viewer: Viewer, team_id: str, user_id: str, role: str | None, *, now: datetime
) -> TeamView:
    """Take someone in, give another role, or take out (``role`` None). Managers may do so too, but not to managers."""
    row = team_of(session, viewer, team_id)
    if not _manages(viewer, row):
        raise RefusedError(Why.NOT_ALLOWED, "team")
    if role is not None and role not in set(TeamRole):
        raise RefusedError(Why.NOT_OFFERED, "role")
    _require_user_of(session, user_id, row.account_id)
    known = session.get(TeamMember, (team_id, user_id))
    if not viewer.administers and TeamRole.MANAGER in (role, known and known.role):
        raise RefusedError(Why.NOT_ALLOWED, "role")
    if role is None:
        if known is not None:
            session.delete(known)
    elif known is not None:
        known.role = role
    else:
        _require_room(session, TeamMember, team_id)
        session.add(TeamMember(team_id=team_id, user_id=user_id, role=role))
    row.date_updated = now
    session.flush()
    return _view(session, viewer, row)


def set_reach(session: Session, viewer: Viewer, team_id: str, user_ids: Iterable[str], *, now: datetime) -> TeamView:
    """Whose recordings the team works with: replaces the whole set."""
    row, wanted = _administered(session, viewer, team_id), list(dict.fromkeys(user_ids))
    if len(wanted) > PEOPLE_MAX:
        raise RefusedError(Why.TOO_MANY, "reach", limit=PEOPLE_MAX)
    for user_id in wanted:
        _require_user_of(session, user_id, row.account_id, "reach")
    session.execute(delete(TeamReach).where(TeamReach.team_id == team_id))
    session.add_all(TeamReach(team_id=team_id, user_id=user_id) for user_id in wanted)
    row.date_updated = now
    session.flush()
    return _view(session, viewer, row)


def team_of(session: Session, viewer: Viewer, team_id: str, *, field: str = "team") -> Team:
    """The row; RefusedError with ``field`` unless the viewer is in the team or administers it."""
    row = session.get(Team, team_id)
    inside = any(own.team_id == team_id for own in viewer.teams)
    if row is None or not (inside or (viewer.administers and account_seen(session, viewer, row.account_id))):
        raise RefusedError(Why.UNKNOWN, field)
    return row


def _administered(session: Session, viewer: Viewer, team_id: str) -> Team:
    row = team_of(session, viewer, team_id)
    require_administrator(viewer)
    return row


def _manages(viewer: Viewer, row: Team) -> bool:
    roles = {own.role for own in viewer.teams if own.team_id == row.id}
    return viewer.administers or TeamRole.MANAGER in roles


def _free_name(session: Session, account_id: str, name: str, *, but: str | None = None) -> str:
    wanted = text_field(name, "name", longest=NAME_MAX)
    known = session.scalar(select(Team.id).where(Team.account_id == account_id, Team.name == wanted))
    if known not in (None, but):
        raise RefusedError(Why.TAKEN, "name")
    return wanted


def _require_user_of(session: Session, user_id: str, account_id: str, field: str = "user") -> None:
    user = session.get(User, user_id)
    if user is None or user.account_id != account_id:
        raise RefusedError(Why.NO_SUCH, field, sentence="is not a user of the account")


def _require_room(session: Session, kind: type[TeamMember], team_id: str) -> None:
    if int(session.scalar(select(func.count()).where(kind.team_id == team_id)) or 0) >= PEOPLE_MAX:
        raise RefusedError(Why.TOO_MANY, "team", limit=PEOPLE_MAX)


def _view(session: Session, viewer: Viewer, row: Team) -> TeamView:
    members = session.execute(
        select(User, TeamMember.role)
        .join(TeamMember, TeamMember.user_id == User.id)
        .where(TeamMember.team_id == row.id)
        .order_by(User.last_name, User.first_name, User.id)
    )
    reach = session.scalars(
        select(User)
        .join(TeamReach, TeamReach.user_id == User.id)
        .where(TeamReach.team_id == row.id)
        .order_by(User.last_name, User.first_name, User.id)
    )
    return TeamView(
        id=row.id,
        account_id=row.account_id,
        name=row.name,
        members=tuple(TeamPerson(user_id=user.id, name=full_name(user), role=TeamRole(role)) for user, role in members),
        reach=tuple(TeamPerson(user_id=user.id, name=full_name(user), role=None) for user in reach),
        may_change=viewer.administers,
        may_set_members=_manages(viewer, row),
        date_created=row.date_created,
        date_updated=row.date_updated,
    )
