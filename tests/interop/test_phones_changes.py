"""Two pjsua2 phones in calls that change: hold, codec, late offer, INFO, two recorded users, codes by a second call."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from callmodel.manifest import MarkKind
from callmodel.modes import RecordingType
from catalog import RecordingRecord
from mediaserver.media.messages import Codec
from tests.support.listening import channels_of, heard_spans, levels, listen, loudest, prompts_of, spans
from tests.support.phones import PjsuaPhone
from tests.support.server_process import ServerProcess
from tests.support.stage import FAR_HZ, HEARD, USER_HZ, Act, Pair, Stage

pytestmark = pytest.mark.interop

G722_DBM0 = -19.0
"""The level of -12 dBm0 by way of pjsip's G.722, which leaves one bit of headroom when it codes (and adds it when it
decodes): 0 dBm0 lies 9 dB below overload in G.722 and 3.17 dB in G.711. Once it had to clip, it leaves that off."""


def hold(stage: Stage) -> Act:
    """The user holds and resumes, then the other party does."""

    def script(pair: Pair) -> None:
        pair.user.talk(0.8)
        for phone in (pair.user, pair.far):
            for change in ("hold", "resume"):
                since = pair.server.mark()
                phone.do(change)
                pair.server.wait_for("leg.held" if change == "hold" else "leg.resumed", since=since)
                pair.user.talk(1.0)

    pair = Pair(stage, "3001", "2007", {}, {"transport": "tcp"})
    try:
        return pair.play(script)
    finally:
        pair.close()


def codec(stage: Stage) -> Act:
    """PCMU, then PCMA, then G.722, by re-INVITE of the user's phone; the other one keeps PCMU."""

    def script(pair: Pair) -> None:
        pair.user.talk(1.2)
        for name in ("PCMA", "G722"):
            pair.user.do("codec", name=name)
            pair.user.wait("codec", name=name)
            pair.user.talk(1.2)

    pair = Pair(stage, "3002", "2008", {"codecs": ["PCMU"]}, {})
    try:
        return pair.play(script, tries=1)  # the phone keeps its last codec
    finally:
        pair.close()


def late_offer(stage: Stage) -> Act:
    """An INVITE without SDP; keys by INFO pause and resume."""

    def script(pair: Pair) -> None:
        pair.user.talk(0.8)
        pair.dial("*48", by="info")
        pair.user.talk(1.0)
        pair.dial("*49", by="info")
        pair.user.talk(0.8)

    pair = Pair(stage, "3003", "2009", {}, {})
    try:
        return pair.play(script, late_offer=True)
    finally:
        pair.close()


def both(stage: Stage) -> tuple[Act, list[RecordingRecord]]:
    """Two recorded users in one call; the called one pauses its own."""

    def script(pair: Pair) -> None:
        pair.user.talk(0.8)
        pair.dial("*48")
        pair.user.talk(0.8)
        pair.dial("*49")
        pair.user.talk(0.5)

    pair = Pair(stage, "3006", "3005", {"transport": "tls"}, {})
    try:
        act = pair.play(script, inbound=True)
        act.settled()
        return act, stage.server.recordings(call_id=act.call_id)
    finally:
        pair.close()


def called_code(stage: Stage) -> tuple[Act, PjsuaPhone]:
    """The user's second phone calls *44 while the first one talks."""
    second: list[PjsuaPhone] = []

    def script(pair: Pair) -> None:
        record = str(stage.folder / "second.wav")
        second.append(stage.phone("3004", stage.user_voice, record=record, answer_with=486))
        pair.user.talk(0.5)
        second[0].call("*44")
        second[0].wait("over")
        pair.user.talk(1.0)

    pair = Pair(stage, "3004", "2010", {}, {})
    try:
        act = pair.play(script, tries=1)  # the second phone has one file
        return act, second[0]
    finally:
        pair.close()
        for phone in second:
            phone.close()


def voicemail(stage: Stage) -> dict[str, Any]:
    """Somebody leaves a message for a user whose phone is off."""
    path = stage.folder / "greeted.wav"
    phone = stage.phone("2011", stage.far_voice, record=str(path), codecs=["PCMA"])
    try:
        since = stage.server.mark()
        phone.call("3007")
        opened = stage.server.wait_for("recording.opened", since=since, user="3007")
        phone.talk(2.5)
        phone.hang_up()
        stage.server.wait_for("upload.delivered", recording_id=opened["recording"])
        return {"heard": path, "recording": opened["recording"]}
    finally:
        phone.close()


def wideband(stage: Stage) -> Act:
    """Both phones speak G.722 all along."""
    options = {"codecs": ["G722"], "clock": 16000}
    pair = Pair(stage, "3012", "2012", options, options)
    try:
        return pair.play(lambda p: p.user.talk(2.0))
    finally:
        pair.close()


def a_law(stage: Stage) -> Act:
    """The user speaks A-law only, the other party u-law only: transcoded both ways."""
    voice = stage.voice("alaw.wav", USER_HZ, Codec.PCMA)
    pair = Pair(stage, "3011", "2013", {"codecs": ["PCMA"], "play": str(voice.path)}, {"codecs": ["PCMU"]})
    try:
        return pair.play(lambda p: p.user.talk(2.0))
    finally:
        pair.close()


SCRIPTS = {play.__name__: play for play in (hold, codec, late_offer, both, called_code, voicemail, wideband, a_law)}


@pytest.fixture(scope="module")
def stage(carrier: ServerProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Everything plays side by side."""
    one = Stage(carrier, tmp_path_factory.mktemp("changes"))
    for name, play in SCRIPTS.items():
        one.begin(name, play)
    yield one
    one.close()


def codes_of(record: RecordingRecord) -> list[tuple[str, str]]:
    """Commands on the time line, and by which channel they came."""
    return [
        (mark.detail["command"], mark.detail["channel"]) for mark in record.manifest.marks if mark.kind is MarkKind.CODE
    ]


def test_recording_goes_on_during_hold(stage: Stage) -> None:
    """The file is as long as the call; who is held is silent in it, who is not goes on."""
    act = stage.result("hold")
    (record,) = act.recordings()
    channels, rate = channels_of(record.path / "audio.wav")
    holds = [mark for mark in record.manifest.marks if mark.kind is MarkKind.HOLD]
    assert [(mark.detail["leg"], mark.detail["state"]) for mark in holds] == [
        *(("a", "on"), ("a", "off"), ("b", "on"), ("b", "off")),
    ]
    assert record.manifest.duration_ms == pytest.approx(holds[-1].call_ms + 1000, abs=400)
    for channel, hz in zip(channels, (USER_HZ, FAR_HZ), strict=True):
        tenths = levels(channel, rate, hz) > -15
        assert tenths[2:7].all(), "before any hold"
        assert tenths[-6:-1].all(), "after the last resume"


def test_a_hold_is_heard_as_silence_and_ends(stage: Stage) -> None:
    """While one party holds, the other hears nothing of it; after the resume both hear each other."""
    act = stage.result("hold")
    for path, hz in ((act.heard_by_user, FAR_HZ), (act.heard_by_far, USER_HZ)):
        (heard,), rate = channels_of(path)
        found = spans(heard, rate, hz)
        assert len(found) >= 2
        assert found[-1][1] - found[-1][0] > 500


def test_a_codec_change_moves_nothing(stage: Stage) -> None:
    """Two marks; the tone sounds before, between and after; the other channel is never disturbed."""
    act = stage.result("codec")
    (record,) = act.recordings()
    changes = [mark.detail for mark in record.manifest.marks if mark.kind is MarkKind.CODEC]
    assert [(change["before"], change["after"]) for change in changes] == [("PCMU", "PCMA"), ("PCMA", "G722")]
    (user, far), rate = channels_of(record.path / "audio.wav")
    sounding = levels(user, rate, USER_HZ) > G722_DBM0
    assert sounding[1:].mean() > 0.8
    assert sounding[-3:].all()
    exact = stage.far_voice.exact_runs(far)
    assert sum(end - start for start, end in exact) > len(far) - rate * 0.5


def test_a_codec_change_is_heard_by_both(stage: Stage) -> None:
    """Transcoding sets in without a hole: both tones are in both ears to the end."""
    act = stage.result("codec")
    for path, hz in ((act.heard_by_user, FAR_HZ), (act.heard_by_far, USER_HZ)):
        (heard,), rate = channels_of(path)
        assert (levels(heard, rate, hz) > G722_DBM0)[-4:-1].all()


def test_a_late_offer_is_recorded_and_info_digits_steer(stage: Stage) -> None:
    """*48 and *49 by INFO, told so in the manifest; the beeps are heard."""
    act = stage.result("late_offer")
    (record,) = act.recordings()
    assert codes_of(record) == [("pause", "sip-info-dtmf"), ("resume", "sip-info-dtmf")]
    assert len(heard_spans(act.heard_by_user, 1400.0)) == 2
    user = channels_of(record.path / "audio.wav")[0][0]
    assert sum(end - start for start, end in stage.user_voice.exact_runs(user)) > len(user) - 4000


def test_info_digits_leave_the_voice_alone(stage: Stage) -> None:
    """Nothing of the keys is in the audio."""
    act = stage.result("late_offer")
    (record,) = act.recordings()
    report = listen(record.path / "audio.wav")
    assert [channel.dialled for channel in report.channels] == ["", ""]


def test_two_recorded_users_have_a_recording_each(stage: Stage) -> None:
    """Channels swapped, one tracking id, two call halves; only the one who paused has a pause."""
    _, records = stage.result("both")
    assert sorted(record.manifest.user for record in records) == ["3005", "3006"]
    one, other = sorted(records, key=lambda record: record.manifest.user)
    assert one.manifest.external_tracking_id == other.manifest.external_tracking_id
    assert one.manifest.external_call_id != other.manifest.external_call_id
    assert (one.manifest.call_type, other.manifest.call_type) == ("outbound", "inbound")
    assert codes_of(one) == []
    assert codes_of(other) == [("pause", "rfc4733"), ("resume", "rfc4733")]
    for record, first_hz, second_hz in ((one, FAR_HZ, USER_HZ), (other, USER_HZ, FAR_HZ)):
        (first, second), rate = channels_of(record.path / "audio.wav")
        assert loudest(first, rate, first_hz) == pytest.approx(-12, abs=0.3)
        assert loudest(second, rate, second_hz) == pytest.approx(-12, abs=0.3)
        assert loudest(first, rate, second_hz) < -40
        assert loudest(second, rate, first_hz) < -40
    assert one.manifest.duration_ms > other.manifest.duration_ms + 700


def test_a_called_code_starts_the_recording_of_the_other_call(stage: Stage) -> None:
    """The second phone hears that the call is recorded and is hung up on; the recording begins there."""
    act, _second = stage.result("called_code")
    (record,) = act.recordings()
    assert record.manifest.duration_ms == pytest.approx(
        record.manifest.ended_at.timestamp() * 1000 - record.manifest.started_at.timestamp() * 1000, abs=1
    )
    (steered,) = act.entries("recording.steered")
    assert (steered["channel"], steered["command"]) == ("called-code", "start")
    assert record.manifest.started_at > record.manifest.answered_at
    report = listen(stage.folder / "second.wav", prompts=True)
    assert ("recording-started", "en") in prompts_of(report, least=HEARD), report.channels[0].prompts


def test_a_message_becomes_a_recording_of_its_own_kind(stage: Stage) -> None:
    """Greeting and tone are heard; the message is in the recording, marked voicemail, for whom it was left."""
    left = stage.result("voicemail")
    record = stage.server.catalog.recordings.get(left["recording"])
    assert record is not None
    manifest = record.manifest
    assert (manifest.recording_type, manifest.user) == (RecordingType.VOICEMAIL, "3007")
    channels, rate = channels_of(record.path / "audio.wav")
    loud = [loudest(channel, rate, FAR_HZ) for channel in channels]
    assert max(loud) == pytest.approx(-12, abs=0.5)
    report = listen(left["heard"], prompts=True)
    assert "voicemail-greeting" in [prompt for prompt, _ in prompts_of(report, least=HEARD)]


def test_a_message_without_a_dub_point_goes_to_the_unidentified(stage: Stage) -> None:
    """With its type."""
    left = stage.result("voicemail")
    shown = stage.server.delivered(left["recording"])
    unidentified = {entry["id"] for entry in stage.server.dubber().unidentified()}
    assert shown["id"] in unidentified
    assert shown["recording_type"] == "voicemail"


def test_wideband_is_recorded_at_sixteen_kilohertz(stage: Stage) -> None:
    """G.722 on both legs: the file has 16 kHz and both tones at the level at which pjsip codes them."""
    act = stage.result("wideband")
    (record,) = act.recordings()
    (user, far), rate = channels_of(record.path / "audio.wav")
    assert (rate, record.manifest.audio.sample_rate_hz) == (16000, 16000)
    assert loudest(user, rate, USER_HZ) == pytest.approx(-18, abs=0.5)
    assert loudest(far, rate, FAR_HZ) == pytest.approx(-18, abs=0.5)
    assert loudest(user, rate, FAR_HZ) < -35
    (heard,), heard_rate = channels_of(act.heard_by_user)
    assert loudest(heard, heard_rate, FAR_HZ) == pytest.approx(-12, abs=0.5)


def test_a_law_is_recorded_sample_for_sample_and_heard_as_u_law(stage: Stage) -> None:
    """What the A-law phone played is in its channel unchanged; the u-law phone hears it at its level."""
    act = stage.result("a_law")
    (record,) = act.recordings()
    user = channels_of(record.path / "audio.wav")[0][0]
    voice = stage.voice("alaw-again.wav", USER_HZ, Codec.PCMA)
    assert sum(end - start for start, end in voice.exact_runs(user)) > len(user) - 3000
    (heard,), rate = channels_of(act.heard_by_far)
    assert loudest(heard, rate, USER_HZ) == pytest.approx(-12, abs=0.3)


def test_recordings_without_a_dub_point_are_unidentified(stage: Stage) -> None:
    """The users of 3xxx were never made known to the platform: nothing of theirs is lost."""
    wanted = {
        record.manifest.recording_id
        for name in ("hold", "codec", "late_offer")
        for record in stage.result(name).recordings()
    }
    for recording_id in wanted:
        stage.server.delivered(recording_id)
    kept = {entry["meta_tags"]["recording-id"] for entry in stage.server.dubber().unidentified()}
    assert wanted <= kept
