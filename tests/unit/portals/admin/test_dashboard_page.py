"""The first page: numbers, and what is to be done next."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

from catalog import PortalRole
from catalog.installing import install_group
from catalog.provisioning import ProvisioningState, ProvisioningStatus
from tests.support.browsing import Browser, finish_call, words
from tests.support.portals import GROUP, NOW, PEOPLE, TESTER, WebSide, make_web_side

Opens = Callable[..., Awaitable[Browser]]


async def test_it_counts_users_calls_recordings_uploads_and_provisioning(admin: Browser, side: WebSide) -> None:
    side.exchange.put_call("c-1", PEOPLE[1], "9002")
    side.exchange.put_call("c-2", PEOPLE[4], PEOPLE[0])
    finish_call(side)
    html = await admin.text("/")
    shown = words(html)
    assert "Users 5 4 with call recording" in shown
    assert "Live calls 2 1 is being recorded" in shown
    assert "Recordings today 1 1 in 7 days" in shown
    assert "Waiting for delivery 0 none given up" in shown
    assert "Provisioning 4 in progress; 0 done" in shown
    assert "Always with pause/resume 1" in shown
    assert 'href="/admin/calls/call-1"' in html
    piece = await admin.fragment("/now")
    assert piece.strip().startswith('<div id="now"')
    assert words(piece) in shown


async def test_before_anything_is_installed_it_says_where_to_go(opened: Opens, tmp_path: Path) -> None:
    side = make_web_side(tmp_path / "bare", installed=False, people=PEOPLE[:1])
    provider, admin = await opened(PortalRole.PROVIDER, of=side), await opened(of=side)
    assert 'href="/admin/profile/install"' in await provider.text("/")
    assert "Ask the administrator of your service provider to set it" in await admin.text("/")
    install_group(side.catalog, GROUP, actor=TESTER, now=NOW)
    assert 'href="/admin/profile#terms"' in await provider.text("/")
    assert "They are accepted once, with the first user" in await admin.text("/")


async def test_refused_and_waiting_users_are_named(admin: Browser, side: WebSide) -> None:
    for number, status in (("1001", ProvisioningStatus.FAILED), ("1002", ProvisioningStatus.MANUAL)):
        state = ProvisioningState(number=number, status=status, next_at=NOW, updated_at=NOW)
        side.catalog.provisioning.put(state)
    shown = await admin.text("/")
    assert "Dubber refused 1 user." in shown
    assert "1 user waits to be added by hand." in shown
    assert 'href="/admin/provisioning?status=failed"' in shown


async def test_users_are_led_to_their_own_page(opened: Opens) -> None:
    user = await opened(PortalRole.USER)
    for path in ("/", "/now"):
        assert (await user.get(path)).headers["Location"] == "/admin/me"
