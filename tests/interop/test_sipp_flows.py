"""SIPp: flows that go out of their way, from a trusted trunk, and a small load with digest and recording."""

from __future__ import annotations

from pathlib import Path

import pytest

from mediaserver.media.g711 import encoded
from mediaserver.media.messages import Codec
from tests.support.phones import Voice
from tests.support.server_process import ServerProcess, run_command
from tests.support.sipp import PHONE, run_sipp
from tests.support.stage import PASSWORD, Stage

pytestmark = pytest.mark.interop

FLOWS = {
    "call": "9002",
    "lost_ack": "9002",
    "cancel": "9007",
    "cancel_crosses_answer": "9002",
    "reinvite_overlap": "9001",
    "late_offer": "9001",
    "retransmission": "9001",
    "unserved_method": "9002",
    "unknown_method_in_call": "9002",
    "require_unknown": "9002",
    "max_forwards": "9002",
    "options": "9002",
    "update_refresh": "9009",
    "session_too_short": "9002",
    "refused_486": "9006",
    "refused_404": "5555",
    "refused_480": "2020",
    "no_codec": "9002",
    "no_dialog": "9002",
}
"""Scenario and called number."""
AGAIN = {"lost_ack": ("CSeq: 1 INVITE", 3), "retransmission": ("CSeq: 2 BYE", 2)}
"""How often the 200 to a request must come; SIPp itself takes no notice of repetitions."""


@pytest.mark.parametrize("scenario", FLOWS)
def test_a_flow_from_the_trunk(carrier: ServerProcess, tmp_path: Path, scenario: str) -> None:
    """Every message SIPp expects comes, in its order."""
    twice = scenario == "retransmission"
    result = run_sipp(carrier, scenario, tmp_path, service=FLOWS[scenario], early_answers=twice)
    assert result.status == 0, result.told
    wanted, least = AGAIN.get(scenario, ("CSeq: 1 INVITE", 0))
    received = [part for part in result.told.split("message received")[1:] if wanted in part]
    assert len([part for part in received if "SIP/2.0 200 OK" in part]) >= least, result.told


def test_a_call_over_tcp(carrier: ServerProcess, tmp_path: Path) -> None:
    """The same call over a connection."""
    result = run_sipp(carrier, "call", tmp_path, transport="t1")
    assert result.status == 0, result.told


def test_both_sides_hang_up_at_once(carrier: ServerProcess, tmp_path: Path) -> None:
    """A code without a call is refused, and the server's BYE crosses ours."""
    row = f"3009;[authentication username=3009 password={PASSWORD}];"
    result = run_sipp(carrier, "bye_crossing", tmp_path, service="*44", host=PHONE, rows=(row,))
    assert result.status == 0, result.told


def test_a_decline_reaches_the_trunk(carrier: ServerProcess, tmp_path: Path) -> None:
    """603 from the called phone."""
    stage = Stage(carrier, tmp_path)
    phone = stage.phone("2014", stage.far_voice, answer_with=603)
    try:
        result = run_sipp(carrier, "refused_603", tmp_path, service="2014")
        assert result.status == 0, result.told
    finally:
        phone.close()
        stage.close()


def test_a_busy_phone_reaches_the_trunk(carrier: ServerProcess, tmp_path: Path) -> None:
    """486 from the called phone."""
    stage = Stage(carrier, tmp_path)
    phone = stage.phone("2015", stage.far_voice, answer_with=486)
    try:
        result = run_sipp(carrier, "refused_486", tmp_path, service="2015")
        assert result.status == 0, result.told
    finally:
        phone.close()
        stage.close()


def test_nobody_answers_in_time(carrier: ServerProcess, tmp_path: Path) -> None:
    """A phone that rings for ever: 480 after the user's own time, and the phone stops ringing."""
    since = carrier.mark()
    done = run_command("users", "set", "2016", "--no-answer", "1", "--data-dir", str(carrier.data_dir))
    assert done.returncode == 0, done.stderr
    carrier.wait_for("subscribers.reloaded", since=since)
    stage = Stage(carrier, tmp_path)
    phone = stage.phone("2016", stage.far_voice, answer_with=180)
    try:
        result = run_sipp(carrier, "refused_480", tmp_path, service="2016")
        assert result.status == 0, result.told
        phone.wait("over", code=487)
    finally:
        phone.close()
        stage.close()


def test_a_wrong_password_gets_nowhere(carrier: ServerProcess, tmp_path: Path) -> None:
    """An untrusted address with a wrong password never gets a 200."""
    row = "3010;[authentication username=3010 password=wrong];"
    _speech(tmp_path)
    result = run_sipp(carrier, "digest_call", tmp_path, service="9001", host=PHONE, rows=(row,), timeout_s=4)
    assert result.status != 0
    assert "SIP/2.0 200" not in result.told
    assert "SIP/2.0 403" in result.told


def test_a_hundred_recorded_calls_at_twenty_a_second(carrier: ServerProcess, tmp_path: Path) -> None:
    """Each is challenged (MD5), answered, echoed, recorded, sealed and delivered; none fails."""
    row = f"3010;[authentication username=3010 password={PASSWORD}];"
    _speech(tmp_path)
    since = carrier.mark()
    before = len(carrier.recordings(user="3010"))
    result = run_sipp(
        carrier, "digest_call", tmp_path, service="9001", calls=100, rate=20, host=PHONE, rows=(row,), messages=False
    )
    assert result.status == 0, result.told
    opened = [entry["recording"] for entry in carrier.entries()[since:] if entry.get("event") == "recording.opened"]
    for recording_id in opened:
        carrier.wait_for("upload.delivered", since=since, recording_id=recording_id, timeout_s=90)
    records = carrier.recordings(user="3010")[before:]
    assert len(records) == 100
    assert all(900 <= record.manifest.duration_ms <= 2500 for record in records)
    assert all(record.manifest.result == "successful" for record in records)


def _speech(folder: Path) -> None:
    """Four seconds of u-law without a header, as SIPp's rtp_stream wants them."""
    voice = Voice.make(folder / "load.wav", 1087)
    (folder / "speech.ulaw").write_bytes(encoded(Codec.PCMU, voice.samples).tobytes() * 4)
