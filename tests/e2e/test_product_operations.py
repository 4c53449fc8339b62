"""A running product in the hands of its operator: users, recordings, uploads, metrics, drain, IPv6, synthetic calls."""

from __future__ import annotations

import hashlib
import json
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from callmodel.manifest import RecordingManifest
from tests.support.phones import PjsuaPhone
from tests.support.server_process import ServerProcess, run_command, running
from tests.support.stage import Stage

pytestmark = pytest.mark.e2e

CONFIG = "[calls]\nmax_load = 1.0\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """One server for all that leaves it running."""
    with running(tmp_path_factory.mktemp("operations") / "data", config=CONFIG) as one:
        yield one


@pytest.fixture
def phone(server: ServerProcess, tmp_path: Path) -> Iterator[PjsuaPhone]:
    """1001, who is always recorded."""
    stage = Stage(server, tmp_path)
    one = stage.phone("1001", stage.user_voice, record=str(tmp_path / "heard.wav"))
    yield one
    one.close()
    stage.close()


def command(server: ServerProcess, *words: str) -> subprocess.CompletedProcess[str]:
    """A command beside the running server."""
    return run_command(*words, "--data-dir", str(server.data_dir))


def one_recording(server: ServerProcess, phone: PjsuaPhone, seconds: float = 1.0) -> str:
    """Call 9003, hang up; the id of what was recorded and delivered."""
    since = server.mark()
    phone.call("9003")
    phone.talk(seconds)
    phone.hang_up()
    opened = server.wait_for("recording.opened", since=since, user=phone.number)
    server.wait_for("upload.delivered", since=since, recording_id=opened["recording"])
    return str(opened["recording"])


# --- users ------------------------------------------------------------------------------------------


def test_a_mode_that_is_set_is_that_of_the_next_call(server: ServerProcess, tmp_path: Path) -> None:
    """1000 is never recorded; after `users set --mode Always` it is, without a restart and without a new REGISTER."""
    stage = Stage(server, tmp_path)
    phone = stage.phone("1000", stage.user_voice)
    try:
        phone.call("9009")
        phone.talk(0.3)
        phone.hang_up()
        assert server.recordings(user="1000") == []
        since = server.mark()
        done = command(server, "users", "set", "1000", "--mode", "Always")
        assert done.returncode == 0, done.stderr
        server.wait_for("subscribers.reloaded", since=since)
        recording_id = one_recording(server, phone)
        assert [record.manifest.recording_id for record in server.recordings(user="1000")] == [recording_id]
    finally:
        phone.close()
        stage.close()


def test_of_a_bad_file_nothing_is_imported(server: ServerProcess, tmp_path: Path) -> None:
    """Status 2; row and column are named; the good row before it is not there either."""
    file = tmp_path / "people.csv"
    file.write_text("number,mode,reminder_s\n4001,Always,15\n4002,Sometimes,15\n", "utf-8")
    done = command(server, "users", "import", str(file))
    assert done.returncode == 2
    assert "mode" in done.stderr
    assert "3" in done.stderr or "2" in done.stderr
    assert server.catalog.subscribers.get("4001") is None


def test_an_export_can_be_imported_elsewhere(server: ServerProcess, tmp_path: Path) -> None:
    """The same subscribers with the same settings, on a stopped server, once it has a group."""
    file = tmp_path / "people.yaml"
    assert command(server, "users", "export", str(file)).returncode == 0
    (tmp_path / "other").mkdir()
    words = ("users", "import", str(file), "--data-dir", str(tmp_path / "other"), "--json")
    refused = run_command(*words)
    assert (refused.returncode, "group_id in the table [uploader]" in refused.stderr) == (2, True), refused.stderr
    done = run_command(*words, env={"MEDIASERVER_UPLOADER__GROUP_ID": "g-1"})
    assert done.returncode == 0, done.stderr
    here = {subscriber.number: subscriber.recording for subscriber in server.catalog.subscribers.list()}
    again = run_command("users", "list", "--json", "--data-dir", str(tmp_path / "other"))
    assert {entry["number"]: entry["recording"]["mode"] for entry in json.loads(again.stdout)} == {
        number: recording.mode for number, recording in here.items()
    }


# --- recordings and uploads -----------------------------------------------------------------------------


def test_a_recording_is_exported_verified_and_listed(server: ServerProcess, phone: PjsuaPhone, tmp_path: Path) -> None:
    """The exported WAV has the manifest's digest; a changed byte on disk is found."""
    recording_id = one_recording(server, phone)
    assert command(server, "recordings", "export", recording_id, str(tmp_path)).returncode == 0
    manifest = RecordingManifest.from_json((tmp_path / f"{recording_id}.json").read_bytes())
    assert hashlib.sha256((tmp_path / f"{recording_id}.wav").read_bytes()).hexdigest() == manifest.audio.sha256
    assert command(server, "recordings", "verify").returncode == 0
    uploads = json.loads(command(server, "uploads", "list", "--json").stdout)
    assert {job["recording_id"]: job["state"] for job in uploads}[recording_id] == "done"
    record = server.catalog.recordings.get(recording_id)
    assert record is not None
    audio = bytearray((record.path / "audio.wav").read_bytes())
    audio[5000] ^= 1
    (record.path / "audio.wav").write_bytes(audio)
    done = command(server, "recordings", "verify", recording_id)
    assert (done.returncode, recording_id in done.stdout) == (1, True), done.stdout
    audio[5000] ^= 1
    (record.path / "audio.wav").write_bytes(audio)


def test_what_there_is_not_is_wrong_use(server: ServerProcess) -> None:
    """Unknown recordings and deliveries: status 2 and one sentence."""
    for words in (("recordings", "show", "r-none"), ("uploads", "retry", "r-none"), ("users", "remove", "none")):
        done = command(server, *words)
        assert (done.returncode, done.stderr.startswith("error: ")) == (2, True), done.stderr


# --- metrics, health, IPv6, synthetic calls -----------------------------------------------------------------


def test_metrics_count_calls(server: ServerProcess, phone: PjsuaPhone) -> None:
    """Live calls go up and down; health and readiness answer."""
    phone.call("9009")
    assert '\nmediaserver_calls{kind=""} 1.0' in server.http("/metrics")[1]
    since = server.mark()
    phone.hang_up()
    server.wait_for("call.ended", since=since)
    status, text = server.http("/metrics")
    assert status == 200
    assert '\nmediaserver_calls{kind=""} 0.0' in text
    assert server.http("/healthz")[0] == 200
    assert json.loads(server.http("/readyz")[1]) == {"status": "ready", "problems": []}


CALLS = (
    (("--to", "9003", "--expect", "answered", "--expect", "tone:1004:0"), 0),
    (("--to", "9006", "--expect", "busy"), 0),
    (("--to", "9003", "--expect", "tone:440"), 1),
    (("--to", "9003", "--expect", "music"), 2),
    (("--to", "9003", "--server", "localhost"), 2),
    (("--to", "9 003"), 2),
    (("--to", "9003", "--local", "192.0.2.1"), 3),
    (("--to", "9003", "--local", "::1"), 3),
)


@pytest.mark.parametrize(
    ("words", "status"),
    CALLS,
    ids=["met", "busy", "unmet", "unknown-word", "no-port", "no-number", "not-ours", "version"],
)
def test_a_synthetic_call_ends_with_its_status(server: ServerProcess, words: tuple[str, ...], status: int) -> None:
    """0 when every expectation is met, 1 when one is not, 2 for wrong use."""
    done = command(server, "call", "--from", "1002", "--duration", "1", *words)
    assert done.returncode == status, done.stdout + done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("host", ["localhost", "[::1]"])
def test_a_synthetic_call_finds_its_own_address(server: ServerProcess, host: str) -> None:
    """The server by name, or in the other IP version."""
    where = ("--server", f"{host}:{server.sip_port}")
    done = command(server, "call", "--from", "1002", "--to", "9003", "--duration", "1", *where)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_synthetic_call_without_a_server_cannot_run(tmp_path: Path) -> None:
    """Status 3."""
    done = run_command("call", "--from", "1002", "--to", "9003", "--data-dir", str(tmp_path))
    assert (done.returncode, "no server runs" in done.stderr) == (3, True), done.stderr


def test_a_phone_on_ipv6_registers_and_calls(server: ServerProcess) -> None:
    """Over ::1: registered, answered, heard; and recorded like any other."""
    before = len(server.recordings(user="1001"))
    since = server.mark()
    where = ("--server", f"[::1]:{server.sip_port}", "--local", "::1")
    words = ("--from", "1001", "--to", "9003", "--duration", "1", "--expect", "tone:1004")
    done = command(server, "call", *words, *where)
    assert done.returncode == 0, done.stdout + done.stderr
    opened = server.wait_for("recording.opened", since=since, user="1001")
    server.wait_for("upload.delivered", since=since, recording_id=opened["recording"])
    assert len(server.recordings(user="1001")) == before + 1


# --- stop ---------------------------------------------------------------------------------------------------


def test_a_drain_lets_calls_finish_and_takes_no_new_ones(tmp_path: Path) -> None:
    """After SIGTERM a new call gets 503; the running one is recorded to its own end; then the server is gone."""
    with running(tmp_path / "data", config=CONFIG, flags=("--drain", "60")) as server:
        stage = Stage(server, tmp_path)
        one, other = stage.phone("1001", stage.user_voice), stage.phone("1002", stage.user_voice)
        try:
            one.call("9003")
            opened = server.wait_for("recording.opened", user="1001")
            server.process.send_signal(signal.SIGTERM)
            server.wait_for("server.draining")
            other.do("call", to="9003")
            assert other.wait("over")["code"] == 503
            assert server.http("/readyz")[0] == 503
            one.talk(1.5)
            one.hang_up()
            assert server.process.wait(30) == 0
        finally:
            one.close()
            other.close()
            stage.close()
        server.log.join()
        assert server.troubles() == []
        (record,) = server.recordings()
        assert record.manifest.recording_id == opened["recording"]
        assert not record.manifest.salvaged
        assert record.manifest.duration_ms > 1500


def test_a_stop_without_drain_ends_calls_with_bye_and_seals_them(tmp_path: Path) -> None:
    """The phone is hung up on; the recording is whole, and no salvage was needed."""
    with running(tmp_path / "data", config=CONFIG) as server:
        stage = Stage(server, tmp_path)
        phone = stage.phone("1001", stage.user_voice)
        try:
            phone.call("9003")
            server.wait_for("recording.opened", user="1001")
            phone.talk(1.0)
            server.process.send_signal(signal.SIGTERM)
            phone.wait("over", code=200)
            assert server.process.wait(30) == 0
        finally:
            phone.close()
            stage.close()
        (record,) = server.recordings()
        assert not record.manifest.salvaged
        assert record.manifest.duration_ms > 900
