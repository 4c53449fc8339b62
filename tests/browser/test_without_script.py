"""With JavaScript switched off everything that matters can still be done: links link, forms post."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import Browser

from callmodel.modes import NotificationType, RecordingMode
from callmodel.subscriber import RecordingSettings
from tests.support.browser import Visitor, visitor
from tests.support.busy_day import BusyDay

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]


@asynccontextmanager
async def plain(browser: Browser, day: BusyDay, site: str, who: str) -> AsyncIterator[Visitor]:
    """Somebody signed in at a site, in English, without script."""
    at = visitor(browser, day.site(site), language="en", java_script_enabled=False)
    async with at as one, one.step(f"plain {site} {who}"):
        await one.sign_in(*day.login(who))
        yield one


async def test_a_user_s_call_recording_is_saved(browser: Browser, day: BusyDay) -> None:
    async with plain(browser, day, "carrier", "administrator") as admin:
        page = admin.page
        await page.get_by_role("link", name="Users").first.click()
        await page.get_by_role("searchbox").fill("ursula")
        await page.get_by_role("button", name="Search").click()
        await page.get_by_role("button", name="Actions: Ursula Userstart").click()
        await page.get_by_role("link", name="Edit").filter(visible=True).click()
        await page.get_by_role("link", name="Call recording", exact=True).last.click()
        await page.get_by_label("Always with pause/resume").check()
        await page.get_by_label("Play announcement", exact=True).check()
        await page.get_by_label("Repeat call recording tone").check()
        await page.get_by_label("Seconds between two tones").select_option("Another number …")
        await page.get_by_label("Seconds, from 10 to 1800").fill("37")
        await page.get_by_role("button", name="Save").click()
        await admin.see("It holds from the next call")
        assert admin.refusals == []
    ursula = day.server.catalog.subscribers.get("1004")
    assert ursula is not None
    assert ursula.recording == RecordingSettings(
        mode=RecordingMode.ALWAYS_PAUSE_RESUME, notification=NotificationType.ANNOUNCEMENT, reminder_s=37
    )


async def test_users_are_imported_from_a_file(browser: Browser, day: BusyDay) -> None:
    async with plain(browser, day, "carrier", "administrator") as admin:
        page = admin.page
        await admin.go("/users/import")
        content = b"number,name\n1020,Irma Import\n"
        await page.get_by_label("CSV or YAML").set_input_files(
            {"name": "users.csv", "mimeType": "text/csv", "buffer": content}
        )
        await page.get_by_role("button", name="Look at it").click()
        await page.get_by_role("button", name="Apply to 1 user").click()
        await page.get_by_role("row").filter(has_text="Irma Import").wait_for()


async def test_a_code_is_changed_and_changed_back(browser: Browser, day: BusyDay) -> None:
    async with plain(browser, day, "carrier", "administrator") as admin:
        page = admin.page
        await admin.go("/codes")
        field = page.get_by_label("Start: Code")
        for code in ("*46", "*44"):
            await field.fill(code)
            await page.get_by_role("button", name="Save").first.click()
            await admin.see("Saved")
            assert await field.input_value() == code


async def test_language_and_colours_are_chosen(browser: Browser, day: BusyDay) -> None:
    async with plain(browser, day, "carrier", "provider") as provider:
        page = provider.page
        await page.get_by_role("button", name="FR Français").click()
        await page.get_by_role("heading", name="Tableau de bord", level=1).wait_for()
        await page.get_by_role("button", name="Clair ou sombre").click()
        await page.get_by_role("button", name="Sombre", exact=True).click()
        assert await page.locator("html").get_attribute("data-theme") == "dark"


async def test_a_recording_is_found_starred_and_filtered_for(browser: Browser, day: BusyDay) -> None:
    async with plain(browser, day, "dubber", "Dubber") as dubber:
        page = dubber.page
        line = page.get_by_role("row").filter(has_text="Olga Ondemand").filter(has_text="9002")
        await page.get_by_role("searchbox").first.fill("olga")
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/recordings?*q=olga*")
        await line.get_by_role("button", name="Most important").click()
        await page.get_by_role("navigation", name="Filter").get_by_role("link", name="Most important").click()
        await line.get_by_role("button", name="Most important", pressed=True).wait_for()
        await page.get_by_role("button", name="Restrict to dub.point").click()
        await page.get_by_role("button", name="Show the list").click()
        await page.get_by_role("link", name="Olga Ondemand").click()
        await page.get_by_role("link", name="Remove filter dub.point: Olga Ondemand").wait_for()
        assert await line.count() == 1
        await line.get_by_role("link", name="9002").first.click()
        assert await page.locator("audio[controls]").is_visible()
