from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import md5, sha256
from pathlib import Path
from typing import Any

import pytest

from callmodel.manifest import Party, RecordingManifest
from callmodel.modes import Language, NotificationType, RecordingMode, RecordingResult
from callmodel.subscriber import DubPointKey, RecordingSettings, Subscriber
from catalog import (
    CallEvent,
    CallRecord,
    Catalog,
    JobState,
    RecordingRecord,
    UnknownSubscriberError,
    UploadJob,
    UploadProgress,
)
from tests.support.databases import Databases
from tests.support.recordings import finished

NOW = datetime(2026, 3, 4, 9, 30, tzinfo=UTC)
LATER = NOW + timedelta(minutes=5)
FULL = Subscriber(
    number="1005",
    name="Élodie",
    language=Language.FR,
    mailbox=True,
    no_answer_s=30,
    recording=RecordingSettings(
        mode=RecordingMode.ALWAYS_PAUSE_RESUME,
        announce_internal=True,
        announce_pstn=True,
        notification=NotificationType.ANNOUNCEMENT,
        reminder_s=10,
        record_voicemail=True,
    ),
    dub_point=DubPointKey(service_provider="sp", external_group="g", external_identifier="1005@x"),
)


@pytest.fixture
def catalog(databases: Databases) -> Iterator[Catalog]:
    with Catalog.open(databases.catalog()) as opened:
        yield opened


def test_a_subscriber_comes_back_whole(catalog: Catalog) -> None:
    catalog.subscribers.upsert(FULL, now=NOW)
    assert catalog.subscribers.get("1005") == FULL
    assert catalog.subscribers.get("1006") is None


def test_upsert_replaces_all_but_the_password(catalog: Catalog) -> None:
    catalog.subscribers.upsert(FULL, now=NOW)
    catalog.subscribers.set_password("1005", "secret", realm="r", now=NOW)
    before = catalog.subscribers.credentials("1005")
    catalog.subscribers.upsert(Subscriber(number="1005"), now=LATER)
    assert catalog.subscribers.get("1005") == Subscriber(number="1005")
    assert catalog.subscribers.credentials("1005") == before


def test_of_a_password_only_the_two_digests_are_kept(catalog: Catalog) -> None:
    catalog.subscribers.upsert(FULL, now=NOW)
    assert catalog.subscribers.credentials("1005") is None
    catalog.subscribers.set_password("1005", "sécret", realm="carrier.test", now=NOW)
    found = catalog.subscribers.credentials("1005")
    assert found is not None
    text = "1005:carrier.test:sécret".encode()
    assert (found.realm, found.ha1_md5, found.ha1_sha256) == (
        "carrier.test",
        md5(text).hexdigest(),
        sha256(text).hexdigest(),
    )
    assert found.ha1_md5 not in repr(found)
    assert catalog.subscribers.all_credentials() == {"1005": found}


def test_a_password_needs_its_subscriber(catalog: Catalog) -> None:
    with pytest.raises(UnknownSubscriberError, match="1005"):
        catalog.subscribers.set_password("1005", "x", realm="r", now=NOW)


def test_subscribers_are_listed_in_pages_and_searched(catalog: Catalog) -> None:
    for number, name in (("1001", "Ann"), ("1002", "Joanna"), ("1003", "100%_sure")):
        catalog.subscribers.upsert(Subscriber(number=number, name=name), now=NOW)
    assert [s.number for s in catalog.subscribers.list(after="1001", limit=1)] == ["1002"]
    assert [s.number for s in catalog.subscribers.search("ANN")] == ["1001", "1002"]
    assert [s.number for s in catalog.subscribers.search("%_")] == ["1003"]
    assert [s.number for s in catalog.subscribers.search("002")] == ["1002"]


def test_every_edit_raises_the_version(catalog: Catalog) -> None:
    versions = [catalog.subscribers.version()]
    catalog.subscribers.upsert(FULL, now=NOW)
    versions.append(catalog.subscribers.version())
    catalog.subscribers.set_password("1005", "x", realm="r", now=NOW)
    versions.append(catalog.subscribers.version())
    assert catalog.subscribers.delete("1005") is True
    versions.append(catalog.subscribers.version())
    assert versions == [0, 1, 2, 3]
    assert catalog.subscribers.delete("1005") is False


def test_settings_are_any_json(catalog: Catalog) -> None:
    catalog.settings.set("feature_codes", {"start": ["*44", None]}, now=NOW)
    catalog.settings.set("feature_codes", {"start": ["*54", None]}, now=LATER)
    catalog.settings.set("group_id", "g", now=NOW)
    assert catalog.settings.all() == {"feature_codes": {"start": ["*54", None]}, "group_id": "g"}
    assert (catalog.settings.get("group_id"), catalog.settings.get("none", 7)) == ("g", 7)
    assert (catalog.settings.delete("group_id"), catalog.settings.delete("group_id")) == (True, False)
    assert catalog.settings.version() == 5


def call(call_id: str, minutes: int = 0, caller: str = "1001") -> CallRecord:
    return CallRecord(
        call_id=call_id,
        external_tracking_id="t-" + call_id,
        caller=Party(number=caller, label="A"),
        callee=Party(number="9002"),
        started_at=NOW + timedelta(minutes=minutes),
    )


def test_a_call_is_added_and_completed(catalog: Catalog) -> None:
    catalog.calls.put(call("c1"))
    ended = CallRecord(
        call_id="c1",
        external_tracking_id="t",
        caller=Party(number="1001"),
        callee=Party(number="9002"),
        started_at=NOW,
        answered_at=NOW,
        ended_at=LATER,
        result="answered",
        cause="caller: BYE",
    )
    catalog.calls.put(ended)
    assert (catalog.calls.get("c1"), catalog.calls.get("c2")) == (ended, None)


def test_calls_are_listed_newest_first_in_pages(catalog: Catalog) -> None:
    for name, minute, caller in (("a", 0, "1001"), ("b", 1, "1002"), ("c", 1, "1001"), ("d", 2, "1001")):
        catalog.calls.put(call(name, minute, caller))
    first = catalog.calls.list(limit=2)
    rest = catalog.calls.list(before=(first[-1].started_at, first[-1].call_id))
    assert ([c.call_id for c in first], [c.call_id for c in rest]) == (["d", "c"], ["b", "a"])
    assert [c.call_id for c in catalog.calls.list(number="1002")] == ["b"]
    assert len(catalog.calls.list(number="9002")) == 4


def test_events_keep_their_order_and_go_with_the_call(catalog: Catalog) -> None:
    catalog.calls.put(call("c1"))
    events = (CallEvent(at=LATER, kind="b", data={"x": [1]}), CallEvent(at=NOW, kind="a"))
    catalog.calls.add_events("c1", events)
    catalog.calls.add_events("c1", ())
    assert catalog.calls.events("c1") == events
    assert catalog.calls.delete_before(LATER) == 1
    assert catalog.calls.events("c1") == ()


def made(data_dir: Path, name: str = "rec-1", minutes: int = 0, **changes: Any) -> tuple[Path, RecordingManifest]:
    return finished(data_dir, name, frames=10, started_at=NOW + timedelta(minutes=minutes), **changes)


def test_a_recording_and_its_job_appear_together_and_once(catalog: Catalog, tmp_path: Path) -> None:
    path, manifest = made(tmp_path)
    assert catalog.recordings.add_finished(manifest, path, now=NOW) is True
    assert (catalog.recordings.version(), catalog.uploads.version()) == (1, 1)
    assert catalog.recordings.add_finished(manifest, tmp_path, now=LATER) is False
    assert catalog.recordings.get("rec-1") == RecordingRecord(
        manifest=manifest, path=path, local=True, added_at=NOW, upload_state=JobState.PENDING, remote_id=None
    )
    assert catalog.uploads.list() == (
        UploadJob(recording_id="rec-1", state=JobState.PENDING, attempts=0, next_at=NOW, updated_at=NOW),
    )


def test_failed_recordings_are_listed_but_not_delivered(catalog: Catalog, tmp_path: Path) -> None:
    from dataclasses import replace

    path, manifest = made(tmp_path)
    catalog.recordings.add_finished(replace(manifest, result=RecordingResult.FAILED), path, now=NOW)
    found = catalog.recordings.get("rec-1")
    assert found is not None
    assert (found.upload_state, catalog.uploads.list()) == (None, ())


def test_recordings_are_found_by_user_call_and_time(catalog: Catalog, tmp_path: Path) -> None:
    for name, minute, user, call_id in (("a", 0, "1001", "x"), ("b", 1, "1002", "x"), ("c", 2, "1001", "y")):
        path, manifest = made(tmp_path, name, minute, user=user, call_id=call_id)
        catalog.recordings.add_finished(manifest, path, now=NOW)

    def names(**query: Any) -> list[str]:
        return [r.manifest.recording_id for r in catalog.recordings.list(**query)]

    assert names() == ["c", "b", "a"]
    assert names(user="1001") == ["c", "a"]
    assert names(call_id="x") == ["b", "a"]
    assert names(since=NOW + timedelta(minutes=1), until=NOW + timedelta(minutes=2)) == ["b"]
    assert names(before=(NOW + timedelta(minutes=1), "b"), limit=5) == ["a"]


def test_a_removed_local_copy_is_noted_and_a_recording_forgotten(catalog: Catalog, tmp_path: Path) -> None:
    path, manifest = made(tmp_path)
    catalog.recordings.add_finished(manifest, path, now=NOW)
    catalog.recordings.mark_local_removed("rec-1")
    found = catalog.recordings.get("rec-1")
    assert found is not None
    assert found.local is False
    assert (catalog.recordings.delete("rec-1"), catalog.recordings.delete("rec-1")) == (True, False)
    assert catalog.uploads.list() == ()


@pytest.fixture
def queued(catalog: Catalog, tmp_path: Path) -> Catalog:
    for name in ("a", "b", "c"):
        path, manifest = made(tmp_path, name)
        catalog.recordings.add_finished(manifest, path, now=NOW)
    return catalog


def test_a_claimed_job_is_nobody_elses(queued: Catalog) -> None:
    assert [j.recording_id for j in queued.uploads.claim_due(NOW, limit=2)] == ["a", "b"]
    assert [(j.recording_id, j.state) for j in queued.uploads.claim_due(NOW, limit=9)] == [("c", JobState.RUNNING)]
    assert queued.uploads.claim_due(NOW) == ()
    assert queued.uploads.next_due_at() is None


def test_a_job_is_not_claimed_before_its_time(queued: Catalog) -> None:
    queued.uploads.claim_due(NOW, limit=3)
    assert queued.uploads.report_retry("a", attempts=1, next_at=LATER, error="timeout", now=NOW) is True
    assert queued.uploads.claim_due(LATER - timedelta(seconds=1)) == ()
    assert queued.uploads.next_due_at() == LATER
    (job,) = queued.uploads.claim_due(LATER)
    assert (job.attempts, job.last_error) == (1, "timeout")


def test_progress_survives(queued: Catalog) -> None:
    queued.uploads.claim_due(NOW)
    progress = UploadProgress(sha256="ab", size_bytes=9, part_size_bytes=5, parts=((1, '"x"'), (2, '"y"')))
    assert queued.uploads.save_progress("a", remote_id="42", progress=progress, now=NOW) is True
    job = queued.uploads.get("a")
    assert job is not None
    assert (job.remote_id, job.progress) == ("42", progress)


def test_reports_on_a_job_that_was_parked_meanwhile_change_nothing(queued: Catalog) -> None:
    queued.uploads.claim_due(NOW)
    assert queued.uploads.park("a", reason="by hand", now=NOW) is True
    before = queued.uploads.get("a")
    assert queued.uploads.report_done("a", remote_id="1", now=NOW) is False
    assert queued.uploads.report_retry("a", attempts=1, next_at=NOW, error=None, now=NOW) is False
    assert queued.uploads.report_parked("a", attempts=1, reason="x", now=NOW) is False
    assert queued.uploads.save_progress("a", remote_id=None, progress=UploadProgress(), now=NOW) is False
    assert queued.uploads.get("a") == before


def test_parking_and_retrying_by_hand(queued: Catalog) -> None:
    queued.uploads.claim_due(NOW)
    assert queued.uploads.retry("a", now=NOW) is False
    assert queued.uploads.report_parked("a", attempts=3, reason="r" * 5000, now=NOW) is True
    parked = queued.uploads.get("a")
    assert parked is not None
    assert (parked.state, parked.attempts, parked.last_error) == (JobState.PARKED, 3, "r" * 2000)
    assert queued.uploads.park("a", reason="again", now=NOW) is False
    assert queued.uploads.retry("a", now=LATER) is True
    again = queued.uploads.get("a")
    assert again is not None
    assert (again.state, again.attempts, again.next_at) == (JobState.PENDING, 0, LATER)


def test_all_that_is_parked_is_retried_at_once(queued: Catalog) -> None:
    queued.uploads.claim_due(NOW, limit=9)
    assert queued.uploads.retry_all(JobState.PARKED, JobState.PENDING, now=LATER) == 0
    assert queued.uploads.report_parked("a", attempts=3, reason="x", now=NOW) is True
    assert queued.uploads.retry_all(JobState.PENDING, now=LATER) == 0
    assert queued.uploads.retry_all(JobState.PARKED, now=LATER) == 1
    again = queued.uploads.get("a")
    assert again is not None
    assert (again.state, again.attempts, again.next_at) == (JobState.PENDING, 0, LATER)
    with pytest.raises(ValueError, match="only what is pending or parked"):
        queued.uploads.retry_all(JobState.DONE, now=LATER)


def test_a_delivered_job_stays_delivered(queued: Catalog) -> None:
    queued.uploads.claim_due(NOW)
    assert queued.uploads.report_done("a", remote_id="77", now=NOW) is True
    assert (queued.uploads.retry("a", now=NOW), queued.uploads.park("a", reason="x", now=NOW)) == (False, False)
    found = queued.recordings.get("a")
    assert found is not None
    assert (found.upload_state, found.remote_id) == (JobState.DONE, "77")
    assert queued.uploads.counts() == {
        JobState.PENDING: 2,
        JobState.RUNNING: 0,
        JobState.PARKED: 0,
        JobState.DONE: 1,
    }
    assert [j.recording_id for j in queued.uploads.list(state=JobState.DONE)] == ["a"]


def test_jobs_left_running_by_a_crash_are_taken_up_again(queued: Catalog) -> None:
    queued.uploads.claim_due(NOW, limit=2)
    assert queued.uploads.release_running(LATER) == 2
    assert len(queued.uploads.claim_due(LATER, limit=9)) == 3


def test_removable_is_what_was_confirmed_and_is_still_here(queued: Catalog) -> None:
    queued.uploads.claim_due(NOW, limit=3)
    queued.uploads.report_done("a", remote_id="1", now=NOW)
    queued.uploads.report_done("b", remote_id="2", now=NOW, note="unconfirmed")
    assert [r.manifest.recording_id for r in queued.recordings.removable()] == ["a"]
    queued.recordings.mark_local_removed("a")
    assert queued.recordings.removable() == ()


def test_a_retry_by_hand_forgets_the_restarts(queued: Catalog) -> None:
    queued.uploads.claim_due(NOW)
    progress = UploadProgress(sha256="ab", restarts=2)
    queued.uploads.save_progress("a", remote_id=None, progress=progress, now=NOW)
    queued.uploads.report_parked("a", attempts=3, reason="mismatch", now=NOW)
    queued.uploads.retry("a", now=LATER)
    job = queued.uploads.get("a")
    assert job is not None
    assert job.progress == UploadProgress(sha256="ab", restarts=0)
