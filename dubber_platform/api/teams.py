"""Teams, do-not-record numbers, passwords, the dashboard's numbers."""

from __future__ import annotations

import asyncio

from aiohttp import web

from dubber_platform.api.bodies import DoNotRecordBody, MemberBody, PasswordBody, ReachBody, TeamBody
from dubber_platform.api.context import Links, body, caller, links, platform, run
from dubber_platform.api.paging import parameters
from dubber_platform.api.render import Json
from dubber_platform.store import dashboard, do_not_record, people, teams
from dubber_platform.store.do_not_record import DoNotRecordView
from dubber_platform.store.teams import TeamPerson, TeamView
from webkit.passwords import hash_password


async def list_teams(request: web.Request) -> web.Response:
    """GET /accounts/:id/teams: all for administrators, their own for others."""
    parameters(request)
    account, viewer = request.match_info["account"], caller(request).viewer
    found = await run(request, lambda session: teams.teams(session, viewer, account_id=account))
    to = links(request)
    own = to.to("accounts", account, "teams")
    return web.json_response({"self": own, "teams": [_team_json(team, to) for team in found]})


async def create_team(request: web.Request) -> web.Response:
    """POST /accounts/:id/teams {name}."""
    wanted, own, viewer = await body(request, TeamBody), platform(request), caller(request).viewer
    account, now = request.match_info["account"], own.clock()
    team = await run(
        request,
        lambda session: teams.add_team(session, viewer, wanted.name, now=now, ids=own.ids, account_id=account),
    )
    return web.json_response(_team_json(team, links(request)), status=201)


async def get_team(request: web.Request) -> web.Response:
    """GET /teams/:id."""
    parameters(request)
    team_id, viewer = request.match_info["team"], caller(request).viewer
    team = await run(request, lambda session: teams.team(session, viewer, team_id))
    return web.json_response(_team_json(team, links(request)))


async def change_team(request: web.Request) -> web.Response:
    """PUT /teams/:id {name}."""
    wanted, now = await body(request, TeamBody), platform(request).clock()
    team_id, viewer = request.match_info["team"], caller(request).viewer
    team = await run(request, lambda session: teams.rename_team(session, viewer, team_id, wanted.name, now=now))
    return web.json_response(_team_json(team, links(request)))


async def delete_team(request: web.Request) -> web.Response:
    """DELETE /teams/:id."""
    parameters(request)
    team_id, viewer = request.match_info["team"], caller(request).viewer
    await run(request, lambda session: teams.delete_team(session, viewer, team_id))
    return web.json_response({})


async def put_member(request: web.Request) -> web.Response:
    """PUT /teams/:id/members/:user {role}: takes someone in, or gives another role."""
    return await _member(request, (await body(request, MemberBody)).role)


async def delete_member(request: web.Request) -> web.Response:
    """DELETE /teams/:id/members/:user."""
    parameters(request)
    return await _member(request, None)


async def _member(request: web.Request, role: str | None) -> web.Response:
    team_id, user_id = request.match_info["team"], request.match_info["user"]
    viewer, now = caller(request).viewer, platform(request).clock()
    team = await run(request, lambda session: teams.set_member(session, viewer, team_id, user_id, role, now=now))
    return web.json_response(_team_json(team, links(request)))


async def put_reach(request: web.Request) -> web.Response:
    """PUT /teams/:id/reach {users}: whose recordings the team works with; the whole set."""
    wanted, now = await body(request, ReachBody), platform(request).clock()
    team_id, viewer = request.match_info["team"], caller(request).viewer
    team = await run(request, lambda session: teams.set_reach(session, viewer, team_id, wanted.users, now=now))
    return web.json_response(_team_json(team, links(request)))


async def list_do_not_record(request: web.Request) -> web.Response:
    """GET /users/:id/do_not_record."""
    parameters(request)
    user_id, viewer, to = request.match_info["user"], caller(request).viewer, links(request)
    found = await run(request, lambda session: do_not_record.do_not_record(session, viewer, user_id))
    own = to.to("users", user_id, "do_not_record")
    return web.json_response({"self": own, "do_not_record": [_entry_json(entry, to) for entry in found]})


async def create_do_not_record(request: web.Request) -> web.Response:
    """POST /users/:id/do_not_record {number, reason}: for calls delivered from now on."""
    wanted, own = await body(request, DoNotRecordBody), platform(request)
    user_id, viewer = request.match_info["user"], caller(request).viewer
    entry = await run(
        request,
        lambda session: do_not_record.add_do_not_record(
            session, viewer, user_id, wanted.number, wanted.reason, now=own.clock(), ids=own.ids
        ),
    )
    return web.json_response(_entry_json(entry, links(request)), status=201)


async def delete_do_not_record(request: web.Request) -> web.Response:
    """DELETE /users/:id/do_not_record/:entry."""
    parameters(request)
    user_id, entry_id = request.match_info["user"], request.match_info["entry"]
    viewer = caller(request).viewer
    await run(request, lambda session: do_not_record.delete_do_not_record(session, viewer, user_id, entry_id))
    return web.json_response({})


async def put_password(request: web.Request) -> web.Response:
    """PUT /users/:id/password {password}: one's own, administrators their users'; tokens given out before are void."""
    wanted, now = await body(request, PasswordBody), platform(request).clock()
    user_id, viewer = request.match_info["user"], caller(request).viewer
    await run(request, lambda session: people.user_changed(session, viewer, user_id))
    hashed = await asyncio.to_thread(hash_password, wanted.password)
    await run(request, lambda session: people.set_password(session, viewer, user_id, hashed, now=now))
    return web.json_response({})


async def get_dashboard(request: web.Request) -> web.Response:
    """GET /dashboard: what the caller may see, in numbers."""
    parameters(request)
    viewer, now, to = caller(request).viewer, platform(request).clock(), links(request)
    numbers = await run(request, lambda session: dashboard.dashboard(session, viewer, now=now))
    names = ("recordings", "voicemails", "starred", "tagged", "today", "unidentified", "users", "dub_points")
    return web.json_response(
        {
            "self": to.to("dashboard"),
            **{name: getattr(numbers, name) for name in names},
            "do_not_record": numbers.withheld,
            "duration": numbers.duration_s,
            "size": numbers.storage_bytes,
            "days": [
                {"day": day.start.date().isoformat(), "recordings": day.recordings, "duration": day.duration_s}
                for day in numbers.days
            ],
        }
    )


def _team_json(team: TeamView, to: Links) -> Json:
    return {
        "self": to.to("teams", team.id),
        "id": team.id,
        "account": to.to("accounts", team.account_id),
        "name": team.name,
        "members": [{**_person_json(person, to), "role": person.role} for person in team.members],
        "reach": [_person_json(person, to) for person in team.reach],
        "date_created": to.date(team.date_created),
        "date_updated": to.date(team.date_updated),
    }


def _person_json(person: TeamPerson, to: Links) -> Json:
    return {"user": to.to("users", person.user_id), "name": person.name}


def _entry_json(entry: DoNotRecordView, to: Links) -> Json:
    return {
        "self": to.to("users", entry.user_id, "do_not_record", entry.id),
        "id": entry.id,
        "user": to.to("users", entry.user_id),
        "number": entry.number,
        "reason": entry.reason,
        "author": entry.author,
        "date_created": to.date(entry.date_created),
    }
