"""Bearer tokens of the APIs: what each may do, and when it was used."""

from __future__ import annotations

import secrets
from typing import Final

from aiohttp import web

from catalog.api_tokens import MAX_NAME_CHARS, ApiToken
from catalog.audit import Actor, AuditChange
from portals.admin.acting import actor_of
from portals.admin.once import once_of
from portals.admin.roles import ADMIN
from portals.admin.site import services_of
from portals.rest.bearer import digest_of
from portals.rest.scopes import MEANINGS, USER_SCOPES, Scope
from portals.services import Services
from webkit.forms import Form
from webkit.i18n import mark
from webkit.routes import page
from webkit.visit import Visit

TOKEN_BYTES: Final = 32
_OWN: Final = (Scope.READ, Scope.WRITE)
GROUPS: Final = (
    (mark("The organisation (Webex Calling API)"), tuple(s for s in Scope if s not in USER_SCOPES and s not in _OWN)),
    (mark("Calls and recordings of one user (Webex Calling API)"), tuple(s for s in Scope if s in USER_SCOPES)),
    (mark("This product’s own API"), _OWN),
)


async def show(visit: Visit) -> web.StreamResponse:
    """All tokens; a new one once."""
    return await _page(visit)


async def _page(visit: Visit, form: Form | None = None) -> web.StreamResponse:
    tokens = await visit.run(services_of(visit).catalog.api_tokens.list)
    fresh = next(
        (
            (token, secret)
            for token in tokens
            if (secret := once_of(visit).take(visit.who.user, f"token {token.id}")) is not None
        ),
        None,
    )
    groups = [
        (visit.t(title), [(scope.value, visit.t(MEANINGS[scope])) for scope in scopes]) for title, scopes in GROUPS
    ]
    names = {scope.value: visit.t(text) for scope, text in MEANINGS.items()}
    rows = [(token, [names.get(scope, scope) for scope in _ordered(token)]) for token in tokens]
    return await visit.page(
        "tokens.html",
        status=422 if form else 200,
        rows=rows,
        groups=groups,
        fresh=fresh,
        form=form,
        chosen=set(form.all("scope")) if form else set(),
        address=services_of(visit).reachable().http.rstrip("/"),
    )


def _ordered(token: ApiToken) -> list[str]:
    known = [scope.value for scope in Scope if scope in token.scopes]
    return known + sorted(token.scopes.difference(known))


async def issue(visit: Visit) -> web.StreamResponse:
    """A new one."""
    services, form = services_of(visit), visit.form()
    name = form.text("name", limit=MAX_NAME_CHARS, required=True)
    scopes = form.all("scope")
    number = form.text("number", limit=32)
    if not scopes or not set(scopes) <= set(Scope):
        form.refuse("scope", visit.t("Choose what the token may do."))
    elif number and not USER_SCOPES.issuperset(scopes):
        form.refuse("scope", visit.t("A token that is bound to a user can only have the rights of one user."))
    if number and await visit.run(services.catalog.subscribers.get, number) is None:
        form.refuse("number", visit.t("There is no user with the number %(number)s.", number=number))
    if not form.ok:
        return await _page(visit, form)
    secret = secrets.token_urlsafe(TOKEN_BYTES)
    token = await visit.run(_issue, services, secret, name, sorted(scopes), number or None, actor_of(visit))
    once_of(visit).keep(visit.who.user, f"token {token.id}", secret)
    visit.notice("success", visit.t("The token “%(name)s” is made. Copy it now.", name=name))
    return visit.redirect("/tokens")


def _issue(services: Services, secret: str, name: str, scopes: list[str], number: str | None, actor: Actor) -> ApiToken:
    now = services.clock()
    token = services.catalog.api_tokens.issue(digest_of(secret), name=name, scopes=scopes, number=number, now=now)
    after = {"name": name, "scopes": scopes, "number": number}
    change = AuditChange(action="access.issued", subject=token.id, after=after)
    services.catalog.audit.add(change, actor=actor, now=now)
    return token


async def revoke(visit: Visit) -> web.StreamResponse:
    """Make one worthless."""
    services, token_id = services_of(visit), visit.match("token")
    name = await visit.run(_revoke, services, token_id, actor_of(visit))
    if name is None:
        raise web.HTTPNotFound
    visit.notice("success", visit.t("The token “%(name)s” is worthless now.", name=name))
    return visit.redirect("/tokens")


def _revoke(services: Services, token_id: str, actor: Actor) -> str | None:
    token = next((one for one in services.catalog.api_tokens.list() if one.id == token_id), None)
    if token is None or not services.catalog.api_tokens.delete(token_id):
        return None
    before = {"name": token.name, "scopes": sorted(token.scopes), "number": token.number}
    change = AuditChange(action="access.revoked", subject=token_id, before=before)
    services.catalog.audit.add(change, actor=actor, now=services.clock())
    return token.name


ROUTES: Final = (
    page("GET", "/tokens", show, allow=ADMIN),
    page("POST", "/tokens", issue, allow=ADMIN),
    page("POST", "/tokens/{token}/revoke", revoke, allow=ADMIN),
)
