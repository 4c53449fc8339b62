"""The account in numbers, and one's own profile and password."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from aiohttp import web
from sqlalchemy.orm import Session

from dubber_platform.portal.roles import ADMINISTRATORS, EVERYONE
from dubber_platform.portal.site import ask, platform_of
from dubber_platform.secrets_at_rest import password_matches
from dubber_platform.store.dashboard import Dashboard, dashboard
from dubber_platform.store.people import PersonView, accounts_seen, person, set_password
from dubber_platform.store.schema import Account, Group, User
from dubber_platform.store.visibility import Viewer
from webkit.forms import Form
from webkit.passwords import MAX_LENGTH, MIN_LENGTH, hash_password
from webkit.routes import page
from webkit.visit import Visit


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """One account, and its group's name."""

    account: Account
    group_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Accounts:
    """What the page shows."""

    accounts: tuple[Kept, ...]
    numbers: Dashboard


async def show(visit: Visit) -> web.StreamResponse:
    """Names and ids, storage, retention."""

    def look(session: Session, viewer: Viewer) -> Accounts:
        kept = [
            Kept(account=account, group_name=session.get_one(Group, account.group_id).name)
            for account in accounts_seen(session, viewer)
        ]
        return Accounts(accounts=tuple(kept), numbers=dashboard(session, viewer, now=visit.now))

    found = await ask(visit, look)
    config = platform_of(visit).config
    return await visit.page("account.html", found=found, numbers=found.numbers, config=config)


async def me(visit: Visit) -> web.StreamResponse:
    """One's own profile."""
    return await _me(visit)


async def _me(visit: Visit, form: Form | None = None) -> web.StreamResponse:
    def look(session: Session, viewer: Viewer) -> tuple[Viewer, PersonView]:
        return viewer, person(session, viewer, viewer.user_id)

    viewer, view = await ask(visit, look)
    return await visit.page(
        "me.html", status=200 if form is None else 422, viewer=viewer, view=view, shortest=MIN_LENGTH, form=form
    )


async def change_password(visit: Visit) -> web.StreamResponse:
    """The own password; sessions elsewhere end."""
    form, user_id = visit.form(), visit.who.facts["user_id"]
    current, fresh, again = (form.secret(name, limit=MAX_LENGTH) for name in ("current", "fresh", "again"))
    kept = await ask(visit, lambda session, _viewer: session.get_one(User, user_id).password_hash)
    if len(fresh) < MIN_LENGTH:
        form.refuse("fresh", visit.t("At least %(count)s characters.", count=MIN_LENGTH))
    elif fresh != again:
        form.refuse("again", visit.t("This is not the same as above."))
    key = f"password {visit.who.user}"
    wait_s = visit.site.user_throttle.wait_s(key) if form.ok else 0.0
    if wait_s > 0:
        form.refuse("current", visit.t("Too many wrong passwords. Try again later."))
    elif form.ok and not await visit.run(password_matches, current, kept):
        visit.site.user_throttle.failed(key)
        form.refuse("current", visit.t("This is not your password."))
    if not form.ok:
        return await _me(visit, form)
    hashed = await visit.run(hash_password, fresh)
    await ask(visit, lambda session, viewer: set_password(session, viewer, user_id, hashed, now=visit.now))
    visit.sign_out_elsewhere(visit.who.user)
    visit.notice("success", visit.t("Your password is changed. Sessions in other browsers have ended."))
    return visit.redirect("/me")


ROUTES: Final = (
    page("GET", "/account", show, allow=ADMINISTRATORS),
    page("GET", "/me", me, allow=EVERYONE),
    page("POST", "/me/password", change_password, allow=EVERYONE),
)
