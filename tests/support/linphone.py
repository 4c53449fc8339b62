"""Linphone as a phone: its console program, set up by the address of a file that the carrier's portal hands out.

It talks to WAV files instead of a sound card, and is told what to do on its standard input.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from tests.support.phones import Voice
from tests.support.server_process import Lines, ServerProcess

WAIT_S = 20.0

CONFIG = """\
[misc]
config-uri={address}
[sip]
sip_port=-1
sip_tcp_port=-1
sip_tls_port=-1
[rtp]
audio_rtp_port=-1
"""
"""What a user types (*Remote provisioning*), and ports that are free."""


class Linphone:
    """One registered Linphone."""

    def __init__(self, server: ServerProcess, folder: Path, number: str, address: str, voice: Voice) -> None:
        """Returns when it has fetched its settings from ``address`` and is registered."""
        program = shutil.which("linphonec")
        assert program, "linphonec is missing: install the Debian package linphone-cli"
        self.heard = folder / "heard.wav"
        home = folder / "home"
        (home / ".local" / "share" / "linphone").mkdir(parents=True)
        (folder / "linphonerc").write_text(CONFIG.format(address=address), "utf-8")
        since = server.mark()
        self._process = subprocess.Popen(
            [program, "-c", str(folder / "linphonerc")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            bufsize=1,
            cwd=folder,
            env={**os.environ, "HOME": str(home)},
        )
        self._lines = Lines(self._process.stdout)
        self._at = 0
        server.wait_for("user.registered", since=since, user=number)
        self.do("soundcard use files")
        self.do(f"record {self.heard}")
        self.do(f"play {voice.path}")

    def do(self, command: str) -> None:
        """Type one line; keys of a telephone, typed so, are pressed in the call."""
        assert self._process.stdin is not None
        self._process.stdin.write(command + "\n")
        self._process.stdin.flush()

    def wait(self, words: str) -> None:
        """Wait until it prints a line with these words, after those that were waited for before."""
        at = self._lines.next(self._at, lambda line: words in line, WAIT_S)
        assert at is not None, f"Linphone did not say {words!r}:\n{self._lines.text()[-3000:]}"
        self._at = at + 1

    def close(self) -> None:
        """Unregister and end."""
        if self._process.poll() is None:
            try:
                self.do("quit")
                self._process.wait(WAIT_S)
            except (subprocess.TimeoutExpired, BrokenPipeError):
                self._process.kill()
                self._process.wait()
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._lines.join()
