"""What becomes of a call that cannot be recorded."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from callmodel.modes import FailureBehavior, Language
from catalog.service_settings import ServiceSettings
from portals.admin.acting import actor_of
from portals.admin.roles import ADMIN
from portals.admin.site import services_of
from portals.saving import effective_settings, save_service_settings
from prompts import CATALOGUE, PromptId
from webkit.routes import page
from webkit.visit import Visit


async def show(visit: Visit) -> web.StreamResponse:
    """The three behaviours."""
    settings = await visit.run(effective_settings, services_of(visit))
    return await _page(visit, settings.failure_behavior or FailureBehavior.PROCEED_SILENTLY)


async def _page(visit: Visit, chosen: FailureBehavior, status: int = 200, problem: str = "") -> web.StreamResponse:
    language = Language(visit.lang)
    return await visit.page(
        "failure.html",
        status=status,
        chosen=chosen.value,
        problem=problem,
        goes_on=CATALOGUE[PromptId.RECORDING_FAILED_CONTINUE].texts[language],
        ends=CATALOGUE[PromptId.RECORDING_FAILED_END].texts[language],
    )


async def save(visit: Visit) -> web.StreamResponse:
    """Choose one."""
    services, form = services_of(visit), visit.form()
    value = form.one_of("behavior", [behavior.value for behavior in FailureBehavior])
    if not form.ok:
        settings = await visit.run(effective_settings, services)
        chosen = settings.failure_behavior or FailureBehavior.PROCEED_SILENTLY
        return await _page(visit, chosen, 422, form.errors["behavior"])
    changed = ServiceSettings(failure_behavior=FailureBehavior(value))
    await save_service_settings(services, changed, actor=actor_of(visit))
    visit.notice("success", visit.t("Saved. It holds from the next call on."))
    return visit.redirect("/failure")


ROUTES: Final = (
    page("GET", "/failure", show, allow=ADMIN),
    page("POST", "/failure", save, allow=ADMIN),
)
