"""The web application: routes, and what surrounds every handler."""

from __future__ import annotations

import asyncio
import re
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime
from weakref import WeakValueDictionary

import structlog
from aiohttp import web
from sqlalchemy.orm import Session

from dubber_platform.api import directory, dub_points, labels, notifications, recordings, teams, tokens, uploads
from dubber_platform.api.context import BODY_MAX_BYTES, CALLER, PLATFORM, Caller, Platform, platform
from dubber_platform.api.errors import ApiError, OAuthError, ObjectError, bad_token, invalid, not_found, refused
from dubber_platform.api.limits import Meter
from dubber_platform.config import Chance, PlatformConfig
from dubber_platform.portal.pages import ALL as PAGES
from dubber_platform.portal.site import PREFIX as PORTAL
from dubber_platform.portal.site import make_application
from dubber_platform.signing import Signer, load_signing_key
from dubber_platform.store.database import Database
from dubber_platform.store.files import AudioFiles
from dubber_platform.store.refused import RefusedError
from dubber_platform.store.schema import Client, User
from dubber_platform.store.tokens import holder_of
from dubber_platform.store.visibility import Viewer, viewer_for

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

log = structlog.get_logger("dubber_platform")

_BEARER = re.compile(r"[Bb]earer ([A-Za-z0-9._~+/=-]{1,512})")


def create_app(config: PlatformConfig, clock: Callable[[], datetime], ids: Chance) -> web.Application:
    """The platform as an application; database and files are opened at its start-up and closed at its end."""
    config.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    own = Platform(
        config=config,
        clock=clock,
        ids=ids,
        database=Database(config.sqlalchemy_url),
        files=AudioFiles(config.data_dir, ids),
        signer=Signer(load_signing_key(config.data_dir, ids), config.region),
        meter=Meter(config.limits, clock),
        locks=WeakValueDictionary(),
    )
    app = web.Application(middlewares=[_errors, _secure, _authenticated], client_max_size=BODY_MAX_BYTES)
    app[PLATFORM] = own
    app.cleanup_ctx.append(_stores)
    app.add_routes(public_routes(config))
    app.add_routes(routes(config.base_path))
    for path in ("/", PORTAL):
        app.router.add_get(path, _to_the_portal)
    app.add_subapp(PORTAL, make_application(own, PAGES))
    return app


async def _to_the_portal(_request: web.Request) -> web.StreamResponse:
    raise web.HTTPFound(f"{PORTAL}/")


def public_routes(config: PlatformConfig) -> list[web.RouteDef]:
    """Routes that carry their own permission: credentials in the form, a signature in the request."""
    return [
        web.post(f"{config.base_path}/token", tokens.token),
        web.post(f"{config.base_path}/revoke", tokens.revoke),
        web.put("/upload/{recording}/{part_number}", uploads.put_part),
        web.get("/media/{recording}", uploads.get_media),
    ]


def routes(base: str) -> list[web.RouteDef]:
    """Routes that need an access token."""
    account, group = f"{base}/accounts/{{account}}", f"{base}/groups/{{group}}"
    user, dub_point, recording = (
        f"{base}/users/{{user}}",
        f"{base}/dub_points/{{dub_point}}",
        f"{base}/recordings/{{recording}}",
    )
    off = recordings.feature_not_enabled
    return [
        *_hook_routes(base, account, group),
        *_label_routes(recording),
        *_team_routes(base, account, user),
        web.get(f"{base}/profile", directory.profile),
        web.get(group, directory.get_group),
        web.get(f"{group}/accounts", directory.list_group_accounts),
        web.get(f"{group}/groups", directory.list_groups),
        web.post(f"{group}/groups", directory.create_group),
        web.get(f"{group}/unidentified_recordings", recordings.list_unidentified),
        web.post(f"{group}/unidentified_recordings", recordings.create_unidentified),
        web.get(f"{group}/unidentified_dub_points", dub_points.list_unidentified),
        web.post(f"{base}/accounts", directory.create_account),
        web.get(account, directory.get_account),
        web.put(account, directory.change_account),
        web.get(f"{account}/users", directory.list_users),
        web.post(f"{account}/users", directory.create_user),
        web.get(f"{account}/dub_points", dub_points.list_dub_points),
        web.post(f"{account}/dub_points", dub_points.create_dub_point),
        web.get(f"{account}/recordings", recordings.list_recordings),
        web.post(f"{account}/recordings", recordings.create_recording),
        web.get(f"{account}/recordings/{{recording}}/ai", off),
        web.post(f"{account}/data_exports", off),
        web.get(user, directory.get_user),
        web.put(user, directory.change_user),
        web.delete(user, directory.delete_user),
        web.get(f"{base}/dub_points/find", dub_points.find_dub_point),
        web.get(dub_point, dub_points.get_dub_point),
        web.put(dub_point, dub_points.change_dub_point),
        web.put(f"{dub_point}/move", dub_points.move_dub_point),
        web.delete(dub_point, dub_points.delete_dub_point),
        web.get(recording, recordings.get_recording),
        web.delete(recording, recordings.delete_recording),
        web.get(f"{recording}/waveform", recordings.get_waveform),
        web.put(f"{recording}/metadata", recordings.put_metadata),
        web.post(f"{recording}/tags", recordings.post_tags),
        web.delete(f"{recording}/tags", recordings.delete_tags),
        web.put(f"{recording}/move", recordings.move_recording),
        web.get(f"{recording}/upload", uploads.get_upload),
        web.put(f"{recording}/complete_upload", uploads.complete_upload),
    ]


def _label_routes(recording: str) -> list[web.RouteDef]:
    return [
        web.put(f"{recording}/star", labels.put_star),
        web.put(f"{recording}/hold", labels.put_hold),
        web.put(f"{recording}/retention", labels.put_retention),
        web.get(f"{recording}/notes", labels.list_notes),
        web.post(f"{recording}/notes", labels.create_note),
        web.delete(f"{recording}/notes/{{note}}", labels.delete_note),
        web.get(f"{recording}/shares", labels.list_shares),
        web.post(f"{recording}/shares", labels.create_share),
        web.delete(f"{recording}/shares/{{share}}", labels.delete_share),
        web.get(f"{recording}/markers", labels.list_markers),
    ]


def _team_routes(base: str, account: str, user: str) -> list[web.RouteDef]:
    team = f"{base}/teams/{{team}}"
    return [
        web.get(f"{base}/dashboard", teams.get_dashboard),
        web.get(f"{account}/teams", teams.list_teams),
        web.post(f"{account}/teams", teams.create_team),
        web.get(team, teams.get_team),
        web.put(team, teams.change_team),
        web.delete(team, teams.delete_team),
        web.put(f"{team}/members/{{user}}", teams.put_member),
        web.delete(f"{team}/members/{{user}}", teams.delete_member),
        web.put(f"{team}/reach", teams.put_reach),
        web.get(f"{user}/do_not_record", teams.list_do_not_record),
        web.post(f"{user}/do_not_record", teams.create_do_not_record),
        web.delete(f"{user}/do_not_record/{{entry}}", teams.delete_do_not_record),
        web.put(f"{user}/password", teams.put_password),
    ]


def _hook_routes(base: str, account: str, group: str) -> list[web.RouteDef]:
    one = f"{base}/notifications/{{notification}}"
    return [
        web.get(f"{account}/notifications", notifications.list_for_account),
        web.post(f"{account}/notifications", notifications.create_for_account),
        web.get(f"{group}/notifications", notifications.list_for_group),
        web.post(f"{group}/notifications", notifications.create_for_group),
        web.get(one, notifications.get_notification),
        web.put(one, notifications.change_notification),
        web.delete(one, notifications.delete_notification),
        web.post(f"{one}/activate", notifications.activate),
        web.get(f"{one}/unclaimed", notifications.release_unclaimed),
    ]


async def _stores(app: web.Application) -> AsyncIterator[None]:
    own = app[PLATFORM]
    await asyncio.to_thread(own.files.open)
    await own.database.open()
    yield
    await own.database.close()


@web.middleware
async def _errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Every refusal in the platform's own form; a fault of ours is logged without the request's contents."""
    if request.path.startswith(f"{PORTAL}/") and request.secure:
        return await handler(request)  # pages say for themselves what is wrong
    try:
        return await handler(request)
    except (ApiError, OAuthError, ObjectError) as error:
        return error.response()
    except RefusedError as error:
        return refused(error).response()
    except web.HTTPMethodNotAllowed as error:
        allow = {"Allow": ", ".join(sorted(error.allowed_methods))}
        return ApiError(400, 1005, "Method Not Allowed", headers=allow).response()
    except web.HTTPNotFound:
        return not_found().response()
    except web.HTTPException:
        raise
    except (ConnectionError, web.RequestPayloadError):
        # the body broke off: nobody may be there to read this
        return invalid("body: is incomplete").response()
    except Exception:
        # the trace as text: a renderer that prints local variables would print passwords and tokens
        log.error("platform.request_failed", method=request.method, path=request.path, trace=traceback.format_exc())
        return ApiError(500, 1000, "Internal Server Error").response()


@web.middleware
async def _secure(request: web.Request, handler: Handler) -> web.StreamResponse:
    if not request.secure:
        raise ApiError(403, 1025, "Forbidden: SSL is required")
    return await handler(request)


@web.middleware
async def _authenticated(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Find out who is calling and count the call, before anything else is looked at."""
    own = platform(request)
    base = own.config.base_path
    if request.path.startswith(f"{PORTAL}/"):
        return await handler(request)
    if not request.path.isprintable():
        raise not_found()
    if not request.path.startswith(f"{base}/") or request.path in (f"{base}/token", f"{base}/revoke"):
        return await handler(request)
    known = await _caller(request, own)
    over = own.meter.call(known.client_id)
    if over is not None:
        headers = {"Retry-After": str(over.retry_after_s)}
        raise ApiError(403, over.code, over.message, headers=headers)
    request[CALLER] = known
    return await handler(request)


async def _caller(request: web.Request, own: Platform) -> Caller:
    bearer = _BEARER.fullmatch(request.headers.get("Authorization", ""))
    if bearer is None:
        raise bad_token()

    def work(session: Session) -> tuple[User, Client, Viewer] | None:
        found = holder_of(session, bearer[1], own.clock())
        return None if found is None else (found[1], found[2], viewer_for(session, found[1]))

    found = await own.database.run(work)
    if found is None:
        raise bad_token()
    user, client, viewer = found
    if not client.active:
        raise ApiError(403, 1020, "Forbidden: Account Inactive")
    return Caller(client_id=client.id, viewer=viewer, group_id=user.group_id)
