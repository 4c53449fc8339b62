"""Every text of every site has its French, and no French is left without its text."""

from __future__ import annotations

import pytest

from scripts.translations import PACKAGES, gaps_of


@pytest.mark.parametrize("package", PACKAGES)
def test_every_text_has_its_french(package: str) -> None:
    found = gaps_of(package)
    assert (found.missing, found.empty, found.unused, found.wrong, found.twice) == ({}, (), (), (), ())
