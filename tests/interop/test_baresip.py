"""baresip, which reads no digest but MD5: registers, calls, dials a code, is recorded and delivered."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.baresip import Baresip
from tests.support.listening import channels_of, heard_spans, levels, loudest
from tests.support.server_process import ServerProcess
from tests.support.stage import FAR_HZ, PASSWORD, USER_HZ, Stage

pytestmark = pytest.mark.interop


def test_baresip_calls_a_service_and_starts_a_recording(carrier: ServerProcess, tmp_path: Path) -> None:
    """*44 on a call to 9003: from there on, baresip's tone is in channel 1 and 1004 Hz in channel 2."""
    stage = Stage(carrier, tmp_path)
    phone = Baresip(carrier, tmp_path / "one", "3009", PASSWORD, stage.user_voice)
    since = carrier.mark()
    try:
        phone.dial("9003")
        for key in "*44":
            phone.do("sndcode", key)
        started = carrier.wait_for("recording.steered", since=since, user="3009", code="*44")
        carrier.wait_for("leg.first-packet", call=started["call"])
        assert carrier.log.next(carrier.mark(), lambda line: '"call.ended"' in line, 1.5) is None
        phone.do("hangup")
        (opened,) = carrier.events("recording.opened", call=started["call"])
        shown = carrier.delivered(opened["recording"])
    finally:
        phone.close()
        stage.close()
    assert (shown["from"], shown["to"], shown["status"]) == ("3009", "9003", "Active")
    (record,) = carrier.recordings(call_id=started["call"])
    (user, far), rate = channels_of(record.path / "audio.wav")
    exact = stage.user_voice.exact_runs(user)
    assert sum(end - start for start, end in exact) > len(user) - rate * 0.6
    assert (abs(levels(far, rate, 1004.0)[1:-1]) < 0.5).all()
    assert loudest(user, rate, 1004.0) < -40
    heard = heard_spans(phone.heard(), 1004.0)
    assert sum(end - start for start, end in heard) > 1500


def test_baresip_and_pjsua_talk(carrier: ServerProcess, tmp_path: Path) -> None:
    """Two makes of phone in one call; the called one is recorded; baresip is held and resumed."""
    stage = Stage(carrier, tmp_path)
    recorded = stage.phone("3008", stage.user_voice, record=str(tmp_path / "heard.wav"))
    phone = Baresip(carrier, tmp_path / "two", "2017", PASSWORD, stage.far_voice)
    since = carrier.mark()
    try:
        phone.dial("3008")
        recorded.wait("state", state="CONFIRMED")
        recorded.talk(1.0)
        recorded.do("hold")
        carrier.wait_for("leg.held", since=since)
        recorded.talk(0.5)
        recorded.do("resume")
        carrier.wait_for("leg.resumed", since=since)
        recorded.talk(1.0)
        phone.do("hangup")
        recorded.wait("over")
        opened = carrier.wait_for("recording.opened", since=since, user="3008")
        carrier.wait_for("upload.delivered", since=since, recording_id=opened["recording"])
    finally:
        phone.close()
        recorded.close()
        stage.close()
    (record,) = carrier.recordings(call_id=opened["call"], user="3008")
    (user, far), rate = channels_of(record.path / "audio.wav")
    assert loudest(user, rate, USER_HZ) == pytest.approx(-12, abs=0.3)
    assert loudest(far, rate, FAR_HZ) == pytest.approx(-12, abs=0.3)
    assert sum(end - start for start, end in stage.far_voice.exact_runs(far)) > len(far) - rate * 1.0
    assert loudest(channels_of(tmp_path / "heard.wav")[0][0], rate, FAR_HZ) == pytest.approx(-12, abs=0.5)
