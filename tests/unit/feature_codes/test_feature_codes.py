"""The table of feature access codes."""

from __future__ import annotations

import pickle

import pytest

from callmodel.codes import CodeError, CodeProblem
from callmodel.errors import ConfigError
from feature_codes import FeatureCode, FeatureCodes, FeatureCommand

START = FeatureCommand.START


def test_the_default_codes_are_the_platforms() -> None:
    codes = FeatureCodes()
    assert {text: codes.lookup(text) for text in ("*44", "*45", "*48", "*49")} == {
        "*44": FeatureCommand.START,
        "*45": FeatureCommand.STOP,
        "*48": FeatureCommand.PAUSE,
        "*49": FeatureCommand.RESUME,
    }


@pytest.mark.parametrize("text", ["", "*", "*4", "44", "*444", "*43"])
def test_no_other_text_is_a_code(text: str) -> None:
    assert FeatureCodes().lookup(text) is None


def test_an_alternate_code_asks_for_the_same() -> None:
    codes = FeatureCodes(start=FeatureCode(command=START, main="*44", alternate="##1"))
    assert (codes.lookup("*44"), codes.lookup("##1")) == (START, START)


def test_a_code_that_is_switched_off_is_ordinary_digits() -> None:
    codes = FeatureCodes(start=FeatureCode(command=START, main="*44", alternate="##1", enabled=False))
    assert [codes.lookup("*44"), codes.lookup("##1"), codes.may_become_code("#")] == [None, None, False]


@pytest.mark.parametrize("text", ["*", "*4", "*48"])
def test_a_beginning_of_a_code_may_become_one_and_a_whole_code_may_not(text: str) -> None:
    assert FeatureCodes().may_become_code(text) == (text != "*48")


@pytest.mark.parametrize(
    ("main", "message"),
    [
        ("*", "codes.start.main is '*': use 2 to 7 characters"),
        ("*1234567", "codes.start.main is '*1234567': use 2 to 7 characters"),
        ("*4A", "codes.start.main is '*4A': use only the keys * # 0 to 9"),
        ("*4٤", "codes.start.main is '*4٤': use only the keys * # 0 to 9"),
    ],
)
def test_a_text_that_cannot_be_dialled_is_refused(main: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        FeatureCode(command=START, main=main)
    assert str(caught.value) == message


def test_an_alternate_is_checked_like_a_main_code() -> None:
    with pytest.raises(ConfigError, match=r"codes\.start\.alternate is 'x': use 2 to 7 characters"):
        FeatureCode(command=START, main="*44", alternate="x")


def test_one_text_for_two_commands_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"feature code \*45 is given twice \(start and stop\): change one"):
        FeatureCodes(start=FeatureCode(command=START, main="*45"))


def test_a_code_that_begins_another_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"feature code \*4 \(start\) is the beginning of \*45 \(stop\)"):
        FeatureCodes(start=FeatureCode(command=START, main="*4"))


def test_a_code_that_is_switched_off_clashes_with_nothing() -> None:
    codes = FeatureCodes(start=FeatureCode(command=START, main="*45", enabled=False))
    assert codes.lookup("*45") is FeatureCommand.STOP


def test_a_code_in_another_commands_place_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"codes\.stop holds the code for start; give it one for stop"):
        FeatureCodes(stop=FeatureCode(command=START, main="*77"))


@pytest.mark.parametrize(
    ("codes", "problem", "field", "text", "other"),
    [
        ({"start": ("*", None)}, CodeProblem.LENGTH, "start.main", "*", ""),
        ({"stop": ("*45", "4x")}, CodeProblem.KEYS, "stop.alternate", "4x", ""),
        ({"start": ("*44", "*45")}, CodeProblem.TWICE, "stop.main", "*45", "*45"),
        ({"resume": ("*49", "*4")}, CodeProblem.BEGINS_ANOTHER, "resume.alternate", "*4", "*44"),
    ],
    ids=["length", "keys", "twice", "begins-another"],
)
def test_a_refusal_names_the_field_and_the_code_it_clashes_with(
    codes: dict[str, tuple[str, str | None]], problem: CodeProblem, field: str, text: str, other: str
) -> None:
    with pytest.raises(CodeError) as caught:
        FeatureCodes(
            **{
                name: FeatureCode(command=FeatureCommand(name), main=main, alternate=alternate)
                for name, (main, alternate) in codes.items()
            }
        )
    error = caught.value
    assert (error.problem, error.field, error.text, error.other) == (problem, field, text, other)


def test_the_table_travels_between_processes() -> None:
    codes = FeatureCodes(start=FeatureCode(command=START, main="*77"))
    assert pickle.loads(pickle.dumps(codes)).lookup("*77") is START
