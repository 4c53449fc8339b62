"""``marks.jsonl``: one Mark a line, appended while a recording is open; its last line may be torn by a crash."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from callmodel.manifest import Mark, MarkKind
from spool.errors import disk_errors

MAX_LINE_BYTES = 64 * 1024
MAX_MARKS = 1_000_000


def mark_line(mark: Mark) -> bytes:
    """One line of the file, newline included."""
    return json.dumps(asdict(mark), ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def read_marks(path: Path) -> tuple[Mark, ...]:
    """All marks up to the first line that is not one; none when there is no file."""
    marks: list[Mark] = []
    if not path.exists():
        return ()
    with disk_errors(), path.open("rb") as file:
        while len(marks) < MAX_MARKS:
            line = file.readline(MAX_LINE_BYTES)
            mark = _parse(line)
            if mark is None:
                break
            marks.append(mark)
    return tuple(marks)


def _parse(line: bytes) -> Mark | None:
    if not line.endswith(b"\n"):
        return None
    try:
        raw = json.loads(line)
        return Mark(**{**raw, "kind": MarkKind(raw["kind"])})
    except (ValueError, TypeError, KeyError):
        return None
