"""Draw every generated page anew from the code it tells of.

python scripts/draw_docs.py            the pages
python scripts/draw_docs.py --golden   the golden listings too: read their difference before a commit
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

import grimp

ROOT: Final = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from feature_codes import drawing as recording_table  # noqa: E402 -- the checkout must be importable first
from mediaserver.app import drawing as reference  # noqa: E402
from mediaserver.sip import drawing as sip_tables  # noqa: E402
from portals.api.description import APIS  # noqa: E402
from portals.api.markdown import docs_page as http_api_page  # noqa: E402
from spool.schema import manifest_schema_text  # noqa: E402

ROOMS: Final = (
    "callmodel",
    "feature_codes",
    "prompts",
    "catalog",
    "spool",
    "mediaserver",
    "dubber_uploader",
    "dubber_platform",
    "callbench",
)
INNER: Final = ("app", "runtime", "call", "media", "sip", "sdp", "rtp")
"""Rooms of the media server, from the top."""


def pages() -> dict[str, str]:
    """Every generated page: its path from the root of the project, and its content."""
    return {
        "docs/recording-table.md": recording_table.page(),
        **{f"docs/state-diagrams/{name}": text for name, text in sip_tables.pages().items()},
        "docs/cli.md": reference.cli_page(),
        "docs/configuration.md": reference.settings_page(),
        "docs/metrics.md": reference.metrics_page(),
        "docs/http-api.md": http_api_page(APIS),
        "docs/imports.md": imports_page(),
        "docs/schemas/manifest.v1.json": manifest_schema_text(),
    }


def goldens() -> dict[str, str]:
    """The listings that the state machine tests compare with."""
    return {
        "tests/machines/recording_table.golden.txt": recording_table.listing(),
        "tests/machines/golden/sip_tables.txt": sip_tables.listing(),
    }


def imports_page() -> str:
    """docs/imports.md: who imports whom, found by reading the code."""
    outer, inner = _arrows()
    return f"""\
# Who imports whom

This page is drawn by `make docs` from the imports in the code; a test checks that it is fresh. Do not edit it.
The rules are contracts in `pyproject.toml`, checked by import-linter in the lint lane. `callmodel` is imported by
everybody and left out of the first picture.

## The rooms

{_mermaid(outer)}

## Inside `mediaserver`

{_mermaid(inner)}
"""


def _arrows() -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    graph = grimp.build_graph(*ROOMS, cache_dir=None)
    outer: set[tuple[str, str]] = set()
    inner: set[tuple[str, str]] = set()
    for module in graph.modules:
        for imported in graph.find_modules_directly_imported_by(module):
            source, target = module.split("."), imported.split(".")
            if source[0] != target[0]:
                outer.add((_room(source), target[0]))
            elif source[0] == "mediaserver" and len(source) > 1 and len(target) > 1 and source[1] != target[1]:
                inner.add((source[1], target[1]))
    order = {name: number for number, name in enumerate((*ROOMS, *INNER))}
    return (
        sorted((pair for pair in outer if pair[1] != "callmodel"), key=lambda pair: (pair[0], order[pair[1]])),
        sorted(inner, key=lambda pair: (order[pair[0]], order[pair[1]])),
    )


def _room(module: list[str]) -> str:
    """The composition root is a room of its own: it alone may import everything."""
    return "mediaserver.app" if module[:2] == ["mediaserver", "app"] else module[0]


def _mermaid(arrows: list[tuple[str, str]]) -> str:
    lines = [f"    {source} --> {target}" for source, target in arrows]
    return "\n".join(["```mermaid", "flowchart TD", *lines, "```"])


def main() -> None:
    """Write what changed."""
    wanted = pages() | (goldens() if "--golden" in sys.argv[1:] else {})
    for name, text in wanted.items():
        path = ROOT / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            print(f"wrote {name}")


if __name__ == "__main__":
    main()
