"""The server as a container runs it: listening on every interface, told which address phones use."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from tests.support.server_process import run_command, running

pytestmark = pytest.mark.e2e


def test_a_recording_is_delivered_and_files_are_private_when_listening_everywhere(tmp_path: Path) -> None:
    """``info`` names addresses that can be used, the uploader reaches the platform under a name its certificate has,
    and what the server writes is for its own user only, in a data directory that others may enter."""
    data_dir = tmp_path / "data"
    data_dir.mkdir(mode=0o755)
    flags = ("--host", "0.0.0.0", "--advertise", "127.0.0.1", "--allow-demo-users")
    with running(data_dir, flags=flags) as server:
        told = [*server.info["sip"].values(), server.info["http"], server.info["dubber"]["base"]]
        assert all("127.0.0.1:" in address for address in told)
        call = ("call", "--data-dir", str(data_dir), "--from", "1001", "--to", "9002", "--duration", "1")
        done = run_command(*call)
        assert done.returncode == 0, done.stderr
        entry = server.wait_for("upload.delivered")
        (recording,) = server.recordings()
        assert entry["recording_id"] == recording.manifest.recording_id
        server.close_catalog()
        open_to_others = [
            str(path.relative_to(data_dir))
            for path in data_dir.rglob("*")
            if path.is_file() and stat.S_IMODE(path.stat().st_mode) & 0o077
        ]
        assert open_to_others == []
