"""Users by a form, and many by a file that is looked at first."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from aiohttp import FormData

from callmodel.modes import Language, RecordingMode
from callmodel.subscriber import DubPointKey, Subscriber
from catalog.enabling import remove_subscriber
from catalog.errors import UsersFileError
from catalog.installing import install_group, remove_group
from catalog.users_file import MAX_FILE_BYTES, FileFormat, parse_users
from portals.admin.file_words import told
from portals.admin.pages.adding import TEMPLATE, format_of
from portals.admin.site import PREFIX
from tests.support.browsing import Browser
from tests.support.portals import DOMAIN, NOW, TESTER, make_web_side
from tests.unit.portals.admin.conftest import Opens
from webkit.i18n import load_translators

DRAFT = re.compile(r'name="draft" value="([^"]+)"')
FILE = """number,name,mode,password
2001,Zoé,Always,
1000,Nina Never,Never,
1001,Alan Altered,Always,secret-pass
""".encode()


async def send(browser: Browser, data: bytes, name: str = "users.csv") -> tuple[int, str]:
    form = FormData({"csrf": browser.csrf})
    form.add_field("file", io.BytesIO(data), filename=name, content_type="text/csv")
    answer = await browser.client.post(f"{PREFIX}/users/import", data=form)
    return answer.status, await answer.text()


# --- one -----------------------------------------------------------------------------------------


async def test_a_user_is_added_with_a_sip_password_that_is_shown_once(admin: Browser) -> None:
    shown = await admin.save(
        "/users/add",
        {"number": "2001", "name": "Zoé", "language": "fr", "mailbox": "on", "no_answer_s": "15"},
    )

    assert "User 2001 was added." in shown
    assert 'id="f-sip-password"' in shown
    assert admin.side.catalog.subscribers.get("2001") == Subscriber(
        number="2001",
        name="Zoé",
        language=Language.FR,
        mailbox=True,
        no_answer_s=15,
        dub_point=DubPointKey(
            service_provider=admin.side.catalog.provider.read().service_provider,
            external_group=admin.side.catalog.provider.read().external_group,
            external_identifier=f"2001@{DOMAIN}",
        ),
    )
    assert admin.side.catalog.subscribers.credentials("2001") is not None
    assert admin.side.exchange.refreshed == 2


@pytest.mark.parametrize(
    ("sent", "problem"),
    [
        pytest.param({"number": ""}, "This field is needed.", id="no-number"),
        pytest.param({"number": "20 01"}, "Use 1 to 32 of the characters", id="blank"),
        pytest.param({"number": "1001"}, "There is a user with the number 1001 already.", id="twice"),
        pytest.param({"number": "9003"}, "9001 to 9009 are service numbers", id="service-number"),
        pytest.param({"language": "de"}, "Choose one of the list.", id="language"),
        pytest.param({"no_answer_s": "601"}, "A whole number from 1 to 600.", id="rings"),
        pytest.param({"name": "x" * 129}, "At most 128 characters", id="name"),
    ],
)
async def test_a_user_who_cannot_be_is_refused(admin: Browser, sent: dict[str, str], problem: str) -> None:
    shown = await admin.refused("/users/add", {"number": "2001", "language": "en", "name": "Kept"} | sent)

    assert problem in shown
    assert ("name" in sent) or 'value="Kept"' in shown
    assert admin.side.catalog.subscribers.get("2001") is None


# --- many ----------------------------------------------------------------------------------------


async def test_a_file_is_looked_at_before_anything_is_changed(admin: Browser) -> None:
    before = admin.side.catalog.subscribers.list()

    status, shown = await send(admin, FILE)

    assert (status, "Apply to 2 users" in shown) == (200, True)
    assert "<del>Alan Always</del> → <ins>Alan Altered</ins>" in shown
    assert "secret-pass" not in shown
    assert admin.side.catalog.subscribers.list() == before


async def test_what_was_looked_at_is_applied_once(admin: Browser) -> None:
    _, shown = await send(admin, FILE)
    draft = DRAFT.search(shown)
    assert draft is not None

    done = await admin.save("/users/import/apply", {"draft": draft[1]})

    assert "1 added, 2 were there already." in done
    subscribers = admin.side.catalog.subscribers
    added, changed = subscribers.get("2001"), subscribers.get("1001")
    assert added is not None
    assert changed is not None
    assert (added.name, added.recording.mode, changed.name) == ("Zoé", RecordingMode.ALWAYS, "Alan Altered")
    assert subscribers.credentials("1001") is not None
    assert admin.side.groups.woken == 1
    assert "looked at too long ago" in await admin.save("/users/import/apply", {"draft": draft[1]})


async def test_yaml_is_taken_too(admin: Browser) -> None:
    status, shown = await send(admin, b"- number: '2001'\n  name: Zo\n", "users.yaml")

    assert (status, "Apply to 1 user" in shown) == (200, True)


async def test_a_file_that_changes_nothing_says_so(admin: Browser) -> None:
    status, shown = await send(admin, b"number,name\n1001,Alan Always\n")

    assert (status, "There is nothing to do." in shown, DRAFT.search(shown)) == (200, True, None)


async def test_a_file_without_users_is_not_said_to_be_done(admin: Browser) -> None:
    status, shown = await send(admin, b"number,name\n")

    assert (status, "The file has no users" in shown, "There is nothing to do." in shown) == (200, True, False)


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        pytest.param(b"", "Choose a file.", id="none"),
        pytest.param(b"number,mode\n2001,Sometimes\n", "Row 2, column mode: &#39;Sometimes&#39; is none", id="mode"),
        pytest.param(b"PK\x03\x04\x14\x00", "This is a spreadsheet.", id="spreadsheet"),
        pytest.param(b"number,name\n1\n", "keep the separator of every empty cell", id="cells"),
        pytest.param(b"name\nX\n", "Row 1, column number: the header has no such column.", id="header"),
    ],
)
async def test_what_is_wrong_with_a_file_is_told_with_its_place(admin: Browser, data: bytes, problem: str) -> None:
    status, shown = await send(admin, data)

    assert (status, problem in shown) == (422, True)


async def test_a_file_that_is_too_large_is_turned_away(admin: Browser) -> None:
    status, _ = await send(admin, b"x" * (MAX_FILE_BYTES + 1))
    assert status == 422

    status, _ = await send(admin, b"x" * (2 * MAX_FILE_BYTES))
    assert status == 413


@pytest.mark.parametrize("installed", [False, True], ids=["no-group-id", "no-terms"])
async def test_a_file_that_enables_too_early_is_refused_as_a_whole(
    opened: Opens, tmp_path: Path, installed: bool
) -> None:
    side = make_web_side(tmp_path / "bare", installed=False, people=())
    if installed:
        install_group(side.catalog, "acme-group", group_name="Acme", actor=TESTER, now=NOW)
    browser = await opened(of=side)

    status, shown = await send(browser, b"number,mode\n2001,Always\n")

    assert (status, "This file cannot be applied yet." in shown, DRAFT.search(shown)) == (200, True, None)
    assert ("terms of service" in shown, "Group ID" in shown) == (installed, not installed)


async def test_what_became_impossible_meanwhile_is_told(admin: Browser) -> None:
    _, shown = await send(admin, b"number,mode\n2001,Always\n")
    draft = DRAFT.search(shown)
    assert draft is not None
    remove_group(admin.side.catalog, actor=TESTER, now=NOW)

    answer = await admin.post("/users/import/apply", {"draft": draft[1]})

    assert answer.headers["Location"] == "/admin/users/import"
    assert "the Group ID that Dubber issued is not set yet" in await admin.text("/users/import")
    assert remove_subscriber(admin.side.catalog, "2001", actor=TESTER, now=NOW) is False


async def test_the_template_can_be_imported(admin: Browser) -> None:
    assert await admin.text("/users/import/template.csv") == TEMPLATE
    assert [user.number for user in parse_users(TEMPLATE.encode(), FileFormat.CSV)] == ["2001", "2002"]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"number\n1\n", FileFormat.CSV),
        (b"\xef\xbb\xbfnumber\n", FileFormat.CSV),
        (b"- number: 1\n", FileFormat.YAML),
        (b"---\n- number: 1\n", FileFormat.YAML),
        (b"# users\n- number: 1\n", FileFormat.YAML),
        (b"\xef\xbb\xbf[]", FileFormat.YAML),
    ],
)
def test_a_file_s_form_is_seen_by_how_it_begins(data: bytes, expected: FileFormat) -> None:
    assert format_of(data) is expected


WRONG = {
    "twice": (b"number,number\n1,1\n", FileFormat.CSV),
    "no-column": (b"number,colour\n1,red\n", FileFormat.CSV),
    "cells": (b"number,name\n1\n", FileFormat.CSV),
    "quotes": (b'number,name\n1,"x\n', FileFormat.CSV),
    "no-number": (b"number,name\n,x\n", FileFormat.CSV),
    "bad-number": (b"number\nA B\n", FileFormat.CSV),
    "same-number": (b"number\n1\n1\n", FileFormat.CSV),
    "flag": (b"number,mailbox\n1,yes\n", FileFormat.CSV),
    "seconds": (b"number,reminder_s\n1,5\n", FileFormat.CSV),
    "password": (b"number,password\n1," + b"x" * 129 + b"\n", FileFormat.CSV),
    "encoding": (b"number\n\xff\n", FileFormat.CSV),
    "too-large": (b"x" * (MAX_FILE_BYTES + 1), FileFormat.CSV),
    "too-many": (b"number\n" + b"".join(b"%d\n" % n for n in range(20_001)), FileFormat.CSV),
    "no-list": (b"number: 1\n", FileFormat.YAML),
    "no-mapping": (b"- 1\n", FileFormat.YAML),
    "nested": (b"- number: [1]\n", FileFormat.YAML),
    "name-twice": (b"- number: 1\n  number: 1\n", FileFormat.YAML),
    "no-yaml": (b"- number: 'x\n", FileFormat.YAML),
    "two-documents": (b"- number: 1\n---\n- number: 2\n", FileFormat.YAML),
}


@pytest.mark.parametrize("name", WRONG)
def test_every_problem_of_a_file_is_told_in_french(name: str) -> None:
    translators = load_translators(("portals.admin", "webkit"))
    with pytest.raises(UsersFileError) as caught:
        parse_users(*WRONG[name])

    english, french = (told(caught.value, translators[language]) for language in ("en", "fr"))

    assert caught.value.problem not in french
    assert english != french


async def test_a_name_pasted_with_marks_of_direction_is_taken_without_them(admin: Browser) -> None:
    await admin.save("/users/add", {"number": "2003", "name": "\u200fשלום\u00a0😀\u202c", "language": "en"})
    found = admin.side.catalog.subscribers.get("2003")
    assert found is not None
    assert found.name == "שלום 😀"
