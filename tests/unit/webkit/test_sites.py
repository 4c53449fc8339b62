"""A site asks who comes, lets in by role, believes only its own forms, and says no in words."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import pytest
from aiohttp import ClientSession, CookieJar, web
from aiohttp.test_utils import TestClient, TestServer

from webkit.routes import PUBLIC, page
from webkit.sessions import Identity
from webkit.site import Site, SiteConfig
from webkit.visit import Visit

PEOPLE = {"anne": "administrator", "paul": "user"}
PASSWORD = "a long password"

Client = TestClient[web.Request, web.Application]


async def identify(username: str, password: str) -> Identity | None:
    return await reload(username) if password == PASSWORD else None


async def reload(username: str) -> Identity | None:
    role = PEOPLE.get(username)
    return None if role is None else Identity(user=username, name=username.title(), role=role)


async def secret(visit: Visit) -> web.StreamResponse:
    return web.Response(text=f"{visit.who.name} in {visit.lang}")


async def save(visit: Visit) -> web.StreamResponse:
    return web.Response(text=visit.form().text("word"))


async def fail(visit: Visit) -> web.StreamResponse:
    raise ZeroDivisionError("a mistake of ours")


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    site = Site(
        SiteConfig(name="test", prefix="/test", title="Test", packages=("webkit",), home="/secret"),
        identify=identify,
        reload=reload,
    )
    root = web.Application()
    everyone = frozenset({"administrator", "user"})
    root.add_subapp(
        "/test",
        site.application(
            [
                page("GET", "/secret", secret, allow=everyone),
                page("GET", "/office", secret, allow={"administrator"}),
                page("POST", "/save", save, allow=everyone, max_bytes=1000),
                page("GET", "/fail", fail, allow=PUBLIC),
            ]
        ),
    )
    server = TestServer(root)
    await server.start_server()
    async with TestClient(server, cookie_jar=browser_jar(server)) as found:
        yield found


def browser_jar(server: TestServer) -> CookieJar:
    """Keeps cookies marked secure on this machine without TLS, as browsers do."""
    return CookieJar(unsafe=True, treat_as_secure_origin=server.make_url("/").origin())


async def csrf_of(client: Client) -> str:
    text = await (await client.get("/test/sign-in")).text()
    found = re.search(r'name="csrf" value="([0-9a-f]{64})"', text)
    assert found is not None
    return found.group(1)


async def sign_in(client: Client, username: str = "anne", password: str = PASSWORD, **more: str) -> web.Response:
    sent = {"username": username, "password": password, "csrf": await csrf_of(client), **more}
    return await client.post("/test/sign-in", data=sent, allow_redirects=False)  # type: ignore[return-value]  # same names


async def test_a_stranger_is_led_to_the_sign_in_page_and_back(client: Client) -> None:
    led = await client.get("/test/office?x=1", allow_redirects=False)
    assert (led.status, led.headers["Location"]) == (303, "/test/sign-in?next=/test/office%3Fx%3D1")
    answer = await sign_in(client, next="/test/office?x=1")
    assert (answer.status, answer.headers["Location"]) == (303, "/test/office?x=1")
    assert await (await client.get("/test/office")).text() == "Anne in en"


async def test_roles_decide(client: Client) -> None:
    await sign_in(client, "paul")
    assert (await client.get("/test/secret")).status == 200
    assert (await client.get("/test/office")).status == 403


@pytest.mark.parametrize(
    "elsewhere", ["https://evil.example/", "//evil.example/", "/other", "/test/\\evil", "/test//evil", "/test/\r\nx"]
)
async def test_nobody_is_led_off_the_site(client: Client, elsewhere: str) -> None:
    answer = await sign_in(client, next=elsewhere)
    assert answer.headers["Location"] == "/test/secret"


async def test_cookies_are_for_this_site_and_for_no_script(client: Client) -> None:
    answer = await sign_in(client)
    cookie = answer.headers["Set-Cookie"]
    for part in ("test_session=", "HttpOnly", "SameSite=Lax", "Path=/test", "Secure"):
        assert part in cookie


async def test_the_token_is_a_new_one_after_signing_in(client: Client) -> None:
    await client.get("/test/sign-in")
    before = client.session.cookie_jar.filter_cookies(client.make_url("/test/"))["test_session"].value
    await sign_in(client)
    after = client.session.cookie_jar.filter_cookies(client.make_url("/test/"))["test_session"].value
    assert before != after


async def test_a_form_without_the_token_changes_nothing(client: Client) -> None:
    await sign_in(client)
    assert (await client.post("/test/save", data={"word": "hello"})).status == 403
    token = re.search(r'value="([0-9a-f]{64})"', await (await client.get("/test/none")).text())
    assert token is not None
    assert await (await client.post("/test/save", data={"word": "hello", "csrf": token.group(1)})).text() == "hello"
    headers = {"X-CSRF-Token": token.group(1)}
    assert await (await client.post("/test/save", data={"word": "again"}, headers=headers)).text() == "again"


async def test_a_token_of_another_browser_is_refused(client: Client) -> None:
    await sign_in(client)
    async with ClientSession(cookie_jar=CookieJar(unsafe=True)) as other:
        text = await (await other.get(client.make_url("/test/sign-in"))).text()
    theirs = re.search(r'name="csrf" value="([0-9a-f]{64})"', text)
    assert theirs is not None
    assert (await client.post("/test/save", data={"word": "x", "csrf": theirs.group(1)})).status == 403


async def test_large_forms_are_refused(client: Client) -> None:
    await sign_in(client)
    assert (await client.post("/test/save", data={"word": "x" * 2000})).status == 413


async def test_wrong_passwords_slow_down_and_say_so(client: Client) -> None:
    answers = [await sign_in(client, password="wrong") for _ in range(6)]
    assert [answer.status for answer in answers] == [401] * 5 + [429]
    assert answers[-1].headers["Retry-After"] == "2"
    assert "Too many wrong passwords. Try again in 2 seconds." in str(await answers[-1].text())
    assert (await sign_in(client, "paul")).status == 303, "others are not held up"


async def test_a_removed_account_is_out_at_once(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    await sign_in(client, "paul")
    monkeypatch.delitem(PEOPLE, "paul")
    assert (await client.get("/test/secret", allow_redirects=False)).status == 303


async def test_signing_out(client: Client) -> None:
    await sign_in(client)
    text = await (await client.get("/test/none")).text()
    token = re.search(r'value="([0-9a-f]{64})"', text)
    assert token is not None
    await client.post("/test/sign-out", data={"csrf": token.group(1)})
    assert (await client.get("/test/secret", allow_redirects=False)).status == 303


async def test_language_by_browser_and_by_choice(client: Client) -> None:
    await sign_in(client)
    french = {"Accept-Language": "fr-FR,fr;q=0.9"}
    assert await (await client.get("/test/secret", headers=french)).text() == "Anne in fr"
    token = re.search(r'value="([0-9a-f]{64})"', await (await client.get("/test/none")).text())
    assert token is not None
    sent = {"lang": "en", "theme": "dark", "csrf": token.group(1), "next": "/test/secret"}
    chosen = await client.post("/test/preferences", data=sent, headers=french)
    assert await chosen.text() == "Anne in en"
    assert 'data-theme="dark"' in await (await client.get("/test/none")).text()


async def test_every_answer_carries_the_strict_headers(client: Client) -> None:
    for path in ("/test/sign-in", "/test/none", "/test/fail"):
        answer = await client.get(path)
        policy = answer.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; script-src 'self';")
        assert "unsafe" not in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cache-Control"] == "no-store"
        text = await answer.text()
        assert "<script>" not in text
        assert " style=" not in text
        assert not re.search(r"<[^>]+\son[a-z]+=", text)


async def test_our_mistakes_have_a_reference_and_no_traceback(client: Client) -> None:
    answer = await client.get("/test/fail")
    text = await answer.text()
    assert answer.status == 500
    assert re.search(r"\b[0-9a-f]{8}\b", text)
    assert "ZeroDivisionError" not in text


async def test_htmx_is_told_where_to_sign_in(client: Client) -> None:
    answer = await client.get("/test/secret", headers={"HX-Request": "true"})
    assert (answer.status, answer.headers["HX-Redirect"]) == (401, "/test/sign-in?next=/test/secret")


async def test_htmx_comes_back_to_the_page_and_not_to_a_piece_of_it(client: Client) -> None:
    page_url = str(client.make_url("/test/office?page=2"))
    answer = await client.get("/test/secret", headers={"HX-Request": "true", "HX-Current-URL": page_url})
    assert answer.headers["HX-Redirect"] == "/test/sign-in?next=/test/office%3Fpage%3D2"


async def test_a_form_of_somebody_whose_session_ended_is_told_lost_and_leads_back_to_its_page(client: Client) -> None:
    page_url = str(client.make_url("/test/office"))
    answer = await client.post("/test/save", data={"word": "x"}, headers={"Referer": page_url}, allow_redirects=False)
    assert (answer.status, answer.headers["Location"]) == (303, "/test/sign-in?next=/test/office&unsent=1")
    assert "nothing was saved" in await (await client.get(answer.headers["Location"])).text()
    assert "nothing was saved" not in await (await client.get("/test/sign-in")).text()


@pytest.mark.parametrize(
    "elsewhere", ["https://evil.example/test/office", "/test/office", "", "http://[", "about:blank"]
)
async def test_only_a_page_of_this_site_is_come_back_to(client: Client, elsewhere: str) -> None:
    answer = await client.post("/test/save", headers={"Referer": elsewhere}, allow_redirects=False)
    assert answer.headers["Location"] == "/test/sign-in?next=/test/secret&unsent=1"


async def test_a_form_that_is_too_old_leads_back_to_its_page(client: Client) -> None:
    await sign_in(client)
    page_url = str(client.make_url("/test/office?x=1"))
    answer = await client.post("/test/save", data={"csrf": "0" * 64}, headers={"Referer": page_url})
    assert answer.status == 403
    assert 'href="/test/office?x=1"' in await answer.text()


async def test_a_password_with_a_space_at_its_end_is_refused_with_a_hint(client: Client) -> None:
    hint = "begins or ends with a space"
    assert hint in await (await sign_in(client, password=PASSWORD + " ")).text()
    assert hint not in await (await sign_in(client, password="wrong")).text()
