"""The building blocks of pages: each renders, is wired for screen readers, and asks for nothing the policy forbids."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from aiohttp import CookieJar, web
from aiohttp.test_utils import TestClient, TestServer

from tests.support.gallery import ALICE, gallery_application

ROOT = Path(__file__).resolve().parents[3]
TEMPLATES = ROOT / "webkit" / "templates"
GALLERY = ROOT / "tests" / "support" / "gallery" / "templates"
PAGES = ("/gallery/", "/gallery/list", "/gallery/window", "/gallery/sign-in", "/gallery/nowhere")

Element = tuple[str, dict[str, str | None]]
Browser = TestClient[web.Request, web.Application]


class Elements(HTMLParser):
    """Every start tag of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[Element] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """Somebody who reads French."""
    server = TestServer(gallery_application())
    await server.start_server()
    jar = CookieJar(unsafe=True, treat_as_secure_origin=server.make_url("/").origin())
    async with TestClient(server, cookie_jar=jar, headers={"Accept-Language": "fr"}) as client:
        yield client


async def elements(browser: Browser, path: str) -> list[Element]:
    """A page's elements."""
    return Elements(await (await browser.get(path)).text()).found


async def sign_in(browser: Browser) -> str:
    """The page that comes after signing in."""
    form = await elements(browser, "/gallery/sign-in")
    csrf = next(attributes["value"] for tag, attributes in form if tag == "input" and attributes.get("name") == "csrf")
    fields = {"csrf": csrf, "username": ALICE.user, "password": "open sesame"}
    return await (await browser.post("/gallery/sign-in", data=fields)).text()


def test_the_gallery_shows_every_building_block() -> None:
    blocks = set(re.findall(r"{% macro ([a-z]\w*)\(", (TEMPLATES / "ui.html").read_text()))
    inside = re.findall(r"\b([a-z]\w*)\(", (TEMPLATES / "ui.html").read_text().split("{% macro", 1)[1])
    called = Counter(inside)
    shown = {name for path in GALLERY.glob("*.html") for name in re.findall(r"\bui\.(\w+)\(", path.read_text())}
    assert {name for name in blocks - shown if called[name] < 2} == set()


@pytest.mark.parametrize("path", PAGES)
async def test_no_page_asks_for_what_the_policy_forbids(browser: Browser, path: str) -> None:
    for tag, attributes in await elements(browser, path):
        assert "style" not in attributes
        assert tag != "style"
        assert tag != "script" or attributes["src"]
        assert [name for name in attributes if name.startswith("on")] == []


@pytest.mark.parametrize("path", PAGES)
async def test_every_reference_within_a_page_has_its_target(browser: Browser, path: str) -> None:
    found = await elements(browser, path)
    ids = Counter(attributes["id"] for _, attributes in found if attributes.get("id"))
    assert {name for name, count in ids.items() if count > 1} == set()
    assert set(references(found)) - set(ids) == set()


def references(found: list[Element]) -> Iterator[str]:
    """Ids that other elements name."""
    for _, attributes in found:
        for name in ("for", "aria-describedby", "aria-labelledby", "popovertarget", "commandfor", "list"):
            yield from (attributes.get(name) or "").split()


@pytest.mark.parametrize("path", PAGES)
async def test_every_form_that_posts_carries_the_token(browser: Browser, path: str) -> None:
    found = await elements(browser, path)
    posting = [attributes for tag, attributes in found if tag == "form" and attributes.get("method") == "post"]
    tokens = [attributes for _, attributes in found if attributes.get("name") == "csrf" and attributes.get("value")]
    assert len(posting) == len([token for token in tokens if token.get("type") == "hidden"])


@pytest.mark.parametrize("path", PAGES)
async def test_every_field_has_a_name_for_screen_readers(browser: Browser, path: str) -> None:
    found = await elements(browser, path)
    labelled = {attributes.get("for") for tag, attributes in found if tag == "label"}
    for tag, attributes in found:
        if (
            tag in {"input", "select", "textarea"}
            and attributes.get("type") != "hidden"
            and "data-speed" not in attributes
        ):
            assert attributes.get("aria-label") or attributes.get("id") in labelled, attributes


@pytest.mark.parametrize("package", ["webkit", "portals", "dubber_platform", "tests/support/gallery"])
def test_every_icon_is_in_the_sprite(package: str) -> None:
    known = set(re.findall(r'<symbol id="([\w-]+)"', (ROOT / "webkit" / "static" / "icons.svg").read_text()))
    places = [*(ROOT / package).rglob("templates/*.html"), *(ROOT / package).rglob("*.py")]
    used = {name for path in places for name in re.findall(r'\bicon(?:=|\()"([\w-]+)"', path.read_text())}
    assert used - known == set()


async def test_signing_in_opens_the_frame_with_the_user_in_it(browser: Browser) -> None:
    text = await sign_in(browser)
    assert "Alice Martin" in text
    assert "Connecté en tant que alice@example.com" in text


async def test_the_page_shown_is_marked_in_the_navigation(browser: Browser) -> None:
    links = [attributes for tag, attributes in await elements(browser, "/gallery/list") if tag == "a"]
    assert [link["href"] for link in links if link.get("aria-current") == "page"] == ["/gallery/list"]


async def test_a_piece_of_a_page_has_the_building_blocks_too(browser: Browser) -> None:
    answer = await browser.get("/gallery/list?q=alice", headers={"HX-Request": "true"})
    text = await answer.text()
    assert text.lstrip().startswith('<form id="rows"')
    assert (text.count("Alice Martin</a>"), text.count("Benoît")) == (4, 0)


async def test_the_theme_is_in_the_page_before_any_module_runs(browser: Browser) -> None:
    answer = await browser.get("/gallery/", headers={"Cookie": "theme=dark"})
    assert '<html lang="fr" data-theme="dark" data-site="admin">' in await answer.text()


async def test_a_field_with_a_problem_says_so_beside_it_and_on_top(browser: Browser) -> None:
    text = await (await browser.get("/gallery/")).text()
    assert re.search(r'id="f-external"[^>]*aria-describedby="e-external h-external" aria-invalid="true"', text)
    assert '<a href="#f-external">Ce champ est obligatoire.</a>' in text
    assert '<p class="problem" id="e-external">' in text


async def test_seconds_that_are_not_in_the_list_are_shown_in_the_field_beside_it(browser: Browser) -> None:
    text = await (await browser.get("/gallery/")).text()
    chosen = re.search(r'name="reminder2_s".*?</select>', text, re.S)
    assert chosen is not None
    assert re.findall(r'value="(\w+)" selected', chosen[0]) == ["other"]
    assert re.search(r'name="reminder2_s_other" type="number" min="10" max="1800" step="1" value="37"', text)


async def test_what_the_reader_wrote_cannot_become_markup(browser: Browser) -> None:
    text = await (await browser.get("/gallery/list", params={"q": '"><script>alert(1)</script>'})).text()
    assert "<script>alert" not in text
    assert "&#34;&gt;&lt;script&gt;" in text
