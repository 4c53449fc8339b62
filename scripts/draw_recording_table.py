"""Write docs/recording-table.md and the golden listing of the state machine test from the recording table."""

from __future__ import annotations

from pathlib import Path

from feature_codes.drawing import listing, page

ROOT = Path(__file__).resolve().parent.parent

if __name__ == "__main__":
    for path, text in (
        (ROOT / "docs" / "recording-table.md", page()),
        (ROOT / "tests" / "machines" / "recording_table.golden.txt", listing()),
    ):
        path.write_text(text, encoding="utf-8")
        print(f"wrote {path.relative_to(ROOT)}")
