"""The administrator's article from top to bottom, in French, by somebody who holds nothing but that page.

The tests are its sections in its order, the steps have its numbers, and each builds on those before: the product starts
with nothing but the first two sign-ins. In between, a real phone makes a call under the settings just saved.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from callmodel.manifest import MarkKind, RecordingManifest
from callmodel.modes import NotificationType, RecordingMode
from callmodel.subscriber import RecordingSettings
from catalog import ProvisioningStatus
from tests.support.browser import Visitor, visitor
from tests.support.phones import PjsuaPhone
from tests.support.server_process import ServerProcess, running

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

WRONG_GROUP = "0123456789abcdef0123"
CLAIRE, BRUNO = "2001", "2002"
PLAYED = """new Promise(done => {
  const audio = document.querySelector("audio");
  audio.addEventListener("timeupdate", () => audio.currentTime > 1 && done());
})"""
"""Resolves when the recording has played for a second."""
DUBBER_INFORMATION = {
    "Fournisseur de services": "CARRIER",
    "Groupe externe": "CARRIER-MAIN",
    "Identifiant externe": "2001@mediaserver.local",
}


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


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def walk(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Walk]:
    """A carrier where nobody has done anything yet."""
    folder = tmp_path_factory.mktemp("article")
    with running(folder / "data", demo_users=False, pages=True) as server:
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
        await provider.see("réussi")
        assert await page.get_by_role("switch", name="Provisionnement automatique").is_checked()
    assert [status for status, _ in provider.refusals] == [422]


async def test_user_rights_every_option_is_set_and_the_user_is_provisioned(walk: Walk) -> None:
    admin = walk.administrator
    page = admin.page
    async with admin.step("droits 1 connexion"):
        await page.get_by_role("button", name=re.compile("Compte de")).click()
        await page.get_by_role("button", name="Se déconnecter").click()
        await admin.sign_in(*walk.login("administrator"))
    async with admin.step("droits 2 utilisateurs"):
        await page.get_by_role("heading", name="Tableau de bord", level=1).wait_for()
        await (
            page.get_by_role("navigation", name="Navigation principale")
            .get_by_role("link", name="Utilisateurs")
            .click()
        )
        await page.get_by_role("table", name="Utilisateurs").wait_for()
    async with admin.step("droits 3 actions"):
        row = page.get_by_role("row").filter(has_text="Claire Fontaine")
        await row.get_by_role("button", name="Actions").click()
    async with admin.step("droits 5 modifier"):
        await page.get_by_role("link", name="Modifier", exact=True).filter(visible=True).click()
        await page.get_by_role("heading", name="Modifier l’utilisateur").wait_for()
    async with admin.step("droits 6 enregistrement des appels"):
        window = page.get_by_role("navigation", name="Dans cette fenêtre")
        await window.get_by_role("link", name="Enregistrement des appels").click()
        toggle = page.get_by_role("switch", name="Enregistrement des appels")
        assert await page.get_by_role("radio", name="Toujours", exact=True).is_hidden()
    async with admin.step("droits 7 le bouton active un menu d’options"):
        await toggle.check()
        await page.get_by_label("J’accepte les conditions").check()
    async with admin.step("droits 11 quand enregistrer"):
        modes = page.get_by_role("group", name="Enregistrer les appels").get_by_role("radio")
        named = [await mode.evaluate("radio => radio.labels[0].textContent") for mode in await modes.all()]
        assert named == [
            "Toujours",
            "Toujours avec pause/reprise",
            "À la demande",
            "À la demande avec démarrage à l’initiative de l’utilisateur",
        ]
        await admin.see("*44")
        await page.get_by_role("radio", name="À la demande", exact=True).check()
    async with admin.step("droits 13 annonces et messagerie vocale"):
        await page.get_by_label("Lecture de l’annonce de début/arrêt de l’enregistrement").check()
        voicemail = page.get_by_label("Enregistrer la messagerie vocale")
        assert await voicemail.is_disabled()
        await admin.see("pas de messagerie")
    async with admin.step("droits 15 notification de pause-reprise"):
        await page.get_by_role("switch", name="Notification de pause/reprise").check()
        await page.get_by_label("Jouer l’annonce").check()
        await admin.see("« L’enregistrement de votre appel a été interrompu avec succès. »")
        await admin.see("« Votre service d’enregistrement des appels a été repris avec succès. »")
        await page.get_by_label("Bip").check()
    async with admin.step("droits 16 tonalite de rappel"):
        await page.get_by_label("Répéter l’enregistrement de l’appel").check()
        await page.get_by_label("Secondes entre deux tonalités").select_option("10")
    async with admin.step("droits 17 informations Dubber"):
        assert await page.get_by_label("Identifiant externe").first.is_hidden()
        await page.get_by_label("Informations Dubber").check()
        shown = {name: await page.get_by_label(name, exact=True).input_value() for name in DUBBER_INFORMATION}
        assert shown == DUBBER_INFORMATION
    async with admin.step("droits 19 enregistrer"):
        await page.get_by_role("button", name="Enregistrer").click()
        await admin.see("Dubber connaît cet utilisateur.")
    saved = walk.server.catalog.subscribers.get(CLAIRE)
    assert saved is not None
    assert saved.recording == RecordingSettings(
        mode=RecordingMode.ON_DEMAND,
        announce_internal=True,
        announce_pstn=True,
        notification=NotificationType.BEEP,
        reminder_s=10,
    )
    state = walk.server.catalog.provisioning.get(CLAIRE)
    assert state is not None
    assert state.status == ProvisioningStatus.DONE


async def test_a_call_under_the_settings_just_saved_is_recorded_and_delivered(walk: Walk) -> None:
    """Not in the article, but what it is for: a phone, a call, ``*44``."""
    manifest = await asyncio.to_thread(call_on_demand, walk)
    assert (manifest.user, manifest.mode, manifest.callee.number) == (CLAIRE, RecordingMode.ON_DEMAND, "9002")
    codes = [(mark.detail["code"], mark.detail["channel"]) for mark in manifest.marks if mark.kind is MarkKind.CODE]
    assert codes == [("*44", "rfc4733")]
    assert MarkKind.ANNOUNCEMENT in {mark.kind for mark in manifest.marks}


def call_on_demand(walk: Walk) -> RecordingManifest:
    """Claire calls, keeps the recording, talks on and hangs up; what was delivered."""
    server = walk.server
    phone = PjsuaPhone(user=CLAIRE, password=walk.sip_password, server=server.sip, ca_file=server.info["ca_file"])
    try:
        phone.call("9002")
        phone.talk(0.5)
        since = server.mark()
        phone.do("dtmf", digits="*44")
        server.wait_for("recording.steered", since=since, user=CLAIRE, code="*44")
        phone.talk(6)
        phone.hang_up()
    finally:
        phone.close()
    server.wait_for("upload.delivered")
    (record,) = server.recordings(user=CLAIRE)
    return record.manifest


async def test_a_dub_point_is_made_by_hand(walk: Walk) -> None:
    """« Pour créer un point de doublage dans Dubber », for a user whom nothing made known by itself."""
    provider, admin, dubber = walk.provider, walk.administrator, walk.dubber
    async with provider.step("point de doublage 0 provisionnement automatique desactive"):
        await provider.go("/profile")
        await provider.page.get_by_role("switch", name="Provisionnement automatique").uncheck()
        card = provider.page.locator("section.card").filter(has_text="Provisionnement automatique")
        await card.get_by_role("button", name="Enregistrer").first.click()
        await provider.see("Le provisionnement automatique est désactivé")
    async with admin.step("droits 10 provisionnement manuel"):
        await admin.go(f"/users/{BRUNO}/recording")
        await admin.page.get_by_role("switch", name="Enregistrement des appels").check()
        await admin.page.get_by_role("radio", name="Toujours", exact=True).check()
        await admin.page.get_by_role("button", name="Enregistrer").click()
        await admin.see("En attente du dub.point")
        by_hand = admin.page.locator("#by-hand")
        key = {name: await by_hand.get_by_label(name, exact=True).input_value() for name in DUBBER_INFORMATION}
        assert key == {**DUBBER_INFORMATION, "Identifiant externe": "2002@mediaserver.local"}
    page = dubber.page
    async with dubber.step("point de doublage 1 compte Dubber"):
        await dubber.sign_in(*walk.login("Dubber"))
    async with dubber.step("point de doublage 2 Personnes"):
        await page.get_by_role("link", name="Personnes").first.click()
        await page.get_by_role("heading", name="Personnes", level=1).wait_for()
        await page.get_by_role("combobox", name="Compte").select_option("carrier")
        await page.get_by_role("main").get_by_role("button", name="Rechercher").click()
        await page.get_by_role("row").filter(has_text="Claire Fontaine").wait_for()
    async with dubber.step("point de doublage 3 utilisateur"):
        await page.get_by_role("link", name="Ajouter un utilisateur").click()
        await page.locator("input[name=username]").fill(key["Identifiant externe"])
        await page.locator("input[name=first_name]").fill("Bruno")
        await page.locator("input[name=last_name]").fill("Lacombe")
        await page.get_by_role("main").get_by_role("button", name="Ajouter").click()
        await page.get_by_role("heading", name="Bruno Lacombe").wait_for()
    async with dubber.step("point de doublage 4 ajouter un Dub Point"):
        window = page.get_by_role("navigation", name="Dans cette fenêtre")
        await window.get_by_role("link", name="dub.points").click()
        await page.get_by_role("link", name="Ajouter un Dub Point").click()
    async with dubber.step("point de doublage 5 selections"):
        assert await page.get_by_label("Produit").input_value() == "reserved"
        await page.get_by_label("Type externe").select_option("BroadWorks")
        for name, value in key.items():
            await page.get_by_label(name).fill(value)
    async with dubber.step("point de doublage 6 enregistrer"):
        await page.get_by_role("button", name="Enregistrer").click()
        await dubber.see("2002@mediaserver.local")
        await page.get_by_role("heading", name="Bruno Lacombe", level=3).wait_for()
    async with admin.step("droits 10 le dub.point est apparu"):
        await admin.page.get_by_role("button", name="Vérifier maintenant").click()
        await admin.see("Dubber connaît cet utilisateur.")


async def test_access_to_the_recordings(walk: Walk) -> None:
    """« Accédez à vos enregistrements Dubber »: the call of before is found, heard, starred, filtered for."""
    dubber = walk.dubber
    page = dubber.page
    line = page.get_by_role("row").filter(has_text="Claire Fontaine").filter(has_text="9002")
    async with dubber.step("acces 1 tableau de bord"):
        await page.context.clear_cookies()
        await dubber.sign_in(*walk.login("Dubber"))
        await page.get_by_role("heading", name="Tableau de bord", level=1).wait_for()
        await line.wait_for()
    async with dubber.step("acces 2 enregistrements"):
        await page.locator("#sidenav").get_by_role("link", name="Enregistrements").click()
        await page.get_by_role("heading", name="Enregistrements", level=1).wait_for()
        assert await line.count() == 1
    async with dubber.step("acces 3 rechercher"):
        search = page.get_by_role("searchbox", name="Rechercher").first
        await search.fill("personne de ce nom")
        await line.wait_for(state="detached")
        await search.fill("fontaine")
        await line.wait_for()
        assert await line.locator("mark").all_inner_texts() != []
    async with dubber.step("acces 4 les plus importants"):
        await dubber.go("/recordings")
        await line.get_by_role("button", name="Les plus importants").click()
        await line.get_by_role("button", name="Les plus importants", pressed=True).wait_for()
    async with dubber.step("acces 5 filtrer"):
        tabs = page.get_by_role("navigation", name="Filtre")
        shown = {}
        for name in ("Appels enregistrés", "Messages vocaux", "Appels marqués", "Les plus importants"):
            await tabs.get_by_role("link", name=name).click()
            await tabs.get_by_role("link", name=name).and_(page.locator("[aria-current]")).wait_for()
            shown[name] = await line.count()
        assert shown == {"Appels enregistrés": 1, "Messages vocaux": 0, "Appels marqués": 0, "Les plus importants": 1}
    async with dubber.step("acces 6 restreindre a un point de doublage"):
        for name, found in (("Bruno Lacombe", 0), ("Claire Fontaine", 1)):
            await page.get_by_role("button", name="Restreindre à un dub.point").click()
            await page.locator("#dub-point-choices").get_by_role("link", name=name).click()
            await page.get_by_role("link", name=re.compile(f"Retirer.*{name}")).wait_for()
            assert await line.count() == found
        assert "kind=starred" in page.url
        await page.go_back()
        await page.go_back()
        await line.wait_for()
        assert "dub_point" not in page.url
    async with dubber.step("acces 7 ecouter"):
        await line.get_by_role("link", name="9002").first.click()
        await page.locator(".player.ready").wait_for()
        await page.get_by_role("region", name="Lecteur").get_by_role("button", name="Lire", exact=True).click()
        await page.evaluate(PLAYED)
        assert await page.evaluate("document.querySelector('audio').duration") == pytest.approx(6.5, abs=2.5)
