"""Recordings: created, listed, labelled, heard, deleted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dubber_platform import UNLIMITED, PlatformConfig
from tests.support.dubber import CALL, KEY, Bench, open_bench, sound


async def make(bench: Bench, **fields: Any) -> str:
    """A complete recording of the demo account; its id."""
    posted = await bench.call("POST", "/accounts/demo/recordings", json={**CALL, **fields})
    assert posted.status == 201, posted.body
    done = await bench.upload(posted.body["id"], sound(0.1))
    assert done.status == 200, done.body
    return str(posted.body["id"])


async def listed(bench: Bench, **query: str) -> list[str]:
    """Ids of a page."""
    answer = await bench.call("GET", "/accounts/demo/recordings", params=query)
    assert answer.status == 200, answer.body
    return [row["id"] for row in answer.body["recordings"]]


async def test_a_new_recording_in_full(bench: Bench) -> None:
    """Every field, with RFC 2822 dates, before its audio has come."""
    body = {
        **CALL,
        "to_label": "Echo",
        "from_label": "Ann",
        "tags": ["vip", "sales"],
        "metadata": {"order": "4711"},
        "meta_tags": {"external-call-id": "callhalf-1:0"},
        "transfers": [{"number": "9001"}],
        "end_time": "2026-03-26T16:52:46Z",
        "duration": 60,
    }
    answer = await bench.call("POST", "/accounts/demo/recordings", json=body)
    base = f"https://127.0.0.1:{bench.client.port}/sandbox/v1"
    now = "Thu, 26 Mar 2026 16:51:46 +0000"
    assert (answer.status, answer.body) == (
        201,
        {
            "self": f"{base}/recordings/1",
            "id": "1",
            "to": "9002",
            "to_label": "Echo",
            "from": "1001",
            "from_label": "Ann",
            "call_type": "outbound",
            "recording_type": "recording",
            "channel": "",
            "status": "Uploading",
            "start_time": now,
            "end_time": "Thu, 26 Mar 2026 16:52:46 +0000",
            "duration": 60,
            "expiry_time": "Wed, 24 Jun 2026 16:51:46 +0000",
            "dub_point_id": None,
            "type": "audio",
            "document_sentiment": None,
            "tags": ["sales", "vip"],
            "starred": False,
            "legal_hold": False,
            "metadata": {"order": "4711"},
            "meta_tags": {"external-call-id": "callhalf-1:0"},
            "size": None,
            "content_sha256": None,
            "date_created": now,
            "date_updated": now,
            "account": f"{base}/accounts/demo",
            "user": None,
            "transfers": [{"number": "9001", "label": ""}],
            "additional_parties": [],
            "do_not_record": None,
            "errors": [],
        },
    )


async def test_dates_are_iso_8601_when_asked_for(bench: Bench) -> None:
    """By X-Date-Format."""
    bench.headers["X-Date-Format"] = "ISO8601"
    answer = await bench.call("POST", "/accounts/demo/recordings", json=CALL)
    assert (answer.body["start_time"], answer.body["date_created"]) == ("2026-03-26T16:51:46Z",) * 2


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"to": " "}, "to: String should have at least 1 character"),
        ({"from": "x" * 51}, "from: String should have at most 50 characters"),
        ({"to": "a\u0000b"}, "to: Value error, must not contain control characters"),
        ({"call_type": "sideways"}, "call_type: Input should be 'inbound' or 'outbound'"),
        ({"start_time": "yesterday"}, "start_time: Value error, must be an RFC 2822 or ISO 8601 date"),
        ({"start_time": "2026-03-26T16:51:46"}, "start_time: Value error, must have a UTC offset"),
        ({"start_time": 5}, "start_time: Value error, must be a date as text"),
        ({"start_time": "1969-12-31T00:00:00Z"}, "start_time: Value error, must be within the years 1970 to 2199"),
        ({"end_time": "2026-03-26T16:51:45Z"}, "body: Value error, end_time must not be before start_time"),
        ({"duration": "60"}, "duration: Input should be a valid integer"),
        ({"tags": ["x" * 26]}, "tags.0: String should have at most 25 characters"),
        ({"metadata": {"a b": "c"}}, "metadata.a b.[key]: String should match pattern '^[A-Za-z0-9]{1,50}$'"),
        ({"metadata": {"a": "x" * 256}}, "metadata.a: String should have at most 255 characters"),
        ({"surprise": 1}, "surprise: Extra inputs are not permitted"),
        ({"dub_point_id": "0" * 20}, "dub_point_id: is not a dub point of the account"),
        ({"channel": "desk", "channel_user": "nobody"}, "channel_user: is not a user of the account"),
        (
            {"recording_url": "https://audio.example/a.wav"},
            "recording_url: its host is not one this platform fetches from;"
            " leave recording_url out and use the multi-part upload",
        ),
        (
            {"recording_url": "ftp://x/a.wav"},
            "recording_url: Value error, must be an http or https address without user name",
        ),
    ],
)
async def test_a_field_that_cannot_be_used_is_named(bench: Bench, fields: dict[str, Any], complaint: str) -> None:
    """400, 2000 and the field, in Dubber's form; nothing is created."""
    answer = await bench.call("POST", "/accounts/demo/recordings", json={**CALL, **fields})
    details = [{"code": 4001, "details": [complaint], "message": "Invalid Parameters"}]
    assert (answer.status, answer.body["code"], answer.body["details"]) == (400, 2000, details)
    assert await listed(bench, status="Uploading") == []


@pytest.mark.parametrize(
    ("content", "content_type", "status", "code"),
    [
        (b"{}", "text/plain", 400, 1004),
        (b"{", "application/json", 400, 2000),
        (b"[]", "application/json", 400, 2000),
        (b'{"to": NaN}', "application/json", 400, 2000),
        (b"\xff", "application/json", 400, 2000),
        (b"[" * 100_000, "application/json", 400, 2000),
        (b" " * (256 * 1024 + 1), "application/json", 400, 2000),
    ],
    ids=["no JSON type", "no JSON", "no object", "NaN", "no UTF-8", "deep", "long"],
)
async def test_a_body_that_cannot_be_read_is_refused(
    bench: Bench, content: bytes, content_type: str, status: int, code: int
) -> None:
    """Whatever it is, in the API's form."""
    headers = {"Content-Type": content_type}
    answer = await bench.call("POST", "/accounts/demo/recordings", data=content, headers=headers)
    assert (answer.status, answer.body["code"]) == (status, code)


async def test_pages_run_from_the_newest_to_the_oldest(bench: Bench) -> None:
    """By page, before an id, after an id; a follower of after_id misses none."""
    ids = [await make(bench) for _ in range(5)]
    one, two, three, four, five = ids
    assert await listed(bench) == ids[::-1]
    assert await listed(bench, count="2") == [five, four]
    assert await listed(bench, count="2", page="3") == [one]
    assert await listed(bench, count="2", before_id=three) == [two, one]
    assert await listed(bench, count="2", after_id=two) == [four, three]
    assert await listed(bench, after_id=five) == []


@pytest.mark.parametrize(
    ("query", "complaint"),
    [
        ({"page": "1", "after_id": "1"}, "page (cannot be used together with after_id or before_id)"),
        ({"before_id": "2", "after_id": "1"}, "before_id (cannot be used together with after_id)"),
        ({"page": "1", "page_size": "10"}, "page_size (unknown)"),
        ({"count": "101"}, "count (must be a whole number from 1 to 100)"),
        ({"count": "0"}, "count (must be a whole number from 1 to 100)"),
        ({"after_id": "-1"}, "after_id (must be a whole number from 0 to 999999999999999999)"),
        ({"on": "26 March"}, "on (must be a day as YYYY-MM-DD)"),
        ({"on": "2026-03-26", "from": "2026-03-26T00:00:00Z"}, "on (cannot be used together with from or to)"),
        ({"from": "x"}, "from (must be an RFC 2822 or ISO 8601 date)"),
        ({"status": "Lost"}, "status (must be one of Active, Uploading, Do Not Record)"),
        ({"query": ""}, "query (must be 1 to 200 printable characters)"),
    ],
)
async def test_a_parameter_that_cannot_be_used_is_named(bench: Bench, query: dict[str, str], complaint: str) -> None:
    """400, 2000, 4001."""
    answer = await bench.call("GET", "/accounts/demo/recordings", params=query)
    details = [{"code": 4001, "details": [f"Invalid parameter: {complaint}"], "message": "Invalid Parameters"}]
    assert (answer.status, answer.body["details"]) == (400, details)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"query": "CALLHALF-7"}, [1]),
        ({"query": "b%b"}, [2]),
        ({"query": "_%_"}, []),
        ({"number": "0123"}, [2]),
        ({"tag": "vip"}, [1]),
        ({"recording_type": "voicemail"}, [3]),
        ({"on": "2026-03-27"}, [2]),
        ({"from": "2026-03-27T00:00:00Z"}, [2]),
        ({"to": "2026-03-27T00:00:00Z"}, [3, 1]),
        ({"status": "Uploading"}, [4]),
    ],
)
async def test_a_list_can_be_narrowed_down(bench: Bench, query: dict[str, str], found: list[int]) -> None:
    """By words, number, tag, type, day, span and status."""
    await make(bench, meta_tags={"external-call-id": "callhalf-7:0"}, tags=["vip"])
    await make(bench, to="0123", to_label="B%b", start_time="2026-03-27T10:00:00+02:00")
    await make(bench, recording_type="voicemail")
    await bench.call("POST", "/accounts/demo/recordings", json=CALL)
    assert await listed(bench, **query) == [str(number) for number in found]


async def test_tags_are_replaced_as_a_whole(bench: Bench) -> None:
    """POST overwrites the set, DELETE clears it."""
    path = f"/recordings/{await make(bench, tags=['old'])}/tags"
    replaced = await bench.call("POST", path, json={"tags": ["b", "a", "a"]})
    cleared = await bench.call("DELETE", path)
    assert (replaced.body["tags"], cleared.body["tags"]) == (["a", "b"], [])


async def test_metadata_is_replaced_as_a_whole(bench: Bench) -> None:
    """PUT overwrites."""
    path = f"/recordings/{await make(bench, metadata={'a': '1'})}/metadata"
    answer = await bench.call("PUT", path, json={"metadata": {"b": "2"}})
    assert (answer.status, answer.body["metadata"]) == (200, {"b": "2"})


async def test_only_a_listener_gets_an_address_of_the_audio(bench: Bench) -> None:
    """Someone who may hear it: the administrator, the owner, nobody else."""
    owner, other = await bench.user("own@x.example", "p"), await bench.user("other@x.example", "p")
    dub_point = (await bench.call("POST", "/accounts/demo/dub_points", json={**KEY, "user": owner})).body["id"]
    path = f"/recordings/{await make(bench, dub_point_id=dub_point)}"
    assert "recording_url" not in (await bench.call("GET", path)).body
    for listener in ("admin@demo.example", owner, "OWN@x.example"):
        assert "recording_url" in (await bench.call("GET", path, params={"listener": listener})).body
    for listener in (other, "nobody"):
        refused = await bench.call("GET", path, params={"listener": listener})
        assert (refused.status, refused.body["details"][0]["details"]) == (
            400,
            ["Invalid parameter: listener (is no user who may hear this recording)"],
        )


async def test_standard_users_see_their_own_recordings_only(bench: Bench) -> None:
    """Others do not exist for them, and they delete nothing."""
    owner = await bench.user("own@x.example", "p")
    dub_point = (await bench.call("POST", "/accounts/demo/dub_points", json={**KEY, "user": owner})).body["id"]
    own, other = await make(bench, dub_point_id=dub_point), await make(bench)
    bench.token = (await bench.sign_in(username="own@x.example", password="p")).body["access_token"]
    assert await listed(bench) == [own]
    assert (await bench.call("GET", f"/recordings/{other}")).body["code"] == 1009
    refused = await bench.call("DELETE", f"/recordings/{own}")
    assert (refused.status, refused.body["code"]) == (403, 1019)


async def audio_link(bench: Bench, recording_id: str) -> str:
    """Path and query of a link for the administrator."""
    answer = await bench.call("GET", f"/recordings/{recording_id}", params={"listener": bench.seed["username"]})
    return str(answer.body["recording_url"]).split(str(bench.client.port), 1)[1]


async def test_a_link_is_good_for_30_seconds(bench: Bench) -> None:
    """Then it has expired, in the object store's words."""
    link = await audio_link(bench, await make(bench))
    bench.clock.advance(29)
    assert (await bench.raw("GET", link)).body == sound(0.1)
    bench.clock.advance(1)
    late = await bench.raw("GET", link)
    assert (late.status, b"<Code>AccessDenied</Code>" in late.body) == (403, True)


async def test_a_link_that_was_changed_is_refused(bench: Bench) -> None:
    """Another recording, another time, another listener, another signature."""
    first, second = await make(bench), await make(bench)
    link = await audio_link(bench, first)
    changed = [
        link.replace(f"/media/{first}?", f"/media/{second}?"),
        link.replace("expires=", "expires=1"),
        link.replace("admin", "owner"),
        link[:-1] + ("0" if link[-1] != "0" else "1"),
        f"/media/{first}",
    ]
    assert [(await bench.raw("GET", one)).status for one in changed] == [403] * 5


async def test_audio_comes_in_ranges(bench: Bench) -> None:
    """As players ask for it."""
    link = await audio_link(bench, await make(bench))
    answer = await bench.raw("GET", link, headers={"Range": "bytes=10-19"})
    assert (answer.status, answer.body, answer.headers["Content-Range"]) == (
        206,
        sound(0.1)[10:20],
        f"bytes 10-19/{len(sound(0.1))}",
    )


async def test_the_waveform_shows_the_peaks_of_each_channel(bench: Bench) -> None:
    """A tone at half scale on the first, silence on the second."""
    answer = await bench.call("GET", f"/recordings/{await make(bench)}/waveform")
    loud, silent = answer.body["channels"]
    assert (max(loud), set(silent), len(loud)) == (pytest.approx(0.5, abs=1e-3), {0.0}, 800)


async def test_a_deleted_recording_leaves_no_file(bench: Bench, tmp_path: Path) -> None:
    """Row and audio go together."""
    recording = await make(bench)
    assert (await bench.call("DELETE", f"/recordings/{recording}")).status == 200
    assert (await bench.call("GET", f"/recordings/{recording}")).status == 404
    assert [path for path in (tmp_path / "audio").rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("recording", ["0", "01", "x", "1" * 19, "9999", "1%00"])
async def test_an_id_that_is_none_is_not_found(bench: Bench, recording: str) -> None:
    """404 and 1009, never a fault of ours."""
    answer = await bench.call("GET", f"/recordings/{recording}")
    assert (answer.status, answer.body["code"], answer.body["message"]) == (404, 1009, "Resource Not Found")


async def test_a_channel_gets_an_api_dub_point_of_its_own(bench: Bench) -> None:
    """Made for channel_user on first use, found again afterwards."""
    user = await bench.user("own@x.example", "p")
    first = await bench.call(
        "POST", "/accounts/demo/recordings", json={**CALL, "channel": "desk", "channel_user": user}
    )
    second = await bench.call("POST", "/accounts/demo/recordings", json={**CALL, "channel": "desk"})
    made = await bench.call("GET", f"/dub_points/{first.body['dub_point_id']}")
    assert first.body["dub_point_id"] == second.body["dub_point_id"]
    assert (made.body["type"], made.body["label"], made.body["external_type"]) == ("Api", "desk", None)


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/accounts/demo/recordings/1/ai", 403, 1010),
        ("POST", "/accounts/demo/data_exports", 403, 1010),
        ("GET", "/nothing", 404, 1009),
        ("PATCH", "/accounts/demo", 400, 1005),
    ],
)
async def test_what_there_is_not_is_said_so(bench: Bench, method: str, path: str, status: int, code: int) -> None:
    """By its own code."""
    answer = await bench.call(method, path)
    assert (answer.status, answer.body["code"]) == (status, code)


async def test_plain_http_is_answered_with_1025(tmp_path: Path) -> None:
    """Whatever is asked for."""
    async with open_bench(PlatformConfig(data_dir=tmp_path, limits=UNLIMITED), secure=False) as bench:
        answer = await bench.call("GET", "/profile")
    assert (answer.status, answer.body["code"]) == (403, 1025)
