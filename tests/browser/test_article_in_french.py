"""The administrator's article from top to bottom, in French, by somebody who holds nothing but that page.

The tests are its sections in its order, the steps have its numbers, and each builds on those before: the product starts
with nothing but the first two sign-ins. In between, a real phone makes a call under the settings just saved.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from tests.support.browser import Visitor, visitor
from tests.support.phones import PjsuaPhone
from tests.support.server_process import ServerProcess, running

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

WRONG_GROUP = "0123456789abcdef0123"
CLAIRE, BRUNO = "2001", "2002"


@dataclass(slots=True)
class Walk:
    """Everybody in the article, each at a browser of their own."""

    server: ServerProcess
    provider: Visitor
    administrator: Visitor
    dubber: Visitor
    sip_password: str = ""

    def login(self, role: str) -> tuple[str, str]:
        """User name and password that ``mediaserver info`` tells."""
        found = next(login for login in self.server.info["logins"] if login["role"] == role)
        return found["username"], found["password"]

    def people(self) -> Iterator[Visitor]:
        """All three."""
        yield from (self.provider, self.administrator, self.dubber)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def walk(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Walk]:
    """A carrier where nobody has done anything yet."""
    folder = tmp_path_factory.mktemp("article")
    with running(folder / "data", demo_users=False) as server:
        admin = f"{server.info['http']}/admin/"
        recordings = next(login["url"] for login in server.info["logins"] if login["role"] == "Dubber")
        async with (
            visitor(browser, admin) as provider,
            visitor(browser, admin) as administrator,
            visitor(browser, recordings) as dubber,
        ):
            yield Walk(server, provider, administrator, dubber)


async def test_before_it_there_are_users_and_nobody_can_be_enabled(walk: Walk) -> None:
    """The article takes users for granted; and says that the Group ID comes first."""
    admin = walk.administrator
    page = admin.page
    async with admin.step("avant 1 connexion"):
        await admin.sign_in(*walk.login("administrator"))
        await admin.see("Tableau de bord")
    async with admin.step("avant 2 ajouter deux utilisateurs"):
        for number, name in ((CLAIRE, "Claire Fontaine"), (BRUNO, "Bruno Lacombe")):
            await admin.go("/users/add")
            await page.get_by_label("Numéro").fill(number)
            await page.get_by_label("Nom").fill(name)
            await page.get_by_role("button", name="Ajouter", exact=False).click()
            await page.wait_for_url(f"**/users/{number}/softphone")
            if number == CLAIRE:
                walk.sip_password = await page.locator("#f-sip-password").input_value()
    async with admin.step("avant 3 impossible sans ID de groupe"):
        await admin.go(f"/users/{CLAIRE}/recording")
        assert await page.get_by_role("switch", name="Enregistrement des appels").is_disabled()


async def test_prerequisites_the_group_id_is_installed(walk: Walk) -> None:
    provider = walk.provider
    page = provider.page
    async with provider.step("prerequis 1 connexion"):
        await provider.go("/")
        await page.get_by_label("Nom d’utilisateur").fill(walk.login("provider")[0])
        await page.get_by_label("Mot de passe").fill(walk.login("provider")[1])
        await page.get_by_role("button", name="Se connecter").click()
        await provider.see("Tableau de bord")
    async with provider.step("prerequis 2 profil"):
        await provider.menu("Mon compte").get_by_role("link", name="Profil").click()
        await page.get_by_role("heading", name="Profil", level=1).wait_for()
        await page.get_by_role("main").get_by_role("link", name="Installer l’enregistrement d’appel").click()
    async with provider.step("prerequis 3 mauvais ID de groupe"):
        await page.get_by_label("ID de groupe").fill(WRONG_GROUP)
        await page.get_by_role("button", name="Soumettre").click()
        await page.get_by_role("alert").wait_for()
        assert "vérifiez" in (await page.get_by_role("alert").inner_text()).lower()
        assert await page.get_by_label("ID de groupe").input_value() == WRONG_GROUP
    async with provider.step("prerequis 4 configuration reussie"):
        await page.get_by_label("ID de groupe").fill(walk.server.info["dubber"]["group_id"])
        await page.get_by_role("button", name="Soumettre").click()
        await page.wait_for_url("**/profile")
        await provider.see(re.compile("réussi"))
        assert await page.get_by_role("switch", name="Provisionnement automatique").is_checked()
    assert [status for status, _ in provider.refusals] == [422]
