"""List the texts that have no French yet, and catalogue entries that nothing shows: ``translations.py [PACKAGE…]``."""

from __future__ import annotations

import sys

from webkit.catalogues import gaps

PACKAGES = ("webkit", "portals.admin", "dubber_platform.portal")


def main() -> int:
    """0 when every text has its French."""
    wrong = 0
    for package in sys.argv[1:] or PACKAGES:
        found = gaps(package, also=() if package == "webkit" else ("webkit",))
        wrong += found.any
        for text, place in found.missing.items():
            print(f"{place}: no French for {text!r}")
        for kind, texts in (("empty or fuzzy", found.empty), ("unused", found.unused), ("wrong places", found.wrong)):
            for text in texts:
                print(f"{package}: {kind}: {text!r}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
