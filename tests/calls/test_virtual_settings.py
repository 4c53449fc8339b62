"""Settings saved while the server runs: the next call has them, the one that runs goes on as it began.

The phones are silent, so whatever is heard was said by the server.
"""

from __future__ import annotations

import io
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from callbench.phone import Phone, PhoneCall, PhoneError
from callbench.virtual_time import run_virtual
from callmodel.modes import (
    FailureBehavior,
    Language,
    NotificationType,
    OnDemandAnnounce,
    OnDemandStop,
    RecordingMode,
    RepeatedCode,
    TonePreset,
)
from callmodel.subscriber import Subscriber
from catalog import ReminderTone, ServiceSettings
from feature_codes import FeatureCode, FeatureCodes, FeatureCommand
from prompts import PromptId, check_upload, restore, save_custom
from tests.support.virtual import DOMAIN, PASSWORD, Carrier, Finished, config, in_the_way, user
from tests.support.virtual_ears import REFUSED, heard, listen, words

NOW = datetime(2024, 5, 1, tzinfo=UTC)
STARTED, STOPPED, PAUSED = "recording-started/en", "recording-stopped/en", "recording-paused/en"
SPAN_S = 4.0
NEW_CODES = FeatureCodes(start=FeatureCode(command=FeatureCommand.START, main="*55", alternate="##1"))

Change = Callable[[Carrier], Awaitable[None]]


def saving(**settings: Any) -> Change:
    """Save settings as a page does, and have the server use them."""

    async def change(carrier: Carrier) -> None:
        carrier.server.catalog.service_settings.write(ServiceSettings(**settings), now=NOW)
        await carrier.server.refresh()

    return change


def announced(mode: RecordingMode, **more: Any) -> Subscriber:
    """1001 with every announcement on."""
    return user("1001", mode, announce_internal=True, notification=NotificationType.ANNOUNCEMENT, **more)


async def one_call(phones: tuple[Phone, Phone], codes: tuple[str, ...]) -> PhoneCall:
    """1001 calls 1002, dials codes with pauses between them, and hangs up."""
    call = await phones[0].dial("1002")
    await call.answered()
    taken = await phones[1].called()
    await taken.answered()
    await call.talk(SPAN_S)
    for code in codes:
        await call.press(code)
        await call.talk(SPAN_S)
    call.hang_up()
    await call.ended()
    await taken.ended()
    return call


def two_calls(
    tmp_path: Path,
    subscriber: Subscriber,
    change: Change,
    *codes: str,
    **options: Any,
) -> tuple[PhoneCall, PhoneCall, int]:
    """The same call before and after a change of settings; and how many recordings are kept of both."""

    async def scenario() -> tuple[PhoneCall, PhoneCall, int]:
        async with Carrier(
            data_dir=tmp_path, subscribers=(subscriber, user("1002")), config=config(**options)
        ) as carrier:
            phones = await carrier.phone("1001"), await carrier.phone("1002")
            first = await one_call(phones, codes)
            await change(carrier)
            second = await one_call(phones, codes)
            await carrier.settled()
            return first, second, len(carrier.recordings())

    return run_virtual(scenario())


def told(calls: tuple[PhoneCall, PhoneCall, int]) -> tuple[list[str], list[str]]:
    """What the user was told in each of the two calls."""
    return words(heard(calls[0])), words(heard(calls[1]))


# --- codes -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", ["*55", "##1"])
def test_a_new_code_starts_a_recording_in_the_next_call(tmp_path: Path, code: str) -> None:
    calls = two_calls(tmp_path, announced(RecordingMode.ON_DEMAND_USER_START), saving(codes=NEW_CODES), code)
    assert (told(calls), calls[2]) == (([], [STARTED]), 1)


def test_the_old_code_is_ordinary_keys_in_the_next_call(tmp_path: Path) -> None:
    calls = two_calls(tmp_path, announced(RecordingMode.ON_DEMAND_USER_START), saving(codes=NEW_CODES), "*44")
    assert (told(calls), calls[2]) == (([STARTED], []), 1)


def test_a_running_call_keeps_its_codes(tmp_path: Path) -> None:
    async def scenario() -> list[str]:
        subscribers = announced(RecordingMode.ON_DEMAND_USER_START), user("1002")
        async with Carrier(data_dir=tmp_path, subscribers=subscribers) as carrier:
            call, taken = await carrier.connect()
            await saving(codes=NEW_CODES)(carrier)
            for code in ("*55", "*44"):
                await call.press(code)
                await call.talk(SPAN_S)
            await carrier.over(call, taken)
            return words(heard(call))

    assert run_virtual(scenario()) == [STARTED]


def test_a_called_code_follows_the_new_codes(tmp_path: Path) -> None:
    """``*55`` called beside a held call starts its recording; ``*44`` is no number any more."""

    async def scenario() -> tuple[int, list[str], int]:
        subscribers = announced(RecordingMode.ON_DEMAND_USER_START), user("1002")
        async with Carrier(data_dir=tmp_path, subscribers=subscribers) as carrier:
            await saving(codes=NEW_CODES)(carrier)
            call, taken = await carrier.connect()
            await call.talk(SPAN_S)
            old = await call.phone.dial("*44")
            await old.ended()
            new = await call.phone.dial("*55")
            await new.answered()
            await new.ended()
            await call.talk(SPAN_S)
            await carrier.over(call, taken)
            return old.status, words(heard(new)), len(carrier.recordings())

    assert run_virtual(scenario()) == (404, [STARTED], 1)


def test_a_code_that_is_switched_off_does_nothing_in_the_next_call(tmp_path: Path) -> None:
    off = FeatureCodes(pause=FeatureCode(command=FeatureCommand.PAUSE, main="*48", enabled=False))
    calls = two_calls(tmp_path, announced(RecordingMode.ALWAYS_PAUSE_RESUME), saving(codes=off), "*48")
    assert told(calls) == ([STARTED, PAUSED], [STARTED])


# --- tones -------------------------------------------------------------------------------------------


def reminders(call: PhoneCall) -> list[tuple[float, float]]:
    """Frequency and length in ms of every burst the user heard."""
    tones = listen(call.heard.audio(), prompts=False).tones
    return [(round(tone.hz), round(tone.length_ms, -1)) for tone in tones]


@pytest.mark.parametrize(
    ("reminder", "expected"),
    [
        (TonePreset.FR, [(1400, 500)]),
        (TonePreset.NZ, [(1400, 420)]),
        (ReminderTone(hz=850, on_ms=200, off_ms=100, bursts=2, level_dbm0=-12), [(850, 200), (850, 200)]),
    ],
    ids=["fr", "nz", "own"],
)
def test_the_reminder_is_another_one_in_the_next_call(
    tmp_path: Path, reminder: TonePreset | ReminderTone, expected: list[tuple[float, float]]
) -> None:
    """From the German tone to another; one reminder falls into each call."""

    async def scenario() -> list[list[tuple[float, float]]]:
        subscribers = user("1001", RecordingMode.ALWAYS, reminder_s=10), user("1002")
        async with Carrier(data_dir=tmp_path, subscribers=subscribers) as carrier:
            phones = await carrier.phone("1001"), await carrier.phone("1002")
            found = []
            for chosen in (TonePreset.DE, reminder):
                await saving(reminder=chosen)(carrier)
                call = await phones[0].dial("1002")
                await call.answered()
                await (await phones[1].called()).answered()
                await call.talk(12)
                call.hang_up()
                await call.ended()
                found.append(reminders(call))
            return found

    assert run_virtual(scenario()) == [[(1400, 80)], [(hz, pytest.approx(ms, abs=10)) for hz, ms in expected]]


@pytest.mark.parametrize(("first", "second"), [(True, False), (False, True)], ids=["tone-to-silence", "and-back"])
def test_a_refusal_is_heard_or_not_as_was_set_last(tmp_path: Path, first: bool, second: bool) -> None:
    refusal = "tone" if first else "silent"
    calls = two_calls(tmp_path, user("1001"), saving(refusal_tone=second), "*44", refusal=refusal)
    assert told(calls) == ([REFUSED] if first else [], [REFUSED] if second else [])


# --- what the table leaves open ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mode", "codes", "settings", "expected"),
    [
        (
            RecordingMode.ON_DEMAND,
            ("*44", "*45"),
            {"on_demand_stop": OnDemandStop.STOP},
            ([STARTED, REFUSED], [STARTED, STOPPED]),
        ),
        (
            RecordingMode.ON_DEMAND,
            (),
            {"on_demand_announce": OnDemandAnnounce.ANSWER},
            ([], [STARTED]),
        ),
        (
            RecordingMode.ALWAYS_PAUSE_RESUME,
            ("*48", "*48"),
            {"repeated_code": RepeatedCode.SILENT},
            ([STARTED, PAUSED, PAUSED], [STARTED, PAUSED]),
        ),
    ],
    ids=["on-demand-stop", "on-demand-announce", "repeated-code"],
)
def test_an_option_of_the_table_holds_in_the_next_call(
    tmp_path: Path,
    mode: RecordingMode,
    codes: tuple[str, ...],
    settings: dict[str, Any],
    expected: tuple[list[str], list[str]],
) -> None:
    assert told(two_calls(tmp_path, announced(mode), saving(**settings), *codes)) == expected


def test_the_far_party_is_spared_the_announcement_after_a_pause_from_the_next_call_on(tmp_path: Path) -> None:
    async def scenario() -> list[list[str]]:
        subscribers = announced(RecordingMode.ALWAYS_PAUSE_RESUME), user("1002")
        async with Carrier(data_dir=tmp_path, subscribers=subscribers) as carrier:
            phones = await carrier.phone("1001"), await carrier.phone("1002")
            found = []
            for repeated in (True, False):
                await saving(announce_on_resume=repeated)(carrier)
                call = await phones[0].dial("1002")
                await call.answered()
                taken = await phones[1].called()
                await taken.answered()
                for code in ("*48", "*49"):
                    await call.talk(SPAN_S)
                    await call.press(code)
                await call.talk(SPAN_S)
                call.hang_up()
                await taken.ended()
                found.append(words(heard(taken)))
            return found

    assert run_virtual(scenario()) == [[STARTED, STARTED], [STARTED]]


@pytest.mark.parametrize(
    ("behavior", "hears", "lasts"),
    [
        (FailureBehavior.PROCEED_SILENTLY, [], True),
        (FailureBehavior.PROCEED_ANNOUNCED, ["recording-failed-continue/en"], True),
        (FailureBehavior.END_ANNOUNCED, ["recording-failed-end/en"], False),
    ],
)
def test_a_call_that_cannot_be_recorded_does_what_was_set_last(
    tmp_path: Path, behavior: FailureBehavior, hears: list[str], lasts: bool
) -> None:
    """Each behaviour in the call after another one was in force."""
    other = next(value for value in FailureBehavior if value is not behavior)

    async def scenario() -> tuple[list[str], float]:
        subscribers = user("1001", RecordingMode.ALWAYS), user("1002")
        async with Carrier(
            data_dir=tmp_path, subscribers=subscribers, config=config(failure_behavior=other)
        ) as carrier:
            in_the_way(tmp_path)
            await saving(failure_behavior=behavior)(carrier)
            call, taken = await carrier.connect()
            await carrier.later(6)
            call.hang_up()
            await call.ended()
            await taken.ended()
            return words(heard(call)), call.ended_at - call.answered_at

    found, lasted = run_virtual(scenario())
    assert (found, lasted >= 6) == (hears, lasts)


# --- announcements -----------------------------------------------------------------------------------


def upload(hz: float, seconds: float = 1.0) -> bytes:
    """A tone for an announcement: nothing else in these calls sounds like it."""
    file = io.BytesIO()
    soundfile.write(file, 0.3 * np.sin(2 * np.pi * hz * np.arange(int(22050 * seconds)) / 22050), 22050, format="FLAC")
    return file.getvalue()


def saving_announcement(directory: Path, hz: float | None, language: Language = Language.EN) -> Change:
    """As the page for announcements does; None restores."""

    async def change(carrier: Carrier) -> None:
        if hz is None:
            restore(directory, PromptId.RECORDING_STARTED, language)
        else:
            save_custom(directory, PromptId.RECORDING_STARTED, language, check_upload(upload(hz)))
        carrier.server.catalog.service_settings.prompts_changed(now=NOW)
        await carrier.server.refresh()

    return change


def test_an_announcement_of_ones_own_is_heard_in_the_next_call_and_restored_in_the_one_after(tmp_path: Path) -> None:
    async def scenario() -> tuple[list[list[str]], list[str]]:
        subscribers = announced(RecordingMode.ALWAYS), user("1002")
        async with Carrier(data_dir=tmp_path, subscribers=subscribers) as carrier:
            phones = await carrier.phone("1001"), await carrier.phone("1002")
            told_in = [words(heard(await one_call(phones, ())))]
            for hz in (750.0, None):
                await saving_announcement(carrier.uploaded, hz)(carrier)
                told_in.append(words(heard(await one_call(phones, ()))))
            await carrier.settled()
            return told_in, tones_told(carrier.recordings()[1])

    assert run_virtual(scenario()) == ([[STARTED], ["750 Hz"], [STARTED]], ["750 Hz"])


def test_an_announcement_in_another_language_changes_nothing(tmp_path: Path) -> None:
    calls = two_calls(
        tmp_path, announced(RecordingMode.ALWAYS), saving_announcement(tmp_path / "prompts", 750.0, Language.FR)
    )
    assert told(calls) == ([STARTED], [STARTED])


def test_an_announcement_that_is_being_played_goes_on_unharmed(tmp_path: Path) -> None:
    """Replaced in its middle, it is heard to its end; the next one is the new one."""

    async def scenario() -> list[str]:
        subscribers = announced(RecordingMode.ALWAYS_PAUSE_RESUME), user("1002")
        async with Carrier(data_dir=tmp_path, subscribers=subscribers) as carrier:
            call, taken = await carrier.connect()
            await call.talk(0.7)
            await saving_announcement(carrier.uploaded, 750.0)(carrier)
            await call.talk(SPAN_S)
            for code in ("*48", "*49"):
                await call.press(code)
                await call.talk(SPAN_S)
            await carrier.over(call, taken)
            return words(heard(taken))

    assert run_virtual(scenario()) == [STARTED, "750 Hz"]


def tones_told(recording: Finished) -> list[str]:
    """Tones in the far party's channel of a recording."""
    return [f"{tone.hz:.0f} Hz" for tone in listen(recording.audio[:, 1], prompts=False).tones]


# --- when it cannot be read --------------------------------------------------------------------------


def test_settings_nobody_can_read_leave_those_in_use_that_were(tmp_path: Path) -> None:
    async def spoil(carrier: Carrier) -> None:
        carrier.server.catalog.settings.set("service.codes", "*1", now=NOW)
        await carrier.server.refresh()

    calls = two_calls(tmp_path, announced(RecordingMode.ON_DEMAND_USER_START), spoil, "*44")
    assert (told(calls), calls[2]) == (([STARTED], [STARTED]), 2)


def test_an_announcement_nobody_can_read_leaves_the_one_in_use_that_was(tmp_path: Path) -> None:
    async def spoil(carrier: Carrier) -> None:
        await saving_announcement(carrier.uploaded, 750.0)(carrier)
        (carrier.uploaded / "en" / "recording-started.wav").write_bytes(b"no sound")
        carrier.server.catalog.service_settings.prompts_changed(now=NOW)
        await carrier.server.refresh()

    calls = two_calls(tmp_path, announced(RecordingMode.ALWAYS), spoil)
    assert told(calls) == ([STARTED], ["750 Hz"])


def test_without_a_word_from_a_page_the_server_looks_by_itself(tmp_path: Path) -> None:
    """Another process saved: the next call that begins more than ``refresh_s`` later has it."""

    async def change(carrier: Carrier) -> None:
        carrier.server.catalog.service_settings.write(ServiceSettings(codes=NEW_CODES), now=NOW)
        await carrier.later(61)

    calls = two_calls(tmp_path, announced(RecordingMode.ON_DEMAND_USER_START), change, "*55")
    assert (told(calls), calls[2]) == (([], [STARTED]), 1)


def test_what_was_set_before_a_start_holds_from_the_first_call_on(tmp_path: Path) -> None:
    async def scenario() -> list[list[str]]:
        found = []
        subscribers = announced(RecordingMode.ON_DEMAND_USER_START), user("1002")
        for _ in range(2):
            async with Carrier(data_dir=tmp_path, subscribers=subscribers) as carrier:
                phones = await carrier.phone("1001"), await carrier.phone("1002")
                found.append(words(heard(await one_call(phones, ("*55",)))))
                carrier.server.catalog.service_settings.write(ServiceSettings(codes=NEW_CODES), now=NOW)
        return found

    assert run_virtual(scenario()) == [[], [STARTED]]


# --- passwords ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("realm", "password"), [(DOMAIN, "a new one"), ("elsewhere.test", PASSWORD)])
def test_the_old_password_is_void_once_another_is_set_or_the_domain_is_another(
    tmp_path: Path, realm: str, password: str
) -> None:
    async def scenario() -> None:
        async with Carrier(data_dir=tmp_path, subscribers=(user("1001"),)) as carrier:
            phone = await carrier.phone("1001")
            carrier.server.catalog.subscribers.set_password("1001", password, realm=realm, now=NOW)
            await carrier.server.refresh()
            with pytest.raises(PhoneError, match=r"40[13]"):
                await phone.register()

    run_virtual(scenario())
