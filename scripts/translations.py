"""List the texts that have no French yet, and catalogue entries that nothing shows: ``translations.py [PACKAGE…]``."""

from __future__ import annotations

import sys

from portals.api import reference
from portals.api.description import APIS
from webkit.catalogues import Gaps, gaps

PACKAGES = ("webkit", "portals.admin", "dubber_platform.portal")


def gaps_of(package: str) -> Gaps:
    """What is wrong with the French of one of them; the carrier's pages show what the APIs say of themselves, too."""
    return gaps(
        package,
        also=() if package == "webkit" else ("webkit",),
        more=reference.texts(APIS) if package == "portals.admin" else (),
    )


def main() -> int:
    """0 when every text has its French."""
    wrong = 0
    for package in sys.argv[1:] or PACKAGES:
        found = gaps_of(package)
        wrong += found.any
        for text, place in found.missing.items():
            print(f"{place}: no French for {text!r}")
        wrong_ones = {"empty or fuzzy": found.empty, "unused": found.unused, "wrong places": found.wrong}
        for kind, texts in {**wrong_ones, "in two catalogues": found.twice}.items():
            for text in texts:
                print(f"{package}: {kind}: {text!r}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
