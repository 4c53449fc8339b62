"""The provisioner against the platform's simulator, over TLS on loopback: one account, user and dub point of each."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from callmodel.modes import RecordingMode
from callmodel.subscriber import RecordingSettings, Subscriber
from catalog import Actor, Catalog, ProvisioningState, ProvisioningStatus
from catalog.enabling import retry_provisioning, save_subscriber
from catalog.engine import Database
from catalog.installing import accept_terms, install_group, remove_group, set_auto_provisioning
from catalog.provisioning import Provisioning
from dubber_platform import UNLIMITED
from dubber_platform.secrets_at_rest import digest_token
from dubber_platform.store.schema import Token
from dubber_uploader import DubberClient, DubberConfig, GroupCheck, GroupStanding, Provisioner, check_group
from dubber_uploader.provisioner import ACCOUNT_BUSY, LEASE, NOT_INSTALLED
from tests.support.uploading import Carrier, open_carrier

pytestmark = pytest.mark.e2e

ANNE = Actor(name="anne")
DOMAIN = "carrier.test"
RECORDED = RecordingSettings(mode=RecordingMode.ALWAYS)
KEY = {
    "external_type": "BroadWorks",
    "service_provider": "CARRIER",
    "external_group": "CARRIER-MAIN",
    "external_identifier": "1001@carrier.test",
}


class Crash(BaseException):
    """The process ends here, without a word."""


class Troubled(DubberClient):
    """A client that comes to grief at its n-th call: the answer is lost, or the process ends after it."""

    calls = 0
    lose: tuple[Carrier, int] | None = None
    crash_after = 0

    async def _call_once(self, *arguments: Any) -> dict[str, Any]:
        self.calls += 1
        if self.lose is not None and self.lose[1] == self.calls:
            self.lose[0].relay.drop_replies = True
        try:
            return await super()._call_once(*arguments)
        finally:
            if self.crash_after == self.calls:
                raise Crash


@dataclass(frozen=True, slots=True, kw_only=True)
class AtPlatform:
    """What the platform has of this customer: ids."""

    accounts: list[str]
    users: list[str]
    dub_points: list[str]


@pytest.fixture
async def carrier(tmp_path: Path) -> AsyncIterator[Carrier]:
    """Call recording is installed, nobody is enabled."""
    async with open_carrier(tmp_path, limits=UNLIMITED) as opened:
        now = opened.clock.now()
        group_id = opened.platform.seed["group_id"]
        install_group(opened.catalog, group_id, actor=ANNE, now=now)
        accept_terms(opened.catalog, actor=ANNE, now=now)
        yield opened


def enable(carrier: Carrier, *numbers: str) -> None:
    for number in numbers:
        user = Subscriber(number=number, name="Alan Always", recording=RECORDED)
        save_subscriber(carrier.catalog, user, domain=DOMAIN, actor=ANNE, now=carrier.clock.now())


@asynccontextmanager
async def provisioner(carrier: Carrier, dubber: DubberConfig | None = None) -> AsyncIterator[Provisioner]:
    async with DubberClient(dubber or carrier.config(), carrier.clock) as client:
        yield worker(carrier, client)


def worker(carrier: Carrier, client: DubberClient, **more: Any) -> Provisioner:
    return Provisioner(catalog=carrier.catalog, client=client, clock=carrier.clock, chance=lambda: 0.5, **more)


async def settle(carrier: Carrier, *workers: Provisioner, rounds: int = 50) -> None:
    """Until nobody is pending, moving the clock on to each row's time."""
    for one in workers:
        await one.recover()
    for _ in range(rounds):
        await asyncio.gather(*(one.provision_due() for one in workers))
        pending = carrier.catalog.provisioning.list(status=ProvisioningStatus.PENDING)
        if not pending:
            return
        next_at = min(row.next_at for row in pending)
        carrier.clock.shared.now = max(carrier.clock.shared.now, next_at)
    raise AssertionError(f"still pending after {rounds} rounds: {carrier.catalog.provisioning.list()}")


def row(carrier: Carrier, number: str = "1001") -> ProvisioningState:
    found = carrier.catalog.provisioning.get(number)
    assert found is not None
    return found


async def at_platform(carrier: Carrier) -> AtPlatform:
    """All but the account that a platform is seeded with."""
    platform, group_id = carrier.platform, carrier.platform.seed["group_id"]
    accounts = (await platform.call("GET", f"/groups/{group_id}/accounts")).body["accounts"]
    ours = [account["id"] for account in accounts if account["id"] != "demo"]
    users, points = [], []
    for account in ours:
        users += (await platform.call("GET", f"/accounts/{account}/users")).body["users"]
        points += (await platform.call("GET", f"/accounts/{account}/dub_points")).body["dub_points"]
    return AtPlatform(
        accounts=ours,
        users=[user["username"] for user in users],
        dub_points=[point["external_identifier"] for point in points],
    )


ONE_OF_EACH = AtPlatform(accounts=["carrier"], users=["1001@carrier.test"], dub_points=["1001@carrier.test"])


# --- the straight way -------------------------------------------------------------------------------


async def test_the_first_user_gets_account_user_and_dub_point(carrier: Carrier) -> None:
    enable(carrier, "1001")
    async with provisioner(carrier) as one:
        await settle(carrier, one)
    account = (await carrier.platform.call("GET", "/accounts/carrier")).body
    point = (await carrier.platform.call("GET", "/dub_points/find", params=KEY)).body
    assert await at_platform(carrier) == ONE_OF_EACH
    assert (account["name"], account["metadata"]) == ("CARRIER", {"serviceProvider": "CARRIER"})
    assert carrier.catalog.provider.read().account_id == "carrier"
    assert (row(carrier).status, row(carrier).dub_point_id) == (ProvisioningStatus.DONE, point["id"])
    assert (point["label"], point["number"], point["user"].rsplit("/", 1)[-1]) == (
        "Alan Always",
        "1001",
        row(carrier).user_id,
    )


async def test_later_users_go_into_the_same_account(carrier: Carrier) -> None:
    for number in ("1001", "1002"):
        enable(carrier, number)
        async with provisioner(carrier) as one:
            await settle(carrier, one)
    names = ["1001@carrier.test", "1002@carrier.test"]
    assert await at_platform(carrier) == AtPlatform(accounts=["carrier"], users=names, dub_points=names)


async def test_it_works_until_stopped_and_when_woken(carrier: Carrier) -> None:
    changes: asyncio.Queue[ProvisioningState] = asyncio.Queue()
    async with DubberClient(carrier.config(), carrier.clock) as client:
        one = worker(carrier, client, on_change=changes.put_nowait)
        running = asyncio.create_task(one.run())
        enable(carrier, "1001")
        one.wake()
        found = await changes.get()
        one.stop()
        await running
    assert (found, found.status) == (row(carrier), ProvisioningStatus.DONE)


async def test_asking_again_for_what_is_there_makes_nothing(carrier: Carrier) -> None:
    enable(carrier, "1001")
    async with provisioner(carrier) as one:
        await settle(carrier, one)
        first = row(carrier)
        assert retry_provisioning(carrier.catalog, "1001", actor=ANNE, now=carrier.clock.now())
        await settle(carrier, one)
    assert await at_platform(carrier) == ONE_OF_EACH
    assert row(carrier).dub_point_id == first.dub_point_id


# --- crashes, losses, rivals ------------------------------------------------------------------------

CALLS = ["find", "accounts", "make-account", "make-user", "make-dub-point"]


@pytest.mark.parametrize("nth", range(1, len(CALLS) + 1), ids=CALLS)
async def test_a_lost_answer_makes_nothing_twice(carrier: Carrier, nth: int) -> None:
    enable(carrier, "1001")
    async with Troubled(carrier.config(), carrier.clock) as client:
        client.lose = (carrier, nth)
        await settle(carrier, worker(carrier, client))
    assert (carrier.relay.cuts, await at_platform(carrier)) == (1, ONE_OF_EACH)


@pytest.mark.parametrize("nth", range(1, len(CALLS) + 1), ids=CALLS)
async def test_a_crash_makes_nothing_twice(carrier: Carrier, nth: int) -> None:
    enable(carrier, "1001")
    async with Troubled(carrier.config(), carrier.clock) as client:
        client.crash_after = nth
        with pytest.raises(Crash):
            await worker(carrier, client).provision_due()
    async with provisioner(carrier) as one:
        await settle(carrier, one)
    assert await at_platform(carrier) == ONE_OF_EACH
    assert row(carrier).status is ProvisioningStatus.DONE


async def test_two_at_once_make_one_of_each(carrier: Carrier) -> None:
    numbers = ["1001", "1002", "1003", "1004"]
    enable(carrier, *numbers)
    async with provisioner(carrier) as one, provisioner(carrier) as two:
        await settle(carrier, one, two)
    names = [f"{number}@carrier.test" for number in numbers]
    found = await at_platform(carrier)
    assert (found.accounts, sorted(found.users), sorted(found.dub_points)) == (["carrier"], names, names)


async def test_an_account_that_a_crash_left_claimed_is_made_when_the_lease_is_over(carrier: Carrier) -> None:
    enable(carrier, "1001")
    began = carrier.clock.now()
    assert carrier.catalog.provider.claim_account("crashed", lease=LEASE, now=began)
    async with provisioner(carrier) as one:
        await one.provision_due()
        assert (row(carrier).status, row(carrier).problem) == (ProvisioningStatus.PENDING, ACCOUNT_BUSY)
        await settle(carrier, one, rounds=200)
    assert await at_platform(carrier) == ONE_OF_EACH
    assert LEASE <= carrier.clock.now() - began < LEASE + timedelta(seconds=10)


async def test_an_account_that_is_gone_is_made_again(carrier: Carrier) -> None:
    enable(carrier, "1001")
    group_id = carrier.platform.seed["group_id"]
    carrier.catalog.provider.set_account("vanished", group_id=group_id, now=carrier.clock.now())
    async with provisioner(carrier) as one:
        await settle(carrier, one)
    assert (carrier.catalog.provider.read().account_id, await at_platform(carrier)) == ("carrier", ONE_OF_EACH)


async def test_a_user_that_was_switched_off_meanwhile_is_left_alone(carrier: Carrier) -> None:
    enable(carrier, "1001")
    found = carrier.catalog.subscribers.get("1001")
    assert found is not None
    off = replace(found, recording=RecordingSettings())
    save_subscriber(carrier.catalog, off, domain=DOMAIN, actor=ANNE, now=carrier.clock.now())
    async with provisioner(carrier) as one:
        await settle(carrier, one)
    assert carrier.catalog.provisioning.list() == ()
    assert await at_platform(carrier) == AtPlatform(accounts=[], users=[], dub_points=[])


# --- refusals and outages ---------------------------------------------------------------------------


async def test_a_platform_that_is_down_leaves_it_pending_with_words_until_it_is_up(carrier: Carrier) -> None:
    enable(carrier, "1001")
    up, carrier.relay.target = carrier.relay.target, 1
    async with provisioner(carrier) as one:
        assert await one.provision_due() == 1
        down = row(carrier)
        carrier.relay.target = up
        await settle(carrier, one)
    assert (down.status, down.problem.split(":")[0]) == (ProvisioningStatus.PENDING, "Dubber cannot be reached")
    assert (row(carrier).status, row(carrier).problem) == (ProvisioningStatus.DONE, "")


async def test_a_refusal_waits_for_a_person_in_the_platforms_words(carrier: Carrier) -> None:
    """Another account has a user of this name already."""
    enable(carrier, "1001")
    elsewhere = {"username": "1001@carrier.test", "first_name": "A", "last_name": "B"}
    made = await carrier.platform.call("POST", "/accounts/demo/users", json=elsewhere)
    async with provisioner(carrier) as one:
        await settle(carrier, one)
        failed = row(carrier)
        await carrier.platform.call("DELETE", f"/users/{made.body['id']}")
        assert retry_provisioning(carrier.catalog, "1001", actor=ANNE, now=carrier.clock.now())
        await settle(carrier, one)
    assert (failed.status, "username: is already taken" in failed.problem) == (ProvisioningStatus.FAILED, True)
    assert await at_platform(carrier) == ONE_OF_EACH


async def test_wrong_credentials_fail_with_words_and_hold_the_others(carrier: Carrier) -> None:
    enable(carrier, "1001", "1002")
    async with provisioner(carrier, carrier.config(password="wrong")) as one:
        assert [await one.provision_due(), await one.provision_due()] == [1, 0]
    assert (row(carrier).status, "gave 400" in row(carrier).problem or "gave 401" in row(carrier).problem) == (
        ProvisioningStatus.FAILED,
        True,
    )
    assert row(carrier, "1002").status is ProvisioningStatus.PENDING


async def test_a_refused_token_is_renewed_in_place(carrier: Carrier) -> None:
    enable(carrier, "1001")
    async with provisioner(carrier) as one:
        await settle(carrier, one)
        await revoke_all(carrier)
        enable(carrier, "1002")
        assert await one.provision_due() == 1
    assert row(carrier, "1002").status is ProvisioningStatus.DONE


async def revoke_all(carrier: Carrier) -> None:
    """Every token the platform gave is worth nothing from now on, but for the bench's own."""
    own = digest_token(carrier.platform.token)

    def work(session: Session) -> None:
        session.execute(delete(Token).where(Token.access_hash != own))

    await carrier.platform.platform.database.run(work)


async def test_without_a_group_nothing_is_tried(carrier: Carrier) -> None:
    enable(carrier, "1001")
    remove_group(carrier.catalog, actor=ANNE, now=carrier.clock.now())
    async with provisioner(carrier) as one:
        await one.provision_due()
    assert (row(carrier).status, row(carrier).problem) == (ProvisioningStatus.PENDING, NOT_INSTALLED)


async def test_a_group_that_dubber_does_not_know_is_refused_in_its_words(carrier: Carrier) -> None:
    enable(carrier, "1001")
    install_group(carrier.catalog, "nobody", actor=ANNE, now=carrier.clock.now())
    async with provisioner(carrier) as one:
        await settle(carrier, one)
    assert (row(carrier).status, "/groups/nobody/accounts gave 404 1009" in row(carrier).problem) == (
        ProvisioningStatus.FAILED,
        True,
    ), row(carrier).problem


async def test_a_catalogue_that_cannot_be_read_does_not_end_the_work(carrier: Carrier) -> None:
    """As long as its table is away; then what waits is done."""
    changes: asyncio.Queue[ProvisioningState] = asyncio.Queue()
    failing = FailingCatalog(carrier.catalog.database)
    enable(carrier, "1001")
    async with DubberClient(carrier.config(), carrier.clock) as client:
        one = Provisioner(catalog=failing, client=client, clock=carrier.clock, on_change=changes.put_nowait)
        running = asyncio.create_task(one.run())
        found = await changes.get()
        one.stop()
        await running
    assert (failing.faults, found.status) == (0, ProvisioningStatus.DONE)


class FailingCatalog(Catalog):
    """Its disk is full three times."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.faults = 3
        self.provisioning = FailingProvisioning(database, self)


class FailingProvisioning(Provisioning):
    """Raises what a database raises."""

    def __init__(self, database: Database, catalog: FailingCatalog) -> None:
        super().__init__(database)
        self._catalog = catalog

    def claim_due(self, now: datetime, *, limit: int, lease: timedelta) -> tuple[ProvisioningState, ...]:
        if self._catalog.faults:
            self._catalog.faults -= 1
            raise OperationalError("claim", {}, Exception("database or disk is full"))
        return super().claim_due(now, limit=limit, lease=lease)


# --- by hand ----------------------------------------------------------------------------------------


async def test_what_is_made_by_hand_is_found(carrier: Carrier) -> None:
    set_auto_provisioning(carrier.catalog, False, actor=ANNE, now=carrier.clock.now())
    enable(carrier, "1001")
    async with provisioner(carrier) as one:
        assert await one.provision_due() == 1
        before = row(carrier)
        names = {"username": "alan@carrier.test", "first_name": "Alan", "last_name": "Always"}
        user = await carrier.platform.call("POST", "/accounts/demo/users", json=names)
        made = await carrier.platform.call("POST", "/accounts/demo/dub_points", json={**KEY, "user": user.body["id"]})
        carrier.clock.shared.now = before.next_at
        assert await one.provision_due() == 1
    assert (before.status, before.problem, before.dub_point_id) == (ProvisioningStatus.MANUAL, "", None)
    assert (row(carrier).status, row(carrier).dub_point_id) == (ProvisioningStatus.DONE, made.body["id"])
    assert await at_platform(carrier) == AtPlatform(accounts=[], users=[], dub_points=[])
    assert carrier.catalog.provider.read().account_id == "demo"


# --- groups -----------------------------------------------------------------------------------------


async def checked(carrier: Carrier, group_id: str, **config: Any) -> GroupCheck:
    async with DubberClient(carrier.config(**config), carrier.clock) as client:
        return await check_group(client, group_id)


async def test_a_group_is_known_by_its_name(carrier: Carrier) -> None:
    found = await checked(carrier, carrier.platform.seed["group_id"])
    assert found == GroupCheck(standing=GroupStanding.KNOWN, name="Demo group")


@pytest.mark.parametrize("group_id", ["nobody", "../accounts", "", "a b"], ids=["other", "path", "empty", "space"])
async def test_a_group_that_dubber_does_not_have_is_unknown(carrier: Carrier, group_id: str) -> None:
    found = await checked(carrier, group_id)
    assert found == GroupCheck(standing=GroupStanding.UNKNOWN, problem="Dubber knows no group with this id")


async def test_a_group_cannot_be_checked_while_dubber_is_out_of_reach(carrier: Carrier) -> None:
    carrier.relay.target = 1
    found = await checked(carrier, "g-1")
    assert (found.standing, found.problem.split(":")[0]) == (
        GroupStanding.UNREACHABLE,
        "Dubber gave no usable answer",
    )


async def test_a_group_cannot_be_checked_with_wrong_credentials(carrier: Carrier) -> None:
    found = await checked(carrier, "g-1", password="wrong")
    assert (found.standing, found.problem.split(":")[0]) == (
        GroupStanding.REFUSED,
        "Dubber does not let us ask for this group",
    )
