"""A demo server on which something has happened: calls of several modes, one that nobody has, and one that goes on."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from callmodel.modes import RecordingMode
from callmodel.subscriber import RecordingSettings, Subscriber
from catalog import Actor, make_credentials
from catalog.enabling import save_subscriber
from catalog.installing import set_auto_provisioning
from tests.support.phones import PjsuaPhone, Voice
from tests.support.server_process import ServerProcess

ANNE = Actor(name="anne")
NADIA, PASSWORD = "1010", "nadias-own-password"
"""A user whom nobody made known to Dubber."""


@dataclass(slots=True)
class BusyDay:
    """The server, and the names of what happened on it."""

    server: ServerProcess
    facts: dict[str, str] = field(default_factory=dict)
    """``call``, ``live_call``: the carrier's; ``recording``, ``unidentified``: the platform's."""

    def site(self, name: str) -> str:
        """Address of ``carrier`` or ``dubber``."""
        info = self.server.info
        return f"{info['http']}/admin/" if name == "carrier" else urljoin(info["dubber"]["base"], "/app/")

    def login(self, who: str) -> tuple[str, str]:
        """User name and password of somebody: a role, or a user's number."""
        logins = self.server.info["logins"]
        found = next(login for login in logins if who in (login["role"], login["username"]))
        return found["username"], found["password"]


@contextmanager
def busy_day(server: ServerProcess, folder: Path) -> Iterator[BusyDay]:
    """Calls of 1003 and of Nadia that are over and delivered, and one of 1002 that is up until the end."""
    _add_nadia(server)
    voice = Voice.make(folder / "voice.wav", 613)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(_call, server, voice, "1003", ("*44", "*48", "*49"))
        second = pool.submit(_call, server, voice, NADIA, ())
        kept, strange = first.result(), second.result()
    day = BusyDay(server)
    record = next(iter(server.recordings(user="1003")))
    day.facts = {
        "call": record.manifest.call_id,
        "recording": kept,
        "unidentified": strange,
        **_at_dubber(server, kept),
    }
    phone = _phone(server, voice, "1002")
    try:
        since = server.mark()
        phone.call("9002")
        day.facts["live_call"] = str(server.wait_for("call.invited", since=since, caller="1002")["call"])
        yield day
        phone.hang_up()
    finally:
        phone.close()


def _add_nadia(server: ServerProcess) -> None:
    now = datetime.now(UTC)
    domain = server.info["domain"]
    set_auto_provisioning(server.catalog, False, actor=ANNE, now=now)
    nadia = Subscriber(number=NADIA, name="Nadia Nouvelle", recording=RecordingSettings(mode=RecordingMode.ALWAYS))
    credentials = make_credentials(NADIA, domain, PASSWORD)
    since = server.mark()
    save_subscriber(server.catalog, nadia, domain=domain, actor=ANNE, now=now, credentials=credentials)
    server.wait_for("subscribers.reloaded", since=since)


def _at_dubber(server: ServerProcess, recording: str) -> dict[str, str]:
    """A link, a team, a note and tags; the platform's names of them, and of whose recording it is."""
    dubber, account = server.dubber(), server.info["dubber"]["account_id"]
    until = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    link = dubber.post(f"recordings/{recording}/shares", {"expires_at": until})["share_url"]
    team = dubber.post(f"accounts/{account}/teams", {"name": "Accueil"})["id"]
    shown = dubber.get(f"recordings/{recording}")
    return {
        "share": str(link).rpartition("/")[2],
        "team": str(team),
        "user": str(shown["user"]).rpartition("/")[2],
        "dub_point": str(shown["dub_point_id"]),
    }


def _phone(server: ServerProcess, voice: Voice, number: str, **more: Any) -> PjsuaPhone:
    password = PASSWORD if number == NADIA else server.password(number)
    reach = {"server": server.sip, "ca_file": server.info["ca_file"], "play": str(voice.path)}
    return PjsuaPhone(user=number, password=password, **reach, **more)


def _call(server: ServerProcess, voice: Voice, number: str, codes: tuple[str, ...]) -> str:
    """A call that presses codes and is over; the platform's name of what was recorded."""
    phone = _phone(server, voice, number)
    try:
        phone.call("9002")
        phone.talk(1.5)
        for code in codes:
            since = server.mark()
            phone.do("dtmf", digits=code)
            server.wait_for("recording.steered", since=since, user=number, code=code)
            phone.talk(1.0)
        phone.talk(2.0)
        phone.hang_up()
    finally:
        phone.close()
    opened = server.wait_for("recording.opened", user=number)
    return str(server.wait_for("upload.delivered", recording_id=opened["recording"])["remote_id"])
