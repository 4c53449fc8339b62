"""Routes and navigation of a site, as data."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from aiohttp import web

from webkit.forms import MAX_FORM_BYTES

if TYPE_CHECKING:
    from webkit.visit import Visit

Handler = Callable[["Visit"], Awaitable[web.StreamResponse]]

PUBLIC: Final = frozenset[str]()
"""``allow`` of a route that needs no sign-in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NavItem:
    """One entry of the left navigation."""

    label: str
    """English; translated where it is shown (write it with ``mark``)."""
    path: str
    icon: str
    allow: Collection[str] = PUBLIC
    count: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NavSection:
    """Entries under a heading; an empty heading shows none."""

    heading: str
    items: tuple[NavItem, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One page or action."""

    method: str
    path: str
    handler: Handler
    allow: Collection[str]
    """Roles that may; PUBLIC for everyone."""
    max_bytes: int = MAX_FORM_BYTES
    """Of a form's body."""


def page(method: str, path: str, handler: Handler, *, allow: Collection[str], max_bytes: int = MAX_FORM_BYTES) -> Route:
    """A route; GET answers HEAD too."""
    return Route(method=method, path=path, handler=handler, allow=allow, max_bytes=max_bytes)
