"""Write docs/state-diagrams and the golden listing of the SIP tables from the tables themselves.

python scripts/draw_state_diagrams.py            the diagrams
python scripts/draw_state_diagrams.py --golden   the golden listing as well: read its difference before you commit it
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from mediaserver.sip.drawing import listing, pages  # noqa: E402 -- the checkout must be importable first

if __name__ == "__main__":
    for name, content in pages().items():
        (ROOT / "docs" / "state-diagrams" / name).write_text(content, encoding="utf-8")
    if "--golden" in sys.argv[1:]:
        (ROOT / "tests" / "machines" / "golden" / "sip_tables.txt").write_text(listing(), encoding="utf-8")
