"""Teams: whose recordings they work with, who is in them, and as what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from aiohttp import web
from sqlalchemy.orm import Session

from dubber_platform.portal.asked import ID_MAX
from dubber_platform.portal.named import account_wanted, suggested, user_typed
from dubber_platform.portal.roles import ADMINISTRATORS, EVERYONE
from dubber_platform.portal.site import ask, platform_of
from dubber_platform.portal.trying import attempt
from dubber_platform.store import teams
from dubber_platform.store.people import USERNAME_MAX
from dubber_platform.store.rows import Reference
from dubber_platform.store.teams import NAME_MAX, TeamView
from dubber_platform.store.visibility import TeamRole, Viewer
from webkit.forms import Form
from webkit.routes import page
from webkit.visit import Visit


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """One team's page."""

    team: TeamView
    people: tuple[Reference, ...]
    """Suggested for the fields that name a user."""
    own_id: str
    roles: tuple[str, ...]
    """That the viewer may give."""


async def show(visit: Visit) -> web.StreamResponse:
    """All of the account for administrators, their own for others."""
    return await _list(visit)


async def _list(visit: Visit, form: Form | None = None) -> web.StreamResponse:
    account = visit.query("account", limit=ID_MAX)
    found = await ask(
        visit,
        lambda session, viewer: teams.teams(session, viewer, account_id=account_wanted(session, viewer, account)),
    )
    return await visit.page(
        "teams.html",
        status=200 if form is None else 422,
        teams=found,
        own_id=visit.who.facts["user_id"],
        may_add=visit.who.role in ADMINISTRATORS,
        form=form,
    )


async def add(visit: Visit) -> web.StreamResponse:
    """An empty one."""
    form, own = visit.form(), platform_of(visit)
    name = form.text("name", limit=NAME_MAX, required=True)
    account = visit.query("account", limit=ID_MAX)

    def work(session: Session, viewer: Viewer) -> TeamView:
        account_id = account_wanted(session, viewer, account)
        return teams.add_team(session, viewer, name, now=visit.now, ids=own.ids, account_id=account_id)

    made = await attempt(visit, form, work, {"name": "name", "team": "name"})
    if made is None:
        return await _list(visit, form)
    visit.notice("success", visit.t("The team is made. Say who is in it, and whose recordings it works with."))
    return visit.redirect(f"/teams/{made.id}")


async def show_team(visit: Visit) -> web.StreamResponse:
    """Members and reach."""
    return await _team(visit)


async def _team(visit: Visit, form: Form | None = None) -> web.StreamResponse:
    team_id = visit.match("team")

    def look(session: Session, viewer: Viewer) -> Opened:
        team = teams.team(session, viewer, team_id)
        every = tuple(role.value for role in TeamRole)
        return Opened(
            team=team,
            people=suggested(session, viewer, team.account_id) if team.may_change else (),
            own_id=viewer.user_id,
            roles=every if viewer.administers else tuple(role for role in every if role != TeamRole.MANAGER),
        )

    opened = await ask(visit, look)
    return await visit.page(
        "team.html", status=200 if form is None else 422, opened=opened, team=opened.team, form=form
    )


async def rename(visit: Visit) -> web.StreamResponse:
    """Another name."""
    form, team_id = visit.form(), visit.match("team")
    name = form.text("name", limit=NAME_MAX, required=True)

    def work(session: Session, viewer: Viewer) -> None:
        if not form.overtakes(teams.team(session, viewer, team_id).name, name):
            teams.rename_team(session, viewer, team_id, name, now=visit.now)

    await attempt(visit, form, work, {"name": "name"})
    if not form.ok:
        return await _team(visit, form)
    visit.notice("success", visit.t("The team has another name."))
    return visit.redirect(f"/teams/{team_id}")


async def remove(visit: Visit) -> web.StreamResponse:
    """The team goes; recordings stay."""
    team_id = visit.match("team")
    await ask(visit, lambda session, viewer: teams.delete_team(session, viewer, team_id))
    visit.notice("success", visit.t("The team is deleted. Recordings stay with their users."))
    return visit.redirect("/teams")


async def add_member(visit: Visit) -> web.StreamResponse:
    """Take somebody in."""
    form, team_id = visit.form(), visit.match("team")
    typed = form.text("member", limit=USERNAME_MAX, required=True)
    role = form.one_of("role", [role.value for role in TeamRole])

    def work(session: Session, viewer: Viewer) -> TeamView:
        user = user_typed(session, teams.team(session, viewer, team_id).account_id, typed)
        return teams.set_member(session, viewer, team_id, user.id, role, now=visit.now)

    done = await attempt(visit, form, work, {"user": "member", "role": "role"})
    if done is None:
        return await _team(visit, form)
    visit.notice("success", visit.t("%(name)s is in the team now.", name=typed))
    return visit.redirect(f"/teams/{team_id}")


async def change_member(visit: Visit) -> web.StreamResponse:
    """Another role."""
    form, team_id, user_id = visit.form(), visit.match("team"), visit.match("user")
    role = form.one_of("member_role", [role.value for role in TeamRole])
    done = await attempt(
        visit,
        form,
        lambda session, viewer: teams.set_member(session, viewer, team_id, user_id, role, now=visit.now),
        {"role": "role"},
    )
    if done is None:
        return await _team(visit, form)
    visit.notice("success", visit.t("The role is changed."))
    return visit.redirect(f"/teams/{team_id}")


async def remove_member(visit: Visit) -> web.StreamResponse:
    """Take somebody out."""
    team_id, user_id = visit.match("team"), visit.match("user")
    await ask(visit, lambda session, viewer: teams.set_member(session, viewer, team_id, user_id, None, now=visit.now))
    visit.notice("success", visit.t("The person is not in the team any more."))
    if user_id == visit.who.facts["user_id"] and visit.who.role not in ADMINISTRATORS:
        return visit.redirect("/teams")
    return visit.redirect(f"/teams/{team_id}")


async def add_reach(visit: Visit) -> web.StreamResponse:
    """The recordings of one more user."""
    form, team_id = visit.form(), visit.match("team")
    typed = form.text("reached", limit=USERNAME_MAX, required=True)

    def work(session: Session, viewer: Viewer) -> TeamView:
        team = teams.team(session, viewer, team_id)
        user = user_typed(session, team.account_id, typed)
        known = [person.user_id for person in team.reach]
        return teams.set_reach(session, viewer, team_id, [*known, user.id], now=visit.now)

    done = await attempt(visit, form, work, {"user": "reached", "reach": "reached"})
    if done is None:
        return await _team(visit, form)
    visit.notice("success", visit.t("The team works with the recordings of %(name)s now.", name=typed))
    return visit.redirect(f"/teams/{team_id}")


async def remove_reach(visit: Visit) -> web.StreamResponse:
    """The recordings of one user less."""
    team_id, user_id = visit.match("team"), visit.match("user")

    def work(session: Session, viewer: Viewer) -> TeamView:
        known = [person.user_id for person in teams.team(session, viewer, team_id).reach]
        return teams.set_reach(session, viewer, team_id, [one for one in known if one != user_id], now=visit.now)

    await ask(visit, work)
    visit.notice("success", visit.t("The team does not hear these recordings any more."))
    return visit.redirect(f"/teams/{team_id}")


ROUTES: Final = (
    page("GET", "/teams", show, allow=EVERYONE),
    page("POST", "/teams", add, allow=ADMINISTRATORS),
    page("GET", "/teams/{team}", show_team, allow=EVERYONE),
    page("POST", "/teams/{team}", rename, allow=ADMINISTRATORS),
    page("POST", "/teams/{team}/delete", remove, allow=ADMINISTRATORS),
    page("POST", "/teams/{team}/members", add_member, allow=EVERYONE),
    page("POST", "/teams/{team}/members/{user}", change_member, allow=EVERYONE),
    page("POST", "/teams/{team}/members/{user}/remove", remove_member, allow=EVERYONE),
    page("POST", "/teams/{team}/reach", add_reach, allow=ADMINISTRATORS),
    page("POST", "/teams/{team}/reach/{user}/remove", remove_reach, allow=ADMINISTRATORS),
)
