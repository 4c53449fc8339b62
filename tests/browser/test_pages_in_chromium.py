"""The building blocks in a real browser: they look right, read right, and do what a hand or a key asks for.

Every page is drawn light and wide, dark and wide, and on a phone, into ``artifacts/pictures/gallery-*.png``:
to be looked at.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from aiohttp.test_utils import TestServer
from playwright.async_api import Browser, Dialog, Page

from tests.support.chromium import DESK, PHONE, Window, open_browser, window
from tests.support.gallery import ALICE, PLAYER_S, gallery_application

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module")]

LOOKS = {"light": ("light", DESK, "en"), "dark": ("dark", DESK, "fr"), "phone": ("light", PHONE, "fr")}
PAGES = {"blocks": "/", "list": "/list", "window": "/window", "nowhere": "/nowhere"}
WITH_AXE = ("light", "dark")
"""The phone's pages are the same markup."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    """One Chromium for all."""
    async with open_browser() as opened:
        yield opened


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def base() -> AsyncIterator[str]:
    """The gallery's address."""
    server = TestServer(gallery_application())
    await server.start_server()
    yield str(server.make_url("/gallery"))
    await server.close()


@pytest_asyncio.fixture(loop_scope="module")
async def desk(browser: Browser) -> AsyncIterator[Window]:
    """A fresh profile on a wide screen; the browser must have nothing to complain of."""
    async with window(browser) as opened:
        yield opened
        assert opened.complaints == []


async def sign_in(page: Page, base: str) -> None:
    """As anybody would."""
    await page.goto(f"{base}/sign-in")
    await page.get_by_label("User name").or_(page.get_by_label("Nom d’utilisateur")).fill(ALICE.user)
    await page.get_by_label("Password").or_(page.get_by_label("Mot de passe")).fill("open sesame")
    await page.locator("main button[type=submit]").click()
    await page.wait_for_url(f"{base}/")


@pytest.mark.parametrize("look", LOOKS)
async def test_every_page_fits_is_readable_and_has_nothing_to_complain_of(
    browser: Browser, base: str, look: str
) -> None:
    scheme, size, language = LOOKS[look]
    async with window(browser, scheme=scheme, size=size, language=language) as opened:
        page = opened.page
        await page.goto(f"{base}/sign-in")
        await opened.picture(f"gallery-sign-in-{look}")
        await sign_in(page, base)
        for name, path in PAGES.items():
            await page.goto(base + path)
            if name == "blocks":
                await page.locator(".player.ready").wait_for()
            await opened.picture(f"gallery-{name}-{look}")
            assert (name, await opened.sideways_px()) == (name, 0)
            if look in WITH_AXE:
                assert (name, await opened.serious_problems()) == (name, [])
        assert [text for text in opened.complaints if "404 (Not Found)" not in text] == []


async def test_typing_in_the_search_field_shows_what_fits(desk: Window, base: str) -> None:
    page = desk.page
    await page.goto(f"{base}/list")
    await page.keyboard.press("/")
    await page.keyboard.type("benoît")
    await page.get_by_role("rowheader", name="Alice Martin").first.wait_for(state="detached")
    assert await page.locator("tbody tr").count() == 4
    assert await page.get_by_role("searchbox").input_value() == "benoît"


async def test_keys_move_through_a_list_choose_and_open(desk: Window, base: str) -> None:
    page = desk.page
    await page.goto(f"{base}/list")
    await page.locator("#rows").wait_for()
    for key in ("j", "j", "x", "j", "k"):
        await page.keyboard.press(key)
    assert await page.locator("tr.current").get_by_role("rowheader").inner_text() == "Benoît Lefèvre"
    assert await page.locator("[data-chosen-count]").inner_text() == "1 chosen"
    assert await page.get_by_label("Choose all on this page").evaluate("box => box.indeterminate") is True
    await page.keyboard.press("Enter")
    await page.wait_for_url(f"{base}/window")


async def test_choosing_all_shows_what_can_be_done_with_them(desk: Window, base: str) -> None:
    page = desk.page
    await page.goto(f"{base}/list")
    bar = page.get_by_role("group", name="With the chosen ones")
    assert await bar.is_hidden()
    await page.get_by_label("Choose all on this page").check()
    assert await bar.get_by_text("20 chosen").is_visible()


async def test_a_row_s_menu_opens_under_its_button_and_takes_arrows(desk: Window, base: str) -> None:
    page = desk.page
    await page.goto(f"{base}/list")
    button = page.get_by_role("button", name="Actions: Benoît Lefèvre").first
    await button.click()
    menu = page.locator("#actions-2")
    at, menu_at = await button.bounding_box(), await menu.bounding_box()
    assert at is not None
    assert menu_at is not None
    assert abs(menu_at["y"] - (at["y"] + at["height"] + 4)) < 2
    assert abs(menu_at["x"] + menu_at["width"] - (at["x"] + at["width"])) < 2
    await page.keyboard.press("ArrowDown")
    assert await page.evaluate("document.activeElement.textContent") == "Edit"
    await page.keyboard.press("Escape")
    await menu.wait_for(state="hidden")


async def test_leaving_with_unsaved_changes_asks_first_and_saving_does_not(desk: Window, base: str) -> None:
    page, asked = desk.page, []

    async def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        await dialog.dismiss()

    page.on("dialog", stay)
    await page.goto(f"{base}/window")
    assert await page.get_by_text("Unsaved changes").is_hidden()
    await page.get_by_label("On demand", exact=True).check()
    assert await page.get_by_text("Unsaved changes").is_visible()
    await page.evaluate("location.assign(document.querySelector('a.brand').href)")
    await page.get_by_text("Unsaved changes").wait_for()
    assert (asked, page.url) == (["beforeunload"], f"{base}/window")
    await page.get_by_role("button", name="Save").click()
    await page.get_by_text("Unsaved changes").wait_for(state="hidden")
    assert asked == ["beforeunload"]


async def test_a_drop_down_opens_a_field_for_any_other_number(desk: Window, base: str) -> None:
    page = desk.page
    await page.goto(f"{base}/window")
    field = page.get_by_label("Seconds, from 10 to 1800")
    assert await field.is_hidden()
    await page.get_by_label("Seconds between tones").select_option("Another number …")
    await field.fill("37")
    assert await field.is_visible()


async def test_a_checkbox_reveals_what_belongs_to_it(desk: Window, base: str) -> None:
    page = desk.page
    await page.goto(f"{base}/window")
    field = page.get_by_label("External identifier", exact=True)
    assert await field.is_visible()
    await page.get_by_label("Show the Dubber information").uncheck()
    assert await field.is_hidden()


async def test_what_is_printed_takes_the_whole_width_in_dark_ink(desk: Window, base: str) -> None:
    page = desk.page
    await page.goto(f"{base}/window")
    await page.evaluate("document.documentElement.dataset.theme = 'dark'")
    await page.emulate_media(media="print")
    wide = await page.locator(".window-main").evaluate("part => part.clientWidth / document.body.clientWidth")
    ink = await page.locator("body").evaluate("body => getComputedStyle(body).color")
    assert wide > 0.9
    assert max(map(int, re.findall(r"\d+", ink)[:3])) < 100, ink


async def test_copying_says_so(browser: Browser, base: str) -> None:
    async with window(browser, permissions=["clipboard-read", "clipboard-write"]) as opened:
        page = opened.page
        await page.goto(f"{base}/window")
        await page.get_by_role("button", name="Copy External group").click()
        await page.get_by_role("status").get_by_text("Copied").wait_for()
        assert await page.evaluate("navigator.clipboard.readText()") == "grp-0042"


async def test_tags_are_added_and_taken_away_by_keys(desk: Window, base: str) -> None:
    page = desk.page
    await page.goto(f"{base}/")
    entry = page.get_by_label("Tags")
    await entry.fill("claim")
    await entry.press("Enter")
    await page.get_by_role("button", name="Remove tag order").click()
    assert await page.locator("input[name=tags]").input_value() == "vip, claim"
    await entry.press("Backspace")
    assert await page.locator("input[name=tags]").input_value() == "vip"


async def test_a_dialog_opens_takes_the_focus_and_goes_with_escape(desk: Window, base: str) -> None:
    page = desk.page
    await page.goto(f"{base}/")
    await page.get_by_role("button", name="Open dialog").click()
    dialog = page.get_by_role("dialog", name="Add Dub Point")
    await dialog.wait_for()
    await page.keyboard.press("Escape")
    await dialog.wait_for(state="hidden")


async def test_dark_is_chosen_at_once_and_kept(desk: Window, base: str) -> None:
    page = desk.page
    await page.goto(f"{base}/list")
    await page.get_by_role("button", name="Light or dark").click()
    await page.get_by_role("button", name="Dark", exact=True).click()
    assert await page.locator("html").get_attribute("data-theme") == "dark"
    await page.reload()
    assert await page.locator("html").get_attribute("data-theme") == "dark"


async def test_the_player_plays_seeks_by_keys_and_jumps_to_marks(desk: Window, base: str) -> None:
    page = desk.page
    await page.goto(f"{base}/")
    player = page.get_by_role("region", name="Player")
    await page.locator(".player.ready").wait_for()
    await player.get_by_role("button", name="Pause 0:04").click()
    now = "document.querySelector('audio').currentTime"
    assert await page.evaluate(now) == pytest.approx(8.6)
    await player.get_by_role("slider", name="Position").focus()
    await page.keyboard.press("ArrowRight")
    assert await page.evaluate(now) == pytest.approx(13.6)
    await page.keyboard.press("End")
    assert await page.evaluate(now) == pytest.approx(PLAYER_S)
    await page.keyboard.press("j")
    await page.keyboard.press(" ")
    await player.get_by_text("0:15 / 0:24").wait_for()
    await player.get_by_role("button", name="Pause", exact=True).click()
    assert await page.evaluate("document.querySelector('audio').paused") is True


async def test_the_waveform_has_both_channels_and_every_mark(desk: Window, base: str) -> None:
    page = desk.page
    await page.goto(f"{base}/")
    await page.locator(".player.ready .marks .gap").wait_for()
    canvases = (
        "document.querySelector('[data-wave] > div:last-child').shadowRoot.querySelectorAll('.canvases > div').length"
    )
    assert await page.evaluate(canvases) == 2
    kinds = "[...document.querySelectorAll('[data-marks] > *')].map(mark => mark.className)"
    assert await page.evaluate(kinds) == [
        "span announcement",
        "point code",
        "span pause",
        "point tone",
        "span hold",
        "span gap",
    ]


async def test_without_script_everything_that_matters_works(browser: Browser, base: str) -> None:
    async with window(browser, java_script_enabled=False) as opened:
        page = opened.page
        await sign_in(page, base)
        await page.get_by_role("button", name="FR Français").click()
        assert await page.locator("html").get_attribute("lang") == "fr"
        await page.goto(f"{base}/list?q=chloé")
        assert await page.locator("tbody tr").count() == 4
        await page.get_by_role("button", name=re.compile(r"Actions\s: Chloé Dubois")).first.click()
        await page.get_by_role("link", name="Edit").first.click()
        await page.wait_for_url(f"{base}/window")
        await page.get_by_label("Call recording").uncheck()
        assert await page.get_by_label("External identifier", exact=True).is_hidden()
        await page.get_by_role("button", name="Save").click()
        await page.get_by_text("Saved.").or_(page.get_by_text("Enregistré.")).wait_for()


TWICE = """() => {
  const stopped = [], form = document.querySelector("main form");
  addEventListener("submit", event => { stopped.push(event.defaultPrevented); event.preventDefault(); });
  form.noValidate = true;
  form.requestSubmit();
  form.requestSubmit();
  return stopped;
}"""
"""Sends a form twice at once; whether each was stopped before it left."""


async def test_a_form_that_is_sent_twice_at_once_leaves_once(desk: Window, base: str) -> None:
    await desk.page.goto(f"{base}/sign-in")
    assert await desk.page.evaluate(TWICE) == [False, True]


PRESSABLE = """around => {
  const button = document.querySelector("main form .button[type=submit]"), busy = button.closest(around);
  busy.classList.add("htmx-request");
  return getComputedStyle(button).pointerEvents !== "none";
}"""
"""Whether the button of a form can be pressed while something around it asks the server."""


async def test_a_part_that_refreshes_itself_leaves_its_buttons_alone(desk: Window, base: str) -> None:
    await desk.page.goto(f"{base}/sign-in")
    assert await desk.page.evaluate(PRESSABLE, "main")
    assert not await desk.page.evaluate(PRESSABLE, "form")
