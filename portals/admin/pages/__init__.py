"""The pages, an area a module; one line an area below."""

from __future__ import annotations

from typing import Final

from portals.admin.pages import (
    accounts,
    adding,
    audit,
    calls,
    codes,
    dashboard,
    failure,
    me,
    password,
    profile,
    prompts,
    provisioning,
    recording,
    softphone,
    tokens,
    tones,
    users,
)
from webkit.routes import Route

ALL: Final[tuple[Route, ...]] = (
    *dashboard.ROUTES,
    *adding.ROUTES,
    *users.ROUTES,
    *softphone.ROUTES,
    *recording.ROUTES,
    *provisioning.ROUTES,
    *profile.ROUTES,
    *calls.ROUTES,
    *codes.ROUTES,
    *prompts.ROUTES,
    *tones.ROUTES,
    *failure.ROUTES,
    *accounts.ROUTES,
    *tokens.ROUTES,
    *audit.ROUTES,
    *me.ROUTES,
    *password.ROUTES,
)
