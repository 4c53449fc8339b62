"""The own password for this portal."""

from __future__ import annotations

import math
from typing import Final

from aiohttp import web

from portals.admin.pages.accounts import change_password
from portals.admin.roles import EVERYONE
from portals.admin.site import home_of, services_of
from webkit.forms import Form
from webkit.passwords import MAX_LENGTH, MIN_LENGTH, verify_password
from webkit.routes import page
from webkit.visit import Visit


async def show(visit: Visit) -> web.StreamResponse:
    """The form."""
    return await _page(visit, None)


async def _page(visit: Visit, form: Form | None, status: int = 200) -> web.StreamResponse:
    return await visit.page("password.html", status=status, form=form, shortest=MIN_LENGTH)


async def change(visit: Visit) -> web.StreamResponse:
    """Old one, new one, new one again; too many wrong old ones wait, as at the sign-in."""
    form, user, throttle = visit.form(), visit.who.user, visit.site.user_throttle
    wait_s = throttle.wait_s(user)
    if wait_s > 0:
        seconds = math.ceil(wait_s)
        text = visit.t.many(
            "Too many wrong passwords. Try again in %(num)s second.",
            "Too many wrong passwords. Try again in %(num)s seconds.",
            seconds,
        )
        form.refuse("old", text)
        return await _page(visit, form, 429)
    old, new, again = form.secret("old"), form.secret("new", limit=MAX_LENGTH), form.secret("again")
    if len(new) < MIN_LENGTH:
        form.refuse("new", visit.t("Use at least %(count)s characters.", count=MIN_LENGTH))
    elif new == old:
        form.refuse("new", visit.t("This is the password you have already."))
    elif new != again:
        form.refuse("again", visit.t("The two new passwords are not the same."))
    known = await visit.run(services_of(visit).catalog.accounts.password_hash, user)
    if not await visit.run(verify_password, known, old):
        throttle.failed(user)
        form.refuse("old", visit.t("This is not your present password."))
    if not form.ok:
        return await _page(visit, form, 422)
    throttle.succeeded(user)
    await change_password(visit, new)
    visit.notice("success", visit.t("Your password is changed. You are signed out everywhere else."))
    return visit.redirect(home_of(visit))


ROUTES: Final = (
    page("GET", "/password", show, allow=EVERYONE),
    page("POST", "/password", change, allow=EVERYONE),
)
