"""The list of users and the rest of the *Edit user* window."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from callmodel.modes import Language, RecordingMode
from callmodel.subscriber import RecordingSettings, Subscriber
from portals.admin.pages.users import dom_id
from tests.support.browsing import Browser, finish_call, words
from tests.support.portals import PEOPLE, WebSide, make_web_side

Opens = Callable[..., Awaitable[Browser]]
MANY = tuple(
    Subscriber(
        number=f"{2000 + n}",
        name=f"Person {n:03}",
        recording=RecordingSettings(mode=RecordingMode.ALWAYS if n % 2 else RecordingMode.NEVER),
    )
    for n in range(120)
)


def listed(html: str) -> list[str]:
    """Names of the rows, in order."""
    return [
        part.split("<", 1)[0]
        for part in html.split('class="cover" href="/admin/users/')[1:]
        for part in [part.split(">", 1)[1]]
    ]


async def test_everybody_is_listed_with_mode_mailbox_phones_and_light(admin: Browser, side: WebSide) -> None:
    side.exchange.registrations = {"1001": ("sip:1001@192.0.2.1",), "1002": ("sip:a", "sip:b")}
    side.exchange.put_call("c", PEOPLE[1], PEOPLE[3])
    html = await admin.text("/users")
    shown = words(html)
    assert listed(html) == [person.name for person in PEOPLE]
    assert "1000 Nina Never EN Off yes No phone is registered No call" in shown
    assert "1001 Alan Always EN Always – 1 phone is registered Recording Actions" in shown
    assert "1002 Paula Pause EN Always, pause/resume – 2 phones are registered 2 No call" in shown
    assert "1003 Olga Demand EN On demand – No phone is registered In a call" in shown
    for path in ("/users/1001", "/users/1001/recording", "/users/1001/softphone", "/users/1001/delete"):
        assert f'href="/admin{path}"' in html


async def test_the_lights_of_the_shown_users_are_refreshed_by_themselves(admin: Browser, side: WebSide) -> None:
    assert 'hx-get="/admin/lights?n=1000%2C1001%2C1002%2C1003%2C1004"' in await admin.text("/users")
    side.exchange.put_call("c", PEOPLE[1], "9002")
    lights = await admin.fragment("/lights?n=1000,1001,<b>")
    assert words(lights) == "No call Recording"
    assert f'id="light-{dom_id("1001")}" hx-swap-oob="true"' in lights


@pytest.mark.parametrize(
    ("query", "names"),
    [
        pytest.param("q=ola", [], id="nobody"),
        pytest.param("q=OLGA", ["Olga Demand"], id="name-whatever-its-case"),
        pytest.param("q=100", [person.name for person in PEOPLE], id="part-of-the-number"),
        pytest.param("mode=Always", ["Alan Always"], id="one-mode"),
        pytest.param("mode=Sometimes&sort=colour&page=x", [person.name for person in PEOPLE], id="nonsense"),
        pytest.param("sort=name&order=desc", sorted((p.name for p in PEOPLE), reverse=True), id="by-name-backwards"),
        pytest.param("q=a&mode=On+Demand&sort=name", ["Olga Demand"], id="all-together"),
    ],
)
async def test_the_address_says_what_is_listed(admin: Browser, query: str, names: list[str]) -> None:
    assert listed(await admin.text(f"/users?{query}")) == names


async def test_pages_keep_what_was_asked(opened: Opens, tmp_path: Path) -> None:
    admin = await opened(of=make_web_side(tmp_path / "many", people=MANY))
    html = await admin.text("/users?mode=Always&sort=name&order=desc")
    assert listed(html) == [f"Person {n:03}" for n in range(119, 19, -2)]
    assert "1–50 of 60" in words(html)
    assert "/admin/users?q=" not in html
    assert 'href="/admin/users?mode=Always&amp;sort=name&amp;order=desc&amp;page=2"' in html
    assert listed(await admin.text("/users?mode=Always&page=2")) == [f"Person {n:03}" for n in range(101, 120, 2)]
    assert listed(await admin.text("/users?page=99")) == [f"Person {n:03}" for n in range(100, 120)]


async def test_searching_while_typing_swaps_the_list_alone(admin: Browser) -> None:
    piece = await admin.fragment("/users?q=olga")
    assert piece.strip().startswith('<div id="list">')
    assert listed(piece) == ["Olga Demand"]


async def test_an_empty_platform_says_what_to_do(opened: Opens, tmp_path: Path) -> None:
    admin = await opened(of=make_web_side(tmp_path / "empty", people=()))
    shown = await admin.text("/users")
    assert "No users yet" in shown
    assert 'href="/admin/users/add"' in shown
    assert 'href="/admin/users/import"' in shown


async def test_the_export_is_the_file_that_can_be_imported_again(admin: Browser) -> None:
    answer = await admin.get("/users.csv")
    assert answer.content_type == "text/csv"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="users.csv"'
    lines = (await answer.text()).splitlines()
    assert lines[0].startswith("number,name,language,mode,")
    assert lines[2].startswith("1001,Alan Always,en,Always,")
    assert "password" not in lines[0]


async def test_name_language_mailbox_and_ringing_are_saved(admin: Browser, side: WebSide) -> None:
    sent = {"name": "  Zoé Lefèvre ", "language": "fr", "mailbox": "on", "no_answer_s": "35"}
    assert "Saved. It holds from the next call." in await admin.save("/users/1003", sent)
    saved = side.catalog.subscribers.get("1003")
    assert saved is not None
    assert (saved.name, saved.language, saved.mailbox, saved.no_answer_s) == ("Zoé Lefèvre", Language.FR, True, 35)
    assert saved.recording == PEOPLE[3].recording
    entry = side.catalog.audit.list(limit=1)[0]
    assert entry.after == {"name": "Zoé Lefèvre", "language": "fr", "mailbox": True, "no_answer_s": 35}
    assert side.exchange.refreshed == 1
    assert "Nothing was changed." in await admin.save("/users/1003", sent)


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        pytest.param({"name": "x" * 129, "language": "fr"}, "name", id="long-name"),
        pytest.param({"name": "a\u2028b", "language": "fr"}, "name", id="unprintable-name"),
        pytest.param({"name": "x", "language": "de"}, "language", id="unknown-language"),
        pytest.param({"name": "x", "language": "fr", "no_answer_s": "0"}, "no_answer_s", id="never-rings"),
        pytest.param({"name": "x", "language": "fr", "no_answer_s": "601"}, "no_answer_s", id="rings-for-ever"),
    ],
)
async def test_a_profile_that_does_not_fit_is_refused(
    admin: Browser, side: WebSide, sent: dict[str, str], field: str
) -> None:
    assert f'id="e-{field}"' in await admin.refused("/users/1003", sent)
    assert side.catalog.subscribers.get("1003") == side.catalog.subscribers.list()[3]
    assert side.exchange.refreshed == 0


async def test_deleting_asks_first_and_keeps_recordings(admin: Browser, side: WebSide) -> None:
    asked = words(await admin.text("/users/1003/delete"))
    assert "Delete Olga Demand?" in asked
    assert "Recordings made so far stay" in asked
    assert side.catalog.subscribers.get("1003") is not None
    assert "User Olga Demand was deleted." in await admin.save("/users/1003/delete")
    assert side.catalog.subscribers.get("1003") is None
    assert side.catalog.audit.list(limit=1)[0].action == "user.removed"
    assert (await admin.post("/users/1003/delete")).status == 404


async def test_the_last_calls_and_recordings_lead_to_dubber(admin: Browser, side: WebSide) -> None:
    assert "No recordings yet" in await admin.text("/users/1002/activity")
    finish_call(side)
    html = await admin.text("/users/1002/activity")
    assert 'href="https://dubber.test/app/recordings/4711"' in html
    assert 'href="/admin/calls/call-1"' in html
    assert "1:58" in html
    assert "Delivered" in html


async def test_unknown_users_have_no_window(admin: Browser) -> None:
    for path in ("", "/activity", "/delete"):
        assert (await admin.get(f"/users/7777{path}")).status == 404


def seen_in(html: str) -> dict[str, str]:
    """The state of the user that a page has shown, to be sent with its form."""
    return {"seen": html.partition('name="seen" value="')[2].partition('"')[0]}


FORMS = {
    "/users/1003": ({"name": "Olga", "language": "fr"}, {"name": "Olga Demand", "language": "en", "mailbox": "on"}),
    "/users/1003/recording": ({"enabled": "on", "mode": "Always"}, {}),
}


@pytest.mark.parametrize("path", FORMS)
async def test_what_another_tab_saved_meanwhile_is_not_undone_unseen(admin: Browser, side: WebSide, path: str) -> None:
    first, second = FORMS[path]
    opened = seen_in(await admin.text(path))
    await admin.save(path, {**first, **opened})
    kept = side.catalog.subscribers.get("1003")

    told = await admin.refused(path, {**second, **opened})

    assert "This was changed after you opened the page." in told
    assert side.catalog.subscribers.get("1003") == kept
    await admin.save(path, {**second, **seen_in(told)})
    assert side.catalog.subscribers.get("1003") != kept


@pytest.mark.parametrize("path", FORMS)
async def test_a_form_that_is_sent_twice_is_saved_once(admin: Browser, path: str) -> None:
    sent = {**FORMS[path][0], **seen_in(await admin.text(path))}
    await admin.save(path, sent)
    assert "Nothing was changed." in await admin.save(path, sent)


async def test_a_deleted_user_s_address_leads_to_the_list(admin: Browser) -> None:
    assert 'href="/admin/users"' in (await admin.text("/users/7777", status=404)).split("<main")[1]


async def test_whoever_deletes_somebody_in_a_call_is_told_what_becomes_of_it(admin: Browser, side: WebSide) -> None:
    told = "The call that is going on is not cut off"
    assert told not in await admin.text("/users/1001/delete")
    side.exchange.put_call("c", PEOPLE[1], "9002")
    assert told in await admin.text("/users/1001/delete")


async def test_the_list_of_problems_says_which_field_each_is_about(admin: Browser) -> None:
    shown = await admin.refused("/users/1003", {"name": "x" * 129, "language": "fr", "no_answer_s": "0"})
    assert '<a href="#f-name">Name: At most 128 characters; these are 129.</a>' in shown
    assert '<a href="#f-no_answer_s">Rings before that: A whole number from 1 to 600.</a>' in shown
