"""Dub points: under accounts, by id, by their four-part key, and a group's unidentified ones."""

from __future__ import annotations

from aiohttp import web
from sqlalchemy import select
from sqlalchemy.orm import Session

from dubber_platform.api.access import (
    account_for,
    dub_point_for,
    group_for,
    may_see_dub_point,
    named,
    require_administrator,
    require_group_auth,
)
from dubber_platform.api.bodies import DubPointBody, DubPointChange, MoveBody
from dubber_platform.api.context import Caller, body, caller, links, platform, run
from dubber_platform.api.errors import bad_parameter, invalid, not_found
from dubber_platform.api.paging import page_of, parameters
from dubber_platform.api.render import dub_point_json
from dubber_platform.store.dub_points import claim, forget, free_dub_point
from dubber_platform.store.recordings import dub_point_by_key
from dubber_platform.store.schema import Account, DubPoint, User
from dubber_platform.store.search import rename_dub_point

KEY = ("external_type", "service_provider", "external_group", "external_identifier")


async def list_dub_points(request: web.Request) -> web.Response:
    """GET /accounts/:id/dub_points."""
    page, account_id = page_of(parameters(request, "count", "page")), request.match_info["account"]

    def work(session: Session) -> list[DubPoint]:
        account_for(session, caller(request), account_id)
        require_administrator(caller(request))
        statement = select(DubPoint).where(DubPoint.account_id == account_id).order_by(DubPoint.id)
        return list(session.scalars(statement.offset(page.offset).limit(page.count)))

    to, found = links(request), await run(request, work)
    own = to.to("accounts", account_id, "dub_points")
    return web.json_response({"self": own, "dub_points": [dub_point_json(one, to) for one in found]})


async def list_unidentified(request: web.Request) -> web.Response:
    """GET /groups/:id/unidentified_dub_points."""
    page, group_id = page_of(parameters(request, "count", "page")), request.match_info["group"]

    def work(session: Session) -> list[DubPoint]:
        group_for(session, caller(request), group_id)
        statement = select(DubPoint).where(DubPoint.group_id == group_id, DubPoint.account_id.is_(None))
        return list(session.scalars(statement.order_by(DubPoint.id).offset(page.offset).limit(page.count)))

    to, found = links(request), await run(request, work)
    own = to.to("groups", group_id, "unidentified_dub_points")
    return web.json_response({"self": own, "dub_points": [dub_point_json(one, to) for one in found]})


async def create_dub_point(request: web.Request) -> web.Response:
    """POST /accounts/:id/dub_points (group authentication); an unidentified key is claimed with its recordings."""
    require_group_auth(caller(request))
    wanted, own = await body(request, DubPointBody), platform(request)
    key = {name: str(getattr(wanted, name)) for name in KEY}

    def work(session: Session) -> DubPoint:
        account = account_for(session, caller(request), request.match_info["account"])
        if wanted.user is not None:
            _require_user_of(session, wanted.user, account)
        now = own.clock()
        dub_point = free_dub_point(session, caller(request).viewer, key, account, now=now, ids=own.ids)
        for name in ("type", "label", "product", "number", "playback", "ai"):
            setattr(dub_point, name, getattr(wanted, name))
        claim(session, dub_point, account, wanted.user, now)
        return dub_point

    return web.json_response(dub_point_json(await run(request, work), links(request)), status=201)


async def find_dub_point(request: web.Request) -> web.Response:
    """GET /dub_points/find: all four parts of the key are mandatory; an unidentified dub point is not found."""
    require_group_auth(caller(request))
    given = parameters(request, *KEY)
    missing = [name for name in KEY if name not in given]
    if missing:
        raise bad_parameter(missing[0], "is mandatory")

    def work(session: Session) -> DubPoint:
        dub_point = dub_point_by_key(session, *(given[name] for name in KEY))
        if dub_point is None or dub_point.account_id is None:
            raise not_found()
        if not may_see_dub_point(caller(request), dub_point):
            raise not_found()
        return dub_point

    return web.json_response(dub_point_json(await run(request, work), links(request)))


async def get_dub_point(request: web.Request) -> web.Response:
    """GET /dub_points/:id."""
    parameters(request)
    found = await run(request, lambda session: _administered(session, request))
    return web.json_response(dub_point_json(found, links(request)))


async def change_dub_point(request: web.Request) -> web.Response:
    """PUT /dub_points/:id: product, label, number, playback, ai, status."""
    require_group_auth(caller(request))
    wanted = await body(request, DubPointChange)

    def work(session: Session) -> DubPoint:
        dub_point = _administered(session, request)
        for name, value in wanted.model_dump(exclude_none=True).items():
            setattr(dub_point, name, value)
        dub_point.date_updated = platform(request).clock()
        rename_dub_point(session, dub_point)
        return dub_point

    return web.json_response(dub_point_json(await run(request, work), links(request)))


async def move_dub_point(request: web.Request) -> web.Response:
    """PUT /dub_points/:id/move {user | account}: also takes an unidentified one to its owner."""
    require_group_auth(caller(request))
    wanted = await body(request, MoveBody)
    if wanted.dub_point is not None:
        raise invalid("dub_point: a dub point moves to a user or an account")

    def work(session: Session) -> DubPoint:
        dub_point = _administered(session, request)
        account, user_id = destination(session, caller(request), wanted)
        claim(session, dub_point, account, user_id, platform(request).clock())
        return dub_point

    return web.json_response(dub_point_json(await run(request, work), links(request)))


async def delete_dub_point(request: web.Request) -> web.Response:
    """DELETE /dub_points/:id: its recordings stay."""
    parameters(request)
    require_group_auth(caller(request))

    def work(session: Session) -> None:
        forget(session, _administered(session, request))

    await run(request, work)
    return web.json_response({})


def destination(session: Session, known: Caller, wanted: MoveBody) -> tuple[Account, str | None]:
    """The account and user a thing is moved to."""
    if wanted.user is None:
        return named("account", lambda: account_for(session, known, wanted.account or "")), None
    user = session.get(User, wanted.user)
    if user is None or user.account_id is None or wanted.account not in (None, user.account_id):
        raise invalid("user: is not a user of the account")
    return named("user", lambda: account_for(session, known, user.account_id or "")), user.id


def _require_user_of(session: Session, user_id: str, account: Account) -> None:
    user = session.get(User, user_id)
    if user is None or user.account_id != account.id:
        raise invalid("user: is not a user of the account")


def _administered(session: Session, request: web.Request) -> DubPoint:
    require_administrator(caller(request))
    return dub_point_for(session, caller(request), request.match_info["dub_point"])
