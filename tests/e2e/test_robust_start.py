"""What goes wrong just after everything listens ends the server, or does not, but never leaves half of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.server_process import free_rtp_range, run_command

pytestmark = pytest.mark.e2e


PORTS = [word for name in ("sip", "tls", "http", "dubber") for word in (f"--{name}-port", "0")]


def test_a_region_that_cannot_be_is_told_under_its_own_name(tmp_path: Path) -> None:
    """And not as a port's fault."""
    config = tmp_path / "media.toml"
    config.write_text('[dubber]\nregion = "app"\n', "utf-8")
    done = run_command("run", "--data-dir", str(tmp_path / "data"), "--config", str(config), *PORTS)
    assert done.returncode == 3
    assert done.stderr.strip().endswith("error: dubber.region: region cannot be app: that is where the pages are")


def test_a_ready_file_that_cannot_be_written_ends_the_server(tmp_path: Path) -> None:
    """One sentence, status 3, and no worker is left behind to wait for."""
    file = tmp_path / "nowhere" / "ready.json"
    done = run_command(
        "run",
        *("--data-dir", str(tmp_path / "data"), "--media-workers", "1", "--rtp-ports", free_rtp_range(), *PORTS),
        *("--ready-file", str(file)),
    )
    assert done.returncode == 3
    assert f"error: --ready-file: {file} cannot be written: No such file or directory" in done.stderr
    assert "Traceback" not in done.stderr
