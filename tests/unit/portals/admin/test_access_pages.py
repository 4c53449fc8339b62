"""People, tokens, passwords and the audit log."""

from __future__ import annotations

import csv
import io
import re

import pytest

from catalog import PortalAccount, PortalRole
from catalog.audit import Actor, AuditChange
from portals.admin.audit_words import ACTIONS, differences
from portals.rest.bearer import digest_of
from tests.support.browsing import LOGINS, Browser
from tests.support.portals import NOW
from tests.unit.portals.admin.conftest import Opens
from webkit.passwords import hash_password, verify_password

SECRET = re.compile(r'id="f-fresh" value="([^"]+)"')


def shown_secret(page: str) -> str:
    found = SECRET.search(page)
    assert found is not None
    return found[1]


# --- people --------------------------------------------------------------------------------------


async def test_somebody_is_added_with_a_password_that_is_shown_once(admin: Browser) -> None:
    shown = await admin.save("/accounts", {"username": "Erika", "name": "Erika M.", "role": "user", "number": "1001"})

    password = shown_secret(shown)
    accounts = admin.side.catalog.accounts
    assert accounts.get("erika") == PortalAccount(
        username="erika", name="Erika M.", role=PortalRole.USER, number="1001"
    )
    assert verify_password(accounts.password_hash("erika"), password)
    assert password not in await admin.text("/accounts")
    entry = admin.side.catalog.audit.list(limit=1)[0]
    assert (entry.action, entry.subject, entry.after) == (
        "account.added",
        "erika",
        {"name": "Erika M.", "role": "user", "number": "1001"},
    )


@pytest.mark.parametrize(
    ("sent", "problem"),
    [
        pytest.param({"username": ""}, "This field is needed.", id="no-name"),
        pytest.param({"username": "a b"}, "Use 1 to 64 of the characters", id="blank"),
        pytest.param({"username": "admin"}, "There is somebody called admin already.", id="twice"),
        pytest.param({"role": "king"}, "Choose one of the list.", id="no-role"),
        pytest.param({"role": "provider"}, "Choose one of the list.", id="above-one-s-own-role"),
        pytest.param({"role": "user"}, "Say which user this is, by the number.", id="no-number"),
        pytest.param({"role": "user", "number": "7777"}, "There is no user with the number 7777.", id="unknown-number"),
        pytest.param({"name": "x" * 129}, "At most 128 characters", id="long-name"),
    ],
)
async def test_somebody_who_cannot_be_added_is_refused(admin: Browser, sent: dict[str, str], problem: str) -> None:
    before = admin.side.catalog.accounts.list()

    assert problem in await admin.refused("/accounts", {"username": "erika", "role": "administrator"} | sent)
    assert admin.side.catalog.accounts.list() == before


async def test_a_new_password_ends_the_sessions_of_its_owner(opened: Opens, admin: Browser) -> None:
    accounts = admin.side.catalog.accounts
    accounts.put(LOGINS[PortalRole.USER], hash_password("the old password"), now=NOW)

    shown = await admin.save("/accounts/user/reset")

    assert verify_password(accounts.password_hash("user"), shown_secret(shown))
    assert "is signed out everywhere else" in shown


async def test_an_administrator_touches_no_account_of_the_provider(opened: Opens, admin: Browser) -> None:
    await opened(PortalRole.PROVIDER)

    assert [(await admin.post(f"/accounts/provider/{what}")).status for what in ("reset", "remove")] == [403, 403]
    assert admin.side.catalog.accounts.get("provider") == LOGINS[PortalRole.PROVIDER]


async def test_accounts_there_are_none_of_are_not_found(admin: Browser) -> None:
    assert [(await admin.post(f"/accounts/nobody/{what}")).status for what in ("reset", "remove")] == [404, 404]


async def test_nobody_removes_oneself_or_the_last_of_the_provider(opened: Opens, admin: Browser) -> None:
    provider = await opened(PortalRole.PROVIDER)
    assert "You cannot remove yourself." in await provider.save("/accounts/provider/remove")
    assert "You cannot remove yourself." in await admin.save("/accounts/admin/remove")

    other = PortalAccount(username="zoe", name="Zoé", role=PortalRole.PROVIDER)
    admin.side.catalog.accounts.put(other, None, now=NOW)
    assert "zoe may not sign in any more." in await provider.save("/accounts/zoe/remove")
    assert "admin may not sign in any more." in await provider.save("/accounts/admin/remove")
    assert [account.username for account in admin.side.catalog.accounts.list()] == ["provider"]


# --- the own password ----------------------------------------------------------------------------

OLD, NEW = "the old password", "a better password"


@pytest.fixture
async def owner(opened: Opens) -> Browser:
    """A user whose password is known."""
    browser = await opened(PortalRole.USER)
    browser.side.catalog.accounts.put(LOGINS[PortalRole.USER], hash_password(OLD), now=NOW)
    return browser


async def test_everybody_changes_the_own_password(owner: Browser) -> None:
    answer = await owner.post("/password", {"old": OLD, "new": NEW, "again": NEW})

    assert (answer.status, answer.headers["Location"]) == (303, "/admin/me")
    assert "Your password is changed." in await owner.text("/me")
    assert verify_password(owner.side.catalog.accounts.password_hash("user"), NEW)
    assert owner.side.catalog.audit.list(limit=1)[0].action == "account.key_changed"


@pytest.mark.parametrize(
    ("sent", "problem"),
    [
        pytest.param({"old": "something else"}, "This is not your present password.", id="wrong"),
        pytest.param({"new": "short", "again": "short"}, "Use at least 10 characters.", id="short"),
        pytest.param({"again": "a butter password"}, "The two new passwords are not the same.", id="mistyped"),
        pytest.param({"new": OLD, "again": OLD}, "This is the password you have already.", id="the-same"),
        pytest.param({"new": "x" * 201, "again": "x" * 201}, "At most 200 characters", id="long"),
    ],
)
async def test_a_password_that_does_not_fit_is_refused(owner: Browser, sent: dict[str, str], problem: str) -> None:
    assert problem in await owner.refused("/password", {"old": OLD, "new": NEW, "again": NEW} | sent)
    assert verify_password(owner.side.catalog.accounts.password_hash("user"), OLD)


async def test_too_many_wrong_passwords_wait(owner: Browser) -> None:
    wrong = {"old": "wrong", "new": NEW, "again": NEW}
    answers = [(await owner.post("/password", wrong)).status for _ in range(8)]

    assert answers[0] == 422
    assert answers[-1] == 429
    answer = await owner.post("/password", {"old": OLD, "new": NEW, "again": NEW})
    assert (answer.status, "Too many wrong passwords." in await answer.text()) == (429, True)


# --- tokens --------------------------------------------------------------------------------------


async def test_a_token_is_made_shown_once_and_revoked(admin: Browser) -> None:
    answer = await admin.client.post(
        "/admin/tokens",
        data=[("csrf", admin.csrf), ("name", "report"), ("scope", "mediaserver:read"), ("scope", "spark:calls_read")],
    )
    secret = shown_secret(await answer.text())
    (token,) = admin.side.catalog.api_tokens.list()

    assert (token.name, token.scopes, token.number) == ("report", {"mediaserver:read", "spark:calls_read"}, None)
    assert admin.side.catalog.api_tokens.find(digest_of(secret)) == token
    assert secret not in await admin.text("/tokens")

    assert "is worthless now" in await admin.save(f"/tokens/{token.id}/revoke")
    assert admin.side.catalog.api_tokens.list() == ()
    assert (await admin.post(f"/tokens/{token.id}/revoke")).status == 404
    assert [(entry.action, entry.subject) for entry in admin.side.catalog.audit.list(action="access")] == [
        ("access.revoked", token.id),
        ("access.issued", token.id),
    ]


@pytest.mark.parametrize(
    ("sent", "problem"),
    [
        pytest.param({"name": ""}, "This field is needed.", id="no-name"),
        pytest.param({"scope": ""}, "Choose what the token may do.", id="no-right"),
        pytest.param({"scope": "everything"}, "Choose what the token may do.", id="no-such-right"),
        pytest.param({"number": "7777"}, "There is no user with the number 7777.", id="no-user"),
        pytest.param(
            {"number": "1001", "scope": "mediaserver:write"}, "can only have the rights of one user", id="too-much"
        ),
    ],
)
async def test_a_token_that_cannot_be_is_refused(admin: Browser, sent: dict[str, str], problem: str) -> None:
    assert problem in await admin.refused("/tokens", {"name": "report", "scope": "spark:calls_read"} | sent)
    assert admin.side.catalog.api_tokens.list() == ()


async def test_a_token_can_be_bound_to_a_user(admin: Browser) -> None:
    await admin.save("/tokens", {"name": "phone app", "scope": "spark:calls_read", "number": "1001"})

    (token,) = admin.side.catalog.api_tokens.list()
    assert (token.number, token.scopes) == ("1001", {"spark:calls_read"})


# --- audit ---------------------------------------------------------------------------------------


def note(browser: Browser, subject: str, actor: str = "zoe", action: str = "user.changed", name: str = "New") -> None:
    change = AuditChange(action=action, subject=subject, before={"name": "Old"}, after={"name": name})
    browser.side.catalog.audit.add(change, actor=Actor(name=actor, address="192.0.2.7"), now=NOW)


async def test_a_change_is_told_with_who_when_and_what_was_before(admin: Browser) -> None:
    note(admin, "2001")

    shown = await admin.text("/audit")

    for part in ("2001", "zoe", "192.0.2.7", "changed a user", "<del>Old</del>", "<ins>New</ins>", "2026-03-04T10:00"):
        assert part in shown
    assert "a modifié un utilisateur" in await admin.text("/audit", french=True)


@pytest.mark.parametrize(
    ("query", "subjects"),
    [
        ("", {"2001", "2002"}),
        ("actor=zoe", {"2001"}),
        ("subject=2002", {"2002"}),
        ("action=user", {"2001"}),
        ("action=service.changed", {"2002"}),
        ("actor=nobody", set()),
    ],
)
async def test_the_log_is_filtered_and_exported(admin: Browser, query: str, subjects: set[str]) -> None:
    note(admin, "2001")
    note(admin, "2002", actor="=cmd", action="service.changed")

    shown = await admin.text(f"/audit?{query}")
    exported = list(csv.DictReader(io.StringIO(await admin.text(f"/audit.csv?{query}"))))

    assert {subject for subject in ("2001", "2002") if f"subject={subject}" in shown.partition('id="list"')[2]} == (
        subjects
    )
    assert {row["subject"] for row in exported} & {"2001", "2002"} == subjects
    assert all(row["actor"] in {"zoe", "'=cmd", "test"} for row in exported)


async def test_the_log_is_read_page_by_page(admin: Browser) -> None:
    for number in range(60):
        note(admin, f"n{number:02}")

    first = await admin.text("/audit")
    older = re.search(r"/admin(/audit\?before=\d+)", first)
    assert older is not None
    second = await admin.text(older[1])

    assert [f"n{number:02}" in first for number in (59, 10, 9)] == [True, True, False]
    assert [f"n{number:02}" in second for number in (10, 9, 0)] == [False, True, True]


@pytest.mark.parametrize("query", ["before=x", "before=-1", "before=" + "9" * 30, "actor=" + "a" * 500])
async def test_a_log_asked_for_nonsense_answers(admin: Browser, query: str) -> None:
    await admin.text(f"/audit?{query}")


async def test_every_sign_in_and_change_has_words(admin: Browser) -> None:
    note(admin, "2001", action="something.else")

    assert "something.else" in await admin.text("/audit")
    assert all(ACTIONS.values())


def test_differences_open_up_what_is_nested_and_leave_out_what_is_the_same() -> None:
    before = {"codes": {"start": ["*44", None, True], "stop": ["*45", None, True]}, "on": True, "same": 1}
    after = {"codes": {"start": ["*55", None, False], "stop": ["*45", None, True]}, "on": False, "same": 1}

    found = [(one.name, one.before, one.after) for one in differences(before, after)]

    assert found == [("codes.start", "*44 on", "*55 off"), ("on", "on", "off")]


async def test_many_accounts_are_shown_by_pages_and_searched(admin: Browser) -> None:
    for number in range(60):
        account = PortalAccount(username=f"u{number:02}", name=f"Zoé {number:02}", role=PortalRole.ADMINISTRATOR)
        admin.side.catalog.accounts.put(account, None, now=NOW)

    first, second, found = [await admin.text(f"/accounts{query}") for query in ("", "?page=2", "?q=ZOE+07")]

    assert [">u10<" in first, ">u59<" in first, ">u59<" in second] == [True, False, True]
    assert [">u07<" in found, ">u08<" in found] == [True, False]
    assert "Nobody fits" in await admin.text("/accounts?q=nobody")
