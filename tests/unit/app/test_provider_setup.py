"""What a start sets up for the provider, and what the portals see of Dubber when nothing leads there."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from callmodel.errors import ConfigError
from callmodel.subscriber import DubPointKey, Subscriber
from catalog import Catalog, ProviderSettings
from mediaserver.app.config import Settings, load_settings
from mediaserver.app.dubber_link import DubberLink
from mediaserver.app.provider_setup import NO_UPLOADER, set_up_provider
from portals.ports import GroupCheck, GroupOutcome

NOW = datetime(2026, 3, 4, 9, 30, tzinfo=UTC)


@pytest.fixture
def catalog() -> Iterator[Catalog]:
    with Catalog.open("sqlite://") as opened:
        yield opened


def settings(tmp_path: Path, **changes: object) -> Settings:
    return load_settings(None, {}, {"data_dir": tmp_path, **changes})


def test_a_plain_start_installs_nothing_and_gives_identifiers(tmp_path: Path, catalog: Catalog) -> None:
    catalog.subscribers.upsert(Subscriber(number="1001"), now=NOW)
    set_up_provider(settings(tmp_path, domain="carrier.test"), catalog, None, NOW)
    key = DubPointKey(
        service_provider="CARRIER", external_group="CARRIER-MAIN", external_identifier="1001@carrier.test"
    )
    assert catalog.provider.read() == ProviderSettings()
    assert catalog.subscribers.list() == (Subscriber(number="1001", dub_point=key),)


def test_a_group_in_the_configuration_is_installed(tmp_path: Path, catalog: Catalog) -> None:
    set_up_provider(settings(tmp_path, uploader={"group_id": "g-7"}), catalog, None, NOW)
    assert catalog.provider.read() == ProviderSettings(
        group_id="g-7", terms_accepted_at=NOW, terms_accepted_by="configuration"
    )


def test_a_group_in_the_configuration_that_cannot_be_one_is_named(tmp_path: Path, catalog: Catalog) -> None:
    with pytest.raises(ConfigError, match=r"^uploader\.group_id: 1 to 64"):
        set_up_provider(settings(tmp_path, uploader={"group_id": "my group"}), catalog, None, NOW)


def test_a_domain_that_is_too_long_for_identifiers_is_named(tmp_path: Path, catalog: Catalog) -> None:
    catalog.subscribers.upsert(Subscriber(number="1001"), now=NOW)
    with pytest.raises(ConfigError, match=r"^domain: .* choose a shorter one"):
        set_up_provider(settings(tmp_path, domain="d" * 200), catalog, None, NOW)


def test_without_an_uploader_who_waits_is_told_so(tmp_path: Path, catalog: Catalog) -> None:
    catalog.subscribers.upsert(Subscriber(number="1001"), now=NOW)
    set_up_provider(settings(tmp_path, without=("uploader",)), catalog, None, NOW)
    catalog.provisioning.request("1001", now=NOW)
    assert [row.problem for row in catalog.provisioning.list()] == [NO_UPLOADER]


async def test_without_an_uploader_no_group_can_be_checked() -> None:
    link = DubberLink(None)
    link.wake()
    assert await link.check_group("g-1") == GroupCheck(outcome=GroupOutcome.UNREACHABLE, problem=NO_UPLOADER)
