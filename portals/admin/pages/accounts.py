"""People who may sign in to this portal."""

from __future__ import annotations

import secrets
from typing import Any, Final

from aiohttp import web

from catalog import PortalAccount, PortalRole
from catalog.accounts import MAX_NAME_CHARS, is_username
from catalog.audit import Actor, AuditChange
from catalog.folding import folded
from portals.admin.acting import actor_of
from portals.admin.once import once_of
from portals.admin.roles import ADMIN
from portals.admin.site import services_of
from portals.services import Services
from webkit.forms import Form
from webkit.i18n import mark
from webkit.passwords import hash_password
from webkit.routes import page
from webkit.visit import Visit

PASSWORD_BYTES: Final = 12
PAGE_ROWS: Final = 50
MAX_PAGE: Final = 1_000_000
MAX_TEXT: Final = 100
ROLE_NAMES: Final = {
    PortalRole.PROVIDER: mark("Service provider"),
    PortalRole.ADMINISTRATOR: mark("Administrator"),
    PortalRole.USER: mark("User"),
}
ORDER: Final = tuple(PortalRole)
ROLE_TEXTS: Final = {
    PortalRole.PROVIDER: mark("Installs call recording with the Group ID, and may do all that administrators may."),
    PortalRole.ADMINISTRATOR: mark("Looks after users, codes, announcements, tones and access."),
    PortalRole.USER: mark("Sees the own settings and calls, and sets up the own phone."),
}


def roles_given_by(role: str) -> tuple[PortalRole, ...]:
    """Roles somebody may give, take, and reset: an administrator must not become the provider by a detour."""
    everyone = tuple(PortalRole)
    return everyone if role == PortalRole.PROVIDER else tuple(r for r in everyone if r is not PortalRole.PROVIDER)


async def show(visit: Visit) -> web.StreamResponse:
    """All of them; a new password once."""
    return await _page(visit)


async def _page(visit: Visit, form: Form | None = None) -> web.StreamResponse:
    accounts = await visit.run(services_of(visit).catalog.accounts.list)
    mine = roles_given_by(visit.who.role)
    fresh = next(
        (
            (account, password)
            for account in accounts
            if (password := once_of(visit).take(visit.who.user, f"account {account.username}")) is not None
        ),
        None,
    )
    text = visit.query("q", limit=MAX_TEXT).strip()
    found = sorted((one for one in accounts if _fits(one, text)), key=lambda one: (ORDER.index(one.role), one.username))
    first = (number := visit.number("page", 1, 1, MAX_PAGE)) * PAGE_ROWS - PAGE_ROWS
    shown: dict[str, Any] = {
        "text": text,
        "total": len(found),
        "page": number,
        "size": PAGE_ROWS,
        "searched": bool(text) or len(accounts) > PAGE_ROWS,
        "rows": [
            {
                "account": account,
                "role": visit.t(ROLE_NAMES[account.role]),
                "mine": account.role in mine,
                "self": account.username == visit.who.user,
            }
            for account in found[first : first + PAGE_ROWS]
        ],
        "roles": [(role.value, visit.t(ROLE_NAMES[role]), visit.t(ROLE_TEXTS[role])) for role in mine],
        "fresh": fresh,
        "form": form,
    }
    return await visit.page("accounts.html", status=422 if form else 200, **shown)


def _fits(account: PortalAccount, text: str) -> bool:
    sought = folded(text)
    return any(sought in folded(part) for part in (account.username, account.name, account.number or ""))


async def add(visit: Visit) -> web.StreamResponse:
    """Add one with a password that is shown once."""
    services, form = services_of(visit), visit.form()
    account = await _read(visit, services, form)
    if account is None or not form.ok:
        return await _page(visit, form)
    password = secrets.token_urlsafe(PASSWORD_BYTES)
    if not await visit.run(_add, services, account, password, actor_of(visit)):
        form.refuse("username", visit.t("There is somebody called %(name)s already.", name=account.username))
        return await _page(visit, form)
    once_of(visit).keep(visit.who.user, f"account {account.username}", password)
    visit.notice("success", visit.t("%(name)s may sign in now. Hand over the password below.", name=account.username))
    return visit.redirect("/accounts")


async def _read(visit: Visit, services: Services, form: Form) -> PortalAccount | None:
    username = form.text("username", limit=64, required=True).casefold()
    if username and not is_username(username):
        form.refuse(
            "username", visit.t("Use 1 to 64 of the characters 0–9, a–z, @ . _ + - and begin with a letter or digit.")
        )
    role = form.one_of("role", [role.value for role in roles_given_by(visit.who.role)])
    number = form.text("number", limit=32) if role == PortalRole.USER else ""
    if role == PortalRole.USER and not number:
        form.refuse("number", visit.t("Say which user this is, by the number."))
    elif number and await visit.run(services.catalog.subscribers.get, number) is None:
        form.refuse("number", visit.t("There is no user with the number %(number)s.", number=number))
    name = form.text("name", limit=MAX_NAME_CHARS)
    if not form.ok:
        return None
    return PortalAccount(username=username, name=name, role=PortalRole(role), number=number or None)


def _add(services: Services, account: PortalAccount, password: str, actor: Actor) -> bool:
    accounts, now = services.catalog.accounts, services.clock()
    if accounts.get(account.username) is not None:
        return False
    accounts.put(account, hash_password(password), now=now)
    after = {"name": account.name, "role": account.role.value, "number": account.number}
    change = AuditChange(action="account.added", subject=account.username, after=after)
    services.catalog.audit.add(change, actor=actor, now=now)
    return True


async def _account(visit: Visit) -> PortalAccount:
    """The one that the path names; 404 for none, 403 for one whose role is above."""
    found = await visit.run(services_of(visit).catalog.accounts.get, visit.match("username"))
    if found is None:
        raise web.HTTPNotFound
    if found.role not in roles_given_by(visit.who.role):
        raise web.HTTPForbidden
    return found


async def reset(visit: Visit) -> web.StreamResponse:
    """A new password, shown once; the sessions of that person end."""
    services, account = services_of(visit), await _account(visit)
    password = secrets.token_urlsafe(PASSWORD_BYTES)
    await visit.run(_set_password, services, account.username, password, actor_of(visit), "account.key_reset")
    visit.sign_out_elsewhere(account.username)
    once_of(visit).keep(visit.who.user, f"account {account.username}", password)
    visit.notice(
        "success",
        visit.t("%(name)s has a new password and is signed out everywhere else.", name=account.username),
    )
    return visit.redirect("/accounts")


def _set_password(services: Services, username: str, password: str, actor: Actor, action: str) -> None:
    now = services.clock()
    services.catalog.accounts.set_password(username, hash_password(password), now=now)
    services.catalog.audit.add(AuditChange(action=action, subject=username), actor=actor, now=now)


async def change_password(visit: Visit, password: str) -> None:
    """The own password, by whoever is signed in."""
    user = visit.who.user
    await visit.run(_set_password, services_of(visit), user, password, actor_of(visit), "account.key_changed")
    visit.sign_out_elsewhere(user)


async def remove(visit: Visit) -> web.StreamResponse:
    """Remove one: not oneself, not the last of the provider."""
    services, account = services_of(visit), await _account(visit)
    if account.username == visit.who.user:
        visit.notice("error", visit.t("You cannot remove yourself. Ask another administrator."))
    elif not await visit.run(_remove, services, account, actor_of(visit)):
        visit.notice("error", visit.t("This is the last account of the service provider: it has to stay."))
    else:
        visit.sign_out_elsewhere(account.username)
        visit.notice("success", visit.t("%(name)s may not sign in any more.", name=account.username))
    return visit.redirect("/accounts")


def _remove(services: Services, account: PortalAccount, actor: Actor) -> bool:
    accounts, now = services.catalog.accounts, services.clock()
    providers = [one for one in accounts.list() if one.role is PortalRole.PROVIDER]
    if account.role is PortalRole.PROVIDER and len(providers) <= 1:
        return False
    accounts.delete(account.username)
    before = {"name": account.name, "role": account.role.value, "number": account.number}
    change = AuditChange(action="account.removed", subject=account.username, before=before)
    services.catalog.audit.add(change, actor=actor, now=now)
    return True


ROUTES: Final = (
    page("GET", "/accounts", show, allow=ADMIN),
    page("POST", "/accounts", add, allow=ADMIN),
    page("POST", "/accounts/{username}/reset", reset, allow=ADMIN),
    page("POST", "/accounts/{username}/remove", remove, allow=ADMIN),
)
