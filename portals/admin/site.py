"""The carrier's portal as an application: its navigation, its people, its pages."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from aiohttp import web

from catalog import Actor, AuditChange, PortalAccount, PortalRole
from portals import prefixes
from portals.admin.once import ONCE, Once
from portals.admin.roles import ADMIN, EVERYONE, PROVIDER, USER
from portals.services import Services
from webkit.i18n import mark
from webkit.passwords import verify_password
from webkit.routes import NavItem, NavSection, Route
from webkit.sessions import Identity
from webkit.site import Site, SiteConfig
from webkit.visit import Visit

PREFIX: Final = prefixes.ADMIN

NAV: Final = (
    NavSection(
        heading="",
        items=(
            NavItem(label=mark("Dashboard"), path="/", icon="dashboard", allow=ADMIN),
            NavItem(label=mark("Users"), path="/users", icon="users", allow=ADMIN),
            NavItem(label=mark("Calls"), path="/calls", icon="phone", allow=ADMIN),
            NavItem(label=mark("My settings"), path="/me", icon="user", allow=USER),
        ),
    ),
    NavSection(
        heading=mark("Call recording"),
        items=(
            NavItem(label=mark("Provisioning"), path="/provisioning", icon="link", allow=ADMIN),
            NavItem(label=mark("Feature codes"), path="/codes", icon="keypad", allow=ADMIN),
            NavItem(label=mark("Announcements"), path="/prompts", icon="prompts", allow=ADMIN),
            NavItem(label=mark("Tones"), path="/tones", icon="tones", allow=ADMIN),
            NavItem(label=mark("When recording fails"), path="/failure", icon="warning", allow=ADMIN),
        ),
    ),
    NavSection(
        heading=mark("Access"),
        items=(
            NavItem(label=mark("Administrators"), path="/accounts", icon="key", allow=ADMIN),
            NavItem(label=mark("API access"), path="/tokens", icon="flow", allow=ADMIN),
            NavItem(label=mark("Audit log"), path="/audit", icon="log", allow=ADMIN),
        ),
    ),
    NavSection(
        heading=mark("My account"),
        items=(
            NavItem(label=mark("Profile"), path="/profile", icon="building", allow=PROVIDER),
            NavItem(label=mark("Portal password"), path="/password", icon="lock", allow=EVERYONE),
        ),
    ),
)

SERVICES: Final = web.AppKey("services", Services)


def services_of(visit: Visit) -> Services:
    """What the pages work with."""
    return visit.request.app[SERVICES]


class People:
    """Those who may sign in, as the catalog has them."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def identify(self, username: str, password: str) -> Identity | None:
        """The account of a user name and password that fit."""
        return await asyncio.to_thread(self._identify, username, password)

    def _identify(self, username: str, password: str) -> Identity | None:
        accounts = self._services.catalog.accounts
        fits = verify_password(accounts.password_hash(username), password)
        account = accounts.get(username) if fits else None
        return None if account is None else _identity(account)

    async def reload(self, username: str) -> Identity | None:
        """The account as it is now."""
        account = await asyncio.to_thread(self._services.catalog.accounts.get, username)
        return None if account is None else _identity(account)

    async def noted(self, what: str, who: str, address: str) -> None:
        """Sign-ins stand in the audit log too."""
        change = AuditChange(action=what, subject=who)
        await asyncio.to_thread(
            self._services.catalog.audit.add,
            change,
            actor=Actor(name=who, address=address),
            now=self._services.clock(),
        )


def _identity(account: PortalAccount) -> Identity:
    facts = {} if account.number is None else {"number": account.number}
    return Identity(user=account.username, name=account.name or account.username, role=account.role.value, facts=facts)


def home_of(visit: Visit) -> str:
    """Where a user's role begins."""
    return "/me" if visit.who.role == PortalRole.USER else "/"


def make_site(services: Services) -> Site:
    """The site, to be mounted at ``PREFIX``."""
    people = People(services)
    config = SiteConfig(name="admin", prefix=PREFIX, title=mark("Carrier portal"), packages=("portals.admin",), nav=NAV)
    return Site(config, identify=people.identify, reload=people.reload, noted=people.noted, wall=services.clock)


def make_application(site: Site, services: Services, routes: Sequence[Route]) -> web.Application:
    """All pages of the carrier's side."""
    app = site.application(routes)
    app[SERVICES] = services
    app[ONCE] = Once()
    return app
