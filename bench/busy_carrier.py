"""A carrier's database with many users and many calls, all invented, the same ones every time but for the date."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from platform_pages import FIRST, LAST
from sqlalchemy import insert

from callmodel.manifest import AudioFile, Mark, MarkKind, Party, RecordingManifest
from callmodel.modes import CallType, RecordingMode
from callmodel.subscriber import DubPointKey
from catalog import Catalog
from catalog.folding import folded
from catalog.tables import audit, call_events, calls, provisioning, recordings, subscribers, upload_jobs

LOWEST = 20_000
"""Number of the first user."""
BATCH = 2000
MODES = tuple(RecordingMode)


def fill(data_dir: Path, users: int, recorded: int) -> None:
    """Add users from 20000 on, and recorded calls of theirs, delivered and gone from the disk."""
    chance, now = random.Random(11), datetime.now(UTC)
    with Catalog.open_in(data_dir) as catalog:
        names = [f"{chance.choice(FIRST)} {chance.choice(LAST)}" for _ in range(users)]
        for start in range(0, users, BATCH):
            numbers = range(start, min(start + BATCH, users))
            with catalog.database.write() as connection:
                connection.execute(insert(subscribers), [_user(n, names[n], now) for n in numbers])
                connection.execute(insert(provisioning), [_known(n, now) for n in numbers])
        for batch in _batches(recorded):
            made = [_call(chance, n, names, now - timedelta(minutes=4 * (recorded - n))) for n in batch]
            with catalog.database.write() as connection:
                for table, which in ((calls, 0), (call_events, 1), (recordings, 2), (upload_jobs, 3)):
                    connection.execute(insert(table), [row for one in made for row in one[which]])
        with catalog.database.write() as connection:
            connection.execute(insert(audit), [_change(n, names, now) for n in range(users)])


def _batches(count: int) -> Iterator[range]:
    for start in range(0, count, BATCH):
        yield range(start, min(start + BATCH, count))


def _user(n: int, name: str, now: datetime) -> dict[str, Any]:
    return {
        "number": str(LOWEST + n),
        "name": name,
        "name_key": folded(name),
        "language": "fr" if n % 3 else "en",
        "mailbox": n % 2 == 0,
        "no_answer_s": 20,
        "mode": MODES[n % len(MODES)].value,
        "announce_internal": False,
        "announce_pstn": n % 5 == 0,
        "notification": "None",
        "reminder_s": None,
        "record_voicemail": n % 4 == 0,
        "external_type": "BroadWorks",
        "service_provider": "CARRIER",
        "external_group": "CARRIER-MAIN",
        "external_identifier": f"{LOWEST + n}@mediaserver.local",
        "updated_at": now,
    }


def _known(n: int, now: datetime) -> dict[str, Any]:
    point = {"user_id": f"user{n}", "dub_point_id": f"{n:020x}"}
    times = {"next_at": now, "updated_at": now}
    return {"number": str(LOWEST + n), "status": "done", "problem": "", **point, "attempts": 0, **times}


def _change(n: int, names: list[str], now: datetime) -> dict[str, Any]:
    return {
        "at": now - timedelta(minutes=len(names) - n),
        "actor": "admin",
        "action": "user.changed",
        "subject": str(LOWEST + n),
        "before": {"mode": "Never"},
        "after": {"mode": "Always"},
        "address": "127.0.0.1",
    }


def _call(chance: random.Random, n: int, names: list[str], at: datetime) -> tuple[list[dict[str, Any]], ...]:
    """Rows of the call, its events, its recording, its delivery."""
    user = 3 if n % 50 == 0 else chance.randrange(len(names))
    number, other = str(LOWEST + user), f"+336{chance.randrange(10**8):08d}"
    seconds = int(chance.expovariate(1 / 180)) + 1
    ended = at + timedelta(seconds=seconds)
    call_id, recording_id = f"c-{n:016x}", f"r-{n:016x}"
    manifest = RecordingManifest(
        recording_id=recording_id,
        call_id=call_id,
        user=number,
        mode=RecordingMode.ALWAYS,
        call_type=CallType.OUTBOUND,
        caller=Party(number=number, label=names[user]),
        callee=Party(number=other),
        dub_point=DubPointKey(
            service_provider="CARRIER", external_group="CARRIER-MAIN", external_identifier=f"{number}@mediaserver.local"
        ),
        external_tracking_id=f"{n:032x}",
        external_call_id=f"callhalf-{n}:0",
        answered_at=at,
        started_at=at,
        ended_at=ended,
        duration_ms=seconds * 1000.0,
        audio=AudioFile(sample_rate_hz=8000, samples=8000 * seconds, size_bytes=32_000 * seconds, sha256=f"{n:064x}"),
        marks=(Mark(kind=MarkKind.PAUSE, file_ms=500.0, call_ms=500.0, length_ms=900.0),),
    )
    parties = {"caller_number": number, "callee_number": other}
    labels = {"caller_label": names[user], "callee_label": ""}
    call = {
        "call_id": call_id,
        "external_tracking_id": manifest.external_tracking_id,
        **parties,
        **labels,
        "started_at": at,
        "answered_at": at,
        "ended_at": ended,
        "result": "answered",
        "cause": "hang-up",
    }
    kinds = ("call.invited", "call.answered", "recording.opened", "recording.sealed", "call.ended")
    events = [{"call_id": call_id, "at": at, "kind": kind, "data": {"user": number}} for kind in kinds]
    recording = {
        "recording_id": recording_id,
        "call_id": call_id,
        "user": number,
        "mode": manifest.mode.value,
        "recording_type": manifest.recording_type.value,
        "call_type": manifest.call_type.value,
        "result": manifest.result.value,
        **parties,
        "external_tracking_id": manifest.external_tracking_id,
        "started_at": at,
        "ended_at": ended,
        "duration_ms": manifest.duration_ms,
        "salvaged": False,
        "manifest": manifest.to_json(),
        "path": f"recordings/{recording_id}",
        "local": False,
        "added_at": ended,
    }
    job = {
        "recording_id": recording_id,
        "state": "done",
        "attempts": 1,
        "next_at": ended,
        "remote_id": str(n),
        "progress": {},
        "updated_at": ended,
    }
    return [call], events, [recording], [job]
