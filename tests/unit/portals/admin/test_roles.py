"""Who may open what: every route of the carrier's portal, for every role, and nobody over another's data."""

from __future__ import annotations

import re

import pytest

from catalog import PortalRole
from portals.admin.pages import ALL
from portals.admin.roles import ADMIN, EVERYONE, PROVIDER, USER
from tests.support.browsing import Browser
from tests.unit.portals.admin.conftest import Opens
from webkit.routes import PUBLIC

FILLED = {
    "number": "1001",
    "kind": "linphone",
    "ticket": "x",
    "name": "us",
    "language": "fr",
    "prompt": "recording-started",
    "username": "zoe",
    "token": "x",
    "call": "x",
    "call_id": "x",
    "id": "x",
}
ROUTES = sorted({(route.method, route.path, frozenset(route.allow)) for route in ALL}, key=lambda r: (r[1], r[0]))


def filled(path: str) -> str:
    return re.sub(r"\{(\w+)\}", lambda found: FILLED[found[1]], path)


def test_every_route_says_who_may() -> None:
    assert {allow for _, _, allow in ROUTES} <= {ADMIN, PROVIDER, USER, EVERYONE, PUBLIC}


def test_only_a_phone_s_own_file_is_open_to_everyone() -> None:
    assert [path for _, path, allow in ROUTES if not allow] == ["/phone/{ticket}/{kind}"]


def test_users_have_pages_without_a_number_in_the_address_only() -> None:
    theirs = [path for _, path, allow in ROUTES if PortalRole.USER.value in allow]

    assert [path for path in theirs if "{number}" in path or "{username}" in path] == []


@pytest.mark.parametrize("role", list(PortalRole), ids=str)
async def test_a_role_is_turned_away_from_all_that_is_not_its_own(opened: Opens, role: PortalRole) -> None:
    browser = await opened(role)

    gets = [(path, allow) for method, path, allow in ROUTES if method == "GET" and allow]
    turned_away = [path for path, _ in gets if await ask(browser, "GET", path, sent_from_here=False) == 403]

    assert turned_away == [path for path, allow in gets if role.value not in allow]


async def ask(browser: Browser, method: str, path: str, *, sent_from_here: bool) -> int:
    data = {"csrf": browser.csrf} if sent_from_here else {}
    url = "/admin" + filled(path)
    if method == "GET":
        return (await browser.client.get(url, allow_redirects=False)).status
    return (await browser.client.post(url, data=data, allow_redirects=False)).status


async def test_a_user_can_post_to_nothing_of_an_administrator_s(opened: Opens) -> None:
    browser = await opened(PortalRole.USER)
    posts = [(path, allow) for method, path, allow in ROUTES if method == "POST"]

    for path, allow in posts:
        if PortalRole.USER.value not in allow:
            assert await ask(browser, "POST", path, sent_from_here=True) == 403, path
    assert browser.side.exchange.refreshed == 0


async def test_no_form_is_taken_without_its_token(opened: Opens) -> None:
    browser = await opened(PortalRole.PROVIDER)

    for method, path, allow in ROUTES:
        if method != "GET" and PortalRole.PROVIDER.value in allow:
            assert await ask(browser, method, path, sent_from_here=False) == 403, path
    assert browser.side.exchange.refreshed == 0


async def test_nobody_who_is_not_signed_in_sees_anything(opened: Opens) -> None:
    browser = await opened(PortalRole.USER)
    browser.client.session.cookie_jar.clear()

    for method, path, allow in ROUTES:
        if allow:
            assert await ask(browser, method, path, sent_from_here=True) == 303, path


@pytest.mark.parametrize("role", [PortalRole.PROVIDER, PortalRole.USER], ids=str)
@pytest.mark.parametrize("language", ["en", "fr"])
async def test_every_page_answers_in_both_languages(opened: Opens, role: PortalRole, language: str) -> None:
    browser = await opened(role)

    for method, path, allow in ROUTES:
        if method == "GET" and role.value in allow:
            answer = await browser.get(filled(path), Accept_Language=language)
            assert answer.status in {200, 303, 404}, path
            if answer.content_type == "text/html" and answer.status == 200:
                shown = await answer.text()
                assert f'<html lang="{language}"' in shown or "<html" not in shown, path
