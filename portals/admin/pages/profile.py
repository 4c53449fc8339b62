"""*My account* → *Profile*: the service provider, and installing call recording with the Group ID."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from catalog import installing
from catalog.provider import MAX_GROUP_CHARS, MAX_PROVIDER_CHARS, ProviderSettings, is_group_id
from portals.admin.acting import actor_of
from portals.admin.pages.users import portal_of
from portals.admin.roles import PROVIDER
from portals.admin.site import services_of
from portals.ports import GroupOutcome
from portals.saving import GroupNotUsableError, accept_terms, install_group, remove_group, set_auto_provisioning
from webkit.forms import Form
from webkit.routes import page
from webkit.visit import Visit

MAX_GROUP_ID_CHARS: Final = 64
SEEN_SWITCH: Final = "seen_switch"
"""The form of auto-provisioning has a state of its own beside that of the identifiers."""


async def _provider(visit: Visit) -> ProviderSettings:
    return await visit.run(services_of(visit).catalog.provider.read)


def identifiers(provider: ProviderSettings) -> tuple[str, str]:
    """What the form of the identifiers asks for."""
    return provider.service_provider, provider.external_group


async def show(visit: Visit) -> web.StreamResponse:
    """The provider's data."""
    return await _page(visit, None)


async def _page(visit: Visit, form: Form | None) -> web.StreamResponse:
    services = services_of(visit)
    provider = await _provider(visit)
    installs = await visit.run(services.catalog.audit.list, action="provider.installed", limit=1)
    return await visit.page(
        "profile.html",
        status=200 if form is None else 422,
        form=form,
        provider=provider,
        installed=installs[0] if installs else None,
        identifiers=identifiers(provider),
        seen_switch=SEEN_SWITCH,
        domain=services.domain,
        portal=portal_of(services),
        longest=(MAX_PROVIDER_CHARS, MAX_GROUP_CHARS),
    )


async def show_install(visit: Visit) -> web.StreamResponse:
    """The Group ID box."""
    return await _install_page(visit, None)


async def _install_page(visit: Visit, form: Form | None, problem: str = "") -> web.StreamResponse:
    status = 200 if form is None else 422
    provider = await _provider(visit)
    return await visit.page("profile_install.html", status=status, form=form, provider=provider, problem=problem)


async def install(visit: Visit) -> web.StreamResponse:
    """Ask Dubber whether it knows the group; keep it when it does."""
    form = visit.form()
    group_id = form.text("group_id", limit=MAX_GROUP_ID_CHARS, required=True)
    if form.ok and not is_group_id(group_id):
        form.refuse("group_id", visit.t("Letters, digits and . _ - only. Copy it as Dubber gave it to you."))
    if not form.ok or form.overtakes((await _provider(visit)).group_id, group_id):
        return await _install_page(visit, form)
    try:
        done = await install_group(services_of(visit), group_id, actor=actor_of(visit))
    except GroupNotUsableError as error:
        form.refuse("group_id", _refusals(visit)[error.check.outcome])
        return await _install_page(visit, form, error.check.problem)
    name = done.group_name or group_id
    visit.notice("success", visit.t("Call recording is set up. Dubber knows this group as %(name)s.", name=name))
    return visit.redirect("/profile")


def _refusals(visit: Visit) -> dict[GroupOutcome, str]:
    return {
        GroupOutcome.UNKNOWN: visit.t("Dubber does not know this Group ID. Check it and try again."),
        GroupOutcome.UNREACHABLE: visit.t("Dubber cannot be reached, so nothing was changed. Try again in a moment."),
        GroupOutcome.REFUSED: visit.t(
            "Dubber refuses this server’s credentials, so nothing was changed. "
            "Check client id, secret, user and password of the uploader, then try again."
        ),
    }


async def ask_remove(visit: Visit) -> web.StreamResponse:
    """What it means to take the Group ID away."""
    provider = await _provider(visit)
    if provider.group_id is None:
        return visit.redirect("/profile")
    return await visit.page("profile_remove.html", provider=provider)


async def remove(visit: Visit) -> web.StreamResponse:
    """Nobody can be enabled any more."""
    if await remove_group(services_of(visit), actor=actor_of(visit)):
        told = visit.t("The Group ID was removed. Nobody can be enabled until another one is set.")
        visit.notice("success", told)
    return visit.redirect("/profile")


async def switch(visit: Visit) -> web.StreamResponse:
    """Auto-provisioning on or off."""
    form = visit.form()
    wanted = form.flag("auto_provisioning")
    if form.overtakes((await _provider(visit)).auto_provisioning, wanted, SEEN_SWITCH):
        return await _page(visit, form)
    done = await set_auto_provisioning(services_of(visit), wanted, actor=actor_of(visit))
    if done.auto_provisioning:
        visit.notice("success", visit.t("Auto-provisioning is on: users are made known to Dubber by themselves."))
    else:
        visit.notice("success", visit.t("Auto-provisioning is off: users and dub points are added in Dubber by hand."))
    return visit.redirect("/profile")


async def identify(visit: Visit) -> web.StreamResponse:
    """Identifiers of users that are added from now on."""
    services, form = services_of(visit), visit.form()
    service_provider = form.text("service_provider", limit=MAX_PROVIDER_CHARS, required=True)
    external_group = form.text("external_group", limit=MAX_GROUP_CHARS, required=True)
    if not form.ok or form.overtakes(identifiers(await _provider(visit)), (service_provider, external_group)):
        return await _page(visit, form)
    await visit.run(
        installing.set_identifiers,
        services.catalog,
        service_provider=service_provider,
        external_group=external_group,
        actor=actor_of(visit),
        now=services.clock(),
    )
    visit.notice("success", visit.t("Saved. Users that are added from now on get these identifiers."))
    return visit.redirect("/profile")


async def accept(visit: Visit) -> web.StreamResponse:
    """Accept Dubber's terms of service."""
    form = visit.form()
    if not form.flag("terms"):
        form.refuse("terms", visit.t("Tick the box to accept the terms of service."))
        return await _page(visit, form)
    await accept_terms(services_of(visit), actor=actor_of(visit))
    visit.notice("success", visit.t("The terms of service are accepted. Users can be enabled now."))
    return visit.redirect("/profile")


ROUTES: Final = (
    page("GET", "/profile", show, allow=PROVIDER),
    page("GET", "/profile/install", show_install, allow=PROVIDER),
    page("POST", "/profile/install", install, allow=PROVIDER),
    page("GET", "/profile/remove", ask_remove, allow=PROVIDER),
    page("POST", "/profile/remove", remove, allow=PROVIDER),
    page("POST", "/profile/auto-provisioning", switch, allow=PROVIDER),
    page("POST", "/profile/identifiers", identify, allow=PROVIDER),
    page("POST", "/profile/terms", accept, allow=PROVIDER),
)
