"""A running product makes users known to Dubber: by itself, after an outage, or by finding what was made by hand."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from catalog import Actor, ProvisioningStatus
from catalog.enabling import retry_provisioning
from catalog.installing import accept_terms, install_group, set_auto_provisioning
from tests.support.platform_process import PlatformProcess
from tests.support.server_process import Dubber, ServerProcess, run_command, running

pytestmark = pytest.mark.e2e

ANNE = Actor(name="anne")
BACKOFF_S = 120.0
"""On a slow machine the platform is away for long, and so is the next attempt."""
WITHOUT_GROUP = 2
"""Exit status of a command that cannot be obeyed as it was given."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A carrier of its own, with the built-in platform; nobody installed call recording yet."""
    with running(tmp_path_factory.mktemp("carrier") / "data", demo_users=False) as started:
        yield started


def users_set(server: ServerProcess, number: str, *more: str) -> tuple[int, str]:
    """``users set NUMBER --mode Always`` beside the running server: exit status, and what was said of an error."""
    done = run_command("users", "set", number, "--mode", "Always", "--data-dir", str(server.data_dir), *more)
    return done.returncode, done.stderr


def point_of(dubber: Dubber, number: str) -> dict[str, Any]:
    """The dub point of a user with default identifiers."""
    key = {
        "external_type": "BroadWorks",
        "service_provider": "CARRIER",
        "external_group": "CARRIER-MAIN",
        "external_identifier": f"{number}@mediaserver.local",
    }
    return dubber.get(f"dub_points/find?{urlencode(key)}")


def state(server: ServerProcess, number: str) -> tuple[ProvisioningStatus, str, str | None]:
    """Status, problem and dub point."""
    found = server.catalog.provisioning.get(number)
    assert found is not None
    return found.status, found.problem, found.dub_point_id


def test_recording_is_installed_then_users_are_made_known_as_they_are_enabled(server: ServerProcess) -> None:
    """Refused before, with what to do; then account, user and dub point; then, with auto-provisioning off, by hand."""
    status, said = users_set(server, "2001")
    assert (status, "/admin" in said, "group_id" in said) == (WITHOUT_GROUP, True, True), said
    assert server.catalog.subscribers.get("2001") is None

    now = datetime.now(UTC)
    install_group(server.catalog, server.info["dubber"]["group_id"], actor=ANNE, now=now)
    status, said = users_set(server, "2001")
    assert (status, "terms of service" in said) == (WITHOUT_GROUP, True), said

    accept_terms(server.catalog, actor=ANNE, now=now)
    assert users_set(server, "2001") == (0, "")
    done = server.wait_for("provisioning.done", user="2001")
    dubber = server.dubber()
    point, account = point_of(dubber, "2001"), dubber.get("accounts/carrier")
    users = dubber.get("accounts/carrier/users")["users"]
    assert (point["id"], point["account"], point["status"]) == (done["dub_point_id"], account["self"], "Active")
    assert [(user["username"], user["self"]) for user in users] == [("2001@mediaserver.local", point["user"])]
    assert state(server, "2001") == (ProvisioningStatus.DONE, "", point["id"])

    set_auto_provisioning(server.catalog, False, actor=ANNE, now=datetime.now(UTC))
    assert users_set(server, "2002") == (0, "")
    assert state(server, "2002") == (ProvisioningStatus.MANUAL, "", None)
    made = dubber.post("accounts/carrier/dub_points", by_hand("2002"))
    assert retry_provisioning(server.catalog, "2002", actor=ANNE, now=datetime.now(UTC))
    server.wait_for("provisioning.done", user="2002", dub_point_id=made["id"])
    assert state(server, "2002") == (ProvisioningStatus.DONE, "", made["id"])


def by_hand(number: str) -> dict[str, str]:
    """What the form of a new dub point asks for."""
    return {
        "external_type": "BroadWorks",
        "service_provider": "CARRIER",
        "external_group": "CARRIER-MAIN",
        "external_identifier": f"{number}@mediaserver.local",
    }


def test_a_user_enabled_while_the_platform_is_away_is_made_known_when_it_is_back(tmp_path: Path) -> None:
    """A configured group counts as installed; the reason of the wait is told, and kept."""
    platform = PlatformProcess(tmp_path / "platform")
    platform.start()
    platform.stop()
    config = tmp_path / "data.toml"
    with running(
        tmp_path / "data", config=platform.uploader_table(), flags=("--without", "dubber-platform"), demo_users=False
    ) as server:
        assert users_set(server, "2001", "--config", str(config)) == (0, "")
        waits = server.wait_for("provisioning.waits", user="2001")
        status, problem, _ = state(server, "2001")
        assert (status, problem) == (ProvisioningStatus.PENDING, waits["problem"])
        assert problem.startswith("Dubber cannot be reached: ")
        platform.start()
        try:
            server.wait_for("provisioning.done", user="2001", timeout_s=BACKOFF_S)
            assert state(server, "2001") == (
                ProvisioningStatus.DONE,
                "",
                point_of(Dubber(platform.access), "2001")["id"],
            )
        finally:
            platform.stop()


def test_the_demo_users_are_made_known_before_the_server_is_ready(tmp_path: Path) -> None:
    """In the account that ``info`` tells of."""
    with running(tmp_path / "data") as server:
        account = server.info["dubber"]["account_id"]
        points = server.dubber().get(f"accounts/{account}/dub_points")["dub_points"]
        assert sorted(point["number"] for point in points) == ["1001", "1002", "1003", "1004", "1005"]
        accepted = server.catalog.provider.read()
        assert (accepted.terms_accepted_by, accepted.account_id) == ("demo", account)


def test_without_an_uploader_users_wait_and_say_why(tmp_path: Path) -> None:
    """Also those enabled later."""
    with running(tmp_path / "data", flags=("--without", "uploader")) as server:
        assert users_set(server, "1000") == (0, "")
        found = {(row.status, row.problem) for row in server.catalog.provisioning.list()}
        numbers = [row.number for row in server.catalog.provisioning.list()]
    assert numbers == ["1000", "1001", "1002", "1003", "1004", "1005"]
    assert {status for status, _ in found} == {ProvisioningStatus.PENDING}
    assert all("the uploader does not run" in problem for _, problem in found)
