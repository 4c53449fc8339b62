"""The recordings site for tests: a platform with people, dub points and calls, and browsers that are signed in.

ann and bob are standard users; ann listens to bob's recordings in the team Support. boss administers the account;
admin speaks for the group, too. One line, 1101, has no user yet.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import Any, Final

from aiohttp import ClientSession, CookieJar, TCPConnector
from argon2 import PasswordHasher
from multidict import CIMultiDictProxy
from sqlalchemy.orm import Session

from dubber_platform import UNLIMITED, PlatformConfig
from dubber_platform.store.companions import Note, Team, TeamMember, TeamReach
from dubber_platform.store.schema import DubPoint, Recording, Tag, User
from dubber_platform.store.search import reindex
from tests.support.dubber import START, Bench, open_bench

PASSWORD: Final = "a long password"
_HASH: Final = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
"""Weak on purpose: tests sign in often."""

ADMIN, BOSS, ANN, BOB = "admin@demo.example", "boss@demo.example", "ann@demo.example", "bob@demo.example"
DATES: Final = {"date_created": START, "date_updated": START}
HOUR: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A page as a browser got it."""

    status: int
    path: str
    """Of the last redirect, with its query."""
    text: str
    headers: CIMultiDictProxy[str]

    def plain(self) -> str:
        """The words of the page's main part, single spaces between them."""
        main = re.search(r"<main.*?</main>", self.text, re.DOTALL)
        return _words(main[0] if main else self.text)

    def rows(self) -> list[str]:
        """The words of each line of the table."""
        body = re.search(r"<tbody>.*?</tbody>", self.text, re.DOTALL)
        return [_words(row) for row in re.findall(r"<tr.*?</tr>", body[0], re.DOTALL)] if body else []

    def links(self, label: str) -> list[str]:
        """Where links with these words lead."""
        found = re.findall(r'<a [^>]*?href="([^"]*)"[^>]*>(.*?)</a>', self.text, re.DOTALL)
        return [unescape(href) for href, inside in found if _words(inside) == label]

    def notices(self) -> list[str]:
        """What is said above the page."""
        return [_words(text) for text in re.findall(r'<div class="notice [^"]*".*?<p>(.*?)</p>', self.text, re.DOTALL)]


def _words(markup: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", markup)).split())


@dataclass(slots=True)
class Browser:
    """One person's browser."""

    session: ClientSession
    origin: str
    lang: str = "en"
    headers: dict[str, str] = field(default_factory=dict)

    async def get(self, path: str, *, htmx: bool = False, follow: bool = True) -> Seen:
        """A page below ``/app``."""
        return await self._seen("GET", path, {"HX-Request": "true"} if htmx else {}, follow=follow)

    async def post(
        self, path: str, *fields: tuple[str, str], htmx: bool = False, csrf: str | None = None, follow: bool = True
    ) -> Seen:
        """A form, with the token of this browser's session unless another is given."""
        token = await self.csrf() if csrf is None else csrf
        headers = {"HX-Request": "true"} if htmx else {}
        return await self._seen("POST", path, headers, follow=follow, data=[("csrf", token), *fields])

    async def csrf(self) -> str:
        """What this browser's forms carry."""
        text = (await self.get("/sign-in?next=/app/account-of-nobody")).text
        found = re.search(r'<meta name="csrf" content="([0-9a-f]{64})">', text)
        assert found is not None
        return found[1]

    async def sign_in(self, username: str, password: str = PASSWORD) -> Seen:
        """By the form."""
        return await self.post("/sign-in", ("username", username), ("password", password))

    async def _seen(self, method: str, path: str, headers: dict[str, str], *, follow: bool, **more: Any) -> Seen:
        sent = {"Accept-Language": self.lang, **self.headers, **headers}
        url = path if path.startswith("http") else f"{self.origin}/app{path}"
        async with self.session.request(method, url, headers=sent, allow_redirects=follow, **more) as response:
            raw = await response.read()
            text = raw.decode() if response.content_type.startswith("text/") else ""
            return Seen(status=response.status, path=response.url.path_qs, text=text, headers=response.headers)

    async def raw(self, method: str, path: str, **more: Any) -> tuple[int, bytes, CIMultiDictProxy[str]]:
        """Status, body and headers of anything."""
        async with self.session.request(method, f"{self.origin}/app{path}", **more) as response:
            return response.status, await response.read(), response.headers


@dataclass(slots=True)
class PortalBench:
    """The platform and its people."""

    bench: Bench
    stack: AsyncExitStack
    trusted: ssl.SSLContext
    unidentified_point: str = ""
    calls: int = 0

    async def browser(self, username: str = "", *, lang: str = "en") -> Browser:
        """A browser, signed in when a user is named."""
        session = ClientSession(cookie_jar=CookieJar(unsafe=True), connector=TCPConnector(ssl=self.trusted))
        await self.stack.enter_async_context(session)
        opened = Browser(session, str(self.bench.client.make_url("")).rstrip("/"), lang)
        if username:
            seen = await opened.sign_in(username)
            assert seen.status == 200, seen.text
        return opened

    async def call(self, user: str | None = "ann", **changes: Any) -> int:
        """A finished call of ann or bob (None: of the line nobody has), an hour after the one before; its id.

        ``changes`` are columns of the recording, and ``tags`` and ``note``.
        """
        self.calls += 1
        tags, note = changes.pop("tags", ()), changes.pop("note", "")
        start = changes.pop("start_time", START - timedelta(days=1) + self.calls * HOUR)
        values: dict[str, Any] = {
            "group_id": self.bench.seed["group_id"],
            "account_id": "demo" if user else None,
            "user_id": user,
            "dub_point_id": f"point-{user}" if user else self.unidentified_point,
            "from_": "+33612345678",
            "from_label": "",
            "to": {"ann": "1001", "bob": "1002", None: "1101"}[user],
            "to_label": {"ann": "Ann Archer", "bob": "Bob Baker", None: ""}[user],
            "call_type": "inbound",
            "status": "Active",
            "start_time": start,
            "end_time": start + timedelta(seconds=65),
            "duration": 65,
            "expiry_time": START + timedelta(days=90),
            "media_type": "audio/wav",
            "size": 1_000_000,
            "tagged": bool(tags),
            **DATES,
            **changes,
        }

        def work(session: Session) -> int:
            row = Recording(**values)
            session.add(row)
            session.flush()
            session.add_all(Tag(recording_id=row.id, tag=tag) for tag in tags)
            if note:
                session.add(Note(recording_id=row.id, user_id=user, author="Ann Archer", text=note, date_created=START))
            reindex(session, [row.id])
            return row.id

        return await self.bench.platform.database.run(work)

    async def column(self, recording_id: int, name: str) -> Any:
        """One column of a recording as it is now; None when it is gone."""

        def work(session: Session) -> Any:
            row = session.get(Recording, recording_id)
            return None if row is None else getattr(row, name)

        return await self.bench.platform.database.run(work)

    def audio(self, recording_id: int, content: bytes) -> Path:
        """Put bytes where the recording's audio is."""
        path = self.bench.platform.files.audio_path(recording_id, "audio/wav")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path


@asynccontextmanager
async def open_portal(data_dir: Path, **config: Any) -> AsyncIterator[PortalBench]:
    """A platform with the people above, no calls yet."""
    async with AsyncExitStack() as stack:
        wanted = replace(PlatformConfig(data_dir=data_dir, limits=UNLIMITED), **config)
        bench = await stack.enter_async_context(open_bench(wanted))
        trusted = ssl.create_default_context(cafile=str(data_dir / "cert.pem"))
        portal = PortalBench(bench, stack, trusted, unidentified_point="point-nobody")
        await bench.platform.database.run(lambda session: _people(session, bench.seed["group_id"]))
        yield portal


def _people(session: Session, group_id: str) -> None:
    session.get_one(User, "admin-demo-example").password_hash = _HASH
    for key, first, last, role in (
        ("boss", "Bea", "Boss", "Administrator"),
        ("ann", "Ann", "Archer", "Standard User"),
        ("bob", "Bob", "Baker", "Standard User"),
    ):
        names = {"username": f"{key}@demo.example", "first_name": first, "last_name": last, "role": role}
        session.add(User(id=key, account_id="demo", confirmed=True, password_hash=_HASH, **names, **DATES))
    session.flush()
    for key, number, user in (("ann", "1001", "ann"), ("bob", "1002", "bob"), ("nobody", "1101", None)):
        session.add(
            DubPoint(
                id=f"point-{key}",
                group_id=group_id,
                account_id="demo" if user else None,
                user_id=user,
                external_type="BroadWorks",
                service_provider="ACME1",
                external_group="ACME1SITE",
                external_identifier=f"{number}@carrier.example",
                label=f"Desk {number}" if user else "",
                number=number if user else "",
                **DATES,
            )
        )
    session.add(Team(id="support", account_id="demo", name="Support", **DATES))
    session.flush()
    session.add(TeamMember(team_id="support", user_id="ann", role="Listener"))
    session.add(TeamReach(team_id="support", user_id="bob"))
