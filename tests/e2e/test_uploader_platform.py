"""The uploader against the platform's simulator, over TLS on loopback: nothing is lost, nothing is there twice."""

from __future__ import annotations

import asyncio
import hashlib
import io
import sqlite3
from collections.abc import AsyncIterator, Mapping
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import soundfile
from sqlalchemy.orm import Session

import spool
from callmodel.manifest import Party
from callmodel.subscriber import DubPointKey
from catalog import Actor, JobState
from catalog.installing import install_group
from dubber_platform import UNLIMITED, PlanLimits
from dubber_platform.store.schema import Recording
from dubber_uploader import DeliveryFormat, DubberClient, RealClock
from dubber_uploader.client import DubPoint, RemoteRecording
from tests.support.recordings import ANSWERED_AT, pcm
from tests.support.uploading import Carrier, open_carrier

pytestmark = pytest.mark.e2e

KEY = bytes(range(32))
WAV_BYTES = 44 + 4 * 8000


@pytest.fixture
async def carrier(tmp_path: Path) -> AsyncIterator[Carrier]:
    async with open_carrier(tmp_path, limits=UNLIMITED) as opened:
        yield opened


async def audio_at_platform(carrier: Carrier, remote_id: str) -> bytes:
    """The file the platform keeps."""
    return carrier.platform.platform.files.audio_path(int(remote_id), "audio/wav").read_bytes()


async def test_a_recording_arrives_whole_with_all_its_facts(carrier: Carrier) -> None:
    dub_point = await carrier.provision()
    _, manifest = carrier.record()
    async with carrier.uploader() as worker:
        await carrier.drain(worker)
    (found,) = await carrier.delivered()
    expected = {
        "to": "1001",
        "to_label": "Bob",
        "from": "+33155512345",
        "from_label": "Alice",
        "call_type": "inbound",
        "recording_type": "recording",
        "status": "Active",
        "start_time": "Wed, 04 Mar 2026 09:30:00 +0000",
        "duration": 1,
        "dub_point_id": dub_point,
        "channel": "Ann Other",
        "size": WAV_BYTES,
        "content_sha256": manifest.audio.sha256,
        "metadata": {"mode": "Always", "salvaged": "false"},
        "meta_tags": {
            "recording-platform": "broadworks",
            "original-filename": "dub_1001_+33155512345_20260304T093000+0000_rec-1.wav",
            "external-tracking-ids": "6f0c7d5e-0000-4000-8000-000000000001",
            "external-call-id": "callhalf-1:0",
            "recorder-call-id": "BW093000@carrier.test",
            "recorder-identifier": "call-recording-mediaserver",
            "recording-id": "rec-1",
            "content-sha256": manifest.audio.sha256,
        },
    }
    assert {name: found[name] for name in expected} == expected
    assert (await audio_at_platform(carrier, found["id"]))[44:] == pcm(8000)
    assert (carrier.job().state, carrier.job().remote_id) == (JobState.DONE, found["id"])
    assert (carrier.counts["delivered"], carrier.counts["bytes"]) == (1, WAV_BYTES)


async def test_a_recording_encrypted_at_rest_arrives_in_the_clear(carrier: Carrier) -> None:
    await carrier.provision()
    carrier.at_rest_key = KEY
    carrier.record()
    async with carrier.uploader() as worker:
        await carrier.drain(worker)
    (found,) = await carrier.delivered()
    assert (await audio_at_platform(carrier, found["id"]))[44:] == pcm(8000)


async def test_an_unknown_line_goes_to_the_groups_unidentified_recordings(carrier: Carrier) -> None:
    carrier.record()
    async with carrier.uploader() as worker:
        await carrier.drain(worker)
    group = f"/groups/{carrier.platform.seed['group_id']}/unidentified_recordings"
    (found,) = await carrier.delivered(group)
    assert (found["status"], found["meta_tags"]["recording-id"]) == ("Active", "rec-1")
    assert await carrier.delivered() == []


async def test_a_recording_without_a_key_is_not_lost_either(carrier: Carrier) -> None:
    carrier.record(dub_point=None, caller=Party(number=""), sip_call_ids=())
    async with carrier.uploader() as worker:
        await carrier.drain(worker)
    group = f"/groups/{carrier.platform.seed['group_id']}/unidentified_recordings"
    (found,) = await carrier.delivered(group)
    assert (found["from"], found["dub_point_id"]) == ("anonymous", None)


async def test_the_group_that_somebody_installed_takes_what_has_no_dub_point(carrier: Carrier) -> None:
    above = carrier.platform.seed["group_id"]
    below = await carrier.platform.call("POST", f"/groups/{above}/groups", json={"name": "Acme"})
    install_group(carrier.catalog, below.body["id"], actor=Actor(name="anne"), now=carrier.clock.now())
    carrier.record(dub_point=None)
    async with carrier.uploader() as worker:
        await carrier.drain(worker)
    found = [await carrier.delivered(f"/groups/{group}/unidentified_recordings") for group in (below.body["id"], above)]
    assert [len(recordings) for recordings in found] == [1, 0]


async def test_a_connection_cut_in_the_middle_of_a_part_costs_that_part_only(carrier: Carrier) -> None:
    await carrier.provision()
    carrier.record(frames=40_000)
    sent: list[int] = []

    def cut_later(name: str, by: int) -> None:
        if name == "bytes":
            sent.append(by)
            if len(sent) == 2:
                carrier.relay.cut_after = 12_000

    carrier.on_count = cut_later
    async with carrier.uploader() as worker:
        await worker.deliver_due()
        waiting = carrier.job()
        assert (waiting.state, waiting.attempts, len(waiting.progress.parts)) == (JobState.PENDING, 1, 2)
        assert waiting.last_error is not None
        assert waiting.last_error.startswith("unreachable: PUT https://127.0.0.1")
        await carrier.drain(worker)
    (found,) = await carrier.delivered()
    assert (await audio_at_platform(carrier, found["id"]))[44:] == pcm(40_000)
    assert (carrier.relay.cuts, sum(sent)) == (1, 44 + 160_000)


class LosesTheAnswer(DubberClient):
    """A client whose wire loses the answer to a create."""

    carrier: Carrier
    creates = 0

    async def create_recording(self, collection: str, fields: Mapping[str, Any]) -> RemoteRecording:
        type(self).creates += 1
        if self.creates == 1:
            self.carrier.relay.drop_replies = True
        return await super().create_recording(collection, fields)


async def test_a_lost_201_makes_no_second_recording(carrier: Carrier) -> None:
    await carrier.provision()
    carrier.record()
    LosesTheAnswer.carrier, LosesTheAnswer.creates = carrier, 0
    carrier.client_class = LosesTheAnswer
    async with carrier.uploader() as worker:
        await worker.deliver_due()
        assert (carrier.job().remote_id, carrier.relay.cuts) == (None, 1)
        assert len(await carrier.delivered(status="Uploading")) == 1
        await carrier.drain(worker)
    assert (LosesTheAnswer.creates, len(await carrier.delivered()), await carrier.delivered(status="Uploading")) == (
        1,
        1,
        [],
    )


class LosesTheCompletion(DubberClient):
    """A client whose wire loses the answer to the first completion."""

    carrier: Carrier
    lost = False

    async def complete_upload(self, remote_id: str, parts: tuple[tuple[int, str], ...]) -> None:
        if not self.lost:
            type(self).lost = True
            self.carrier.relay.drop_replies = True
        await super().complete_upload(remote_id, parts)


async def test_a_lost_completion_is_found_done(carrier: Carrier) -> None:
    await carrier.provision()
    carrier.record()
    LosesTheCompletion.carrier, LosesTheCompletion.lost = carrier, False
    carrier.client_class = LosesTheCompletion
    async with carrier.uploader() as worker:
        await carrier.drain(worker)
    assert (carrier.job().state, len(await carrier.delivered()), carrier.counts["bytes"]) == (
        JobState.DONE,
        1,
        WAV_BYTES,
    )


async def test_an_uploader_that_dies_is_continued_by_the_next(carrier: Carrier) -> None:
    """Cancelled while the third part is on its way: the parts before it are not sent again."""
    await carrier.provision()
    carrier.record(frames=40_000)
    reached = asyncio.Event()

    def third(name: str, _by: int) -> None:
        if name == "bytes" and carrier.counts["bytes"] >= 40_000:
            reached.set()

    carrier.on_count = third
    async with carrier.uploader() as worker:
        (job,) = carrier.catalog.uploads.claim_due(carrier.clock.now())
        dying = asyncio.create_task(worker._deliver(job))
        await reached.wait()
        dying.cancel()
        await asyncio.gather(dying, return_exceptions=True)
    done_before = len(carrier.job().progress.parts)
    assert (carrier.job().state, carrier.job().attempts, done_before >= 1) == (JobState.PENDING, 0, True)
    before = carrier.counts["bytes"]
    async with carrier.uploader() as worker:
        await carrier.drain(worker)
    (found,) = await carrier.delivered()
    assert (await audio_at_platform(carrier, found["id"]))[44:] == pcm(40_000)
    assert carrier.counts["bytes"] - before == 160_044 - 20_000 * done_before


async def test_a_job_left_running_by_a_crash_is_taken_up(carrier: Carrier) -> None:
    await carrier.provision()
    carrier.record()
    carrier.catalog.uploads.claim_due(carrier.clock.now())
    async with carrier.uploader() as worker:
        await carrier.drain(worker)
    assert carrier.job().state is JobState.DONE


async def test_an_access_token_that_expired_is_renewed(carrier: Carrier) -> None:
    """The platform's clock runs ahead of ours, so that we learn of the expiry from its refusal."""
    await carrier.provision()
    carrier.record("rec-1")
    async with carrier.uploader() as worker:
        await worker.deliver_due()
        carrier.clock.shared.advance(25 * 3600)
        carrier.clock.ahead = timedelta(hours=-25)
        carrier.record("rec-2")
        await worker.deliver_due()
    assert (carrier.job("rec-2").state, carrier.job("rec-2").attempts) == (JobState.DONE, 0)
    assert carrier.counts["attempt.token-refused"] == 1


async def test_a_refresh_token_that_expired_too_falls_back_to_the_password(carrier: Carrier) -> None:
    await carrier.provision()
    carrier.record("rec-1")
    async with carrier.uploader() as worker:
        await worker.deliver_due()
        carrier.clock.shared.advance(29 * 86_400)
        carrier.record("rec-2")
        await worker.deliver_due()
    assert carrier.job("rec-2").state is JobState.DONE


async def test_the_platforms_limits_are_obeyed(tmp_path: Path) -> None:
    """Two calls a second, and a client without restraint: calls are repeated when the platform says so."""
    limits = PlanLimits(calls_per_second=2, calls_per_day=None)
    async with open_carrier(tmp_path, limits=limits) as carrier:
        start = carrier.clock.now()
        for number in range(3):
            carrier.record(f"rec-{number}")
        async with carrier.uploader() as worker:
            await carrier.drain(worker)
        assert [carrier.job(f"rec-{n}").state for n in range(3)] == [JobState.DONE] * 3
        assert (carrier.counts["delivered"], carrier.counts["retried"]) == (3, 0)
        assert carrier.clock.now() - start >= timedelta(seconds=5)


async def test_a_limit_that_patience_does_not_help_against_makes_the_jobs_wait(tmp_path: Path) -> None:
    limits = PlanLimits(calls_per_second=0, calls_per_day=None)
    async with open_carrier(tmp_path, limits=limits) as carrier:
        carrier.record("rec-1")
        carrier.record("rec-2")
        async with carrier.uploader(concurrency=1) as worker:
            assert await worker.deliver_due() == 1
            assert (await worker.next_at() or carrier.clock.now()) > carrier.clock.now()
        assert (carrier.job().state, carrier.job().attempts) == (JobState.PENDING, 0)
        assert carrier.counts["attempt.per-second-limit"] == 1


async def test_a_daily_limit_is_waited_out(tmp_path: Path) -> None:
    limits = PlanLimits(calls_per_second=None, calls_per_day=3)
    async with open_carrier(tmp_path, limits=limits) as carrier:
        carrier.record()
        start = carrier.clock.now()
        async with carrier.uploader() as worker:
            await worker.deliver_due()
            waiting = carrier.job()
            midnight = start.replace(hour=0, minute=0, second=0) + timedelta(days=1)
            assert (waiting.state, waiting.attempts) == (JobState.PENDING, 0)
            assert midnight <= waiting.next_at <= midnight + timedelta(minutes=1)
            await carrier.drain(worker)
        assert (carrier.job().state, carrier.counts["attempt.daily-limit"] >= 1) == (JobState.DONE, True)


async def test_our_own_restraint_needs_no_refusal(tmp_path: Path) -> None:
    async with open_carrier(tmp_path, limits=PlanLimits(calls_per_second=2, calls_per_day=None)) as carrier:
        for number in range(3):
            carrier.record(f"rec-{number}")
        async with carrier.uploader(dubber=carrier.config(calls_per_second=2.0)) as worker:
            await carrier.drain(worker)
        assert (carrier.counts["delivered"], carrier.counts["attempt.per-second-limit"]) == (3, 0)


async def test_wrong_credentials_park_a_job_and_a_retry_delivers_it(carrier: Carrier) -> None:
    await carrier.provision()
    carrier.record()
    async with carrier.uploader(dubber=carrier.config(password="wrong-secret")) as worker:
        await carrier.drain(worker)
    parked = carrier.job()
    assert parked.state is JobState.PARKED
    assert parked.last_error is not None
    assert parked.last_error.startswith("bad-credentials: POST")
    assert "wrong-secret" not in parked.last_error
    assert carrier.catalog.uploads.retry("rec-1", now=carrier.clock.now()) is True
    async with carrier.uploader() as worker:
        await carrier.drain(worker)
    assert (carrier.job().state, len(await carrier.delivered())) == (JobState.DONE, 1)


async def test_a_part_that_changed_at_the_platform_is_noticed_and_sent_again(carrier: Carrier) -> None:
    """A fault of the platform's disk between the part and its completion; it or we may be the one to notice."""
    await carrier.provision()
    carrier.record()
    damaged: list[Path] = []

    def damage(name: str, _by: int) -> None:
        if name == "bytes" and not damaged:
            everything = carrier.platform.platform.config.data_dir.rglob("*")
            part = next(path for path in everything if path.is_file() and path.stat().st_size == 20_000)
            spool.Disk().overwrite(part, 10_000, b"\xff\xff\xff\xff")
            damaged.append(part)

    carrier.on_count = damage
    async with carrier.uploader() as worker:
        await carrier.drain(worker)
    (found,) = await carrier.delivered()
    noticed = carrier.counts["attempt.parts-refused"] + carrier.counts["attempt.mismatch"]
    assert (noticed, carrier.counts["delivered"]) == (1, 1)
    assert (await audio_at_platform(carrier, found["id"]))[44:] == pcm(8000)


class ShownWrong(DubberClient):
    """The platform's database loses its mind right after each of the first completions."""

    carrier: Carrier
    times = 0

    async def complete_upload(self, remote_id: str, parts: tuple[tuple[int, str], ...]) -> None:
        await super().complete_upload(remote_id, parts)
        if self.times > 0:
            type(self).times -= 1

            def change(session: Session) -> None:
                session.get_one(Recording, int(remote_id)).sha256 = "0" * 64

            await self.carrier.platform.platform.database.run(change)


@pytest.mark.parametrize(("times", "state", "there"), [(2, JobState.DONE, 1), (3, JobState.PARKED, 0)])
async def test_another_digest_is_deleted_there_sent_again_and_given_up_at_the_third_time(
    carrier: Carrier, times: int, state: JobState, there: int
) -> None:
    await carrier.provision()
    carrier.record()
    ShownWrong.carrier, ShownWrong.times = carrier, times
    carrier.client_class = ShownWrong
    async with carrier.uploader() as worker:
        await carrier.drain(worker)
    assert (carrier.job().state, len(await carrier.delivered()), carrier.counts["attempt.mismatch"]) == (
        state,
        there,
        times,
    )


async def test_a_local_copy_that_changed_is_parked_not_delivered_for_ever(carrier: Carrier) -> None:
    await carrier.provision()
    path, _ = carrier.record()
    spool.Disk().overwrite(path / "audio.wav", 5000, b"!")
    async with carrier.uploader() as worker:
        await carrier.drain(worker)
    assert (carrier.job().state, carrier.counts["attempt.local-corrupt"]) == (JobState.PARKED, 1)


async def test_an_upload_the_platform_has_dropped_begins_anew(carrier: Carrier) -> None:
    await carrier.provision()
    carrier.record(frames=40_000)
    carrier.on_count = lambda name, _by: setattr(carrier.relay, "cut_after", 12_000) if name == "bytes" else None
    async with carrier.uploader() as worker:
        await worker.deliver_due()
        carrier.on_count = lambda _name, _by: None
        dropped = carrier.job().remote_id
        assert dropped is not None
        assert (await carrier.platform.call("DELETE", f"/recordings/{dropped}")).status == 200
        carrier.relay.cut_after = None
        await carrier.drain(worker)
    (found,) = await carrier.delivered()
    assert found["id"] != dropped
    assert (carrier.counts["attempt.remote-gone"], carrier.job().state) == (1, JobState.DONE)


async def test_the_local_copy_goes_after_delivery_and_only_when_asked(carrier: Carrier) -> None:
    await carrier.provision()
    kept, _ = carrier.record("rec-1")
    async with carrier.uploader() as worker:
        await carrier.drain(worker)
    assert kept.exists()
    gone, _ = carrier.record("rec-2")
    async with carrier.uploader(remove_after_upload=True) as worker:
        await worker.deliver_due()
        assert (kept.exists(), gone.exists(), carrier.counts["removed"]) == (True, False, 1)
        await worker.recover()
    record = carrier.catalog.recordings.get("rec-1")
    assert record is not None
    assert (kept.exists(), record.local, carrier.counts["removed"]) == (False, False, 2)


async def test_a_recording_whose_directory_is_gone_is_parked(carrier: Carrier) -> None:
    path, _ = carrier.record()
    spool.destroy(carrier.data_dir, path)
    async with carrier.uploader() as worker:
        await carrier.drain(worker)
    assert (carrier.job().state, carrier.job().last_error) == (
        JobState.PARKED,
        "local-missing: the recording's directory is gone",
    )


@pytest.mark.parametrize("key", [None, KEY])
async def test_delivery_as_mp3(carrier: Carrier, key: bytes | None) -> None:
    await carrier.provision()
    carrier.at_rest_key = key
    path, _ = carrier.record(frames=16_000)
    async with carrier.uploader(delivery_format=DeliveryFormat.MP3) as worker:
        await carrier.drain(worker)
    (found,) = await carrier.delivered()
    kept = carrier.platform.platform.files.audio_path(int(found["id"]), "audio/mpeg").read_bytes()
    info = soundfile.info(io.BytesIO(kept))
    assert (info.format, info.frames, info.channels, info.samplerate) == ("MP3", 16_000, 2, 8000)
    assert found["content_sha256"] == hashlib.sha256(kept).hexdigest()
    assert found["meta_tags"]["original-filename"].endswith("_rec-1.mp3")
    names = {"audio.wav", "manifest.json"} | ({"key.json"} if key else set())
    assert {p.name for p in path.iterdir()} == names


async def test_a_platform_with_an_unknown_certificate_gets_nothing(carrier: Carrier) -> None:
    carrier.record()
    async with carrier.uploader(dubber=carrier.config(ca_file=None)) as worker:
        await worker.deliver_due()
    waiting = carrier.job()
    assert (waiting.state, waiting.attempts) == (JobState.PENDING, 1)
    assert waiting.last_error is not None
    assert "its certificate is not trusted" in waiting.last_error


async def test_a_job_parked_by_hand_while_it_runs_stays_parked(carrier: Carrier) -> None:
    await carrier.provision()
    carrier.record()

    def park(name: str, _by: int) -> None:
        if name == "bytes":
            carrier.catalog.uploads.park("rec-1", reason="by hand", now=carrier.clock.now())

    carrier.on_count = park
    async with carrier.uploader() as worker:
        await carrier.drain(worker)
    assert (carrier.job().state, carrier.job().last_error) == (JobState.PARKED, "by hand")


async def test_metadata_and_tags_can_be_set_afterwards(carrier: Carrier) -> None:
    await carrier.provision()
    carrier.record()
    async with carrier.uploader() as worker:
        await carrier.drain(worker)
    remote_id = carrier.job().remote_id
    assert remote_id is not None
    async with DubberClient(carrier.config(), carrier.clock) as client:
        await client.set_tags(remote_id, ("vip", "check"))
        await client.set_metadata(remote_id, {"case": "42"})
        await client.abort("999999999")
    (found,) = await carrier.delivered()
    assert (sorted(found["tags"]), found["metadata"]) == (["check", "vip"], {"case": "42"})


async def test_a_running_worker_is_woken_and_stops_gracefully(carrier: Carrier) -> None:
    await carrier.provision()
    delivered = asyncio.Event()
    carrier.on_count = lambda name, _by: delivered.set() if name == "delivered" else None
    carrier.clock = RealClock()  # type: ignore[assignment]
    async with carrier.uploader(poll_s=600.0) as worker:
        running = asyncio.create_task(worker.run())
        for number in range(3):
            delivered.clear()
            carrier.record(f"rec-{number}", started_at=ANSWERED_AT + timedelta(minutes=number))
            worker.wake()
            await asyncio.wait_for(delivered.wait(), 20)
        worker.stop()
        await asyncio.wait_for(running, 20)
    assert carrier.catalog.uploads.counts()[JobState.DONE] == 3


async def test_a_catalogue_that_cannot_be_written_ends_no_uploader_and_loses_no_job(carrier: Carrier) -> None:
    await carrier.provision()
    carrier.record()
    with closing(sqlite3.connect(carrier.data_dir / "catalog.sqlite3", isolation_level=None)) as database:
        database.execute(
            "CREATE TRIGGER broken BEFORE UPDATE ON upload_jobs WHEN NEW.state != 'running'"
            " BEGIN SELECT RAISE(ABORT, 'the disk is full'); END"
        )
        async with carrier.uploader() as worker:
            (job,) = await worker._claim_or_none(1)
            await worker._deliver(job)
            assert (carrier.job().state, await worker._claim_or_none(1)) == (JobState.RUNNING, ())
            database.execute("DROP TRIGGER broken")
            carrier.clock.shared.advance(60)
            (job,) = await worker._claim_or_none(1)
            await worker._deliver(job)
    assert (carrier.job().state, len(await carrier.delivered())) == (JobState.DONE, 1)


class Stumbles(DubberClient):
    """A client with a fault of its own."""

    async def find_dub_point(self, key: DubPointKey) -> DubPoint | None:
        raise ZeroDivisionError


async def test_a_fault_of_ours_is_waited_out_like_any_other(carrier: Carrier) -> None:
    carrier.record()
    carrier.client_class = Stumbles
    async with carrier.uploader() as worker:
        await worker.deliver_due()
    assert (carrier.job().state, carrier.job().last_error) == (JobState.PENDING, "internal: ZeroDivisionError")


class NeverReturns(DubberClient):
    """A client that waits for a platform that does not answer."""

    reached: asyncio.Event

    async def find_dub_point(self, key: DubPointKey) -> DubPoint | None:
        self.reached.set()
        never: asyncio.Future[DubPoint | None] = asyncio.get_running_loop().create_future()
        return await never


async def test_a_stop_gives_back_what_cannot_be_finished(carrier: Carrier) -> None:
    carrier.record()
    NeverReturns.reached = asyncio.Event()
    carrier.client_class = NeverReturns
    async with carrier.uploader(stop_grace_s=0.0) as worker:
        running = asyncio.create_task(worker.run())
        await NeverReturns.reached.wait()
        worker.stop()
        await running
    assert (carrier.job().state, carrier.job().attempts) == (JobState.PENDING, 0)


class ShowsNoDigest(DubberClient):
    """A platform that keeps size and digest to itself."""

    async def get_recording(self, remote_id: str) -> RemoteRecording:
        return replace(await super().get_recording(remote_id), size_bytes=None, sha256=None)


async def test_without_a_confirmed_digest_the_local_copy_stays(carrier: Carrier) -> None:
    await carrier.provision()
    path, _ = carrier.record()
    carrier.client_class = ShowsNoDigest
    async with carrier.uploader(remove_after_upload=True) as worker:
        await carrier.drain(worker)
        await worker.recover()
    assert (path.exists(), carrier.job().state, carrier.counts["unconfirmed"], carrier.counts["removed"]) == (
        True,
        JobState.DONE,
        1,
        0,
    )
    assert carrier.job().last_error == "unconfirmed: the platform shows no size or digest"


class NeverActive(DubberClient):
    """A platform that takes everything and never gets done."""

    async def get_recording(self, remote_id: str) -> RemoteRecording:
        return replace(await super().get_recording(remote_id), status="Processing")


async def test_a_completion_that_does_not_show_is_asked_for_again(carrier: Carrier) -> None:
    await carrier.provision()
    carrier.record()
    carrier.client_class = NeverActive
    async with carrier.uploader() as worker:
        await worker.deliver_due()
    assert (carrier.job().state, carrier.job().last_error) == (
        JobState.PENDING,
        "garbled: complete, but Processing",
    )
    carrier.client_class = DubberClient
    async with carrier.uploader() as worker:
        await carrier.drain(worker)
    assert (carrier.job().state, len(await carrier.delivered()), carrier.counts["bytes"]) == (
        JobState.DONE,
        1,
        WAV_BYTES,
    )
