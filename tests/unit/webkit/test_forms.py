"""Every field has a limit and a check, and a problem names its field in the reader's language."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import pytest
from multidict import MultiDict, MultiDictProxy

from webkit.forms import Form
from webkit.i18n import load_translators

ENGLISH = load_translators(["webkit"])["en"]


class Colour(StrEnum):
    """Some list."""

    RED = "red"
    BLUE = "blue"


def form(**sent: Any) -> Form:
    return Form(MultiDictProxy(MultiDict(sent)), ENGLISH)


def test_text() -> None:
    sent = form(name="  Anne  ", empty=" ", long="x" * 11, control="a\x00b", number="12a")
    assert sent.text("name", required=True) == "Anne"
    assert sent.ok
    sent.text("empty", required=True)
    sent.text("absent", required=True)
    sent.text("long", limit=10)
    sent.text("control")
    sent.text("number", pattern="[0-9]+", problem="Digits only.")
    assert sent.errors == {
        "empty": "This field is needed.",
        "absent": "This field is needed.",
        "long": "At most 10 characters; these are 11.",
        "control": "Control characters cannot be used here.",
        "number": "Digits only.",
    }


def test_what_pasting_brings_along_unseen_is_left_out_and_what_cannot_be_is_named() -> None:
    sent = form(
        name="\ufeff\u200fAnne\u00a0Dupont\u202c ", family="\U0001f468\u200d\U0001f469\u200d\U0001f467", mark="\u200e"
    )
    assert sent.text("name") == "Anne Dupont"
    sent.text("family")
    sent.text("mark", required=True)
    assert sent.errors == {
        "family": "Invisible characters cannot be used here: U+200D.",
        "mark": "This field is needed.",
    }


@pytest.mark.parametrize("text", ["9", "1801", "12.5", "ten", "1e2", "٣٠", "9" * 40], ids=lambda text: text[:6])
def test_whole_numbers_outside_their_range_are_refused(text: str) -> None:
    sent = form(seconds=text)
    assert sent.whole("seconds", 10, 1800) is None
    assert sent.errors == {"seconds": "A whole number from 10 to 1800."}


def test_numbers() -> None:
    sent = form(seconds=" 1800 ", level="-18,5", none="")
    assert sent.whole("seconds", 10, 1800) == 1800
    assert sent.decimal("level", -60, 0) == -18.5
    assert sent.whole("none", 1, 2, default=1) == 1
    assert sent.ok


def test_choices_and_flags() -> None:
    sent = form(colour="blue", on="on", off="")
    assert sent.member("colour", Colour, default=Colour.RED) is Colour.BLUE
    assert sent.member("absent", Colour, default=Colour.RED) is Colour.RED
    assert (sent.flag("on"), sent.flag("off"), sent.flag("absent")) == (True, False, False)
    assert sent.ok
    wrong = form(colour="green")
    assert wrong.member("colour", Colour, default=Colour.RED) is Colour.RED
    assert wrong.errors == {"colour": "Choose one of the list."}


def test_files() -> None:
    sent = form(audio=b"12345", text="not a file")
    assert sent.file("audio", limit=5) == b"12345"
    assert sent.file("audio", limit=4) == b""
    assert sent.file("text", limit=4) == b""
    assert sent.errors == {"audio": "The file is larger than 4 bytes.", "text": "Choose a file."}
