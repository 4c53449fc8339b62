"""The files of a recording: what lies on the disk, and what is told, in good days and when the disk is full."""

from __future__ import annotations

import hashlib
import json
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from callmodel.manifest import Mark, MarkKind
from mediaserver.media.messages import RecordingDestroyed, RecordingFailed, RecordingFinished, StartRecording
from mediaserver.media.sink import RecordingEnd
from mediaserver.runtime.worker.recording_file import RecordingFile, _reason
from mediaserver.runtime.worker.writer import InlineWriter, WriterThread
from spool.chunks import ChunkReader
from spool.errors import DiskFaultError, DiskFullError

RATE = 8000
KEY = bytes(range(32))


def started(directory: Path, **changes: object) -> StartRecording:
    facts: dict[str, object] = {
        "call_id": "c-1",
        "recording_id": "r-1",
        "user_leg": 1,
        "other_leg": 2,
        "directory": str(directory),
        "sample_rate_hz": RATE,
        "at": 12.0,
        "answered_at": 10.0,
    }
    return StartRecording(**{**facts, **changes})  # type: ignore[arg-type]


def ended(samples: int, *, keep: bool = True, marks: tuple[Mark, ...] = (), heard: int = 0) -> RecordingEnd:
    return RecordingEnd(keep=keep, samples=samples, heard_samples=heard, first_sample_at=12.0, marks=marks)


def speech(samples: int, seed: int = 1, channels: int = 2) -> NDArray[np.int16]:
    return np.random.default_rng(seed).integers(-20000, 20000, (samples, channels)).astype(np.int16)


@contextmanager
def files_no_longer_than(size_bytes: int) -> Iterator[None]:
    """The kernel refuses to let any file of this process grow further, much as a full disk does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def finished(file: RecordingFile) -> RecordingFinished:
    last = file.news[-1]
    assert isinstance(last, RecordingFinished)
    return last


def test_a_whole_recording_is_a_wav_with_its_digest(tmp_path: Path) -> None:
    file = RecordingFile(started(tmp_path))
    blocks = [speech(RATE, 1), speech(RATE, 2), speech(1234, 3)]
    for block in blocks:
        file.write(block)
    mark = Mark(kind=MarkKind.CODE, file_ms=5.0, call_ms=2005.0)
    file.finish(ended(17234, marks=(mark,)))
    raw = (tmp_path / "audio.part").read_bytes()
    samples, rate = soundfile.read(tmp_path / "audio.part", dtype="int16")
    assert rate == RATE
    assert np.array_equal(samples, np.concatenate(blocks))
    assert file.news == [
        RecordingFinished(
            recording_id="r-1",
            sample_rate_hz=RATE,
            samples=17234,
            size_bytes=len(raw),
            sha256=hashlib.sha256(raw).hexdigest(),
            encrypted=False,
            heard=None,
            marks=(mark,),
            first_sample_at=12.0,
        )
    ]


def test_every_block_is_in_the_file_when_write_returns(tmp_path: Path) -> None:
    """A killed process loses nothing that was handed over."""
    file = RecordingFile(started(tmp_path))
    block = speech(RATE)
    file.write(block)
    assert (tmp_path / "audio.part").read_bytes()[44:] == block.tobytes()
    file.abandon()
    assert file.news == []


def test_an_encrypted_recording_tells_size_and_digest_of_the_plain_one(tmp_path: Path) -> None:
    plain, sealed = tmp_path / "plain", tmp_path / "sealed"
    for directory, key in ((plain, None), (sealed, KEY)):
        directory.mkdir()
        file = RecordingFile(started(directory, key=key, heard=True))
        file.write(speech(RATE))
        file.write_heard(speech(RATE, 2, channels=4))
        file.finish(ended(RATE, heard=RATE))
        if key is None:
            told = finished(file)
    again = finished(file)
    assert (again.size_bytes, again.sha256, again.heard) == (told.size_bytes, told.sha256, told.heard)
    assert (told.encrypted, again.encrypted) == (False, True)
    with ChunkReader(sealed / "audio.part", KEY) as reader:
        assert reader.read() == (plain / "audio.part").read_bytes()
    assert (plain / "audio.part").read_bytes()[44:1044] not in (sealed / "audio.part").read_bytes()


def test_heard_is_four_tracks_of_flac(tmp_path: Path) -> None:
    file = RecordingFile(started(tmp_path, heard=True))
    blocks = [speech(RATE, 1, channels=4), speech(777, 2, channels=4)]
    for block in blocks:
        file.write(speech(len(block)))
        file.write_heard(block)
    file.finish(ended(RATE + 777, heard=RATE + 777))
    raw = (tmp_path / "heard.part").read_bytes()
    samples, _ = soundfile.read(tmp_path / "heard.part", dtype="int16")
    assert np.array_equal(samples, np.concatenate(blocks))
    assert finished(file).heard == (RATE + 777, len(raw), hashlib.sha256(raw).hexdigest())


def test_marks_are_lines_as_they_become_known(tmp_path: Path) -> None:
    file = RecordingFile(started(tmp_path))
    file.mark(Mark(kind=MarkKind.HOLD, file_ms=1.0, call_ms=2.0))
    file.mark(Mark(kind=MarkKind.CODE, file_ms=3.0, call_ms=4.0))
    lines = [json.loads(line) for line in (tmp_path / "marks.jsonl").read_text().splitlines()]
    assert [(line["kind"], line["file_ms"]) for line in lines] == [("hold", 1.0), ("code", 3.0)]
    file.abandon()


def test_what_is_not_kept_is_unlinked(tmp_path: Path) -> None:
    file = RecordingFile(started(tmp_path, heard=True, key=KEY))
    file.write(speech(RATE))
    file.write_heard(speech(RATE, channels=4))
    file.mark(Mark(kind=MarkKind.HOLD, file_ms=1.0, call_ms=2.0))
    file.finish(ended(RATE, keep=False))
    assert (list(tmp_path.iterdir()), file.news) == ([], [RecordingDestroyed(recording_id="r-1")])


def test_abandoned_files_stay_for_salvage(tmp_path: Path) -> None:
    file = RecordingFile(started(tmp_path, heard=True))
    file.write(speech(RATE))
    file.abandon()
    file.abandon()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["audio.part", "heard.part", "marks.jsonl"]
    assert file.news == []


def test_no_directory_is_a_failed_recording(tmp_path: Path) -> None:
    """Blocks go nowhere, and the end says that there is nothing."""
    file = RecordingFile(started(tmp_path / "missing"))
    file.write(speech(RATE))
    file.finish(ended(RATE))
    assert file.news == [
        RecordingFailed(recording_id="r-1", reason="disk-error"),
        RecordingDestroyed(recording_id="r-1"),
    ]


def test_lost_blocks_become_silence_and_a_counted_gap(tmp_path: Path) -> None:
    """What comes after the trouble is in its place; the recording is told as not complete; one failure is told."""
    file = RecordingFile(started(tmp_path))
    first, lost, last = speech(RATE, 1), speech(RATE, 2), speech(RATE, 3)
    file.write(first)
    with files_no_longer_than(40000):
        file.write(lost)
        file.write(lost)
    file.write(last)
    pause = Mark(kind=MarkKind.PAUSE, file_ms=500.0, call_ms=2500.0, length_ms=3000.0)
    file.finish(ended(4 * RATE, marks=(pause,)))
    samples, _ = soundfile.read(tmp_path / "audio.part", dtype="int16")
    assert np.array_equal(samples, np.concatenate([first, np.zeros((2 * RATE, 2), np.int16), last]))
    told = finished(file)
    gap = Mark(kind=MarkKind.GAP, file_ms=1000.0, call_ms=6000.0, length_ms=2000.0, detail={"reason": "disk-error"})
    assert (told.complete, told.samples, told.marks) == (False, 4 * RATE, (pause, gap))
    assert file.news[:-1] == [RecordingFailed(recording_id="r-1", reason="disk-error")]


def test_a_disk_that_stays_full_leaves_a_shorter_file_that_says_so(tmp_path: Path) -> None:
    file = RecordingFile(started(tmp_path))
    file.write(speech(RATE, 1))
    with files_no_longer_than(40000):
        file.write(speech(RATE, 2))
        file.finish(ended(2 * RATE))
    told = finished(file)
    samples, _ = soundfile.read(tmp_path / "audio.part", dtype="int16")
    assert (told.complete, told.samples, len(samples)) == (False, RATE, RATE)
    assert [(mark.file_ms, mark.length_ms) for mark in told.marks] == [(1000.0, 1000.0)]


def test_a_full_disk_has_its_own_slug() -> None:
    assert (_reason(DiskFullError("full")), _reason(DiskFaultError("broken"))) == ("disk-full", "disk-error")


def test_tracks_that_cannot_be_written_end_while_the_recording_goes_on(tmp_path: Path) -> None:
    file = RecordingFile(started(tmp_path, heard=True))
    with files_no_longer_than(60000):
        for seed in range(3):
            file.write_heard(speech(RATE, seed, channels=4))
    file.write(speech(RATE))
    file.finish(ended(RATE, heard=3 * RATE))
    told = finished(file)
    assert (told.heard, told.samples, told.complete) == (None, RATE, False)
    assert file.news[0] == RecordingFailed(recording_id="r-1", reason="disk-error")


def test_sync_of_a_file_that_is_gone_fails_the_recording(tmp_path: Path) -> None:
    file = RecordingFile(started(tmp_path))
    file.sync()
    assert file.news == []
    (tmp_path / "audio.part").unlink()
    file.sync()
    assert file.news == [RecordingFailed(recording_id="r-1", reason="disk-error")]
    file.abandon()


def test_a_mark_the_disk_refuses_fails_the_recording(tmp_path: Path) -> None:
    file = RecordingFile(started(tmp_path))
    with files_no_longer_than(10):
        file.mark(Mark(kind=MarkKind.HOLD, file_ms=1.0, call_ms=2.0))
    assert file.news == [RecordingFailed(recording_id="r-1", reason="disk-error")]
    file.abandon()


def test_what_cannot_be_read_back_is_told_as_failed_and_not_complete(tmp_path: Path) -> None:
    file = RecordingFile(started(tmp_path))
    file.write(speech(RATE))
    (tmp_path / "audio.part").unlink()
    file.finish(ended(RATE))
    assert file.news[0] == RecordingFailed(recording_id="r-1", reason="disk-error")
    assert (finished(file).complete, finished(file).sha256) == (False, "")


def test_the_inline_writer_has_done_it_all_when_it_returns(tmp_path: Path) -> None:
    sink = InlineWriter(lambda: 0.0).open_sink(started(tmp_path, heard=True))
    sink.write(speech(RATE))
    sink.write_heard(speech(RATE, channels=4))
    sink.mark(Mark(kind=MarkKind.HOLD, file_ms=1.0, call_ms=2.0))
    assert sink.poll() is None
    sink.finish(ended(RATE, heard=RATE))
    told = sink.poll()
    assert isinstance(told, RecordingFinished)
    assert (told.complete, told.samples, sink.poll()) == (True, RATE, None)


def test_the_thread_writes_what_was_queued_before_it_closes(tmp_path: Path) -> None:
    writer = WriterThread(sync_interval_s=0.0)
    sinks = []
    for name in "ab":
        (tmp_path / name).mkdir()
        sinks.append(writer.open_sink(started(tmp_path / name)))
    for seed in range(20):
        for sink in sinks:
            sink.write(speech(RATE, seed))
    sinks[0].finish(ended(20 * RATE))
    sinks[1].abandon()
    writer.close()
    told = sinks[0].poll()
    assert isinstance(told, RecordingFinished)
    assert (told.complete, told.samples, sinks[1].poll()) == (True, 20 * RATE, None)
    assert (tmp_path / "b" / "audio.part").stat().st_size == 44 + 20 * RATE * 4
    assert (writer.queued_bytes, writer.refused) == (0, 0)


def stand_still(fifo: Path) -> None:
    assert fifo.read_bytes() == b"go on"


def test_a_queue_that_is_full_costs_counted_silence_and_no_waiting(tmp_path: Path) -> None:
    """The disk stands still (a FIFO nobody reads); what the queue does not take is told, and stands as silence."""
    (tmp_path / "fast").mkdir()
    os.mkfifo(tmp_path / "fifo")
    writer = WriterThread(queue_bytes=3 * RATE * 4)
    writer._submit(lambda: stand_still(tmp_path / "fifo"), 0)
    sink = writer.open_sink(started(tmp_path / "fast"))
    blocks = [speech(RATE, seed) for seed in range(5)]
    for block in blocks:
        sink.write(block)
    assert writer.refused == 2
    (tmp_path / "fifo").write_bytes(b"go on")
    while writer.queued_bytes:
        os.sched_yield()
    sink.write(blocks[0])
    sink.finish(ended(6 * RATE))
    writer.close()
    assert sink.poll() == RecordingFailed(recording_id="r-1", reason="queue-full")
    told = sink.poll()
    assert isinstance(told, RecordingFinished)
    samples, _ = soundfile.read(tmp_path / "fast" / "audio.part", dtype="int16")
    assert np.array_equal(samples, np.concatenate([*blocks[:3], np.zeros((2 * RATE, 2), np.int16), blocks[0]]))
    assert (told.complete, [(m.file_ms, m.length_ms, m.detail) for m in told.marks]) == (
        False,
        [(3000.0, 2000.0, {"reason": "queue-full"})],
    )


def test_tracks_the_queue_does_not_take_end(tmp_path: Path) -> None:
    writer = WriterThread(queue_bytes=RATE * 4)
    sink = writer.open_sink(started(tmp_path, heard=True))
    sink.write_heard(speech(RATE, channels=4))
    sink.finish(ended(0, heard=RATE))
    writer.close()
    assert sink.poll() == RecordingFailed(recording_id="r-1", reason="queue-full")
    told = sink.poll()
    assert isinstance(told, RecordingFinished)
    assert told.heard is None


def test_a_block_nobody_can_write_fails_one_recording_and_not_the_thread(tmp_path: Path) -> None:
    """Our own mistake (a block that is no array) is told like a disk's."""
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    writer = WriterThread()
    broken, sound = writer.open_sink(started(tmp_path / "a")), writer.open_sink(started(tmp_path / "b"))
    broken.write(np.array([["no", "sound"]]))
    sound.write(speech(RATE))
    sound.finish(ended(RATE))
    broken.abandon()
    writer.close()
    told = sound.poll()
    assert isinstance(told, RecordingFinished)
    assert (told.complete, broken.poll()) == (True, RecordingFailed(recording_id="r-1", reason="disk-error"))
