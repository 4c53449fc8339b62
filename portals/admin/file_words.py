"""What is wrong with a file of users, in the reader's language: the catalogue says it in English only."""

from __future__ import annotations

import re
from typing import Final

from catalog.errors import UsersFileError
from webkit.i18n import Translator, mark

_PROBLEMS: Final = tuple(
    (re.compile(pattern, re.DOTALL), text)
    for pattern, text in (
        (r"the file is larger than (?P<bytes>\d+) bytes", mark("the file is larger than %(bytes)s bytes")),
        (r"the file is not UTF-8", mark("the file is not UTF-8: save it again in that encoding")),
        (r"more than (?P<most>\d+) users", mark("more than %(most)s users: split the file")),
        (
            r"(?P<what>\S+) is in row (?P<first>\d+) already",
            mark("%(what)s is in row %(first)s already"),
        ),
        (
            r"(?P<cells>\d+) cells under (?P<columns>\d+) columns",
            mark("%(cells)s cells under %(columns)s columns: keep the separator of every empty cell"),
        ),
        (r"the (column|name) is there twice", mark("it is there twice")),
        (r"the header has no such column", mark("the header has no such column")),
        (r"every user needs one", mark("every user needs one")),
        (r"the file must be a list of users", mark("the file must be a list of users")),
        (r"a user must be a mapping of names to values", mark("a user must be a mapping of names to values")),
        (r"there is something after the list of users", mark("there is something after the list of users")),
        (r"must be a single value", mark("must be a single value")),
        (r"not readable as CSV.*", mark("this is not readable as CSV: look at the quotation marks")),
        (r"not readable as YAML.*", mark("this is not readable as YAML: look at indents and special characters")),
        (r"no such column; there are (?P<known>.*)", mark("there is no such column; there are %(known)s")),
        (
            r"(?P<value>.*) is not 1 to 32 of 0-9 a-z \+ - _ \.",
            mark("%(value)s is not 1 to 32 of 0-9 a-z + - _ ."),
        ),
        (r"(?P<value>.*) is a service number; choose another", mark("%(value)s is a service number; choose another")),
        (
            r"must be at most (?P<most>\d+) printable characters",
            mark("at most %(most)s characters, none of them control characters"),
        ),
        (r"(?P<value>.*) is not one of: (?P<known>.*)", mark("%(value)s is none of: %(known)s")),
        (r"(?P<value>.*) is neither true nor false", mark("%(value)s is neither true nor false")),
        (
            r"(?P<value>.*) is not a whole number from (?P<low>\d+) to (?P<high>\d+)",
            mark("%(value)s is not a whole number from %(low)s to %(high)s"),
        ),
    )
)


def told(error: UsersFileError, t: Translator) -> str:
    """Row, column and problem as one sentence."""
    found = next(((text, match) for pattern, text in _PROBLEMS if (match := pattern.fullmatch(error.problem))), None)
    problem = error.problem if found is None else t(found[0], **found[1].groupdict())
    if error.row and error.column:
        return t("Row %(row)s, column %(column)s: %(problem)s.", row=error.row, column=error.column, problem=problem)
    if error.row:
        return t("Row %(row)s: %(problem)s.", row=error.row, problem=problem)
    return t("The file cannot be used: %(problem)s.", problem=problem)
