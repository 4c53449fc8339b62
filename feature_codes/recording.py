"""The recording table: (mode, state, cue) -> step, the whole of it, as data.

Rules a reader can check against the rows:

1. A refused cue changes nothing: its step leads to the same state and its only effect is REFUSE.
2. A code that asks for what is already so is accepted, changes nothing, and the user hears the notification for the
   current state again: REPEAT_NOTICE, then one NOTIFY effect.
3. Nothing is announced and no reminder runs before a recording is known to be kept. In On Demand that moment is START
   (unless ``on_demand_announce`` says otherwise).
4. The reminder is armed with every entry into ``recording`` and disarmed with every exit from it, never elsewhere.
5. Pausing suspends before anything sounds; resuming continues before anything sounds.
6. Nothing is open in ``ready`` and ``closed``; in all other states exactly one recording is.

``paused`` alone does not tell whether the call is kept, so a state is a phase and that bit. Effects are in the order in
which they are to be carried out. The page ``docs/recording-table.md`` is drawn from this table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from callmodel.modes import OnDemandAnnounce, OnDemandStop, Phase, RecordingMode, RepeatedCode


class Cue(StrEnum):
    """What can happen to one user's recording."""

    ANSWERED = "answered"
    START = "start"
    STOP = "stop"
    PAUSE = "pause"
    RESUME = "resume"
    ENDED = "ended"
    """The call ended."""
    FAILED = "failed"
    """The recording could not be opened or cannot go on."""


class Effect(StrEnum):
    """What is to be done about it. Who hears an effect is written beside it."""

    OPEN = "open"
    """Open a new recording from now on."""
    KEEP_FROM_ANSWER = "keep-from-answer"
    """What was provisional since the answer is kept."""
    SUSPEND = "suspend"
    """From now on no sample is written."""
    CONTINUE = "continue"
    """Write again from now on."""
    CLOSE_KEEP = "close-keep"
    """Close the open recording and deliver it."""
    CLOSE_DESTROY = "close-destroy"
    """Close the open recording and unlink every byte; result ``successful but not kept``."""
    CLOSE_FAILED = "close-failed"
    """Give the open recording up: what was written stays for salvage, result ``failed``."""
    REFUSE = "refuse"
    """Refusal tone (when ``refusal`` is ``tone``) to the user who dialled; 4xx where the channel has answers."""
    REPEAT_NOTICE = "repeat-notice"
    """Accepted though it changes nothing; the NOTIFY effect after it says what the user hears."""
    ANNOUNCE_STARTED = "announce-started"
    """``recording-started`` to both parties, recorded, when the announcement is on for this call."""
    ANNOUNCE_STARTED_AGAIN = "announce-started-again"
    """``recording-started`` to the far party, recorded, when the announcement is on for this call."""
    ANNOUNCE_STOPPED = "announce-stopped"
    """``recording-stopped`` to both parties, when the announcement is on for this call."""
    NOTIFY_STARTED = "notify-started"
    """To the user who dialled, not recorded, by the notification setting: nothing, beep or ``recording-started``."""
    NOTIFY_PAUSED = "notify-paused"
    """To the user who dialled, not recorded, by the notification setting: nothing, beep or ``recording-paused``."""
    NOTIFY_RESUMED = "notify-resumed"
    """To the user who dialled, not recorded, by the notification setting: nothing, beep or ``recording-resumed``."""
    ARM_REMINDER = "arm-reminder"
    """When a reminder is set: the first burst one interval from now."""
    DISARM_REMINDER = "disarm-reminder"
    REPORT_FAILURE = "report-failure"
    """What the failure behaviour says: nothing, an announcement, or an announcement and the end of the call."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableOptions:
    """Choices where the platform's behaviour is not documented."""

    on_demand_stop: OnDemandStop = OnDemandStop.REFUSE
    on_demand_announce: OnDemandAnnounce = OnDemandAnnounce.KEEP
    repeated_code: RepeatedCode = RepeatedCode.NOTICE
    announce_on_resume: bool = True
    """Repeat "started" to the far party when a pause ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingState:
    """Where one user's recording stands."""

    phase: Phase
    kept: bool = False
    """The recording that is open will be kept when the call ends now."""

    @property
    def is_open(self) -> bool:
        """A recording exists in this state."""
        return self.phase not in {Phase.READY, Phase.CLOSED}

    def __str__(self) -> str:
        return "paused while provisional" if self == PAUSED_PROVISIONAL else self.phase.value


READY: Final = RecordingState(phase=Phase.READY)
PROVISIONAL: Final = RecordingState(phase=Phase.PROVISIONAL)
RECORDING: Final = RecordingState(phase=Phase.RECORDING, kept=True)
PAUSED: Final = RecordingState(phase=Phase.PAUSED, kept=True)
PAUSED_PROVISIONAL: Final = RecordingState(phase=Phase.PAUSED, kept=False)
CLOSED: Final = RecordingState(phase=Phase.CLOSED)

INITIAL_STATE: Final = READY
"""Before the call is answered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One cell of the table."""

    to: RecordingState
    effects: tuple[Effect, ...] = ()

    @property
    def refused(self) -> bool:
        """The cue does not fit; nothing changed."""
        return Effect.REFUSE in self.effects

    @property
    def repeated(self) -> bool:
        """The cue asked for what is already so; nothing changed."""
        return Effect.REPEAT_NOTICE in self.effects


def _to(state: RecordingState, *effects: Effect) -> Step:
    return Step(to=state, effects=effects)


_Rows = Mapping[RecordingState, Mapping[Cue, Step]]

_CODES: Final = (Cue.START, Cue.STOP, Cue.PAUSE, Cue.RESUME)


def _refuse(state: RecordingState, *cues: Cue) -> dict[Cue, Step]:
    return {cue: _to(state, Effect.REFUSE) for cue in cues}


def _deaf(state: RecordingState, *cues: Cue) -> dict[Cue, Step]:
    return {cue: _to(state) for cue in cues}


# parts that several cells share, in the order of doing
_BEGIN: Final = (Effect.OPEN, Effect.ANNOUNCE_STARTED, Effect.ARM_REMINDER)
_PAUSE: Final = (Effect.SUSPEND, Effect.DISARM_REMINDER, Effect.NOTIFY_PAUSED)
_RESUME: Final = (Effect.CONTINUE, Effect.NOTIFY_RESUMED, Effect.ANNOUNCE_STARTED_AGAIN, Effect.ARM_REMINDER)
_STOP: Final = (Effect.DISARM_REMINDER, Effect.CLOSE_KEEP, Effect.ANNOUNCE_STOPPED)
_STOP_PAUSED: Final = (Effect.CLOSE_KEEP, Effect.ANNOUNCE_STOPPED)
_END: Final = (Effect.DISARM_REMINDER, Effect.CLOSE_KEEP)
_FAIL: Final = (Effect.DISARM_REMINDER, Effect.CLOSE_FAILED, Effect.REPORT_FAILURE)
_FAIL_PAUSED: Final = (Effect.CLOSE_FAILED, Effect.REPORT_FAILURE)
_FAIL_UNKEPT: Final = (Effect.CLOSE_DESTROY, Effect.REPORT_FAILURE)
_STILL_STARTED: Final = (Effect.REPEAT_NOTICE, Effect.NOTIFY_STARTED)
_STILL_RUNNING: Final = (Effect.REPEAT_NOTICE, Effect.NOTIFY_RESUMED)
_STILL_PAUSED: Final = (Effect.REPEAT_NOTICE, Effect.NOTIFY_PAUSED)

_CLOSED_ROW: Final = {**_refuse(CLOSED, *_CODES), **_deaf(CLOSED, Cue.ANSWERED, Cue.ENDED, Cue.FAILED)}

_NEVER: Final[_Rows] = {
    READY: {**_deaf(READY, Cue.ANSWERED, Cue.FAILED), **_refuse(READY, *_CODES), Cue.ENDED: _to(CLOSED)},
    CLOSED: _CLOSED_ROW,
}

_ALWAYS: Final[_Rows] = {
    READY: {
        Cue.ANSWERED: _to(RECORDING, *_BEGIN),
        **_refuse(READY, *_CODES),
        Cue.ENDED: _to(CLOSED),
        Cue.FAILED: _to(CLOSED, Effect.REPORT_FAILURE),
    },
    RECORDING: {
        **_deaf(RECORDING, Cue.ANSWERED),
        **_refuse(RECORDING, *_CODES),
        Cue.ENDED: _to(CLOSED, *_END),
        Cue.FAILED: _to(CLOSED, *_FAIL),
    },
    CLOSED: _CLOSED_ROW,
}

_ALWAYS_PAUSE_RESUME: Final[_Rows] = {
    READY: _ALWAYS[READY],
    RECORDING: {
        **_deaf(RECORDING, Cue.ANSWERED),
        **_refuse(RECORDING, Cue.START, Cue.STOP),
        Cue.PAUSE: _to(PAUSED, *_PAUSE),
        Cue.RESUME: _to(RECORDING, *_STILL_RUNNING),
        Cue.ENDED: _to(CLOSED, *_END),
        Cue.FAILED: _to(CLOSED, *_FAIL),
    },
    PAUSED: {
        **_deaf(PAUSED, Cue.ANSWERED),
        **_refuse(PAUSED, Cue.START, Cue.STOP),
        Cue.PAUSE: _to(PAUSED, *_STILL_PAUSED),
        Cue.RESUME: _to(RECORDING, *_RESUME),
        Cue.ENDED: _to(CLOSED, Effect.CLOSE_KEEP),
        Cue.FAILED: _to(CLOSED, *_FAIL_PAUSED),
    },
    CLOSED: _CLOSED_ROW,
}

_ON_DEMAND: Final[_Rows] = {
    READY: {
        Cue.ANSWERED: _to(PROVISIONAL, Effect.OPEN),
        **_refuse(READY, *_CODES),
        Cue.ENDED: _to(CLOSED),
        Cue.FAILED: _to(CLOSED, Effect.REPORT_FAILURE),
    },
    PROVISIONAL: {
        **_deaf(PROVISIONAL, Cue.ANSWERED),
        Cue.START: _to(RECORDING, Effect.KEEP_FROM_ANSWER, Effect.ANNOUNCE_STARTED, Effect.ARM_REMINDER),
        **_refuse(PROVISIONAL, Cue.STOP),
        Cue.PAUSE: _to(PAUSED_PROVISIONAL, Effect.SUSPEND, Effect.NOTIFY_PAUSED),
        Cue.RESUME: _to(PROVISIONAL, *_STILL_RUNNING),
        Cue.ENDED: _to(CLOSED, Effect.CLOSE_DESTROY),
        Cue.FAILED: _to(CLOSED, *_FAIL_UNKEPT),
    },
    PAUSED_PROVISIONAL: {
        **_deaf(PAUSED_PROVISIONAL, Cue.ANSWERED),
        # kept from the answer less the pause, which goes on until it is resumed
        Cue.START: _to(PAUSED, Effect.KEEP_FROM_ANSWER, Effect.ANNOUNCE_STARTED),
        **_refuse(PAUSED_PROVISIONAL, Cue.STOP),
        Cue.PAUSE: _to(PAUSED_PROVISIONAL, *_STILL_PAUSED),
        Cue.RESUME: _to(PROVISIONAL, Effect.CONTINUE, Effect.NOTIFY_RESUMED),
        Cue.ENDED: _to(CLOSED, Effect.CLOSE_DESTROY),
        Cue.FAILED: _to(CLOSED, *_FAIL_UNKEPT),
    },
    RECORDING: {
        **_deaf(RECORDING, Cue.ANSWERED),
        Cue.START: _to(RECORDING, *_STILL_STARTED),
        **_refuse(RECORDING, Cue.STOP),
        Cue.PAUSE: _to(PAUSED, *_PAUSE),
        Cue.RESUME: _to(RECORDING, *_STILL_RUNNING),
        Cue.ENDED: _to(CLOSED, *_END),
        Cue.FAILED: _to(CLOSED, *_FAIL),
    },
    PAUSED: {
        **_deaf(PAUSED, Cue.ANSWERED),
        Cue.START: _to(PAUSED, *_STILL_PAUSED),
        **_refuse(PAUSED, Cue.STOP),
        Cue.PAUSE: _to(PAUSED, *_STILL_PAUSED),
        Cue.RESUME: _to(RECORDING, *_RESUME),
        Cue.ENDED: _to(CLOSED, Effect.CLOSE_KEEP),
        Cue.FAILED: _to(CLOSED, *_FAIL_PAUSED),
    },
    CLOSED: _CLOSED_ROW,
}

# with on_demand_stop = "stop" a kept recording ends for good: the call has one recording in this mode, from its answer
_ON_DEMAND_WITH_STOP: Final[_Rows] = {
    **_ON_DEMAND,
    RECORDING: {**_ON_DEMAND[RECORDING], Cue.STOP: _to(CLOSED, *_STOP)},
    PAUSED: {**_ON_DEMAND[PAUSED], Cue.STOP: _to(CLOSED, *_STOP_PAUSED)},
}

_ON_DEMAND_USER_START: Final[_Rows] = {
    READY: {
        # after a failed take a further *44 may try again, so the late news of one changes nothing here
        **_deaf(READY, Cue.ANSWERED, Cue.FAILED),
        Cue.START: _to(RECORDING, *_BEGIN),
        **_refuse(READY, Cue.STOP, Cue.PAUSE, Cue.RESUME),
        Cue.ENDED: _to(CLOSED),
    },
    RECORDING: {
        **_deaf(RECORDING, Cue.ANSWERED),
        Cue.START: _to(RECORDING, *_STILL_STARTED),
        Cue.STOP: _to(READY, *_STOP),
        Cue.PAUSE: _to(PAUSED, *_PAUSE),
        Cue.RESUME: _to(RECORDING, *_STILL_RUNNING),
        Cue.ENDED: _to(CLOSED, *_END),
        Cue.FAILED: _to(READY, *_FAIL),
    },
    PAUSED: {
        **_deaf(PAUSED, Cue.ANSWERED),
        Cue.START: _to(PAUSED, *_STILL_PAUSED),
        Cue.STOP: _to(READY, *_STOP_PAUSED),
        Cue.PAUSE: _to(PAUSED, *_STILL_PAUSED),
        Cue.RESUME: _to(RECORDING, *_RESUME),
        Cue.ENDED: _to(CLOSED, Effect.CLOSE_KEEP),
        Cue.FAILED: _to(READY, *_FAIL_PAUSED),
    },
    CLOSED: _CLOSED_ROW,
}

_TABLE: Final[Mapping[RecordingMode, _Rows]] = MappingProxyType(
    {
        RecordingMode.NEVER: _NEVER,
        RecordingMode.ALWAYS: _ALWAYS,
        RecordingMode.ALWAYS_PAUSE_RESUME: _ALWAYS_PAUSE_RESUME,
        RecordingMode.ON_DEMAND: _ON_DEMAND,
        RecordingMode.ON_DEMAND_USER_START: _ON_DEMAND_USER_START,
    }
)

DEFAULT_OPTIONS: Final = TableOptions()


@lru_cache(maxsize=64)
def rows(mode: RecordingMode, options: TableOptions = DEFAULT_OPTIONS) -> _Rows:
    """Every state of a mode, and what every cue does there."""
    stops = mode is RecordingMode.ON_DEMAND and options.on_demand_stop is OnDemandStop.STOP
    table = _ON_DEMAND_WITH_STOP if stops else _TABLE[mode]
    return {
        state: {cue: _to(step.to, *_heard(mode, step.effects, options)) for cue, step in row.items()}
        for state, row in table.items()
    }


def advance(mode: RecordingMode, state: RecordingState, cue: Cue, options: TableOptions = DEFAULT_OPTIONS) -> Step:
    """The step for a cue; ValueError when the mode knows no such state."""
    row = rows(mode, options).get(state)
    if row is None:
        raise ValueError(f"mode {mode} has no state {state}")
    return row[cue]


def _heard(mode: RecordingMode, effects: tuple[Effect, ...], options: TableOptions) -> tuple[Effect, ...]:
    """The effects of a cell as the options about sound want them; what is recorded never depends on these."""
    unheard: set[Effect] = set()
    if not options.announce_on_resume:
        unheard.add(Effect.ANNOUNCE_STARTED_AGAIN)
    if options.repeated_code is RepeatedCode.SILENT and Effect.REPEAT_NOTICE in effects:
        unheard |= {Effect.NOTIFY_STARTED, Effect.NOTIFY_PAUSED, Effect.NOTIFY_RESUMED}
    added: tuple[Effect, ...] = ()
    if mode is RecordingMode.ON_DEMAND and options.on_demand_announce is OnDemandAnnounce.ANSWER:
        unheard.add(Effect.ANNOUNCE_STARTED)
        added = (Effect.ANNOUNCE_STARTED,) if Effect.OPEN in effects else ()
    return tuple(effect for effect in effects if effect not in unheard) + added
