"""What counts as a word, and that nothing typed into a search is more than words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dubber_platform.store.words import (
    TERM_MAX,
    TERMS_MAX,
    digits_of,
    folded,
    highlights,
    number_words,
    said_words,
    terms_of,
    words_at,
    words_of,
)

ANY_TEXT = st.text(st.characters(codec="utf-8")) | st.text()


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("", ()),
        ("  \t", ()),
        ("Zoé MARTIN", ("zoe", "martin")),
        ("Zoe\u0301", ("zoe",)),
        ("straße ﬁn Ⅳ", ("strasse", "fin", "iv")),
        ("martin Martin", ("martin",)),
        ('a" OR NEAR(b c) * -d ^e {f}: g', ("a", "or", "near", "b", "c", "d", "e", "f", "g")),
        ("50% _off_", ("50", "off")),
        ("'; DROP TABLE recordings;--", ("drop", "table", "recordings")),
        ("+33 6 12 34 56 78", ("33612345678",)),
        ("06.12.34.56.78 martin", ("0612345678", "martin")),
        ("1001 1002", ("1001", "1002")),
        ("(555) 123-456", ("555123456",)),
        ("callhalf-7:0", ("callhalf", "7", "0")),
        ("日本 語", ("日本", "語")),
        ("\ud800\x00", ()),
    ],
)
def test_a_search_is_words_and_nothing_else(text: str, terms: tuple[str, ...]) -> None:
    """Case, accents and punctuation do not count; a number in groups is one term."""
    assert terms_of(text) == terms


def test_a_long_search_is_cut_down() -> None:
    """At most twelve terms of forty characters; the rest of 10 kB is not looked at."""
    terms = terms_of(" ".join(f"{'x' * 50}{number}" for number in range(200)))
    assert (len(terms), {len(term) for term in terms}) == (12, {40})


@given(ANY_TEXT)
def test_terms_hold_letters_and_digits_only(text: str) -> None:
    """So neither index has an operator to obey, nor LIKE a wildcard."""
    terms = terms_of(text)
    assert len(terms) <= TERMS_MAX
    assert all(term.isalnum() and 0 < len(term) <= TERM_MAX for term in terms)


@given(ANY_TEXT | st.text(st.characters(codec="ascii")))
def test_what_is_stored_is_what_is_highlighted(text: str) -> None:
    """The same words, each once, in order."""
    assert words_of([text]) == list(dict.fromkeys(word for _, _, word in words_at(text)))


@given(ANY_TEXT)
def test_folding_twice_changes_nothing(text: str) -> None:
    """What is stored and what is asked for meet."""
    assert [folded(word) for word in words_of([text])] == words_of([text])


@given(ANY_TEXT, st.data())
def test_the_beginning_of_every_word_is_highlighted(text: str, data: st.DataObject) -> None:
    """With ranges inside the text, in order and apart."""
    words = words_of([text])
    if not words:
        return
    term = data.draw(st.sampled_from(words))[: data.draw(st.integers(1, 8))]
    ranges = highlights(text, [term])
    flat = [place for span in ranges for place in span]
    assert ranges
    assert flat == sorted(flat)
    assert (flat[0] >= 0, flat[-1] <= len(text)) == (True, True)
    assert {start for start, _, word in words_at(text) if word.startswith(term)} >= {ranges[0][0]}


@pytest.mark.parametrize(
    ("number", "words"),
    [
        ("1001", ["1001"]),
        ("+33 6 12 34", ["3361234", "361234", "61234", "1234", "33", "6", "12", "34"]),
        ("12345", ["12345", "2345"]),
        ("anonymous", ["anonymous"]),
        ("sip:ann@x", ["sip", "ann", "x"]),
        ("", []),
    ],
)
def test_a_number_is_found_by_its_end_too(number: str, words: list[str]) -> None:
    """From four digits on."""
    assert number_words(number) == words


@pytest.mark.parametrize(
    ("text", "terms", "number", "ranges"),
    [
        ("Zoé Martin", ("zo", "mart"), False, ((0, 2), (4, 8))),
        ("Straße", ("str",), False, ((0, 6),)),
        ("+33612345678", ("5678",), True, ((8, 12),)),
        ("+33 6 12 34 56 78", ("33612345678",), True, ((1, 17),)),
        ("+33612345678", ("234",), True, ((5, 8),)),
        ("+33612345678", ("78",), True, ()),
        ("vip", ("vi", "vip"), False, ((0, 3),)),
        ("nothing", ("thing",), False, ()),
    ],
)
def test_what_matched_is_told_as_ranges(
    text: str, terms: tuple[str, ...], number: bool, ranges: tuple[tuple[int, int], ...]
) -> None:
    """Of the text as it is shown."""
    assert highlights(text, terms, number=number) == ranges


@pytest.mark.parametrize(("number", "digits"), [("+33 (0)6-1.2/3", "3306123"), ("10a", ""), ("", ""), ("٣", "")])
def test_only_what_can_be_dialled_is_a_number(number: str, digits: str) -> None:
    """ASCII digits and what they are written with."""
    assert digits_of(number) == digits


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("order 12-34-56 of Ann", ["order", "12", "34", "56", "of", "ann", "123456"]),
        ("12/05, page 7", ["12", "05", "page", "7"]),
        ("no number", ["no", "number"]),
    ],
    ids=("grouped", "short", "none"),
)
def test_a_grouped_number_in_a_text_is_found_by_its_groups_and_as_a_whole(text: str, words: list[str]) -> None:
    assert said_words([text]) == words
    assert all(any(word.startswith(term) for word in words) for term in terms_of(text))
