"""Rest hooks: made, confirmed by their receiver, changed, given up; what could not be delivered is released here."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from urllib.parse import urlsplit

from aiohttp import web
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from dubber_platform.api.access import account_for, group_for, require_administrator
from dubber_platform.api.bodies import NotificationBody, NotificationChange
from dubber_platform.api.context import Platform, body, caller, links, platform, run
from dubber_platform.api.errors import invalid, not_authorised, not_found
from dubber_platform.api.hooks import queue_confirmation
from dubber_platform.api.paging import page_of, parameters
from dubber_platform.api.render import notification_json
from dubber_platform.store.schema import Delivery, Notification

PER_OWNER_MAX = 20


async def list_for_account(request: web.Request) -> web.Response:
    """GET /accounts/:id/notifications."""
    return await _list(request, "accounts", _account)


async def list_for_group(request: web.Request) -> web.Response:
    """GET /groups/:id/notifications (group authentication)."""
    return await _list(request, "groups", _group)


async def create_for_account(request: web.Request) -> web.Response:
    """POST /accounts/:id/notifications: 201 with status Pending until its receiver confirms."""
    return await _create(request, _account)


async def create_for_group(request: web.Request) -> web.Response:
    """POST /groups/:id/notifications (group authentication)."""
    return await _create(request, _group)


async def get_notification(request: web.Request) -> web.Response:
    """GET /notifications/:id."""
    parameters(request)
    found = await run(request, lambda session: _one(session, request))
    return web.json_response(notification_json(found, links(request)))


async def change_notification(request: web.Request) -> web.Response:
    """PUT /notifications/:id: with another address it has to be confirmed again."""
    wanted, own = await body(request, NotificationChange), platform(request)
    if wanted.post_url is not None:
        _require_known_host(own, wanted.post_url)

    def work(session: Session) -> Notification:
        found = _one(session, request)
        moved = wanted.post_url not in (None, found.post_url)
        for name, value in wanted.model_dump(exclude_none=True).items():
            setattr(found, name, value)
        found.date_updated = own.clock()
        if moved:
            found.status, found.error, found.secret = "Pending", None, own.ids.token_hex(16)
            queue_confirmation(session, own, found)
        return found

    return web.json_response(notification_json(await run(request, work), links(request)))


async def delete_notification(request: web.Request) -> web.Response:
    """DELETE /notifications/:id, with what is still to be delivered."""
    parameters(request)
    await run(request, lambda session: session.delete(_one(session, request)))
    return web.json_response({})


async def activate(request: web.Request) -> web.Response:
    """POST /notifications/:id/activate with the ``X-Hook-Secret`` the receiver was sent."""
    parameters(request)
    given = request.headers.get("X-Hook-Secret", "").encode("utf-8", "surrogatepass")

    def work(session: Session) -> Notification:
        found = _one(session, request)
        if not hmac.compare_digest(found.secret.encode(), given):
            raise not_authorised()
        found.status, found.error, found.date_updated = "Active", None, platform(request).clock()
        return found

    return web.json_response(notification_json(await run(request, work), links(request)))


async def release_unclaimed(request: web.Request) -> web.Response:
    """GET /notifications/:id/unclaimed: names the events that were given up, and has them tried again."""
    parameters(request)
    own, to = platform(request), links(request)

    def work(session: Session) -> list[Delivery]:
        found = _one(session, request)
        given_up = select(Delivery).where(Delivery.notification_id == found.id, Delivery.unclaimed)
        rows = list(session.scalars(given_up.order_by(Delivery.id).limit(100)))
        for row in rows:
            row.unclaimed, row.attempts, row.due_at = False, 0, own.clock()
        return rows

    rows = await run(request, work)
    events = [
        {
            "event_type": row.event_type,
            "recording": to.to("recordings", str(row.recording_id)),
            "date_created": to.date(row.created_at),
        }
        for row in rows
        if row.recording_id
    ]
    own_address = to.to("notifications", request.match_info["notification"], "unclaimed")
    return web.json_response({"self": own_address, "unclaimed": events})


Owner = Callable[[Session, web.Request], dict[str, str]]


def _account(session: Session, request: web.Request) -> dict[str, str]:
    require_administrator(caller(request))
    return {"account_id": account_for(session, caller(request), request.match_info["account"]).id}


def _group(session: Session, request: web.Request) -> dict[str, str]:
    return {"group_id": group_for(session, caller(request), request.match_info["group"]).id}


async def _list(request: web.Request, kind: str, owner: Owner) -> web.Response:
    page = page_of(parameters(request, "count", "page"))

    def work(session: Session) -> tuple[str, list[Notification]]:
        whose = owner(session, request)
        statement = select(Notification).filter_by(**whose).order_by(Notification.id)
        return next(iter(whose.values())), list(session.scalars(statement.offset(page.offset).limit(page.count)))

    to = links(request)
    owner_id, found = await run(request, work)
    rows = [notification_json(one, to) for one in found]
    return web.json_response({"self": to.to(kind, owner_id, "notifications"), "notifications": rows})


async def _create(request: web.Request, owner: Owner) -> web.Response:
    wanted, own = await body(request, NotificationBody), platform(request)
    _require_known_host(own, wanted.post_url)

    def work(session: Session) -> Notification:
        whose = owner(session, request)
        if (session.scalar(select(func.count()).select_from(Notification).filter_by(**whose)) or 0) >= PER_OWNER_MAX:
            raise invalid(f"notification: at most {PER_OWNER_MAX} are kept")
        now = own.clock()
        made = Notification(
            id=own.ids.token_hex(10),
            post_url=wanted.post_url,
            event_type=wanted.event_type,
            include_data=wanted.include_data,
            status="Pending",
            secret=own.ids.token_hex(16),
            date_created=now,
            date_updated=now,
            **whose,
        )
        session.add(made)
        session.flush()
        queue_confirmation(session, own, made)
        return made

    return web.json_response(notification_json(await run(request, work), links(request)), status=201)


def _require_known_host(own: Platform, url: str) -> None:
    if urlsplit(url).hostname not in own.config.hook_hosts:
        raise invalid("post_url: its host is not one this platform posts to")


def _one(session: Session, request: web.Request) -> Notification:
    found = session.get(Notification, request.match_info["notification"])
    if found is None:
        raise not_found()
    if found.account_id is not None:
        require_administrator(caller(request))
        account_for(session, caller(request), found.account_id)
    else:
        group_for(session, caller(request), found.group_id or "")
    return found
