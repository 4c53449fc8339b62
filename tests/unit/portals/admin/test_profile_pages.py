"""*My account* → *Profile*: installing call recording, as the administrator's guide tells it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from catalog import PortalRole
from catalog.provider import ProviderSettings
from catalog.provisioning import ProvisioningStatus
from portals.ports import GroupOutcome
from tests.support.browsing import Browser, words
from tests.support.portals import GROUP, NOW, PEOPLE, WebSide, make_web_side

Opens = Callable[..., Awaitable[Browser]]


@pytest.fixture
def bare(tmp_path: Path) -> WebSide:
    """Nothing is installed yet."""
    return make_web_side(tmp_path / "bare", installed=False, people=PEOPLE[:1])


@pytest.fixture
async def provider(opened: Opens, bare: WebSide) -> Browser:
    """The provider's administrator, before anything is installed."""
    return await opened(PortalRole.PROVIDER, of=bare)


async def test_the_group_id_is_checked_with_dubber_and_kept(provider: Browser, bare: WebSide) -> None:
    profile = await provider.text("/profile")
    assert "Call recording is not installed. Until it is, no user can be enabled." in profile
    assert 'href="/admin/profile/install"' in profile
    assert 'name="group_id"' in await provider.text("/profile/install")
    shown = words(await provider.save("/profile/install", {"group_id": f" {GROUP} "}))
    assert "Call recording is set up. Dubber knows this group as Acme." in shown
    assert bare.catalog.provider.read() == ProviderSettings(group_id=GROUP, group_name="Acme", auto_provisioning=True)
    assert bare.groups.woken == 1
    entry = bare.catalog.audit.list(limit=1)[0]
    assert (entry.actor, entry.action) == ("provider", "provider.installed")
    assert "Mar 4, 2026" in shown, "since when"


@pytest.mark.parametrize(
    ("group_id", "outcome", "problem"),
    [
        pytest.param("", None, "This field is needed.", id="empty"),
        pytest.param("two words", None, "Letters, digits and . _ - only.", id="no-group-id"),
        pytest.param("x" * 65, None, "At most 64 characters; these are 65.", id="long"),
        pytest.param("wrong", None, "Dubber does not know this Group ID. Check it and try again.", id="unknown"),
        pytest.param(GROUP, GroupOutcome.UNREACHABLE, "Dubber cannot be reached", id="unreachable"),
        pytest.param(GROUP, GroupOutcome.REFUSED, "Dubber refuses this server’s credentials", id="refused"),
    ],
)
async def test_a_group_id_that_cannot_be_used_stays_in_the_box_with_the_reason(
    provider: Browser, bare: WebSide, group_id: str, outcome: GroupOutcome | None, problem: str
) -> None:
    bare.groups.outcome = outcome
    shown = await provider.refused("/profile/install", {"group_id": group_id})
    assert problem in words(shown)
    assert f'name="group_id" type="text" value="{group_id}"' in shown
    assert bare.catalog.provider.read() == ProviderSettings()


async def test_auto_provisioning_is_on_and_can_be_switched_off(opened: Opens, side: WebSide) -> None:
    provider = await opened(PortalRole.PROVIDER)
    assert 'name="auto_provisioning" value="on" class="switch" role="switch" checked' in await provider.text("/profile")
    shown = await provider.save("/profile/auto-provisioning", {})
    assert "users and dub points are added in Dubber by hand." in shown
    assert not side.catalog.provider.read().auto_provisioning
    counts = side.catalog.provisioning.counts()
    assert (counts[ProvisioningStatus.MANUAL], counts[ProvisioningStatus.PENDING]) == (4, 0)
    assert "Auto-provisioning is on" in await provider.save("/profile/auto-provisioning", {"auto_provisioning": "on"})
    assert side.catalog.provider.read().auto_provisioning


async def test_removing_the_group_id_asks_first(opened: Opens, side: WebSide) -> None:
    provider = await opened(PortalRole.PROVIDER)
    asked = words(await provider.text("/profile/remove"))
    assert "Users that are enabled stay so" in asked
    assert "The Group ID was removed." in await provider.save("/profile/remove")
    assert side.catalog.provider.read().group_id is None
    assert (await provider.get("/profile/remove")).headers["Location"] == "/admin/profile"


async def test_identifiers_are_for_users_added_later(opened: Opens, side: WebSide) -> None:
    provider = await opened(PortalRole.PROVIDER)
    await provider.save("/profile/identifiers", {"service_provider": "ACME", "external_group": "ACME-PARIS"})
    kept = side.catalog.provider.read()
    assert (kept.service_provider, kept.external_group) == ("ACME", "ACME-PARIS")
    shown = await provider.refused("/profile/identifiers", {"service_provider": "x" * 31, "external_group": ""})
    assert 'href="#f-service_provider"' in shown
    assert 'href="#f-external_group"' in shown


async def test_the_terms_are_accepted_once_by_somebody(provider: Browser, bare: WebSide) -> None:
    assert "Tick the box to accept the terms of service." in await provider.refused("/profile/terms")
    shown = words(await provider.save("/profile/terms", {"terms": "on"}))
    assert "The terms of service are accepted. Users can be enabled now." in shown
    kept = bare.catalog.provider.read()
    assert (kept.terms_accepted_at, kept.terms_accepted_by) == (NOW, "provider")
    assert "Accepted Mar 4, 2026" in shown
