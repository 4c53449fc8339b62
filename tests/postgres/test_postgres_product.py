"""The whole product on PostgreSQL: both its databases, a real call, and a start after it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from catalog import Catalog, JobState
from tests.support.postgresql import PostgresServer
from tests.support.server_process import WAIT_S, ServerProcess, run_command, running
from tests.support.stage import Stage

pytestmark = pytest.mark.e2e


def recorded_call(server: ServerProcess, folder: Path) -> str:
    """1001 talks to 9003; the recording's id, once Dubber has it."""
    stage = Stage(server, folder)
    phone = stage.phone("1001", stage.user_voice)
    since = server.mark()
    try:
        phone.call("9003")
        phone.talk(1.0)
        phone.hang_up()
    finally:
        phone.close()
        stage.close()
    return str(server.wait_for("upload.delivered", since=since)["recording_id"])


def test_a_recorded_call_is_still_there_after_a_restart(postgresql: PostgresServer, tmp_path: Path) -> None:
    """With its call, its delivery and Dubber's copy; nothing lies in a file of SQLite."""
    ours, theirs = postgresql.new_database(), postgresql.new_database()
    config = f'database_url = "{ours}"\n[dubber]\ndatabase_url = "{theirs}"\n[calls]\nmax_load = 1.0\n'
    data_dir = tmp_path / "data"
    with running(data_dir, config=config) as product:
        recording_id = recorded_call(product, tmp_path)
    with running(data_dir, config=config) as product:
        with Catalog.open(ours) as catalog:
            (record,) = catalog.recordings.list()
            job = catalog.uploads.get(recording_id)
            call = catalog.calls.get(record.manifest.call_id)
        assert (record.manifest.recording_id, record.manifest.user) == (recording_id, "1001")
        assert job is not None
        assert call is not None
        assert (job.state, call.result) == (JobState.DONE, "answered")
        kept = product.dubber().get(f"recordings/{job.remote_id}")
        assert (kept["from"], kept["to"]) == ("1001", "9003")
        listed = run_command(
            "recordings", "list", "--json", "--config", f"{data_dir}.toml", "--data-dir", str(data_dir)
        )
        assert [one["recording_id"] for one in json.loads(listed.stdout)] == [recording_id]
    assert [*data_dir.rglob("*.sqlite*")] == []


def test_calls_go_on_while_it_is_away_and_are_filed_when_it_is_back(postgresql: PostgresServer, tmp_path: Path) -> None:
    """One that ends meanwhile, and one that begins and ends meanwhile: both are recorded and delivered."""
    ours, theirs = postgresql.new_database(), postgresql.new_database()
    config = f'database_url = "{ours}"\n[dubber]\ndatabase_url = "{theirs}"\n[calls]\nmax_load = 1.0\n'
    with running(tmp_path / "data", config=config) as product:
        stage = Stage(product, tmp_path)
        phone = stage.phone("1001", stage.user_voice)
        made = []
        try:
            for before in (postgresql.stop, lambda: None):
                since = product.mark()
                phone.call("9003")
                made.append(product.wait_for("recording.opened", since=since)["recording"])
                before()
                phone.talk(0.5)
                phone.hang_up()
                product.wait_for("recording.sealed", recording=made[-1])
        finally:
            phone.close()
            stage.close()
            postgresql.start()
        for recording_id in made:
            product.wait_for("upload.delivered", recording_id=recording_id)
        with Catalog.open(ours) as catalog:
            assert {record.manifest.recording_id for record in catalog.recordings.list()} == {*made}
            assert [call.result for call in catalog.calls.list()] == ["answered"] * 2
        product.process.terminate()  # its log tells of the database, with traces: not what stop() lets pass
        assert product.process.wait(WAIT_S) == 0


@pytest.mark.parametrize(("table", "key"), [("", "the catalogue"), ("[dubber]\n", "dubber.database_url: the platform")])
def test_a_server_that_is_not_there_is_named(table: str, key: str, tmp_path: Path) -> None:
    """In one sentence, without the password."""
    file = tmp_path / "config.toml"
    file.write_text(f'{table}database_url = "postgresql+psycopg://me:hush@/x?host={tmp_path}"\n', encoding="utf-8")
    ports = [word for name in ("sip", "tls", "http", "dubber") for word in (f"--{name}-port", "0")]
    done = run_command("run", "--config", str(file), "--data-dir", str(tmp_path / "data"), *ports)
    said = [line for line in done.stderr.splitlines() if not line.startswith("{")]
    assert done.returncode == 3
    assert said[0].startswith(f"error: {key}")
    assert "hush" not in done.stderr + done.stdout


def test_the_two_databases_are_not_one(tmp_path: Path) -> None:
    """Some of their tables have the same names."""
    file = tmp_path / "config.toml"
    file.write_text('database_url = "sqlite:///x"\n[dubber]\ndatabase_url = "sqlite:///x"\n', encoding="utf-8")
    done = run_command("config", "check", "--config", str(file))
    assert (done.returncode, "give the platform a database of its own" in done.stderr) == (2, True)


def test_a_password_in_an_address_is_not_shown(tmp_path: Path) -> None:
    """By the command that shows the settings in force."""
    file = tmp_path / "config.toml"
    file.write_text('database_url = "postgresql+psycopg://me:hu:sh@host/x"\n', encoding="utf-8")
    done = run_command("config", "show", "--json", "--config", str(file))
    assert json.loads(done.stdout)["database_url"] == "postgresql+psycopg://me:***@host/x"
