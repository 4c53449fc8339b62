"""Who may use the APIs, and who changed what."""

from __future__ import annotations

import asyncio
import secrets
from datetime import datetime
from typing import Final

from pydantic import Field, JsonValue

from catalog import Catalog
from catalog.api_tokens import ApiToken
from catalog.audit import Actor, AuditChange
from portals.api.wire import NUMBER, In, Instant, Out, QueryIn
from portals.rest import Asked, Reply, Route, Scope, refuse
from portals.rest.bearer import digest_of
from portals.rest.paging import next_link, read_cursor
from portals.rest.scopes import USER_SCOPES

TAG: Final = "Access"
READ: Final = (Scope.READ,)
WRITE: Final = (Scope.WRITE,)
TOKEN_BYTES: Final = 32


class Token(Out):
    """A token, without what it opens doors with."""

    id: str
    name: str
    scopes: list[str]
    number: str | None = Field(default=None, description="The one user it stands for.")
    created_at: Instant
    last_used_at: Instant | None = None


class Tokens(Out):
    """All of them, newest first."""

    items: list[Token]


class IssuedToken(Token):
    """A new token."""

    token: str = Field(description="Told this once.")


class TokenIn(In):
    """What a new token is for."""

    name: str = Field(min_length=1, max_length=128, pattern=r"^[\x20-\x7e]+$")
    scopes: list[Scope] = Field(min_length=1, max_length=len(Scope))
    number: str | None = Field(default=None, pattern=NUMBER, description="Binds it to one user: spark: scopes only.")


class AuditEntry(Out):
    """One change."""

    id: int
    at: Instant
    actor: str
    action: str
    subject: str
    before: dict[str, JsonValue] | None = None
    after: dict[str, JsonValue] | None = None
    address: str


class AuditLog(Out):
    """A page of changes, newest first."""

    items: list[AuditEntry]


class AuditQuery(QueryIn):
    """Which changes."""

    actor: str = Field(default="", max_length=64)
    subject: str = Field(default="", max_length=128)
    action: str = Field(default="", max_length=64, description="`user` also finds `user.changed`.")
    limit: int = Field(default=50, ge=1, le=500)
    cursor: str | None = Field(default=None, max_length=512)


async def list_tokens(asked: Asked[None, None]) -> Tokens:
    """Without what they open doors with: only its digest is kept."""
    return Tokens(items=[_shown(one) for one in await asyncio.to_thread(asked.services.catalog.api_tokens.list)])


async def post_token(asked: Asked[None, TokenIn]) -> Reply:
    """Issue one; a token of one user can only have scopes of users."""
    body, services = asked.body, asked.services
    if body.number is not None:
        if not USER_SCOPES.issuperset(body.scopes):
            raise refuse(400, "a token of one user can only have scopes that begin with spark:", field="scopes")
        if await asyncio.to_thread(services.catalog.subscribers.get, body.number) is None:
            raise refuse(400, "there is no user of this number", field="number")
    token = secrets.token_urlsafe(TOKEN_BYTES)
    issued = await asyncio.to_thread(_issue, asked, token)
    return Reply(body=IssuedToken(**_shown(issued).model_dump(), token=token), status=201)


def _issue(asked: Asked[None, TokenIn], token: str) -> ApiToken:
    body, services = asked.body, asked.services
    scopes = sorted({scope.value for scope in body.scopes})
    issued = services.catalog.api_tokens.issue(
        digest_of(token), name=body.name, scopes=scopes, number=body.number, now=services.clock()
    )
    after = {"name": body.name, "scopes": scopes, "number": body.number}
    change = AuditChange(action="api_access.granted", subject=issued.id, after=after)
    services.catalog.audit.add(change, actor=asked.actor, now=services.clock())
    return issued


async def delete_token(asked: Asked[None, None]) -> None:
    """Make one worthless."""
    services = asked.services
    if not await asyncio.to_thread(_delete, services.catalog, asked.path["token_id"], asked.actor, services.clock()):
        raise refuse(404, "there is no such token")


def _delete(catalog: Catalog, token_id: str, actor: Actor, now: datetime) -> bool:
    if not catalog.api_tokens.delete(token_id):
        return False
    catalog.audit.add(AuditChange(action="api_access.revoked", subject=token_id), actor=actor, now=now)
    return True


async def list_audit(asked: Asked[AuditQuery, None]) -> Reply:
    """Every change that somebody made through a page, an API or a command."""
    query, place = asked.query, read_cursor(asked.query.cursor)
    if place and not (place.isascii() and place.isdigit() and len(place) <= 18):
        raise refuse(400, "was not made by this server", field="cursor")
    found = await asyncio.to_thread(
        asked.services.catalog.audit.list,
        before_id=int(place) if place else None,
        limit=query.limit + 1,
        actor=query.actor,
        subject=query.subject,
        action=query.action,
    )
    page = found[: query.limit]
    cursor = str(page[-1].id) if len(found) > query.limit else None
    items = [
        AuditEntry(
            id=one.id,
            at=one.at,
            actor=one.actor,
            action=one.action,
            subject=one.subject,
            before=one.before,
            after=one.after,
            address=one.address,
        )
        for one in page
    ]
    return Reply(body=AuditLog(items=items), headers=next_link(asked.request, cursor))


def _shown(token: ApiToken) -> Token:
    return Token(
        id=token.id,
        name=token.name,
        scopes=sorted(token.scopes),
        number=token.number,
        created_at=token.created_at,
        last_used_at=token.last_used_at,
    )


ROUTES: Final = (
    Route(
        method="GET",
        path="/tokens",
        handler=list_tokens,
        summary="List API tokens",
        tag=TAG,
        scopes=READ,
        answer=Tokens,
    ),
    Route(
        method="POST",
        path="/tokens",
        handler=post_token,
        summary="Issue an API token",
        tag=TAG,
        scopes=WRITE,
        body=TokenIn,
        answer=IssuedToken,
        status=201,
    ),
    Route(
        method="DELETE",
        path="/tokens/{token_id}",
        handler=delete_token,
        summary="Revoke an API token",
        tag=TAG,
        scopes=WRITE,
        status=204,
    ),
    Route(
        method="GET",
        path="/audit",
        handler=list_audit,
        summary="Who changed what",
        tag=TAG,
        scopes=READ,
        query=AuditQuery,
        answer=AuditLog,
    ),
)
