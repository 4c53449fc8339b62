"""How long the pages of both portals take with many users and recordings, over HTTP, from a whole running server.

    python bench/pages.py [--recordings 100000] [--users 10000] [--requests 30] [--write docs/performance.md]

The server is started once to make its databases, filled while it is down, and started again. Each page is asked for
again and again by one visitor, one request at a time; the clock runs from the request to the last byte of the answer.
Processor time is that of the server's process over the same requests: other programs on the machine do not add to it.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import re
import signal
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE)]

import busy_carrier  # noqa: E402 - found by the path above
import platform_pages  # noqa: E402 - as above
from run import machine, write_into  # noqa: E402 - as above
from sqlalchemy import update  # noqa: E402 - as above
from sqlalchemy.orm import Session  # noqa: E402 - as above

from dubber_platform.store.database import engine_of  # noqa: E402 - as above
from dubber_platform.store.schema import Recording, User  # noqa: E402 - as above
from webkit.passwords import hash_password  # noqa: E402 - as above

LIMIT_MS = 100.0
WARM = 3
USER, PASSWORD = "u1@acme.example", "as good as any other"
GROUP_USER = "u0@acme.example"
BUSY, DEEP = str(busy_carrier.LOWEST + 3), 150
IN_PLACE = frozenset({"/now"})
"""What only script asks for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One page."""

    site: str
    name: str
    size_bytes: int
    times_ms: tuple[float, ...]
    cpu_ms: float

    @property
    def median_ms(self) -> float:
        """Half of the answers came sooner."""
        return statistics.median(self.times_ms)

    @property
    def p95_ms(self) -> float:
        """19 of 20 answers came sooner."""
        return statistics.quantiles(self.times_ms, n=20)[-1] if len(self.times_ms) > 1 else self.times_ms[0]


CARRIER = {
    "dashboard": "/",
    "its figures, every 3 s": "/now",
    "users": "/users",
    "users, page 150": f"/users?page={DEEP}",
    "users by name, descending": "/users?sort=name&order=desc",
    "users found: “mart”": "/users?q=mart",
    "users found: nobody": "/users?q=xyzzy",
    "users in one mode": "/users?mode=On+Demand",
    "a user": f"/users/{BUSY}",
    "a user's call recording": f"/users/{BUSY}/recording",
    "a user's recordings and calls": f"/users/{BUSY}/activity",
    "calls": "/calls",
    "a call": "/calls/c-{middle:016x}",
    "provisioning": "/provisioning",
    "audit log": "/audit",
    "audit log of a user": f"/audit?subject={BUSY}",
    "feature codes": "/codes",
    "announcements": "/prompts",
}
DUBBER = {
    "dashboard": "/",
    "recordings": "/recordings",
    "recordings, half a year back": f"/recordings?until={platform_pages.NOW.date() - timedelta(days=170)}",
    "voicemails": "/recordings?kind=voicemails",
    "most important": "/recordings?kind=starred",
    "one dub.point": f"/recordings?dub_point={3:020x}",
    "one day": "/recordings?from=2026-07-20&until=2026-07-20",
    "tagged vip, most important": "/recordings?tag=vip&kind=starred",
    "search “martin”": "/recordings?q=martin",
    "search “zoe martin”": "/recordings?q=zoe+martin",
    "search part of a number": "/recordings?q=612345",
    "search nothing fits": "/recordings?q=xyzzy",
    "search “always”, most important": "/recordings?q=always&kind=starred",
    "choice of dub.points": "/recordings/dub-points?find=martin",
    "a recording": "/recordings/{middle}",
    "people": "/people",
    "people found": "/people?q=martin",
    "a person": "/people/u3",
}
GROUP = {"unidentified": "/unidentified", "dashboard, of the group": "/", "recordings, of the group": "/recordings"}


class Visitor:
    """One connection that is kept, and its cookies."""

    def __init__(self, site: str, pid: int) -> None:
        address = urlsplit(site)
        self._prefix, self._pid = address.path.rstrip("/"), pid
        if address.scheme == "https":
            # the platform's certificate is of its own making; its clients' tests verify it
            trusting = ssl._create_unverified_context()
            self._http: http.client.HTTPConnection = http.client.HTTPSConnection(address.netloc, context=trusting)
        else:
            self._http = http.client.HTTPConnection(address.netloc)
        self._cookies: dict[str, str] = {}

    def ask(self, method: str, path: str, fields: dict[str, str] | None = None) -> tuple[int, bytes]:
        """Status and body."""
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self._cookies.items())}
        if path in IN_PLACE:
            headers["HX-Request"] = "true"
        if fields:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        self._http.request(method, self._prefix + path, urlencode(fields) if fields else None, headers)
        answer = self._http.getresponse()
        body = answer.read()
        for cookie in answer.headers.get_all("Set-Cookie") or ():
            name, _, value = cookie.partition(";")[0].partition("=")
            self._cookies[name] = value
        return answer.status, body

    def sign_in(self, username: str, password: str) -> None:
        """As the form does; SystemExit when it does not let us in."""
        found = re.search(rb'name="csrf" value="([^"]+)"', self.ask("GET", "/sign-in")[1])
        fields = {"csrf": found[1].decode() if found else "", "username": username, "password": password, "next": ""}
        status, _ = self.ask("POST", "/sign-in", fields)
        if status != 303:
            raise SystemExit(f"bench: {username} could not sign in: {status}")

    def measure(self, site: str, name: str, path: str, requests: int) -> Row:
        """Ask again and again; SystemExit when a page is not there."""
        size, times = 0, []
        for _ in range(WARM):
            status, body = self.ask("GET", path)
            size = len(body)
            if status != 200:
                raise SystemExit(f"bench: {path} answered {status}")
        burnt = cpu_ns(self._pid)
        for _ in range(requests):
            began = time.perf_counter()
            self.ask("GET", path)
            times.append((time.perf_counter() - began) * 1000)
        burnt = cpu_ns(self._pid) - burnt
        return Row(site=site, name=name, size_bytes=size, times_ms=tuple(times), cpu_ms=burnt / 1e6 / requests)


def cpu_ns(pid: int) -> int:
    """Time on a processor of all threads, nanoseconds."""
    return sum(int(path.read_text().split()[0]) for path in Path(f"/proc/{pid}/task").glob("*/schedstat"))


@contextmanager
def running(data_dir: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """A server with the demo's users: its process id, and what it tells of itself when it is ready."""
    program = (sys.executable, "-c", "from mediaserver.app.cli import main; main()", "run", "--json", "--demo-users")
    ports = [word for name in ("sip", "tls", "http", "dubber") for word in (f"--{name}-port", "0")]
    places = ("--data-dir", str(data_dir), "--media-workers", "1", "--rtp-ports", "34000-34079")
    with (
        (data_dir.parent / "server.log").open("a") as log,
        subprocess.Popen([*program, *ports, *places], stdout=subprocess.PIPE, stderr=log, text=True) as process,
    ):
        assert process.stdout is not None
        try:
            said = next((line for line in process.stdout if line.startswith("ready ")), None)
            if said is None:
                raise SystemExit(f"bench: the server did not start: {(data_dir.parent / 'server.log').read_text()}")
            yield process.pid, json.loads(said.removeprefix("ready "))
        finally:
            process.send_signal(signal.SIGTERM)


def fill(data_dir: Path, users: int, recordings: int) -> None:
    """Both databases; takes minutes."""
    busy_carrier.fill(data_dir, users, recordings)
    engine = engine_of(f"sqlite:///{data_dir / 'dubber' / 'platform.sqlite'}")
    with Session(engine) as session, session.begin():
        platform_pages.fill(session, recordings, users)
        session.execute(update(Recording).values(expiry_time=datetime.now(UTC) + timedelta(days=90)))
        people = update(User).where(User.username.in_([USER, GROUP_USER]))
        session.execute(people.values(password_hash=hash_password(PASSWORD)))
    engine.dispose()


def measured(pid: int, info: dict[str, Any], options: argparse.Namespace) -> Iterator[Row]:
    """Every page of both sites."""
    middle = options.recordings // 2 + 1  # one that has an account
    administrator = next(login for login in info["logins"] if login["role"] == "administrator")
    recordings = next(login for login in info["logins"] if login["role"] == "Dubber")
    visits = (
        ("carrier", administrator["url"], administrator["username"], administrator["password"], CARRIER),
        ("Dubber", recordings["url"], USER, PASSWORD, DUBBER),
        ("Dubber", recordings["url"], GROUP_USER, PASSWORD, GROUP),
    )
    for site, url, username, password, pages in visits:
        visitor = Visitor(url, pid)
        visitor.sign_in(username, password)
        for name, path in pages.items():
            row = visitor.measure(site, name, path.format(middle=middle), options.requests)
            print(f"  {site:8} {name:34} {row.median_ms:7.1f} ms, CPU {row.cpu_ms:6.1f} ms", flush=True)
            yield row


def table(rows: list[Row], options: argparse.Namespace) -> str:
    """The result as Markdown."""
    at = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    lines = [
        f"Measured {at} on {machine()}, with {options.recordings:,} recordings on either side and {options.users:,} "
        f"users, {options.requests} requests a page, one at a time. The limit of {LIMIT_MS:g} ms is the median's.",
        "",
        "| Portal | Page | Median ms | p95 ms | Processor ms | kB | Limit |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        held = "held" if row.median_ms < LIMIT_MS else "NOT held"
        cells = (f"{row.median_ms:.0f}", f"{row.p95_ms:.0f}", f"{row.cpu_ms:.0f}", f"{row.size_bytes / 1000:.0f}", held)
        lines.append(f"| {row.site} | {row.name} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Fill, run, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recordings", type=int, default=100_000)
    parser.add_argument("--users", type=int, default=10_000)
    parser.add_argument("--requests", type=int, default=30)
    parser.add_argument("--keep", type=Path, help="make the data here, or use what is there")
    parser.add_argument("--write", type=Path, help="write the table into this Markdown file")
    options = parser.parse_args()
    os.environ["MEDIASERVER_LOG_FORMAT"] = "json"
    with tempfile.TemporaryDirectory(prefix="bench-") as scratch:
        data_dir = (options.keep or Path(scratch)) / "data"
        if not data_dir.exists():
            data_dir.parent.mkdir(parents=True, exist_ok=True)
            with running(data_dir):
                pass
            fill(data_dir, options.users, options.recordings)
        with running(data_dir) as (pid, info):
            rows = list(measured(pid, info, options))
    text = table(rows, options)
    print("\n" + text)
    if options.write:
        write_into(options.write, text, name="pages")


if __name__ == "__main__":
    main()
