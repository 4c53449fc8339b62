"""From key presses to commands: one collector for each leg that may steer a recording.

A press that could begin a code is withheld. The presses held so far are always the beginning of at least one code, so
the collector is a small prefix automaton: a press either completes a code, lengthens the beginning, or proves that the
first press held was an ordinary one; that one is let go and the rest is looked at anew.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final

from callmodel.codes import FeatureCodes, FeatureCommand
from callmodel.digits import DigitPressed
from callmodel.modes import SteeringChannel

COLLECT_TIMEOUT_S: Final = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A code was completed; its presses are swallowed."""

    code: str
    command: FeatureCommand
    at: float
    """When its last press was known, monotonic seconds."""
    channel: SteeringChannel
    """Of its last press."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """Ordinary presses, unchanged and in order: pass them on."""

    presses: tuple[DigitPressed, ...]

    @property
    def digits(self) -> str:
        """The keys alone."""
        return "".join(press.digit for press in self.presses)


CollectorOutput = tuple[Command | Replay, ...]
"""In the order in which they happened; adjacent replays are one."""


class DigitCollector:
    """Collects the presses of one leg. Takes time as an argument, never asks for it."""

    def __init__(self, codes: FeatureCodes, timeout_s: float = COLLECT_TIMEOUT_S) -> None:
        self._codes = codes
        self._timeout_s = timeout_s
        self._held: list[DigitPressed] = []

    @property
    def held(self) -> str:
        """The keys withheld at the moment."""
        return "".join(press.digit for press in self._held)

    def press(self, digit: DigitPressed) -> CollectorOutput:
        """Take one de-duplicated press. Presses held too long are let go first, in case their timer is late."""
        output = list(self.expire(digit.at))
        coming = deque((digit,))
        while coming:
            self._held.append(coming.popleft())
            command = self._codes.lookup(self.held)
            if command is not None:
                last = self._held[-1]
                output.append(Command(code=self.held, command=command, at=last.at, channel=last.channel))
                self._held.clear()
            elif not self._codes.may_become_code(self.held):
                _append_replay(output, (self._held[0],))
                coming.extendleft(reversed(self._held[1:]))
                self._held.clear()
        return tuple(output)

    def expire(self, now: float) -> CollectorOutput:
        """Let go of everything held when the time since the last press is up; otherwise nothing."""
        due = self.next_timer()
        return self.flush() if due is not None and now >= due else ()

    def next_timer(self) -> float | None:
        """When ``expire`` has something to do, monotonic seconds; None when nothing is held."""
        return self._held[-1].at + self._timeout_s if self._held else None

    def flush(self) -> CollectorOutput:
        """Let go of everything held now (the time is up, or the leg changes hands)."""
        held, self._held = tuple(self._held), []
        return (Replay(presses=held),) if held else ()


def _append_replay(output: list[Command | Replay], presses: tuple[DigitPressed, ...]) -> None:
    if output and isinstance(output[-1], Replay):
        output[-1] = Replay(presses=output[-1].presses + presses)
    else:
        output.append(Replay(presses=presses))
