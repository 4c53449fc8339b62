"""Setting up phones: passwords shown once, files fetched once, and users' own pages."""

from __future__ import annotations

import configparser
import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from callmodel.manifest import Party
from catalog import PortalRole
from catalog.calls import CallRecord
from catalog.credentials import make_credentials
from catalog.enabling import remove_subscriber
from portals.admin.once import KEPT_S, MAX_DRAFTS, MAX_ENTRIES, Once
from portals.admin.softphones import FILES, account_for, qr_svg
from portals.services import Reachable
from tests.support.browsing import Browser
from tests.support.portals import DOMAIN, NOW, TESTER, WebSide, make_web_side
from tests.unit.portals.admin.conftest import Opens

TICKET = re.compile(r"/phone/([A-Za-z0-9_-]+)/")
PASSWORD = re.compile(r'id="f-sip-password" value="([^"]+)"')
SIP = {"udp": "192.0.2.1:5062", "tcp": "192.0.2.1:5062", "tls": "192.0.2.1:5063"}


@pytest.fixture
def side(tmp_path: Path) -> WebSide:
    """A server that phones reach under an address of the network."""
    ca_file = tmp_path / "ca.pem"
    ca_file.write_text("-----BEGIN CERTIFICATE-----\n", "ascii")
    found = make_web_side(tmp_path)
    reachable = Reachable(sip=SIP, ca_file=ca_file, dubber_portal="https://dubber.test/app", http="http://192.0.2.1")
    return replace(found, services=replace(found.services, reachable=lambda: reachable))


def secret_of(page: str) -> tuple[str, str]:
    """Password and ticket."""
    password, ticket = PASSWORD.search(page), TICKET.search(page)
    assert password is not None
    assert ticket is not None
    return password[1], ticket[1]


# --- the page ------------------------------------------------------------------------------------


async def test_a_new_password_is_shown_once_and_opens_the_registrar(admin: Browser) -> None:
    shown = await admin.save("/users/1001/softphone/reset")
    password, ticket = secret_of(shown)

    credentials = admin.side.catalog.subscribers.credentials("1001")
    assert credentials == make_credentials("1001", DOMAIN, password)
    assert "data:image/svg+xml" in shown

    again = await admin.text("/users/1001/softphone")
    assert (password in again, ticket in again) == (False, False)
    assert admin.side.catalog.audit.list(limit=1)[0].action == "user.phone_key_reset"


async def test_a_new_password_is_shown_to_whoever_made_it_only(admin: Browser, opened: Opens) -> None:
    await admin.post("/users/1001/softphone/reset")
    provider = await opened(PortalRole.PROVIDER)

    assert PASSWORD.search(await provider.text("/users/1001/softphone")) is None
    assert PASSWORD.search(await admin.text("/users/1001/softphone")) is not None


async def test_asking_for_registered_phones_does_not_use_the_new_password_up(admin: Browser) -> None:
    admin.side.exchange.registrations["1001"] = ("sip:1001@192.0.2.9:4711",)
    await admin.post("/users/1001/softphone/reset")

    piece = await admin.fragment("/users/1001/softphone")

    assert "sip:1001@192.0.2.9:4711" in piece
    assert "<html" not in piece
    assert PASSWORD.search(await admin.text("/users/1001/softphone")) is not None


async def test_each_file_with_a_password_is_fetched_once_without_a_session(admin: Browser) -> None:
    password, ticket = secret_of(await admin.save("/users/1001/softphone/reset"))
    admin.client.session.cookie_jar.clear()

    for kind in (*FILES, "qr"):
        assert (await admin.client.head(f"/admin/phone/{ticket}/{kind}")).status == 405
        answer = await admin.get(f"/phone/{ticket}/{kind}")
        assert (answer.status, password in await answer.text()) == (200, True)
        assert answer.headers["Cache-Control"] == "no-store"
        assert (await admin.get(f"/phone/{ticket}/{kind}")).status == 404
    assert (await admin.get("/phone/unknown/linphone")).status == 404


async def test_a_file_without_a_password_is_for_administrators_at_any_time(admin: Browser) -> None:
    answer = await admin.get("/users/1001/softphone/files/baresip")

    assert await answer.text() == (
        '"Alan Always" <sip:1001@192.0.2.1:5062;transport=udp>;auth_user=1001;regint=600;'
        "audio_codecs=G722/16000/1,PCMA/8000/1,PCMU/8000/1\n"
    )
    assert answer.headers["Content-Disposition"] == 'attachment; filename="accounts"'
    assert [
        (await admin.get(path)).status
        for path in ("/users/1001/softphone/files/qr", "/users/1001/softphone/files/x", "/users/77/softphone")
    ] == [404, 404, 404]


async def test_the_certificate_of_the_authority_is_there(admin: Browser) -> None:
    assert await admin.text("/phones/ca.pem") == "-----BEGIN CERTIFICATE-----\n"


async def test_a_server_that_listens_on_its_own_machine_says_so(opened: Opens, side: WebSide) -> None:
    here = Reachable(sip={"udp": "127.0.0.1:5060"}, ca_file=Path("ca.pem"))
    alone = replace(side, services=replace(side.services, reachable=lambda: here))
    warning = "listens on its own machine only"

    assert warning in await (await opened(of=alone)).save("/users/1001/softphone/reset")
    assert warning not in await (await opened(of=side)).save("/users/1001/softphone/reset")


# --- the files -----------------------------------------------------------------------------------

ACCOUNT = account_for(
    "1001", 'Zoé "Z" <Müller> & Co', DOMAIN, Reachable(sip=SIP, ca_file=Path("ca.pem")), password="p&<w>"
)


def test_linphone_is_told_where_to_register_and_as_whom() -> None:
    root = ET.fromstring(FILES["linphone"].write(ACCOUNT))  # written here
    namespace = "{http://www.linphone.org/xsds/lpconfig.xsd}"
    found = {
        f"{section.get('name')}.{entry.get('name')}": entry.text
        for section in root.iter(f"{namespace}section")
        for entry in section.iter(f"{namespace}entry")
    }

    assert found == {
        "misc.transient_provisioning": "1",
        "sip.default_proxy": "0",
        "sip.media_encryption": "none",
        "proxy_0.reg_proxy": "<sip:192.0.2.1:5062;transport=udp>",
        "proxy_0.reg_identity": '"Zoé Z Müller & Co" <sip:1001@192.0.2.1:5062>',
        "proxy_0.reg_expires": "600",
        "proxy_0.reg_sendregister": "1",
        "proxy_0.publish": "0",
        "proxy_0.realm": DOMAIN,
        "auth_info_0.username": "1001",
        "auth_info_0.userid": "1001",
        "auth_info_0.passwd": "p&<w>",
        "auth_info_0.realm": DOMAIN,
    }


def test_zoiper_is_told_the_same() -> None:
    root = ET.fromstring(FILES["zoiper"].write(ACCOUNT))  # written here

    assert {entry.tag: entry.text for entry in root.find("accounts/account") or ()} == {
        "tech": "0",
        "name": "1001@192.0.2.1:5062",
        "username": "1001",
        "authentication_username": "1001",
        "password": "p&<w>",
        "context": "192.0.2.1:5062",
        "callerid": 'Zoé "Z" <Müller> & Co',
        "register_on_startup": "1",
        "reregistration_time": "600",
    }


def test_microsip_is_told_the_same() -> None:
    text = FILES["microsip"].write(ACCOUNT)
    found = configparser.RawConfigParser()
    found.optionxform = str  # type: ignore[assignment,method-assign]  # names are told apart by case
    found.read_string(text)

    assert text.count("\n") == text.count("\r\n")
    assert found["Settings"]["accountId"] == "1"
    account = found["Account1"]
    assert {name: account[name] for name in ("server", "domain", "username", "authID", "password", "transport")} == {
        "server": "192.0.2.1:5062",
        "domain": "192.0.2.1:5062",
        "username": "1001",
        "authID": "1001",
        "password": "p&<w>",
        "transport": "udp",
    }


def test_a_name_cannot_break_out_of_its_line() -> None:
    account = replace(ACCOUNT, name='a"\n<x>;evil=1\r\nb')

    assert FILES["baresip"].write(account).count("\n") == 1
    assert FILES["baresip"].write(account).startswith('"a x;evil=1 b" <sip:1001@')
    assert "displayName=a\" <x>;evil=1 b\r\n" in FILES["microsip"].write(account)  # fmt: skip


def test_a_qr_code_is_an_image_that_the_page_may_show() -> None:
    assert qr_svg("https://example.test/").startswith("data:image/svg+xml;")


# --- what is kept for once -----------------------------------------------------------------------


class Clock:
    """Seconds that pass when told."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_secrets_and_tickets_end_after_ten_minutes() -> None:
    clock = Clock()
    once = Once(clock)
    once.keep("admin", "phone 1", "pw")
    ticket, draft = once.issue("1", "pw", ["a", "b"]), once.draft("admin", b"file")
    assert once.redeem(ticket, "a") == ("1", "pw")

    clock.now = KEPT_S

    assert (once.take("admin", "phone 1"), once.redeem(ticket, "b"), once.take_draft("admin", draft)) == (
        None,
        None,
        None,
    )


def test_a_newer_password_ends_the_tickets_of_the_older_one() -> None:
    once = Once(Clock())
    older = once.issue("1", "old", ["a"])
    other = once.issue("2", "two", ["a"])
    newer = once.issue("1", "new", ["a"])

    assert [once.redeem(token, "a") for token in (older, newer, other)] == [None, ("1", "new"), ("2", "two")]


def test_the_oldest_make_room() -> None:
    once = Once(Clock())
    tickets = []
    for n in range(MAX_ENTRIES + 1):
        once.keep(f"u{n}", "x", "s")
        tickets.append(once.issue(f"u{n}", "s", ["a"]))

    assert [once.take(f"u{n}", "x") for n in (0, 1)] == [None, "s"]
    assert [once.redeem(tickets[n], "a") for n in (0, 1)] == [None, ("u1", "s")]


def test_a_draft_is_its_owner_s_and_taken_once() -> None:
    once = Once(Clock())
    name = once.draft("a", b"1")

    assert (once.take_draft("b", name), once.take_draft("a", "x"), once.take_draft("a", name)) == (None, None, b"1")
    assert once.take_draft("a", name) is None
    names = [once.draft(f"o{n}", b"x") for n in range(MAX_DRAFTS + 1)]
    assert once.take_draft("o0", names[0]) is None
    assert once.take_draft("o1", names[1]) == b"x"


# --- the user's own pages ------------------------------------------------------------------------


@pytest.fixture
async def user(opened: Opens) -> Browser:
    """1002, Paula Pause."""
    return await opened(PortalRole.USER)


async def test_a_user_sees_the_own_settings_in_words_and_the_codes_that_do_something(user: Browser) -> None:
    shown = await user.text("/me")

    assert "Every call of yours is recorded; you can pause and resume it." in shown
    assert [f"<kbd>{code}</kbd>" in shown for code in ("*44", "*45", "*48", "*49")] == [False, False, True, True]
    assert "Chacun de vos appels est enregistré" in await user.text("/me", french=True)


async def test_a_user_sees_the_own_last_calls_from_the_own_side(user: Browser) -> None:
    own, other = Party(number="1002", label="Paula Pause"), Party(number="9002", label="")
    record = CallRecord(
        call_id="c1",
        external_tracking_id="t1",
        caller=own,
        callee=other,
        started_at=NOW,
        answered_at=NOW,
        ended_at=NOW + timedelta(seconds=65),
        result="answered",
    )
    user.side.catalog.calls.put(record)
    user.side.catalog.calls.put(replace(record, call_id="c2", caller=other, callee=own, result="busy"))
    user.side.catalog.calls.put(
        replace(record, call_id="c3", caller=Party(number="1000", label="Nina Never"), callee=other)
    )

    shown = await user.text("/me")

    assert [part in shown for part in ("1:05", "outgoing", "incoming", "9002", "Nina")] == [True] * 4 + [False]


async def test_a_user_resets_the_own_sip_password(user: Browser) -> None:
    password, _ = secret_of(await user.save("/me/softphone/reset"))

    assert user.side.catalog.subscribers.credentials("1002") == make_credentials("1002", DOMAIN, password)
    assert "sip:1002@192.0.2.1:5062" in await user.text("/me/softphone/files/linphone")


async def test_a_user_whose_number_is_gone_is_signed_out(user: Browser) -> None:
    remove_subscriber(user.side.catalog, "1002", actor=TESTER, now=NOW)

    answer = await user.get("/me")

    assert (answer.status, answer.headers["Location"]) == (303, "/admin/sign-in?next=/admin/me")
