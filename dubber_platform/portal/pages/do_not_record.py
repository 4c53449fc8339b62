"""Numbers whose calls with a user keep their facts, but not their audio."""

from __future__ import annotations

from typing import Final

from aiohttp import web
from sqlalchemy.orm import Session

from dubber_platform.portal.asked import TEXT_MAX
from dubber_platform.portal.pages.people import opened_of
from dubber_platform.portal.roles import ADMINISTRATORS, EVERYONE
from dubber_platform.portal.site import ask, platform_of
from dubber_platform.portal.trying import attempt, same
from dubber_platform.store.do_not_record import (
    NUMBER_MAX,
    REASON_MAX,
    DoNotRecordView,
    add_do_not_record,
    delete_do_not_record,
    do_not_record,
)
from dubber_platform.store.visibility import Viewer
from webkit.forms import Form
from webkit.routes import page
from webkit.visit import Visit

OWN: Final = "/do-not-record"


async def own(visit: Visit) -> web.StreamResponse:
    """The viewer's own list."""
    return await _own(visit)


async def _own(visit: Visit, form: Form | None = None) -> web.StreamResponse:
    def look(session: Session, viewer: Viewer) -> tuple[DoNotRecordView, ...]:
        return do_not_record(session, viewer, viewer.user_id) if viewer.account_id else ()

    entries = await ask(visit, look)
    return await visit.page(
        "do_not_record.html",
        status=200 if form is None else 422,
        entries=entries,
        path=OWN,
        others=visit.who.role in ADMINISTRATORS,
        form=form,
    )


async def of_user(visit: Visit) -> web.StreamResponse:
    """Another user's list."""
    return await _of_user(visit)


async def _of_user(visit: Visit, form: Form | None = None) -> web.StreamResponse:
    user_id = visit.match("user")
    opened = await ask(visit, lambda session, viewer: opened_of(session, viewer, user_id))
    return await visit.page(
        "person_do_not_record.html",
        status=200 if form is None else 422,
        opened=opened,
        view=opened.view,
        path=f"/people/{user_id}{OWN}",
        form=form,
    )


async def add_own(visit: Visit) -> web.StreamResponse:
    """One more number of the viewer's own list."""
    form = visit.form()
    if not await _add(visit, form, visit.who.facts["user_id"]):
        return await _own(visit, form)
    return visit.redirect(OWN)


async def add(visit: Visit) -> web.StreamResponse:
    """One more number of another user's list."""
    form, user_id = visit.form(), visit.match("user")
    if not await _add(visit, form, user_id):
        return await _of_user(visit, form)
    return visit.redirect(f"/people/{user_id}{OWN}")


async def _add(visit: Visit, form: Form, user_id: str) -> bool:
    number = form.text("number", limit=NUMBER_MAX, required=True)
    reason = form.text("reason", limit=REASON_MAX, required=True)
    ids = platform_of(visit).ids
    await attempt(
        visit,
        form,
        lambda session, viewer: add_do_not_record(session, viewer, user_id, number, reason, now=visit.now, ids=ids),
        same("number", "reason"),
    )
    if form.ok:
        visit.notice("success", visit.t("Calls with %(number)s keep no audio from now on.", number=number))
    return form.ok


async def remove_own(visit: Visit) -> web.StreamResponse:
    """One number less."""
    await _remove(visit, visit.who.facts["user_id"])
    return visit.redirect(OWN)


async def remove(visit: Visit) -> web.StreamResponse:
    """One number less of another user's list."""
    user_id = visit.match("user")
    await _remove(visit, user_id)
    return visit.redirect(f"/people/{user_id}{OWN}")


async def _remove(visit: Visit, user_id: str) -> None:
    entry = visit.match("entry")[:TEXT_MAX]
    await ask(visit, lambda session, viewer: delete_do_not_record(session, viewer, user_id, entry))
    visit.notice("success", visit.t("Calls with this number are kept again from now on."))


ROUTES: Final = (
    page("GET", OWN, own, allow=EVERYONE),
    page("POST", OWN, add_own, allow=EVERYONE),
    page("POST", f"{OWN}/{{entry}}/delete", remove_own, allow=EVERYONE),
    page("GET", f"/people/{{user}}{OWN}", of_user, allow=ADMINISTRATORS),
    page("POST", f"/people/{{user}}{OWN}", add, allow=ADMINISTRATORS),
    page("POST", f"/people/{{user}}{OWN}/{{entry}}/delete", remove, allow=ADMINISTRATORS),
)
