"""The Dubber platform as a process of its own, which can be away for a while."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.support.dubber import self_signed
from tests.support.server_process import ROOT, Lines, environment
from tests.support.sipp import free_port


class PlatformProcess:
    """``python -m dubber_platform`` as a process of its own, always on the same port and data."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.folder, self.port = folder, free_port("127.0.0.1", socket.SOCK_STREAM)
        certificate, key = self_signed()
        (folder / "cert.pem").write_bytes(certificate)
        (folder / "key.pem").write_bytes(key)
        self.access: dict[str, Any] = {}

    def start(self) -> None:
        """Returns when it answers."""
        words = ["--data-dir", str(self.folder / "data"), "--port", str(self.port), "--no-limits"]
        words += ["--cert", str(self.folder / "cert.pem"), "--key", str(self.folder / "key.pem")]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "dubber_platform", *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            cwd=ROOT,
            env=environment(),
        )
        out = Lines(self.process.stdout)
        at = out.next(0, lambda line: line.startswith("{"), 30)
        assert at is not None, "the platform did not start"
        self.access = {**json.loads(out.all[at]), "ca_file": str(self.folder / "cert.pem")}

    def stop(self) -> None:
        """SIGTERM, status 0."""
        if self.process.poll() is None:
            self.process.terminate()
        assert self.process.wait(20) == 0

    def uploader_table(self) -> str:
        """The part of a configuration file that makes a server deliver to it."""
        access = {**self.access, "base_url": self.access["base"]}
        names = ("base_url", "ca_file", "client_id", "client_secret", "username", "password", "group_id")
        return "[uploader]\n" + "".join(f'{name} = "{access[name]}"\n' for name in names)
