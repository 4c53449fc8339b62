"""Over REST: stars, notes, share links, holds, retention dates, marks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.orm import Session

from dubber_platform.api.upkeep import sweep
from dubber_platform.store.sharing import shared
from tests.support.dubber import CALL, KEY, Answer, Bench, sound

LATER = "2026-04-01T00:00:00Z"
NOW = "Thu, 26 Mar 2026 16:51:46 +0000"


async def make(bench: Bench, **fields: Any) -> str:
    """Address of a complete recording of the demo account."""
    posted = await bench.call("POST", "/accounts/demo/recordings", json={**CALL, **fields})
    assert posted.status == 201, posted.body
    await bench.upload(posted.body["id"], sound(0.1))
    return f"/recordings/{posted.body['id']}"


async def standard_user(bench: Bench) -> tuple[str, str]:
    """A user with a recording of its own: its token, and the recording's address."""
    user = await bench.user("own@x.example", "p")
    point = (await bench.call("POST", "/accounts/demo/dub_points", json={**KEY, "user": user})).body["id"]
    recording = await make(bench, dub_point_id=point)
    return (await bench.sign_in(username="own@x.example", password="p")).body["access_token"], recording


def complaint(answer: Answer) -> tuple[int, list[str]]:
    """Status and what is wrong."""
    return answer.status, answer.body["details"][0]["details"]


async def test_a_star_is_put_on_and_taken_off(bench: Bench) -> None:
    """And lists can be narrowed down to it."""
    path, plain = await make(bench), await make(bench)
    starred = await bench.call("PUT", f"{path}/star", json={"starred": True})
    assert (starred.status, starred.body["starred"]) == (200, True)
    found = {}
    for flag in ("true", "false"):
        answer = await bench.call("GET", "/accounts/demo/recordings", params={"starred": flag})
        found[flag] = [row["self"].split("/v1")[1] for row in answer.body["recordings"]]
    assert found == {"true": [path], "false": [plain]}
    assert (await bench.call("PUT", f"{path}/star", json={"starred": False})).body["starred"] is False


async def test_notes_are_written_listed_and_deleted(bench: Bench) -> None:
    """By their author or an administrator; users delete their own only."""
    token, path = await standard_user(bench)
    first = await bench.call("POST", f"{path}/notes", json={"text": " first line\nsecond "})
    own = f"https://127.0.0.1:{bench.client.port}/sandbox/v1{path}"
    expected = {
        "self": f"{own}/notes/1",
        "id": "1",
        "recording": own,
        "author": "Demo Administrator",
        "text": "first line\nsecond",
        "date_created": NOW,
    }
    assert (first.status, first.body) == (201, expected)
    bench.token, administrator = token, bench.token
    mine = await bench.call("POST", f"{path}/notes", json={"text": "mine"})
    assert (await bench.call("DELETE", f"{path}/notes/1")).body["code"] == 1019
    listed = await bench.call("GET", f"{path}/notes")
    assert listed.body == {"self": f"{own}/notes", "notes": [expected, mine.body]}
    assert (await bench.call("DELETE", f"{path}/notes/2")).status == 200
    bench.token = administrator
    assert (await bench.call("DELETE", f"{path}/notes/1")).status == 200
    assert (await bench.call("GET", f"{path}/notes")).body["notes"] == []
    missing = [await bench.call("DELETE", f"{path}/notes/{note}") for note in ("1", "x", "0")]
    assert [answer.body["code"] for answer in missing] == [1009] * 3


@pytest.mark.parametrize(
    ("path", "body", "details"),
    [
        ("notes", {"text": "  "}, "text: must not be blank"),
        ("notes", {"text": "x" * 2001}, "text: String should have at most 2000 characters"),
        ("notes", {"text": "a\x07"}, "text: must not contain control characters"),
        ("shares", {"expires_at": "2026-03-26T16:51:46Z"}, "expires_at: must lie in the future"),
        ("shares", {"expires_at": "2026-07-01T00:00:00Z"}, "expires_at: lies too far in the future"),
    ],
)
async def test_what_cannot_be_added_is_named(bench: Bench, path: str, body: dict[str, str], details: str) -> None:
    """The field, and why."""
    assert complaint(await bench.call("POST", f"{await make(bench)}/{path}", json=body)) == (400, [details])


@pytest.mark.parametrize(
    ("path", "body", "details"),
    [
        ("hold", {"held": True, "reason": " "}, "reason: must not be blank"),
        ("hold", {"held": 1}, "held: Input should be a valid boolean"),
        ("retention", {"expiry_time": "2026-03-26T16:51:45Z"}, "expiry_time: must lie in the future"),
        ("retention", {"expiry_time": "2199-01-01T00:00:00Z"}, "expiry_time: lies too far in the future"),
        ("star", {}, "starred: Field required"),
    ],
)
async def test_what_cannot_be_set_is_named(bench: Bench, path: str, body: dict[str, Any], details: str) -> None:
    """The field, and why."""
    assert complaint(await bench.call("PUT", f"{await make(bench)}/{path}", json=body)) == (400, [details])


async def test_a_share_link_is_good_until_it_expires_or_ends(bench: Bench) -> None:
    """Its secret is told once, and kept as a digest."""
    path = await make(bench)
    made = await bench.call("POST", f"{path}/shares", json={"expires_at": LATER})
    url = made.body.pop("share_url")
    origin = f"https://127.0.0.1:{bench.client.port}"
    assert (made.status, made.headers["Cache-Control"]) == (201, "no-store")
    assert url.startswith(f"{origin}/app/shared/")
    assert (made.body["expires_at"], made.body["author"]) == ("Wed, 01 Apr 2026 00:00:00 +0000", "Demo Administrator")
    assert (await bench.call("GET", f"{path}/shares")).body["shares"] == [made.body]

    async def opened() -> bool:
        token, now = url.rsplit("/", 1)[1], bench.clock()
        found = await bench.platform.database.run(lambda session: shared(session, token, now=now))
        return found is not None and f"/recordings/{found[0].id}" == path

    assert await opened()
    bench.clock.advance(5.5 * 86400)
    assert (await opened(), (await bench.call("GET", f"{path}/shares")).status) == (False, 401)
    bench.clock.now = bench.clock.now.replace(month=3, day=26)
    assert await opened()
    share = made.body["id"]
    assert (await bench.call("DELETE", f"{path}/shares/{share}")).status == 200
    assert (await opened(), (await bench.call("DELETE", f"{path}/shares/{share}")).body["code"]) == (False, 1009)


async def test_a_recording_has_twenty_links_at_most(bench: Bench) -> None:
    """Those that are good."""
    path = await make(bench)
    answers = [await bench.call("POST", f"{path}/shares", json={"expires_at": LATER}) for _ in range(21)]
    assert [answer.status for answer in answers] == [201] * 20 + [400]


async def test_nothing_deletes_what_is_on_hold(bench: Bench, tmp_path: Path) -> None:
    """No person, no retention; released, retention counts again."""
    path = await make(bench)
    held = await bench.call("PUT", f"{path}/hold", json={"held": True, "reason": "case 7"})
    assert (held.status, held.body["legal_hold"]) == (200, True)
    assert complaint(await bench.call("DELETE", path)) == (400, ["recording: is on legal hold"])
    bench.clock.advance(91 * 86400)
    audio = next((tmp_path / "audio").rglob("*.wav"))
    assert (await sweep(bench.platform), audio.exists()) == ([], True)

    def release(session: Session) -> None:
        from dubber_platform.store.changes import set_hold
        from dubber_platform.store.visibility import viewer_of

        viewer = viewer_of(session, "admin-demo-example")
        assert viewer is not None
        set_hold(session, viewer, 1, False, "", now=bench.clock())

    await bench.platform.database.run(release)
    assert (await sweep(bench.platform), audio.exists()) == ([1], False)


async def test_retention_can_be_changed(bench: Bench) -> None:
    """Sooner or later; the sweep follows."""
    path = await make(bench)
    answer = await bench.call("PUT", f"{path}/retention", json={"expiry_time": LATER})
    assert (answer.status, answer.body["expiry_time"]) == (200, "Wed, 01 Apr 2026 00:00:00 +0000")
    bench.clock.advance(6 * 86400)
    assert await sweep(bench.platform) == [1]


async def test_standard_users_neither_hold_nor_keep_nor_delete(bench: Bench) -> None:
    """1019 each time."""
    bench.token, path = await standard_user(bench)
    answers = [
        await bench.call("PUT", f"{path}/hold", json={"held": True, "reason": "mine"}),
        await bench.call("PUT", f"{path}/retention", json={"expiry_time": LATER}),
        await bench.call("DELETE", path),
    ]
    assert [answer.body["code"] for answer in answers] == [1019] * 3


async def test_marks_are_read_from_the_meta_tags(bench: Bench) -> None:
    """In order of time; what is not well formed is left out."""
    tags = {"marks-01": "a0.25+3.1:recording_started c12.5/1:pause nonsense", "marks-02": "p14+20:cut z1"}
    answer = await bench.call("GET", f"{await make(bench, meta_tags=tags)}/markers")
    assert answer.body["markers"] == [
        {"kind": "announcement", "at": 0.25, "length": 3.1, "channel": None, "detail": "recording_started"},
        {"kind": "code", "at": 12.5, "length": 0.0, "channel": 1, "detail": "pause"},
        {"kind": "pause", "at": 14.0, "length": 20.0, "channel": None, "detail": "cut"},
    ]


async def test_changes_are_announced(bench: Bench) -> None:
    """A hook for updates hears of each of them."""
    path = await make(bench)
    hook = {"post_url": "https://hooks.example/x", "event_type": "recording.update"}
    from dubber_platform.store.schema import Delivery, Notification

    def listen(session: Session) -> None:
        dates = {"date_created": bench.clock(), "date_updated": bench.clock()}
        session.add(Notification(id="n" * 20, account_id="demo", status="Active", secret="s", **hook, **dates))

    await bench.platform.database.run(listen)
    await bench.call("PUT", f"{path}/star", json={"starred": True})
    await bench.call("PUT", f"{path}/star", json={"starred": True})
    await bench.call("POST", f"{path}/notes", json={"text": "x"})
    await bench.call("PUT", f"{path}/hold", json={"held": True, "reason": "x"})
    assert await bench.platform.database.run(lambda session: session.query(Delivery).count()) == 3
