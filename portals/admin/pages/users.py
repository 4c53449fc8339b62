"""The list of users, and the parts of the *Edit user* window that are not about call recording."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

from aiohttp import web

from callmodel.modes import Language, RecordingMode
from callmodel.subscriber import Subscriber
from catalog.calls import CallRecord
from catalog.enabling import MAX_NAME_CHARS, MAX_NO_ANSWER_S
from catalog.recordings import RecordingRecord
from catalog.store import Catalog
from catalog.subscribers import SortBy, is_number
from catalog.users_file import FileFormat, export_users
from portals.admin.acting import actor_of
from portals.admin.roles import ADMIN
from portals.admin.seen import ChangedMeanwhileError, unless_changed
from portals.admin.site import services_of
from portals.admin.standing import Standing, standings
from portals.saving import edit_user, remove_user
from portals.services import Services
from webkit.forms import Form
from webkit.routes import page
from webkit.visit import Visit

PAGE_ROWS: Final = 50
LAST_ROWS: Final = 20
"""Calls and recordings in the window."""
MAX_TEXT: Final = 100
MAX_PAGE: Final = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the address of the list asks for."""

    text: str
    mode: RecordingMode | None
    sort: SortBy
    descending: bool
    page: int
    """From 1."""

    @property
    def query(self) -> dict[str, Any]:
        """The address again, without the page."""
        plain = self.sort is SortBy.NUMBER and not self.descending
        return {
            "q": self.text,
            "mode": self.mode.value if self.mode else "",
            "sort": "" if plain else self.sort.value,
            "order": "desc" if self.descending else "",
        }


def asked_of(visit: Visit) -> Asked:
    """What cannot be read is as if it were not there."""
    mode, sort = visit.query("mode"), visit.query("sort")
    return Asked(
        text=visit.query("q", limit=MAX_TEXT).strip(),
        mode=RecordingMode(mode) if mode in set(RecordingMode) else None,
        sort=SortBy(sort) if sort in set(SortBy) else SortBy.NUMBER,
        descending=visit.query("order") == "desc",
        page=visit.number("page", 1, 1, MAX_PAGE),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class UserRow:
    """One line of the list."""

    user: Subscriber
    phones: tuple[str, ...]
    """URIs of the phones that are registered now."""
    standing: Standing

    @property
    def dom_id(self) -> str:
        """For the light, which is refreshed by itself."""
        return dom_id(self.user.number)


def dom_id(number: str) -> str:
    """A number may hold signs that an id may not."""
    return number.encode().hex()


def _page_of(catalog: Catalog, asked: Asked) -> tuple[tuple[Subscriber, ...], int, int]:
    """Users, how many in all, and which page it is: the last one when there are fewer than asked for."""

    def rows(number: int) -> tuple[tuple[Subscriber, ...], int]:
        offset = (number - 1) * PAGE_ROWS
        return catalog.subscribers.page(asked.text, asked.sort, asked.descending, offset, PAGE_ROWS, mode=asked.mode)

    found, total = rows(asked.page)
    if found or total == 0:
        return found, total, asked.page if found else 1
    last = (total + PAGE_ROWS - 1) // PAGE_ROWS
    return rows(last)[0], total, last


async def show_list(visit: Visit) -> web.StreamResponse:
    """Search, sort, filter, pages; all of it in the address."""
    services, asked = services_of(visit), asked_of(visit)
    found, total, number = await visit.run(_page_of, services.catalog, asked)
    live = standings(services.switchboard.calls())
    rows = [
        UserRow(
            user=user,
            phones=services.switchboard.registered(user.number),
            standing=live.get(user.number, Standing.IDLE),
        )
        for user in found
    ]
    return await visit.page(
        "users.html", fragment="list", rows=rows, total=total, asked=asked, page=number, size=PAGE_ROWS
    )


async def show_lights(visit: Visit) -> web.StreamResponse:
    """The lights of the users whose numbers are named, again."""
    numbers = [n for n in visit.query("n", limit=40 * PAGE_ROWS).split(",") if is_number(n)][:PAGE_ROWS]
    live = standings(services_of(visit).switchboard.calls())
    lights = [(dom_id(number), live.get(number, Standing.IDLE)) for number in numbers]
    return await visit.page("users_lights.html", lights=lights)


async def export(visit: Visit) -> web.StreamResponse:
    """All users as a file that can be imported again; no passwords."""

    def made() -> bytes:
        return export_users(services_of(visit).catalog.subscribers.list(), FileFormat.CSV).encode()

    headers = {"Content-Disposition": 'attachment; filename="users.csv"'}
    return web.Response(body=await visit.run(made), content_type="text/csv", charset="utf-8", headers=headers)


async def user_of(visit: Visit) -> Subscriber:
    """The user that the path names; 404 when there is none."""
    found = await visit.run(services_of(visit).catalog.subscribers.get, visit.match("number"))
    if found is None:
        raise web.HTTPNotFound
    return found


async def show_profile(visit: Visit) -> web.StreamResponse:
    """The window's first part."""
    return await _profile_page(visit, await user_of(visit), None)


async def save_profile(visit: Visit) -> web.StreamResponse:
    """Name, language, mailbox, seconds of ringing."""
    user, form = await user_of(visit), visit.form()
    name = form.text("name", limit=MAX_NAME_CHARS)
    language = form.member("language", Language, default=user.language)
    mailbox = form.flag("mailbox")
    no_answer_s = form.whole("no_answer_s", 1, MAX_NO_ANSWER_S, default=user.no_answer_s) or user.no_answer_s
    if not form.ok:
        return await _profile_page(visit, user, form)

    def applied(before: Subscriber) -> Subscriber:
        return replace(before, name=name, language=language, mailbox=mailbox, no_answer_s=no_answer_s)

    try:
        saved = await edit_user(services_of(visit), user.number, unless_changed(form, applied), actor=actor_of(visit))
    except ChangedMeanwhileError:
        return await _profile_page(visit, await user_of(visit), form)
    if saved == user:
        visit.notice("info", visit.t("Nothing was changed."))
    else:
        visit.notice("success", visit.t("Saved. It holds from the next call."))
    return visit.redirect(f"/users/{user.number}")


async def _profile_page(visit: Visit, user: Subscriber, form: Form | None) -> web.StreamResponse:
    return await visit.page(
        "user_profile.html",
        status=200 if form is None else 422,
        user=user,
        form=form,
        max_no_answer_s=MAX_NO_ANSWER_S,
        **window(visit, user),
    )


def window(visit: Visit, user: Subscriber) -> dict[str, Any]:
    """What the head of the *Edit user* window shows, whatever part of it is open."""
    live = standings(services_of(visit).switchboard.calls())
    return {"standing": live.get(user.number, Standing.IDLE), "dom_id": dom_id(user.number)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """The last of a user."""

    calls: tuple[CallRecord, ...]
    recordings: tuple[RecordingRecord, ...]


def _activity(catalog: Catalog, number: str) -> Activity:
    return Activity(
        calls=catalog.calls.list(number=number, limit=LAST_ROWS),
        recordings=catalog.recordings.list(user=number, limit=LAST_ROWS),
    )


async def show_activity(visit: Visit) -> web.StreamResponse:
    """The last recordings and calls."""
    services, user = services_of(visit), await user_of(visit)
    found = await visit.run(_activity, services.catalog, user.number)
    return await visit.page(
        "user_activity.html",
        user=user,
        calls=found.calls,
        recordings=found.recordings,
        portal=portal_of(services),
        **window(visit, user),
    )


def portal_of(services: Services) -> str:
    """URL of Dubber's recordings site; empty when it is not known."""
    return services.reachable().dubber_portal.rstrip("/")


async def ask_delete(visit: Visit) -> web.StreamResponse:
    """What goes and what stays."""
    user = await user_of(visit)
    return await visit.page("user_delete.html", user=user, **window(visit, user))


async def delete(visit: Visit) -> web.StreamResponse:
    """Remove a user; recordings stay."""
    user = await user_of(visit)
    if await remove_user(services_of(visit), user.number, actor=actor_of(visit)):
        name = user.name or user.number
        visit.notice("success", visit.t("User %(name)s was deleted. Recordings made so far stay.", name=name))
    return visit.redirect("/users")


ROUTES: Final = (
    page("GET", "/users", show_list, allow=ADMIN),
    page("GET", "/users.csv", export, allow=ADMIN),
    page("GET", "/lights", show_lights, allow=ADMIN),
    page("GET", "/users/{number}", show_profile, allow=ADMIN),
    page("POST", "/users/{number}", save_profile, allow=ADMIN),
    page("GET", "/users/{number}/activity", show_activity, allow=ADMIN),
    page("GET", "/users/{number}/delete", ask_delete, allow=ADMIN),
    page("POST", "/users/{number}/delete", delete, allow=ADMIN),
)
