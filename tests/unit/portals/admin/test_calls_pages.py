"""Live calls that are steered by page, and the story of those that are over."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest

from callmodel.codes import FeatureCommand
from callmodel.manifest import Party
from callmodel.modes import OnDemandStop, Phase, RecordingMode
from catalog import CallEvent, CallRecord
from feature_codes import TableOptions
from portals.admin.event_words import EventWords
from portals.admin.pages.calls import commands_of
from portals.admin.standing import Standing, standings
from portals.ports import LiveRecording
from tests.support.browsing import Browser, words
from tests.support.portals import NOW, PEOPLE, WebSide
from webkit.i18n import load_translators

NINA, ALAN, PAULA, OLGA, URSULA = PEOPLE
START, STOP, PAUSE, RESUME = FeatureCommand


def past(call_id: str, *, at: datetime = NOW, caller: str = "1002", result: str = "answered") -> CallRecord:
    return CallRecord(
        call_id=call_id,
        external_tracking_id=f"track-{call_id}",
        caller=Party(number=caller, label="Paula Pause"),
        callee=Party(number="9002"),
        started_at=at,
        answered_at=at + timedelta(seconds=2) if result == "answered" else None,
        ended_at=at + timedelta(seconds=65),
        result=result,
        cause="a-bye",
    )


async def test_live_calls_show_where_every_recording_stands(admin: Browser, side: WebSide) -> None:
    side.exchange.put_call("c-1", ALAN, "9002")
    side.exchange.put_call("c-2", URSULA, OLGA)
    side.exchange.put_call("c-3", "+331", NINA, answered=False)
    piece = words(await admin.fragment("/calls/live"))
    assert piece.startswith("Live calls 3 ")
    assert "Recording Alan Always Always The mode leaves nothing to steer." in piece
    assert "Not recording Ursula Start On demand, user starts Start recording" in piece
    assert "Kept on demand Olga Demand On demand Start recording Pause" in piece
    assert "Ringing Hang up What is recorded shows when it is answered." in piece
    assert piece in words(await admin.text("/calls"))
    assert (await admin.get("/calls/live")).headers["Location"] == "/admin/calls"


async def test_the_buttons_steer_the_recording_and_tell_the_outcome(admin: Browser, side: WebSide) -> None:
    side.exchange.put_call("c-1", PAULA, "9002")
    told = await admin.save("/calls/c-1/steer", {"user": "1002", "command": "pause"})
    assert "The recording of Paula Pause is paused." in told
    assert side.exchange.calls()[0].recordings[0].phase is Phase.PAUSED
    entry = side.catalog.audit.list(limit=1)[0]
    assert (entry.action, entry.subject, entry.after) == ("call.steered", "1002", {"command": "pause", "call": "c-1"})
    assert "Not possible now" in await admin.save("/calls/c-1/steer", {"user": "1002", "command": "start"})
    assert "This call is over" in await admin.save("/calls/gone/steer", {"user": "1002", "command": "pause"})
    assert (await admin.post("/calls/c-1/steer", {"user": "1002", "command": "shout"})).status == 400


async def test_a_call_can_be_ended(admin: Browser, side: WebSide) -> None:
    side.exchange.put_call("c-1", PAULA, "9002")
    assert "The call was ended." in await admin.save("/calls/c-1/hang-up")
    assert side.exchange.calls() == ()
    assert side.catalog.audit.list(limit=1)[0].action == "call.hung_up"
    assert "That call is over already." in await admin.save("/calls/c-1/hang-up")


async def test_finished_calls_are_paged_and_found_by_number(admin: Browser, side: WebSide) -> None:
    for n in range(53):
        side.catalog.calls.put(past(f"call-{n:02}", at=NOW - timedelta(minutes=n)))
    side.catalog.calls.put(past("other", at=NOW - timedelta(days=1), caller="1001", result="no-answer"))
    html = await admin.text("/calls")
    assert 'href="/admin/calls/call-49"' in html
    assert 'href="/admin/calls/call-50"' not in html
    older = re.search(r'href="/admin(/calls\?before=[^"]+)"', html)
    assert older is not None
    second = await admin.text(older.group(1))
    assert 'href="/admin/calls/call-50"' in second
    assert 'href="/admin/calls/other"' in second
    assert 'id="live"' not in second
    found = await admin.text("/calls?number=1001")
    assert 'href="/admin/calls/other"' in found
    assert 'href="/admin/calls/call-00"' not in found
    assert "No answer" in found
    assert "No call of this number" in await admin.text("/calls?number=7777&before=nonsense")


async def test_a_finished_call_tells_its_story_to_the_millisecond(admin: Browser, side: WebSide) -> None:
    events = [
        CallEvent(at=NOW, kind="call.invited", data={"caller": "1002", "called": "9002"}),
        CallEvent(at=NOW + timedelta(milliseconds=2004), kind="call.answered"),
        CallEvent(
            at=NOW + timedelta(seconds=20),
            kind="recording.steered",
            data={"user": "1002", "command": "pause", "channel": "rfc4733", "code": "*48"},
        ),
        CallEvent(at=NOW + timedelta(seconds=65), kind="call.ended", data={"cause": "a-bye"}),
        CallEvent(at=NOW + timedelta(seconds=66), kind="something.new", data={"x": "<b>"}),
    ]
    side.catalog.calls.put_with_events([(past("call-1"), events)])
    html = await admin.text("/calls/call-1")
    shown = words(html)
    assert "Call from Paula Pause to 9002" in shown
    for text in (
        "Paula Pause calls 9002.",
        "2.004 s",
        "Paula Pause paused the recording (keys *48).",
        "The call was over: Paula Pause hung up.",
        "66.000 s",
        "something.new",
    ):
        assert text in shown
    assert 'datetime="2026-03-04T10:00:02.004Z"' in html
    assert "<b>" not in html
    assert (await admin.get("/calls/none")).status == 404


async def test_a_call_that_goes_on_has_no_story_yet(admin: Browser, side: WebSide) -> None:
    side.exchange.put_call("c-1", PAULA, "9002")
    answer = await admin.get("/calls/c-1")
    assert (answer.status, answer.headers["Location"]) == (303, "/admin/calls")
    assert "This call is still going on" in await admin.text("/calls")


@pytest.mark.parametrize(
    ("mode", "phase", "options", "commands"),
    [
        pytest.param(RecordingMode.ALWAYS, Phase.RECORDING, TableOptions(), [], id="always"),
        pytest.param(RecordingMode.ALWAYS_PAUSE_RESUME, Phase.RECORDING, TableOptions(), [PAUSE], id="can-pause"),
        pytest.param(RecordingMode.ALWAYS_PAUSE_RESUME, Phase.PAUSED, TableOptions(), [RESUME], id="can-resume"),
        pytest.param(RecordingMode.ON_DEMAND, Phase.PROVISIONAL, TableOptions(), [START, PAUSE], id="can-be-kept"),
        pytest.param(RecordingMode.ON_DEMAND, Phase.RECORDING, TableOptions(), [PAUSE], id="kept"),
        pytest.param(
            RecordingMode.ON_DEMAND,
            Phase.RECORDING,
            TableOptions(on_demand_stop=OnDemandStop.STOP),
            [STOP, PAUSE],
            id="kept-and-stoppable",
        ),
        pytest.param(RecordingMode.ON_DEMAND, Phase.PAUSED, TableOptions(), [START, RESUME], id="paused-on-demand"),
        pytest.param(RecordingMode.ON_DEMAND_USER_START, Phase.READY, TableOptions(), [START], id="user-starts"),
        pytest.param(RecordingMode.ON_DEMAND_USER_START, Phase.RECORDING, TableOptions(), [STOP, PAUSE], id="runs"),
        pytest.param(RecordingMode.ON_DEMAND_USER_START, Phase.CLOSED, TableOptions(), [], id="closed"),
        pytest.param(RecordingMode.NEVER, Phase.READY, TableOptions(), [], id="never"),
    ],
)
def test_only_what_the_recording_table_allows_has_a_button(
    mode: RecordingMode, phase: Phase, options: TableOptions, commands: Sequence[FeatureCommand]
) -> None:
    recording = LiveRecording(user="1", phase=phase, mode=mode, recording_id=None, since=None)
    assert list(commands_of(recording, options)) == list(commands)


def test_of_several_calls_the_one_that_matters_most_counts(side: WebSide) -> None:
    side.exchange.put_call("c-1", ALAN, OLGA)
    side.exchange.put_call("c-2", "+331", ALAN, answered=False)
    side.exchange.put_call("c-3", URSULA, PAULA)
    side.exchange.put_call("c-4", NINA, "9002", answered=False)
    assert standings(side.exchange.calls()) == {
        "1000": Standing.RINGING,
        "1001": Standing.RECORDING,
        "1002": Standing.RECORDING,
        "1003": Standing.PROVISIONAL,
        "1004": Standing.CALL,
    }


EVENTS = [
    ("call.to-voicemail", {"status": "480"}, "Nobody answered: the mailbox takes the call."),
    ("call.ended", {"cause": "unanswered"}, "The call was over: nobody answered."),
    (
        "call.ended",
        {"cause": "b-session-expired"},
        "The call was over: the phone of 9002 no longer refreshed the session.",
    ),
    ("call.ended", {"cause": "x-invented"}, "The call was over: x-invented."),
    ("call.answer-unusable", {"error": "no SDP"}, "The answer could not be used: no SDP."),
    ("leg.first-packet", {"leg": "b"}, "The first audio of 9002 arrived."),
    ("leg.held", {"leg": "a"}, "Paula put the call on hold."),
    ("leg.rejected", {"status": "486"}, "A phone declined with 486."),
    ("leg.codec-changed", {"leg": "a", "before": "PCMA", "after": "G722"}, "Paula changed the codec: PCMA to G722."),
    ("digits.passed", {"leg": "a", "count": "3"}, "3 keys of Paula were passed on."),
    ("digits.passed", {"leg": "a", "count": "?"}, "0 keys of Paula were passed on."),
    ("recording.opened", {"user": "1002", "kept": "true"}, "The recording of Paula began."),
    (
        "recording.opened",
        {"user": "1002", "kept": "false"},
        "The recording of Paula began; it is kept only when the user asks for it.",
    ),
    (
        "recording.refused",
        {"user": "1002", "command": "stop", "channel": "page"},
        "Paula asked for “stop” (this portal), which the mode or the moment does not allow.",
    ),
    ("recording.sealed", {"duration_ms": "93012.5"}, "The recording was closed: 93.0 s."),
    ("recording.sealed", {"duration_ms": "?"}, "The recording was closed: ? s."),
    (
        "prompt.played",
        {"prompt": "recording-started", "heard_by": "a,b"},
        "Announcement “Recording started” to Paula, 9002.",
    ),
    ("voicemail.finished", {"cause": "hash"}, "The message was over: the caller pressed #."),
    ("call.ended", {"cause": "b-dialog-gone"}, "The call was over: the phone of 9002 no longer knew the call."),
    ("call.ended", {"cause": "a-no-ack"}, "The call was over: the phone of Paula never confirmed the answer."),
    (
        "call.ended",
        {"cause": "no-answer-in-ack"},
        "The call was over: the phone gave no answer to the offer it had asked for.",
    ),
    ("later.invention", {}, "later.invention"),
]


@pytest.mark.parametrize(("kind", "data", "text"), EVENTS, ids=[f"{n}-{kind}" for n, (kind, _, _) in enumerate(EVENTS)])
def test_events_are_told_in_words(kind: str, data: dict[str, str], text: str) -> None:
    translator = load_translators(["webkit"])["en"]
    told = EventWords(translator, caller=Party(number="1002", label="Paula"), callee=Party(number="9002"))
    assert told.text(kind, data) == text
