"""Keys at rest: one key of the installation wraps one key per recording (RFC 3394).

``key.json`` beside the recording holds the wrapped key; who has the directory
but not the key file has nothing.
"""

from __future__ import annotations

import binascii
import json
import os
from hashlib import sha256
from pathlib import Path

from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap

from spool.disk import Disk
from spool.errors import CorruptError, WrongKeyError, disk_errors

KEY_BYTES = 32
KEY_FILE = "key.json"
_MAX_KEY_FILE_BYTES = 4096


def load_key_file(path: Path) -> bytes:
    """The at-rest key: 32 raw bytes or 64 hexadecimal digits; WrongKeyError says what is wrong with the file."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise WrongKeyError(f"at-rest key file {path} cannot be read: {error.strerror}") from error
    if len(raw) == KEY_BYTES:
        return raw
    try:
        key = binascii.unhexlify(raw.strip())
    except ValueError as error:
        raise WrongKeyError(f"at-rest key file {path} must hold 32 bytes or 64 hexadecimal digits") from error
    if len(key) != KEY_BYTES:
        raise WrongKeyError(f"at-rest key file {path} must hold 32 bytes or 64 hexadecimal digits")
    return key


def key_id(at_rest_key: bytes) -> str:
    """A name for a key that gives nothing of it away."""
    return sha256(b"at-rest-key-id\0" + at_rest_key).hexdigest()[:16]


def new_data_key(directory: Path, at_rest_key: bytes, disk: Disk) -> bytes:
    """Make a recording's own key and leave it, wrapped, in ``key.json``."""
    data_key = os.urandom(KEY_BYTES)
    wrapped = aes_key_wrap(at_rest_key, data_key)
    record = {"version": 1, "wrap": "RFC3394", "key_id": key_id(at_rest_key), "wrapped": wrapped.hex()}
    disk.write(directory / KEY_FILE, (json.dumps(record) + "\n").encode())
    return data_key


def read_data_key(directory: Path, at_rest_key: bytes | None) -> bytes | None:
    """A recording's own key; None when it is not encrypted."""
    path = directory / KEY_FILE
    if not path.exists():
        return None
    with disk_errors(), path.open("rb") as file:
        raw = file.read(_MAX_KEY_FILE_BYTES)
    try:
        record = json.loads(raw)
        wrapped = bytes.fromhex(record["wrapped"])
        locked_with = str(record["key_id"])
    except (ValueError, KeyError, TypeError) as error:
        raise CorruptError(f"{path} is not readable") from error
    if at_rest_key is None:
        raise WrongKeyError(f"{directory.name} is encrypted with key {locked_with}, and no at-rest key is configured")
    try:
        return aes_key_unwrap(at_rest_key, wrapped)
    except (InvalidUnwrap, ValueError) as error:
        mine = key_id(at_rest_key)
        raise WrongKeyError(f"{directory.name} is encrypted with key {locked_with}, not {mine}") from error
