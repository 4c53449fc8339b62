"""*Edit user* → *Call recording*: what is switched there is what the next call uses."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from callmodel.codes import FeatureCode, FeatureCodes, FeatureCommand
from callmodel.modes import Language, NotificationType, RecordingMode
from callmodel.subscriber import RecordingSettings, Subscriber
from catalog import PortalRole
from catalog.installing import install_group, set_auto_provisioning
from catalog.provisioning import ProvisioningState, ProvisioningStatus
from catalog.service_settings import ServiceSettings
from tests.support.browsing import Browser, words
from tests.support.portals import DOMAIN, GROUP, NOW, PEOPLE, TESTER, WebSide, make_web_side

Opens = Callable[..., Awaitable[Browser]]
PATH = "/users/1000/recording"
ON = {
    "enabled": "on",
    "mode": "Always with Pause/Resume",
    "announce": "on",
    "announce_internal": "on",
    "announce_pstn": "on",
    "record_voicemail": "on",
    "notify": "on",
    "notification": "Play Announcement",
    "remind": "on",
    "reminder_s": "30",
}
SAVED = RecordingSettings(
    mode=RecordingMode.ALWAYS_PAUSE_RESUME,
    announce_internal=True,
    announce_pstn=True,
    notification=NotificationType.ANNOUNCEMENT,
    reminder_s=30,
    record_voicemail=True,
)


def without(*names: str) -> dict[str, str]:
    return {name: value for name, value in ON.items() if name not in names}


def kept(side: WebSide, number: str = "1000") -> RecordingSettings:
    found = side.catalog.subscribers.get(number)
    assert found is not None
    return found.recording


async def test_switching_on_saves_everything_tells_the_server_and_provisions(admin: Browser, side: WebSide) -> None:
    shown = words(await admin.save(PATH, ON))
    assert kept(side) == SAVED
    assert "Call recording is on for Nina Never from the next call." in shown
    assert "Making this user known to Dubber" in shown
    assert (side.exchange.refreshed, side.groups.woken) == (1, 1)
    state = side.catalog.provisioning.get("1000")
    assert state is not None
    assert state.status is ProvisioningStatus.PENDING
    entry = side.catalog.audit.list(limit=1)[0]
    assert (entry.actor, entry.action, entry.subject) == ("admin", "user.changed", "1000")
    assert (entry.before or {})["mode"] == "Never"
    assert (entry.after or {})["reminder_s"] == 30


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        pytest.param(ON | {"mode": "Always"}, {"mode": RecordingMode.ALWAYS}, id="always-cannot-notify"),
        pytest.param(ON | {"mode": "On Demand"}, {"mode": RecordingMode.ON_DEMAND}, id="on-demand"),
        pytest.param(
            ON | {"mode": "On Demand with User Initiated Start"},
            {"mode": RecordingMode.ON_DEMAND_USER_START},
            id="user-start",
        ),
        pytest.param(without("announce"), {"announce_internal": False, "announce_pstn": False}, id="no-announcement"),
        pytest.param(without("announce_pstn"), {"announce_pstn": False}, id="announced-inside-only"),
        pytest.param(without("announce_internal"), {"announce_internal": False}, id="announced-outside-only"),
        pytest.param(without("record_voicemail"), {"record_voicemail": False}, id="no-voicemail"),
        pytest.param(without("notify"), {"notification": NotificationType.NONE}, id="no-notification"),
        pytest.param(ON | {"notification": "Beep"}, {"notification": NotificationType.BEEP}, id="beep"),
        pytest.param(without("remind"), {"reminder_s": None}, id="no-reminder"),
        pytest.param(ON | {"reminder_s": "1800"}, {"reminder_s": 1800}, id="longest-choice"),
        pytest.param(ON | {"reminder_s": "other", "reminder_s_other": "17"}, {"reminder_s": 17}, id="typed-seconds"),
    ],
)
async def test_every_setting_is_kept(
    admin: Browser, side: WebSide, sent: dict[str, str], expected: dict[str, Any]
) -> None:
    await admin.save(PATH, sent)
    wanted = replace(SAVED, **expected)
    if wanted.mode is RecordingMode.ALWAYS:
        wanted = replace(wanted, notification=NotificationType.NONE)
    assert kept(side) == wanted


@pytest.mark.parametrize(
    ("sent", "field", "problem"),
    [
        pytest.param(without("mode"), "mode", "Choose one of the list.", id="no-mode"),
        pytest.param(ON | {"mode": "Never"}, "mode", "Choose one of the list.", id="never-is-the-switch"),
        pytest.param(
            without("announce_internal", "announce_pstn"),
            "announce",
            "Choose for which calls it is played, or switch the announcement off.",
            id="announced-nowhere",
        ),
        pytest.param(ON | {"notification": "Song"}, "notification", "Choose one of the list.", id="odd-notification"),
        pytest.param(
            ON | {"reminder_s": "other", "reminder_s_other": "9"},
            "reminder_s_other",
            "A whole number from 10 to 1800.",
            id="too-often",
        ),
        pytest.param(
            ON | {"reminder_s": "other", "reminder_s_other": "12.5"},
            "reminder_s_other",
            "A whole number from 10 to 1800.",
            id="half-seconds",
        ),
        pytest.param(
            ON | {"reminder_s": "other"},
            "reminder_s_other",
            "Say how many seconds lie between two tones.",
            id="no-seconds",
        ),
        pytest.param(ON | {"reminder_s": "1801"}, "reminder_s", "A whole number from 10 to 1800.", id="too-seldom"),
    ],
)
async def test_what_does_not_fit_is_refused_beside_its_field_and_stays_in_the_form(
    admin: Browser, side: WebSide, sent: dict[str, str], field: str, problem: str
) -> None:
    shown = await admin.refused(PATH, sent)
    assert f'href="#f-{field}"' in shown
    assert words(shown).count(problem) == 2, "on top and at the field"
    assert kept(side) == RecordingSettings()
    assert 'name="enabled" value="on" class="switch" role="switch" checked' in shown


async def test_switching_off_keeps_the_other_settings(opened: Opens, tmp_path: Path) -> None:
    side = make_web_side(tmp_path / "on", people=(Subscriber(number="1000", mailbox=True, recording=SAVED),))
    admin = await opened(of=side)
    shown = words(await admin.save(PATH, without("enabled", "mode")))
    assert kept(side) == replace(SAVED, mode=RecordingMode.NEVER)
    assert "Call recording is off for 1000 from the next call. Old recordings stay in Dubber." in shown


async def test_saving_without_a_change_says_so_and_writes_no_audit_entry(admin: Browser, side: WebSide) -> None:
    await admin.save(PATH, ON)
    entries = len(side.catalog.audit.list())
    assert "Nothing was changed." in await admin.save(PATH, ON)
    assert len(side.catalog.audit.list()) == entries


async def test_voicemail_is_greyed_without_a_mailbox_and_stays_as_it_was(admin: Browser, side: WebSide) -> None:
    shown = await admin.text("/users/1001/recording")
    assert "This user has no mailbox. Switch one on under Profile first." in shown
    await admin.save("/users/1001/recording", ON)
    assert kept(side, "1001") == replace(SAVED, record_voicemail=False)


async def test_nobody_can_be_enabled_before_the_group_id_is_set(opened: Opens, tmp_path: Path) -> None:
    side = make_web_side(tmp_path / "bare", installed=False, people=PEOPLE[:1])
    admin, provider = await opened(of=side), await opened(PortalRole.PROVIDER, of=side)
    told = words(await admin.text(PATH))
    assert "It cannot be switched on: the Group ID that Dubber issued is not set." in told
    assert "Ask the administrator of your service provider to set it" in told
    assert 'href="/admin/profile/install"' in await provider.text(PATH)
    assert "The Group ID that Dubber issued is not set: nobody can be enabled yet." in await admin.refused(PATH, ON)
    assert kept(side) == RecordingSettings()


async def test_the_terms_are_accepted_with_the_first_user(opened: Opens, tmp_path: Path) -> None:
    side = make_web_side(tmp_path / "terms", installed=False, people=PEOPLE[:1])
    install_group(side.catalog, GROUP, actor=TESTER, now=NOW)
    admin = await opened(of=side)
    assert "I accept the terms of service for my organisation" in await admin.text(PATH)
    assert 'href="#f-terms"' in await admin.refused(PATH, ON)
    await admin.save(PATH, ON | {"terms": "on"})
    assert kept(side) == SAVED
    provider = side.catalog.provider.read()
    assert (provider.terms_accepted_at, provider.terms_accepted_by) == (NOW, "admin")
    assert "I accept the terms of service" not in await admin.text(PATH)


async def test_the_modes_name_the_codes_that_are_dialled_now(admin: Browser, side: WebSide) -> None:
    codes = FeatureCodes(
        start=FeatureCode(command=FeatureCommand.START, main="*55", alternate="#5"),
        stop=FeatureCode(command=FeatureCommand.STOP, main="*45", enabled=False),
    )
    side.catalog.service_settings.write(ServiceSettings(codes=codes), now=NOW)
    shown = words(await admin.text(PATH))
    assert "Nothing is written before the user dials *55 (#5). (switched off) stops, *48 pauses, *49 resumes" in shown


async def test_the_wording_of_the_announcement_is_the_one_that_the_user_hears(opened: Opens, tmp_path: Path) -> None:
    people = (Subscriber(number="1000", language=Language.FR),)
    admin = await opened(of=make_web_side(tmp_path / "fr", people=people))
    shown = words(await admin.text(PATH))
    assert "L’enregistrement de votre appel a été interrompu avec succès." in shown
    assert "Votre service d’enregistrement des appels a été repris avec succès." in shown


async def test_dubbers_information_has_all_three_identifiers(admin: Browser) -> None:
    shown = await admin.text(PATH)
    for value in ("CARRIER", "CARRIER-MAIN", f"1000@{DOMAIN}"):
        assert f'value="{value}" readonly' in shown


def state(status: ProvisioningStatus, **more: Any) -> ProvisioningState:
    return ProvisioningState(number="1001", status=status, next_at=NOW + timedelta(seconds=40), updated_at=NOW, **more)


@pytest.mark.parametrize(
    ("found", "texts", "polls"),
    [
        pytest.param(
            state(ProvisioningStatus.PENDING, problem="Dubber cannot be reached: refused", attempts=2),
            ["In progress", "Account (in progress)", "Not yet: Dubber cannot be reached: refused", "Tried 2 times"],
            True,
            id="pending",
        ),
        pytest.param(
            state(ProvisioningStatus.FAILED, problem="key is taken", user_id="u1"),
            ["Failed", "User (done)", "Dub point (failed)", "Dubber says: key is taken", "Try again"],
            False,
            id="failed",
        ),
        pytest.param(
            state(ProvisioningStatus.MANUAL, attempts=3),
            ["Waiting for the dub point", "Last looked", "Check now"],
            True,
            id="by-hand",
        ),
        pytest.param(
            state(ProvisioningStatus.DONE, dub_point_id="d1"), ["Dubber knows this user.", "d1"], False, id="done"
        ),
    ],
)
async def test_progress_is_shown_until_it_is_done(
    admin: Browser, side: WebSide, found: ProvisioningState, texts: list[str], polls: bool
) -> None:
    side.catalog.provisioning.put(found)
    piece = await admin.fragment("/users/1001/recording/progress")
    for text in texts:
        assert text in words(piece)
    assert ("hx-trigger" in piece) is polls
    assert "<html" not in piece
    assert words(piece) in words(await admin.text("/users/1001/recording"))


async def test_by_hand_the_page_gives_the_steps_and_takes_them_away_when_it_is_done(
    admin: Browser, side: WebSide
) -> None:
    set_auto_provisioning(side.catalog, False, actor=TESTER, now=NOW)
    shown = words(await admin.save(PATH, ON))
    for text in ("added in Dubber by hand", "Choose the tab People.", "Choose dub.points, then Add Dub Point."):
        assert text in shown or "Now add the user and the dub point in Dubber by hand" in shown
    assert 'id="f-hand_external_identifier"' in await admin.text(PATH)
    side.catalog.provisioning.put(replace(state(ProvisioningStatus.DONE, dub_point_id="d1"), number="1000"))
    assert '<div id="by-hand" hx-swap-oob="true"></div>' in await admin.fragment(
        "/users/1000/recording/progress?steps=shown"
    )
    assert "by-hand" not in await admin.fragment("/users/1000/recording/progress")
    assert 'id="by-hand"' not in await admin.text(PATH)


async def test_a_failure_can_be_tried_again(admin: Browser, side: WebSide) -> None:
    side.catalog.provisioning.put(state(ProvisioningStatus.FAILED, problem="key is taken", attempts=1))
    await admin.save("/users/1001/recording/retry")
    again = side.catalog.provisioning.get("1001")
    assert again is not None
    assert (again.status, again.problem, again.attempts) == (ProvisioningStatus.PENDING, "", 0)
    assert side.groups.woken == 1
    told = await admin.save("/users/1000/recording/retry")
    assert "Call recording is off for this user: there is nothing to provision." in told


async def test_unknown_users_have_no_page(admin: Browser) -> None:
    for path in ("/users/7777/recording", "/users/7777/recording/progress"):
        assert (await admin.get(path)).status == 404
    assert (await admin.post("/users/7777/recording", ON)).status == 404
