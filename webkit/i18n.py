"""French and English. The source language is English; catalogues are ``locale/fr/*.po`` beside the templates."""

from __future__ import annotations

import gettext
import io
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from typing import Any, Final

from babel import Locale, UnknownLocaleError
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

LANGUAGES: Final = ("en", "fr")
NAMES: Final = {"en": "English", "fr": "Français"}
MAX_ACCEPT: Final = 500


def mark(text: str) -> str:
    """A text that is translated where it is shown; this only lets the catalogue's checker find it."""
    return text


class Translator:
    """Texts in one language."""

    def __init__(self, language: str, catalogues: gettext.NullTranslations) -> None:
        self.language = language
        self.locale = Locale.parse(language)
        self.catalogues = catalogues

    def __call__(self, text: str, **values: Any) -> str:
        """The text in this language, ``%(name)s`` filled in."""
        found = self.catalogues.gettext(text)
        return found % values if values else found

    def many(self, one: str, several: str, count: int, **values: Any) -> str:
        """The form for a count, which fills ``%(num)s``."""
        return self.catalogues.ngettext(one, several, count) % {"num": count, **values}


def load_translators(packages: Iterable[str]) -> dict[str, Translator]:
    """One per language, from the catalogues of these packages; no text is in two of them."""
    names = tuple(packages)
    return {language: Translator(language, _catalogues(language, names)) for language in LANGUAGES}


@cache
def _catalogues(language: str, packages: tuple[str, ...]) -> gettext.NullTranslations:
    merged = gettext.NullTranslations()
    if language == "en":
        return merged
    for package in packages:
        folder = files(package) / "locale" / language
        if not folder.is_dir():
            continue
        for file in sorted(folder.iterdir(), key=lambda found: found.name):
            if file.name.endswith(".po"):
                compiled = io.BytesIO()
                write_mo(compiled, read_po(io.BytesIO(file.read_bytes()), locale=language))
                compiled.seek(0)
                more = gettext.GNUTranslations(compiled)
                more.add_fallback(merged)
                merged = more
    return merged


def choose_language(chosen: str | None, accepted: str) -> str:
    """What the user chose, else what the browser asks for first (RFC 9110 12.5.4), else English."""
    if chosen in LANGUAGES:
        return chosen
    ranked: list[tuple[float, int, str]] = []
    for position, item in enumerate(accepted[:MAX_ACCEPT].split(",")):
        tag, _, weight = item.partition(";")
        try:
            language = Locale.parse(tag.strip(), sep="-").language
            quality = float(weight.strip().removeprefix("q=")) if weight else 1.0
        except (ValueError, TypeError, UnknownLocaleError):
            continue
        if language in LANGUAGES and quality > 0:
            ranked.append((-quality, position, language))
    return min(ranked)[2] if ranked else LANGUAGES[0]
