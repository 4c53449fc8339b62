"""Who is calling: a bearer token is looked up by its SHA-256, so nothing secret is ever compared letter by letter."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from aiohttp import hdrs, web

from catalog import Catalog
from catalog.audit import Actor
from portals.rest.errors import refuse
from portals.rest.scopes import Scope

_BEARER = re.compile(r"[Bb]earer ([A-Za-z0-9._~+/=-]{1,512})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """The holder of a token."""

    token_id: str
    name: str
    scopes: frozenset[str]
    number: str | None
    """The one user this token stands for; None for a program of the administrator's."""

    def actor(self, request: web.Request) -> Actor:
        """How the audit log names it."""
        return Actor(name=f"token:{self.name}", address=request.remote or "")


NOBODY = Caller(token_id="", name="", scopes=frozenset(), number=None)


def digest_of(token: str) -> str:
    """What the catalogue keeps of a token."""
    return sha256(token.encode()).hexdigest()


@dataclass(slots=True)
class Bearers:
    """Lets callers in, and notes when a token was used."""

    catalog: Catalog
    clock: Callable[[], datetime]

    async def caller(self, request: web.Request) -> Caller:
        """RestError 401 without a token that is known."""
        bearer = _BEARER.fullmatch(request.headers.get(hdrs.AUTHORIZATION, ""))
        found = await asyncio.to_thread(self._find, bearer[1]) if bearer else None
        if found is None:
            error = refuse(401, "The request requires a valid access token set in the Authorization request header.")
            error.headers[hdrs.WWW_AUTHENTICATE] = "Bearer"
            raise error
        return found

    def _find(self, token: str) -> Caller | None:
        known = self.catalog.api_tokens.find(digest_of(token))
        if known is None:
            return None
        self.catalog.api_tokens.used(known.id, self.clock())
        return Caller(token_id=known.id, name=known.name, scopes=known.scopes, number=known.number)


def check(caller: Caller, scopes: tuple[Scope, ...], *, users: bool) -> None:
    """RestError 403 when none of the scopes is held, or the route is not for one user's token."""
    if caller.scopes.isdisjoint(scopes) or (caller.number is not None and not users):
        raise refuse(
            403,
            "The server understood the request, but refused to fulfill it because the access token is missing "
            "required scopes or the user is missing required roles or licenses.",
        )
