"""Tones: the reminder of each country or one's own, and the tone of a refused code."""

from __future__ import annotations

from typing import Any, Final

from aiohttp import web

from callmodel.modes import TonePreset
from catalog.service_settings import LONGEST_REMINDER_MS, TONE_LIMITS, ReminderTone, ServiceSettings, SettingError
from portals.admin.acting import actor_of
from portals.admin.roles import ADMIN
from portals.admin.site import services_of
from portals.admin.sounds import tone_wav
from portals.saving import effective_settings, save_service_settings
from prompts import BEEP, DEFAULT_REMINDER, REMINDERS, Tone
from webkit.forms import Form
from webkit.i18n import Translator, mark
from webkit.routes import page
from webkit.visit import Visit

COUNTRIES: Final = {
    TonePreset.US: mark("United States"),
    TonePreset.FR: mark("France"),
    TonePreset.UK: mark("United Kingdom"),
    TonePreset.DE: mark("Germany"),
    TonePreset.CH: mark("Switzerland"),
    TonePreset.DK: mark("Denmark"),
    TonePreset.BG: mark("Bulgaria"),
    TonePreset.NZ: mark("New Zealand"),
}
OWN: Final = "own"
FIELDS: Final = ("hz", "on_ms", "off_ms", "bursts", "level_dbm0")


def tone_of(reminder: TonePreset | ReminderTone | None) -> Tone:
    """What sounds for a setting."""
    if isinstance(reminder, ReminderTone):
        return Tone(
            hz=reminder.hz,
            on_ms=reminder.on_ms,
            off_ms=reminder.off_ms,
            bursts=reminder.bursts,
            level_dbm0=reminder.level_dbm0,
        )
    return (DEFAULT_REMINDER if reminder is None else REMINDERS[reminder]).tone


async def show(visit: Visit) -> web.StreamResponse:
    """The presets as cards, one's own tone as a form."""
    return await _page(visit, await visit.run(effective_settings, services_of(visit)))


async def _page(
    visit: Visit,
    settings: ServiceSettings,
    *,
    form: Form | None = None,
    heard: Tone | None = None,
    refused: Form | None = None,
) -> web.StreamResponse:
    reminder = settings.reminder or TonePreset.US
    cards = [
        {"key": preset.value, "name": visit.t(COUNTRIES[preset]), "tone": REMINDERS[preset].tone,
         "interval_s": REMINDERS[preset].interval_s}
        for preset in TonePreset
    ]  # fmt: skip
    chosen = OWN if isinstance(reminder, ReminderTone) else reminder.value
    return await visit.page(
        "tones.html",
        status=422 if any(one is not None and not one.ok for one in (form, refused)) else 200,
        cards=cards,
        chosen=form.sent("reminder") if form else chosen,
        own=tone_of(reminder),
        refusal=services_of(visit).refusal_sound,
        refusal_tone=settings.refusal_tone is not False,
        limits=TONE_LIMITS,
        reminder=reminder,
        form=form,
        refused=refused,
        heard="" if heard is None else visit.url("/tones/own.wav", **_figures(heard)),
    )


def _figures(tone: Tone) -> dict[str, str]:
    return {name: f"{getattr(tone, name):g}" for name in FIELDS}


async def save(visit: Visit) -> web.StreamResponse:
    """Choose a country's tone or one's own, or (``action=listen``) hear one's own first."""
    services, form = services_of(visit), visit.form()
    before = await visit.run(effective_settings, services)
    listen = form.sent("action") == "listen"
    chosen = OWN if listen else form.one_of("reminder", [OWN, *(preset.value for preset in TonePreset)])
    reminder = _own(form, visit.t) if chosen == OWN else TonePreset(chosen) if chosen else None
    if reminder is None or not form.ok:
        return await _page(visit, before, form=form)
    if listen:
        return await _page(visit, before, form=form, heard=tone_of(reminder))
    if form.overtakes(before.reminder or TonePreset.US, reminder):
        return await _page(visit, before, form=form)
    await save_service_settings(services, ServiceSettings(reminder=reminder), actor=actor_of(visit))
    visit.notice("success", visit.t("The reminder tone is saved. It sounds in the next call."))
    return visit.redirect("/tones")


def _own(form: Form, t: Translator) -> ReminderTone | None:
    values: dict[str, Any] = {}
    for name in FIELDS:
        low, high = TONE_LIMITS[name]
        if name in {"hz", "level_dbm0"}:
            values[name] = form.decimal(name, low, high)
        else:
            values[name] = form.whole(name, int(low), int(high))
        if values[name] is None:
            form.refuse(name, t("This field is needed."))
    if not form.ok:
        return None
    try:
        return ReminderTone(**values)
    except SettingError as error:
        form.refuse(
            error.field.removeprefix("reminder."),
            t("All bursts together may last %(seconds)s seconds at most.", seconds=LONGEST_REMINDER_MS // 1000),
        )
        return None


async def save_refusal(visit: Visit) -> web.StreamResponse:
    """Whether a refused code is heard."""
    services, form = services_of(visit), visit.form()
    before = await visit.run(effective_settings, services)
    wanted = form.flag("refusal_tone")
    if form.overtakes(before.refusal_tone is not False, wanted):
        return await _page(visit, before, refused=form)
    await save_service_settings(services, ServiceSettings(refusal_tone=wanted), actor=actor_of(visit))
    visit.notice("success", visit.t("Saved. It holds from the next call on."))
    return visit.redirect("/tones")


async def restore(visit: Visit) -> web.StreamResponse:
    """Back to what the configuration file says."""
    await save_service_settings(
        services_of(visit), ServiceSettings(), forget=["reminder", "refusal_tone"], actor=actor_of(visit)
    )
    visit.notice("success", visit.t("The tones are as the configuration has them again."))
    return visit.redirect("/tones")


async def sound(visit: Visit) -> web.StreamResponse:
    """A tone as a WAV file: a country's by its name, ``refusal``, ``beep``, or ``own`` with its figures."""
    name = visit.match("name")
    if name == OWN:
        tone = _asked(visit)
    elif name in {"refusal", "beep"}:
        tone = BEEP if name == "beep" else services_of(visit).refusal_sound
    else:
        tone = REMINDERS[TonePreset(name)].tone if name in set(TonePreset) else None
    if tone is None:
        raise web.HTTPNotFound
    body = await visit.run(tone_wav, tone)
    return web.Response(body=body, content_type="audio/wav", headers={"Cache-Control": "private, max-age=300"})


def _asked(visit: Visit) -> Tone | None:
    try:
        values: dict[str, Any] = {name: float(visit.query(name, limit=12)) for name in FIELDS}
        whole = {name: int(values[name]) for name in ("on_ms", "off_ms", "bursts")}
        return tone_of(ReminderTone(**(values | whole)))
    except (ValueError, OverflowError, SettingError):
        return None


ROUTES: Final = (
    page("GET", "/tones", show, allow=ADMIN),
    page("POST", "/tones", save, allow=ADMIN),
    page("POST", "/tones/refusal", save_refusal, allow=ADMIN),
    page("POST", "/tones/restore", restore, allow=ADMIN),
    page("GET", "/tones/{name}.wav", sound, allow=ADMIN),
)
