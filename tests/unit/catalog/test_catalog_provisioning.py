"""Rows of users that Dubber is to know: claimed by one, asked for anew by another, never lost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.exc import IntegrityError

from callmodel.subscriber import Subscriber
from catalog import Actor, Catalog, ProvisioningState, ProvisioningStatus
from catalog.installing import install_group
from tests.support.databases import Databases

NOW = datetime(2026, 3, 4, 9, 30, tzinfo=UTC)
LEASE = timedelta(minutes=2)
SECOND = timedelta(seconds=1)


@pytest.fixture
def catalog(databases: Databases) -> Iterator[Catalog]:
    with Catalog.open(databases.catalog()) as opened:
        opened.subscribers.upsert_all([(Subscriber(number=str(n)), None) for n in range(5)], now=NOW)
        yield opened


def state(number: str, status: ProvisioningStatus = ProvisioningStatus.PENDING, **changes: object) -> ProvisioningState:
    plain = ProvisioningState(number=number, status=status, next_at=NOW, updated_at=NOW)
    return replace(plain, **changes)  # type: ignore[arg-type] # one test, many fields


def test_a_row_comes_back_whole(catalog: Catalog) -> None:
    whole = state("1", problem="no answer", user_id="u", dub_point_id="d", attempts=3)
    assert catalog.provisioning.put(whole)
    assert (catalog.provisioning.get("1"), catalog.provisioning.get("2")) == (whole, None)


def test_only_subscribers_have_rows(catalog: Catalog) -> None:
    assert not catalog.provisioning.put(state("99"))
    with pytest.raises(IntegrityError):
        catalog.provisioning.request("99", now=NOW)
    assert catalog.provisioning.list() == ()


def test_what_is_due_is_what_waits_and_whose_time_has_come(catalog: Catalog) -> None:
    rows = [
        state("0", next_at=NOW),
        state("1", ProvisioningStatus.MANUAL, next_at=NOW - SECOND),
        state("2", next_at=NOW + SECOND),
        state("3", ProvisioningStatus.DONE),
        state("4", ProvisioningStatus.FAILED),
    ]
    for row in rows:
        catalog.provisioning.put(row)
    assert catalog.provisioning.due(NOW) == (rows[1], rows[0])
    assert catalog.provisioning.due(NOW, 1) == (rows[1],)
    assert catalog.provisioning.next_due_at() == NOW - SECOND
    assert catalog.provisioning.counts() == {
        ProvisioningStatus.PENDING: 2,
        ProvisioningStatus.DONE: 1,
        ProvisioningStatus.FAILED: 1,
        ProvisioningStatus.MANUAL: 1,
    }
    assert catalog.provisioning.list(status=ProvisioningStatus.PENDING) == (rows[0], rows[2])


def test_nothing_is_due_where_nothing_waits(catalog: Catalog) -> None:
    catalog.provisioning.put(state("0", ProvisioningStatus.DONE))
    assert (catalog.provisioning.due(NOW), catalog.provisioning.next_due_at()) == ((), None)


def test_nobody_else_gets_what_one_claimed_before_the_lease_is_over(catalog: Catalog) -> None:
    for number in ("0", "1", "2"):
        catalog.provisioning.request(number, now=NOW)
    first = catalog.provisioning.claim_due(NOW, limit=2, lease=LEASE)
    second = catalog.provisioning.claim_due(NOW, limit=2, lease=LEASE)
    nothing = catalog.provisioning.claim_due(NOW, limit=2, lease=LEASE)
    after_a_crash = catalog.provisioning.claim_due(NOW + LEASE, limit=9, lease=LEASE)
    assert [[one.number for one in some] for some in (first, second, nothing, after_a_crash)] == [
        ["0", "1"],
        ["2"],
        [],
        ["0", "1", "2"],
    ]


def test_a_report_replaces_what_was_claimed(catalog: Catalog) -> None:
    catalog.provisioning.request("1", now=NOW)
    (claimed,) = catalog.provisioning.claim_due(NOW, limit=1, lease=LEASE)
    done = state("1", ProvisioningStatus.DONE, dub_point_id="d")
    assert catalog.provisioning.report(claimed, done)
    assert catalog.provisioning.get("1") == done


def test_a_report_on_what_was_asked_for_anew_changes_nothing(catalog: Catalog) -> None:
    catalog.provisioning.request("1", now=NOW)
    (claimed,) = catalog.provisioning.claim_due(NOW, limit=1, lease=LEASE)
    catalog.provisioning.request("1", now=NOW)
    assert not catalog.provisioning.report(claimed, state("1", ProvisioningStatus.FAILED))
    assert not catalog.provisioning.drop(claimed)
    assert catalog.provisioning.get("1") == state("1")


def test_what_was_claimed_can_be_dropped(catalog: Catalog) -> None:
    catalog.provisioning.request("1", now=NOW)
    (claimed,) = catalog.provisioning.claim_due(NOW, limit=1, lease=LEASE)
    assert catalog.provisioning.drop(claimed)
    assert catalog.provisioning.list() == ()


def test_at_a_start_everything_that_waits_falls_due(catalog: Catalog) -> None:
    later = NOW + LEASE
    for row in (
        state("0", next_at=later),
        state("1", ProvisioningStatus.MANUAL, next_at=later),
        state("2", ProvisioningStatus.FAILED, next_at=later),
    ):
        catalog.provisioning.put(row)
    assert catalog.provisioning.hurry(NOW) == 2
    assert [one.number for one in catalog.provisioning.due(NOW)] == ["0", "1"]


def test_while_nobody_works_every_waiting_row_says_why(catalog: Catalog) -> None:
    catalog.provisioning.request("0", now=NOW)
    catalog.provisioning.put(state("1", problem="refused by hand"))
    catalog.provisioning.stand_still("nobody is here", now=NOW)
    catalog.provisioning.request("2", now=NOW)
    told = [one.problem for one in catalog.provisioning.list()]
    catalog.provisioning.stand_still("", now=NOW)
    catalog.provisioning.request("3", now=NOW)
    assert told == ["nobody is here", "refused by hand", "nobody is here"]
    assert [one.problem for one in catalog.provisioning.list()] == ["", "refused by hand", "", ""]


def test_a_row_is_forgotten_by_hand_or_with_its_subscriber(catalog: Catalog) -> None:
    catalog.provisioning.request("0", now=NOW)
    catalog.provisioning.request("1", now=NOW)
    assert [catalog.provisioning.forget("0"), catalog.provisioning.forget("0")] == [True, False]
    catalog.subscribers.delete("1")
    assert catalog.provisioning.list() == ()


def test_every_change_is_counted(catalog: Catalog) -> None:
    catalog.provisioning.request("0", now=NOW)
    catalog.provisioning.put(state("0", problem="x"))
    catalog.provisioning.forget("0")
    assert (catalog.provisioning.version(), catalog.version("provisioning")) == (3, 3)


def test_a_problem_is_kept_to_a_length(catalog: Catalog) -> None:
    catalog.provisioning.put(state("0", problem="x" * 5000))
    assert [len(one.problem) for one in catalog.provisioning.list()] == [2000]


# --- the account ------------------------------------------------------------------------------------


def test_only_one_makes_the_account(catalog: Catalog) -> None:
    install_group(catalog, "g-1", actor=Actor(name="a"), now=NOW)
    claims = [
        catalog.provider.claim_account("one", lease=LEASE, now=NOW),
        catalog.provider.claim_account("two", lease=LEASE, now=NOW),
        catalog.provider.claim_account("one", lease=LEASE, now=NOW),
        catalog.provider.claim_account("two", lease=LEASE, now=NOW + LEASE),
    ]
    catalog.provider.release_account("one", now=NOW)
    still = catalog.provider.claim_account("one", lease=LEASE, now=NOW)
    catalog.provider.release_account("two", now=NOW)
    free = catalog.provider.claim_account("one", lease=LEASE, now=NOW)
    assert (claims, still, free) == ([True, False, True, True], False, True)


def test_an_account_belongs_to_the_group_it_was_made_in(catalog: Catalog) -> None:
    install_group(catalog, "g-2", actor=Actor(name="a"), now=NOW)
    assert not catalog.provider.set_account("old", group_id="g-1", now=NOW)
    assert catalog.provider.set_account("new", group_id="g-2", now=NOW)
    assert catalog.provider.read().account_id == "new"
    catalog.provider.forget_account("old", now=NOW)
    kept = catalog.provider.read().account_id
    catalog.provider.forget_account("new", now=NOW)
    assert (kept, catalog.provider.read().account_id) == ("new", None)


def test_what_cannot_be_an_account_id_is_refused(catalog: Catalog) -> None:
    with pytest.raises(ValueError, match="no account id"):
        catalog.provider.set_account("../x", group_id="g", now=NOW)
