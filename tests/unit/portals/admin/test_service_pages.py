"""Codes, tones, announcements, and what happens when recording fails: every form, good and bad."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
import soundfile
from aiohttp import FormData

from callmodel.codes import FeatureCode, FeatureCodes, FeatureCommand
from callmodel.modes import FailureBehavior, Language, OnDemandStop, RecordingMode, TonePreset
from catalog.service_settings import ReminderTone, ServiceSettings
from feature_codes import Cue, TableOptions
from feature_codes.recording import rows
from portals.admin.code_words import REFUSED, deed
from portals.admin.site import PREFIX
from portals.admin.sounds import RATE_HZ, tone_samples, tone_wav
from portals.saving import effective_settings
from prompts import BEEP, REFUSAL, PromptId, Tone, own_prompts
from tests.support.browsing import Browser
from tests.support.portals import WebSide
from tests.unit.portals.admin.conftest import Opens

CODES = {
    "start.main": "*44",
    "start.enabled": "on",
    "stop.main": "*45",
    "stop.enabled": "on",
    "pause.main": "*48",
    "pause.enabled": "on",
    "resume.main": "*49",
    "resume.enabled": "on",
}
OWN_TONE = {"reminder": "own", "hz": "440", "on_ms": "200", "off_ms": "100", "bursts": "2", "level_dbm0": "-20"}


def settings(browser: Browser) -> ServiceSettings:
    return effective_settings(browser.side.services)


# --- codes ---------------------------------------------------------------------------------------


async def test_saved_codes_hold_in_the_next_call_and_stand_in_the_audit_log(admin: Browser) -> None:
    shown = await admin.save("/codes", CODES | {"start.main": "*55", "stop.alternate": "#45", "pause.enabled": ""})

    assert "The feature codes are saved." in shown
    assert settings(admin).codes == FeatureCodes(
        start=FeatureCode(command=FeatureCommand.START, main="*55"),
        stop=FeatureCode(command=FeatureCommand.STOP, main="*45", alternate="#45"),
        pause=FeatureCode(command=FeatureCommand.PAUSE, main="*48", enabled=False),
    )
    assert admin.side.exchange.refreshed == 1
    entry = admin.side.catalog.audit.list(limit=1)[0]
    assert (entry.actor, entry.action, entry.before, entry.after) == (
        "admin",
        "service.changed",
        {
            "codes": {
                "start": ["*44", None, True],
                "stop": ["*45", None, True],
                "pause": ["*48", None, True],
                "resume": ["*49", None, True],
            }
        },
        {
            "codes": {
                "start": ["*55", None, True],
                "stop": ["*45", "#45", True],
                "pause": ["*48", None, False],
                "resume": ["*49", None, True],
            }
        },
    )


@pytest.mark.parametrize(
    ("sent", "problem"),
    [
        pytest.param({"stop.main": "*44"}, "*44 is given to both Stop and Start.", id="twice"),
        pytest.param({"stop.main": "*4"}, "*4 (Stop) is the beginning of *44 (Start)", id="beginning"),
        pytest.param({"start.main": "44"}, "44 is a user’s number", id="a-user"),
        pytest.param({"start.main": "9001"}, "9001 is a service number", id="a-service-number"),
        pytest.param({"start.main": "*4x"}, "use only the keys 0 to 9, * and #.", id="letters"),
        pytest.param({"start.main": "*"}, "use 2 to 7 keys.", id="short"),
        pytest.param({"start.main": ""}, "This field is needed.", id="empty"),
        pytest.param({"resume.alternate": "*" * 65}, "At most 64 characters", id="endless"),
    ],
)
async def test_codes_that_cannot_be_are_refused_beside_the_field(
    admin: Browser, sent: dict[str, str], problem: str
) -> None:
    if sent == {"start.main": "44"}:
        await admin.save("/users/add", {"number": "44", "language": "en"})

    shown = await admin.refused("/codes", CODES | sent)

    (field,) = sent
    assert problem in shown
    assert f'id="e-{field}"' in shown
    assert settings(admin).codes == FeatureCodes()


async def test_a_code_that_is_switched_off_clashes_with_none(admin: Browser) -> None:
    await admin.save("/codes", CODES | {"stop.main": "*4", "stop.enabled": ""})

    assert settings(admin).codes == FeatureCodes(
        stop=FeatureCode(command=FeatureCommand.STOP, main="*4", enabled=False)
    )


async def test_restoring_brings_the_configuration_s_codes_back(admin: Browser) -> None:
    await admin.save("/codes", CODES | {"start.main": "*55"})

    assert "as the configuration has them again" in await admin.save("/codes/restore")
    assert settings(admin).codes == FeatureCodes()


async def test_choices_are_saved_and_change_the_table_in_words(admin: Browser) -> None:
    assert "Ends the recording for this call" not in await admin.text("/codes")

    shown = await admin.save(
        "/codes/choices", {"on_demand_stop": "stop", "on_demand_announce": "answer", "repeated_code": "silent"}
    )

    assert "Ends the recording for this call" in shown
    found = settings(admin)
    assert (found.on_demand_stop, found.on_demand_announce, found.repeated_code, found.announce_on_resume) == (
        "stop",
        "answer",
        "silent",
        False,
    )


async def test_a_choice_that_is_none_is_refused(admin: Browser) -> None:
    assert "Choose one of the list." in await admin.refused("/codes/choices", {"on_demand_stop": "maybe"})


@pytest.mark.parametrize("stop", list(OnDemandStop), ids=str)
@pytest.mark.parametrize("command", list(FeatureCommand), ids=str)
@pytest.mark.parametrize("mode", [mode for mode in RecordingMode if mode is not RecordingMode.NEVER], ids=str)
def test_the_words_refuse_what_the_recording_table_refuses(
    mode: RecordingMode, command: FeatureCommand, stop: OnDemandStop
) -> None:
    table = rows(mode, TableOptions(on_demand_stop=stop))
    refused_everywhere = all(row[Cue(command.value)].refused for row in table.values())

    assert (deed(mode, command, ServiceSettings(on_demand_stop=stop)) == REFUSED) is refused_everywhere


# --- tones ---------------------------------------------------------------------------------------


async def test_a_country_s_tone_is_chosen(admin: Browser) -> None:
    shown = await admin.save("/tones", OWN_TONE | {"reminder": "de"})

    assert 'value="de" checked' in shown
    assert settings(admin).reminder is TonePreset.DE


async def test_one_s_own_tone_is_heard_before_it_is_saved(admin: Browser) -> None:
    answer = await admin.post("/tones", OWN_TONE | {"reminder": "us", "action": "listen"})

    shown = await answer.text()
    assert answer.status == 200
    assert "/admin/tones/own.wav?hz=440&amp;on_ms=200&amp;off_ms=100&amp;bursts=2&amp;level_dbm0=-20" in shown
    assert settings(admin).reminder is TonePreset.US

    await admin.save("/tones", OWN_TONE)

    assert settings(admin).reminder == ReminderTone(hz=440, on_ms=200, off_ms=100, bursts=2, level_dbm0=-20)


@pytest.mark.parametrize(
    ("sent", "problem"),
    [
        pytest.param({"hz": "99"}, "A number from 100 to 3400.", id="low"),
        pytest.param({"on_ms": "2.5"}, "A whole number from 20 to 5000.", id="part"),
        pytest.param({"bursts": ""}, "This field is needed.", id="empty"),
        pytest.param({"on_ms": "5000", "bursts": "20"}, "at most.", id="long"),
        pytest.param({"reminder": "xx"}, "Choose one of the list.", id="no-country"),
    ],
)
async def test_a_tone_that_cannot_be_is_refused(admin: Browser, sent: dict[str, str], problem: str) -> None:
    assert problem in await admin.refused("/tones", OWN_TONE | sent)
    assert settings(admin).reminder is TonePreset.US


async def test_the_refusal_tone_is_switched_off_and_the_defaults_come_back(admin: Browser) -> None:
    await admin.save("/tones/refusal", {})
    assert settings(admin).refusal_tone is False

    await admin.save("/tones", OWN_TONE | {"reminder": "uk"})
    await admin.save("/tones/restore")
    assert (settings(admin).refusal_tone, settings(admin).reminder) == (True, TonePreset.US)


@pytest.mark.parametrize(
    ("name", "length_ms"),
    [("us", 500), ("fr", 500), ("uk", 500), ("de", 80), ("ch", 80), ("dk", 80), ("bg", 425), ("nz", 425),
     ("refusal", 500), ("beep", 500), ("own", 350)],
)  # fmt: skip
async def test_every_tone_is_served_as_sound(admin: Browser, name: str, length_ms: int) -> None:
    query = "?hz=440&on_ms=100&off_ms=25&bursts=3&level_dbm0=-20" if name == "own" else ""

    answer = await admin.get(f"/tones/{name}.wav{query}")
    samples, rate_hz = soundfile.read(io.BytesIO(await answer.read()))

    assert (answer.status, answer.content_type, rate_hz) == (200, "audio/wav", RATE_HZ)
    heard = np.flatnonzero(np.abs(samples) > 1e-4)
    assert (heard[-1] - heard[0]) / rate_hz * 1000 == pytest.approx(length_ms, abs=4)


@pytest.mark.parametrize("path", ["/tones/xx.wav", "/tones/own.wav", "/tones/own.wav?hz=nan&on_ms=1e9"])
async def test_a_tone_there_is_none_of_is_not_found(admin: Browser, path: str) -> None:
    assert (await admin.get(path)).status == 404


@pytest.mark.parametrize("tone", [BEEP, REFUSAL], ids=["beep", "refusal"])
def test_a_tone_has_its_pitch_and_its_level(tone: object) -> None:
    assert isinstance(tone, type(BEEP))
    burst = tone_samples(tone)[: tone.on_ms * RATE_HZ // 1000].astype(float)
    middle = burst[len(burst) // 4 : 3 * len(burst) // 4]

    spectrum = np.abs(np.fft.rfft(middle * np.hanning(len(middle)), 65536))

    assert spectrum.argmax() * RATE_HZ / 65536 == pytest.approx(tone.hz, abs=2)
    assert 20 * np.log10(np.sqrt(np.mean(middle**2)) / 16021) == pytest.approx(tone.level_dbm0, abs=0.1)


# --- announcements -------------------------------------------------------------------------------


def sound(seconds: float = 1.0, loud: float = 0.3) -> bytes:
    file = io.BytesIO()
    time = np.arange(int(8000 * seconds)) / 8000
    soundfile.write(file, loud * np.sin(2 * np.pi * 600 * time), 8000, format="WAV", subtype="PCM_16")
    return file.getvalue()


async def send(browser: Browser, data: bytes) -> tuple[int, str]:
    form = FormData({"csrf": browser.csrf})
    form.add_field("file", data, filename="own.wav", content_type="audio/wav")
    answer = await browser.client.post(f"{PREFIX}/prompts/fr/recording-started", data=form)
    return answer.status, await answer.text()


async def test_every_announcement_is_there_with_its_words_and_its_sound(admin: Browser) -> None:
    shown = await admin.text("/prompts", french=True)
    assert all(f"/admin/prompts/{language}/{prompt}.wav?v=" in shown for prompt in PromptId for language in Language)
    assert "L&#39;enregistrement de votre appel a été interrompu avec succès." in shown

    answer = await admin.get("/prompts/fr/recording-paused.wav")
    assert (answer.status, answer.content_type) == (200, "audio/wav")
    assert len(soundfile.read(io.BytesIO(await answer.read()))[0]) > 8000


async def test_an_uploaded_announcement_is_played_until_the_built_in_one_is_restored(admin: Browser) -> None:
    built_in = await (await admin.get("/prompts/fr/recording-started.wav")).read()

    status, shown = await send(admin, sound())

    directory = admin.side.services.data_dir / "prompts"
    assert (status, "Your announcement of 1.0 s is in use" in shown) == (200, True)
    assert own_prompts(directory) == {(PromptId.RECORDING_STARTED, Language.FR)}
    assert await (await admin.get("/prompts/fr/recording-started.wav")).read() != built_in
    assert "1 is your own." in await admin.text("/prompts")

    assert "in use again" in await admin.save("/prompts/fr/recording-started/restore")
    assert "was in use already" in await admin.save("/prompts/fr/recording-started/restore")
    assert await (await admin.get("/prompts/fr/recording-started.wav")).read() == built_in
    assert [entry.action for entry in admin.side.catalog.audit.list(action="prompt")] == [
        "prompt.restored",
        "prompt.replaced",
    ]


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        pytest.param(b"", "Choose a file.", id="none"),
        pytest.param(b"not a sound", "This is no sound file", id="no-sound"),
        pytest.param(sound(loud=0.0), "Nothing can be heard", id="silent"),
        pytest.param(sound(61), "longer than 60 seconds", id="long"),
    ],
)
async def test_a_file_that_cannot_be_an_announcement_is_refused(admin: Browser, data: bytes, problem: str) -> None:
    status, shown = await send(admin, data)

    assert (status, problem in shown) == (422, True)
    assert own_prompts(admin.side.services.data_dir / "prompts") == frozenset()


@pytest.mark.parametrize(
    "path", ["/prompts/de/recording-started", "/prompts/fr/nothing", "/prompts/fr/..%2f..%2fca", "/prompts/fr/x.wav"]
)
async def test_an_announcement_there_is_none_of_is_not_found(admin: Browser, path: str) -> None:
    assert (await admin.get(path)).status == 404


# --- failure -------------------------------------------------------------------------------------


@pytest.mark.parametrize("behavior", list(FailureBehavior), ids=str)
async def test_each_behaviour_can_be_chosen(admin: Browser, behavior: FailureBehavior) -> None:
    shown = await admin.save("/failure", {"behavior": behavior.value})

    assert f'value="{behavior.value}" checked' in shown
    assert settings(admin).failure_behavior is behavior


async def test_a_behaviour_there_is_none_of_is_refused(admin: Browser) -> None:
    assert "Choose one of the list." in await admin.refused("/failure", {"behavior": "SHRUG"})
    assert admin.side.catalog.service_settings.read() == ServiceSettings()


async def test_the_refusal_tone_is_heard_as_the_configuration_has_it(opened: Opens, side: WebSide) -> None:
    configured = replace(side, services=replace(side.services, refusal_sound=Tone(hz=620, on_ms=250, level_dbm0=-12)))
    browser = await opened(of=configured)

    sent = await (await browser.get("/tones/refusal.wav")).read()

    assert sent == tone_wav(Tone(hz=620, on_ms=250, level_dbm0=-12))
    assert "620 Hz" in await browser.text("/tones")


@pytest.mark.parametrize("page", ["codes", "tones"])
async def test_restoring_asks_first(admin: Browser, page: str) -> None:
    await admin.post("/codes", {**CODES, "start.main": "*54"})
    shown = (await admin.text(f"/{page}")).split("<noscript>")
    without_script = "".join(part.split("</noscript>")[-1] for part in shown)
    assert f'action="/admin/{page}/restore"' in without_script.partition("<dialog")[2]
    assert f'action="/admin/{page}/restore"' not in without_script.partition("<dialog")[0]
