"""What counts as a word: the same for what is stored, what is asked for and what is highlighted."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator

TERMS_MAX = 12
TERM_MAX = 40
TEXT_MAX = 1000
"""Of a search, in characters; the rest is not looked at."""
SUFFIX_MIN = 4
"""The last four digits of a number are enough to find it."""

# letters and digits of every script, and the accents that may stand on them
_WORD = re.compile(r"(?:[^\W_]|[\u0300-\u036f])+")
_PLAIN = re.compile(r"[^\W_]+")
_NUMBER = re.compile(r"\+?[0-9][0-9 ().\-/]*[0-9]")
_GROUP_MAX = 3
_GROUPED_MIN = 6
"""Digits; two short numbers beside one another are just that."""


def folded(word: str) -> str:
    """Without case and accents; empty when nothing is left."""
    if word.isascii():
        return word.lower()
    spread = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", word).casefold())
    bare = "".join(character for character in spread if not unicodedata.combining(character))
    return "".join(_PLAIN.findall(bare))


def words_at(text: str) -> Iterator[tuple[int, int, str]]:
    """Start, end and folded form of every word."""
    for found in _WORD.finditer(text):
        word = folded(found.group())
        if word:
            yield found.start(), found.end(), word


def words_of(texts: Iterable[str]) -> list[str]:
    """The folded words of some texts, each once, in order."""
    found: dict[str, None] = {}
    for text in texts:
        plain = text.isascii()
        found |= dict.fromkeys(_PLAIN.findall(text.lower()) if plain else (word for _, _, word in words_at(text)))
    return list(found)


def said_words(texts: Iterable[str]) -> list[str]:
    """The words of texts that people write: a number in groups is found by its groups, and as a whole."""
    kept = list(dict.fromkeys(texts))
    joined = [_NUMBER.sub(_joined, text) for text in kept]
    return words_of([*kept, *(whole for text, whole in zip(kept, joined, strict=True) if whole != text)])


def number_words(number: str) -> list[str]:
    """The words of a telephone number: also each of its ends of four digits and more."""
    digits = digits_of(number)
    ends = [digits[start:] for start in range(max(1, len(digits) - SUFFIX_MIN + 1))] if digits else []
    return list(dict.fromkeys([*ends, *words_of([number])]))


def digits_of(number: str) -> str:
    """The digits, when it is a number that people dial and may be written in groups; empty otherwise."""
    return re.sub(r"[^0-9]", "", number) if re.fullmatch(r"[+0-9 ().\-/]{1,50}", number) else ""


def terms_of(text: str) -> tuple[str, ...]:
    """What is looked for: every term must begin a word. Nothing in ``text`` is an operator.

    A number written in groups (``+33 6 12 34 56 78``) is one term.
    """
    text = _NUMBER.sub(_joined, text[:TEXT_MAX])
    return tuple(word[:TERM_MAX] for word in words_of([text])[:TERMS_MAX])


def _joined(found: re.Match[str]) -> str:
    number = found.group()
    groups = re.findall(r"[0-9]+", number)
    short = all(len(group) <= _GROUP_MAX for group in groups)
    grouped = number.startswith("+") or (short and sum(map(len, groups)) >= _GROUPED_MIN)
    return "".join(groups) if grouped and len(groups) > 1 else number


def highlights(text: str, terms: Iterable[str], *, number: bool = False) -> tuple[tuple[int, int], ...]:
    """Ranges (start, end) of ``text`` that made it match, in order and apart from one another."""
    wanted = tuple(terms)
    if text.isascii() and not _may_match(text.lower(), wanted, number=number):
        return ()
    found: list[tuple[int, int]] = []
    for start, end, word in words_at(text):
        longest = max((len(term) for term in wanted if word.startswith(term)), default=0)
        if longest:
            found.append((start, start + longest if len(word) == end - start else end))
    if number and digits_of(text):
        found += _digit_ranges(text, wanted)
    return _merged(found)


def _may_match(lowered: str, terms: Iterable[str], *, number: bool) -> bool:
    """A quick look that rules most texts out."""
    digits = digits_of(lowered) if number else ""
    return any(term in lowered or term in digits for term in terms)


def _digit_ranges(text: str, terms: Iterable[str]) -> list[tuple[int, int]]:
    places = [at for at, character in enumerate(text) if character.isascii() and character.isdigit()]
    digits = "".join(text[at] for at in places)
    ranges = []
    for term in terms:
        at = digits.find(term)
        if at == 0 or 0 < at <= len(digits) - SUFFIX_MIN:
            ranges.append((places[at], places[at + len(term) - 1] + 1))
    return ranges


def _merged(ranges: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    merged: list[tuple[int, int]] = []
    for start, end in sorted(ranges):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return tuple(merged)
