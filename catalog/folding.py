"""Text as it is sought and sorted by: without case and without accents."""

from __future__ import annotations

import unicodedata


def folded(text: str) -> str:
    """``Élodie Œuf`` is ``elodie œuf``: what a person types without care finds it."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(c for c in decomposed if not unicodedata.combining(c))
