"""The pages of the recordings site, one module an area."""

from __future__ import annotations

from typing import Final

from dubber_platform.portal.pages import bulk, dashboard, recording, recordings, shares, unidentified
from webkit.routes import Route

ALL: Final[tuple[Route, ...]] = (
    *dashboard.ROUTES,
    *bulk.ROUTES,
    *recordings.ROUTES,
    *recording.ROUTES,
    *shares.ROUTES,
    *unidentified.ROUTES,
)
