"""Where branches, tags and Call-IDs come from: given from outside, so that tests repeat byte for byte."""

from __future__ import annotations

from typing import Protocol


class Ids(Protocol):
    """A source of unguessable, never repeated tokens."""

    def token(self, bits: int = 64) -> str:
        """``bits`` of chance (or of a seeded sequence) as lower-case hexadecimal."""
        ...
