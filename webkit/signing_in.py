"""Signing in and out, language and theme: the same on every site."""

from __future__ import annotations

import math
from typing import Final

from aiohttp import web

from webkit.i18n import LANGUAGES
from webkit.routes import PUBLIC, page
from webkit.visit import THEMES, Visit


async def show(visit: Visit) -> web.StreamResponse:
    """The form; somebody who is signed in goes straight on."""
    following = visit.safe_next(visit.query("next"))
    if visit.user is not None:
        return web.Response(status=303, headers={"Location": following})
    return await visit.page("sign_in.html", next=following, username="", problem="")


async def sign_in(visit: Visit) -> web.StreamResponse:
    """Check the password; too many wrong ones wait."""
    form = visit.form()
    username = form.text("username", limit=254).casefold()
    password = form.secret("password")
    following = visit.safe_next(form.sent("next"))
    site = visit.site
    wait_s = max(site.user_throttle.wait_s(username), site.address_throttle.wait_s(visit.address))
    if wait_s > 0:
        seconds = math.ceil(wait_s)
        problem = visit.t.many(
            "Too many wrong passwords. Try again in %(num)s second.",
            "Too many wrong passwords. Try again in %(num)s seconds.",
            seconds,
        )
        page_ = await visit.page("sign_in.html", status=429, next=following, username=username, problem=problem)
        page_.headers["Retry-After"] = str(seconds)
        return page_
    identity = await site.identify(username, password) if username and password and form.ok else None
    if identity is None:
        site.user_throttle.failed(username)
        site.address_throttle.failed(visit.address)
        await site.noted("sign-in-refused", username, visit.address)
        problem = visit.t("User name and password do not fit. Check both and try again.")
        if password != password.strip():
            problem += " " + visit.t("The password begins or ends with a space: was that copied along with it?")
        return await visit.page("sign_in.html", status=401, next=following, username=username, problem=problem)
    site.user_throttle.succeeded(username)
    visit.signed_in(identity)
    await site.noted("signed-in", identity.user, visit.address)
    return web.Response(status=303, headers={"Location": following})


async def sign_out(visit: Visit) -> web.StreamResponse:
    """End the session."""
    if visit.user is not None:
        await visit.site.noted("signed-out", visit.user.user, visit.address)
    visit.sign_out()
    return visit.redirect("/sign-in")


async def prefer(visit: Visit) -> web.StreamResponse:
    """Language and theme, kept in the browser."""
    form = visit.form()
    response = web.Response(status=303, headers={"Location": visit.safe_next(form.sent("next"))})
    if form.sent("lang") in LANGUAGES:
        visit.keep_preference(response, "lang", form.sent("lang"))
    if form.sent("theme") in THEMES:
        visit.keep_preference(response, "theme", form.sent("theme"))
    return response


SIGNING_IN: Final = (
    page("GET", "/sign-in", show, allow=PUBLIC),
    page("POST", "/sign-in", sign_in, allow=PUBLIC),
    page("POST", "/sign-out", sign_out, allow=PUBLIC),
    page("POST", "/preferences", prefer, allow=PUBLIC),
)
