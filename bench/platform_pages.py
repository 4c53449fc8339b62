"""How fast the platform's lists, searches and pages are with a large store; prints a Markdown table.

    python -m bench.platform_pages [--recordings 100000] [--users 10000] [--keep DIRECTORY]

The store is made up of invented calls, the same ones every time. Each line is several runs of one call of the
store's own functions, database included, templates not: processor time and wall time.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, insert, select
from sqlalchemy.orm import Session

from dubber_platform.store import people, search
from dubber_platform.store.browse import MINE, Filter, Kind, browse
from dubber_platform.store.companions import Note, TeamMember, TeamReach
from dubber_platform.store.companions import Team as TeamRow
from dubber_platform.store.dashboard import dashboard
from dubber_platform.store.database import create_schema, engine_of
from dubber_platform.store.detail import one
from dubber_platform.store.dub_points import dub_points_of
from dubber_platform.store.recordings import of_account, page_of_recordings
from dubber_platform.store.schema import Account, DubPoint, Group, Recording, Tag, User
from dubber_platform.store.visibility import Viewer, viewer_of
from dubber_platform.store.wanted import Page, RecordingFilter

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
FIRST = [
    "Ann",
    "Bob",
    "Chloe",
    "David",
    "Emma",
    "Farid",
    "Gaëlle",
    "Hugo",
    "Inès",
    "Jules",
    "Karim",
    "Léa",
    "Malo",
    "Nora",
    "Omar",
    "Paul",
    "Quentin",
    "Rose",
    "Sami",
    "Théo",
    "Ursula",
    "Victor",
    "Wanda",
    "Xavier",
    "Yara",
    "Zoé",
]
LAST = [
    "Martin",
    "Bernard",
    "Dubois",
    "Thomas",
    "Robert",
    "Richard",
    "Petit",
    "Durand",
    "Leroy",
    "Moreau",
    "Simon",
    "Laurent",
    "Lefèvre",
    "Michel",
    "Garcia",
    "David",
    "Bertrand",
    "Roux",
    "Vincent",
    "Fournier",
    "Morel",
    "Girard",
    "André",
    "Mercier",
    "Dupont",
    "Lambert",
    "Bonnet",
    "François",
]
TAGS = ("vip", "sales", "support", "complaint", "follow-up", "training", "contract", "urgent")
SAID = ("asked for a refund", "will call back on Monday", "très satisfait du service", "wants a new contract")
BATCH = 5000
RUNS = 7


def main() -> int:
    """Make the store, run every case, print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recordings", type=int, default=100_000)
    parser.add_argument("--users", type=int, default=10_000)
    parser.add_argument("--keep", type=Path, help="make the store here, or use the one that is there")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        path = (given.keep or Path(scratch)) / "pages.sqlite"
        fresh = not path.exists()
        engine = engine_of(f"sqlite:///{path}")
        create_schema(engine)
        if fresh:
            with Session(engine) as session, session.begin():
                fill(session, given.recordings, given.users)
        print(f"\n{given.recordings:,} recordings, {given.users:,} users, {path.stat().st_size / 1e6:.0f} MB\n")
        print("| What | Rows | Total | CPU ms | Median ms | Slowest ms |")
        print("|---|---|---|---|---|---|")
        slow = [name for name, took in measured(engine) if took >= 100]
    print(f"\nmore than 100 ms of processor time: {', '.join(slow) or 'nothing'}")
    return 0


def fill(session: Session, recordings: int, users: int) -> None:
    """Invented people and calls."""
    chance, dates = random.Random(7), {"date_created": NOW, "date_updated": NOW}
    session.execute(insert(Group).values(id="g", name="Bench", **dates))
    session.execute(insert(Account).values(id="acme", group_id="g", name="Acme", details={}, **dates))
    rows = [
        {
            "id": f"u{number}",
            "account_id": "acme",
            "group_id": "g" if number == 0 else None,
            "username": f"u{number}@acme.example",
            "first_name": chance.choice(FIRST),
            "last_name": chance.choice(LAST),
            "role": "Administrator" if number < 2 else "Standard User",
            **dates,
        }
        for number in range(users)
    ]
    session.execute(insert(User), rows)
    points = [
        {
            "id": f"{number:020x}",
            "group_id": "g",
            "account_id": "acme",
            "user_id": f"u{number}",
            **_key(number),
            **dates,
        }
        for number in range(users)
    ]
    session.execute(insert(DubPoint), points)
    session.execute(insert(TeamRow).values(id="team", account_id="acme", name="Sales", **dates))
    session.execute(insert(TeamMember).values(team_id="team", user_id="u3", role="Contributor"))
    session.execute(insert(TeamReach), [{"team_id": "team", "user_id": f"u{number}"} for number in range(4, 204)])
    started = time.perf_counter()
    for batch in _batches(_calls(chance, recordings, users)):
        session.execute(insert(Recording), [call for call, _ in batch])
        tags = [{"recording_id": call["id"], "tag": tag} for call, words in batch for tag in words]
        if tags:
            session.execute(insert(Tag), tags)
        notes = [
            {
                "recording_id": call["id"],
                "user_id": "u1",
                "author": "Ann",
                "text": SAID[call["id"] % 4],
                "date_created": NOW,
            }
            for call, _ in batch
            if call["id"] % 40 == 0
        ]
        if notes:
            session.execute(insert(Note), notes)
    print(f"stored in {time.perf_counter() - started:.1f} s", file=sys.stderr)
    started = time.perf_counter()
    search.reindex(session, session.scalars(select(Recording.id)).all())
    print(f"indexed in {time.perf_counter() - started:.1f} s (what an upgrade does)", file=sys.stderr)


def _key(number: int) -> dict[str, str]:
    return {
        "external_type": "BroadWorks",
        "service_provider": "ACME1",
        "external_group": "ACME1SITE",
        "external_identifier": f"u{number}@acme.example",
        "label": f"Desk {number}",
        "number": str(10_000 + number),
    }


def _calls(chance: random.Random, recordings: int, users: int) -> Iterator[tuple[dict[str, Any], list[str]]]:
    for number in range(1, recordings + 1):
        user = 3 if number % 50 == 0 else min(int(chance.paretovariate(0.5)), users - 1)
        start = NOW - timedelta(minutes=5 * (recordings - number), seconds=chance.randrange(3600))
        outbound, seconds = chance.random() < 0.5, int(chance.expovariate(1 / 180)) + 1
        other, mine = f"+336{chance.randrange(10**8):08d}", str(10_000 + user)
        tags = chance.sample(TAGS, chance.choice((0, 0, 0, 1, 2)))
        yield (
            {
                "id": number,
                "group_id": "g",
                "account_id": None if number % 500 == 0 else "acme",
                "user_id": None if number % 500 == 0 else f"u{user}",
                "dub_point_id": f"{user:020x}",
                "to": other if outbound else mine,
                "from_": mine if outbound else other,
                "to_label": f"{chance.choice(FIRST)} {chance.choice(LAST)}",
                "from_label": "",
                "call_type": "outbound" if outbound else "inbound",
                "recording_type": "voicemail" if number % 25 == 0 else "recording",
                "status": "Active",
                "start_time": start,
                "end_time": start + timedelta(seconds=seconds),
                "duration": seconds,
                "expiry_time": NOW + timedelta(days=90),
                "transfers": [],
                "additional_parties": [],
                "meta_tags": {
                    "recording-platform": "broadworks",
                    "external-call-id": f"callhalf-{chance.randrange(10**9)}:0",
                    "recording-id": f"{chance.getrandbits(128):032x}",
                    "content-sha256": f"{chance.getrandbits(256):064x}",
                },
                "details": {"mode": chance.choice(("Always", "Always with Pause/Resume", "On Demand"))},
                "starred": number % 97 == 0,
                "tagged": bool(tags),
                "media_type": "audio/wav",
                "size": 16_000 * seconds * 2,
                "date_created": NOW,
                "date_updated": NOW,
            },
            tags,
        )


def _batches(rows: Iterator[Any]) -> Iterator[list[Any]]:
    batch: list[Any] = []
    for row in rows:
        batch.append(row)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def measured(engine: Engine) -> Iterator[tuple[str, float]]:
    """Name and processor time (ms) of each case; prints its line."""
    with Session(engine) as session:
        viewers = {name: _viewer(session, user_id) for name, user_id in VIEWERS.items()}
        for name, who, wanted in cases(session, viewers["administrator"]):
            yield name, _line(engine, name, lambda s, who=who, wanted=wanted: browse(s, viewers[who], wanted))  # type: ignore[misc]
        for name, work in others(viewers["administrator"]):
            yield name, _line(engine, name, work)


VIEWERS = {"administrator": "u1", "group": "u0", "standard user": "u2", "team member": "u3"}


def cases(session: Session, viewer: Viewer) -> Iterator[tuple[str, str, Filter]]:
    """Name, viewer, filter."""
    middle = browse(session, viewer, Filter(end=NOW - timedelta(days=170))).next
    day, month = NOW - timedelta(days=100), NOW - timedelta(days=70)
    for who in VIEWERS:
        yield f"first page, {who}", who, Filter()
    yield "a page in the middle", "administrator", Filter(after=middle)
    yield "the page before it", "administrator", Filter(before=middle)
    yield "the oldest page", "administrator", Filter(end=NOW - timedelta(days=346))
    for kind in Kind:
        yield f"filter {kind.value}", "administrator", Filter(kind=kind)
    yield "dub point", "administrator", Filter(dub_point_id=f"{3:020x}")
    yield "user", "administrator", Filter(user_id="u3")
    yield "mine", "team member", Filter(scope=MINE)
    yield "team", "team member", Filter(scope="team")
    yield "team, administrator", "administrator", Filter(scope="team")
    yield "one day", "administrator", Filter(start=day, end=day + timedelta(days=1))
    yield (
        "one month, starred, tagged vip",
        "administrator",
        Filter(kind=Kind.STARRED, tag="vip", start=month - timedelta(days=30), end=month),
    )
    yield "tag", "administrator", Filter(tag="vip")
    yield (
        "dub point, voicemails, old",
        "administrator",
        Filter(dub_point_id=f"{3:020x}", kind=Kind.VOICEMAILS, end=NOW - timedelta(days=200)),
    )
    for text in ("3", "a", "always", "martin", "zoe martin", "612345", "+33 6 12 34", "callhalf", "refund", "nothing1"):
        yield f"search {text}", "administrator", Filter(text=text)
    yield "search a m (everything, and half)", "administrator", Filter(text="a m")
    yield "search, standard user", "standard user", Filter(text="martin")
    yield "search, team member", "team member", Filter(text="martin")
    yield "search, group", "group", Filter(text="martin")
    yield "search common, starred", "administrator", Filter(text="always", kind=Kind.STARRED)
    yield "search rare, starred", "administrator", Filter(text="zoe martin", kind=Kind.STARRED)
    yield "search common, voicemails, tagged vip", "administrator", Filter(text="on", kind=Kind.VOICEMAILS, tag="vip")
    yield "search common, old", "administrator", Filter(text="always", end=NOW - timedelta(days=300))
    yield "search rare, next page", "administrator", Filter(text="zoe martin", after=middle)
    yield "search with a word that is not there", "administrator", Filter(text="always a m xyzzy")
    yield "search 10 kB of noise", "administrator", Filter(text='"* NEAR( ' * 1100)
    yield "unidentified", "group", Filter(unidentified=True)
    yield "unidentified, search", "group", Filter(unidentified=True, text="martin")


def others(viewer: Viewer) -> Iterator[tuple[str, Callable[[Session], Any]]]:
    """What is no list of recordings."""
    yield "dashboard", lambda session: dashboard(session, viewer, now=NOW)
    yield "one recording", lambda session: one(session, viewer, 50_001, now=NOW)
    yield "people", lambda session: people.people(session, viewer)
    yield "people, search", lambda session: people.people(session, viewer, text="zo martin")
    yield "people, last page", lambda session: people.people(session, viewer, offset=9950)
    yield "one person", lambda session: people.person(session, viewer, "u3")
    yield "dub points of a user", lambda session: dub_points_of(session, viewer, user_id="u3")
    yield (
        "REST list",
        lambda session: page_of_recordings(session, of_account("acme"), RecordingFilter(), Page(count=100)),
    )
    yield (
        "REST query",
        lambda session: page_of_recordings(
            session, of_account("acme"), RecordingFilter(query="zoe martin"), Page(count=100)
        ),
    )


def _viewer(session: Session, user_id: str) -> Viewer:
    found = viewer_of(session, user_id)
    assert found is not None
    return found


def _line(engine: Engine, name: str, work: Callable[[Session], Any]) -> float:
    """Print a line; the median of the processor's time in ms, which other programs do not disturb much."""
    took, burnt, answer = [], [], None
    for _ in range(RUNS):
        with Session(engine) as session:
            started, idle = time.perf_counter(), time.process_time()
            answer = work(session)
            took.append((time.perf_counter() - started) * 1000)
            burnt.append((time.process_time() - idle) * 1000)
    cpu = statistics.median(burnt)
    rows, total = getattr(answer, "rows", None), getattr(answer, "total", None)
    more = "+" if getattr(answer, "more_than_total", False) else ""
    cells = (name, "" if rows is None else len(rows), "" if total is None else f"{total:,}{more}")
    print(f"| {' | '.join(map(str, cells))} | {cpu:.1f} | {statistics.median(took):.1f} | {max(took):.1f} |")
    return cpu


if __name__ == "__main__":
    sys.exit(main())
