"""The account's users: listed, added by hand, changed, given a password."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from aiohttp import web
from sqlalchemy.orm import Session

from dubber_platform.portal.asked import ID_MAX, TEXT_MAX
from dubber_platform.portal.named import account_wanted
from dubber_platform.portal.once import show_once, shown_once
from dubber_platform.portal.roles import ADMINISTRATORS
from dubber_platform.portal.site import ask, platform_of
from dubber_platform.portal.trying import attempt, same
from dubber_platform.store.people import (
    LANGUAGES,
    MOBILE_MAX,
    NAME_MAX,
    PAGE_ROWS,
    USERNAME_MAX,
    PeoplePage,
    PersonView,
    UserDraft,
    accounts_seen,
    add_user,
    change_user,
    delete_user,
    people,
    person,
    set_password,
    user_changed,
)
from dubber_platform.store.refused import RefusedError
from dubber_platform.store.rows import Reference
from dubber_platform.store.visibility import ROLES, Viewer
from webkit.forms import Form
from webkit.passwords import hash_password
from webkit.routes import page
from webkit.visit import Visit

PAGES_MAX: Final = 100_000
PASSWORD_BYTES: Final = 12
FIELDS: Final = ("first_name", "last_name", "role", "language", "mobile_number")


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """What the list shows."""

    page: PeoplePage
    accounts: tuple[Reference, ...]
    account_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """One user's window."""

    view: PersonView
    may_change: bool
    """False for who speaks for a group, unless the viewer does too."""


async def show(visit: Visit) -> web.StreamResponse:
    """The list, by name."""
    q, role, account = visit.query("q", limit=TEXT_MAX), visit.query("role"), visit.query("account", limit=ID_MAX)
    role = role if role in ROLES else ""
    number = visit.number("page", 1, 1, PAGES_MAX)

    def look(session: Session, viewer: Viewer) -> Listed:
        account_id = account_wanted(session, viewer, account)
        offset = (number - 1) * PAGE_ROWS
        found = people(session, viewer, text=q, role=role or None, offset=offset, account_id=account_id)
        accounts = tuple(Reference(id=one.id, name=one.name) for one in accounts_seen(session, viewer))
        return Listed(page=found, accounts=accounts, account_id=account_id)

    listed = await ask(visit, look)
    query = {"q": q, "role": role, "account": account}
    return await visit.page(
        "people.html", fragment="list", listed=listed, query=query, number=number, size=PAGE_ROWS, roles=ROLES
    )


async def new(visit: Visit) -> web.StreamResponse:
    """Empty fields."""
    return await _new(visit)


async def _new(visit: Visit, form: Form | None = None) -> web.StreamResponse:
    account = form.sent("account")[:ID_MAX] if form else visit.query("account", limit=ID_MAX)
    account_id = await ask(visit, lambda session, viewer: account_wanted(session, viewer, account))
    return await visit.page(
        "person_new.html",
        status=200 if form is None else 422,
        account_id=account_id,
        roles=ROLES,
        languages_offered=LANGUAGES,
        form=form,
    )


async def add(visit: Visit) -> web.StreamResponse:
    """By hand; the dub points come next."""
    form, own = visit.form(), platform_of(visit)
    draft = _draft(form, form.text("username", limit=USERNAME_MAX, required=True))
    account = form.sent("account")[:ID_MAX]

    def work(session: Session, viewer: Viewer) -> str:
        account_id = account_wanted(session, viewer, account)
        return add_user(session, viewer, draft, now=visit.now, ids=own.ids, account_id=account_id).id

    user_id = await attempt(visit, form, work, same("username", *FIELDS))
    if user_id is None:
        return await _new(visit, form)
    visit.notice(
        "success",
        visit.t(
            "%(name)s is added. Next: add the dub.point of the line.", name=f"{draft.first_name} {draft.last_name}"
        ),
    )
    return visit.redirect(f"/people/{user_id}/dub-points")


async def profile(visit: Visit) -> web.StreamResponse:
    """Names, role, sign-in."""
    return await _profile(visit)


async def _profile(visit: Visit, form: Form | None = None) -> web.StreamResponse:
    user_id = visit.match("user")
    opened = await ask(visit, lambda session, viewer: opened_of(session, viewer, user_id))
    return await visit.page(
        "person.html",
        status=200 if form is None else 422,
        opened=opened,
        view=opened.view,
        draft=draft_of(opened.view),
        roles=ROLES,
        languages_offered=LANGUAGES,
        fresh_password=shown_once(visit, f"password {user_id}"),
        form=form,
    )


def opened_of(session: Session, viewer: Viewer, user_id: str) -> Opened:
    """One user's window; RefusedError unless the viewer may see the user."""
    view = person(session, viewer, user_id)
    try:
        user_changed(session, viewer, user_id)
    except RefusedError:
        return Opened(view=view, may_change=False)
    return Opened(view=view, may_change=True)


def draft_of(view: PersonView) -> UserDraft:
    """What the profile's form shows."""
    row = view.row
    return UserDraft(
        username=row.username,
        first_name=view.first_name,
        last_name=view.last_name,
        role=row.role,
        language=row.language,
        mobile_number=row.mobile_number,
    )


async def change(visit: Visit) -> web.StreamResponse:
    """Save the profile."""
    form, user_id = visit.form(), visit.match("user")
    view = await ask(visit, lambda session, viewer: person(session, viewer, user_id))
    changes = _draft(form, view.row.username)
    if view.is_viewer and changes.role != view.row.role:
        form.refuse("role", visit.t("You cannot change your own role. Ask another administrator."))

    def work(session: Session, viewer: Viewer) -> None:
        if not form.overtakes(draft_of(person(session, viewer, user_id)), changes):
            change_user(session, viewer, user_id, changes, now=visit.now)

    await attempt(visit, form, work, same(*FIELDS))
    if not form.ok:
        return await _profile(visit, form)
    visit.notice("success", visit.t("The profile is saved."))
    return visit.redirect(f"/people/{user_id}")


async def new_password(visit: Visit) -> web.StreamResponse:
    """Make one, show it once, end the user's sessions and tokens."""
    user_id, own = visit.match("user"), platform_of(visit)
    user = await ask(visit, lambda session, viewer: user_changed(session, viewer, user_id))
    password = own.ids.token_urlsafe(PASSWORD_BYTES)
    hashed = await visit.run(hash_password, password)
    await ask(visit, lambda session, viewer: set_password(session, viewer, user_id, hashed, now=visit.now))
    visit.sign_out_elsewhere(user.username)
    show_once(visit, f"password {user_id}", password)
    visit.notice("success", visit.t("%(name)s may sign in with the password below.", name=user.username))
    return visit.redirect(f"/people/{user_id}")


async def remove(visit: Visit) -> web.StreamResponse:
    """The user goes; recordings and dub points stay."""
    user_id = visit.match("user")

    def work(session: Session, viewer: Viewer) -> PersonView:
        view = person(session, viewer, user_id)
        if not view.is_viewer:
            delete_user(session, viewer, user_id)
        return view

    view = await ask(visit, work)
    if view.is_viewer:
        visit.notice("error", visit.t("You cannot delete yourself. Ask another administrator."))
        return visit.redirect(f"/people/{user_id}")
    visit.sign_out_elsewhere(view.row.username)
    visit.notice(
        "success", visit.t("%(name)s is deleted. Recordings and dub.points stay with the account.", name=view.row.name)
    )
    return visit.redirect("/people")


def _draft(form: Form, username: str) -> UserDraft:
    return UserDraft(
        username=username,
        first_name=form.text("first_name", limit=NAME_MAX, required=True),
        last_name=form.text("last_name", limit=NAME_MAX, required=True),
        role=form.one_of("role", ROLES),
        language=form.one_of("language", LANGUAGES),
        mobile_number=form.text("mobile_number", limit=MOBILE_MAX),
    )


ROUTES: Final = (
    page("GET", "/people", show, allow=ADMINISTRATORS),
    page("GET", "/people/new", new, allow=ADMINISTRATORS),
    page("POST", "/people/new", add, allow=ADMINISTRATORS),
    page("GET", "/people/{user}", profile, allow=ADMINISTRATORS),
    page("POST", "/people/{user}", change, allow=ADMINISTRATORS),
    page("POST", "/people/{user}/password", new_password, allow=ADMINISTRATORS),
    page("POST", "/people/{user}/delete", remove, allow=ADMINISTRATORS),
)
