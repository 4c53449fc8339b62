"""An operating system's refusal is always told in words."""

from __future__ import annotations

import errno

import pytest

from callmodel.errors import reason_of


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(errno.EADDRINUSE, "taken"), "taken"),
        (OSError(errno.EADDRINUSE, ""), "Address already in use"),
        (OSError("a loop's own words"), "a loop's own words"),
        (OSError(), "OSError"),
    ],
)
def test_a_refusal_has_words(error: OSError, words: str) -> None:
    assert reason_of(error) == words


def test_the_first_cause_is_told() -> None:
    error = OSError("could not bind")
    error.__cause__ = OSError(errno.EADDRINUSE, "Address already in use")
    assert reason_of(error) == "Address already in use"
