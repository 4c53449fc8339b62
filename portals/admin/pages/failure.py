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
from webkit.forms import Form
from webkit.routes import page
from webkit.visit import Visit


async def show(visit: Visit) -> web.StreamResponse:
    """The three behaviours."""
    return await _page(visit, None)


async def _page(visit: Visit, form: Form | None) -> web.StreamResponse:
    language = Language(visit.lang)
    return await visit.page(
        "failure.html",
        status=200 if form is None else 422,
        chosen=await _chosen(visit),
        form=form,
        goes_on=CATALOGUE[PromptId.RECORDING_FAILED_CONTINUE].texts[language],
        ends=CATALOGUE[PromptId.RECORDING_FAILED_END].texts[language],
    )


async def _chosen(visit: Visit) -> FailureBehavior:
    settings = await visit.run(effective_settings, services_of(visit))
    return settings.failure_behavior or FailureBehavior.PROCEED_SILENTLY


async def save(visit: Visit) -> web.StreamResponse:
    """Choose one."""
    form = visit.form()
    value = form.one_of("behavior", [behavior.value for behavior in FailureBehavior])
    if not form.ok or form.overtakes(await _chosen(visit), FailureBehavior(value)):
        return await _page(visit, form)
    changed = ServiceSettings(failure_behavior=FailureBehavior(value))
    await save_service_settings(services_of(visit), changed, actor=actor_of(visit))
    visit.notice("success", visit.t("Saved. It holds from the next call on."))
    return visit.redirect("/failure")


ROUTES: Final = (
    page("GET", "/failure", show, allow=ADMIN),
    page("POST", "/failure", save, allow=ADMIN),
)
