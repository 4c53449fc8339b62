"""*Edit user* → *Call recording*: every setting of one user, and whether Dubber knows the user."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

from aiohttp import web

from callmodel.codes import FeatureCodes
from callmodel.modes import NotificationType, OnDemandStop, RecordingMode
from callmodel.subscriber import REMINDER_DEFAULT_S, REMINDER_MAX_S, REMINDER_MIN_S, RecordingSettings, Subscriber
from catalog.errors import GroupIdMissing, TermsNotAccepted
from catalog.provider import ProviderSettings
from catalog.provisioning import ProvisioningState, ProvisioningStatus
from catalog.service_settings import ServiceSettings
from portals.admin.acting import actor_of
from portals.admin.pages.users import portal_of, user_of, window
from portals.admin.progress import Steps, steps_of
from portals.admin.roles import ADMIN
from portals.admin.seen import ChangedMeanwhileError, unless_changed
from portals.admin.site import services_of
from portals.saving import accept_terms, edit_user, effective_settings, retry_provisioning
from portals.services import Services
from prompts import CATALOGUE, PromptId
from webkit.forms import Form
from webkit.routes import page
from webkit.visit import Visit

REMINDER_CHOICES: Final = (10, 15, 20, 30, 45, 60, 90, 120, 180, 300, 600, 900, 1800)
MODES: Final = tuple(mode for mode in RecordingMode if mode is not RecordingMode.NEVER)
OTHER: Final = "other"
HEARD: Final = (PromptId.RECORDING_PAUSED, PromptId.RECORDING_RESUMED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What the page shows beside the user."""

    provider: ProviderSettings
    settings: ServiceSettings
    state: ProvisioningState | None

    @property
    def codes(self) -> FeatureCodes:
        """As they are dialled now."""
        return self.settings.codes or FeatureCodes()

    @property
    def stops_on_demand(self) -> bool:
        """The code for stopping is obeyed in On Demand, too."""
        return self.settings.on_demand_stop is OnDemandStop.STOP

    @property
    def steps(self) -> Steps | None:
        """None for a user that was never enabled."""
        return None if self.state is None else steps_of(self.state, self.provider)

    @property
    def poll(self) -> str:
        """How soon the progress is looked at again; empty when nothing is going on."""
        waits = {ProvisioningStatus.PENDING: "1s", ProvisioningStatus.MANUAL: "4s"}
        return "" if self.state is None else waits.get(self.state.status, "")


def _around(services: Services, number: str) -> Around:
    return Around(
        provider=services.catalog.provider.read(),
        settings=effective_settings(services),
        state=services.catalog.provisioning.get(number),
    )


async def show(visit: Visit) -> web.StreamResponse:
    """The page."""
    return await _page(visit, await user_of(visit), None)


async def show_progress(visit: Visit) -> web.StreamResponse:
    """How far provisioning is: a piece of the page that asks for itself again."""
    return await _page(visit, await user_of(visit), None, fragment="progress")


async def _page(
    visit: Visit, user: Subscriber, form: Form | None, *, fragment: str | None = None
) -> web.StreamResponse:
    services = services_of(visit)
    around = await visit.run(_around, services, user.number)
    return await visit.page(
        "user_recording.html",
        status=200 if form is None else 422,
        fragment=fragment,
        user=user,
        form=form,
        shown=shown_of(user.recording, form),
        around=around,
        wording=[CATALOGUE[prompt].texts[user.language].replace("'", "’") for prompt in HEARD],
        reminder_choices=REMINDER_CHOICES,
        reminder_range=(REMINDER_MIN_S, REMINDER_MAX_S),
        portal=portal_of(services),
        **window(visit, user),
    )


def shown_of(kept: RecordingSettings, form: Form | None) -> dict[str, Any]:
    """What the fields show: what was sent, or what is kept, or what fits somebody who is enabled now."""
    if form is not None:
        flags = ("enabled", "announce", "announce_internal", "announce_pstn", "record_voicemail", "notify", "remind")
        shown: dict[str, Any] = {name: form.flag(name) for name in flags}
        return shown | {
            "mode": form.sent("mode"),
            "notification": form.sent("notification"),
            "dubber": form.flag("dubber"),
        }
    off = kept.mode is RecordingMode.NEVER
    announced = kept.announce_internal or kept.announce_pstn
    told = kept.notification is not NotificationType.NONE
    return {
        "enabled": not off,
        "mode": RecordingMode.ALWAYS.value if off else kept.mode.value,
        "announce": announced,
        "announce_internal": kept.announce_internal or not announced,
        "announce_pstn": kept.announce_pstn or not announced,
        "record_voicemail": kept.record_voicemail,
        "notify": told,
        "notification": kept.notification.value if told else NotificationType.ANNOUNCEMENT.value,
        "remind": kept.reminder_s is not None,
        "reminder_s": kept.reminder_s or REMINDER_DEFAULT_S,
        "dubber": False,
    }


def settings_of(form: Form, visit: Visit, user: Subscriber) -> RecordingSettings:
    """What the form says; the problems are in the form. What it could not ask for stays as it is."""
    kept = user.recording
    if not form.flag("enabled"):
        return replace(kept, mode=RecordingMode.NEVER)
    mode = form.one_of("mode", [mode.value for mode in MODES])
    internal, pstn = form.flag("announce_internal"), form.flag("announce_pstn")
    announced = form.flag("announce")
    if announced and not (internal or pstn):
        form.refuse("announce", visit.t("Choose for which calls it is played, or switch the announcement off."))
    reminder_s = _reminder_s(form, visit) if form.flag("remind") else None
    wanted = replace(
        kept,
        announce_internal=announced and internal,
        announce_pstn=announced and pstn,
        notification=_notification(form, mode, kept),
        record_voicemail=form.flag("record_voicemail") if user.mailbox else kept.record_voicemail,
    )
    return replace(wanted, mode=RecordingMode(mode), reminder_s=reminder_s) if form.ok else wanted


def _notification(form: Form, mode: str, kept: RecordingSettings) -> NotificationType:
    if mode == RecordingMode.ALWAYS:
        return kept.notification  # greyed: nothing can be paused
    if not form.flag("notify"):
        return NotificationType.NONE
    told = (NotificationType.ANNOUNCEMENT, NotificationType.BEEP)
    return NotificationType(form.one_of("notification", [one.value for one in told]) or told[0])


def _reminder_s(form: Form, visit: Visit) -> int | None:
    name = "reminder_s_other" if form.sent("reminder_s") == OTHER else "reminder_s"
    seconds = form.whole(name, REMINDER_MIN_S, REMINDER_MAX_S)
    if seconds is None:
        form.refuse(name, visit.t("Say how many seconds lie between two tones."))
    return seconds


async def save(visit: Visit) -> web.StreamResponse:
    """Keep all of it; the server uses it before the browser gets its answer."""
    services, user, form = services_of(visit), await user_of(visit), visit.form()
    wanted = settings_of(form, visit, user)
    enabling = wanted.mode is not RecordingMode.NEVER and user.recording.mode is RecordingMode.NEVER
    provider = await visit.run(services.catalog.provider.read)
    if enabling and provider.group_id is not None and provider.terms_accepted_at is None and not form.flag("terms"):
        form.refuse("terms", visit.t("The terms of service must be accepted first, once for the whole organisation."))
    if not form.ok:
        return await _page(visit, user, form)
    try:
        if enabling and provider.group_id is not None and form.flag("terms"):
            await accept_terms(services, actor=actor_of(visit))
        saved = await edit_user(
            services,
            user.number,
            unless_changed(form, lambda before: replace(before, recording=wanted)),
            actor=actor_of(visit),
        )
    except ChangedMeanwhileError:
        return await _page(visit, await user_of(visit), form)
    except GroupIdMissing:
        form.refuse("enabled", visit.t("The Group ID that Dubber issued is not set: nobody can be enabled yet."))
        return await _page(visit, user, form)
    except TermsNotAccepted:
        form.refuse("terms", visit.t("The terms of service must be accepted first, once for the whole organisation."))
        return await _page(visit, user, form)
    _tell(visit, user.recording, saved, automatic=provider.auto_provisioning)
    return visit.redirect(f"/users/{user.number}/recording")


def _tell(visit: Visit, before: RecordingSettings, saved: Subscriber, *, automatic: bool) -> None:
    name, now = saved.name or saved.number, saved.recording
    if now == before:
        visit.notice("info", visit.t("Nothing was changed."))
    elif now.mode is RecordingMode.NEVER:
        told = visit.t(
            "Call recording is off for %(name)s from the next call. Old recordings stay in Dubber.", name=name
        )
        visit.notice("success", told)
    elif before.mode is RecordingMode.NEVER:
        visit.notice("success", visit.t("Call recording is on for %(name)s from the next call.", name=name))
        if not automatic:
            visit.notice("info", visit.t("Now add the user and the dub point in Dubber by hand, as shown below."))
    else:
        told = visit.t("Saved. It holds from the next call; a call that is going on stays as it began.")
        visit.notice("success", told)


async def retry(visit: Visit) -> web.StreamResponse:
    """Try again, or look at once whether somebody made it by hand."""
    services, user = services_of(visit), await user_of(visit)
    try:
        asked = await retry_provisioning(services, user.number, actor=actor_of(visit))
    except GroupIdMissing:
        visit.notice("error", visit.t("The Group ID that Dubber issued is not set: nobody can be enabled yet."))
    else:
        if not asked:
            visit.notice("warning", visit.t("Call recording is off for this user: there is nothing to provision."))
    return visit.redirect(f"/users/{user.number}/recording")


ROUTES: Final = (
    page("GET", "/users/{number}/recording", show, allow=ADMIN),
    page("POST", "/users/{number}/recording", save, allow=ADMIN),
    page("GET", "/users/{number}/recording/progress", show_progress, allow=ADMIN),
    page("POST", "/users/{number}/recording/retry", retry, allow=ADMIN),
)
