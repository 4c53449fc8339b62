"""Who Dubber knows, and who it refused."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from callmodel.modes import RecordingMode
from callmodel.subscriber import RecordingSettings, Subscriber
from catalog.installing import remove_group
from catalog.provisioning import ProvisioningState, ProvisioningStatus
from portals.admin.progress import Steps, StepState, steps_of
from tests.support.browsing import Browser, words
from tests.support.portals import NOW, TESTER, WebSide, make_web_side

Opens = Callable[..., Awaitable[Browser]]
DONE, NOW_, FAILED, PENDING = StepState.DONE, StepState.NOW, StepState.FAILED, StepState.PENDING


def put(side: WebSide, number: str, status: ProvisioningStatus, problem: str = "") -> None:
    state = ProvisioningState(number=number, status=status, problem=problem, next_at=NOW, updated_at=NOW)
    side.catalog.provisioning.put(state)


@pytest.fixture
def mixed(side: WebSide) -> WebSide:
    """One of each."""
    put(side, "1001", ProvisioningStatus.DONE)
    put(side, "1002", ProvisioningStatus.FAILED, "the key is taken")
    put(side, "1003", ProvisioningStatus.MANUAL)
    return side


async def test_everybody_is_listed_with_what_was_said(admin: Browser, mixed: WebSide) -> None:
    html = await admin.text("/provisioning")
    shown = words(html)
    assert "All 4 In progress 1 Done 1 Failed 1 By hand 1" in shown
    assert "Paula Pause 1002 Failed Account User Dub point the key is taken" in shown
    assert 'hx-trigger="every 2s"' in html, "something goes on"


@pytest.mark.parametrize(
    ("status", "names"),
    [("failed", ["Paula Pause"]), ("pending", ["Ursula Start"]), ("nonsense", ["Alan Always", "Ursula Start"])],
)
async def test_one_state_alone(admin: Browser, mixed: WebSide, status: str, names: list[str]) -> None:
    shown = words(await admin.text(f"/provisioning?status={status}"))
    for name in names:
        assert name in shown
    assert ("Olga Demand" in shown) is (status == "nonsense")


async def test_one_or_all_failed_are_tried_again(admin: Browser, mixed: WebSide) -> None:
    put(mixed, "1001", ProvisioningStatus.FAILED, "no")
    answer = await admin.post("/provisioning/1002/retry", {"status": "failed"})
    assert answer.headers["Location"] == "/admin/provisioning?status=failed"
    assert mixed.catalog.provisioning.counts()[ProvisioningStatus.FAILED] == 1
    assert "1 user is tried again now." in words(await admin.save("/provisioning/retry"))
    assert mixed.catalog.provisioning.counts()[ProvisioningStatus.FAILED] == 0
    assert mixed.groups.woken == 2
    entry = mixed.catalog.audit.list(limit=1)[0]
    assert (entry.actor, entry.action, entry.subject, entry.after) == (
        "admin",
        "provisioning.requested",
        "all failed",
        {"users": 1},
    )
    assert "0 users are tried again now." in words(await admin.save("/provisioning/retry"))


async def test_without_a_group_nothing_can_be_tried(admin: Browser, mixed: WebSide) -> None:
    remove_group(mixed.catalog, actor=TESTER, now=NOW)
    for path in ("/provisioning/retry", "/provisioning/1002/retry"):
        assert "The Group ID that Dubber issued is not set" in await admin.save(path)
    assert mixed.catalog.provisioning.counts()[ProvisioningStatus.FAILED] == 1


@pytest.mark.parametrize(
    ("status", "account_id", "user_id", "expected"),
    [
        pytest.param(ProvisioningStatus.PENDING, None, None, (NOW_, PENDING, PENDING), id="at-the-account"),
        pytest.param(ProvisioningStatus.PENDING, "acme", None, (DONE, NOW_, PENDING), id="at-the-user"),
        pytest.param(ProvisioningStatus.FAILED, "acme", "u1", (DONE, DONE, FAILED), id="refused-the-dub-point"),
        pytest.param(ProvisioningStatus.MANUAL, None, None, (PENDING, PENDING, PENDING), id="by-hand"),
        pytest.param(ProvisioningStatus.DONE, None, None, (DONE, DONE, DONE), id="done"),
    ],
)
def test_the_first_step_that_is_not_there_is_the_one_somebody_is_at(
    side: WebSide,
    status: ProvisioningStatus,
    account_id: str | None,
    user_id: str | None,
    expected: tuple[StepState, StepState, StepState],
) -> None:
    state = ProvisioningState(number="1", status=status, user_id=user_id, next_at=NOW, updated_at=NOW)
    provider = replace(side.catalog.provider.read(), account_id=account_id)
    assert steps_of(state, provider) == Steps(account=expected[0], user=expected[1], dub_point=expected[2])


async def test_pages_of_fifty(opened: Opens, tmp_path: Path) -> None:
    always = RecordingSettings(mode=RecordingMode.ALWAYS)
    people = tuple(Subscriber(number=f"{2000 + n}", name=f"Person {n:03}", recording=always) for n in range(120))
    admin = await opened(of=make_web_side(tmp_path / "many", people=people))
    for page, first, last in ((1, 0, 49), (3, 100, 119), (9, 100, 119)):
        shown = words(await admin.text(f"/provisioning?page={page}"))
        names = [f"Person {n:03}" for n in range(120) if f"Person {n:03}" in shown]
        assert (names[0], names[-1], len(names)) == (f"Person {first:03}", f"Person {last:03}", last - first + 1)
