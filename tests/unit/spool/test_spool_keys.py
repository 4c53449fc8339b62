from __future__ import annotations

from pathlib import Path

import pytest

import spool
from spool.keys import key_id, new_data_key
from tests.support.recordings import finished

KEY = bytes(range(32))


@pytest.mark.parametrize("content", [KEY, KEY.hex().encode(), KEY.hex().encode() + b"\n"])
def test_key_file_is_raw_or_hexadecimal(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "key").write_bytes(content)
    assert spool.load_key_file(tmp_path / "key") == KEY


@pytest.mark.parametrize("content", [b"", b"xyz", KEY[:31], KEY.hex().encode()[:62]])
def test_any_other_key_file_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "key").write_bytes(content)
    with pytest.raises(spool.WrongKeyError, match="must hold 32 bytes"):
        spool.load_key_file(tmp_path / "key")


def test_a_key_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(spool.WrongKeyError, match="cannot be read"):
        spool.load_key_file(tmp_path / "none")


def test_a_recordings_key_comes_back_with_the_key_that_wrapped_it(tmp_path: Path) -> None:
    made = new_data_key(tmp_path, KEY, spool.Disk())
    assert spool.read_data_key(tmp_path, KEY) == made
    assert made.hex() not in (tmp_path / "key.json").read_text()


def test_another_key_is_told_by_name(tmp_path: Path) -> None:
    new_data_key(tmp_path, KEY, spool.Disk())
    with pytest.raises(spool.WrongKeyError, match=f"key {key_id(KEY)}, not {key_id(bytes(32))}"):
        spool.read_data_key(tmp_path, bytes(32))


def test_no_key_configured_is_told(tmp_path: Path) -> None:
    directory, _ = finished(tmp_path, at_rest_key=KEY)
    with pytest.raises(spool.WrongKeyError, match="no at-rest key is configured"):
        spool.open_plain(directory)


@pytest.mark.parametrize("content", ["", "{}", '{"wrapped": "zz", "key_id": ""}', "[]"])
def test_a_damaged_key_file_is_corrupt(tmp_path: Path, content: str) -> None:
    (tmp_path / "key.json").write_text(content)
    with pytest.raises(spool.CorruptError):
        spool.read_data_key(tmp_path, KEY)
