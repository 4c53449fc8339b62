"""A running server, pairs of real phones on it, and the calls they play; many pairs play at the same time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from catalog import RecordingRecord
from mediaserver.media.messages import Codec
from tests.support.phones import PjsuaPhone, Voice
from tests.support.server_process import ServerProcess

USER_HZ, FAR_HZ = 1087, 613
"""What a recorded user says, and what the other party says; no 20 ms hold a whole number of periods of either."""

HEARD = 0.9
"""Share of an announcement that is to be heard in a phone's file; a lost packet takes a tenth of a second from it."""

TRIES = 3
"""How often a call may be played until no phone stood still in it; the last one counts as it is."""

PASSWORD = "interop-password"


@dataclass(slots=True)
class Act:
    """One call that was played, and what is left of it."""

    server: ServerProcess
    user: str
    heard_by_user: Path
    heard_by_far: Path
    log: list[dict[str, Any]] = field(default_factory=list)
    """Its entries in the server's log."""

    @property
    def call_id(self) -> str:
        """The server's name for it."""
        return str(self.log[0]["call"])

    def entries(self, event: str) -> list[dict[str, Any]]:
        """Log entries of a kind."""
        return [entry for entry in self.log if entry["event"] == event]

    def settled(self) -> None:
        """Wait until everything this call left was filed and delivered."""
        for entry in self.entries("recording.sealed"):
            self.server.wait_for("upload.delivered", recording_id=entry["recording"])

    def recordings(self) -> list[RecordingRecord]:
        """Of the user, in this call; each was delivered by now."""
        self.settled()
        return self.server.recordings(call_id=self.call_id, user=self.user)


class Pair:
    """A user's phone and another one, each with its own voice."""

    def __init__(self, stage: Stage, user: str, far: str, user_options: Any, far_options: Any) -> None:
        self.stage, self.server = stage, stage.server
        self.user_number, self.far_number = user, far
        self.user = stage.phone(user, stage.user_voice, **user_options)
        try:
            self.far = stage.phone(far, stage.far_voice, **far_options)
        except BaseException:
            self.user.close()
            raise
        self._acts = 0
        self._since = 0

    def play(self, script: Callable[[Pair], None], *, inbound: bool = False, tries: int = TRIES, **call: Any) -> Act:
        """One call from answer to end: ``script`` runs while it is up; then the user hangs up, if nobody did.

        A call in which the machine let a phone stand still is played again: such a phone hears what nobody sent.
        """
        since = time.monotonic()
        act = self._play(script, inbound, call)
        if tries > 1 and any(phone.stood_still(since) for phone in (self.user, self.far)):
            return self.play(script, inbound=inbound, tries=tries - 1, **call)
        return act

    def _play(self, script: Callable[[Pair], None], inbound: bool, call: dict[str, Any]) -> Act:
        self._acts += 1
        names = [self.stage.folder / f"{phone.number}-{self._acts}.wav" for phone in (self.user, self.far)]
        for phone, path in zip((self.user, self.far), names, strict=True):
            phone.use(record=str(path))
        self._since = self.server.mark()
        caller, callee = (self.far, self.user) if inbound else (self.user, self.far)
        caller.call(callee.number, **call)
        callee.wait("state", state="CONFIRMED")
        script(self)
        self.user.hang_up()
        self.far.wait("over")
        call_id = self._call_id(caller.number, callee.number)
        self.server.wait_for("call.ended", since=self._since, call=call_id)
        log = [entry for entry in self.server.entries() if entry.get("call") == call_id]
        return Act(self.server, self.user_number, names[0], names[1], log)

    def _call_id(self, caller: str, callee: str) -> str:
        entry = self.server.wait_for("call.invited", since=self._since, caller=caller, called=callee)
        return str(entry["call"])

    def dial(self, code: str, *, by: str = "dtmf", refused: bool = False) -> None:
        """The user dials a code; returns when the server has acted on it."""
        since = self.server.mark()
        self.user.do(by, digits=code)
        event = "recording.refused" if refused else "recording.steered"
        self.server.wait_for(event, since=since, user=self.user_number, code=code)

    def close(self) -> None:
        """Both phones go."""
        self.user.close()
        self.far.close()


class Stage:
    """Plays scripts side by side; each test asks for the act it is about."""

    def __init__(self, server: ServerProcess, folder: Path, *, at_once: int = 3) -> None:
        self.server, self.folder = server, folder
        self.user_voice = Voice.make(folder / "user.wav", USER_HZ)
        self.far_voice = Voice.make(folder / "far.wav", FAR_HZ)
        self._pool = ThreadPoolExecutor(at_once)
        self._plays: dict[str, Future[Any]] = {}
        self._lock = threading.Lock()

    def phone(self, number: str, voice: Voice, **options: Any) -> PjsuaPhone:
        """A registered phone."""
        transport = options.get("transport", "udp")
        demo = [user["password"] for user in self.server.info["users"] if user["number"] == number]
        return PjsuaPhone(
            user=number,
            password=demo[0] if demo else PASSWORD,
            server=self.server.tls if transport == "tls" else self.server.sip,
            ca_file=self.server.info["ca_file"],
            **{"play": str(voice.path), **options},
        )

    def voice(self, name: str, hz: int, law: Codec) -> Voice:
        """Another voice."""
        return Voice.make(self.folder / name, hz, law=law)

    def begin(self, name: str, play: Callable[[Stage], Any]) -> None:
        """Queue a script."""
        self._plays[name] = self._pool.submit(play, self)

    def result(self, name: str) -> Any:
        """What a script returned; its error is raised here."""
        return self._plays[name].result(180)

    def close(self) -> None:
        """Wait for everything."""
        self._pool.shutdown(cancel_futures=True)


def codes(*dialled: str, refused: bool = False, between_s: float = 0.8) -> Callable[[Pair], None]:
    """Talk, dial each code, talk on."""

    def script(pair: Pair) -> None:
        pair.user.talk(between_s)
        for code in dialled:
            pair.dial(code, refused=refused)
            pair.user.talk(between_s)

    return script
