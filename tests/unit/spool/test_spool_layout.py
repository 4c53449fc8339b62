from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

import spool
from callmodel.manifest import Mark, MarkKind
from spool.layout import finished_dir, open_dir
from tests.support.recordings import descriptor, finished, manifest_of, pcm, write_audio

KEY = bytes(range(32))


def test_the_facts_are_on_disk_before_any_audio(tmp_path: Path) -> None:
    opened = spool.open_recording(tmp_path, descriptor())
    assert [p.name for p in opened.directory.iterdir()] == ["open.json"]
    assert spool.read_descriptor(opened.directory) == descriptor()


def test_the_same_id_is_not_opened_twice(tmp_path: Path) -> None:
    spool.open_recording(tmp_path, descriptor())
    with pytest.raises(spool.DiskFaultError, match="exists already"):
        spool.open_recording(tmp_path, descriptor())


@pytest.mark.parametrize("bad", ["", "../x", ".hidden", "a/b", "a" * 129, "é"])
def test_ids_that_are_no_file_names_are_refused(tmp_path: Path, bad: str) -> None:
    with pytest.raises(ValueError, match="recording id"):
        open_dir(tmp_path, bad)


def test_keeping_a_provisional_recording_is_remembered(tmp_path: Path) -> None:
    opened = spool.open_recording(tmp_path, descriptor(kept=False))
    spool.update_descriptor(opened.directory, kept=True)
    assert spool.read_descriptor(opened.directory) == descriptor(kept=True)


@pytest.mark.parametrize("key", [None, KEY])
def test_a_sealed_recording_has_its_files_its_day_and_nothing_else(tmp_path: Path, key: bytes | None) -> None:
    directory, manifest = finished(tmp_path, at_rest_key=key)
    assert directory == tmp_path / "recordings/2026-03-04/rec-1"
    names = {p.name for p in directory.iterdir()}
    assert names == {"audio.wav", "manifest.json"} | ({"key.json"} if key else set())
    assert list((tmp_path / "spool").iterdir()) == []
    assert spool.read_manifest(directory) == manifest
    assert (spool.find_recording(tmp_path, "rec-1"), list(spool.finished_recordings(tmp_path))) == (
        directory,
        [directory],
    )
    spool.verify(directory, at_rest_key=key)
    with spool.open_plain(directory, at_rest_key=key) as file:
        assert file.read()[44:] == pcm(8000)


def test_heard_tracks_are_sealed_with_it(tmp_path: Path) -> None:
    opened = spool.open_recording(tmp_path, descriptor())
    write_audio(opened, pcm(10))
    (opened.directory / spool.HEARD_PART).write_bytes(b"flac")
    size, sha256 = spool.digest(opened.directory / spool.HEARD_PART, None)
    manifest = manifest_of(descriptor(), opened)
    heard = replace(manifest.audio, file="heard.flac", channels=4, samples=1, size_bytes=size, sha256=sha256)
    directory = spool.seal(tmp_path, replace(manifest, heard=heard))
    spool.verify(directory)
    assert (directory / "heard.flac").read_bytes() == b"flac"


def test_heard_tracks_the_manifest_does_not_know_are_removed(tmp_path: Path) -> None:
    opened = spool.open_recording(tmp_path, descriptor())
    write_audio(opened, pcm(10))
    (opened.directory / spool.HEARD_PART).write_bytes(b"flac")
    directory = spool.seal(tmp_path, manifest_of(descriptor(), opened))
    assert {p.name for p in directory.iterdir()} == {"audio.wav", "manifest.json"}


def test_sealing_again_changes_nothing(tmp_path: Path) -> None:
    directory, manifest = finished(tmp_path)
    assert spool.seal(tmp_path, manifest) == directory


def test_audio_of_another_length_is_not_sealed(tmp_path: Path) -> None:
    opened = spool.open_recording(tmp_path, descriptor())
    write_audio(opened, pcm(10))
    manifest = manifest_of(descriptor(), opened)
    wrong = replace(manifest, audio=replace(manifest.audio, size_bytes=4))
    with pytest.raises(spool.CorruptError, match="84 bytes long, the manifest says 4"):
        spool.seal(tmp_path, wrong)


def test_a_recording_without_audio_is_not_sealed(tmp_path: Path) -> None:
    opened = spool.open_recording(tmp_path, descriptor())
    write_audio(opened, pcm(10))
    manifest = manifest_of(descriptor(), opened)
    (opened.directory / spool.AUDIO_PART).unlink()
    with pytest.raises(spool.DiskFaultError):
        spool.seal(tmp_path, manifest)


def test_verify_finds_a_changed_byte(tmp_path: Path) -> None:
    directory, _ = finished(tmp_path)
    spool.Disk().overwrite(directory / "audio.wav", 100, b"!")
    with pytest.raises(spool.CorruptError, match="size or digest differ"):
        spool.verify(directory)


@pytest.mark.parametrize("sealed", [False, True])
def test_destroy_leaves_no_name_behind(tmp_path: Path, sealed: bool) -> None:
    if sealed:
        directory, manifest = finished(tmp_path)
        assert directory == finished_dir(tmp_path, manifest)
    else:
        opened = spool.open_recording(tmp_path, descriptor(), at_rest_key=KEY)
        write_audio(opened, pcm(100))
        directory = opened.directory
    spool.destroy(tmp_path, directory)
    spool.destroy(tmp_path, directory)
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == []
    assert spool.find_recording(tmp_path, "rec-1") is None


def test_nothing_is_found_in_an_empty_data_directory(tmp_path: Path) -> None:
    assert (list(spool.finished_recordings(tmp_path)), spool.find_recording(tmp_path, "x")) == ([], None)


@pytest.mark.parametrize(
    ("where", "change", "says"),
    [
        ((), {"version": 2}, "version 2"),
        ((), {"kept": "perhaps"}, "true or false"),
        ((), {"surprise": 1}, "unknown descriptor field surprise"),
        (("facts", "audio"), {"channels": 0}, "positive whole number"),
        (("facts", "audio"), {"sample_rate_hz": "8000"}, "positive whole number"),
        (("facts",), {"mode": "Sometimes"}, "not readable"),
        (("facts",), {"caller": None}, "not readable"),
        (("facts",), {"surprise": 1}, "not readable"),
    ],
)
def test_a_damaged_descriptor_is_named(where: tuple[str, ...], change: dict[str, object], says: str) -> None:
    raw = json.loads(descriptor(dub_point=None).to_json())
    place = raw
    for name in where:
        place = place[name]
    place.update(change)
    with pytest.raises(spool.CorruptError, match=says):
        spool.Descriptor.from_json(json.dumps(raw))


def test_a_damaged_manifest_is_corrupt(tmp_path: Path) -> None:
    directory, _ = finished(tmp_path)
    (directory / "manifest.json").write_text("{}")
    with pytest.raises(spool.CorruptError, match=r"manifest\.json"):
        spool.read_manifest(directory)


def test_marks_come_back_up_to_a_torn_line(tmp_path: Path) -> None:
    first = Mark(kind=MarkKind.PAUSE, file_ms=1.5, call_ms=2.5, length_ms=100.0, detail={"code": "*48"})
    second = Mark(kind=MarkKind.TONE, file_ms=3.0, call_ms=4.0, channel=1)
    path = tmp_path / "marks.jsonl"
    path.write_bytes(spool.mark_line(first) + spool.mark_line(second) + spool.mark_line(first)[:-5])
    assert spool.read_marks(path) == (first, second)
    path.write_bytes(spool.mark_line(first) + b"\xff garbage\n" + spool.mark_line(second))
    assert spool.read_marks(path) == (first,)
    assert spool.read_marks(tmp_path / "none") == ()
