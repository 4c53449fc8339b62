"""Why the store did not do what was asked: a stable word, the field at fault, and a sentence."""

from __future__ import annotations

from enum import StrEnum


class Why(StrEnum):
    """Stable words a page or an interface can put into its own language."""

    UNKNOWN = "unknown"
    """It does not exist, or not for this viewer."""
    NO_SUCH = "no-such"
    """A field names something that does not exist, or not for this viewer."""
    NOT_ALLOWED = "not-allowed"
    BLANK = "blank"
    TOO_LONG = "too-long"
    TOO_MANY = "too-many"
    MALFORMED = "malformed"
    NOT_OFFERED = "not-offered"
    """Not one of the values there are."""
    TAKEN = "taken"
    """Something has this name or key already."""
    PAST = "past"
    """A date that must lie ahead does not."""
    TOO_FAR = "too-far"
    HELD = "held"
    """On legal hold."""


SENTENCES = {
    Why.UNKNOWN: "is unknown",
    Why.NO_SUCH: "is unknown",
    Why.NOT_ALLOWED: "may not be done by this user",
    Why.BLANK: "must not be blank",
    Why.TOO_LONG: "is too long",
    Why.TOO_MANY: "there are too many already",
    Why.MALFORMED: "is not well formed",
    Why.NOT_OFFERED: "is not one of the values there are",
    Why.TAKEN: "is already taken",
    Why.PAST: "must lie in the future",
    Why.TOO_FAR: "lies too far in the future",
    Why.HELD: "is on legal hold",
}


class RefusedError(Exception):
    """Nothing was changed."""

    def __init__(self, why: Why, field: str, *, limit: int | None = None, sentence: str = "") -> None:
        """``field`` is a field's name, or that of the thing itself (``recording``); ``limit`` what was exceeded."""
        self.why, self.field, self.limit = why, field, limit
        self.sentence = sentence or SENTENCES[why]
        super().__init__(f"{field}: {self.sentence}")


def text_field(value: str, field: str, *, longest: int, blank: bool = False) -> str:
    """``value`` trimmed; RefusedError when it is blank, too long or has control characters other than line ends."""
    trimmed = value.strip()
    if not trimmed and not blank:
        raise RefusedError(Why.BLANK, field)
    if len(trimmed) > longest:
        raise RefusedError(Why.TOO_LONG, field, limit=longest, sentence=f"has more than {longest} characters")
    if any(_unprintable(character) for character in trimmed):
        raise RefusedError(Why.MALFORMED, field, sentence="must not contain control characters")
    return trimmed


def _unprintable(character: str) -> bool:
    code = ord(character)
    return (code < 32 and character not in "\n\r\t") or code == 127 or 0xD800 <= code < 0xE000
