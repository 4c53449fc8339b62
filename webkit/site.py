"""A site of pages: who may come in, in which language, under which headers."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from typing import Any, Final

import structlog
from aiohttp import web
from babel.dates import LOCALTZ
from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

from webkit.assets import Assets
from webkit.compiled import CompiledTemplates
from webkit.formats import Formats
from webkit.forms import CSRF_FIELD, read_fields
from webkit.i18n import LANGUAGES, load_translators
from webkit.routes import NavSection, Route
from webkit.security import HEADERS, SAFE_METHODS
from webkit.sessions import Identity, Sessions
from webkit.signing_in import SIGNING_IN
from webkit.throttle import Throttle
from webkit.visit import VISIT, Visit, visit_of

Identify = Callable[[str, str], Awaitable[Identity | None]]
"""User name and password to an identity; None when they do not fit."""
Reload = Callable[[str], Awaitable[Identity | None]]
"""The identity as it is now; None when the account is gone."""
Noted = Callable[[str, str, str], Awaitable[None]]
"""What happened (``signed-in``, ``sign-in-refused``, ``signed-out``), who, and from which address."""

MAX_BODY_BYTES: Final = 12 * 1024 * 1024
"""What the application that a site is mounted in must let pass; routes have their own, smaller limits."""

TRIES_AN_ADDRESS: Final = 50
"""Several people sit behind one address."""

ASSETS: Final = "/assets/"

_log = structlog.get_logger("webkit")


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteConfig:
    """What sites differ in."""

    name: str
    """Of its cookies: ``<name>_session``."""
    prefix: str
    """Where it is mounted, such as ``/admin``."""
    title: str
    packages: tuple[str, ...]
    """Whose ``templates`` and ``locale`` folders it uses, before webkit's own."""
    nav: tuple[NavSection, ...] = ()
    home: str = "/"
    sign_in_hint: str = ""
    """Shown under the sign-in form."""
    zone: tzinfo = field(default_factory=lambda: LOCALTZ)


async def _unnoted(_what: str, _who: str, _address: str) -> None:
    return None


class Site:
    """Renders pages and guards them. One instance a mounted site."""

    def __init__(
        self,
        config: SiteConfig,
        *,
        identify: Identify,
        reload: Reload,
        noted: Noted = _unnoted,
        monotonic: Callable[[], float] = time.monotonic,
        wall: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.config = config
        self.identify = identify
        self.reload = reload
        self.noted = noted
        self.wall = wall
        self.sessions = Sessions(monotonic)
        self.user_throttle = Throttle(monotonic)
        self.address_throttle = Throttle(monotonic, free_tries=TRIES_AN_ADDRESS)
        self.assets = Assets.load()
        packages = (*config.packages, "webkit")
        self.translators = load_translators(packages)
        self._environments = {language: self._environment(language, packages) for language in LANGUAGES}

    def _environment(self, language: str, packages: tuple[str, ...]) -> Environment:
        environment = Environment(
            loader=ChoiceLoader([PackageLoader(package) for package in packages]),
            autoescape=True,
            undefined=StrictUndefined,
            extensions=["jinja2.ext.i18n", "jinja2.ext.do"],
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
            bytecode_cache=CompiledTemplates(),
        )
        translator = self.translators[language]
        environment.install_gettext_translations(translator.catalogues, newstyle=True)  # type: ignore[attr-defined]  # jinja2.ext.i18n adds it
        environment.filters |= Formats(translator.locale, self.config.zone, self.wall).filters()
        environment.globals |= {"site": self.config, "url": self.url, "asset": self.asset_url, "languages": LANGUAGES}
        return environment

    def url(self, path: str = "/") -> str:
        """A path of this site as a browser asks for it."""
        return self.config.prefix + path

    def asset_url(self, name: str) -> str:
        """Where a browser finds a built file, by its logical name (``app.css``)."""
        return self.url(ASSETS + self.assets.file_name(name))

    def render(self, language: str, template: str, fragment: str | None, context: dict[str, Any]) -> str:
        """A template, or one block of it; both have the building blocks of ``ui.html`` as ``ui``."""
        environment = self._environments[language]
        context["ui"] = environment.get_template("ui.html").make_module(context)
        found = environment.get_template(template)
        if fragment is None:
            return found.render(context)
        return "".join(found.blocks[fragment](found.new_context(context)))

    def application(self, routes: Sequence[Route]) -> web.Application:
        """The site as an application to be mounted at its prefix."""
        app = web.Application(middlewares=[self._guarded])
        for route in (*routes, *SIGNING_IN):
            app.router.add_route(route.method, route.path, _handled(self, route))
            if route.method == "GET":
                app.router.add_route("HEAD", route.path, _handled(self, route))
        app.router.add_get(f"{ASSETS}{{name}}", self.assets.serve)
        app[SITE] = self
        return app

    @web.middleware
    async def _guarded(self, request: web.Request, handler: Any) -> web.StreamResponse:
        """Language and session of a request; problems become pages."""
        visit = Visit(self, request)
        request[VISIT] = visit
        try:
            if not visit.path.startswith(ASSETS):
                await visit.recognise()
            response: web.StreamResponse = await handler(request)
        except web.HTTPException as error:
            response = error if error.status < 400 else await visit.problem(error.status)
            for name in ("Allow", "Retry-After"):
                if error.status >= 400 and name in error.headers:
                    response.headers[name] = error.headers[name]
        except asyncio.CancelledError:
            raise
        except Exception:
            reference = secrets.token_hex(4)
            _log.exception("page.failed", site=self.config.name, path=request.path, reference=reference)
            response = await visit.problem(500, reference)
        if not response.prepared:
            for header, value in HEADERS.items():
                response.headers.setdefault(header, value)
            response.headers.setdefault("Cache-Control", "no-store")
            visit.set_cookie(response)
        return response


def _handled(site: Site, route: Route) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def handle(request: web.Request) -> web.StreamResponse:
        visit = visit_of(request)
        if route.allow:
            refused = visit.refuse_unless(route.allow)
            if refused is not None:
                return refused
        if route.method not in SAFE_METHODS:
            visit.fields = await read_fields(request, route.max_bytes)
            given = request.headers.get("X-CSRF-Token") or visit.fields.get(CSRF_FIELD, "")
            if not isinstance(given, str) or not visit.sent_from_here(given):
                return await visit.problem(403, reason="csrf")
        return await route.handler(visit)

    return handle


SITE: Final = web.AppKey("site", Site)
