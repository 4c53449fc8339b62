"""What ``mediaserver uploads list`` says to people."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from catalog import Catalog
from mediaserver.app.commands.recordings import list_uploads
from tests.support.recordings import finished

NOW = datetime(2026, 3, 4, 9, 30, 0, tzinfo=UTC)


def test_only_what_waits_has_a_next_try(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is delivered or parked is not tried again by itself."""
    monkeypatch.delenv("MEDIASERVER_CONFIG", raising=False)
    with Catalog.open_in(tmp_path) as catalog:
        for recording_id in ("r-done", "r-parked", "r-waits"):
            path, manifest = finished(tmp_path, recording_id)
            catalog.recordings.add_finished(manifest, path, now=NOW)
            if recording_id != "r-waits":
                catalog.uploads.claim_due(NOW)
        catalog.uploads.report_done("r-done", remote_id="7", now=NOW)
        catalog.uploads.report_parked("r-parked", attempts=1, reason="refused", now=NOW)

    list_uploads(data_dir=tmp_path)

    assert [line.split() for line in capsys.readouterr().out.splitlines()] == [
        ["recording", "state", "failures", "next", "try", "at", "Dubber", "last", "error"],
        ["r-done", "done", "0", "7"],
        ["r-parked", "parked", "1", "refused"],
        ["r-waits", "pending", "0", "2026-03-04", "09:30:00"],
    ]
