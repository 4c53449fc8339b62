"""Writing a file of an open recording: the same four verbs whether it is encrypted or not."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Protocol

from spool.chunks import ChunkWriter, create, write_all, write_whole
from spool.errors import disk_errors


class PartWriter(Protocol):
    """A file with a head that may be rewritten and a body that only grows. Used by one thread."""

    body_bytes: int

    def append(self, data: bytes) -> None:
        """Add bytes to the body; they are in the file (not yet on the platter) when this returns."""

    def set_head(self, head: bytes) -> None:
        """Replace the head, same length; it reaches the disk with ``finish``."""

    def finish(self) -> None:
        """Write the head, sync and close."""

    def abandon(self) -> None:
        """Close as it is."""


class PlainWriter:
    """The file as it is, unencrypted."""

    def __init__(self, path: Path, head: bytes) -> None:
        self._head = head
        self.body_bytes = 0
        with disk_errors():
            self._file = create(path)
            write_all(self._file, head)

    def append(self, data: bytes) -> None:
        """Add bytes to the body."""
        with disk_errors():
            write_whole(self._file, data)
        self.body_bytes += len(data)

    def set_head(self, head: bytes) -> None:
        """Replace the head, same length."""
        if len(head) != len(self._head):
            raise ValueError(f"the head is {len(self._head)} bytes long, not {len(head)}")
        self._head = head

    def finish(self) -> None:
        """Write the head, sync and close."""
        with disk_errors():
            self._file.seek(0)
            write_all(self._file, self._head)
            os.fsync(self._file.fileno())
            self._file.close()

    def abandon(self) -> None:
        """Close as it is."""
        with disk_errors():
            self._file.close()


def open_writer(path: Path, *, head: bytes, data_key: bytes | None) -> PartWriter:
    """A new file (it must not exist) with ``head`` already in it; encrypted when a key is given."""
    if data_key is None:
        return PlainWriter(path, head)
    return ChunkWriter(path, data_key, head)


class WriterFile(io.RawIOBase):
    """A PartWriter as a file object, for encoders that go back to complete their header (FLAC: the first 42 bytes).

    Seeking back and writing inside the head is allowed, inside the body it is an OSError.
    """

    def __init__(self, writer: PartWriter, head_bytes: int) -> None:
        super().__init__()
        self._writer = writer
        self._head = bytearray(head_bytes)
        self._at = 0

    def writable(self) -> bool:
        """True."""
        return True

    def seekable(self) -> bool:
        """True."""
        return True

    def tell(self) -> int:
        """Where the next write goes."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move; the next write decides whether the place is allowed."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: len(self._head) + self._writer.body_bytes}[whence]
        self._at = max(0, base + offset)
        return self._at

    def write(self, data: object, /) -> int:
        """Write at the place sought: into the head, and on from the body's end."""
        raw = bytes(data)  # type: ignore[call-overload]
        into_head = raw[: max(0, len(self._head) - self._at)]
        self._head[self._at : self._at + len(into_head)] = into_head
        self._at += len(into_head)
        rest = raw[len(into_head) :]
        if rest:
            if self._at != len(self._head) + self._writer.body_bytes:
                raise OSError("only the head of a recording can be rewritten")
            self._writer.append(rest)
            self._at += len(rest)
        return len(raw)

    def close(self) -> None:
        """Finish the file beneath, once."""
        if not self.closed:
            self._writer.set_head(bytes(self._head))
            self._writer.finish()
        super().close()
