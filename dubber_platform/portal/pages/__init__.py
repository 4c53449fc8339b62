"""The pages of the recordings site, one module an area."""

from __future__ import annotations

from typing import Final

from dubber_platform.portal.pages import (
    account,
    bulk,
    dashboard,
    do_not_record,
    dub_points,
    people,
    recording,
    recordings,
    shares,
    teams,
    unidentified,
)
from webkit.routes import Route

ALL: Final[tuple[Route, ...]] = (
    *dashboard.ROUTES,
    *bulk.ROUTES,
    *recordings.ROUTES,
    *recording.ROUTES,
    *shares.ROUTES,
    *unidentified.ROUTES,
    *people.ROUTES,
    *dub_points.ROUTES,
    *do_not_record.ROUTES,
    *teams.ROUTES,
    *account.ROUTES,
)
