"""Settings changed while the server runs lie over those of the configuration, and those are what a page shows first."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest

from callmodel.codes import FeatureCode, FeatureCodes, FeatureCommand
from callmodel.modes import FailureBehavior, OnDemandAnnounce, OnDemandStop, RepeatedCode, TonePreset
from catalog import ReminderTone, ServiceSettings
from catalog.service_settings import TONE_LIMITS
from mediaserver.app.config import Settings, ToneTable
from mediaserver.app.product import call_config
from mediaserver.app.service_defaults import service_defaults
from mediaserver.media.messages import ToneAudio
from mediaserver.runtime.service import reminder_audio, service_config

CODES = FeatureCodes(start=FeatureCode(command=FeatureCommand.START, main="*55"))
CONFIGURED = call_config(Settings())


def test_every_setting_has_a_default_of_the_configuration_but_the_version_of_the_announcements() -> None:
    defaults = service_defaults(Settings())
    assert [field.name for field in fields(defaults) if getattr(defaults, field.name) is None] == ["prompts_version"]


def test_the_defaults_are_what_the_configuration_says() -> None:
    settings = Settings.model_validate(
        {
            "codes": {"start": {"main": "*55"}},
            "recording": {
                "tone_preset": "de",
                "refusal": "silent",
                "failure_behavior": "END_CALL_WITH_ANNOUNCEMENT",
                "announce_on_resume": False,
                "on_demand_stop": "stop",
                "on_demand_announce": "answer",
                "repeated_code": "silent",
            },
        }
    )
    assert service_defaults(settings) == ServiceSettings(
        codes=CODES,
        reminder=TonePreset.DE,
        refusal_tone=False,
        failure_behavior=FailureBehavior.END_ANNOUNCED,
        announce_on_resume=False,
        on_demand_stop=OnDemandStop.STOP,
        on_demand_announce=OnDemandAnnounce.ANSWER,
        repeated_code=RepeatedCode.SILENT,
    )


def test_the_defaults_saved_change_nothing() -> None:
    assert service_config(CONFIGURED, service_defaults(Settings())) == CONFIGURED


def test_nothing_set_changes_nothing() -> None:
    assert service_config(CONFIGURED, ServiceSettings(prompts_version="3")) == CONFIGURED


@pytest.mark.parametrize(
    ("service", "expected"),
    [
        (ServiceSettings(codes=CODES), {"codes": CODES}),
        (
            ServiceSettings(reminder=TonePreset.DE),
            {"reminder_tone": ToneAudio(hz=1400, on_ms=80, level_dbm0=-18)},
        ),
        (ServiceSettings(refusal_tone=False), {"refusal": "silent"}),
        (ServiceSettings(refusal_tone=True), {}),
        (
            ServiceSettings(failure_behavior=FailureBehavior.END_ANNOUNCED),
            {"failure_behavior": FailureBehavior.END_ANNOUNCED},
        ),
        (
            ServiceSettings(announce_on_resume=False, on_demand_stop=OnDemandStop.STOP),
            {"table": replace(CONFIGURED.table, announce_on_resume=False, on_demand_stop=OnDemandStop.STOP)},
        ),
        (
            ServiceSettings(repeated_code=RepeatedCode.SILENT, on_demand_announce=OnDemandAnnounce.ANSWER),
            {
                "table": replace(
                    CONFIGURED.table,
                    repeated_code=RepeatedCode.SILENT,
                    on_demand_announce=OnDemandAnnounce.ANSWER,
                )
            },
        ),
    ],
    ids=["codes", "reminder", "silent", "tone", "failure", "table", "table-too"],
)
def test_what_is_set_takes_the_place_of_the_configured(service: ServiceSettings, expected: dict[str, Any]) -> None:
    assert service_config(CONFIGURED, service) == replace(CONFIGURED, **expected)


def test_a_reminder_tone_of_ones_own_reaches_the_media_worker_number_by_number() -> None:
    own = ReminderTone(hz=850, on_ms=200, off_ms=100, bursts=2, level_dbm0=-12)
    assert reminder_audio(own) == ToneAudio(hz=850, on_ms=200, off_ms=100, bursts=2, level_dbm0=-12)


def test_a_tone_has_the_limits_it_has_in_the_configuration() -> None:
    limits = {
        name: tuple(next(getattr(part, end) for part in field.metadata if hasattr(part, end)) for end in ("ge", "le"))
        for name, field in ToneTable.model_fields.items()
    }
    assert limits == TONE_LIMITS
