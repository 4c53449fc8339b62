"""Profile, groups, accounts and users."""

from __future__ import annotations

from datetime import datetime

from aiohttp import web
from sqlalchemy import select
from sqlalchemy.orm import Session

from dubber_platform.api.access import (
    account_for,
    group_for,
    named,
    require_administrator,
    require_group_auth,
    user_for,
)
from dubber_platform.api.bodies import AccountBody, AccountChange, GroupBody, UserBody, UserChange
from dubber_platform.api.context import Platform, body, caller, links, platform, run
from dubber_platform.api.errors import invalid, not_authorised
from dubber_platform.api.paging import page_of, parameters
from dubber_platform.api.render import account_json, group_json, user_json
from dubber_platform.store import people
from dubber_platform.store.people import UserDraft
from dubber_platform.store.schema import Account, Group, User
from dubber_platform.store.visibility import GROUP_DEPTH_MAX, ROLES


async def profile(request: web.Request) -> web.Response:
    """GET /profile: the user behind the token, and what it speaks for."""
    parameters(request)
    known, to = caller(request), links(request)
    user = await run(request, lambda session: user_for(session, known, known.user_id))
    answer = user_json(user, to)
    answer["group"] = known.group_id and to.to("groups", known.group_id)
    answer["authentication"] = "group" if known.group_id else "account"
    return web.json_response(answer)


async def get_group(request: web.Request) -> web.Response:
    """GET /groups/:id."""
    parameters(request)
    group = await run(request, lambda session: group_for(session, caller(request), request.match_info["group"]))
    return web.json_response(group_json(group, links(request)))


async def list_group_accounts(request: web.Request) -> web.Response:
    """GET /groups/:id/accounts."""
    page, group_id = page_of(parameters(request, "count", "page")), request.match_info["group"]

    def work(session: Session) -> list[Account]:
        group_for(session, caller(request), group_id)
        statement = select(Account).where(Account.group_id == group_id).order_by(Account.id)
        return list(session.scalars(statement.offset(page.offset).limit(page.count)))

    to, found = links(request), await run(request, work)
    own = to.to("groups", group_id, "accounts")
    return web.json_response({"self": own, "accounts": [account_json(account, to) for account in found]})


async def list_groups(request: web.Request) -> web.Response:
    """GET /groups/:id/groups."""
    page, group_id = page_of(parameters(request, "count", "page")), request.match_info["group"]

    def work(session: Session) -> list[Group]:
        group_for(session, caller(request), group_id)
        statement = select(Group).where(Group.parent_id == group_id).order_by(Group.id)
        return list(session.scalars(statement.offset(page.offset).limit(page.count)))

    to, found = links(request), await run(request, work)
    own = to.to("groups", group_id, "groups")
    return web.json_response({"self": own, "groups": [group_json(group, to) for group in found]})


async def create_group(request: web.Request) -> web.Response:
    """POST /groups/:id/groups."""
    wanted, own = await body(request, GroupBody), platform(request)

    def work(session: Session) -> Group:
        parent = group_for(session, caller(request), request.match_info["group"])
        if _depth(session, parent) >= GROUP_DEPTH_MAX:
            raise invalid(f"group: groups may be nested {GROUP_DEPTH_MAX} deep")
        now = own.clock()
        group = Group(
            id=own.ids.token_hex(10), name=wanted.name, parent_id=parent.id, date_created=now, date_updated=now
        )
        session.add(group)
        return group

    return web.json_response(group_json(await run(request, work), links(request)), status=201)


async def create_account(request: web.Request) -> web.Response:
    """POST /accounts: below the caller's group, or a ``group`` in it."""
    group_id = require_group_auth(caller(request))
    wanted, own = await body(request, AccountBody), platform(request)

    def work(session: Session) -> Account:
        group = named("group", lambda: group_for(session, caller(request), wanted.group or group_id))
        if wanted.id is not None and session.get(Account, wanted.id) is not None:
            raise invalid("id: is already taken")
        account = new_account(session, own, wanted.name, group.id, wanted.id)
        account.dubber_address, account.time_zone = wanted.dubber_address, wanted.time_zone
        account.address, account.phone, account.details = wanted.address, wanted.phone, wanted.metadata
        return account

    return web.json_response(account_json(await run(request, work), links(request)), status=201)


async def get_account(request: web.Request) -> web.Response:
    """GET /accounts/:id."""
    parameters(request)
    account = await run(request, lambda session: account_for(session, caller(request), request.match_info["account"]))
    return web.json_response(account_json(account, links(request)))


async def change_account(request: web.Request) -> web.Response:
    """PUT /accounts/:id."""
    wanted = await body(request, AccountChange)

    def work(session: Session) -> Account:
        account = account_for(session, caller(request), request.match_info["account"])
        require_administrator(caller(request))
        _apply(account, wanted.model_dump(exclude_none=True), platform(request).clock())
        return account

    return web.json_response(account_json(await run(request, work), links(request)))


async def list_users(request: web.Request) -> web.Response:
    """GET /accounts/:id/users?role&count&page."""
    given, account_id = parameters(request, "role", "count", "page"), request.match_info["account"]
    page, role = page_of(given), given.get("role")
    if role is not None and role not in ROLES:
        raise invalid(f"Invalid parameter: role (must be one of {', '.join(ROLES)})")

    def work(session: Session) -> list[User]:
        account_for(session, caller(request), account_id)
        require_administrator(caller(request))
        statement = select(User).where(User.account_id == account_id).order_by(User.id)
        if role is not None:
            statement = statement.where(User.role == role)
        return list(session.scalars(statement.offset(page.offset).limit(page.count)))

    to, found = links(request), await run(request, work)
    own = to.to("accounts", account_id, "users")
    return web.json_response({"self": own, "users": [user_json(user, to) for user in found]})


async def create_user(request: web.Request) -> web.Response:
    """POST /accounts/:id/users: without a password, so it cannot sign in before it was given one."""
    wanted, own = await body(request, UserBody), platform(request)

    def work(session: Session) -> User:
        account = account_for(session, caller(request), request.match_info["account"])
        require_administrator(caller(request))
        draft = UserDraft(**wanted.model_dump())
        viewer = caller(request).viewer
        return people.add_user(session, viewer, draft, now=own.clock(), ids=own.ids, account_id=account.id)

    return web.json_response(user_json(await run(request, work), links(request)), status=201)


async def get_user(request: web.Request) -> web.Response:
    """GET /users/:id."""
    parameters(request)
    user = await run(request, lambda session: _user(session, request))
    return web.json_response(user_json(user, links(request)))


async def change_user(request: web.Request) -> web.Response:
    """PUT /users/:id; standard users may change their own, but not their role."""
    wanted = await body(request, UserChange)

    def work(session: Session) -> User:
        user = _user(session, request)
        if wanted.role is not None and not caller(request).administers:
            raise not_authorised()
        _require_not_below(request, user)
        people.apply(session, user, wanted.model_dump(exclude_none=True), now=platform(request).clock())
        return user

    return web.json_response(user_json(await run(request, work), links(request)))


async def delete_user(request: web.Request) -> web.Response:
    """DELETE /users/:id: recordings and dub points stay with the account, without a user."""
    parameters(request)

    def work(session: Session) -> None:
        require_administrator(caller(request))
        user = _user(session, request)
        if user.id == caller(request).user_id:
            raise invalid("user: cannot delete itself")
        _require_not_below(request, user)
        people.delete_user(session, caller(request).viewer, user.id)

    await run(request, work)
    return web.json_response({})


def new_account(session: Session, own: Platform, name: str, group_id: str, wanted_id: str | None = None) -> Account:
    """A new account; its id is a slug of its name unless one is given."""
    now = own.clock()
    account_id = wanted_id or people.free_slug(session, Account, name, 64, own.ids)
    account = Account(id=account_id, group_id=group_id, name=name, details={}, date_created=now, date_updated=now)
    session.add(account)
    session.flush()
    return account


def _user(session: Session, request: web.Request) -> User:
    """The user of the address; standard users see themselves only."""
    user = user_for(session, caller(request), request.match_info["user"])
    if not caller(request).administers and user.id != caller(request).user_id:
        raise not_authorised()
    return user


def _require_not_below(request: web.Request, user: User) -> None:
    """An account's administrator has no power over someone who speaks for the group."""
    if user.group_id is not None and caller(request).group_id is None:
        raise not_authorised()


def _apply(row: Account, changes: dict[str, object], now: datetime) -> None:
    for name, value in changes.items():
        setattr(row, "details" if name == "metadata" else name, value)
    row.date_updated = now


def _depth(session: Session, group: Group) -> int:
    depth, above = 1, group.parent_id
    while above is not None and depth <= GROUP_DEPTH_MAX:
        parent = session.get(Group, above)
        depth, above = depth + 1, parent.parent_id if parent else None
    return depth
