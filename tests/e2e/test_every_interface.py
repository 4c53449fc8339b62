"""The server as a container runs it: listening on every interface, told which address phones use."""

from __future__ import annotations

import re
import stat
from collections.abc import Iterator

import pytest

from mediaserver.app.metrics import METRICS
from tests.support.server_process import ServerProcess, run_command, running

pytestmark = pytest.mark.e2e

FLAGS = ("--host", "0.0.0.0", "--advertise", "127.0.0.1", "--allow-demo-users")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """In a data directory that others may enter, after one recorded call."""
    data_dir = tmp_path_factory.mktemp("every-interface") / "data"
    data_dir.mkdir(mode=0o755)
    with running(data_dir, flags=FLAGS) as server:
        call = ("call", "--data-dir", str(data_dir), "--from", "1001", "--to", "9002", "--duration", "1")
        done = run_command(*call)
        assert done.returncode == 0, done.stderr
        server.wait_for("upload.delivered")
        yield server


def test_info_names_addresses_that_can_be_used(server: ServerProcess) -> None:
    """Not the one that means every interface."""
    told = [*server.info["sip"].values(), server.info["http"], server.info["dubber"]["base"]]
    assert all("127.0.0.1:" in address for address in told)


def test_the_recording_is_delivered(server: ServerProcess) -> None:
    """The uploader reaches the platform under a name that its certificate has."""
    (recording,) = server.recordings()
    assert server.upload(recording.manifest.recording_id).remote_id == "1"


def test_files_are_for_the_servers_user_only(server: ServerProcess) -> None:
    """Whatever the data directory's own mode is."""
    server.close_catalog()
    open_to_others = [
        str(path.relative_to(server.data_dir))
        for path in server.data_dir.rglob("*")
        if path.is_file() and stat.S_IMODE(path.stat().st_mode) & 0o077
    ]
    assert open_to_others == []


def test_the_metrics_page_has_what_the_documentation_lists(server: ServerProcess) -> None:
    """Names and kinds, nothing more; and the call that was made is counted."""
    status, text = server.http("/metrics")
    assert status == 200
    assert dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE)) == {
        metric.exposed_name: metric.kind for metric in METRICS
    }
    assert 'mediaserver_calls_started_total{kind=""} 1.0' in text
    assert 'mediaserver_uploads{kind="done"} 1.0' in text
