"""baresip as a phone: configured into a folder, driven over its ctrl_tcp module (netstrings of JSON)."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
from pathlib import Path
from typing import Any

from tests.support.phones import Voice
from tests.support.server_process import ServerProcess
from tests.support.sipp import free_port

MODULES = Path("/usr/lib/baresip/modules")
WAIT_S = 20.0

CONFIG = """\
poll_method epoll
net_interface 127.0.0.1
audio_player aubridge,nil
audio_source aufile,{voice}
audio_alert aubridge,nil
audio_level no
module_path {modules}
module g711.so
module aufile.so
module aubridge.so
module sndfile.so
module_app account.so
module_app menu.so
module ctrl_tcp.so
ctrl_tcp_listen 127.0.0.1:{control}
snd_path {folder}
rtp_timeout 0
"""


class Baresip:
    """One registered baresip."""

    def __init__(
        self, server: ServerProcess, folder: Path, number: str, password: str, voice: Voice, *, account: str = ""
    ) -> None:
        """Returns when it is registered; ``account`` is a line of its file of accounts that somebody else wrote."""
        program = shutil.which("baresip")
        assert program, "baresip is missing: install the Debian package baresip-core"
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        control = free_port("127.0.0.1", socket.SOCK_STREAM)
        config = CONFIG.format(voice=voice.path, modules=MODULES, control=control, folder=folder)
        (folder / "config").write_text(config, "utf-8")
        (folder / "contacts").write_text("", "utf-8")
        account = account.rstrip("\n") or (
            f"<sip:{number}@{server.sip}>;auth_user={number};auth_pass={password};regint=300;audio_codecs=PCMU/8000/1"
        )
        (folder / "accounts").write_text(account + ";answermode=auto\n", "utf-8")
        self._server = server.sip
        self._output = (folder / "output.txt").open("w")
        since = server.mark()
        self._process = subprocess.Popen(
            [program, "-f", str(folder)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self._output,
            text=True,
        )
        self._seen: list[dict[str, Any]] = []
        self._buffer = b""
        server.wait_for("user.registered", since=since, user=number)
        self._socket = socket.create_connection(("127.0.0.1", control), WAIT_S)

    def do(self, command: str, parameters: str = "") -> None:
        """Send one command and wait for its answer."""
        token = f"t{len(self._seen)}"
        body = json.dumps({"command": command, "params": parameters, "token": token}).encode()
        self._socket.sendall(b"%d:%s," % (len(body), body))
        answer = self._next(lambda item: bool(item.get("response")) and item.get("token") == token)
        assert answer["ok"], answer

    def dial(self, number: str) -> None:
        """Call and wait until it is answered."""
        self.do("dial", f"sip:{number}@{self._server}")
        self.wait("CALL_ESTABLISHED")

    def wait(self, kind: str) -> dict[str, Any]:
        """The next event of a kind."""
        return self._next(lambda item: item.get("type") == kind)

    def close(self) -> None:
        """Unregister and end."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(WAIT_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._socket.close()
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._output.close()

    def heard(self) -> Path:
        """What it decoded, as its sndfile module wrote it."""
        (path,) = self.folder.glob("dump-*-dec.wav")
        return path

    def _next(self, wanted: Any) -> dict[str, Any]:
        self._socket.settimeout(WAIT_S)
        while True:
            while (item := self._take()) is None:
                piece = self._socket.recv(65536)
                assert piece, "baresip closed its control connection"
                self._buffer += piece
            self._seen.append(item)
            if wanted(item):
                return item

    def _take(self) -> dict[str, Any] | None:
        length, colon, rest = self._buffer.partition(b":")
        if not colon or len(rest) <= int(length):
            return None
        self._buffer = rest[int(length) + 1 :]
        item: dict[str, Any] = json.loads(rest[: int(length)])
        return item
