"""The real server killed (SIGKILL) while it records, seals and uploads, again and again on one data directory.

Proved from what is left on disk, in the catalog and on the platform, after a last start: every kept call has its
recording, once, nearly to the kill; what was not kept is gone; every recording is delivered exactly once.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from callbench.network import UdpNetwork
from callbench.phone import Phone, PhoneCall, PhoneSetup
from callbench.phone.microphone import tone
from callmodel.modes import RecordingMode
from dubber_uploader.mapping import RECORDING_TAG
from mediaserver.runtime.chance import SecureIds
from spool import finished_recordings, read_manifest, verify
from spool.layout import spool_dir
from tests.support.server_process import ServerProcess

pytestmark = pytest.mark.e2e

ROUNDS = 2
LOST_S = 1.6
"""Audio goes to disk every half second, a quarter of a second late; the rest is how late a busy machine is."""
USERS = ("1001", "1003")
"""Always: kept from the first sample. On Demand: not kept, since nobody dials the code."""


async def phones_of(server: ServerProcess) -> list[Phone]:
    """One registered phone a user."""
    host, _, port = server.sip.rpartition(":")
    found = []
    for number in USERS:
        setup = PhoneSetup(
            number=number,
            password=server.password(number),
            domain=server.info["domain"],
            server=(host, int(port)),
            microphone=tone(700.0),
        )
        phone = Phone(setup, UdpNetwork(), SecureIds())
        await phone.start()
        await phone.register()
        found.append(phone)
    return found


async def kill_in_the_middle(server: ServerProcess, chance: random.Random) -> list[float]:
    """Short calls one after another, and one that is up when the server dies; lengths of the kept ones."""
    loop = asyncio.get_running_loop()
    phones = await phones_of(server)
    lengths: list[float] = []
    try:
        for _ in range(2):
            calls = await both(phones)
            await calls[0].talk(0.3)
            for call in calls:
                call.hang_up()
                await call.ended()
            lengths.append(calls[0].ended_at - calls[0].answered_at)
        up = await both(phones)
        await up[0].talk(4.0 + chance.random())
        lengths.append(loop.time() - up[0].answered_at)
        await asyncio.to_thread(server.kill)
    finally:
        for phone in phones:
            await phone.close()
    return lengths


async def both(phones: Sequence[Phone]) -> list[PhoneCall]:
    """Every phone calls the party that talks."""
    calls = [await phone.dial("9002") for phone in phones]
    for call in calls:
        await call.answered()
    return calls


def lengths_on_disk(data_dir: Path) -> Counter[str]:
    """Recordings by id; each is what its manifest says, and the kept user's."""
    found: Counter[str] = Counter()
    for directory in finished_recordings(data_dir):
        manifest = read_manifest(directory)
        verify(directory, at_rest_key=None)
        assert manifest.mode is RecordingMode.ALWAYS, "audio that was not kept is on disk"
        found[manifest.recording_id] += 1
    return found


def test_kills_at_any_moment_lose_and_double_nothing(tmp_path: Path) -> None:
    """Lives of a server that end in the middle of a call; then a last one, which settles and delivers the rest."""
    chance = random.Random(20)
    data_dir = tmp_path / "data"
    wanted: list[float] = []
    for _ in range(ROUNDS):
        server = ServerProcess.start(data_dir)
        try:
            wanted += asyncio.run(kill_in_the_middle(server, chance))
        finally:
            if server.process.poll() is None:
                server.kill()
    last = ServerProcess.start(data_dir)
    try:
        ids = lengths_on_disk(data_dir)
        assert set(ids.values()) == {1}
        assert list(spool_dir(data_dir).iterdir()) == []
        records = last.recordings()
        assert {record.manifest.recording_id for record in records} == set(ids)
        lengths = [record.manifest.duration_ms / 1000 for record in records]
        assert len(lengths) == len(wanted)
        for length, said in zip(lengths, wanted, strict=True):
            assert said - LOST_S <= length <= said + 0.2
        for recording_id in ids:
            if last.upload(recording_id).state != "done":
                last.delivered(recording_id)
        remote = Counter(item["meta_tags"][RECORDING_TAG] for item in last.dubber().account_recordings())
        assert remote == ids
    finally:
        last.stop()
