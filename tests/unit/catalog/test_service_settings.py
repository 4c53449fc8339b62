"""Settings of the recording service: what was set, what was never set, and what cannot be."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

import pytest

from callmodel.codes import FeatureCode, FeatureCodes, FeatureCommand
from callmodel.modes import FailureBehavior, OnDemandAnnounce, OnDemandStop, RepeatedCode, TonePreset
from catalog import Catalog, ReminderTone, ServiceSettings, SettingError, SettingProblem
from tests.support.databases import Databases

NOW = datetime(2024, 5, 1, 12, 0, tzinfo=UTC)
CODES = FeatureCodes(
    start=FeatureCode(command=FeatureCommand.START, main="*55", alternate="##1"),
    resume=FeatureCode(command=FeatureCommand.RESUME, main="*49", enabled=False),
)
EVERYTHING = ServiceSettings(
    codes=CODES,
    reminder=ReminderTone(hz=1209.5, on_ms=100, off_ms=50, bursts=3, level_dbm0=-21.5),
    refusal_tone=False,
    failure_behavior=FailureBehavior.END_ANNOUNCED,
    announce_on_resume=False,
    on_demand_stop=OnDemandStop.STOP,
    on_demand_announce=OnDemandAnnounce.ANSWER,
    repeated_code=RepeatedCode.SILENT,
    prompts_version="1",
)


@pytest.fixture
def catalog(databases: Databases) -> Iterator[Catalog]:
    with Catalog.open(databases.catalog()) as opened:
        yield opened


def test_nothing_was_set_at_first(catalog: Catalog) -> None:
    assert catalog.service_settings.read() == ServiceSettings()


def test_everything_that_is_written_is_read(catalog: Catalog) -> None:
    catalog.service_settings.write(EVERYTHING, now=NOW)
    assert catalog.service_settings.read() == EVERYTHING
    assert all(getattr(EVERYTHING, field.name) is not None for field in fields(EVERYTHING))


def test_what_is_not_named_stays_and_one_write_is_one_change(catalog: Catalog) -> None:
    store = catalog.service_settings
    store.write(ServiceSettings(refusal_tone=False), now=NOW)
    before = catalog.settings.version()
    store.write(ServiceSettings(reminder=TonePreset.DE, repeated_code=RepeatedCode.SILENT), now=NOW)
    assert store.read() == ServiceSettings(
        refusal_tone=False, reminder=TonePreset.DE, repeated_code=RepeatedCode.SILENT
    )
    assert catalog.settings.version() == before + 1


def test_other_settings_of_the_catalogue_are_left_alone(catalog: Catalog) -> None:
    catalog.settings.set("group_id", "g-1", now=NOW)
    catalog.service_settings.write(ServiceSettings(refusal_tone=True), now=NOW)
    assert catalog.settings.all() == {"group_id": "g-1", "service.refusal_tone": True}


def test_what_is_forgotten_is_as_if_it_was_never_set(catalog: Catalog) -> None:
    store = catalog.service_settings
    store.write(EVERYTHING, now=NOW)
    store.forget(*(field.name for field in fields(ServiceSettings) if field.name != "reminder"), now=NOW)
    assert store.read() == ServiceSettings(reminder=EVERYTHING.reminder)


def test_a_name_there_is_none_of_cannot_be_forgotten(catalog: Catalog) -> None:
    with pytest.raises(ValueError, match="no such setting: group_id"):
        catalog.service_settings.forget("group_id", now=NOW)


def test_each_change_of_the_announcements_is_another_version(catalog: Catalog) -> None:
    versions = set()
    for _ in range(3):
        catalog.service_settings.prompts_changed(now=NOW)
        versions.add(catalog.service_settings.read().prompts_version)
    assert len(versions) == 3


def test_settings_lie_over_the_defaults() -> None:
    own = ServiceSettings(refusal_tone=False, reminder=TonePreset.FR)
    assert own.over(EVERYTHING) == ServiceSettings(
        codes=CODES,
        reminder=TonePreset.FR,
        refusal_tone=False,
        failure_behavior=FailureBehavior.END_ANNOUNCED,
        announce_on_resume=False,
        on_demand_stop=OnDemandStop.STOP,
        on_demand_announce=OnDemandAnnounce.ANSWER,
        repeated_code=RepeatedCode.SILENT,
        prompts_version="1",
    )


@pytest.mark.parametrize(
    ("number", "value", "limits"),
    [
        ("hz", 99.9, (100, 3400)),
        ("hz", float("nan"), (100, 3400)),
        ("on_ms", 19, (20, 5000)),
        ("off_ms", 5001, (0, 5000)),
        ("bursts", 21, (1, 20)),
        ("level_dbm0", 0.5, (-60, 0)),
    ],
    ids=["low", "no-number", "short", "long-pause", "many", "loud"],
)
def test_a_tone_out_of_its_limits_names_the_number(number: str, value: float, limits: tuple[float, float]) -> None:
    with pytest.raises(SettingError) as caught:
        ReminderTone(**{"hz": 1400.0, "on_ms": 500, number: value})  # type: ignore[arg-type]  # wrong on purpose
    error = caught.value
    assert (error.field, error.problem, error.limits) == (f"reminder.{number}", SettingProblem.RANGE, limits)
    assert str(error) == f"reminder.{number}: use {limits[0]} to {limits[1]}"


def test_a_tone_may_not_outlast_the_shortest_interval() -> None:
    assert ReminderTone(hz=1400, on_ms=100, off_ms=900, bursts=10).bursts == 10
    with pytest.raises(SettingError, match=r"reminder\.bursts: all bursts together last longer than 10000 ms"):
        ReminderTone(hz=1400, on_ms=1000, off_ms=1000, bursts=6)


@pytest.mark.parametrize(
    ("key", "value", "field"),
    [
        ("codes", {"start": {"main": "*44"}}, "codes"),
        ("codes", "*44", "codes"),
        ("codes", {name: {"main": "*44"} for name in FeatureCommand}, "codes"),
        ("reminder", "mars", "reminder"),
        ("reminder", {"hz": 1400, "on_ms": 500, "colour": "red"}, "reminder"),
        ("reminder", {"hz": "1400", "on_ms": 500}, "reminder"),
        ("reminder", {"hz": 50, "on_ms": 500}, "reminder.hz"),
        ("refusal_tone", 1, "refusal_tone"),
        ("failure_behavior", "END", "failure_behavior"),
        ("prompts_version", 3, "prompts_version"),
    ],
    ids=["codes-missing", "codes-text", "codes-alike", "preset", "extra", "type", "range", "bool", "list", "text"],
)
def test_what_cannot_be_read_is_named(catalog: Catalog, key: str, value: Any, field: str) -> None:
    catalog.settings.set(f"service.{key}", value, now=NOW)
    with pytest.raises(SettingError) as caught:
        catalog.service_settings.read()
    assert caught.value.field == field
