"""Recordings that came for a line no dub point stands for: looked at, and moved to a user."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from aiohttp import web
from sqlalchemy.orm import Session

from dubber_platform.api.activation import drop_withheld
from dubber_platform.config import Chance
from dubber_platform.portal.asked import ID_MAX, TEXT_MAX, Asked
from dubber_platform.portal.lines import Line, lines_of
from dubber_platform.portal.pages.bulk import CHOSEN_MAX, numbers_of
from dubber_platform.portal.roles import GROUP_ADMINISTRATORS
from dubber_platform.portal.site import ask, platform_of
from dubber_platform.store.browse import Filter, Page, unidentified
from dubber_platform.store.changes import move_to_user
from dubber_platform.store.dub_points import (
    PRODUCTS,
    DubPointDraft,
    DubPointView,
    add_dub_point,
    unidentified_dub_points,
)
from dubber_platform.store.people import PersonRow, accounts_seen, people, user_seen
from dubber_platform.store.refused import RefusedError, Why
from dubber_platform.store.rows import Reference, rows_of
from dubber_platform.store.schema import Recording
from dubber_platform.store.visibility import Viewer, full_name
from webkit.forms import Form
from webkit.routes import page
from webkit.visit import Visit

PEOPLE_SHOWN: Final = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """What waits for a user."""

    page: Page
    lines: tuple[Line, ...]
    dub_points: Mapping[str, DubPointView]
    """Unidentified ones by id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidates:
    """What is to be moved, and to whom it may go."""

    lines: tuple[Line, ...]
    dub_points: tuple[DubPointView, ...]
    """Unidentified ones of these recordings."""
    accounts: tuple[Reference, ...]
    account_id: str
    people: tuple[PersonRow, ...]
    people_total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """What a move has done."""

    user: Reference
    recordings: int
    dub_points: int
    withheld: tuple[int, ...]
    """Recordings whose audio has to go: the other party is on the user's do-not-record list."""


async def show(visit: Visit) -> web.StreamResponse:
    """The list, newest first."""
    asked = Asked.of(visit)
    wanted = Filter(text=asked.q, after=asked.after or None, before=asked.before or None)

    def look(session: Session, viewer: Viewer) -> Waiting:
        found = unidentified(session, viewer, wanted)
        points = {point.id: point for point in unidentified_dub_points(session, viewer)}
        return Waiting(page=found, lines=lines_of(found.rows), dub_points=points)

    waiting = await ask(visit, look)
    return await visit.page("unidentified.html", fragment="list", waiting=waiting, q=asked.q)


async def choose_user(visit: Visit) -> web.StreamResponse:
    """To whom the chosen ones shall go; only the people while somebody types a name."""
    chosen = numbers_of(visit.query("ids").split(","))
    return await _choose(visit, chosen, visit.query("find", limit=TEXT_MAX), visit.query("account", limit=ID_MAX))


async def _choose(
    visit: Visit, chosen: Sequence[int], find: str, account_id: str, form: Form | None = None
) -> web.StreamResponse:
    candidates = await ask(visit, lambda session, viewer: _candidates(session, viewer, chosen, find, account_id))
    return await visit.page(
        "unidentified_move.html",
        status=200 if form is None else 422,
        fragment="people",
        candidates=candidates,
        find=find,
        ids=",".join(map(str, chosen)),
        next=visit.safe_next(form.sent("next") if form else visit.query("next")),
        products=PRODUCTS,
        form=form,
    )


def _candidates(session: Session, viewer: Viewer, chosen: Sequence[int], find: str, account_id: str) -> Candidates:
    rows = [row for row in rows_of(session, viewer, chosen, ()) if row.account_id is None]
    if not rows:
        raise RefusedError(Why.UNKNOWN, "recording")
    accounts = accounts_seen(session, viewer)
    wanted = account_id or viewer.account_id or (accounts[0].id if accounts else "")
    found = people(session, viewer, text=find, limit=PEOPLE_SHOWN, account_id=wanted)
    named = {row.dub_point.id for row in rows if row.dub_point is not None}
    return Candidates(
        lines=lines_of(rows),
        dub_points=tuple(point for point in unidentified_dub_points(session, viewer) if point.id in named),
        accounts=tuple(Reference(id=account.id, name=account.name) for account in accounts),
        account_id=wanted,
        people=found.rows,
        people_total=found.total,
    )


async def move(visit: Visit) -> web.StreamResponse:
    """Give the chosen ones to a user, with the dub points they came for when that is wanted."""
    form, own = visit.form(), platform_of(visit)
    chosen = numbers_of(form.all("chosen", limit=CHOSEN_MAX))
    user_id = form.text("user_id", limit=ID_MAX)
    product = form.one_of("product", PRODUCTS) if form.flag("create") else None
    if not user_id:
        form.refuse("user_id", visit.t("Choose the user."))
    if form.ok:
        try:
            moved = await ask(visit, lambda s, viewer: _move(s, viewer, chosen, user_id, product, visit.now, own.ids))
        except RefusedError as error:
            if error.field != "user":
                raise
            form.refuse("user_id", visit.t("This user is not there any more. Choose another one."))
    if not form.ok:
        return await _choose(visit, chosen, form.sent("find"), form.sent("account"), form)
    for recording_id in moved.withheld:
        await drop_withheld(own, recording_id)
    _tell(visit, moved)
    return web.Response(status=303, headers={"Location": visit.safe_next(form.sent("next"))})


def _move(
    session: Session,
    viewer: Viewer,
    chosen: Sequence[int],
    user_id: str,
    product: str | None,
    now: datetime,
    ids: Chance,
) -> Moved:
    """Everything or nothing. ``product`` None: no dub point is made."""
    user = user_seen(session, viewer, user_id)
    waiting = {point.id: point for point in unidentified_dub_points(session, viewer)}
    withheld, recordings, made = [], 0, 0
    for recording_id in chosen:
        row = session.get(Recording, recording_id)
        point = waiting.pop(row.dub_point_id or "", None) if row is not None else None
        if product is not None and point is not None and point.external_type is not None:
            recordings += point.recordings
            add_dub_point(
                session, viewer, _draft(point, user_id, product), now=now, ids=ids, account_id=user.account_id
            )
            made += 1
        elif row is None or row.account_id is None:
            if move_to_user(session, viewer, recording_id, user_id, now=now):
                withheld.append(recording_id)
            recordings += 1
    name = Reference(id=user.id, name=full_name(user))
    return Moved(user=name, recordings=recordings, dub_points=made, withheld=tuple(withheld))


def _draft(point: DubPointView, user_id: str, product: str) -> DubPointDraft:
    return DubPointDraft(
        user_id=user_id,
        product=product,
        external_type=point.external_type or "",
        service_provider=point.service_provider or "",
        external_group=point.external_group or "",
        external_identifier=point.external_identifier or "",
    )


def _tell(visit: Visit, moved: Moved) -> None:
    visit.notice(
        "success",
        visit.t.many(
            "%(num)s recording belongs to %(name)s now.",
            "%(num)s recordings belong to %(name)s now.",
            moved.recordings,
            name=moved.user.name,
        ),
    )
    if moved.dub_points:
        visit.notice(
            "info",
            visit.t.many(
                "%(num)s dub.point was added: further calls of its line go to %(name)s by themselves.",
                "%(num)s dub.points were added: further calls of their lines go to %(name)s by themselves.",
                moved.dub_points,
                name=moved.user.name,
            ),
        )
    if moved.withheld:
        visit.notice(
            "warning",
            visit.t.many(
                "%(num)s of them lost its audio: the other party is on the user’s do-not-record list.",
                "%(num)s of them lost their audio: the other parties are on the user’s do-not-record list.",
                len(moved.withheld),
            ),
        )


ROUTES: Final = (
    page("GET", "/unidentified", show, allow=GROUP_ADMINISTRATORS),
    page("GET", "/unidentified/move", choose_user, allow=GROUP_ADMINISTRATORS),
    page("POST", "/unidentified/move", move, allow=GROUP_ADMINISTRATORS),
)
