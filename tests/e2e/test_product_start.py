"""Starting under bad conditions: one sentence that says what to do, and the right exit status."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from callmodel.errors import ConfigError
from mediaserver.app.config import load_settings
from tests.support.listening import channels_of
from tests.support.server_process import COMMAND, free_rtp_range, run_command, running
from tests.support.stage import Stage

pytestmark = pytest.mark.e2e

WRONG_USE, COULD_NOT_RUN = 2, 3
FREE_PORTS = ("--sip-port", "0", "--tls-port", "0", "--http-port", "0", "--dubber-port", "0", "--media-workers", "1")


def start(data_dir: Path, *flags: str, env: dict[str, str] | None = None, before: str = "") -> tuple[int, str]:
    """A start that must fail: exit status, and what was said (the last lines are the error)."""
    command = ("bash", "-c", f'{before}; exec "$@"', "bash", *COMMAND) if before else COMMAND
    done = run_command(
        *("run", "--data-dir", str(data_dir), *FREE_PORTS, "--rtp-ports", free_rtp_range(), *flags),
        env=env,
        command=command,
        timeout_s=30,
    )
    said = [line for line in done.stderr.splitlines() if not line.startswith("{")]
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, "\n".join(said)


@pytest.mark.parametrize(
    ("flag", "kind"),
    [
        ("sip", socket.SOCK_DGRAM),
        ("sip", socket.SOCK_STREAM),
        ("tls", socket.SOCK_STREAM),
        ("http", socket.SOCK_STREAM),
        ("dubber", socket.SOCK_STREAM),
    ],
)
def test_a_port_in_use_is_named(tmp_path: Path, flag: str, kind: socket.SocketKind) -> None:
    """Which setting, which port, and what to do."""
    with socket.socket(socket.AF_INET, kind) as taken:
        taken.bind(("127.0.0.1", 0))
        if kind is socket.SOCK_STREAM:
            taken.listen()
        port = taken.getsockname()[1]
        status, said = start(tmp_path / "data", f"--{flag}-port", str(port))
    assert status == COULD_NOT_RUN
    assert f"{flag}_port: " in said
    assert f"port {port}" in said
    assert f"--{flag}-port" in said


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "cannot be read"),
        (b"sip_port = ", "is not TOML"),
        (b'domain = "\xff"', "is not UTF-8"),
        (b"sip_prot = 5060", "sip_prot: no such setting"),
        (b'[recording]\nrefusal = "loud"', "recording.refusal: "),
        (b"drain_s = -1", "drain_s: "),
    ],
)
def test_an_unusable_config_is_told_by_its_key(tmp_path: Path, content: bytes | None, words: str) -> None:
    """Each is a ConfigError, which every command turns into status 2."""
    file = tmp_path / "config.toml"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ConfigError) as error:
        load_settings(file, {})
    assert words in str(error.value)


def test_an_unusable_config_ends_the_command_with_two(tmp_path: Path) -> None:
    """And neither a traceback nor a data directory."""
    status, said = start(tmp_path / "data", "--config", str(tmp_path / "none.toml"))
    assert (status, "cannot be read" in said) == (WRONG_USE, True), said
    assert not (tmp_path / "data").exists()


def test_an_unknown_environment_variable_is_an_error(tmp_path: Path) -> None:
    """A typing error there is not passed over."""
    status, said = start(tmp_path / "data", env={"MEDIASERVER_SIP_PROT": "5060"})
    assert (status, "sip_prot (MEDIASERVER_SIP_PROT): no such setting" in said) == (WRONG_USE, True), said


def test_demo_users_stay_on_this_machine(tmp_path: Path) -> None:
    """On an address that others can reach they are refused, with the way out."""
    status, said = start(tmp_path / "data", "--host", "0.0.0.0", "--demo-users")
    assert (status, "--allow-demo-users" in said) == (WRONG_USE, True), said


def test_demo_users_can_be_allowed(tmp_path: Path) -> None:
    """With the flag the same start is fine."""
    flags = ("--host", "0.0.0.0", "--allow-demo-users", "--advertise", "127.0.0.1")
    with running(tmp_path / "data", flags=flags) as server:
        assert [user["number"] for user in server.info["users"]] == ["1000", "1001", "1002", "1003", "1004", "1005"]


def test_an_unwritable_data_directory_is_told(tmp_path: Path) -> None:
    """A place where nothing can be made (for root too)."""
    status, said = start(Path("/proc/mediaserver-data"))
    assert (status, "data_dir: " in said, "--data-dir" in said) == (COULD_NOT_RUN, True, True), said
    (tmp_path / "file").write_text("", "utf-8")
    status, said = start(tmp_path / "file" / "data")
    assert (status, "cannot be written" in said) == (COULD_NOT_RUN, True), said


def test_a_data_directory_in_use_is_told(tmp_path: Path) -> None:
    """One server a data directory."""
    with running(tmp_path / "data"):
        status, said = start(tmp_path / "data")
    assert (status, "another server runs" in said) == (COULD_NOT_RUN, True), said


def test_too_few_rtp_ports_for_a_call_are_refused(tmp_path: Path) -> None:
    """Two ports are no call."""
    status, said = start(tmp_path / "data", "--rtp-ports", "20000-20001")
    assert (status, "4 ports" in said) == (WRONG_USE, True), said


def test_too_few_file_descriptors_are_told(tmp_path: Path) -> None:
    """How many are needed, and how to get them."""
    status, said = start(tmp_path / "data", before="ulimit -n 200")
    assert (status, "ulimit -n" in said) == (COULD_NOT_RUN, True), said


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 70 MiB of its own; without the right to mount, the test says so and fails in CI only."""
    place = tmp_path / "small"
    place.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=70M", "tmpfs", str(place)], check=False, capture_output=True
    )
    if done.returncode:
        place = Path()
    yield place
    if done.returncode == 0:
        subprocess.run(["umount", "-l", str(place)], check=True)


def test_a_full_disk_at_the_start_is_told(small_disk: Path) -> None:
    """How much is free and how much a server needs."""
    if small_disk == Path():
        _not_run("a full disk at the start")
        return
    (small_disk / "ballast").write_bytes(bytes(20 << 20))
    status, said = start(small_disk / "data")
    assert (status, "MiB are free" in said) == (COULD_NOT_RUN, True), said


def test_a_disk_that_fills_up_ends_the_recording_and_not_the_call(small_disk: Path, tmp_path: Path) -> None:
    """The call goes on (the default), the failure is in the log, /readyz says why, and what was written is kept."""
    if small_disk == Path():
        _not_run("a disk that fills up")
        return
    with running(small_disk / "data", config="[calls]\nmax_load = 1.0\n", flags=("--without", "uploader")) as server:
        stage = Stage(server, tmp_path)
        phone = stage.phone("1001", stage.user_voice, record=str(tmp_path / "heard.wav"))
        try:
            phone.call("9003")
            phone.talk(1.0)
            since = server.mark()
            _fill(small_disk / "ballast")
            server.wait_for("recording.failed", since=since)
            phone.talk(1.0)
            status, page = server.http("/readyz")
            assert (status, "MiB are free" in page) == (503, True), page
            (small_disk / "ballast").unlink()
            phone.hang_up()
            server.wait_for("call.ended", since=since)
        finally:
            phone.close()
            stage.close()
    assert len(channels_of(tmp_path / "heard.wav")[0][0]) > 8000 * 1.8


def _fill(path: Path) -> None:
    with ExitStack() as stack:
        file = stack.enter_context(path.open("wb", buffering=0))
        for size in (1 << 20, 4096, 1):
            try:
                while file.write(bytes(size)):
                    pass
            except OSError:
                continue


def _not_run(what: str) -> None:
    sys.stderr.write(f"{what}: did not run, no right to mount a file system\n")
    assert os.environ.get("CI") != "true", "no right to mount a file system"


def test_info_without_a_server_is_an_error(tmp_path: Path) -> None:
    """Status 3 and what to start."""
    done = run_command("info", "--data-dir", str(tmp_path))
    assert (done.returncode, "mediaserver run" in done.stderr) == (COULD_NOT_RUN, True), done.stderr


def test_the_ready_file_is_what_info_says(tmp_path: Path) -> None:
    """The ready line, --ready-file and `info --json` agree, with every key that programs rely on."""
    ready = tmp_path / "ready.json"
    with running(tmp_path / "data", flags=("--ready-file", str(ready)), pages=True) as server:
        done = run_command("info", "--json", "--data-dir", str(server.data_dir))
        told = json.loads(done.stdout)
        assert told == server.info == json.loads(ready.read_text("utf-8"))
        assert ready.stat().st_mode & 0o077 == 0
        assert sorted(told["sip"]) == ["tcp", "tls", "udp"]
        assert told["webex"]["base"] == f"{told['http']}/v1"
        people = [(login["role"], login["username"]) for login in told["logins"]]
        demo_users = [("user", str(number)) for number in range(1000, 1006)]
        dubber = ("Dubber", told["dubber"]["username"])
        assert people == [("provider", "provider"), ("administrator", "admin"), *demo_users, dubber]
        shown = run_command("info", "--data-dir", str(server.data_dir)).stdout
        for login in told["logins"]:
            assert login["password"] in shown
        assert told["webex"]["token"] in shown
        assert {"http", "data_dir", "users", "dubber", "logins", "sip"} <= set(told)
        wanted = {"base", "ca_file", "client_id", "client_secret", "username", "password", "group_id", "account_id"}
        assert wanted == set(told["dubber"])
        assert [(user["number"], user["mode"]) for user in told["users"]] == [
            ("1000", "Never"),
            ("1001", "Always"),
            ("1002", "Always with Pause/Resume"),
            ("1003", "On Demand"),
            ("1004", "On Demand with User Initiated Start"),
            ("1005", "Always with Pause/Resume"),
        ]
    assert run_command("info", "--data-dir", str(tmp_path / "data")).returncode == COULD_NOT_RUN
