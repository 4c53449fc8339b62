"""What a start says of recordings that a crash left."""

from __future__ import annotations

from pathlib import Path

import pytest
from structlog.testing import capture_logs

import spool
from callmodel.manifest import RecordingManifest
from mediaserver.runtime.recordings import MAILBOXES, RecordingStore
from tests.support.recordings import descriptor, pcm, write_audio


def crashed(data_dir: Path, recording_id: str, at_rest_key: bytes) -> None:
    """A recording nobody sealed."""
    facts = descriptor(recording_id, kept=True)
    write_audio(spool.open_recording(data_dir, facts, at_rest_key=at_rest_key), pcm(8000))


def _nowhere(manifest: RecordingManifest, path: Path) -> None:
    """No catalogue."""


def swept(data_dir: Path, at_rest_key: bytes) -> list[tuple[str, str, str]]:
    """Level, recording and fate of each line."""
    store = RecordingStore(
        data_dir, at_rest_key=at_rest_key, pauses_cut=True, enter=_nowhere, known=tuple, executor=None
    )
    with capture_logs() as log:
        store.sweep()
    return [(line["log_level"], line["recording"], line["fate"]) for line in log]


@pytest.mark.parametrize("folder", ["", MAILBOXES])
def test_a_recording_locked_with_another_key_is_an_error(tmp_path: Path, folder: str) -> None:
    """Only a person can bring the old key back; a recording and a mailbox's message alike."""
    crashed(tmp_path / folder, "r-locked", b"a" * 32)
    assert swept(tmp_path, b"b" * 32) == [("error", "r-locked", "unreadable")]


@pytest.mark.parametrize("folder", ["", MAILBOXES])
def test_a_recording_that_was_salvaged_is_told(tmp_path: Path, folder: str) -> None:
    crashed(tmp_path / folder, "r-open", b"a" * 32)
    assert swept(tmp_path, b"a" * 32) == [("info", "r-open", "salvaged")]
