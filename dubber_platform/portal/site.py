"""The recordings site as an application: its navigation, its people, its pages."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final, TypeVar

import structlog
from aiohttp import web
from sqlalchemy.orm import Session

from dubber_platform.api.context import PLATFORM, Platform
from dubber_platform.portal.once import ONCE, Once
from dubber_platform.portal.roles import ADMINISTRATORS, EVERYONE, GROUP_ADMINISTRATOR, GROUP_ADMINISTRATORS
from dubber_platform.secrets_at_rest import password_matches
from dubber_platform.store.refused import RefusedError, Why
from dubber_platform.store.tokens import user_named
from dubber_platform.store.visibility import ADMINISTRATOR, Viewer, viewer_of
from webkit.i18n import mark
from webkit.routes import Handler, NavItem, NavSection, Route
from webkit.sessions import Identity
from webkit.site import Site, SiteConfig
from webkit.visit import Visit

T = TypeVar("T")

PREFIX: Final = "/app"

NAV: Final = (
    NavSection(
        heading="",
        items=(
            NavItem(label=mark("Dashboard"), path="/", icon="dashboard", allow=EVERYONE),
            NavItem(label=mark("Recordings"), path="/recordings", icon="recordings", allow=EVERYONE),
            NavItem(label=mark("Unidentified"), path="/unidentified", icon="inbox", allow=GROUP_ADMINISTRATORS),
        ),
    ),
    NavSection(
        heading=mark("Account"),
        items=(
            NavItem(label=mark("People"), path="/people", icon="users", allow=ADMINISTRATORS),
            NavItem(label=mark("Teams"), path="/teams", icon="group", allow=EVERYONE),
            NavItem(label=mark("Do not record"), path="/do-not-record", icon="shield", allow=EVERYONE),
            NavItem(label=mark("Account details"), path="/account", icon="building", allow=ADMINISTRATORS),
            NavItem(label=mark("My profile"), path="/me", icon="user", allow=EVERYONE),
        ),
    ),
)

REFUSED: Final = {Why.UNKNOWN: web.HTTPNotFound, Why.NOT_ALLOWED: web.HTTPForbidden, Why.HELD: web.HTTPConflict}

_log = structlog.get_logger("dubber_platform")


def platform_of(visit: Visit) -> Platform:
    """The platform whose recordings are shown."""
    return visit.request.app[PLATFORM]


async def ask(visit: Visit, work: Callable[[Session, Viewer], T]) -> T:
    """Run ``work`` in one transaction, for who is looking; a RefusedError nobody catches becomes 404, 403, 409, 400."""
    user_id = visit.who.facts["user_id"]

    def for_viewer(session: Session) -> T:
        viewer = viewer_of(session, user_id)
        if viewer is None:
            raise RefusedError(Why.NOT_ALLOWED, "user")
        return work(session, viewer)

    return await platform_of(visit).database.run(for_viewer)


class People:
    """Those who may sign in, as the platform's database has them."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    async def identify(self, username: str, password: str) -> Identity | None:
        """The user of a user name and password that fit."""
        kept, identity = await self._platform.database.run(lambda session: _known(session, username))
        return identity if await asyncio.to_thread(password_matches, password, kept) else None

    async def reload(self, username: str) -> Identity | None:
        """The user as it is now."""
        return (await self._platform.database.run(lambda session: _known(session, username)))[1]

    async def noted(self, what: str, who: str, address: str) -> None:
        """Sign-ins stand in the log."""
        _log.info(f"portal.{what}", user=who, address=address)


def _known(session: Session, username: str) -> tuple[str | None, Identity | None]:
    user = user_named(session, username)
    viewer = viewer_of(session, user.id) if user is not None else None
    if user is None or viewer is None:
        return None, None
    role = GROUP_ADMINISTRATOR if viewer.groups else ADMINISTRATOR if viewer.administers else viewer.role
    facts = {"user_id": viewer.user_id, "account_id": viewer.account_id or ""}
    return user.password_hash, Identity(user=viewer.username, name=viewer.name, role=role, facts=facts)


def make_site(platform: Platform) -> Site:
    """The site, to be mounted at ``PREFIX``."""
    people = People(platform)
    config = SiteConfig(
        name="dubber",
        prefix=PREFIX,
        title=mark("Dubber (simulated)"),
        packages=("dubber_platform.portal",),
        nav=NAV,
        sign_in_hint=mark(
            "This plays the part of Dubber, the other company: it has its own users and passwords, "
            "not those of the carrier’s portals."
        ),
    )
    return Site(config, identify=people.identify, reload=people.reload, noted=people.noted, wall=platform.clock)


def make_application(platform: Platform, routes: Sequence[Route]) -> web.Application:
    """All pages of the recordings site."""
    app = make_site(platform).application([replace(route, handler=_answered(route.handler)) for route in routes])
    app[PLATFORM], app[ONCE] = platform, Once()
    return app


def _answered(handler: Handler) -> Handler:
    async def answer(visit: Visit) -> web.StreamResponse:
        try:
            return await handler(visit)
        except RefusedError as error:
            raise REFUSED.get(error.why, web.HTTPBadRequest) from error

    return answer
