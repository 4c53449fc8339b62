"""Feature access codes: which dialled text is which command.

The platform's defaults are ``*44`` start, ``*45`` stop, ``*48`` pause, ``*49`` resume. Each has a main code, an
optional alternate, and a switch; a code that is switched off is an ordinary run of digits.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import permutations
from typing import Final

from callmodel.errors import ConfigError

CODE_MIN_CHARS: Final = 2
CODE_MAX_CHARS: Final = 7
CODE_CHARS: Final = frozenset("*#0123456789")


class FeatureCommand(StrEnum):
    """What a user may ask of a recording."""

    START = "start"
    STOP = "stop"
    PAUSE = "pause"
    RESUME = "resume"


class CodeProblem(StrEnum):
    """What can be wrong with a code."""

    LENGTH = "length"
    KEYS = "keys"
    PLACE = "place"
    """It stands in another command's place."""
    TWICE = "twice"
    BEGINS_ANOTHER = "begins-another"


class CodeError(ConfigError):
    """A code that cannot be used: which field, why, and the other code it clashes with."""

    reason = "code"

    def __init__(self, message: str, *, problem: CodeProblem, field: str, text: str = "", other: str = "") -> None:
        """``field`` is such as ``start.main``; ``text`` what stands there, ``other`` the code it clashes with."""
        super().__init__(message)
        self.problem = problem
        self.field = field
        self.text = text
        self.other = other


def _check_text(command: FeatureCommand, which: str, text: str) -> None:
    field, where = f"{command}.{which}", f"codes.{command}.{which} is {text!r}"
    if not CODE_MIN_CHARS <= len(text) <= CODE_MAX_CHARS:
        told = f"{where}: use {CODE_MIN_CHARS} to {CODE_MAX_CHARS} characters"
        raise CodeError(told, problem=CodeProblem.LENGTH, field=field, text=text)
    if not CODE_CHARS.issuperset(text):
        raise CodeError(f"{where}: use only the keys * # 0 to 9", problem=CodeProblem.KEYS, field=field, text=text)


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureCode:
    """One command and the texts that ask for it; raises CodeError for a text that cannot be a code."""

    command: FeatureCommand
    main: str
    alternate: str | None = None
    enabled: bool = True

    def __post_init__(self) -> None:
        _check_text(self.command, "main", self.main)
        if self.alternate is not None:
            _check_text(self.command, "alternate", self.alternate)

    @property
    def texts(self) -> tuple[str, ...]:
        """The texts that count: main, then alternate; none when the code is switched off."""
        return tuple(text for _, text in self.named_texts)

    @property
    def named_texts(self) -> tuple[tuple[str, str], ...]:
        """The texts that count, each after its field: ``start.main``, ``start.alternate``."""
        named = ((f"{self.command}.main", self.main), (f"{self.command}.alternate", self.alternate))
        return tuple((field, text) for field, text in named if text is not None) if self.enabled else ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureCodes:
    """The table of one installation; raises CodeError when two enabled texts cannot be told apart."""

    start: FeatureCode = FeatureCode(command=FeatureCommand.START, main="*44")
    stop: FeatureCode = FeatureCode(command=FeatureCommand.STOP, main="*45")
    pause: FeatureCode = FeatureCode(command=FeatureCommand.PAUSE, main="*48")
    resume: FeatureCode = FeatureCode(command=FeatureCommand.RESUME, main="*49")
    _commands: dict[str, FeatureCommand] = field(init=False, repr=False, compare=False)
    _prefixes: frozenset[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        for name, code in zip(("start", "stop", "pause", "resume"), self, strict=True):
            if code.command != name:
                told = f"codes.{name} holds the code for {code.command}; give it one for {name}"
                raise CodeError(told, problem=CodeProblem.PLACE, field=name)
        _check_distinct([named for code in self for named in code.named_texts])
        pairs = [(text, code.command) for code in self for text in code.texts]
        # a frozen instance fills its own derived fields once, here
        object.__setattr__(self, "_commands", dict(pairs))
        object.__setattr__(self, "_prefixes", frozenset(t[:n] for t, _ in pairs for n in range(1, len(t))))

    def __iter__(self) -> Iterator[FeatureCode]:
        return iter((self.start, self.stop, self.pause, self.resume))

    def lookup(self, text: str) -> FeatureCommand | None:
        """The command that exactly this text asks for, or None."""
        return self._commands.get(text)

    def may_become_code(self, text: str) -> bool:
        """True when ``text`` is the beginning, but not the whole, of an enabled code."""
        return text in self._prefixes


def _check_distinct(named: list[tuple[str, str]]) -> None:
    for (own_field, text), (other_field, other) in permutations(named, 2):
        command, other_command = own_field.partition(".")[0], other_field.partition(".")[0]
        if text == other:
            told = f"feature code {text} is given twice ({command} and {other_command}): change one"
            raise CodeError(told, problem=CodeProblem.TWICE, field=other_field, text=text, other=text)
        if other.startswith(text):
            told = (
                f"feature code {text} ({command}) is the beginning of {other} ({other_command}): "
                f"{other} could never be dialled; change one"
            )
            raise CodeError(told, problem=CodeProblem.BEGINS_ANOTHER, field=own_field, text=text, other=other)
