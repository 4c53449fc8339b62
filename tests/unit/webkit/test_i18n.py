"""The language is the reader's choice, else the browser's first; every text of this package has its French."""

from __future__ import annotations

import pytest

from webkit.catalogues import gaps
from webkit.i18n import choose_language, load_translators


@pytest.mark.parametrize(
    ("chosen", "accepted", "language"),
    [
        ("fr", "en", "fr"),
        (None, "fr-CA,fr;q=0.9,en;q=0.8", "fr"),
        (None, "de-DE,de;q=0.9,en;q=0.5,fr;q=0.4", "en"),
        (None, "en;q=0.2, fr;q=0.7", "fr"),
        (None, "fr;q=0, en", "en"),
        (None, "", "en"),
        ("xx", "*;q=zz, ,;;,fr", "fr"),
        (None, "x" * 100_000, "en"),
    ],
    ids=["chosen", "canadian", "german", "weights", "refused", "silent", "garbage", "long"],
)
def test_language(chosen: str | None, accepted: str, language: str) -> None:
    assert choose_language(chosen, accepted) == language


def test_texts_and_counts() -> None:
    french = load_translators(["webkit"])["fr"]
    assert french("Choose a file.") == "Choisissez un fichier."
    assert french("At most %(limit)s characters; these are %(count)s.", limit=5, count=9) == (
        "Au plus 5 caractères ; il y en a 9."
    )
    one = french.many(
        "Too many wrong passwords. Try again in %(num)s second.",
        "Too many wrong passwords. Try again in %(num)s seconds.",
        1,
    )
    assert one == "Trop de mots de passe erronés. Réessayez dans 1 seconde."


def test_every_text_of_the_kit_has_its_french() -> None:
    found = gaps("webkit")
    assert (found.missing, found.empty, found.unused, found.wrong) == ({}, (), (), ())
