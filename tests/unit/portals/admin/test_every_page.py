"""Every page of users, calls and recording: in both languages, for its roles alone, and against forged forms."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from catalog import PortalRole
from portals.admin.pages import calls, dashboard, profile, provisioning, recording, users
from portals.admin.roles import ADMIN, EVERYONE, PROVIDER
from tests.support.browsing import Browser, finish_call, words
from tests.support.portals import PEOPLE, WebSide
from webkit.routes import Route

Opens = Callable[..., Awaitable[Browser]]
ROUTES = (
    *dashboard.ROUTES,
    *users.ROUTES,
    *recording.ROUTES,
    *provisioning.ROUTES,
    *profile.ROUTES,
    *calls.ROUTES,
)
MAY = {
    ("GET", "/"): EVERYONE,
    ("GET", "/now"): EVERYONE,
    **{(route.method, route.path): PROVIDER for route in profile.ROUTES},
}
PIECES = ("/now", "/calls/live", "/users.csv", "/lights", "/users/{number}/recording/progress")
"""What is no page."""


def path_of(route: Route) -> str:
    return route.path.replace("{number}", "1002").replace("{call_id}", "call-1")


def test_the_table_of_who_may_do_what() -> None:
    """Users may open their own page only; the service provider's profile is the provider's alone."""
    expected = {(route.method, route.path): MAY.get((route.method, route.path), ADMIN) for route in ROUTES}
    assert {(route.method, route.path): route.allow for route in ROUTES} == expected


async def test_other_roles_are_turned_away(opened: Opens, side: WebSide) -> None:
    finish_call(side)
    browsers = {role: await opened(role) for role in PortalRole}
    for role, browser in browsers.items():
        for route in ROUTES:
            if role.value in route.allow:
                continue
            ask = browser.get if route.method == "GET" else browser.post
            answer = await ask(path_of(route))
            assert (role, route.method, route.path, answer.status) == (role, route.method, route.path, 403)
    assert side.catalog.subscribers.get("1002") is not None


async def test_every_page_is_there_in_both_languages(opened: Opens, side: WebSide) -> None:
    finish_call(side)
    side.exchange.put_call("c-1", PEOPLE[4], PEOPLE[3])
    provider = await opened(PortalRole.PROVIDER)
    for path in [path_of(route) for route in ROUTES if route.method == "GET" and route.path not in PIECES]:
        english, french = await provider.text(path), await provider.text(path, french=True)
        assert words(english) != words(french), path
        assert '<html lang="fr"' in french, path


@pytest.mark.parametrize("route", [r for r in ROUTES if r.method == "POST"], ids=lambda r: r.path)
async def test_a_form_of_another_site_changes_nothing(opened: Opens, side: WebSide, route: Route) -> None:
    provider = await opened(PortalRole.PROVIDER)
    before = side.catalog.audit.list()
    answer = await provider.post(path_of(route), {"csrf": "0" * 64})
    assert answer.status == 403
    assert side.catalog.audit.list() == before
