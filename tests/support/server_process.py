"""The real console command as a process: started, waited for by what it prints, stopped or killed, looked into.

Nothing here sleeps: the ready line is read from a pipe, and everything later is told by the server's log, which is read
line by line from another pipe.
"""

from __future__ import annotations

import json
import os
import signal
import ssl
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode

from catalog import Catalog, RecordingRecord, UploadJob
from tests.support.priority import ahead

ROOT = Path(__file__).resolve().parents[2]
COMMAND = (sys.executable, "-c", "from mediaserver.app.cli import main; main()")
"""What the console script runs."""
START_S = 60.0
WAIT_S = 30.0

_PORTS_A_SERVER = 80
_turns = count()


def free_rtp_range(width: int = _PORTS_A_SERVER) -> str:
    """A port range of this test process's own, below the ephemeral ports, another one at each call."""
    turn = next(_turns)
    low = 10_000 + (os.getpid() * 7 + turn * 5) % 240 * _PORTS_A_SERVER
    return f"{low}-{low + width - 1}"


class Lines:
    """Lines of a pipe, gathered by a thread; whoever waits is woken by each."""

    def __init__(self, pipe: Any) -> None:
        self.all: list[str] = []
        self.ended = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._read, args=(pipe,), daemon=True)
        self._thread.start()

    def _read(self, pipe: Any) -> None:
        with pipe:
            for line in pipe:
                with self._changed:
                    self.all.append(line.rstrip("\n"))
                    self._changed.notify_all()
        with self._changed:
            self.ended = True
            self._changed.notify_all()

    def next(self, start: int, wanted: Any, timeout_s: float) -> int | None:
        """Index of the first line from ``start`` on for which ``wanted(line)`` is true; None when none came in time."""
        deadline = time.monotonic() + timeout_s
        at = start
        with self._changed:
            while True:
                while at < len(self.all):
                    if wanted(self.all[at]):
                        return at
                    at += 1
                left = deadline - time.monotonic()
                if self.ended or left <= 0:
                    return None
                self._changed.wait(left)

    def join(self, timeout_s: float = WAIT_S) -> None:
        """Until the pipe was closed by its writer."""
        self._thread.join(timeout_s)

    def text(self) -> str:
        """Everything so far."""
        with self._changed:
            return "\n".join(self.all)


def run_command(
    *arguments: str, env: dict[str, str] | None = None, timeout_s: float = 60.0, command: Sequence[str] = COMMAND
) -> subprocess.CompletedProcess[str]:
    """One command to its end."""
    return subprocess.run(
        [*command, *arguments],
        check=False,
        capture_output=True,
        text=True,
        timeout=timeout_s,
        cwd=ROOT,
        env=environment(env),
    )


def environment(more: dict[str, str] | None = None) -> dict[str, str]:
    """Ours, without settings that somebody exported, and with JSON logs."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MEDIASERVER_")}
    return {**kept, "MEDIASERVER_LOG_FORMAT": "json", "PYTHONUNBUFFERED": "1", **(more or {})}


@dataclass(slots=True)
class ServerProcess:
    """``mediaserver run`` with its own data directory and free ports."""

    data_dir: Path
    process: subprocess.Popen[str]
    out: Lines
    log: Lines
    info: dict[str, Any] = field(default_factory=dict)
    _catalog: Catalog | None = None

    # --- life -------------------------------------------------------------------------------

    @classmethod
    def start(
        cls,
        data_dir: Path,
        *,
        config: str = "",
        flags: Sequence[str] = (),
        env: dict[str, str] | None = None,
        demo_users: bool = True,
        pages: bool = False,
        ports: bool = True,
        rtp_ports: str | None = None,
        command: Sequence[str] = COMMAND,
        pass_fds: Sequence[int] = (),
    ) -> ServerProcess:
        """Start it and return as soon as it says that it is ready; AssertionError with its log when it does not.

        ``pages``: with portals and APIs, which take it two seconds more.
        """
        arguments = ["run", "--json", "--data-dir", str(data_dir)]
        if config:
            file = data_dir.with_name(data_dir.name + ".toml")
            file.write_text(config, "utf-8")
            arguments += ["--config", str(file)]
        if ports:
            for name in ("sip", "tls", "http", "dubber"):
                arguments += [f"--{name}-port", "0"]
        arguments += ["--rtp-ports", rtp_ports or free_rtp_range()]
        if "--media-workers" not in flags:
            arguments += ["--media-workers", "1"]
        if demo_users:
            arguments.append("--demo-users")
        if not pages:
            arguments += ["--without", "portals"]
        process = subprocess.Popen(
            [*command, *arguments, *flags],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env=environment(env),
            pass_fds=pass_fds,
        )
        ahead(process.pid)
        server = cls(data_dir, process, Lines(process.stdout), Lines(process.stderr))
        at = server.out.next(0, lambda line: line.startswith("ready "), START_S)
        if at is None:
            process.kill()
            process.wait()
            server.log.join()
            raise AssertionError(f"no ready line; the log:\n{server.log.text()}")
        server.info = json.loads(server.out.all[at].removeprefix("ready "))
        return server

    def stop(self, timeout_s: float = WAIT_S) -> None:
        """SIGTERM; the exit status must be 0 and nothing must have gone wrong inside."""
        self.close_catalog()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(timeout_s)
        self.log.join()
        assert status == 0, f"exit status {status}\n{self.log.text()[-4000:]}"
        assert not self.troubles(), self.troubles()

    def kill(self) -> None:
        """SIGKILL, as a power cut would."""
        self.close_catalog()
        self.process.kill()
        self.process.wait()
        self.log.join()

    def troubles(self) -> list[str]:
        """Tracebacks and asyncio's complaints in the log."""
        marks = ("Traceback", "never awaited", "Task exception", "Unhandled", "ResourceWarning", "exception was never")
        return [line for line in self.log.all if any(mark in line for mark in marks)]

    # --- its log ----------------------------------------------------------------------------

    def events(self, event: str, **facts: Any) -> list[dict[str, Any]]:
        """Log entries of a kind so far, with these facts."""
        parsed = (_parse(line) for line in tuple(self.log.all))
        return [entry for entry in parsed if _fits(entry, event, facts)]

    def entries(self) -> list[dict[str, Any]]:
        """Every log entry so far."""
        return [_parse(line) for line in tuple(self.log.all)]

    def mark(self) -> int:
        """Where the log stands now, for ``wait_for(..., since=)``."""
        return len(self.log.all)

    def wait_for(self, event: str, *, since: int = 0, timeout_s: float = WAIT_S, **facts: Any) -> dict[str, Any]:
        """The first log entry of a kind with these facts, from the mark on; AssertionError when it does not come."""
        at = self.log.next(since, lambda line: _fits(_parse(line), event, facts), timeout_s)
        if at is None:
            raise AssertionError(f"{event} {facts} did not come; the log:\n{self.log.text()[-6000:]}")
        return _parse(self.log.all[at])

    # --- addresses --------------------------------------------------------------------------

    @property
    def sip(self) -> str:
        """HOST:PORT of SIP over UDP and TCP."""
        return str(self.info["sip"]["udp"])

    @property
    def sip_port(self) -> int:
        """Its port."""
        return int(self.sip.rpartition(":")[2])

    @property
    def tls(self) -> str:
        """HOST:PORT of SIP over TLS."""
        return str(self.info["sip"]["tls"])

    def password(self, number: str) -> str:
        """SIP password of a demo user."""
        return next(str(user["password"]) for user in self.info["users"] if user["number"] == number)

    def worker_pids(self) -> list[int]:
        """Process ids of the media workers that are up, by the log."""
        lost = {entry["pid"] for entry in self.events("worker.lost")}
        return [entry["pid"] for entry in self.events("worker.ready") if entry["pid"] not in lost]

    # --- what it recorded -------------------------------------------------------------------

    @property
    def catalog(self) -> Catalog:
        """The carrier's catalog, opened beside the server."""
        if self._catalog is None:
            self._catalog = Catalog.open_in(self.data_dir)
        return self._catalog

    def close_catalog(self) -> None:
        """Let go of it."""
        if self._catalog is not None:
            self._catalog.close()
            self._catalog = None

    def recordings(self, call_id: str | None = None, user: str | None = None) -> list[RecordingRecord]:
        """Finished recordings, oldest first, of one call or one user."""
        found = [
            record
            for record in self.catalog.recordings.list(limit=10_000)
            if call_id in (None, record.manifest.call_id) and user in (None, record.manifest.user)
        ]
        return sorted(found, key=lambda record: record.manifest.started_at)

    def upload(self, recording_id: str) -> UploadJob:
        """The delivery of a recording."""
        job = self.catalog.uploads.get(recording_id)
        assert job is not None, f"{recording_id} is not to be delivered"
        return job

    def delivered(self, recording_id: str, timeout_s: float = WAIT_S) -> dict[str, Any]:
        """Wait until a recording was delivered; what the platform shows of it."""
        entry = self.wait_for("upload.delivered", recording_id=recording_id, timeout_s=timeout_s)
        return Dubber(self.info["dubber"]).get(f"recordings/{entry['remote_id']}")

    def dubber(self) -> Dubber:
        """The built-in platform over its REST interface."""
        return Dubber(self.info["dubber"])

    def http(self, path: str) -> tuple[int, str]:
        """GET a page of the server's own HTTP side: status and text."""
        try:
            with urllib.request.urlopen(self.info["http"] + path, timeout=WAIT_S) as answer:
                return answer.status, answer.read().decode()
        except HTTPError as error:
            with error:
                return error.code, error.read().decode()


class Dubber:
    """A client of the Dubber platform's REST interface, with nothing of our uploader in it; TLS is verified."""

    def __init__(self, access: dict[str, Any]) -> None:
        """``access`` is the ``dubber`` object of ``info --json``."""
        self._access = access
        self._trusted = ssl.create_default_context(cafile=access["ca_file"])
        form = {name: access[name] for name in ("client_id", "client_secret", "username", "password")}
        self._token = ""
        token = self._ask("POST", "token", urlencode({"grant_type": "password", **form}).encode())
        self._token = json.loads(token)["access_token"]

    def get(self, path: str) -> dict[str, Any]:
        """GET a resource below the region's base."""
        answer: dict[str, Any] = json.loads(self._ask("GET", path))
        return answer

    def post(self, path: str, fields: dict[str, Any]) -> dict[str, Any]:
        """POST to a collection below the region's base; what was made."""
        made: dict[str, Any] = json.loads(self._ask("POST", path, json.dumps(fields).encode(), "application/json"))
        return made

    def account_recordings(self) -> list[dict[str, Any]]:
        """The newest recordings of the demo account."""
        found: list[dict[str, Any]] = self.get(f"accounts/{self._access['account_id']}/recordings?count=100")[
            "recordings"
        ]
        return found

    def unidentified(self) -> list[dict[str, Any]]:
        """Recordings without a dub point."""
        found: list[dict[str, Any]] = self.get(f"groups/{self._access['group_id']}/unidentified_recordings?count=100")[
            "recordings"
        ]
        return found

    def audio(self, remote_id: str) -> bytes:
        """The audio as a listener gets it."""
        shown = self.get(f"recordings/{remote_id}?listener={self._access['username']}")
        with urllib.request.urlopen(shown["recording_url"], timeout=WAIT_S, context=self._trusted) as answer:
            content: bytes = answer.read()
            return content

    def _ask(self, method: str, path: str, body: bytes | None = None, media_type: str = "") -> bytes:
        request = urllib.request.Request(f"{self._access['base']}/{path}", data=body, method=method)
        request.add_header("X-Date-Format", "ISO8601")
        if media_type:
            request.add_header("Content-Type", media_type)
        if self._token:
            request.add_header("Authorization", f"Bearer {self._token}")
        with urllib.request.urlopen(request, timeout=WAIT_S, context=self._trusted) as answer:
            content: bytes = answer.read()
            return content


@contextmanager
def running(data_dir: Path, **options: Any) -> Iterator[ServerProcess]:
    """A server that is stopped, with status 0, at the end; it is killed when the test failed."""
    server = ServerProcess.start(data_dir, **options)
    try:
        yield server
        if server.process.poll() is None:
            server.stop()
    finally:
        if server.process.poll() is None:
            server.kill()
        server.close_catalog()


def _parse(line: str) -> dict[str, Any]:
    try:
        entry = json.loads(line)
    except ValueError:
        return {}
    return entry if isinstance(entry, dict) else {}


def _fits(entry: dict[str, Any], event: str, facts: dict[str, Any]) -> bool:
    return entry.get("event") == event and all(entry.get(name) == value for name, value in facts.items())
