"""The few file-system operations a recording's life is made of, one at a time.

They are one class so that a test can stop the world after any one of them.
Every write is synced before it returns; a directory is synced by its own call.
"""

from __future__ import annotations

import os
from pathlib import Path

from spool.errors import disk_errors


class Disk:
    """The real disk. OSErrors come out as SpoolErrors."""

    def make_dir(self, path: Path) -> None:
        """Make a directory for this user only; one that is there already is fine."""
        with disk_errors():
            path.mkdir(mode=0o700, parents=True, exist_ok=True)

    def write(self, path: Path, data: bytes) -> None:
        """Write a whole small file and sync it."""
        with disk_errors():
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())

    def overwrite(self, path: Path, offset: int, data: bytes) -> None:
        """Replace bytes inside a file and sync it."""
        with disk_errors(), path.open("r+b") as file:
            file.seek(offset)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())

    def truncate(self, path: Path, size: int) -> None:
        """Cut a file to ``size`` bytes and sync it."""
        with disk_errors(), path.open("r+b") as file:
            file.truncate(size)
            os.fsync(file.fileno())

    def sync_file(self, path: Path) -> None:
        """Bring a file's bytes to the platter."""
        with disk_errors():
            _fsync(path)

    def sync_dir(self, path: Path) -> None:
        """Bring a directory's names to the platter."""
        with disk_errors():
            _fsync(path)

    def rename(self, source: Path, target: Path) -> None:
        """Give a file or directory another name, atomically."""
        with disk_errors():
            source.rename(target)

    def unlink(self, path: Path) -> None:
        """Remove a file; one that is gone already is fine."""
        with disk_errors():
            path.unlink(missing_ok=True)

    def remove_dir(self, path: Path) -> None:
        """Remove an empty directory."""
        with disk_errors():
            path.rmdir()


def _fsync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
