"""Everybody at hand: what is read, what is kept from one reading to the next."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from callmodel.modes import RecordingMode
from callmodel.subscriber import RecordingSettings, Subscriber
from catalog import Catalog
from tests.support.databases import Databases

NOW = datetime(2024, 5, 1, tzinfo=UTC)
ADA = Subscriber(number="1001", name="Ada")
BEN = Subscriber(number="1002", name="Ben")


@pytest.fixture
def catalog(databases: Databases) -> Iterator[Catalog]:
    with Catalog.open(databases.catalog()) as opened:
        for subscriber in (BEN, ADA):
            opened.subscribers.upsert(subscriber, now=NOW)
        yield opened


def test_everybody_is_listed_with_their_passwords(catalog: Catalog) -> None:
    catalog.subscribers.set_password("1002", "secret", realm="carrier.test", now=NOW)
    listed = catalog.roster().read()
    assert list(listed.subscribers.items()) == [("1001", ADA), ("1002", BEN)]
    assert listed.credentials == catalog.subscribers.all_credentials()
    assert list(listed.credentials) == ["1002"]


def test_who_has_not_changed_is_the_same_object_again(catalog: Catalog) -> None:
    roster = catalog.roster()
    before = roster.read().subscribers
    catalog.subscribers.upsert(replace(BEN, recording=RecordingSettings(mode=RecordingMode.ALWAYS)), now=NOW)
    after = roster.read().subscribers
    assert after["1001"] is before["1001"]
    assert after["1002"].recording.mode is RecordingMode.ALWAYS
    assert before["1002"] == BEN


def test_who_is_removed_is_listed_no_more_and_who_comes_is(catalog: Catalog) -> None:
    roster = catalog.roster()
    roster.read()
    catalog.subscribers.delete("1001")
    catalog.subscribers.upsert(Subscriber(number="1003"), now=NOW)
    assert list(roster.read().subscribers) == ["1002", "1003"]


def test_a_new_password_is_read_though_nothing_else_changed(catalog: Catalog) -> None:
    roster = catalog.roster()
    found = []
    for password in ("one", "two"):
        catalog.subscribers.set_password("1001", password, realm="carrier.test", now=NOW)
        found.append(roster.read().credentials["1001"])
    assert found[0] != found[1] == catalog.subscribers.credentials("1001")
