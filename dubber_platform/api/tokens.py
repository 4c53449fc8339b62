"""``POST /token`` (password and refresh grants) and ``POST /revoke``."""

from __future__ import annotations

import asyncio

from aiohttp import web
from sqlalchemy.orm import Session

from dubber_platform.api.context import platform, run
from dubber_platform.api.errors import ApiError, OAuthError
from dubber_platform.secrets_at_rest import password_matches
from dubber_platform.store import tokens
from dubber_platform.store.schema import Client

FIELD_MAX = 1024
GRANTS = ("password", "refresh_token")


async def token(request: web.Request) -> web.Response:
    """Form fields ``grant_type``, ``client_id``, ``client_secret`` and what the grant needs."""
    form = await _form(request)
    grant = _required(form, "grant_type")
    if grant not in GRANTS:
        raise OAuthError("unsupported_grant_type", f"Invalid grant type; use one of {', '.join(GRANTS)}", code=6001)
    client_id = _required(form, "client_id")
    _count(request, client_id)
    client = await _client(request, client_id, _required(form, "client_secret"))
    if grant == "password":
        issued = await _by_password(request, client, _required(form, "username"), _required(form, "password"))
    else:
        issued = await _by_refresh(request, client, _required(form, "refresh_token"))
    return web.json_response(
        {
            "return_type": "json",
            "access_token": issued.access_token,
            "token_type": "bearer",
            "expires_in": platform(request).config.access_token_s,
            "refresh_token": issued.refresh_token,
            "scope": form.get("scope"),
            "state": form.get("state"),
            "uri": None,
            "extended": None,
        },
        headers={"Cache-Control": "no-store"},
    )


async def revoke(request: web.Request) -> web.Response:
    """Form fields ``token`` and ``client_id``; an unknown token is fine too (RFC 7009 2.2)."""
    form = await _form(request)
    secret, client_id = _required(form, "token"), _required(form, "client_id")
    _count(request, client_id)
    await run(request, lambda session: tokens.revoke(session, secret, client_id))
    return web.json_response({})


async def _by_password(request: web.Request, client: Client, username: str, password: str) -> tokens.IssuedToken:
    user = await run(request, lambda session: tokens.user_named(session, username))
    # scrypt takes its time, so it runs beside the database's thread; an unknown user costs as much as a known one
    right = await asyncio.to_thread(password_matches, password, user.password_hash if user else None)
    if user is None or not right:
        raise OAuthError("invalid_grant", "Invalid credentials supplied", code=1003)
    user_id = user.id
    return await run(request, lambda session: _issue(request, session, client, user_id))


async def _by_refresh(request: web.Request, client: Client, refresh_token: str) -> tokens.IssuedToken:
    def work(session: Session) -> tokens.IssuedToken | None:
        user_id = tokens.take_refresh(session, refresh_token, client.id, platform(request).clock())
        return None if user_id is None else _issue(request, session, client, user_id)

    issued = await run(request, work)
    if issued is None:
        raise OAuthError("invalid_grant", "The refresh token is unknown, used or expired", code=1038)
    return issued


def _issue(request: web.Request, session: Session, client: Client, user_id: str) -> tokens.IssuedToken:
    own = platform(request)
    lifetimes = tokens.Lifetimes(access_s=own.config.access_token_s, refresh_s=own.config.refresh_token_s)
    return tokens.issue(session, own.ids, own.clock(), lifetimes, client_id=client.id, user_id=user_id)


async def _client(request: web.Request, client_id: str, secret: str) -> Client:
    client = await run(request, lambda session: tokens.client_with_secret(session, client_id, secret))
    if client is None:
        raise OAuthError("invalid_client", "Invalid credentials supplied", code=1003, status=401)
    if not client.active:
        raise ApiError(403, 1020, "Forbidden: Account Inactive")
    return client


def _count(request: web.Request, client_id: str) -> None:
    over = platform(request).meter.token_request(f"{client_id}@{request.remote}")
    if over is not None:
        raise ApiError(403, over.code, over.message, headers={"Retry-After": str(over.retry_after_s)})


async def _form(request: web.Request) -> dict[str, str]:
    if request.content_type != "application/x-www-form-urlencoded":
        raise OAuthError("invalid_request", "Content-Type must be application/x-www-form-urlencoded", code=1004)
    try:
        form = await request.post()
    except web.HTTPRequestEntityTooLarge as error:
        raise OAuthError("invalid_request", "The form is too long", code=2000) from error
    except (ValueError, LookupError) as error:
        raise OAuthError("invalid_request", "The form cannot be read", code=2000) from error
    if len(form) != len(set(form)):
        raise OAuthError("invalid_request", "A field is given twice", code=2000)
    return {name: value for name, value in form.items() if isinstance(value, str)}


def _required(form: dict[str, str], name: str) -> str:
    value = form.get(name, "")
    if not value or len(value) > FIELD_MAX:
        raise OAuthError("invalid_request", f"{name} is missing or longer than {FIELD_MAX} characters", code=2000)
    return value
