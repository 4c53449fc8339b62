"""Pages that are drawn from code say what the code says now."""

from __future__ import annotations

import difflib
from pathlib import Path

import pytest

from mediaserver.app.metrics import METRICS
from scripts.draw_docs import pages

ROOT = Path(__file__).resolve().parents[3]
DRAWN = pages()


@pytest.mark.parametrize("name", DRAWN)
def test_a_drawn_page_is_fresh(name: str) -> None:
    """Renew with ``make docs``."""
    found = (ROOT / name).read_text(encoding="utf-8").splitlines()
    difference = difflib.unified_diff(found, DRAWN[name].splitlines(), "on disk", "drawn", lineterm="", n=0)
    assert "\n".join(difference) == ""


def test_every_metric_has_a_name_of_ours_that_is_its_own() -> None:
    names = [metric.exposed_name for metric in METRICS]
    assert len(set(names)) == len(names)
    assert all(name.startswith("mediaserver_") for name in names)
