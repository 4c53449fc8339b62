"""One request to a site: who, in which language, and what may be answered."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from datetime import datetime
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Final, ParamSpec, TypeVar
from urllib.parse import quote, urlencode, urlsplit

from aiohttp import web
from multidict import MultiDict, MultiDictProxy

from webkit.forms import Form
from webkit.i18n import Translator, choose_language
from webkit.routes import NavSection
from webkit.security import SAFE_METHODS
from webkit.sessions import LONGEST_S, MAX_NOTICES, Identity, Notice, Session, Sessions

if TYPE_CHECKING:
    from webkit.site import Site

P = ParamSpec("P")
T = TypeVar("T")

THEMES: Final = ("auto", "light", "dark")
MAX_QUERY: Final = 1000
YEAR_S: Final = 365 * 86400


class Visit:
    """A request with its language, session and user. Handlers get it instead of the bare request."""

    def __init__(self, site: Site, request: web.Request) -> None:
        self.site = site
        self.request = request
        self.t: Translator = site.translators[
            choose_language(request.cookies.get("lang"), request.headers.get("Accept-Language", ""))
        ]
        chosen = request.cookies.get("theme", "")
        self.theme = chosen if chosen in THEMES else THEMES[0]
        self.fields: MultiDictProxy[Any] = MultiDictProxy(MultiDict())
        self._cookie = f"{site.config.name}_session"
        self._sent_token = request.cookies.get(self._cookie, "")
        self._token = self._sent_token or Sessions.new_token()
        self._session: Session | None = site.sessions.find(self._sent_token) if self._sent_token else None
        self.user: Identity | None = None

    # --- who ------------------------------------------------------------------------------------

    async def recognise(self) -> None:
        """Look the session's user up as it is now: a removed account is out at once."""
        if self._session is None:
            return
        self.user = await self.site.reload(self._session.user)
        if self.user is None:
            self.site.sessions.close(self._token)
            self._session, self._token = None, Sessions.new_token()

    @property
    def who(self) -> Identity:
        """The user of a route that not everyone may call."""
        assert self.user is not None
        return self.user

    def refuse_unless(self, roles: Collection[str]) -> web.StreamResponse | None:
        """None for a user with one of these roles; the way to the sign-in page for nobody; 403 for others."""
        if self.user is None:
            in_place, sent = "HX-Request" in self.request.headers, self.request.method not in SAFE_METHODS
            page = self.came_from or self.url(self.site.config.home) if in_place or sent else self.path_query
            target = f"{self.url('/sign-in')}?next={quote(page)}{'&unsent=1' if sent else ''}"
            if in_place:
                return web.Response(status=401, headers={"HX-Redirect": target})
            return web.Response(status=303, headers={"Location": target})
        if self.user.role not in roles:
            raise web.HTTPForbidden
        return None

    def signed_in(self, identity: Identity) -> None:
        """A session of its own for a user who gave the right password."""
        self.site.sessions.close(self._token)
        self._token = self.site.sessions.open(identity.user)
        self._session = self.site.sessions.find(self._token)
        self.user = identity

    def sign_out(self) -> None:
        """Back to nobody."""
        self.site.sessions.close(self._token)
        self._session, self.user, self._token = None, None, Sessions.new_token()

    def sign_out_elsewhere(self, user: str) -> None:
        """End every other session of a user (its password changed, its role was taken away)."""
        self.site.sessions.close_all(user, but=self._token)

    @property
    def csrf(self) -> str:
        """For the forms of the page that is being made."""
        return self.site.sessions.csrf(self._token)

    def sent_from_here(self, given: str) -> bool:
        """The form carries the token of this browser's session."""
        return bool(self._sent_token) and self.site.sessions.csrf_fits(self._sent_token, given)

    def set_cookie(self, response: web.StreamResponse) -> None:
        """Send the session's token when the browser has another one or none."""
        if self._token != self._sent_token:
            response.set_cookie(
                self._cookie,
                self._token,
                max_age=int(LONGEST_S),
                path=self.site.config.prefix or "/",
                httponly=True,
                samesite="Lax",
                secure=self.is_private,
            )

    @property
    def is_private(self) -> bool:
        """Over TLS, or within this machine: where browsers take cookies that are marked secure."""
        return self.request.secure or _is_loopback(self.request.host.rsplit(":", 1)[0].strip("[]"))

    @property
    def address(self) -> str:
        """The peer's IP address."""
        return self.request.remote or ""

    # --- what was asked -------------------------------------------------------------------------

    @property
    def lang(self) -> str:
        """``en`` or ``fr``."""
        return self.t.language

    @property
    def path(self) -> str:
        """Within the site: ``/users``."""
        return self.request.path.removeprefix(self.site.config.prefix) or "/"

    @property
    def path_query(self) -> str:
        """With its query, as the browser sent it."""
        return self.request.path_qs

    @property
    def in_place(self) -> bool:
        """htmx wants a piece of the page."""
        headers = self.request.headers
        return "HX-Request" in headers and "HX-Boosted" not in headers and "HX-History-Restore-Request" not in headers

    @property
    def came_from(self) -> str:
        """Path and query of this site's page on which this was asked for; empty for none."""
        headers = self.request.headers
        try:
            page = urlsplit(headers.get("HX-Current-URL", headers.get("Referer", "")))
        except ValueError:
            return ""
        path = page._replace(scheme="", netloc="", fragment="").geturl()
        return path if page.netloc == self.request.host and path == self.safe_next(path) else ""

    def match(self, name: str) -> str:
        """A part of the path, decoded."""
        return self.request.match_info[name]

    def query(self, name: str, default: str = "", *, limit: int = MAX_QUERY) -> str:
        """A query parameter, cut at its limit."""
        return self.request.query.get(name, default)[:limit]

    def number(self, name: str, default: int, lowest: int, highest: int) -> int:
        """A whole number in the query, ``default`` when it is not one."""
        text = self.request.query.get(name, "")
        return min(max(int(text), lowest), highest) if text.isascii() and text.isdigit() and len(text) < 12 else default

    def form(self) -> Form:
        """The form that was sent."""
        return Form(self.fields, self.t)

    # --- answers --------------------------------------------------------------------------------

    def url(self, path: str = "/", **query: str | int | None) -> str:
        """A path of this site, with those parameters that are not None or empty."""
        given = {key: value for key, value in query.items() if value not in (None, "")}
        return self.site.url(path) + (f"?{urlencode(given)}" if given else "")

    def notice(self, kind: str, text: str) -> None:
        """A sentence for the next page: ``success``, ``info``, ``warning`` or ``error``."""
        if self._session is not None:
            self._session.notices = [*self._session.notices, Notice(kind=kind, text=text)][-MAX_NOTICES:]

    def notices(self) -> list[Notice]:
        """What is to be shown now; asked once, by the layout."""
        if self._session is None:
            return []
        found, self._session.notices = self._session.notices, []
        return found

    @property
    def nav(self) -> tuple[NavSection, ...]:
        """The navigation, less what this user may not open."""
        role = self.user.role if self.user else ""
        sections = (
            NavSection(heading=section.heading, items=tuple(i for i in section.items if not i.allow or role in i.allow))
            for section in self.site.config.nav
        )
        return tuple(section for section in sections if section.items)

    async def page(
        self, template: str, *, status: int = 200, fragment: str | None = None, **context: Any
    ) -> web.StreamResponse:
        """A page; only its block ``fragment`` when htmx asks for that."""
        block = fragment if fragment is not None and self.in_place else None
        shown = {"visit": self, "now": self.site.wall(), **context}
        text = await asyncio.to_thread(self.site.render, self.lang, template, block, shown)
        headers = {"Vary": "HX-Request, Cookie, Accept-Language"}
        return web.Response(text=text, status=status, content_type="text/html", headers=headers)

    async def problem(self, status: int, reference: str = "", reason: str = "") -> web.StreamResponse:
        """A page that says what is wrong and what to do."""
        return await self.page("error.html", status=status, code=status, reference=reference, reason=reason)

    def redirect(self, path: str, **query: str | int | None) -> web.StreamResponse:
        """Go on with a GET of another page of this site (303)."""
        return web.Response(status=303, headers={"Location": self.url(path, **query)})

    def json(self, data: Any, status: int = 200) -> web.StreamResponse:
        """For the modules of a page."""
        return web.json_response(data, status=status)

    async def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Blocking work in a thread."""
        return await asyncio.to_thread(work, *args, **kwargs)

    @property
    def now(self) -> datetime:
        """The site's wall clock, in UTC."""
        return self.site.wall()

    def keep_preference(self, response: web.StreamResponse, name: str, value: str) -> None:
        """Remember language or theme in this browser, for all sites of this host."""
        response.set_cookie(name, value, max_age=YEAR_S, path="/", samesite="Lax", secure=self.is_private)

    def safe_next(self, given: str) -> str:
        """A path of this very site, else its home."""
        fits = given.startswith(self.site.config.prefix + "/") and "//" not in given and "\\" not in given
        clean = fits and all(32 < ord(c) < 127 for c in given) and len(given) <= MAX_QUERY
        return given if clean else self.url(self.site.config.home)


VISIT: Final = web.RequestKey("visit", Visit)


def visit_of(request: web.Request) -> Visit:
    """The visit that a request is."""
    return request[VISIT]


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
