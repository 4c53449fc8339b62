"""``mediaserver info``: what a server leaves in its data directory, and what may be left of one that is gone."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from mediaserver.app.console import CommandError
from mediaserver.app.info import read_info, started_at, write_info

INFO = {"sip": {"udp": "127.0.0.1:5060"}, "users": []}


def test_what_a_running_server_wrote_is_read(tmp_path: Path) -> None:
    """Without the keys that are only for the reader; for this user only, whatever the umask."""
    before = os.umask(0)
    try:
        path = write_info(tmp_path, INFO)
    finally:
        os.umask(before)
    assert read_info(tmp_path) == INFO
    assert [stat.S_IMODE(one.stat().st_mode) for one in (path, path.parent)] == [0o600, 0o700]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        '"x"',
        "nonsense",
        '{"sip": {}}',
        '{"pid": "x", "sip": {}}',
        '{"pid": -1, "sip": {}}',
        '{"pid": 99999999999999999999, "sip": {}}',
        '{"pid": OURS, "process": "another", "sip": {}}',
        '{"pid": OURS, "sip": {}}',
    ],
)
def test_what_no_running_server_wrote_is_one_sentence(tmp_path: Path, text: str) -> None:
    """Damaged files, and a process id that another program has by now."""
    path = write_info(tmp_path, INFO)
    path.write_text(text.replace("OURS", str(os.getpid())), "utf-8")
    with pytest.raises(CommandError) as caught:
        read_info(tmp_path)
    assert "mediaserver run" in str(caught.value) or "cannot be read" in str(caught.value)


def test_a_process_that_is_not_has_no_beginning() -> None:
    """Process 0 is nobody's."""
    assert started_at(0) is None
