"""A phone is set up with nothing but the file that the carrier's portal hands out after a new password."""

from __future__ import annotations

import re
import urllib.request
from http.cookiejar import CookieJar, DefaultCookiePolicy
from pathlib import Path
from urllib.parse import urlencode

import pytest

from tests.support.baresip import Baresip
from tests.support.linphone import Linphone
from tests.support.listening import channels_of, heard_spans, loudest
from tests.support.server_process import WAIT_S, ServerProcess
from tests.support.stage import FAR_HZ, USER_HZ, Stage

pytestmark = pytest.mark.interop

NUMBER, LINPHONE = "2028", "3014"


class Portal:
    """A signed-in administrator without script."""

    def __init__(self, server: ServerProcess, username: str) -> None:
        self._base = str(server.info["http"]) + "/admin"
        login = next(one for one in server.info["logins"] if one["username"] == username)
        # On the loopback browsers send cookies that are marked secure over plain HTTP; urllib has to be told.
        policy = DefaultCookiePolicy(secure_protocols=("http", "https"))
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar(policy)))
        self.post("/sign-in", self.get("/sign-in"), username=username, password=login["password"], next="")

    def get(self, path: str) -> str:
        """A page or a file."""
        with self._opener.open(self._base + path, timeout=WAIT_S) as answer:
            return str(answer.read().decode())

    def post(self, path: str, page: str, **fields: str) -> str:
        """Send a form of a page; the page that it leads to."""
        token = re.search(r'name="csrf" value="([^"]+)"', page)
        assert token is not None
        body = urlencode({"csrf": token[1], **fields}).encode()
        with self._opener.open(self._base + path, body, timeout=WAIT_S) as answer:
            return str(answer.read().decode())

    def new_file(self, number: str, kind: str) -> str:
        """Give a user's phones a new password; the path of a file that brings it along, once."""
        page = f"/users/{number}/softphone"
        shown = self.post(f"{page}/reset", self.get(page))
        ticket = re.search(r"/admin(/phone/[^/]+/)", shown)
        assert ticket is not None
        return ticket[1] + kind

    def address(self, path: str) -> str:
        """Of a page or a file, for whoever has no session."""
        return self._base + path

    def contacts(self, number: str) -> str:
        """What the page of a user's phone says of those that are registered."""
        return self.get(f"/users/{number}/softphone").partition('id="contacts"')[2].partition("</div>")[0]


def test_baresip_registers_and_calls_with_the_file_as_it_is(carrier: ServerProcess, tmp_path: Path) -> None:
    stage = Stage(carrier, tmp_path)
    portal = Portal(carrier, "admin")
    account = portal.get(portal.new_file(NUMBER, "baresip"))
    phone = Baresip(carrier, tmp_path / "phone", NUMBER, "", stage.user_voice, account=account)
    since = carrier.mark()
    try:
        assert f"sip:{NUMBER}" in portal.contacts(NUMBER)
        phone.dial("9003")
        phone.do("hangup")
        carrier.wait_for("call.ended", since=since)
    finally:
        phone.close()
        stage.close()


def test_linphone_fetches_its_settings_calls_dials_a_code_holds_and_is_called(
    carrier: ServerProcess, tmp_path: Path
) -> None:
    """*44 by RFC 4733: from there on its tone is in channel 1, and the other phone's in channel 2."""
    stage = Stage(carrier, tmp_path)
    portal = Portal(carrier, "admin")
    settings = portal.address(portal.new_file(LINPHONE, "linphone"))
    phone = Linphone(carrier, tmp_path / "linphone", LINPHONE, settings, stage.user_voice)
    other = stage.phone("2027", stage.far_voice)
    since = carrier.mark()
    try:
        assert f"sip:{LINPHONE}" in portal.contacts(LINPHONE)
        phone.do("call 2027")
        phone.wait("Media streams established")
        phone.do("*44")
        started = carrier.wait_for("recording.steered", since=since, user=LINPHONE, code="*44", channel="rfc4733")
        other.talk(1.5)
        phone.do("pause")
        carrier.wait_for("leg.held", since=since, call=started["call"], leg="a")
        phone.wait("is now paused")
        phone.do("resume 1")
        carrier.wait_for("leg.resumed", since=since, call=started["call"], leg="a")
        phone.wait("Media streams established")
        other.talk(1.5)
        phone.do("terminate")
        other.wait("over")
        carrier.wait_for("recording.sealed", since=since, call=started["call"])
        other.do("call", to=LINPHONE)
        phone.wait("Receiving new incoming call")
        phone.do("answer")
        other.wait("state", state="CONFIRMED")
        other.hang_up()
        (opened,) = carrier.events("recording.opened", call=started["call"])
        assert carrier.wait_for("call.ended", since=since, call=started["call"])["cause"] == "a-bye"
        carrier.wait_for("upload.delivered", since=since, recording_id=opened["recording"])
    finally:
        phone.close()
        other.close()
        stage.close()
    (record,) = carrier.recordings(call_id=started["call"])
    (user, far), rate = channels_of(record.path / "audio.wav")
    assert loudest(user, rate, USER_HZ) == pytest.approx(-12, abs=0.3)
    assert loudest(far, rate, FAR_HZ) == pytest.approx(-12, abs=0.3)
    assert loudest(user, rate, FAR_HZ) < -40
    assert sum(end - start for start, end in stage.user_voice.exact_runs(user)) > 2 * rate
    assert sum(end - start for start, end in heard_spans(phone.heard, FAR_HZ)) > 2000
