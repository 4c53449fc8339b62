"""The service's settings of the catalogue, laid over those of the configuration file: what the next call is told."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from callmodel.modes import TonePreset
from catalog import ReminderTone, ServiceSettings
from mediaserver.call.config import CallConfig, tone_audio
from mediaserver.media.messages import ToneAudio
from prompts.tones import REMINDERS

_OF_THE_TABLE = ("on_demand_stop", "on_demand_announce", "repeated_code", "announce_on_resume")


def service_config(configured: CallConfig, service: ServiceSettings) -> CallConfig:
    """The configured settings of calls, with everything in its place that was set since."""
    changes: dict[str, Any] = {}
    if service.codes is not None:
        changes["codes"] = service.codes
    if service.reminder is not None:
        changes["reminder_tone"] = reminder_audio(service.reminder)
    if service.refusal_tone is not None:
        changes["refusal"] = "tone" if service.refusal_tone else "silent"
    if service.failure_behavior is not None:
        changes["failure_behavior"] = service.failure_behavior
    options = {name: value for name in _OF_THE_TABLE if (value := getattr(service, name)) is not None}
    return replace(configured, table=replace(configured.table, **options), **changes)


def reminder_audio(reminder: TonePreset | ReminderTone) -> ToneAudio:
    """A reminder tone as the media worker takes it."""
    if isinstance(reminder, TonePreset):
        return tone_audio(REMINDERS[reminder].tone)
    return ToneAudio(
        hz=reminder.hz,
        on_ms=reminder.on_ms,
        off_ms=reminder.off_ms,
        bursts=reminder.bursts,
        level_dbm0=reminder.level_dbm0,
    )
