"""Which texts a package shows, and which of them have no French: for the checker, not for the running sites."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.resources import files
from itertools import chain
from pathlib import Path
from typing import Any, Final

from babel.messages.extract import extract
from babel.messages.pofile import read_po
from jinja2.ext import babel_extract

KEYWORDS: Final[dict[str, Any]] = {
    "t": None,
    "_t": None,
    "_": None,
    "gettext": None,
    "mark": None,
    "many": (1, 2),
    "ngettext": (1, 2),
}
"""Functions whose first argument is a text (or first two: singular and plural)."""

Text = str | tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gaps:
    """What is wrong with a package's French."""

    missing: dict[Text, str]
    """Text to the first place that shows it."""
    empty: tuple[str, ...]
    """In a catalogue, but without French, or marked fuzzy."""
    unused: tuple[str, ...]
    """In a catalogue, but shown nowhere."""
    wrong: tuple[str, ...]
    """The French has other placeholders than the English."""
    twice: tuple[str, ...]
    """In two catalogues, where one of them would be changed in vain."""

    @property
    def any(self) -> bool:
        """Something is wrong."""
        return bool(self.missing or self.empty or self.unused or self.wrong or self.twice)


def shown(package: str) -> Iterator[tuple[Text, str]]:
    """Every text in the package's modules and templates, with its place."""
    root = Path(str(files(package)))
    for path in sorted(root.rglob("*")):
        place = f"{package}/{path.relative_to(root)}"
        if path.suffix == ".py":
            method: Any = "python"
        elif path.suffix == ".html":
            method = babel_extract
        else:
            continue
        options = {"extensions": "jinja2.ext.do", "trimmed": "true", "silent": "false"}
        for line, text, *_ in extract(method, io.BytesIO(path.read_bytes()), KEYWORDS, options=options):
            yield (text if isinstance(text, str) else (text[0], text[1])), f"{place}:{line}"


def gaps(package: str, *, also: tuple[str, ...] = (), more: Iterable[tuple[Text, str]] = ()) -> Gaps:
    """Compare what a package shows with its catalogues.

    ``also``: packages whose catalogues count too; ``more``: texts that it shows and that stand elsewhere, with places.
    """
    places: dict[Text, str] = {}
    for text, place in chain(shown(package), more):
        places.setdefault(text, place)
    own = list(_messages(package))
    known = Counter(_text(message) for name in (package, *also) for message in _messages(name))
    return Gaps(
        missing={text: place for text, place in places.items() if text not in known},
        empty=tuple(sorted(str(m.id) for m in own if m.fuzzy or not m.string or not all(_forms(m)))),
        unused=tuple(sorted(str(m.id) for m in own if _text(m) not in places)),
        wrong=tuple(sorted(str(m.id) for m in own if m.python_format and any(True for _ in m.check()))),
        twice=tuple(sorted(str(text) for text, times in known.items() if times > 1)),
    )


def _messages(package: str) -> Iterator[Any]:
    folder = Path(str(files(package))) / "locale" / "fr"
    for path in sorted(folder.glob("*.po")):
        for message in read_po(io.BytesIO(path.read_bytes()), locale="fr"):
            if message.id:
                yield message


def _text(message: Any) -> Text:
    return message.id if isinstance(message.id, str) else (message.id[0], message.id[1])


def _forms(message: Any) -> tuple[str, ...]:
    return (message.string,) if isinstance(message.string, str) else tuple(message.string)
