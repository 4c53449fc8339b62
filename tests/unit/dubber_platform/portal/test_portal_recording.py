"""A recording's page: it is heard in ranges, labelled, kept and deleted by those who may, and leads on in its list."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta

import pytest

from tests.support.dubber import START, sound
from tests.support.dubber_portal import ADMIN, ANN, BOB, BOSS, Browser, PortalBench

MARKS = "a0.25+3.1:recording-started t5:reminder c6/1:pause p7+20:cut h8+2/2:on g11+1.5/2"


def marks(text: str) -> list[str]:
    """The lines of the player's list of marks."""
    listed = re.search(r"<ol class=\"mark-list\".*?</ol>", text, re.DOTALL)
    rows = re.findall(r"<li>.*?</li>", listed[0], re.DOTALL) if listed else []
    return [" ".join(re.sub(r"<[^>]*>", " ", row).split()) for row in rows]


async def test_the_page_names_both_parties_direction_length_and_what_happened(portal: PortalBench) -> None:
    recording_id = await portal.call(
        "ann", from_label="Café Rouge", tags=("order",), note="Call back", meta_tags={"marks-01": MARKS}
    )
    portal.audio(recording_id, sound(13))
    seen = await (await portal.browser(ANN)).get(f"/recordings/{recording_id}")
    assert seen.status == 200
    assert seen.plain().startswith("incoming Café Rouge to Ann Archer Mar 25, 2026")
    assert f'src="/app/recordings/{recording_id}/audio"' in seen.text
    assert f'data-peaks="/app/recordings/{recording_id}/peaks"' in seen.text
    assert re.findall(r'aria-label="Volume of ([^"]*)"', seen.text) == ["Ann Archer", "Café Rouge"]
    assert marks(seen.text) == [
        "0:00 Announcement: recording started 0:03",
        "0:05 Reminder tone",
        "0:06 Code: pause – Ann Archer",
        "0:07 Pause of 0:20, not in the file",
        "0:08 Put on hold – Café Rouge 0:02",
        "0:11 No audio arrived – Café Rouge 0:02",
    ]
    assert "Ann Archer · Mar 26, 2026" in seen.plain()
    assert "Call back" in seen.plain()


async def test_the_first_channel_of_an_outgoing_call_is_the_caller_who_is_recorded(portal: PortalBench) -> None:
    recording_id = await portal.call(
        "ann", call_type="outbound", from_="1001", from_label="Ann Archer", to_label="Bank"
    )
    portal.audio(recording_id, sound(1))
    seen = await (await portal.browser(ANN, lang="fr")).get(f"/recordings/{recording_id}")
    assert re.findall(r'aria-label="Volume de ([^"]*)"', seen.text) == ["Ann Archer", "Bank"]
    assert seen.plain().startswith("sortant Ann Archer")


async def test_sound_on_one_channel_has_no_volume_for_each_party(portal: PortalBench) -> None:
    recording_id = await portal.call()
    portal.audio(recording_id, sound(1, channels=1))
    seen = await (await portal.browser(ANN)).get(f"/recordings/{recording_id}")
    assert "data-player" in seen.text
    assert "data-volume" not in seen.text


@pytest.mark.parametrize(
    ("headers", "status", "part"),
    [
        ({}, 200, slice(None)),
        ({"Range": "bytes=0-43"}, 206, slice(0, 44)),
        ({"Range": "bytes=1000-"}, 206, slice(1000, None)),
        ({"Range": "bytes=99999999-"}, 416, slice(0, 0)),
    ],
    ids=["whole", "head", "rest", "beyond"],
)
async def test_the_sound_comes_whole_or_in_ranges(
    portal: PortalBench, headers: dict[str, str], status: int, part: slice
) -> None:
    recording_id, content = await portal.call(), sound(1)
    portal.audio(recording_id, content)
    browser = await portal.browser(ANN)
    found, body, sent = await browser.raw("GET", f"/recordings/{recording_id}/audio", headers=headers)
    assert (found, body) == (status, content[part])
    if status != 416:
        assert sent["Content-Type"] == "audio/wav"
        assert sent["Content-Disposition"].startswith("inline;")


async def test_the_waveform_has_a_list_of_peaks_for_each_channel(portal: PortalBench) -> None:
    recording_id = await portal.call()
    portal.audio(recording_id, sound(2))
    status, body, _ = await (await portal.browser(ANN)).raw("GET", f"/recordings/{recording_id}/peaks")
    first, second = json.loads(body)["peaks"]
    assert (status, json.loads(body)["duration_s"], len(first), len(second)) == (200, 2.0, 1000, 1000)
    assert 0.49 < max(first) <= 0.5
    assert set(second) == {0.0}


async def test_only_administrators_download(portal: PortalBench) -> None:
    recording_id, content = await portal.call(), sound(1)
    portal.audio(recording_id, content)
    found = {}
    for username in (ANN, BOSS):
        browser = await portal.browser(username)
        found[username] = await browser.raw("GET", f"/recordings/{recording_id}/download")
        shown = (await browser.get(f"/recordings/{recording_id}")).links("Download")
        assert bool(shown) == (username == BOSS)
    assert found[ANN][0] == 403
    assert (found[BOSS][0], found[BOSS][1]) == (200, content)
    assert found[BOSS][2]["Content-Disposition"].startswith("attachment;")


async def test_a_call_that_was_not_to_be_recorded_shows_its_facts_and_why(portal: PortalBench) -> None:
    recording_id = await portal.call(status="Do Not Record", withheld_reason="She asked for it")
    seen = await (await portal.browser(ANN)).get(f"/recordings/{recording_id}")
    assert "The audio was not kept; these are the facts of the call. She asked for it" in seen.plain()
    assert "data-player" not in seen.text


async def test_a_file_that_is_missing_is_said_to_be_missing(portal: PortalBench) -> None:
    recording_id = await portal.call()
    browser = await portal.browser(ANN)
    assert "missing or cannot be read" in (await browser.get(f"/recordings/{recording_id}")).plain()
    assert (await browser.raw("GET", f"/recordings/{recording_id}/audio"))[0] == 404
    assert (await browser.raw("GET", f"/recordings/{recording_id}/peaks"))[0] == 404


async def test_newer_and_older_stay_within_the_list_one_came_from(portal: PortalBench) -> None:
    ids = [await portal.call(tags=("vip",) if n % 2 == 0 else ()) for n in range(5)]
    browser = await portal.browser(ANN)

    async def around(query: str) -> list[str]:
        text = (await browser.get(f"/recordings/{ids[2]}{query}")).text
        return [
            found.replace("&amp;", "&")
            for rel in ("prev", "next")
            for found in re.findall(rf'href="([^"]*)"[^>]*rel="{rel}"', text)
        ]

    assert await around("") == [f"/app/recordings/{ids[3]}", f"/app/recordings/{ids[1]}"]
    assert await around("?tag=vip") == [f"/app/recordings/{ids[4]}?tag=vip", f"/app/recordings/{ids[0]}?tag=vip"]
    assert await around("?q=vip") == [f"/app/recordings/{ids[4]}?q=vip", f"/app/recordings/{ids[0]}?q=vip"]
    assert await around("?q=%22") == []
    assert await around("?scope=no-such-team") == []
    first = (await browser.get(f"/recordings/{ids[4]}")).text
    assert ('rel="prev"' in first, 'rel="next"' in first) == (False, True)


async def test_tags_are_replaced_and_the_list_one_came_from_is_kept(portal: PortalBench) -> None:
    recording_id = await portal.call(tags=("old",))
    portal.audio(recording_id, sound(1))
    browser = await portal.browser(ANN)
    seen = await browser.post(f"/recordings/{recording_id}/tags?kind=tagged", ("tags", "vip, order , vip,,"))
    assert (seen.path, seen.notices()) == (f"/app/recordings/{recording_id}?kind=tagged", ["The tags are saved."])
    assert 'name="tags" value="order, vip"' in seen.text
    long = await browser.post(f"/recordings/{recording_id}/tags", ("tags", "order, " + "x" * 26))
    assert long.status == 422
    assert f"“{'x' * 26}” is longer than 25 characters." in long.plain()
    assert f'value="order, {"x" * 26}"' in long.text


async def test_metadata_is_a_line_for_each_and_found_by_search(portal: PortalBench) -> None:
    recording_id = await portal.call(details={"mode": "Always"})
    portal.audio(recording_id, sound(1))
    ann, path = await portal.browser(ANN), f"/recordings/{recording_id}/metadata"
    assert "mode: Always</textarea>" in (await ann.get(f"/recordings/{recording_id}")).text
    seen = await ann.post(path, ("metadata", "mode: Always\r\n\r\n customer :  4711: Köhl "))
    assert seen.notices() == ["The metadata is saved."]
    assert await portal.column(recording_id, "details") == {"mode": "Always", "customer": "4711: Köhl"}
    assert f"/app/recordings/{recording_id}" in (await ann.get("/recordings?q=kohl")).text
    for wrong, problem in (
        ("customer", "This line does not fit: customer"),
        ("my customer: x", "This line does not fit: my customer: x"),
        ("customer:", "This line does not fit: customer:"),
        ("a: 1\na: 2", "“a” is there twice."),
        ("a: " + "x" * 256, "This line does not fit: a: " + "x" * 57),
        ("\n".join(f"n{n}: x" for n in range(51)), "At most 50 lines are possible."),
    ):
        refused = await ann.post(path, ("metadata", wrong))
        assert (refused.status, problem in refused.plain()) == (422, True)


async def test_notes_are_written_and_deleted_by_their_author(portal: PortalBench) -> None:
    recording_id = await portal.call("bob", note="of ann")  # she wrote it, he owns it
    portal.audio(recording_id, sound(1))
    bob = await portal.browser(BOB)
    seen = await bob.post(f"/recordings/{recording_id}/notes", ("text", "first line\r\nsecond <b>line</b>"))
    assert seen.notices() == ["The note is added."]
    assert "first line\nsecond &lt;b&gt;line&lt;/b&gt;" in seen.text
    (own,) = re.findall(rf"/recordings/{recording_id}/notes/(\d+)/delete", seen.text)[-1:]
    gone = await bob.post(f"/recordings/{recording_id}/notes/{own}/delete")
    assert gone.notices() == ["The note is deleted."]
    assert "first line" not in gone.text
    assert (await bob.post(f"/recordings/{recording_id}/notes/{own}/delete")).status == 404
    for text, problem in (("", "This field is needed."), ("x" * 2001, "At most 2000 characters; these are 2001.")):
        refused = await bob.post(f"/recordings/{recording_id}/notes", ("text", text))
        assert refused.status == 422
        assert problem in refused.plain()


async def test_who_only_listens_reads_the_notes_and_changes_nothing(portal: PortalBench) -> None:
    recording_id = await portal.call("bob", note="of ann", tags=("order",))
    ann = await portal.browser(ANN)
    seen = await ann.get(f"/recordings/{recording_id}")
    assert (seen.status, "of ann" in seen.text, 'name="text"' in seen.text) == (200, True, False)
    for what in ("tags", "notes", "shares"):
        fields = (("tags", "x"), ("text", "x"), ("valid", "1d"))
        assert (await ann.post(f"/recordings/{recording_id}/{what}", *fields)).status == 403


async def test_a_legal_hold_has_a_reason_and_keeps_the_recording_from_being_deleted(portal: PortalBench) -> None:
    recording_id = await portal.call()
    portal.audio(recording_id, sound(1))
    boss = await portal.browser(BOSS)
    blank = await boss.post(f"/recordings/{recording_id}/hold", ("held", "on"), ("reason", " "))
    assert (blank.status, "This field is needed." in blank.plain()) == (422, True)
    held = await boss.post(f"/recordings/{recording_id}/hold", ("held", "on"), ("reason", "Case 12"))
    assert held.notices()[0] == "Nothing and nobody deletes this recording now."
    assert "nothing and nobody deletes this recording. Case 12 – boss@demo.example, Mar 26, 2026" in held.plain()
    assert 'id="delete"' not in held.text
    kept = await boss.post("/recordings/delete", ("chosen", str(recording_id)), ("next", "/app/recordings"))
    assert kept.notices() == ["1 recording was kept: it is on legal hold."]
    free = await boss.post(f"/recordings/{recording_id}/hold", ("held", ""))
    assert free.notices() == ["The hold is released."]
    assert 'id="delete"' in free.text
    gone = await boss.post("/recordings/delete", ("chosen", str(recording_id)), ("next", "/app/recordings?kind=all"))
    assert (gone.path, gone.notices()) == ("/app/recordings?kind=all", ["1 recording was deleted."])
    assert (await boss.get(f"/recordings/{recording_id}")).status == 404


async def test_retention_is_a_day_in_the_future(portal: PortalBench) -> None:
    recording_id = await portal.call()
    boss = await portal.browser(BOSS)

    async def until(text: str) -> tuple[int, bool]:
        seen = await boss.post(f"/recordings/{recording_id}/retention", ("until", text))
        return seen.status, "Kept until Dec 31, 2026" in seen.plain()

    assert await until("2026-12-31") == (200, True)
    kept: datetime = await portal.column(recording_id, "expiry_time")
    assert kept.tzinfo is UTC
    assert abs(kept - datetime(2027, 1, 1, tzinfo=UTC)) <= timedelta(hours=14)  # the site's zone is the machine's
    for wrong in ("", "soon", "1969-01-01", (START - timedelta(days=2)).date().isoformat(), "2190-01-01"):
        assert await until(wrong) == (422, True)
    assert await portal.column(recording_id, "expiry_time") == kept


async def test_the_star_of_the_page_leads_back_to_it(portal: PortalBench) -> None:
    recording_id = await portal.call()
    here = f"/app/recordings/{recording_id}?kind=starred"
    browser = await portal.browser(ANN)
    seen = await browser.post(f"/recordings/star/{recording_id}", ("starred", "on"), ("next", here))
    assert (seen.path, 'aria-pressed="true" aria-label="Most important"' in seen.text) == (here, True)


async def test_an_unidentified_recording_is_heard_and_moved_by_who_speaks_for_the_group(portal: PortalBench) -> None:
    recording_id = await portal.call(None)
    seen = await (await portal.browser(ADMIN)).get(f"/recordings/{recording_id}")
    assert seen.links("Move to user …") == [f"/app/unidentified/move?ids={recording_id}&next=%2Fapp%2Funidentified"]
    assert seen.links("Unidentified")[-1] == "/app/unidentified"


@pytest.mark.parametrize("number", ["0", "99", "x", "1" * 30, "-1"])
async def test_an_address_without_a_recording_is_not_found(portal: PortalBench, number: str) -> None:
    browser: Browser = await portal.browser(BOSS)
    assert [(await browser.get(f"/recordings/{number}{rest}")).status for rest in ("", "/peaks")] == [404, 404]
