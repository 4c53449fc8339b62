"""The reference of both APIs, for whoever comes, in the reader's language."""

from __future__ import annotations

from collections.abc import AsyncIterator
from html import unescape
from pathlib import Path

import pytest
from aiohttp import CookieJar, web
from aiohttp.test_utils import TestClient, TestServer
from pydantic import BaseModel, Field

from portals.admin.pages.reference import reference
from portals.admin.site import make_site
from portals.api.description import APIS, STYLE
from portals.api.reference import chapters, texts
from portals.rest import Asked, Route
from portals.rest.openapi import Api, operation_id
from portals.rest.scopes import MEANINGS
from tests.support.portals import make_web_side
from webkit.i18n import load_translators

Client = TestClient[web.Request, web.Application]


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    """A browser that was never here before."""
    app = web.Application()
    app.router.add_get("/api/v1/", reference(make_site(make_web_side(tmp_path).services)))
    async with TestClient(TestServer(app), cookie_jar=CookieJar(unsafe=True)) as browser:
        yield browser


async def test_it_has_every_operation_and_every_scope(client: Client) -> None:
    answer = await client.get("/api/v1/")
    shown = await answer.text()

    names = [operation_id(api, route) for api in APIS for route in api.routes]
    missing = [name for name in names if f'id="{name}"' not in shown]
    assert missing == []
    assert [scope for scope in MEANINGS if f"<dt><code>{scope}</code></dt>" not in shown] == []
    assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
    assert "Set-Cookie" not in answer.headers
    assert " style=" not in shown


async def test_everything_that_the_apis_say_of_themselves_is_said_in_french(client: Client) -> None:
    shown = unescape(await (await client.get("/api/v1/", headers={"Accept-Language": "fr"})).text())

    said = {text for text, _ in texts(APIS)}
    assert [text for text in said if len(text.split()) > 3 and text in shown] == []
    assert "Ajouter ou remplacer un utilisateur" in shown


async def test_another_language_is_chosen_where_one_is(client: Client) -> None:
    chosen = await client.get("/api/v1/?lang=fr", allow_redirects=False)
    kept = {name: morsel.value for name, morsel in chosen.cookies.items()}

    assert (chosen.status, chosen.headers["Location"]) == (303, "/api/v1/")
    assert '<html lang="fr"' in await (await client.get("/api/v1/", cookies=kept)).text()


class Line(BaseModel):
    """Of a list."""

    id: str
    kind: str = Field(description="As `<kind>`.")


class Book(BaseModel):
    """With lines."""

    lines: list[Line]
    last: Line | None = None


async def read(_asked: Asked[None, None]) -> Book:
    """Read 100 % of it; `a < b`."""
    raise NotImplementedError


def test_fields_are_told_with_what_they_hold_and_marks_of_html_are_text() -> None:
    route = Route(method="GET", path="/book", handler=read, summary="Read", tag="Books", answer=Book)
    api = Api(prefix="/t", title="Title", about="About", routes=[route], style=STYLE)
    [chapter] = chapters([api], load_translators([])["en"])
    [(tag, [operation])] = chapter.sections

    assert (chapter.anchor, tag, operation.about) == ("t", "Books", "Read 100 % of it; <code>a &lt; b</code>.")
    assert [(field.name, field.about) for field in operation.answer] == [
        ("lines", ""),
        ("lines[].id", ""),
        ("lines[].kind", "As <code>&lt;kind&gt;</code>."),
        ("last", ""),
        ("last.id", ""),
        ("last.kind", "As <code>&lt;kind&gt;</code>."),
    ]
