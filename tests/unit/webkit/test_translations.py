"""Every text of every site has its French, and no French is left without its text."""

from __future__ import annotations

import pytest

from scripts.translations import PACKAGES
from webkit.catalogues import gaps


@pytest.mark.parametrize("package", PACKAGES)
def test_every_text_has_its_french(package: str) -> None:
    found = gaps(package, also=() if package == "webkit" else ("webkit",))
    assert (found.missing, found.empty, found.unused, found.wrong) == ({}, (), (), ())
