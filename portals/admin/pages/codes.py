"""Feature codes: what a user dials to steer a recording, and what each code does in each mode."""

from __future__ import annotations

from typing import Any, Final

from aiohttp import web

from callmodel.codes import CODE_MAX_CHARS, CodeError, CodeProblem, FeatureCode, FeatureCodes, FeatureCommand
from callmodel.modes import OnDemandAnnounce, OnDemandStop, RecordingMode, RepeatedCode
from catalog.service_settings import ServiceSettings
from catalog.subscribers import SERVICE_NUMBERS
from portals.admin.acting import actor_of
from portals.admin.code_words import COMMANDS, MEANINGS, TITLES, deed
from portals.admin.roles import ADMIN
from portals.admin.site import services_of
from portals.saving import effective_settings, save_service_settings
from portals.services import Services
from webkit.forms import Form
from webkit.i18n import Translator
from webkit.routes import page
from webkit.visit import Visit

SHOWN_MODES: Final = tuple(mode for mode in RecordingMode if mode is not RecordingMode.NEVER)

CHOICES: Final = ("on_demand_stop", "on_demand_announce", "repeated_code", "announce_on_resume")
"""Settings of the second form."""


async def show(visit: Visit) -> web.StreamResponse:
    """The codes as the next call will know them."""
    settings = await visit.run(effective_settings, services_of(visit))
    return await _page(visit, settings)


async def _page(
    visit: Visit, settings: ServiceSettings, *, form: Form | None = None, choices: Form | None = None
) -> web.StreamResponse:
    codes = settings.codes or FeatureCodes()
    rows = [
        {
            "command": code.command.value,
            "title": visit.t(TITLES[code.command]),
            "meaning": visit.t(MEANINGS[code.command]),
            "main": form.sent(f"{code.command}.main") if form else code.main,
            "alternate": form.sent(f"{code.command}.alternate") if form else code.alternate or "",
            "saved": code.main,
            "enabled": form.flag(f"{code.command}.enabled") if form else code.enabled,
        }
        for code in codes
    ]
    table = [
        (mode, [visit.t(deed(mode, command, settings), **_named(codes)) for command in COMMANDS])
        for mode in SHOWN_MODES
    ]
    bad = form is not None or choices is not None
    return await visit.page(
        "codes.html",
        status=422 if bad else 200,
        rows=rows,
        settings=settings,
        codes=codes,
        choices_shown=choices_of(settings),
        table=table,
        form=form,
        choices=choices,
        longest=CODE_MAX_CHARS,
        standard=codes == FeatureCodes(),
    )


def choices_of(settings: ServiceSettings) -> tuple[object, ...]:
    """What the form of the choices asks for."""
    return tuple(getattr(settings, name) for name in CHOICES)


def _named(codes: FeatureCodes) -> dict[str, str]:
    return {code.command.value: code.main for code in codes}


async def save(visit: Visit) -> web.StreamResponse:
    """Change the codes, all at once: whether two can be told apart is a question to the whole table."""
    services, form = services_of(visit), visit.form()
    codes = _read(form, visit.t)
    if codes is not None and form.ok:
        await visit.run(_refuse_numbers, services, codes, form, visit.t)
    if codes is None or not form.ok:
        return await _page(visit, await visit.run(effective_settings, services), form=form)
    settings = await visit.run(effective_settings, services)
    if form.overtakes(settings.codes or FeatureCodes(), codes):
        return await _page(visit, settings, form=form)
    await save_service_settings(services, ServiceSettings(codes=codes), actor=actor_of(visit))
    visit.notice("success", visit.t("The feature codes are saved. They hold from the next call on."))
    return visit.redirect("/codes")


def _read(form: Form, t: Translator) -> FeatureCodes | None:
    found: dict[str, FeatureCode] = {}
    for command in FeatureCommand:
        try:
            found[command.value] = FeatureCode(
                command=command,
                main=form.text(f"{command}.main", limit=64, required=True) or "*0",
                alternate=form.text(f"{command}.alternate", limit=64) or None,
                enabled=form.flag(f"{command}.enabled"),
            )
        except CodeError as error:
            form.refuse(error.field, _problem(error, {}, t))
    if not form.ok:
        return None
    try:
        return FeatureCodes(**found)
    except CodeError as error:
        form.refuse(error.field, _problem(error, found, t))
        return None


def _problem(error: CodeError, codes: dict[str, FeatureCode], t: Translator) -> str:
    own = FeatureCommand(error.field.partition(".")[0])
    fields = [(field, text) for code in codes.values() for field, text in code.named_texts]
    twin = next((field for field, text in fields if text == error.other and field != error.field), error.field)
    words: dict[str, Any] = {
        "code": error.text,
        "command": t(TITLES[own]),
        "other": error.other,
        "other_command": t(TITLES[FeatureCommand(twin.partition(".")[0])]),
    }
    if error.problem is CodeProblem.LENGTH:
        return t("%(code)s (%(command)s): use 2 to 7 keys.", **words)
    if error.problem is CodeProblem.KEYS:
        return t("%(code)s (%(command)s): use only the keys 0 to 9, * and #.", **words)
    if error.problem is CodeProblem.BEGINS_ANOTHER:
        return t(
            "%(code)s (%(command)s) is the beginning of %(other)s (%(other_command)s), which could never be dialled. "
            "Change one of the two.",
            **words,
        )
    return t("%(code)s is given to both %(command)s and %(other_command)s. Change one of the two.", **words)


def _refuse_numbers(services: Services, codes: FeatureCodes, form: Form, t: Translator) -> None:
    """A code that is somebody's number would take the number away."""
    for code in codes:
        for field, text in code.named_texts:
            if text in SERVICE_NUMBERS:
                form.refuse(field, t("%(code)s is a service number: it could not be called any more.", code=text))
            elif services.catalog.subscribers.get(text) is not None:
                form.refuse(field, t("%(code)s is a user’s number: nobody could call it any more.", code=text))


async def restore(visit: Visit) -> web.StreamResponse:
    """Back to what the configuration file says."""
    services = services_of(visit)
    await save_service_settings(services, ServiceSettings(), forget=["codes"], actor=actor_of(visit))
    visit.notice("success", visit.t("The feature codes are as the configuration has them again."))
    return visit.redirect("/codes")


async def choose(visit: Visit) -> web.StreamResponse:
    """How the codes behave where the platform leaves it open."""
    services, form = services_of(visit), visit.form()
    before = await visit.run(effective_settings, services)
    chosen = ServiceSettings(
        on_demand_stop=form.member("on_demand_stop", OnDemandStop, default=OnDemandStop.REFUSE),
        on_demand_announce=form.member("on_demand_announce", OnDemandAnnounce, default=OnDemandAnnounce.KEEP),
        repeated_code=form.member("repeated_code", RepeatedCode, default=RepeatedCode.NOTICE),
        announce_on_resume=form.flag("announce_on_resume"),
    )
    if not form.ok or form.overtakes(choices_of(before), choices_of(chosen)):
        return await _page(visit, before, choices=form)
    await save_service_settings(services, chosen, actor=actor_of(visit))
    visit.notice("success", visit.t("Saved. It holds from the next call on."))
    return visit.redirect("/codes")


ROUTES: Final = (
    page("GET", "/codes", show, allow=ADMIN),
    page("POST", "/codes", save, allow=ADMIN),
    page("POST", "/codes/restore", restore, allow=ADMIN),
    page("POST", "/codes/choices", choose, allow=ADMIN),
)
