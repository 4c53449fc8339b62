"""Delivery of a running product: a platform that is away for a while, and recordings that are encrypted at rest."""

from __future__ import annotations

import hashlib
import json
import secrets
from pathlib import Path

import numpy as np
import pytest

from callmodel.manifest import RecordingManifest
from tests.support.listening import channels_of, levels
from tests.support.platform_process import PlatformProcess
from tests.support.server_process import Dubber, ServerProcess, run_command, running
from tests.support.stage import Stage

pytestmark = pytest.mark.e2e

CALLS = "[calls]\nmax_load = 1.0\n"


def recorded_call(server: ServerProcess, folder: Path, seconds: float = 1.5) -> str:
    """1001 talks to 9003; the recording's id, once it is filed."""
    stage = Stage(server, folder)
    phone = stage.phone("1001", stage.user_voice)
    since = server.mark()
    try:
        phone.call("9003")
        phone.talk(seconds)
        phone.hang_up()
    finally:
        phone.close()
        stage.close()
    opened = server.wait_for("recording.opened", since=since)
    server.wait_for("recording.sealed", since=since, recording=opened["recording"])
    return str(opened["recording"])


def test_what_was_recorded_while_the_platform_was_away_is_delivered_when_it_is_back(tmp_path: Path) -> None:
    """Waits with a reason, survives a restart of the server, can be parked and retried, arrives once and whole."""
    platform = PlatformProcess(tmp_path / "platform")
    platform.start()
    platform.stop()
    config = CALLS + platform.uploader_table()
    data_dir = tmp_path / "data"
    here = ("--data-dir", str(data_dir))
    with running(data_dir, config=config, flags=("--without", "dubber-platform")) as server:
        recording_id = recorded_call(server, tmp_path)
        server.wait_for("upload.waits", recording_id=recording_id)
        (job,) = json.loads(run_command("uploads", "list", "--json", *here).stdout)
        assert (job["state"], bool(job["last_error"])) == ("pending", True)
        assert run_command("uploads", "park", recording_id, "--reason", "holiday", *here).returncode == 0
    with running(data_dir, config=config, flags=("--without", "dubber-platform")) as server:
        (job,) = json.loads(run_command("uploads", "list", "--json", *here).stdout)
        assert (job["state"], job["last_error"]) == ("parked", "holiday")
        platform.start()
        try:
            assert run_command("uploads", "retry", recording_id, *here).returncode == 0
            entry = server.wait_for("upload.delivered", recording_id=recording_id)
            shown = Dubber(platform.access).get(f"recordings/{entry['remote_id']}")
            (record,) = server.recordings()
            assert (shown["id"], shown["content_sha256"]) == (entry["remote_id"], record.manifest.audio.sha256)
            assert hashlib.sha256((record.path / "audio.wav").read_bytes()).hexdigest() == shown["content_sha256"]
        finally:
            platform.stop()


def test_nothing_of_a_call_is_readable_at_rest(tmp_path: Path) -> None:
    """With a key no file under the data directory has a WAV header or a sample; export and delivery are right."""
    key = tmp_path / "key"
    key.write_text(secrets.token_hex(32) + "\n", "utf-8")
    data_dir = tmp_path / "data"
    config = f'[recording]\nat_rest_key_file = "{key}"\nbench_capture = "recorded"\n{CALLS}'
    with running(data_dir, config=config) as server:
        recording_id = recorded_call(server, tmp_path)
        shown = server.delivered(recording_id)
        words = ("--data-dir", str(data_dir), "--config", str(data_dir.with_name("data.toml")))
        assert run_command("recordings", "export", recording_id, str(tmp_path), *words).returncode == 0
        assert run_command("recordings", "verify", recording_id, *words).returncode == 0
        content = server.dubber().audio(shown["id"])
    exported = (tmp_path / f"{recording_id}.wav").read_bytes()
    manifest = RecordingManifest.from_json((tmp_path / f"{recording_id}.json").read_bytes())
    assert manifest.audio.encrypted
    assert content == exported
    assert hashlib.sha256(exported).hexdigest() == manifest.audio.sha256 == shown["content_sha256"]
    (_, far), rate = channels_of(tmp_path / f"{recording_id}.wav")
    assert (np.abs(levels(far, rate, 1004.0)[1:-1]) < 0.5).all()
    pieces = [exported[start : start + 24] for start in range(len(exported) // 2, len(exported) - 24, 2000)]
    assert all(len(set(piece)) > 8 for piece in pieces)
    for path in data_dir.rglob("*"):
        if not path.is_file() or path.is_relative_to(data_dir / "dubber"):
            continue  # the platform's own store is the other side of the wire
        plain = path.read_bytes()
        assert b"RIFF" not in plain, path
        assert b"fLaC" not in plain, path
        assert not any(piece in plain for piece in pieces), path
