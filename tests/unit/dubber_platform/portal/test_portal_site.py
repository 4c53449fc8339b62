"""The recordings site says whose it is, lets in by password and role, and leaves the interface alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from dubber_platform import PlatformConfig, run_platform
from dubber_platform.server import PlatformStartError
from tests.support.dubber import open_bench
from tests.support.dubber_portal import ADMIN, ANN, BOSS, PASSWORD, PortalBench

OPEN = {
    "/": (200, 200, 200),
    "/recordings": (200, 200, 200),
    "/recordings/dub-points": (200, 200, 200),
    "/unidentified": (403, 403, 200),
    "/recordings/delete?ids={id}": (403, 200, 200),
    "/unidentified/move?ids={lost}": (403, 403, 200),
}
"""Standard user, administrator of the account, administrator of the group."""


async def test_the_platform_leads_to_its_site_and_the_site_to_its_sign_in_page(portal: PortalBench) -> None:
    browser = await portal.browser()
    for start in ("", "/app", "/app/", "/app/recordings"):
        seen = await browser.get(browser.origin + (start or "/"))
        assert (seen.status, seen.path.split("?")[0]) == (200, "/app/sign-in")
        assert "This plays the part of Dubber, the other company" in seen.plain() + seen.text


@pytest.mark.parametrize(("lang", "title"), [("en", "Dubber (simulated)"), ("fr", "Dubber (simulation)")])
async def test_the_sign_in_page_says_that_it_is_a_simulation(portal: PortalBench, lang: str, title: str) -> None:
    seen = await (await portal.browser(lang=lang)).get("/sign-in")
    assert title in seen.plain()


async def test_the_first_sign_in_lands_on_the_dashboard(portal: PortalBench) -> None:
    seen = await (await portal.browser()).sign_in(ANN)
    assert (seen.status, seen.path) == (200, "/app/")
    assert seen.plain().startswith("Dashboard")


async def test_a_password_in_the_interfaces_older_form_signs_in_too(portal: PortalBench) -> None:
    user_id = await portal.bench.user("old@demo.example", PASSWORD)
    assert user_id
    assert (await (await portal.browser()).sign_in("old@demo.example")).path == "/app/"


@pytest.mark.parametrize(("username", "password"), [(ANN, "a wrong password"), ("nobody@demo.example", PASSWORD)])
async def test_who_does_not_know_the_password_stays_outside(portal: PortalBench, username: str, password: str) -> None:
    seen = await (await portal.browser()).sign_in(username, password)
    assert (seen.status, seen.path) == (401, "/app/sign-in")


async def test_whoever_is_removed_is_out_at_once(portal: PortalBench) -> None:
    browser = await portal.browser(ANN)
    await portal.bench.call("DELETE", "/users/ann")
    assert (await browser.get("/recordings")).path.startswith("/app/sign-in")


@pytest.mark.parametrize(("place", "username"), [(0, ANN), (1, BOSS), (2, ADMIN)], ids=("user", "account", "group"))
async def test_pages_are_open_by_role(portal: PortalBench, place: int, username: str) -> None:
    recording_id, lost_id = await portal.call(), await portal.call(None)
    browser = await portal.browser(username)
    found = {path: (await browser.get(path.format(id=recording_id, lost=lost_id))).status for path in OPEN}
    assert found == {path: statuses[place] for path, statuses in OPEN.items()}


FORMS = {
    "/recordings/star/1": ((("starred", "on"),), (200, 200, 200)),
    "/recordings/bulk": ((("chosen", "1"), ("action", "star")), (200, 200, 200)),
    "/unidentified/move": ((("chosen", "2"), ("user_id", "ann")), (403, 403, 200)),
    "/recordings/delete": ((("chosen", "1"),), (403, 200, 200)),
}


@pytest.mark.parametrize(("place", "username"), [(0, ANN), (1, BOSS), (2, ADMIN)], ids=("user", "account", "group"))
async def test_forms_are_open_by_role_and_only_with_their_token(portal: PortalBench, place: int, username: str) -> None:
    assert (await portal.call(), await portal.call(None)) == (1, 2)
    browser = await portal.browser(username)
    forged = [(await browser.post(path, *fields, csrf="0" * 64)).status for path, (fields, _) in FORMS.items()]
    assert forged == [403, 403, 403, 403]
    assert await portal.column(1, "starred") is False
    found = {path: (await browser.post(path, *fields)).status for path, (fields, _) in FORMS.items()}
    assert found == {path: statuses[place] for path, (_, statuses) in FORMS.items()}


@pytest.mark.parametrize("lang", ["en", "fr"])
async def test_every_page_carries_the_strict_headers_and_no_script_or_style_inside(
    portal: PortalBench, lang: str
) -> None:
    path = f"/unidentified/move?ids={await portal.call(None)}"
    browser, recording_id = await portal.browser(ADMIN, lang=lang), await portal.call()
    for page in (
        "/",
        "/recordings",
        "/recordings?q=x",
        "/unidentified",
        path,
        f"/recordings/delete?ids={recording_id}",
    ):
        seen = await browser.get(page)
        assert seen.status == 200
        assert f'<html lang="{lang}"' in seen.text
        assert "default-src 'none'" in seen.headers["Content-Security-Policy"]
        assert not any(forbidden in seen.text for forbidden in (" style=", "<style", " onclick=", "<script>"))


async def test_the_interface_answers_as_before_and_the_site_not_in_its_form(portal: PortalBench) -> None:
    status, body, headers = await (await portal.browser()).raw("GET", "/../sandbox/v1/profile")
    assert (status, headers["Content-Type"].split(";")[0]) == (401, "application/json")
    assert b"code" in body
    missing = await (await portal.browser(ANN)).get("/no-such-page")
    assert (missing.status, missing.headers["Content-Type"].split(";")[0]) == (404, "text/html")


async def test_no_region_takes_the_sites_place(tmp_path: Path) -> None:
    with pytest.raises(PlatformStartError, match="region cannot be app: that is where the pages are"):
        await run_platform(PlatformConfig(data_dir=tmp_path, region="app"))


async def test_the_site_is_not_shown_without_tls(tmp_path: Path) -> None:
    async with open_bench(PlatformConfig(data_dir=tmp_path), secure=False) as bench:
        answer = await bench.raw("GET", "/app/sign-in")
    assert (answer.status, b"SSL is required" in answer.body) == (403, True)
