"""What is done to several recordings at once: everything one may, and a word about what was left."""

from __future__ import annotations

import io
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dubber_platform.portal.bundle import COPY_BYTES, Entry, zipped
from tests.support.dubber_portal import ADMIN, ANN, BOB, BOSS, Browser, PortalBench, Seen

NEXT = "/app/recordings?kind=recordings"


async def bulk(browser: Browser, action: str, *chosen: int, **more: str) -> Seen:
    """Press a button below the list."""
    fields = [("chosen", str(number)) for number in chosen]
    return await browser.post("/recordings/bulk", *fields, ("action", action), ("next", NEXT), *more.items())


async def test_stars_are_set_and_taken_together(portal: PortalBench) -> None:
    chosen = [await portal.call(), await portal.call()]
    browser = await portal.browser(ANN)
    seen = await bulk(browser, "star", *chosen)
    assert (seen.path, seen.notices()) == (NEXT, ["2 recordings are among the most important now."])
    assert [await portal.column(number, "starred") for number in chosen] == [True, True]
    seen = await bulk(browser, "unstar", chosen[0])
    assert seen.notices() == ["1 recording is not among the most important any more."]
    assert [await portal.column(number, "starred") for number in chosen] == [False, True]


async def test_tags_are_added_to_those_there_are_and_removed_from_them(portal: PortalBench) -> None:
    chosen = [await portal.call(tags=("order",)), await portal.call(tags=("vip",)), await portal.call()]
    browser = await portal.browser(ANN)
    seen = await bulk(browser, "tag", *chosen, tag=" vip ")
    assert seen.notices() == ["3 recordings have the tag “vip” now."]
    assert [row.split("Call")[1].strip() for row in seen.rows()] == ["vip", "vip", "order vip"]
    seen = await bulk(browser, "untag", *chosen, tag="vip")
    assert seen.notices() == ["3 recordings are without the tag “vip” now."]
    assert [row.split("Call")[1].strip() for row in seen.rows()] == ["", "", "order"]


@pytest.mark.parametrize(
    ("tag", "said"),
    [
        ("", "Tag: This field is needed."),
        ("x" * 26, "Tag: At most 25 characters; these are 26."),
        ("a\x07b", "Tag: Control characters cannot be used here."),
    ],
    ids=("none", "long", "bell"),
)
async def test_a_tag_that_cannot_be_is_refused_in_words(portal: PortalBench, tag: str, said: str) -> None:
    number = await portal.call()
    assert (await bulk(await portal.browser(ANN), "tag", number, tag=tag)).notices() == [said]
    assert await portal.column(number, "tagged") is False


async def test_what_one_may_not_change_is_left_and_counted(portal: PortalBench) -> None:
    mine, theirs = await portal.call("ann"), await portal.call("bob")
    seen = await bulk(await portal.browser(ANN), "star", mine, theirs, 999)
    assert seen.notices() == [
        "1 recording is among the most important now.",
        "2 recordings were left as they are: they are not yours to change, or have too many tags.",
    ]
    assert [await portal.column(number, "starred") for number in (mine, theirs)] == [True, False]


@pytest.mark.parametrize(
    ("fields", "status", "said"),
    [
        ((("action", "star"),), 200, ["No recording was chosen."]),
        ((("action", "burn"), ("chosen", "1")), 400, []),
        ((("action", "star"), ("chosen", "one")), 404, []),
        ((("action", "star"), ("chosen", "1"), ("next", "https://elsewhere.example/")), 200, None),
    ],
    ids=("nothing", "unknown action", "no number", "elsewhere"),
)
async def test_forms_that_do_not_fit(
    portal: PortalBench, fields: tuple[tuple[str, str], ...], status: int, said: list[str] | None
) -> None:
    await portal.call()
    seen = await (await portal.browser(ANN)).post("/recordings/bulk", *fields)
    assert seen.status == status
    assert seen.path in ("/app/", "/app/recordings/bulk")
    assert said in (None, seen.notices())


async def test_deleting_asks_first_and_then_deletes_rows_and_files(portal: PortalBench) -> None:
    chosen = [await portal.call(), await portal.call()]
    path, held = portal.audio(chosen[0], b"audio"), await portal.call(legal_hold=True, hold_reason="court")
    browser = await portal.browser(BOSS)
    asked = await bulk(browser, "delete", *chosen, held)
    assert asked.path.startswith("/app/recordings/delete?ids=1,2,3&")
    assert "1 recording is on legal hold and stays." in asked.plain()
    assert "Nobody can bring them back." in asked.plain()
    assert [await portal.column(number, "id") for number in chosen] == chosen
    fields = [("chosen", str(number)) for number in (*chosen, held, 999)]
    seen = await browser.post("/recordings/delete", *fields, ("next", NEXT))
    assert seen.path == NEXT
    assert seen.notices() == ["2 recordings were deleted.", "1 recording was kept: it is on legal hold."]
    assert [await portal.column(number, "id") for number in (*chosen, held)] == [None, None, held]
    assert not path.exists()


async def test_only_administrators_delete(portal: PortalBench) -> None:
    number = await portal.call()
    browser = await portal.browser(ANN)
    assert (await bulk(browser, "delete", number)).status == 403
    assert (await browser.post("/recordings/delete", ("chosen", str(number)))).status == 403
    assert await portal.column(number, "id") == number


async def test_there_is_nothing_to_ask_about_what_is_not_there(portal: PortalBench) -> None:
    assert (await (await portal.browser(BOSS)).get("/recordings/delete?ids=77")).status == 404
    assert (await (await portal.browser(BOSS)).get("/recordings/delete")).status == 404


async def test_several_are_downloaded_as_one_file(portal: PortalBench) -> None:
    first, second = await portal.call(), await portal.call("bob", status="Do Not Record")
    third = await portal.call("bob", from_="+44 20 7946 0123")
    portal.audio(first, b"one" * 1000)
    portal.audio(third, b"three" * 1000)
    browser = await portal.browser(ADMIN)
    data = [("csrf", await browser.csrf()), ("action", "download")]
    data += [("chosen", str(number)) for number in (first, second, third)]
    status, body, headers = await browser.raw("POST", "/recordings/bulk", data=data)
    assert (status, headers["Content-Type"]) == (200, "application/zip")
    assert headers["Content-Disposition"] == 'attachment; filename="recordings-20260326T165146Z.zip"'
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        assert archive.testzip() is None
        assert {name: archive.read(name) for name in archive.namelist()} == {
            f"20260325T175146Z_+33612345678_1001_{first}.wav": b"one" * 1000,
            f"20260325T195146Z_+442079460123_1002_{third}.wav": b"three" * 1000,
        }


@pytest.mark.parametrize(("username", "status"), [(ANN, 403), (BOB, 404)], ids=("own", "foreign"))
async def test_standard_users_download_nothing(portal: PortalBench, username: str, status: int) -> None:
    number = await portal.call("ann")
    assert (await bulk(await portal.browser(username), "download", number)).status == status


def test_a_bundle_is_made_piece_by_piece_and_leaves_out_what_went_away(tmp_path: Path) -> None:
    content = bytes(range(256)) * (COPY_BYTES // 256) * 3
    (tmp_path / "long").write_bytes(content)
    at = datetime(1975, 1, 1, tzinfo=UTC)
    names = ("gone", "long")
    parts = list(zipped(Entry(name=f"{name}.wav", path=tmp_path / name, at=at) for name in names))
    assert max(len(part) for part in parts) < COPY_BYTES + 200
    with zipfile.ZipFile(io.BytesIO(b"".join(parts))) as archive:
        (info,) = archive.infolist()
        assert (info.filename, info.date_time, archive.read(info)) == ("long.wav", (1980, 1, 1, 0, 0, 0), content)
