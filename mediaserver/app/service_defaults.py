"""The service's settings as the configuration has them: what holds until somebody sets them on a page."""

from __future__ import annotations

from catalog import ServiceSettings
from mediaserver.app.config import Settings


def service_defaults(settings: Settings) -> ServiceSettings:
    """Nothing of it is None but the version of the announcements."""
    recording = settings.recording
    return ServiceSettings(
        codes=settings.codes.table(),
        reminder=recording.tone_preset,
        refusal_tone=recording.refusal == "tone",
        failure_behavior=recording.failure_behavior,
        announce_on_resume=recording.announce_on_resume,
        on_demand_stop=recording.on_demand_stop,
        on_demand_announce=recording.on_demand_announce,
        repeated_code=recording.repeated_code,
    )
