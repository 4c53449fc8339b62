"""Two pjsua2 phones through every recording mode and every code, both ways, over UDP, TCP and verified TLS."""

from __future__ import annotations

import hashlib
import wave
from collections.abc import Iterator
from datetime import datetime
from io import BytesIO
from typing import Any

import numpy as np
import pytest

from callmodel.manifest import MarkKind
from callmodel.modes import CallType
from catalog import RecordingRecord
from tests.support.listening import bursts, channels_of, heard_spans, listen, loudest, prompts_of, share_with
from tests.support.phones import Voice
from tests.support.server_process import ServerProcess
from tests.support.stage import FAR_HZ, HEARD, USER_HZ, Act, Pair, Stage, codes

pytestmark = pytest.mark.interop

BEEP_HZ, REFUSAL_HZ = 1400.0, 400.0
FRAMES_MS = 45
"""What a phone's jitter buffer may add to or take from a burst: two frames."""
LATE_FRAMES_MS = 40
"""A reminder begins with the first frame after its time, on a machine that was held up then with the second."""
LATE_S = 0.6
"""How much later than the call itself its log may be on a busy machine; the file's own times are exact."""
ALL_CODES = ("*44", "*45", "*48", "*49")

UDP, TCP, TLS = {"transport": "udp"}, {"transport": "tcp"}, {"transport": "tls"}


def _with(stage: Stage, user: str, far: str, user_by: Any, far_by: Any, *plays: Any) -> list[Act]:
    pair = Pair(stage, user, far, user_by, far_by)
    try:
        return [play(pair) for play in plays]
    finally:
        pair.close()


def never(stage: Stage) -> list[Act]:
    """A user who is never recorded dials a code."""
    return _with(stage, "1000", "2001", UDP, TCP, lambda p: p.play(codes("*44", refused=True)))


def always(stage: Stage) -> list[Act]:
    """Every code is refused, in either direction."""
    script = codes(*ALL_CODES, refused=True)
    return _with(stage, "1001", "2002", UDP, UDP, lambda p: p.play(script), lambda p: p.play(script, inbound=True))


def pause_resume(stage: Stage) -> list[Act]:
    """A pause and a resume, in either direction."""
    script = codes("*48", "*49", between_s=1.0)
    return _with(stage, "1002", "2003", TCP, TLS, lambda p: p.play(script), lambda p: p.play(script, inbound=True))


def on_demand(stage: Stage) -> list[Act]:
    """Without a code; with the start code late; and paused while provisional, then kept."""
    return _with(
        stage,
        *("1003", "2004", TLS, UDP),
        lambda p: p.play(codes()),
        lambda p: p.play(codes("*44")),
        lambda p: p.play(codes("*48", "*49", "*44"), inbound=True),
    )


def user_start(stage: Stage) -> list[Act]:
    """Two spans in one call; and one that is paused."""

    def refused_first(pair: Pair) -> None:
        pair.user.talk(0.5)
        pair.dial("*48", refused=True)
        codes("*44", "*48", "*49")(pair)

    return _with(
        stage,
        *("1004", "2005", TCP, TCP),
        lambda p: p.play(codes("*44", "*45", "*44")),
        lambda p: p.play(refused_first, inbound=True),
    )


def french(stage: Stage) -> list[Act]:
    """Announcements, spoken notifications and the reminder, all in French."""

    def script(pair: Pair) -> None:
        pair.user.talk(12.0)
        pair.dial("*48")
        pair.user.talk(5.0)
        pair.dial("*49")
        pair.user.talk(6.0)

    quiet = {
        name: {**TLS, "play": str(Voice.make(stage.folder / f"quiet-{name}.wav", hz, level_dbm0=-36).path)}
        for name, hz in (("user", USER_HZ), ("far", FAR_HZ))
    }
    return _with(stage, "1005", "2006", quiet["user"], quiet["far"], lambda p: p.play(script))


SCRIPTS = {play.__name__: play for play in (french, on_demand, user_start, always, pause_resume, never)}


@pytest.fixture(scope="module")
def stage(carrier: ServerProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Everything plays side by side; a test waits for what it is about."""
    one = Stage(carrier, tmp_path_factory.mktemp("modes"))
    for name, play in SCRIPTS.items():
        one.begin(name, play)
    yield one
    one.close()


# --- what is true of every recording ------------------------------------------------------------------


def said(stage: Stage, record: RecordingRecord, *, keys: int, mixed_s: float = 0.0) -> None:
    """Each channel is what its phone played, sample for sample, but for keys and for what was mixed over it.

    A key silences its phone for 200 to 260 ms. pjsip may drop or repeat whole frames: that parts a run and moves
    nothing, so runs of at least 100 ms are counted together.
    """
    (user, far), rate = channels_of(record.path / "audio.wav")
    assert rate == 8000
    total = len(user)
    assert total == record.manifest.audio.samples
    exact_user = sum(end - start for start, end in stage.user_voice.exact_runs(user))
    exact_far = sum(end - start for start, end in stage.far_voice.exact_runs(far))
    slack = rate * 0.35
    assert exact_user >= total - (keys * 0.26 + mixed_s) * rate - slack, (exact_user, total)
    assert exact_far >= total - mixed_s * rate - slack, (exact_far, total)
    assert loudest(user, rate, FAR_HZ) < -40
    assert loudest(far, rate, USER_HZ) < -40


def at(entry: dict[str, Any]) -> datetime:
    """When a log entry was written."""
    return datetime.fromisoformat(entry["timestamp"].replace("Z", "+00:00"))


def answered_s(act: Act) -> float:
    """From the answer to the end of the call, by the log; the end is noted when all media was written."""
    return (at(act.entries("leg.statistics")[0]) - at(act.entries("call.answered")[0])).total_seconds()


def whole_call_s(record: RecordingRecord) -> float:
    """From answer to end as the manifest has it: the file and the pauses cut from it."""
    paused_ms: float = sum(pause.length_ms for pause in marks(record, MarkKind.PAUSE))
    return (record.manifest.duration_ms + paused_ms) / 1000


def on_platform(act: Act, record: RecordingRecord) -> None:
    """The platform has it under the user's dub point, byte for byte, with its metadata."""
    manifest, dubber = record.manifest, act.server.dubber()
    shown = act.server.delivered(manifest.recording_id)
    point = dubber.get(f"dub_points/{shown['dub_point_id']}")
    outbound = manifest.call_type is CallType.OUTBOUND
    user, far = manifest.user, (manifest.callee if outbound else manifest.caller).number
    content = dubber.audio(shown["id"])
    assert {
        "from": shown["from"],
        "to": shown["to"],
        "call_type": shown["call_type"],
        "recording_type": shown["recording_type"],
        "status": shown["status"],
        "size": shown["size"],
        "sha256": shown["content_sha256"],
        "duration": shown["duration"],
        "tracking": shown["meta_tags"]["external-tracking-ids"],
        "call": shown["meta_tags"]["external-call-id"],
        "point": (point["external_type"], point["external_identifier"]),
        "audio": hashlib.sha256(content).hexdigest(),
    } == {
        "from": user if outbound else far,
        "to": far if outbound else user,
        "call_type": "outbound" if outbound else "inbound",
        "recording_type": "recording",
        "status": "Active",
        "size": manifest.audio.size_bytes,
        "sha256": manifest.audio.sha256,
        "duration": round(manifest.duration_ms / 1000),
        "tracking": manifest.external_tracking_id,
        "call": manifest.external_call_id,
        "point": ("BroadWorks", f"{user}@mediaserver.local"),
        "audio": manifest.audio.sha256,
    }
    with wave.open(BytesIO(content)) as file:
        assert (file.getnchannels(), file.getframerate(), file.getnframes()) == (2, 8000, manifest.audio.samples)


def marks(record: RecordingRecord, kind: MarkKind) -> list[Any]:
    """Marks of one kind."""
    return [mark for mark in record.manifest.marks if mark.kind is kind]


# --- Never --------------------------------------------------------------------------------------------


def test_never_records_nothing_and_refuses_the_code(stage: Stage) -> None:
    """The user hears three bursts of 400 Hz; nobody else does; there is no recording."""
    (act,) = stage.result("never")
    assert act.recordings() == []
    refusals = heard_spans(act.heard_by_user, REFUSAL_HZ)
    assert len(refusals) == 3
    assert all(abs(end - start - 100) <= FRAMES_MS for start, end in refusals)
    assert heard_spans(act.heard_by_far, REFUSAL_HZ) == []


# --- Always -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("index", [0, 1], ids=["outbound", "inbound"])
def test_always_keeps_the_whole_call_and_refuses_every_code(stage: Stage, index: int) -> None:
    """From answer to end, both channels, no tone of ours in it; four refusals, heard by the user alone."""
    act = stage.result("always")[index]
    (record,) = act.recordings()
    said(stage, record, keys=12)
    assert whole_call_s(record) == pytest.approx(answered_s(act), abs=LATE_S)
    assert marks(record, MarkKind.PAUSE) == []
    assert len(heard_spans(act.heard_by_user, REFUSAL_HZ)) == 12
    assert heard_spans(act.heard_by_far, REFUSAL_HZ) == []
    channels, rate = channels_of(record.path / "audio.wav")
    assert all(loudest(channel, rate, REFUSAL_HZ) < -40 for channel in channels)


@pytest.mark.parametrize("index", [0, 1], ids=["outbound", "inbound"])
def test_always_is_on_the_platform(stage: Stage, index: int) -> None:
    """Under the dub point of 1001."""
    act = stage.result("always")[index]
    (record,) = act.recordings()
    on_platform(act, record)


@pytest.mark.parametrize("index", [0, 1], ids=["outbound", "inbound"])
def test_the_other_party_hears_the_user_and_no_code(stage: Stage, index: int) -> None:
    """Codes are swallowed: neither their tones nor their events arrive."""
    act = stage.result("always")[index]
    report = listen(act.heard_by_far)
    assert report.channels[0].dialled == ""
    (heard,), rate = channels_of(act.heard_by_far)
    assert loudest(heard, rate, USER_HZ) == pytest.approx(-12, abs=0.5)


# --- Always with Pause/Resume -------------------------------------------------------------------------


@pytest.mark.parametrize("index", [0, 1], ids=["outbound", "inbound"])
def test_a_pause_is_cut_out(stage: Stage, index: int) -> None:
    """As long as it took from the one code to the other, within a frame; the rest is whole."""
    act = stage.result("pause_resume")[index]
    (record,) = act.recordings()
    paused, resumed = marks(record, MarkKind.CODE)
    (pause,) = marks(record, MarkKind.PAUSE)
    assert pause.length_ms == pytest.approx(resumed.call_ms - paused.call_ms, abs=0.5)
    assert 1000 < pause.length_ms < 3000
    assert whole_call_s(record) == pytest.approx(answered_s(act), abs=LATE_S)
    said(stage, record, keys=6)
    on_platform(act, record)


@pytest.mark.parametrize("index", [0, 1], ids=["outbound", "inbound"])
def test_pause_and_resume_beep_for_the_user_alone(stage: Stage, index: int) -> None:
    """1400 Hz for half a second at -18 dBm0, twice, in the user's ear and not in the recording."""
    act = stage.result("pause_resume")[index]
    beeps = heard_spans(act.heard_by_user, BEEP_HZ)
    assert len(beeps) == 2
    assert all(abs(end - start - 500) <= FRAMES_MS for start, end in beeps)
    for beep in bursts(listen(act.heard_by_user), BEEP_HZ):
        assert beep.level_dbm0 == pytest.approx(-18, abs=0.5)
    assert heard_spans(act.heard_by_far, BEEP_HZ) == []
    (record,) = act.recordings()
    channels, rate = channels_of(record.path / "audio.wav")
    assert all(loudest(channel, rate, BEEP_HZ) < -40 for channel in channels)


# --- On Demand ----------------------------------------------------------------------------------------


def test_on_demand_without_a_code_leaves_nothing(stage: Stage) -> None:
    """The provisional recording is destroyed."""
    act = stage.result("on_demand")[0]
    assert act.recordings() == []
    assert [entry["kept"] for entry in act.entries("recording.opened")] == ["false"]
    (opened,) = act.entries("recording.opened")
    assert len(act.entries("recording.destroyed")) == 1
    left = [path for path in act.server.data_dir.rglob("*") if opened["recording"] in path.name]
    assert left == []


def test_on_demand_keeps_the_call_from_its_answer(stage: Stage) -> None:
    """*44 in the middle: the whole call is in the file."""
    act = stage.result("on_demand")[1]
    (record,) = act.recordings()
    assert whole_call_s(record) == pytest.approx(answered_s(act), abs=LATE_S)
    said(stage, record, keys=3)
    on_platform(act, record)


def test_on_demand_keeps_the_call_less_a_pause_made_before(stage: Stage) -> None:
    """*48 *49 while provisional, then *44."""
    act = stage.result("on_demand")[2]
    (record,) = act.recordings()
    (pause,) = marks(record, MarkKind.PAUSE)
    assert 800 < pause.length_ms < 3000
    assert whole_call_s(record) == pytest.approx(answered_s(act), abs=LATE_S)
    said(stage, record, keys=9)
    on_platform(act, record)


# --- On Demand with User Initiated Start --------------------------------------------------------------


def test_each_span_is_a_recording_of_its_own(stage: Stage) -> None:
    """*44 … *45 and *44 … end: two files as long as their spans, one tracking id."""
    act = stage.result("user_start")[0]
    first, second = act.recordings()
    started, stopped, again = (at(entry) for entry in act.entries("recording.steered"))
    assert first.manifest.duration_ms / 1000 == pytest.approx((stopped - started).total_seconds(), abs=LATE_S)
    ended = at(act.entries("leg.statistics")[0])
    assert second.manifest.duration_ms / 1000 == pytest.approx((ended - again).total_seconds(), abs=LATE_S)
    assert first.manifest.external_tracking_id == second.manifest.external_tracking_id
    said(stage, first, keys=3)
    said(stage, second, keys=0)
    on_platform(act, first)
    on_platform(act, second)


def test_a_span_can_be_paused_and_a_pause_before_it_is_refused(stage: Stage) -> None:
    """*48 before *44: three bursts of refusal; after it: cut out."""
    act = stage.result("user_start")[1]
    (record,) = act.recordings()
    started, paused, resumed = (at(entry) for entry in act.entries("recording.steered"))
    ended = at(act.entries("leg.statistics")[0])
    wanted_s = (ended - started).total_seconds() - (resumed - paused).total_seconds()
    assert record.manifest.duration_ms / 1000 == pytest.approx(wanted_s, abs=LATE_S)
    said(stage, record, keys=6)
    assert len(heard_spans(act.heard_by_user, REFUSAL_HZ)) == 3
    on_platform(act, record)


# --- 1005: French, announcements, spoken notifications, reminder -----------------------------------------


def test_french_user_hears_every_announcement_in_french(stage: Stage) -> None:
    """Started; reminder; paused; resumed: in this order, and what is for the user is for the user alone."""
    (act,) = stage.result("french")
    report = listen(act.heard_by_user, prompts=True)
    assert prompts_of(report, least=HEARD) == [
        ("recording-started", "fr"),
        ("recording-paused", "fr"),
        ("recording-resumed", "fr"),
    ], report.channels[0].prompts


def test_french_far_party_hears_the_announcements_and_the_reminder(stage: Stage) -> None:
    """Started at the answer and again on resume; the reminder ten seconds into the recording."""
    (act,) = stage.result("french")
    report = listen(act.heard_by_far, prompts=True)
    assert prompts_of(report, least=HEARD) == [("recording-started", "fr")] * 2, report.channels[0].prompts
    ((start_ms, end_ms),) = heard_spans(act.heard_by_far, BEEP_HZ)
    assert end_ms - start_ms == pytest.approx(500, abs=FRAMES_MS)
    assert start_ms == pytest.approx(10_000, abs=300)


def test_french_recording_holds_the_announcement_and_the_reminder(stage: Stage) -> None:
    """In both channels; the reminder after ten seconds, where its mark has it; no word of the pause."""
    (act,) = stage.result("french")
    (record,) = act.recordings()
    report = listen(record.path / "audio.wav", prompts=True)
    for channel in (1, 2):
        assert prompts_of(report, channel)[0] == ("recording-started", "fr")
        assert {prompt for prompt, _ in prompts_of(report, channel)} == {"recording-started"}
    (mark,) = (mark for mark in marks(record, MarkKind.TONE) if mark.detail["recorded"] == "yes")
    assert 0 <= mark.file_ms - 10_000 <= LATE_FRAMES_MS
    for channel in (1, 2):
        (reminder,) = bursts(report, BEEP_HZ, channel)
        assert reminder.start_ms == pytest.approx(mark.file_ms, abs=2)
        assert reminder.length_ms == pytest.approx(500, abs=2)  # measured with a voice below it
        assert reminder.level_dbm0 == pytest.approx(-18, abs=0.5)
    on_platform(act, record)


def test_the_user_hears_the_other_party_all_along(stage: Stage) -> None:
    """Neither recording nor beeps cut speech off: the far tone is there in nearly every tenth, lower below a beep."""
    act = stage.result("pause_resume")[0]
    (heard,), rate = channels_of(act.heard_by_user)
    assert share_with(heard, rate, FAR_HZ, -18.0, within_db=7.0) > 0.9
    assert np.abs(heard).max() < 32000
