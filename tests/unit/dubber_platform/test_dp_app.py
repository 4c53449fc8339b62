"""What surrounds every handler: clients switched off, faults of our own, other groups, a schema of another version."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session
from structlog.testing import capture_logs

from dubber_platform import PlatformConfig, seed_demo
from dubber_platform.store.database import Database, SchemaError
from dubber_platform.store.schema import Client, Group, User
from tests.support.dubber import CALL, KEY, START, Bench, CountedChance


async def test_a_client_that_was_switched_off_is_1020(bench: Bench) -> None:
    """With a token it got before, and for a new one."""

    def work(session: Session) -> None:
        session.get_one(Client, bench.seed["client_id"]).active = False

    await bench.platform.database.run(work)
    answers = [await bench.call("GET", "/profile"), await bench.sign_in()]
    assert [(answer.status, answer.body["code"]) for answer in answers] == [(403, 1020)] * 2


async def test_a_fault_of_ours_is_500_and_logged_without_secrets(bench: Bench) -> None:
    """In the API's form; the log has the place, not the contents."""
    await bench.platform.database.run(lambda session: session.execute(text("DROP TABLE recording_tags")))
    body = {**CALL, "to_label": "confidential"}
    with capture_logs() as logs:
        answer = await bench.call("POST", "/accounts/demo/recordings", json=body)
    assert (answer.status, answer.body["code"], answer.body["message"]) == (500, 1000, "Internal Server Error")
    (line,) = logs
    assert (line["event"], line["method"]) == ("platform.request_failed", "POST")
    assert [word for word in ("confidential", bench.token) if word in str(line)] == []


async def test_another_group_is_another_world(bench: Bench) -> None:
    """Its accounts, dub points, recordings and users do not exist for us, nor ours for it."""
    point = (await bench.call("POST", "/accounts/demo/dub_points", json=KEY)).body["id"]
    recording = (await bench.call("POST", "/accounts/demo/recordings", json=CALL)).body["id"]

    def work(session: Session) -> None:
        dates = {"date_created": START, "date_updated": START}
        session.add(Group(id="f" * 20, name="Elsewhere", **dates))
        session.flush()
        admin = session.get_one(User, "admin-demo-example")
        admin.group_id, admin.account_id = "f" * 20, None

    user = await bench.user("own@x.example", "p")
    await bench.platform.database.run(work)
    ours = (
        *("/accounts/demo", "/accounts/demo/recordings", f"/groups/{bench.seed['group_id']}", f"/users/{user}"),
        *(f"/dub_points/{point}", f"/recordings/{recording}"),
    )
    assert [(await bench.call("GET", path)).body["code"] for path in ours] == [1009] * 6
    assert (await bench.call("GET", "/dub_points/find", params=KEY)).body["code"] == 1009
    assert (await bench.call("GET", "/profile")).body["account"] is None
    made = await bench.call("POST", "/accounts", json={"name": "theirs"})
    taken = await bench.call("POST", f"/accounts/{made.body['id']}/dub_points", json=KEY)
    assert taken.body["details"][0]["details"] == ["external_identifier: a dub point with this key exists already"]
    lost = f"/groups/{'f' * 20}/unidentified_recordings"
    unplaced = await bench.call("POST", lost, json={**CALL, **KEY})
    assert (unplaced.status, unplaced.body["dub_point_id"]) == (201, None)


async def test_seeding_is_finished_by_the_next_start(tmp_path: Path) -> None:
    """seed.json written, the database lost: the same access works again."""
    config = PlatformConfig(data_dir=tmp_path)
    first = await seed_demo(config, lambda: START, CountedChance())
    for path in tmp_path.glob("platform.sqlite*"):
        path.unlink()
    assert await seed_demo(config, lambda: START, CountedChance(count=50)) == first
    database = Database(config.sqlalchemy_url)
    assert await database.run(lambda session: session.get_one(Client, first["client_id"]).active)
    await database.close()


async def test_a_database_of_another_version_is_refused(tmp_path: Path) -> None:
    """Rather than damaged."""
    config = replace(PlatformConfig(data_dir=tmp_path), database_url=f"sqlite:///{tmp_path / 'other.sqlite'}")
    await seed_demo(config, lambda: START, CountedChance())
    database = Database(config.sqlalchemy_url)
    await database.run(lambda session: session.execute(text("UPDATE schema_version SET version = 99")))
    with pytest.raises(SchemaError, match="has version 99, this program needs 3"):
        await database.open()
    await database.close()
