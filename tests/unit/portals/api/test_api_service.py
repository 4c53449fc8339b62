"""``/api/v1``: settings of the recording service, and announcements."""

from __future__ import annotations

import io

import numpy as np
import pytest
import soundfile

from callmodel.modes import FailureBehavior, TonePreset
from catalog.service_settings import ReminderTone
from tests.support.portals import WebSide
from tests.unit.portals.conftest import Http

CODES = {
    command: {"main": f"*{digit}", "enabled": True}
    for command, digit in (("start", 44), ("stop", 45), ("pause", 48), ("resume", 49))
}


def sound(seconds: float = 0.5) -> bytes:
    """Something that can be heard."""
    file = io.BytesIO()
    soundfile.write(file, 0.2 * np.sin(np.arange(int(16000 * seconds)) / 5), 16000, format="WAV")
    return file.getvalue()


async def test_what_was_never_set_is_as_the_configuration_file_has_it(http: Http) -> None:
    """All of it is told."""
    assert await http("GET", "/api/v1/settings") == {
        "codes": CODES,
        "reminder": "us",
        "refusal_tone": True,
        "failure_behavior": "PROCEED_WITH_CALL_NO_ANNOUNCEMENT",
        "announce_on_resume": True,
        "on_demand_stop": "refuse",
        "on_demand_announce": "keep",
        "repeated_code": "notice",
    }


async def test_settings_are_changed_and_forgotten(side: WebSide, http: Http) -> None:
    """What is not sent stays; the running server is told; the audit log has both values."""
    tone = {"hz": 425.0, "on_ms": 200, "off_ms": 0, "bursts": 1, "level_dbm0": -20.0}
    changed = await http(
        "PATCH", "/api/v1/settings", json={"reminder": tone, "failure_behavior": "END_CALL_WITH_ANNOUNCEMENT"}
    )
    assert (changed["reminder"], changed["refusal_tone"]) == (tone, True)
    stored = side.catalog.service_settings.read()
    assert stored.reminder == ReminderTone(hz=425, on_ms=200, level_dbm0=-20)
    assert stored.failure_behavior is FailureBehavior.END_ANNOUNCED
    assert side.exchange.refreshed == 1
    changed = await http("PATCH", "/api/v1/settings", json={"reminder": "fr", "forget": ["failure_behavior"]})
    assert (changed["reminder"], changed["failure_behavior"]) == ("fr", "PROCEED_WITH_CALL_NO_ANNOUNCEMENT")
    assert side.catalog.service_settings.read().reminder is TonePreset.FR
    entry = side.catalog.audit.list(limit=1)[0]
    assert (entry.action, entry.after) == (
        "service.changed",
        {"reminder": "fr", "failure_behavior": "PROCEED_WITH_CALL_NO_ANNOUNCEMENT"},
    )


async def test_codes_are_changed_together(http: Http) -> None:
    """A code that begins another is refused with its field; a code of letters, too."""
    codes = {**CODES, "start": {"main": "*55", "alternate": "#55"}}
    told = await http("PATCH", "/api/v1/settings", json={"codes": codes})
    assert told["codes"]["start"] == {"main": "*55", "alternate": "#55", "enabled": True}
    problem = await http("PATCH", "/api/v1/settings", 400, json={"codes": {**CODES, "start": {"main": "*4"}}})
    assert problem["errors"][0]["field"].startswith("codes.")
    problem = await http("PATCH", "/api/v1/settings", 400, json={"codes": {**CODES, "start": {"main": "abc"}}})
    assert [error["field"] for error in problem["errors"]] == ["codes.start.main"]


async def test_an_announcement_is_replaced_and_restored(side: WebSide, http: Http) -> None:
    """What is heard is what was uploaded; then the built-in one again."""
    path = "/api/v1/prompts/fr/recording-paused"
    built_in = await http("GET", path)
    told = await http("PUT", path, data=sound(), headers={"Content-Type": "audio/wav"})
    assert (told["prompt"], told["language"], told["length_ms"]) == ("recording-paused", "fr", 500.0)
    assert await http("GET", path) != built_in
    listed = (await http("GET", "/api/v1/prompts"))["items"]
    custom = [(one["prompt"], one["language"], one["text"]) for one in listed if one["custom"]]
    assert custom == [
        ("recording-paused", "fr", "L'enregistrement de votre appel a été interrompu avec succès."),
    ]
    assert side.exchange.refreshed == 1
    await http("DELETE", path, 204)
    assert await http("GET", path) == built_in
    await http("DELETE", path, 404)
    assert [entry.action for entry in side.catalog.audit.list(action="prompt")] == [
        "prompt.restored",
        "prompt.replaced",
    ]


WRONG = {
    "no sound": (b"hello", "the file is no sound file that can be read"),
    "too long": (sound(61), "the announcement lasts longer than 60 s"),
}


@pytest.mark.parametrize("name", WRONG)
async def test_a_file_that_cannot_be_an_announcement_is_refused(http: Http, name: str) -> None:
    """In words."""
    data, message = WRONG[name]
    headers = {"Content-Type": "audio/wav"}
    problem = await http("PUT", "/api/v1/prompts/en/goodbye", 400, data=io.BytesIO(data), headers=headers)
    assert problem["detail"] == message


async def test_there_is_no_announcement_of_another_name(http: Http) -> None:
    """Nor language, nor way out of the directory."""
    for path in ("en/hello", "de/goodbye", "en/..%2F..%2Fcatalog"):
        await http("GET", f"/api/v1/prompts/{path}", 404)
