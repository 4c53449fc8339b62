"""A recording as one line of a page, with what a search found in it cut into pieces to be marked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from markupsafe import Markup

from dubber_platform.store.rows import Match, RecordingRow

Pieces = tuple[tuple[str, bool], ...]
"""A text in parts, each with whether it is what was looked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A field that has no column of its own."""

    field: str
    """``channel``, ``note``, ``party``, ``user``; ``metadata`` and ``meta_tags`` with ``name``."""
    name: str
    pieces: Pieces

    @property
    def shown(self) -> Markup:
        """The text with its marks."""
        return marked_up(self.pieces)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of a list."""

    row: RecordingRow
    marked: Mapping[tuple[str, str], Pieces]
    """By field and text: what stands in a column, in pieces."""
    elsewhere: tuple[Found, ...]
    """What was found in no column."""

    def shown(self, field: str, text: str) -> str:
        """The text of a column, marked where something was found in it."""
        found = self.marked.get((field, text))
        return text if found is None else marked_up(found)

    @property
    def title(self) -> str:
        """Both parties in words, for labels nobody sees."""
        row = self.row
        return f"{row.from_label or row.from_number} → {row.to_label or row.to_number}"


def marked_up(pieces: Pieces) -> Markup:
    """What was found between ``<mark>`` and ``</mark>``, everything escaped."""
    return Markup("").join(Markup("<mark>{}</mark>").format(text) if found else text for text, found in pieces)


def lines_of(rows: Iterable[RecordingRow]) -> tuple[Line, ...]:
    """A line for each row."""
    return tuple(_line(row) for row in rows)


def _line(row: RecordingRow) -> Line:
    shown = _shown(row)
    marked = {(match.field, match.text): _pieces(match) for match in row.matches if (match.field, match.text) in shown}
    elsewhere = [_found(match) for match in row.matches if (match.field, match.text) not in shown]
    return Line(row=row, marked=marked, elsewhere=tuple(elsewhere))


def _shown(row: RecordingRow) -> set[tuple[str, str]]:
    """What the columns show, by field and text."""
    shown = {
        ("from", row.from_number),
        ("from_label", row.from_label),
        ("to", row.to_number),
        ("to_label", row.to_label),
        *(("tag", tag) for tag in row.tags),
    }
    if row.user is not None:
        shown.add(("user", row.user.name))
    if row.dub_point is not None:
        shown.add(("dub_point", row.dub_point.name))
    return shown


def _found(match: Match) -> Found:
    field, _, name = match.field.partition(".")
    return Found(field=field, name=name, pieces=_pieces(match))


def _pieces(match: Match) -> Pieces:
    pieces, at = [], 0
    for start, end in match.ranges:
        pieces += [(match.text[at:start], False), (match.text[start:end], True)]
        at = end
    return tuple((text, found) for text, found in [*pieces, (match.text[at:], False)] if text)
