"""Reading a finished recording, encrypted or not, as plain bytes."""

from __future__ import annotations

import io
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO, cast

from spool.chunks import MAGIC, ChunkReader
from spool.errors import CorruptError, WrongKeyError, disk_errors
from spool.keys import read_data_key
from spool.layout import AUDIO_FILE, read_manifest

_BLOCK_BYTES = 256 * 1024


def open_plain(directory: Path, *, at_rest_key: bytes | None = None, name: str = AUDIO_FILE) -> BinaryIO:
    """A seekable binary reader of one of the recording's files; CorruptError and WrongKeyError as they apply."""
    return open_part(directory / name, read_data_key(directory, at_rest_key))


def open_part(path: Path, data_key: bytes | None) -> BinaryIO:
    """As :func:`open_plain`, by path and with the recording's own key."""
    if data_key is not None:
        return cast(BinaryIO, io.BufferedReader(ChunkReader(path, data_key), _BLOCK_BYTES))
    with disk_errors():
        file = path.open("rb")
    if file.read(len(MAGIC)) == MAGIC:
        file.close()
        raise WrongKeyError(f"{path} is encrypted and its key.json is gone")
    file.seek(0)
    return file


def digest(path: Path, data_key: bytes | None) -> tuple[int, str]:
    """Size and SHA-256 (hexadecimal) of the plain bytes of a file."""
    total, hasher = 0, sha256()
    with disk_errors(), open_part(path, data_key) as file:
        while block := file.read(_BLOCK_BYTES):
            total += len(block)
            hasher.update(block)
    return total, hasher.hexdigest()


def verify(directory: Path, *, at_rest_key: bytes | None = None) -> None:
    """Read a finished recording whole; CorruptError when a file is not what its manifest says."""
    manifest = read_manifest(directory)
    data_key = read_data_key(directory, at_rest_key)
    for facts in (manifest.audio, manifest.heard):
        if facts is None:
            continue
        found = digest(directory / facts.file, data_key)
        if found != (facts.size_bytes, facts.sha256):
            raise CorruptError(f"{facts.file} is not what the manifest says: size or digest differ")
