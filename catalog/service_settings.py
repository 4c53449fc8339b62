"""Settings of the recording service that are changed while the server runs; each holds from the next call on.

They lie over the configuration file: what was never set here (None below) is as the file has it. They are kept in the
catalogue's settings under ``service.<name>``, one key each, so that two pages saved at one time do not undo each other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import uuid4

from callmodel.codes import FeatureCode, FeatureCodes, FeatureCommand
from callmodel.errors import ConfigError
from callmodel.modes import FailureBehavior, OnDemandAnnounce, OnDemandStop, RepeatedCode, TonePreset
from catalog.settings import Settings

PREFIX: Final = "service."
TONE_LIMITS: Final[Mapping[str, tuple[float, float]]] = {
    "hz": (100, 3400),
    "on_ms": (20, 5000),
    "off_ms": (0, 5000),
    "bursts": (1, 20),
    "level_dbm0": (-60, 0),
}
"""Smallest and largest value of each number of a tone; as in the configuration file."""
LONGEST_REMINDER_MS: Final = 10_000
"""All bursts together: the shortest interval between two reminders."""


class SettingProblem(StrEnum):
    """What can be wrong with a setting."""

    RANGE = "range"
    TOO_LONG = "too-long"
    UNUSABLE = "unusable"
    """Not of the form a setting is kept in: another version of the program wrote it."""


class SettingError(ConfigError):
    """A setting that cannot be used: names the field; for a number also its limits."""

    reason = "setting"

    def __init__(self, field: str, problem: SettingProblem, limits: tuple[float, float] = (0, 0)) -> None:
        told = {
            SettingProblem.RANGE: f"use {limits[0]:g} to {limits[1]:g}",
            SettingProblem.TOO_LONG: f"all bursts together last longer than {limits[1]:g} ms",
            SettingProblem.UNUSABLE: "is kept in a form that cannot be read; set it again",
        }
        super().__init__(f"{field}: {told[problem]}")
        self.field = field
        """Such as ``codes`` or ``reminder.hz``."""
        self.problem = problem
        self.limits = limits


@dataclass(frozen=True, slots=True, kw_only=True)
class ReminderTone:
    """A reminder tone of one's own; raises SettingError for numbers out of ``TONE_LIMITS``."""

    hz: float
    on_ms: int
    """Length of a burst, its edges of 10 ms included."""
    off_ms: int = 0
    """Silence between two bursts."""
    bursts: int = 1
    level_dbm0: float = -18.0

    def __post_init__(self) -> None:
        for name, (low, high) in TONE_LIMITS.items():
            if not low <= getattr(self, name) <= high:
                raise SettingError(f"reminder.{name}", SettingProblem.RANGE, (low, high))
        if self.bursts * (self.on_ms + self.off_ms) - self.off_ms > LONGEST_REMINDER_MS:
            raise SettingError("reminder.bursts", SettingProblem.TOO_LONG, (0, LONGEST_REMINDER_MS))


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceSettings:
    """What was set; None is what the configuration file says."""

    codes: FeatureCodes | None = None
    """All four at once: whether two can be told apart is a question to the whole table."""
    reminder: TonePreset | ReminderTone | None = None
    refusal_tone: bool | None = None
    """Whether a user whose code is refused hears the refusal tone; False is silence."""
    failure_behavior: FailureBehavior | None = None
    announce_on_resume: bool | None = None
    on_demand_stop: OnDemandStop | None = None
    on_demand_announce: OnDemandAnnounce | None = None
    repeated_code: RepeatedCode | None = None
    prompts_version: str | None = None
    """Another one whenever an installation's own announcements changed."""

    def over(self, defaults: ServiceSettings) -> ServiceSettings:
        """These, and for what is None here the defaults."""
        return replace(defaults, **_set_in(self))


class ServiceStore:
    """The service's settings in the catalogue. Blocking, as all of the catalogue."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def read(self) -> ServiceSettings:
        """What was set; SettingError names what is kept in a form that cannot be read."""
        found = self._settings.all()
        return ServiceSettings(
            **{name: _read(name, found[PREFIX + name]) for name in SETTINGS if found.get(PREFIX + name) is not None}
        )

    def write(self, changed: ServiceSettings, *, now: datetime) -> None:
        """Set everything that is not None in ``changed``; the rest stays as it was. One transaction."""
        self._settings.change({PREFIX + name: _written(value) for name, value in _set_in(changed).items()}, now=now)

    def forget(self, *names: str, now: datetime) -> None:
        """Let the configuration file speak again; ValueError for a name there is none of."""
        if unknown := set(names) - set(SETTINGS):
            raise ValueError(f"no such setting: {', '.join(sorted(unknown))}")
        self._settings.change({}, forget=[PREFIX + name for name in names], now=now)

    def prompts_changed(self, *, now: datetime) -> None:
        """An announcement was put into the installation's directory, or taken out: calls are to use it."""
        self.write(ServiceSettings(prompts_version=uuid4().hex), now=now)


SETTINGS: Final = tuple(field.name for field in fields(ServiceSettings))
"""Names of all of them."""


def _set_in(settings: ServiceSettings) -> dict[str, Any]:
    return {name: value for name in SETTINGS if (value := getattr(settings, name)) is not None}


def _written(value: Any) -> Any:
    """JSON form of one value."""
    match value:
        case FeatureCodes():
            return {
                code.command.value: {"main": code.main, "alternate": code.alternate, "enabled": code.enabled}
                for code in value
            }
        case ReminderTone():
            return {name: getattr(value, name) for name in TONE_LIMITS}
        case StrEnum():
            return value.value
        case _:
            return value


def _read(name: str, value: Any) -> Any:
    try:
        return _READERS[name](value)
    except SettingError:
        raise
    except (ConfigError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise SettingError(name, SettingProblem.UNUSABLE) from error


def _codes(value: Any) -> FeatureCodes:
    return FeatureCodes(
        **{command.value: FeatureCode(command=command, **value[command.value]) for command in FeatureCommand}
    )


def _reminder(value: Any) -> TonePreset | ReminderTone:
    return TonePreset(value) if isinstance(value, str) else ReminderTone(**value)


def _bool(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError("not true or false")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("not text")
    return value


_READERS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "codes": _codes,
    "reminder": _reminder,
    "refusal_tone": _bool,
    "failure_behavior": FailureBehavior,
    "announce_on_resume": _bool,
    "on_demand_stop": OnDemandStop,
    "on_demand_announce": OnDemandAnnounce,
    "repeated_code": RepeatedCode,
    "prompts_version": _text,
}
