"""A recording encrypted at rest: chunks of AES-256-GCM in one file.

::

    offset 0   prelude, 32 bytes: magic "CRMSCHK1", u16 version, u16 head length H, u32 zero, salt[16]
    offset 32  head slot: nonce[12], ciphertext of (u8 final, u64 body bytes, u32 chunks, head[H]), tag[16]
    then       body chunks, as they were written: u32 length (1 to 1 MiB), ciphertext[length], tag[16]

Numbers are big-endian. Head and body have keys of their own, derived from the
recording's key and the salt (HKDF-SHA256), so that no key meets a nonce twice:
a body chunk's nonce is its number, the head's is drawn anew at each rewrite.
The prelude is authenticated with every chunk, the length with its own.

The head is the first H bytes of the plain file (the WAV header). It can be
rewritten; the body only grows. The final head binds body length and chunk
count: a file that was cut short does not open, except for salvage.
"""

from __future__ import annotations

import io
import os
import struct
from bisect import bisect_right
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from spool.errors import CorruptError, disk_errors

MAGIC = b"CRMSCHK1"
VERSION = 1
MAX_CHUNK_BYTES = 1 << 20
MAX_HEAD_BYTES = 4096

_PRELUDE = struct.Struct(">8sHHI16s")
_TOTALS = struct.Struct(">BQI")
_LENGTH = struct.Struct(">I")
_NONCE_BYTES = 12
_TAG_BYTES = 16
_CHUNK_OVERHEAD = _LENGTH.size + _TAG_BYTES


@dataclass(frozen=True, slots=True, kw_only=True)
class _Keys:
    prelude: bytes
    head_bytes: int
    head: AESGCM
    body: AESGCM

    @classmethod
    def derive(cls, data_key: bytes, prelude: bytes) -> Self:
        magic, version, head_bytes, _, salt = _PRELUDE.unpack(prelude)
        if magic != MAGIC or version != VERSION or not 0 < head_bytes <= MAX_HEAD_BYTES:
            raise CorruptError("not an encrypted recording of a known version")
        both = HKDF(algorithm=SHA256(), length=64, salt=salt, info=MAGIC).derive(data_key)
        return cls(prelude=prelude, head_bytes=head_bytes, head=AESGCM(both[:32]), body=AESGCM(both[32:]))

    @property
    def head_slot_bytes(self) -> int:
        return _NONCE_BYTES + _TOTALS.size + self.head_bytes + _TAG_BYTES

    @property
    def body_offset(self) -> int:
        return _PRELUDE.size + self.head_slot_bytes

    def seal_head(self, head: bytes, *, final: bool, body_bytes: int, chunks: int) -> bytes:
        nonce = os.urandom(_NONCE_BYTES)
        plain = _TOTALS.pack(final, body_bytes, chunks) + head
        return nonce + self.head.encrypt(nonce, plain, self.prelude)

    def open_head(self, slot: bytes) -> tuple[bool, int, int, bytes]:
        """Final, body bytes, chunks, head."""
        plain = self.head.decrypt(slot[:_NONCE_BYTES], slot[_NONCE_BYTES:], self.prelude)
        final, body_bytes, chunks = _TOTALS.unpack_from(plain)
        return bool(final), body_bytes, chunks, plain[_TOTALS.size :]

    def seal_chunk(self, number: int, data: bytes) -> bytes:
        length = _LENGTH.pack(len(data))
        return length + self.body.encrypt(number.to_bytes(_NONCE_BYTES, "big"), data, self.prelude + length)

    def open_chunk(self, number: int, sealed: bytes) -> bytes:
        length = _LENGTH.pack(len(sealed) - _TAG_BYTES)
        return self.body.decrypt(number.to_bytes(_NONCE_BYTES, "big"), sealed, self.prelude + length)


class ChunkWriter:
    """Writes one encrypted file. Every ``append`` is at once a whole chunk in the file."""

    def __init__(self, path: Path, data_key: bytes, head: bytes) -> None:
        prelude = _PRELUDE.pack(MAGIC, VERSION, len(head), 0, os.urandom(16))
        self._keys = _Keys.derive(data_key, prelude)
        self._head = head
        self._chunks = 0
        self.body_bytes = 0
        with disk_errors():
            self._file = create(path)
            write_all(self._file, prelude + self._keys.seal_head(head, final=False, body_bytes=0, chunks=0))

    def append(self, data: bytes) -> None:
        """Add plain bytes after what is there; pieces over 1 MiB become several chunks."""
        with disk_errors():
            for start in range(0, len(data), MAX_CHUNK_BYTES):
                piece = bytes(data[start : start + MAX_CHUNK_BYTES])
                write_whole(self._file, self._keys.seal_chunk(self._chunks, piece))
                self._chunks += 1
                self.body_bytes += len(piece)

    def set_head(self, head: bytes) -> None:
        """Replace the head; it reaches the disk with ``finish``."""
        if len(head) != self._keys.head_bytes:
            raise ValueError(f"the head is {self._keys.head_bytes} bytes long, not {len(head)}")
        self._head = head

    def finish(self) -> None:
        """Write the final head, sync and close. Without it the file opens for salvage only."""
        final = self._keys.seal_head(self._head, final=True, body_bytes=self.body_bytes, chunks=self._chunks)
        with disk_errors():
            self._file.seek(_PRELUDE.size)
            write_all(self._file, final)
            os.fsync(self._file.fileno())
            self._file.close()

    def abandon(self) -> None:
        """Close as it is, for salvage or unlinking."""
        with disk_errors():
            self._file.close()


class ChunkReader(io.RawIOBase):
    """The plain bytes of a finished encrypted file; seeks anywhere, holds one chunk in memory."""

    def __init__(self, path: Path, data_key: bytes) -> None:
        super().__init__()
        with disk_errors():
            self._file: BinaryIO = path.open("rb")
        try:
            self._open(data_key)
        except BaseException:
            self._file.close()
            raise

    def _open(self, data_key: bytes) -> None:
        self._keys = read_prelude(self._file, data_key)
        try:
            final, body_bytes, chunks, head = self._keys.open_head(self._file.read(self._keys.head_slot_bytes))
        except (InvalidTag, ValueError) as error:
            raise CorruptError("the head of an encrypted recording is damaged") from error
        if not final:
            raise CorruptError("an encrypted recording was never finished")
        self._starts, self._offsets = scan_chunks(self._file, self._keys, limit=chunks)
        if len(self._offsets) != chunks or body_bytes > self._starts[-1]:
            raise CorruptError("an encrypted recording was cut short")
        self._head = head
        self.size_bytes = len(head) + body_bytes
        self._at = 0
        self._cached = (-1, b"")

    def readable(self) -> bool:
        """True."""
        return True

    def seekable(self) -> bool:
        """True."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move in the plain file."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self.size_bytes}[whence]
        if base + offset < 0:
            raise ValueError("negative position in file")
        self._at = base + offset
        return self._at

    def tell(self) -> int:
        """Where the next read starts."""
        return self._at

    def readinto(self, buffer: object, /) -> int:
        """Fill up to the end of one chunk."""
        view = memoryview(buffer).cast("B")  # type: ignore[arg-type]
        piece = self._piece(self._at, min(len(view), self.size_bytes - self._at))
        view[: len(piece)] = piece
        self._at += len(piece)
        return len(piece)

    def close(self) -> None:
        """Close the file beneath."""
        if not self.closed:
            self._file.close()
        super().close()

    def _piece(self, at: int, length: int) -> bytes:
        if length <= 0:
            return b""
        if at < len(self._head):
            return self._head[at : at + length]
        in_body = at - len(self._head)
        number = bisect_right(self._starts, in_body) - 1
        start = in_body - self._starts[number]
        return self._chunk(number)[start : start + length]

    def _chunk(self, number: int) -> bytes:
        if self._cached[0] != number:
            length = self._starts[number + 1] - self._starts[number]
            with disk_errors():
                self._file.seek(self._offsets[number] + _LENGTH.size)
                sealed = self._file.read(length + _TAG_BYTES)
            try:
                self._cached = (number, self._keys.open_chunk(number, sealed))
            except (InvalidTag, ValueError) as error:
                raise CorruptError(f"chunk {number} of an encrypted recording is damaged") from error
        return self._cached[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """What of an unfinished file can be vouched for."""

    chunks: int
    body_bytes: int
    file_bytes: int
    """Where the last whole chunk ends in the encrypted file."""


def whole_chunks(path: Path, data_key: bytes) -> Whole:
    """Decrypt chunk after chunk up to the first that is torn or changed.

    A file too short to hold any chunk has none; CorruptError when its prelude is not one.
    """
    with disk_errors(), path.open("rb") as file:
        if file.seek(0, io.SEEK_END) < _PRELUDE.size:
            return Whole(chunks=0, body_bytes=0, file_bytes=0)
        file.seek(0)
        keys = read_prelude(file, data_key)
        starts, offsets = scan_chunks(file, keys)
        for number, offset in enumerate(offsets):
            file.seek(offset + _LENGTH.size)
            try:
                keys.open_chunk(number, file.read(starts[number + 1] - starts[number] + _TAG_BYTES))
            except InvalidTag:
                return Whole(chunks=number, body_bytes=starts[number], file_bytes=offset)
    end = offsets[-1] + _CHUNK_OVERHEAD + starts[-1] - starts[-2] if offsets else keys.body_offset
    return Whole(chunks=len(offsets), body_bytes=starts[-1], file_bytes=end)


def final_head(path: Path, data_key: bytes, head: bytes, *, body_bytes: int, chunks: int) -> tuple[int, bytes]:
    """Offset and bytes that finish a salvaged file. ``body_bytes`` may end inside the last chunk."""
    with disk_errors(), path.open("rb") as file:
        keys = read_prelude(file, data_key)
    return _PRELUDE.size, keys.seal_head(head, final=True, body_bytes=body_bytes, chunks=chunks)


def read_prelude(file: BinaryIO, data_key: bytes) -> _Keys:
    """Keys of the file at hand; leaves the position at the head slot."""
    prelude = file.read(_PRELUDE.size)
    if len(prelude) < _PRELUDE.size:
        raise CorruptError("an encrypted recording without its prelude")
    return _Keys.derive(data_key, prelude)


def scan_chunks(file: BinaryIO, keys: _Keys, limit: int | None = None) -> tuple[list[int], list[int]]:
    """Plain start of every chunk (and of the end), and its offset in the file; stops at the first that does not fit."""
    size = file.seek(0, io.SEEK_END)
    offset = keys.body_offset
    starts, offsets = [0], list[int]()
    while offset + _CHUNK_OVERHEAD <= size and (limit is None or len(offsets) < limit):
        file.seek(offset)
        (length,) = _LENGTH.unpack(file.read(_LENGTH.size))
        if not 0 < length <= MAX_CHUNK_BYTES or offset + _CHUNK_OVERHEAD + length > size:
            break
        offsets.append(offset)
        starts.append(starts[-1] + length)
        offset += _CHUNK_OVERHEAD + length
    return starts, offsets


def write_all(file: io.RawIOBase | BinaryIO, data: bytes) -> None:
    """Write every byte to an unbuffered file; a short write is what a full disk looks like, so the rest is tried."""
    view = memoryview(data)
    while view:
        written = file.write(view)
        view = view[written:]


def write_whole(file: io.FileIO, data: bytes) -> None:
    """Write at the end all of it or nothing: what a full disk took is cut off again, and a later try starts clean."""
    end = file.tell()
    try:
        write_all(file, data)
    except OSError:
        with suppress(OSError):
            file.truncate(end)
            file.seek(end)
        raise


def create(path: Path) -> io.FileIO:
    """A new unbuffered file that only this user may read."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    return io.FileIO(handle, "r+b")
