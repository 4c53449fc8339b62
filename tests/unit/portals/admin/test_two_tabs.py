"""Two tabs at the same settings: whoever saves second is asked before undoing what the first has saved."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest

from catalog import PortalRole
from tests.support.browsing import Browser
from tests.support.portals import WebSide
from tests.unit.portals.admin.conftest import Opens

CODES = {f"{command}.enabled": "on" for command in ("start", "stop", "pause", "resume")} | {
    "start.main": "*44",
    "stop.main": "*45",
    "pause.main": "*48",
    "resume.main": "*49",
}
CHOICES = {"on_demand_stop": "refuse", "on_demand_announce": "keep", "repeated_code": "notice"}
GROUPS = {"first": "1a2b3c4d5e", "second": "5e4d3c2b1a"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """One form, the page it stands on, and two ways to fill it in that differ from what is kept."""

    page: str
    to: str
    first: dict[str, str]
    second: dict[str, str]
    which: int = 0
    """Of the forms on that page that tell a state."""


FORMS = {
    "codes": Form(page="/codes", to="/codes", first=CODES | {"start.main": "*54"}, second=CODES | {"stop.main": "*55"}),
    "choices": Form(
        page="/codes",
        to="/codes/choices",
        first=CHOICES | {"on_demand_stop": "stop", "announce_on_resume": "on"},
        second=CHOICES | {"repeated_code": "silent", "announce_on_resume": "on"},
        which=1,
    ),
    "reminder": Form(page="/tones", to="/tones", first={"reminder": "fr"}, second={"reminder": "uk"}),
    "failure": Form(
        page="/failure",
        to="/failure",
        first={"behavior": "END_CALL_WITH_ANNOUNCEMENT"},
        second={"behavior": "PROCEED_CALL_WITH_ANNOUNCEMENT"},
    ),
    "identifiers": Form(
        page="/profile",
        to="/profile/identifiers",
        first={"service_provider": "ONE", "external_group": "A"},
        second={"service_provider": "TWO", "external_group": "B"},
        which=1,
    ),
    "group": Form(
        page="/profile/install",
        to="/profile/install",
        first={"group_id": GROUPS["first"]},
        second={"group_id": GROUPS["second"]},
    ),
}
SWITCHES = {
    "refusal_tone": ("/tones", "/tones/refusal", 1),
    "auto_provisioning": ("/profile", "/profile/auto-provisioning", 0),
}
"""Page, where it is sent, and which of the page's states is its own."""
TOLD = "This was changed after you opened the page."


@pytest.fixture
async def provider(opened: Opens) -> Browser:
    """May open every page."""
    return await opened(PortalRole.PROVIDER)


def state(html: str, which: int) -> dict[str, str]:
    """The hidden field that tells which state a form of the page has shown."""
    return dict([re.findall(r'name="(seen\w*)" value="(\w+)"', html)[which]])


def kept(side: WebSide) -> tuple[object, object]:
    """All that these forms can change."""
    return side.catalog.service_settings.read(), side.catalog.provider.read()


@pytest.mark.parametrize("name", FORMS)
async def test_a_form_that_others_overtook_asks_first(provider: Browser, side: WebSide, name: str) -> None:
    form = FORMS[name]
    side.groups.known |= dict.fromkeys(GROUPS.values(), "Another")
    opened = state(await provider.text(form.page), form.which)
    await provider.save(form.to, form.first | opened)
    after_first = kept(side)

    told = await provider.refused(form.to, form.second | opened)

    assert told.count(TOLD) == 1
    assert f'href="/admin{form.page}"' in told
    assert kept(side) == after_first
    for field, value in form.second.items():
        assert re.search(rf'name="{re.escape(field)}"[^>]*value="{re.escape(value)}"', told), field
    await provider.save(form.to, form.second | state(told, form.which))
    assert kept(side) != after_first


@pytest.mark.parametrize("name", FORMS)
async def test_a_form_that_is_sent_twice_passes(provider: Browser, side: WebSide, name: str) -> None:
    form = FORMS[name]
    side.groups.known |= dict.fromkeys(GROUPS.values(), "Another")
    sent = form.first | state(await provider.text(form.page), form.which)
    await provider.save(form.to, sent)
    assert TOLD not in await provider.save(form.to, sent)


@pytest.mark.parametrize("name", SWITCHES)
async def test_a_switch_that_others_turned_is_not_turned_back_unseen(
    provider: Browser, side: WebSide, name: str
) -> None:
    page, to, which = SWITCHES[name]
    opened = state(await provider.text(page), which)
    await provider.save(to, opened)  # off
    after_first = kept(side)
    told = await provider.refused(to, {name: "on"} | opened)
    assert told.count(TOLD) == 1
    assert re.search(rf'name="{name}"[^>]*checked', told)
    assert kept(side) == after_first
    await provider.save(to, {name: "on"} | state(told, which))
    assert kept(side) != after_first
