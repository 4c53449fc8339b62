"""The first page: what goes on, what is to be done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from aiohttp import web

from callmodel.modes import RecordingMode
from catalog.figures import DayFigures
from catalog.provider import ProviderSettings
from catalog.provisioning import ProvisioningStatus
from catalog.uploads import JobState
from portals.admin.pages.calls import LiveRow, PastRow, live_rows, past_rows
from portals.admin.roles import EVERYONE, USER
from portals.admin.site import home_of, services_of
from portals.services import Services
from webkit.routes import page
from webkit.visit import Visit

DAYS: Final = 7
LAST_CALLS: Final = 8
SHOWN_LIVE: Final = 8
BAR_HEIGHT: Final = 64
"""Of the figure of the week, in its own units."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    """What the page counts."""

    modes: dict[RecordingMode, int]
    days: tuple[DayFigures, ...]
    uploads: dict[JobState, int]
    provisioning: dict[ProvisioningStatus, int]
    provider: ProviderSettings
    calls: tuple[PastRow, ...]

    @property
    def users(self) -> int:
        """All of them."""
        return sum(self.modes.values())

    @property
    def recorded_users(self) -> int:
        """Whose mode is not Never."""
        return self.users - self.modes[RecordingMode.NEVER]

    @property
    def uploads_waiting(self) -> int:
        """Pending, and those somebody is at."""
        return self.uploads[JobState.PENDING] + self.uploads[JobState.RUNNING]

    @property
    def most_a_day(self) -> int:
        """What the highest bar stands for."""
        return max([1, *(day.recordings for day in self.days)])

    def bar(self, day: DayFigures) -> int:
        """Height of a day's bar; a day with a single recording still has one."""
        return 0 if day.recordings == 0 else max(2, round(BAR_HEIGHT * day.recordings / self.most_a_day))


def _numbers(services: Services, visit: Visit) -> Numbers:
    catalog, zone = services.catalog, visit.site.config.zone
    return Numbers(
        modes=catalog.subscribers.mode_counts(),
        days=catalog.figures.by_day(visit.now.astimezone(zone).date(), days=DAYS, zone=zone),
        uploads=catalog.uploads.counts(),
        provisioning=catalog.provisioning.counts(),
        provider=catalog.provider.read(),
        calls=past_rows(catalog, catalog.calls.list(limit=LAST_CALLS)),
    )


async def show(visit: Visit) -> web.StreamResponse:
    """All of it; users have their own first page."""
    if visit.who.role in USER:
        return visit.redirect(home_of(visit))
    return await _page(visit, None)


async def show_now(visit: Visit) -> web.StreamResponse:
    """The part that changes by itself."""
    if visit.who.role in USER or not visit.in_place:
        return visit.redirect(home_of(visit))
    return await _page(visit, "now")


async def _page(visit: Visit, fragment: str | None) -> web.StreamResponse:
    live: tuple[LiveRow, ...]
    live, count = await live_rows(visit)
    numbers = await visit.run(_numbers, services_of(visit), visit)
    recorded = sum(1 for row in live if any(user.recording.recording_id for user in row.users))
    return await visit.page(
        "dashboard.html",
        fragment=fragment,
        numbers=numbers,
        live=live[:SHOWN_LIVE],
        count=count,
        recorded=recorded,
        height=BAR_HEIGHT,
    )


ROUTES: Final = (
    page("GET", "/", show, allow=EVERYONE),
    page("GET", "/now", show_now, allow=EVERYONE),
)
