"""One line of an API: how it is called, who may, what goes in, what comes out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from aiohttp import web
from pydantic import BaseModel

from catalog.audit import Actor
from portals.rest.bearer import Caller
from portals.rest.scopes import Scope
from portals.services import Services

Query = TypeVar("Query")
Body = TypeVar("Body")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer that needs more than a body."""

    body: BaseModel | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    status: int | None = None
    """None: the route's own."""


Answer = BaseModel | Reply | web.StreamResponse | None
"""What a handler returns; None is 204."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked(Generic[Query, Body]):
    """A request that was let in and whose parts were checked."""

    request: web.Request
    services: Services
    caller: Caller
    path: Mapping[str, str]
    query: Query
    body: Body

    @property
    def actor(self) -> Actor:
        """Who is at it, for the audit log."""
        return self.caller.actor(self.request)


Handler = Callable[[Asked[Any, Any]], Awaitable[Answer]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One operation."""

    method: str
    path: str
    """Below the API's prefix, with ``{names}``."""
    handler: Handler
    summary: str
    tag: str
    patterns: Mapping[str, str] = field(default_factory=dict)
    """Regular expressions for names in the path; a path that does not fit is none."""
    scopes: tuple[Scope, ...] = ()
    """Any of them lets in; none at all: nobody needs a token."""
    users: bool = False
    """A token that is bound to one user is let in too; the handler shows it that user only."""
    query: type[BaseModel] | None = None
    body: type[BaseModel] | None = None
    optional_body: bool = False
    upload: tuple[str, ...] = ()
    """Content types of a body that is bytes and not JSON."""
    upload_max_bytes: int = 0
    answer: type[BaseModel] | None = None
    media: str = "application/json"
    """Content type of the answer; other than JSON it is not described further."""
    status: int = 200
    also: tuple[int, ...] = ()
    """Other good statuses (206 of a range)."""
    errors: tuple[int, ...] = ()
    """Refusals beside those that follow from the rest: 400 with a body or query, 401 and 403 with scopes, 404 with
    names in the path."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names in the path."""
        return tuple(part.split("}")[0] for part in self.path.split("{")[1:])

    @property
    def resource(self) -> str:
        """The path as aiohttp's router takes it."""
        path = self.path
        for name, pattern in self.patterns.items():
            path = path.replace(f"{{{name}}}", f"{{{name}:{pattern}}}")
        return path

    @property
    def refusals(self) -> tuple[int, ...]:
        """Every status of a refusal, in order."""
        found = set(self.errors)
        if self.query or self.body or self.upload:
            found.add(400)
        if self.body or self.upload:
            found |= {413, 415}
        if self.scopes:
            found |= {401, 403}
        if self.names:
            found.add(404)
        return tuple(sorted(found))
