"""Several recordings as one ZIP file, written while it is sent: it is never whole in memory or on the disk."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

COPY_BYTES: Final = 256 * 1024
OLDEST: Final = (1980, 1, 1, 0, 0, 0)
"""The format knows no earlier time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One file of the bundle."""

    name: str
    path: Path
    at: datetime


class _Sink:
    """A file that only grows; what was written is taken away from time to time."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._parts.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Nothing is held back."""

    def take(self) -> bytes:
        taken = b"".join(self._parts)
        self._parts.clear()
        return taken


def zipped(entries: Iterable[Entry]) -> Iterator[bytes]:
    """The bytes of a ZIP file, stored uncompressed; a file that went away in between is left out. Blocking."""
    sink = _Sink()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as archive:  # type: ignore[call-overload]  # write and flush are all it needs
        for entry in entries:
            try:
                source = entry.path.open("rb")
            except FileNotFoundError:
                continue
            info = zipfile.ZipInfo(entry.name, max(OLDEST, entry.at.timetuple()[:6]))
            with source, archive.open(info, "w", force_zip64=True) as target:
                while chunk := source.read(COPY_BYTES):
                    target.write(chunk)
                    yield sink.take()
    yield sink.take()
