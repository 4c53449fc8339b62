"""What is looked at before a server starts: each finding names its setting and says what to do."""

from __future__ import annotations

import socket
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest

from callmodel.errors import ConfigError, StartError
from mediaserver.app.config import Settings
from mediaserver.app.preflight import check_files, check_machine


def settings(**tables: Any) -> Settings:
    """Of a file that says this."""
    return Settings.model_validate(tables)


def bound(stack: ExitStack, port: int) -> int:
    """A UDP port that somebody has."""
    taken = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    taken.bind(("127.0.0.1", port))
    port_taken: int = taken.getsockname()[1]
    return port_taken


def test_rtp_ports_that_another_program_has_are_told_before_a_call_needs_them() -> None:
    with ExitStack() as stack:
        first = bound(stack, 0)
        low = min(first - first % 2, 65532)
        for port in range(low, low + 4):
            with suppress(OSError):  # ours already, or somebody else's: just as well
                bound(stack, port)
        with pytest.raises(StartError, match=f"^rtp_ports: 0 of the 2 pairs of ports in {low}-{low + 3} are free"):
            check_machine(settings(rtp_ports=f"{low}-{low + 3}"))


def test_an_address_of_another_machine_is_told() -> None:
    with pytest.raises(StartError, match=r"^host: 192\.0\.2\.1 cannot be listened on: .*--host"):
        check_machine(settings(host="192.0.2.1"))


@pytest.mark.parametrize(
    ("tables", "told"),
    [
        ({"recording": {"at_rest_key_file": "none.key"}}, "recording.at_rest_key_file: .*cannot be read"),
        ({"recording": {"prompts_dir": "none"}}, "recording.prompts_dir: .*is not a directory"),
        ({"without": ("dubber-platform",)}, "uploader.base_url is empty"),
    ],
)
def test_what_a_setting_names_must_be_there(tables: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError, match=f"^{told}"):
        check_files(settings(**tables))


def test_a_ca_file_that_cannot_be_read_is_told() -> None:
    needed = dict.fromkeys(("client_id", "client_secret", "username", "password", "group_id"), "x")
    uploader = {"base_url": "https://api.example.com/eu1/v1", "ca_file": "none.pem", **needed}
    with pytest.raises(ConfigError, match=r"^uploader\.ca_file: none\.pem cannot be used: No such file"):
        check_files(settings(uploader=uploader))


def test_what_is_not_named_need_not_be_there(tmp_path: Path) -> None:
    check_files(settings(without=("dubber-platform", "uploader")))
    check_files(settings())
