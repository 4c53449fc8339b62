"""Leaving a message: when the mailbox answers, what the caller hears, what becomes of the message."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from callbench.phone import Answering, Microphone, PhoneCall, PhoneError, quiet, silent, tone
from callbench.virtual_time import run_virtual
from callmodel.modes import Language, RecordingMode, RecordingType
from mediaserver.call.config import VoicemailConfig
from spool import finished_recordings, read_manifest
from tests.support.virtual import Carrier, Finished, config, user
from tests.support.virtual_ears import heard, level_of, words

GREETING, SAVED = "voicemail-greeting/en", "voicemail-recorded/en"
GREETED_S = 6.5
"""Greeting, gap and tone are over."""


@dataclass(frozen=True, kw_only=True)
class Deposit:
    """What a call to a mailbox left."""

    call: PhoneCall
    recordings: list[Finished]
    kept_in_mailbox: list[Finished]
    entered: int
    """Recordings in the catalogue."""


def leave(
    tmp_path: Path,
    *,
    answering: Answering | None = None,
    owner: dict[str, Any] | None = None,
    caller: dict[str, Any] | None = None,
    says: Microphone = silent,
    message_s: float | None = 4.0,
    key: str = "",
    voicemail: VoicemailConfig | None = None,
) -> Deposit:
    """1001 calls 1002's mailbox, speaks for so long after the tone, and hangs up or presses a key; None waits."""

    async def scenario() -> Deposit:
        subscribers = (
            user("1001", **(caller or {})),
            user("1002", **({"record_voicemail": True} | (owner or {})), mailbox=True, no_answer_s=8),
        )
        settings = config(voicemail=voicemail or VoicemailConfig())
        async with Carrier(data_dir=tmp_path, subscribers=subscribers, config=settings) as carrier:
            phone = await carrier.phone("1001", quiet)
            if answering is not None:
                (await carrier.phone("1002")).answering = answering
            call = await phone.dial("1002")
            await call.answered(60)
            await call.talk(GREETED_S)
            call.media.microphone = says
            if message_s is None:
                await call.ended(400)
            else:
                await call.talk(message_s)
                if key:
                    await call.press(key)
                    await call.ended()
                else:
                    call.hang_up()
                    await call.ended()
            await carrier.settled()
            mailbox = [
                Finished(manifest=read_manifest(directory), directory=directory)
                for directory in finished_recordings(tmp_path / "mailboxes")
            ]
            entered = len(carrier.server.catalog.recordings.list())
            return Deposit(call=call, recordings=carrier.recordings(), kept_in_mailbox=mailbox, entered=entered)

    return run_virtual(scenario())


@pytest.mark.parametrize(
    ("answering", "answered_after_s"),
    [(Answering(after_s=100), 8.0), (Answering(status=486), 0.0), (None, 0.0)],
    ids=["no answer", "busy", "unreachable"],
)
def test_the_mailbox_answers_for_a_user_who_does_not(
    answering: Answering | None, answered_after_s: float, tmp_path: Path
) -> None:
    deposit = leave(tmp_path, answering=answering, says=tone(437))

    assert deposit.call.answered_at == pytest.approx(answered_after_s, abs=0.1)
    assert words(heard(deposit.call))[0] == GREETING
    (recording,) = deposit.recordings
    assert recording.manifest.recording_type is RecordingType.VOICEMAIL


def test_a_decline_is_final(tmp_path: Path) -> None:
    with pytest.raises(PhoneError, match="603"):
        leave(tmp_path, answering=Answering(status=603))


def test_the_greeting_is_followed_by_a_tone(tmp_path: Path) -> None:
    (greeting, beep, *rest) = heard(leave(tmp_path).call)

    assert greeting[0] == GREETING
    assert beep[0].endswith("Hz")
    assert beep[1] - greeting[1] == pytest.approx(5.385, abs=0.05)
    assert rest == []


def test_the_greeting_is_in_the_owners_language(tmp_path: Path) -> None:
    deposit = leave(tmp_path, owner={"language": Language.FR})

    assert words(heard(deposit.call))[0] == "voicemail-greeting/fr"


def test_the_message_alone_is_recorded(tmp_path: Path) -> None:
    """From the tone's end on: neither greeting nor tone; the owner's channel is silent."""
    (recording,) = leave(tmp_path, says=tone(437)).recordings

    assert recording.manifest.user == "1002"
    assert recording.manifest.duration_ms == pytest.approx(4000 + (GREETED_S - 5.885) * 1000, abs=200)
    assert not recording.audio[:, 0].any()
    assert level_of(recording.audio[-24000:-800, 1], 437) == pytest.approx(-10, abs=0.3)


def test_a_caller_with_the_switch_gets_a_recording_too(tmp_path: Path) -> None:
    deposit = leave(tmp_path, caller={"record_voicemail": True}, says=tone(437))

    by_user = {recording.manifest.user: recording for recording in deposit.recordings}
    assert set(by_user) == {"1001", "1002"}
    assert {recording.manifest.recording_type for recording in deposit.recordings} == {RecordingType.VOICEMAIL}
    assert by_user["1001"].manifest.external_tracking_id == by_user["1002"].manifest.external_tracking_id
    assert np.array_equal(by_user["1001"].audio[:, 0], by_user["1002"].audio[:, 1])
    assert deposit.entered == 2


def test_without_the_switch_a_message_stays_in_the_mailbox_and_is_not_delivered(tmp_path: Path) -> None:
    deposit = leave(tmp_path, owner={"record_voicemail": False}, says=tone(437))

    assert deposit.recordings == []
    assert deposit.entered == 0
    (message,) = deposit.kept_in_mailbox
    assert level_of(message.audio[-24000:-800, 1], 437) == pytest.approx(-10, abs=0.3)


def test_the_callers_recording_mode_does_not_apply_to_a_mailbox(tmp_path: Path) -> None:
    deposit = leave(tmp_path, owner={"record_voicemail": False}, caller={"mode": RecordingMode.ALWAYS})

    assert deposit.recordings == []


def test_pound_ends_the_message_with_a_word(tmp_path: Path) -> None:
    deposit = leave(tmp_path, says=tone(437), key="#")

    assert words(heard(deposit.call))[-1] == SAVED
    assert deposit.call.end_cause == "bye"
    assert len(deposit.recordings) == 1


def test_ten_seconds_of_silence_end_the_message(tmp_path: Path) -> None:
    deposit = leave(tmp_path, says=quiet, message_s=None)

    assert words(heard(deposit.call))[-1] == SAVED
    assert 10 < deposit.recordings[0].manifest.duration_ms / 1000 < 16


def test_the_limit_ends_the_message(tmp_path: Path) -> None:
    deposit = leave(tmp_path, says=tone(437), message_s=None, voicemail=VoicemailConfig(max_message_s=5))

    assert words(heard(deposit.call))[-1] == SAVED
    assert deposit.recordings[0].manifest.duration_ms == pytest.approx(5000, abs=40)


def test_a_caller_who_hangs_up_at_once_leaves_nothing(tmp_path: Path) -> None:
    deposit = leave(tmp_path, message_s=0.1)

    assert (deposit.recordings, deposit.kept_in_mailbox) == ([], [])
    assert [path for path in tmp_path.rglob("audio*")] == []


def test_a_caller_who_hangs_up_in_the_greeting_leaves_nothing(tmp_path: Path) -> None:
    async def scenario() -> list[Finished]:
        subscribers = (user("1001"), user("1002", record_voicemail=True, mailbox=True))
        async with Carrier(data_dir=tmp_path, subscribers=subscribers) as carrier:
            call = await (await carrier.phone("1001")).dial("1002")
            await call.answered()
            await call.talk(2)
            await carrier.over(call)
            assert carrier.server.journal.counts["recording.opened"] == 0
            return carrier.recordings()

    assert run_virtual(scenario()) == []
