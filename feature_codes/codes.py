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


def _check_text(command: FeatureCommand, which: str, text: str) -> None:
    where = f"feature_codes.{command}.{which}"
    if not CODE_MIN_CHARS <= len(text) <= CODE_MAX_CHARS:
        raise ConfigError(f"{where} is {text!r}: use {CODE_MIN_CHARS} to {CODE_MAX_CHARS} characters")
    if not CODE_CHARS.issuperset(text):
        raise ConfigError(f"{where} is {text!r}: use only the keys * # 0 to 9")


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureCode:
    """One command and the texts that ask for it; raises ConfigError for a text that cannot be a code."""

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
        if not self.enabled:
            return ()
        return (self.main,) if self.alternate is None else (self.main, self.alternate)


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureCodes:
    """The table of one installation; raises ConfigError when two enabled texts cannot be told apart."""

    start: FeatureCode = FeatureCode(command=FeatureCommand.START, main="*44")
    stop: FeatureCode = FeatureCode(command=FeatureCommand.STOP, main="*45")
    pause: FeatureCode = FeatureCode(command=FeatureCommand.PAUSE, main="*48")
    resume: FeatureCode = FeatureCode(command=FeatureCommand.RESUME, main="*49")
    _commands: dict[str, FeatureCommand] = field(init=False, repr=False, compare=False)
    _prefixes: frozenset[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        for name, code in zip(("start", "stop", "pause", "resume"), self, strict=True):
            if code.command != name:
                raise ConfigError(f"feature_codes.{name} holds the code for {code.command}; give it one for {name}")
        pairs = [(text, code.command) for code in self for text in code.texts]
        _check_distinct(pairs)
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


def _check_distinct(pairs: list[tuple[str, FeatureCommand]]) -> None:
    for (text, command), (other, other_command) in permutations(pairs, 2):
        if text == other:
            raise ConfigError(f"feature code {text} is given twice ({command} and {other_command}): change one")
        if other.startswith(text):
            raise ConfigError(
                f"feature code {text} ({command}) is the beginning of {other} ({other_command}): "
                f"{other} could never be dialled; change one"
            )
