"""Who of the enabled users Dubber knows, and who not yet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from aiohttp import web

from catalog.enabling import retry_all_failed
from catalog.errors import GroupIdMissing
from catalog.provider import ProviderSettings
from catalog.provisioning import ProvisioningState, ProvisioningStatus
from catalog.store import Catalog
from catalog.subscribers import get_subscribers
from portals.admin.acting import actor_of
from portals.admin.progress import Steps, steps_of
from portals.admin.roles import ADMIN
from portals.admin.site import services_of
from portals.saving import retry_provisioning
from webkit.routes import page
from webkit.visit import Visit

PAGE_ROWS: Final = 50
MAX_PAGE: Final = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One user."""

    state: ProvisioningState
    name: str
    steps: Steps


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One page of the table."""

    rows: tuple[Row, ...]
    counts: dict[ProvisioningStatus, int]
    total: int
    """Of the status that is asked for."""
    page: int
    provider: ProviderSettings

    @property
    def poll(self) -> str:
        """How soon the table is looked at again; empty when nothing goes on."""
        return "2s" if self.counts[ProvisioningStatus.PENDING] else ""


def listed(catalog: Catalog, status: ProvisioningStatus | None, number: int) -> Listed:
    """The page, or the last one when there are fewer."""
    counts, provider = catalog.provisioning.counts(), catalog.provider.read()
    total = sum(counts.values()) if status is None else counts[status]
    number = min(number, max(1, (total + PAGE_ROWS - 1) // PAGE_ROWS))
    states = catalog.provisioning.list(status=status, offset=(number - 1) * PAGE_ROWS, limit=PAGE_ROWS)
    with catalog.database.read() as connection:
        users = get_subscribers(connection, [state.number for state in states])
    rows = tuple(
        Row(state=state, name=users[state.number].name, steps=steps_of(state, provider))
        for state in states
        if state.number in users
    )
    return Listed(rows=rows, counts=counts, total=total, page=number, provider=provider)


async def show(visit: Visit) -> web.StreamResponse:
    """The table; ``status`` in the address chooses."""
    wanted = visit.query("status")
    status = ProvisioningStatus(wanted) if wanted in set(ProvisioningStatus) else None
    number = visit.number("page", 1, 1, MAX_PAGE)
    found = await visit.run(listed, services_of(visit).catalog, status, number)
    return await visit.page(
        "provisioning.html",
        fragment="list",
        found=found,
        chosen=status,
        statuses=tuple(ProvisioningStatus),
        size=PAGE_ROWS,
    )


async def retry(visit: Visit) -> web.StreamResponse:
    """One user again."""
    number = visit.match("number")
    try:
        asked = await retry_provisioning(services_of(visit), number, actor=actor_of(visit))
    except GroupIdMissing:
        visit.notice("error", visit.t("The Group ID that Dubber issued is not set: nobody can be enabled yet."))
    else:
        if asked:
            visit.notice("success", visit.t("%(number)s is tried again now.", number=number))
        else:
            visit.notice("warning", visit.t("Call recording is off for this user: there is nothing to provision."))
    return visit.redirect("/provisioning", status=visit.form().one_of("status", list(ProvisioningStatus), default=""))


async def retry_all(visit: Visit) -> web.StreamResponse:
    """Everybody who failed, again."""
    services = services_of(visit)
    try:
        count = await visit.run(retry_all_failed, services.catalog, actor=actor_of(visit), now=services.clock())
    except GroupIdMissing:
        visit.notice("error", visit.t("The Group ID that Dubber issued is not set: nobody can be enabled yet."))
    else:
        services.dubber.wake()
        told = visit.t.many("%(num)s user is tried again now.", "%(num)s users are tried again now.", count)
        visit.notice("success" if count else "info", told)
    return visit.redirect("/provisioning")


ROUTES: Final = (
    page("GET", "/provisioning", show, allow=ADMIN),
    page("POST", "/provisioning/retry", retry_all, allow=ADMIN),
    page("POST", "/provisioning/{number}/retry", retry, allow=ADMIN),
)
