"""Crashes: the world stops after any single file-system operation, and the next start settles what is left."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import spool
from callmodel.manifest import Mark, MarkKind
from spool.salvage import Fate
from tests.support.recordings import ANSWERED_AT, descriptor, finished, manifest_of, pcm, write_audio

KEY = bytes(range(32))
BODY = pcm(1000)


class Crashed(BaseException):
    """The power went."""


class FailingDisk(spool.Disk):
    """Does ``allowed`` operations, then no more. A write that is cut off leaves half of its bytes."""

    def __init__(self, allowed: int) -> None:
        self.left = allowed

    def _one(self) -> None:
        if self.left == 0:
            raise Crashed
        self.left -= 1

    def write(self, path: Path, data: bytes) -> None:
        if self.left == 0:
            path.write_bytes(data[: len(data) // 2])
        self._one()
        super().write(path, data)

    def overwrite(self, path: Path, offset: int, data: bytes) -> None:
        if self.left == 0:
            super().overwrite(path, offset, data[: len(data) // 2])
        self._one()
        super().overwrite(path, offset, data)


def _guarded(name: str) -> Callable[..., None]:
    def operation(self: FailingDisk, *arguments: Any) -> None:
        self._one()
        getattr(spool.Disk, name)(self, *arguments)

    return operation


for _name in ("make_dir", "truncate", "sync_file", "sync_dir", "rename", "unlink", "remove_dir"):
    setattr(FailingDisk, _name, _guarded(_name))


def steps_until_done(action: Callable[[spool.Disk], object]) -> int:
    """How many operations an action takes when nothing stops it."""
    disk = FailingDisk(10_000)
    action(disk)
    return 10_000 - disk.left


def ready(data_dir: Path, key: bytes | None, **changes: Any) -> tuple[spool.OpenRecording, spool.Descriptor]:
    facts = descriptor(**changes)
    opened = spool.open_recording(data_dir, facts, at_rest_key=key)
    write_audio(opened, BODY, block=1000)
    (opened.directory / spool.MARKS_FILE).write_bytes(b"")
    (opened.directory / spool.HEARD_PART).write_bytes(b"tracks")
    return opened, facts


@pytest.mark.parametrize("key", [None, KEY])
def test_sealing_is_finished_whatever_step_the_crash_hit(tmp_path: Path, key: bytes | None) -> None:
    opened, facts = ready(tmp_path / "dry", key)
    manifest = manifest_of(facts, opened)
    total = steps_until_done(lambda disk: spool.seal(tmp_path / "dry", manifest, disk=disk))
    assert total >= 10
    for step in range(total):
        data_dir = tmp_path / str(step)
        opened, facts = ready(data_dir, key)
        manifest = manifest_of(facts, opened)
        with pytest.raises(Crashed):
            spool.seal(data_dir, manifest, disk=FailingDisk(step))
        complete = list(spool.finished_recordings(data_dir))
        swept = spool.salvage_sweep(data_dir, at_rest_key=key)
        if complete:
            assert swept == ()
        else:
            assert [s.fate for s in swept] in ([Fate.FINISHED], [Fate.SALVAGED])
        (directory,) = spool.finished_recordings(data_dir)
        found = spool.read_manifest(directory)
        spool.verify(directory, at_rest_key=key)
        assert (found.audio, found.duration_ms) == (manifest.audio, manifest.duration_ms)
        expected = {"audio.wav", "manifest.json"} | ({"key.json"} if key else set())
        assert {p.name for p in directory.iterdir()} == expected
        assert list((data_dir / "spool").iterdir()) == []


@pytest.mark.parametrize("key", [None, KEY])
def test_a_salvage_that_crashes_itself_is_finished_by_the_next(tmp_path: Path, key: bytes | None) -> None:
    def broken(data_dir: Path) -> None:
        opened, _ = ready(data_dir, key)
        path = opened.directory / spool.AUDIO_PART
        os.truncate(path, path.stat().st_size - 3)

    broken(tmp_path / "dry")
    total = steps_until_done(lambda disk: spool.salvage_sweep(tmp_path / "dry", at_rest_key=key, disk=disk))
    (expected,) = (spool.read_manifest(d) for d in spool.finished_recordings(tmp_path / "dry"))
    for step in range(total):
        data_dir = tmp_path / str(step)
        broken(data_dir)
        with pytest.raises(Crashed):
            spool.salvage_sweep(data_dir, at_rest_key=key, disk=FailingDisk(step))
        spool.salvage_sweep(data_dir, at_rest_key=key)
        (directory,) = spool.finished_recordings(data_dir)
        assert spool.read_manifest(directory) == expected
        spool.verify(directory, at_rest_key=key)


@pytest.mark.parametrize("sealed", [False, True])
def test_destroying_is_finished_whatever_step_the_crash_hit(tmp_path: Path, sealed: bool) -> None:
    def make(data_dir: Path) -> Path:
        if sealed:
            return finished(data_dir, at_rest_key=KEY)[0]
        return ready(data_dir, KEY, kept=False)[0].directory

    directory = make(tmp_path / "dry")
    total = steps_until_done(lambda disk: spool.destroy(tmp_path / "dry", directory, disk=disk))
    for step in range(2, total):
        data_dir = tmp_path / str(step)
        directory = make(data_dir)
        with pytest.raises(Crashed):
            spool.destroy(data_dir, directory, disk=FailingDisk(step))
        spool.salvage_sweep(data_dir, at_rest_key=KEY)
        assert [p for p in data_dir.rglob("*") if p.is_file()] == []


@pytest.mark.parametrize("key", [None, KEY])
def test_opening_that_crashed_leaves_nothing_after_the_sweep(tmp_path: Path, key: bytes | None) -> None:
    total = steps_until_done(
        lambda disk: spool.open_recording(tmp_path / "dry", descriptor(), at_rest_key=key, disk=disk)
    )
    for step in range(total):
        data_dir = tmp_path / str(step)
        with pytest.raises(Crashed):
            spool.open_recording(data_dir, descriptor(), at_rest_key=key, disk=FailingDisk(step))
        swept = spool.salvage_sweep(data_dir, at_rest_key=key)
        assert {s.fate for s in swept} <= {Fate.EMPTY}
        assert [p for p in data_dir.rglob("*") if p.is_file()] == []


@pytest.mark.parametrize("key", [None, KEY])
@pytest.mark.parametrize("cut", [0, 1, 3, 4, 500, 1999])
def test_an_interrupted_recording_is_sealed_with_every_whole_sample_left(
    tmp_path: Path, key: bytes | None, cut: int
) -> None:
    opened = spool.open_recording(tmp_path, descriptor(), at_rest_key=key)
    path = opened.directory / spool.AUDIO_PART
    head = spool.make_header(sample_rate_hz=8000, channels=2, data_bytes=0)
    writer = spool.open_writer(path, head=head, data_key=opened.data_key)
    writer.append(BODY[:2000])
    writer.append(BODY[2000:])
    writer.abandon()
    os.truncate(path, path.stat().st_size - cut)
    (swept,) = spool.salvage_sweep(tmp_path, at_rest_key=key)
    assert (swept.fate, swept.manifest is not None and swept.manifest.salvaged) == (Fate.SALVAGED, True)
    assert swept.directory is not None
    assert swept.manifest is not None
    spool.verify(swept.directory, at_rest_key=key)
    with spool.open_plain(swept.directory, at_rest_key=key) as file:
        plain = file.read()
    found = spool.parse_header(plain)
    assert plain[44:] == BODY[: found.data_bytes]
    assert found.samples == swept.manifest.audio.samples
    if key is None:
        assert found.data_bytes == (len(BODY) - cut) // 4 * 4
    else:
        assert found.data_bytes == (len(BODY) if cut == 0 else 2000)


def test_a_body_that_ends_inside_a_frame_is_cut_to_the_frame_without_writing_it_again(tmp_path: Path) -> None:
    opened = spool.open_recording(tmp_path, descriptor(), at_rest_key=KEY)
    writer = spool.open_writer(opened.directory / spool.AUDIO_PART, head=bytes(44), data_key=opened.data_key)
    for piece in (BODY[:8], BODY[8:9], BODY[9:11]):
        writer.append(piece)
    writer.abandon()
    (swept,) = spool.salvage_sweep(tmp_path, at_rest_key=KEY)
    assert swept.directory is not None
    with spool.open_plain(swept.directory, at_rest_key=KEY) as file:
        assert file.read()[44:] == BODY[:8]


def test_a_torn_chunk_ends_the_salvage(tmp_path: Path) -> None:
    opened, _ = ready(tmp_path, KEY)
    path = opened.directory / spool.AUDIO_PART
    spool.Disk().overwrite(path, path.stat().st_size - 5, b"?????")
    (swept,) = spool.salvage_sweep(tmp_path, at_rest_key=KEY)
    assert swept.manifest is not None
    assert (swept.fate, swept.manifest.audio.samples) == (Fate.SALVAGED, 750)


def test_pauses_count_for_the_end_of_a_salvaged_recording(tmp_path: Path) -> None:
    opened, _ = ready(tmp_path, None)
    pause = Mark(kind=MarkKind.PAUSE, file_ms=50.0, call_ms=50.0, length_ms=2000.0)
    (opened.directory / spool.MARKS_FILE).write_bytes(spool.mark_line(pause) + b'{"kind"')
    (swept,) = spool.salvage_sweep(tmp_path)
    assert swept.manifest is not None
    assert (swept.manifest.duration_ms, swept.manifest.marks) == (125.0, (pause,))
    assert swept.manifest.ended_at == ANSWERED_AT + timedelta(milliseconds=2125)


def test_provisional_audio_is_destroyed(tmp_path: Path) -> None:
    ready(tmp_path, None, kept=False)
    (swept,) = spool.salvage_sweep(tmp_path)
    assert (swept.recording_id, swept.fate, swept.directory) == ("rec-1", Fate.NOT_KEPT, None)
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == []


@pytest.mark.parametrize("content", [None, b"", b"R" * 44, b"R" * 47])
def test_a_recording_without_a_sample_is_removed(tmp_path: Path, content: bytes | None) -> None:
    opened = spool.open_recording(tmp_path, descriptor())
    if content is not None:
        (opened.directory / spool.AUDIO_PART).write_bytes(content)
    (swept,) = spool.salvage_sweep(tmp_path)
    assert swept.fate is Fate.EMPTY
    assert list((tmp_path / "spool").iterdir()) == []


def test_an_encrypted_file_cut_inside_its_prelude_is_empty(tmp_path: Path) -> None:
    opened, _ = ready(tmp_path, KEY)
    os.truncate(opened.directory / spool.AUDIO_PART, 20)
    (swept,) = spool.salvage_sweep(tmp_path, at_rest_key=KEY)
    assert swept.fate is Fate.EMPTY


def test_the_wrong_key_leaves_everything_for_a_later_start(tmp_path: Path) -> None:
    ready(tmp_path, KEY)
    (swept,) = spool.salvage_sweep(tmp_path, at_rest_key=bytes(32))
    assert (swept.fate, swept.error is not None and swept.error.reason) == (Fate.UNREADABLE, "wrong-key")
    (swept,) = spool.salvage_sweep(tmp_path, at_rest_key=KEY)
    assert swept.fate is Fate.SALVAGED


def test_a_damaged_descriptor_leaves_the_audio(tmp_path: Path) -> None:
    opened, _ = ready(tmp_path, None)
    (opened.directory / "open.json").write_text("{")
    (swept,) = spool.salvage_sweep(tmp_path)
    assert (swept.fate, swept.directory) == (Fate.UNREADABLE, opened.directory)
    assert (opened.directory / spool.AUDIO_PART).exists()


def test_a_seal_whose_audio_is_gone_is_reported(tmp_path: Path) -> None:
    opened, facts = ready(tmp_path, None)
    (opened.directory / "manifest.part").write_text(manifest_of(facts, opened).to_json())
    (opened.directory / spool.AUDIO_PART).unlink()
    (swept,) = spool.salvage_sweep(tmp_path)
    assert (swept.fate, swept.error is not None and swept.error.reason) == (Fate.UNREADABLE, "corrupt")


def test_an_empty_data_directory_needs_no_sweep(tmp_path: Path) -> None:
    assert spool.salvage_sweep(tmp_path) == ()
