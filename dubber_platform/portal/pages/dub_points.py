"""A user's dub points: which lines of a phone platform bring their recordings here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from aiohttp import web
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from dubber_platform.portal.named import suggested, user_typed
from dubber_platform.portal.pages.people import Opened, opened_of
from dubber_platform.portal.roles import ADMINISTRATORS
from dubber_platform.portal.site import ask, platform_of
from dubber_platform.portal.trying import attempt, same
from dubber_platform.store.dub_points import (
    EXTERNAL_TYPES,
    IDENTIFIER_MAX,
    LABEL_MAX,
    NUMBER_MAX,
    PART_MAX,
    PRODUCTS,
    DubPointDraft,
    DubPointView,
    add_dub_point,
    delete_dub_point,
    move_dub_point,
)
from dubber_platform.store.people import USERNAME_MAX
from dubber_platform.store.refused import RefusedError, Why
from dubber_platform.store.rows import Reference
from dubber_platform.store.schema import Recording
from dubber_platform.store.visibility import Viewer, full_name
from webkit.forms import Form
from webkit.routes import page
from webkit.visit import Visit

KEY: Final = ("external_type", "service_provider", "external_group", "external_identifier")


@dataclass(frozen=True, slots=True, kw_only=True)
class Moving:
    """One dub point that goes to another user."""

    opened: Opened
    point: DubPointView
    people: tuple[Reference, ...]


async def show(visit: Visit) -> web.StreamResponse:
    """The user's dub points."""
    user_id = visit.match("user")
    opened = await ask(visit, lambda session, viewer: opened_of(session, viewer, user_id))
    return await visit.page("person_dub_points.html", opened=opened, view=opened.view)


async def new(visit: Visit) -> web.StreamResponse:
    """Empty fields."""
    return await _new(visit)


async def _new(visit: Visit, form: Form | None = None) -> web.StreamResponse:
    user_id = visit.match("user")
    opened = await ask(visit, lambda session, viewer: opened_of(session, viewer, user_id))
    return await visit.page(
        "person_dub_point_new.html",
        status=200 if form is None else 422,
        opened=opened,
        view=opened.view,
        products=PRODUCTS,
        external_types=EXTERNAL_TYPES,
        form=form,
    )


async def add(visit: Visit) -> web.StreamResponse:
    """Add one; what waited for its line comes along."""
    form, own, user_id = visit.form(), platform_of(visit), visit.match("user")
    draft = DubPointDraft(
        user_id=user_id,
        product=form.one_of("product", PRODUCTS),
        external_type=form.one_of("external_type", EXTERNAL_TYPES),
        service_provider=form.text("service_provider", limit=PART_MAX, required=True),
        external_group=form.text("external_group", limit=PART_MAX, required=True),
        external_identifier=form.text("external_identifier", limit=IDENTIFIER_MAX, required=True),
        label=form.text("label", limit=LABEL_MAX),
        number=form.text("number", limit=NUMBER_MAX),
    )

    def work(session: Session, viewer: Viewer) -> int:
        account_id = opened_of(session, viewer, user_id).view.account_id
        made = add_dub_point(session, viewer, draft, now=visit.now, ids=own.ids, account_id=account_id)
        return int(session.scalar(select(func.count()).where(Recording.dub_point_id == made.id)) or 0)

    try:
        came = await attempt(visit, form, work, same("product", *KEY[:-1], "label", "number"))
    except RefusedError as error:
        if error.field != KEY[-1]:
            raise
        taken = visit.t("A dub.point with these four values exists already.")
        form.refuse(error.field, taken if error.why is Why.TAKEN else visit.t("This does not have the right form."))
    if not form.ok:
        return await _new(visit, form)
    visit.notice("success", visit.t("The dub.point is added: calls of this line arrive here from now on."))
    if came:
        visit.notice(
            "info",
            visit.t.many(
                "%(num)s recording that waited for this line came along.",
                "%(num)s recordings that waited for this line came along.",
                came,
            ),
        )
    return visit.redirect(f"/people/{user_id}/dub-points")


async def choose(visit: Visit) -> web.StreamResponse:
    """To whom it shall go."""
    return await _choose(visit)


async def _choose(visit: Visit, form: Form | None = None) -> web.StreamResponse:
    user_id, point_id = visit.match("user"), visit.match("point")

    def look(session: Session, viewer: Viewer) -> Moving:
        opened = opened_of(session, viewer, user_id)
        return Moving(
            opened=opened,
            point=_point(opened, point_id),
            people=suggested(session, viewer, opened.view.account_id or ""),
        )

    moving = await ask(visit, look)
    return await visit.page(
        "person_dub_point_move.html",
        status=200 if form is None else 422,
        opened=moving.opened,
        view=moving.opened.view,
        moving=moving,
        form=form,
    )


async def move(visit: Visit) -> web.StreamResponse:
    """Give it to another user of the account."""
    form, user_id, point_id = visit.form(), visit.match("user"), visit.match("point")
    typed = form.text("to", limit=USERNAME_MAX, required=True)

    def work(session: Session, viewer: Viewer) -> Reference:
        opened = opened_of(session, viewer, user_id)
        point = _point(opened, point_id)
        user = user_typed(session, opened.view.account_id or "", typed)
        move_dub_point(session, viewer, point.id, user.id, now=visit.now)
        return Reference(id=user.id, name=full_name(user))

    moved = await attempt(visit, form, work, {"user": "to"})
    if moved is None:
        return await _choose(visit, form)
    visit.notice("success", visit.t("Further calls of the line go to %(name)s.", name=moved.name))
    return visit.redirect(f"/people/{moved.id}/dub-points")


async def remove(visit: Visit) -> web.StreamResponse:
    """Calls of its line wait on the page of unidentified ones from now on."""
    user_id, point_id = visit.match("user"), visit.match("point")

    def work(session: Session, viewer: Viewer) -> None:
        delete_dub_point(session, viewer, _point(opened_of(session, viewer, user_id), point_id).id)

    await ask(visit, work)
    visit.notice("success", visit.t("The dub.point is removed; its recordings stay."))
    return visit.redirect(f"/people/{user_id}/dub-points")


def _point(opened: Opened, point_id: str) -> DubPointView:
    """One of the user's."""
    for point in opened.view.dub_points:
        if point.id == point_id:
            return point
    raise RefusedError(Why.UNKNOWN, "dub_point")


ROUTES: Final = (
    page("GET", "/people/{user}/dub-points", show, allow=ADMINISTRATORS),
    page("GET", "/people/{user}/dub-points/add", new, allow=ADMINISTRATORS),
    page("POST", "/people/{user}/dub-points/add", add, allow=ADMINISTRATORS),
    page("GET", "/people/{user}/dub-points/{point}/move", choose, allow=ADMINISTRATORS),
    page("POST", "/people/{user}/dub-points/{point}/move", move, allow=ADMINISTRATORS),
    page("POST", "/people/{user}/dub-points/{point}/remove", remove, allow=ADMINISTRATORS),
)
