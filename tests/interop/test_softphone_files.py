"""A phone is set up with nothing but the file that the carrier's portal hands out after a new password."""

from __future__ import annotations

import re
import urllib.request
from http.cookiejar import CookieJar, DefaultCookiePolicy
from pathlib import Path
from urllib.parse import urlencode

import pytest

from tests.support.baresip import Baresip
from tests.support.server_process import WAIT_S, ServerProcess
from tests.support.stage import Stage

pytestmark = pytest.mark.interop

NUMBER = "2028"


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


def test_baresip_registers_and_calls_with_the_file_as_it_is(carrier: ServerProcess, tmp_path: Path) -> None:
    stage = Stage(carrier, tmp_path)
    portal = Portal(carrier, "admin")
    page = f"/users/{NUMBER}/softphone"
    shown = portal.post(f"{page}/reset", portal.get(page))
    address = re.search(r"/admin(/phone/[^/]+/baresip)", shown)
    assert address is not None

    phone = Baresip(carrier, tmp_path / "phone", NUMBER, "", stage.user_voice, account=portal.get(address[1]))
    since = carrier.mark()
    try:
        assert f"sip:{NUMBER}" in portal.get(page).partition('id="contacts"')[2].partition("</div>")[0]
        phone.dial("9003")
        phone.do("hangup")
        carrier.wait_for("call.ended", since=since)
    finally:
        phone.close()
        stage.close()
