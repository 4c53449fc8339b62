"""``/telephony/config/callRecording``: what holds for the whole organisation."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Annotated, Final

from pydantic import Field

from callmodel.modes import FailureBehavior, RecordingMode
from catalog.service_settings import ServiceSettings
from portals.rest import Asked, Reply, Route, Scope, refuse
from portals.rest.paging import next_link, read_cursor
from portals.rest.route import Handler
from portals.saving import accept_terms, effective_settings, install_group, remove_group, save_service_settings
from portals.services import Services
from portals.webex import ids
from portals.webex.people import shown_name
from portals.webex.vendor import TERMS_URL, VENDOR_ID, VENDOR_NAME
from portals.webex.wire import In, Out, QueryIn

TAG: Final = "Organisation"
BASE: Final = "/telephony/config/callRecording"
MAX_PAGE: Final = 2000


class Organisation(Out):
    """The organisation."""

    id: str
    name: str


class CallRecordingInfo(Out):
    """Whether call recording is there at all."""

    organization: Organisation
    enabled: bool = Field(description="Whether the service provider has installed call recording.")
    vendor_id: str
    vendor_name: str
    terms_of_service_url: str


class CallRecordingInfoIn(In):
    """Whether call recording is there at all."""

    enabled: bool


class VendorEntry(Out):
    """A vendor that may be chosen."""

    id: str
    name: str
    description: str
    migrate_user_creation_enabled: bool = Field(description="Whether Dubber's users are made by us.")
    login_url: str | None = None
    terms_of_service_url: str


class Vendors(Out):
    """Whom there is, and who is chosen."""

    vendor_id: str
    vendor_name: str
    vendors: list[VendorEntry]
    storage_region: str
    failure_behavior: FailureBehavior | None = None


class VendorIn(In):
    """The vendor, and what becomes of calls that cannot be recorded."""

    vendor_id: Annotated[str, Field(max_length=200)]
    failure_behavior: FailureBehavior | None = None


class Job(Out):
    """What was asked for is done already."""

    job_id: str


class TermsOfService(Out):
    """Whether the vendor's terms were accepted."""

    vendor_id: str
    vendor_name: str
    terms_of_service_enabled: bool
    terms_of_service_url: str


class TermsOfServiceIn(In):
    """Accept them."""

    terms_of_service_enabled: bool


class Region(Out):
    """Where recordings are kept."""

    code: str
    name: str
    default_enabled: bool


class Regions(Out):
    """All of them."""

    regions: list[Region]


class Member(Out):
    """A user whose calls are recorded."""

    id: str
    first_name: str
    last_name: str
    type: str
    license_type: str


class Members(Out):
    """A page of them."""

    members: list[Member]


class MembersQuery(QueryIn):
    """Which users."""

    standard_user_only: bool = Field(default=False, description="Every user here is a professional one.")
    max: int = Field(default=MAX_PAGE, ge=1, le=MAX_PAGE)
    cursor: str | None = Field(default=None, max_length=512)


_PUT_ASIDE: Final = "organisation.group_id"
"""Where the Group ID waits while call recording is disabled over this API."""
REGION: Final = Region(code="US", name="United States", default_enabled=True)


async def get_settings(asked: Asked[QueryIn, None]) -> CallRecordingInfo:
    """Enabled once a Group ID is installed."""
    services = asked.services
    provider = await asyncio.to_thread(services.catalog.provider.read)
    return CallRecordingInfo(
        organization=Organisation(id=ids.organisation_id(services.domain), name=services.domain),
        enabled=provider.group_id is not None,
        vendor_id=VENDOR_ID,
        vendor_name=VENDOR_NAME,
        terms_of_service_url=TERMS_URL,
    )


async def put_settings(asked: Asked[QueryIn, CallRecordingInfoIn]) -> None:
    """Disabled: the Group ID is put aside and nobody can be enabled; enabled: it is installed again."""
    services, wanted = asked.services, asked.body.enabled
    provider = await asyncio.to_thread(services.catalog.provider.read)
    if wanted == (provider.group_id is not None):
        return
    settings, now = services.catalog.settings, services.clock()
    if not wanted:
        await asyncio.to_thread(settings.set, _PUT_ASIDE, provider.group_id, now=now)
        await remove_group(services, actor=asked.actor)
        return
    group_id: str | None = await asyncio.to_thread(settings.get, _PUT_ASIDE)
    if group_id is None:
        raise refuse(
            409,
            "call recording is not installed: the service provider sets the Group ID that Dubber issued, in the portal "
            "under My account, Profile, or with PUT /api/v1/provider/group",
            field="enabled",
        )
    await install_group(services, group_id, actor=asked.actor)


async def get_vendors(asked: Asked[QueryIn, None]) -> Vendors:
    """Dubber."""
    return await asyncio.to_thread(_vendors, asked.services)


def _vendors(services: Services) -> Vendors:
    provider = services.catalog.provider.read()
    entry = VendorEntry(
        id=VENDOR_ID,
        name=VENDOR_NAME,
        description="Call recording by Dubber",
        migrate_user_creation_enabled=provider.auto_provisioning,
        login_url=services.reachable().dubber_portal or None,
        terms_of_service_url=TERMS_URL,
    )
    return Vendors(
        vendor_id=VENDOR_ID,
        vendor_name=VENDOR_NAME,
        vendors=[entry],
        storage_region=REGION.code,
        failure_behavior=effective_settings(services).failure_behavior,
    )


async def put_vendor(asked: Asked[QueryIn, VendorIn]) -> Job:
    """There is one vendor to choose; the failure behaviour holds from the next call on."""
    if asked.body.vendor_id != VENDOR_ID:
        raise refuse(400, "is no vendor's id", field="vendorId")
    if asked.body.failure_behavior is not None:
        changed = ServiceSettings(failure_behavior=asked.body.failure_behavior)
        await save_service_settings(asked.services, changed, actor=asked.actor)
    return Job(job_id=ids.job_id())


async def get_terms(asked: Asked[QueryIn, None]) -> TermsOfService:
    """Whether Dubber's terms were accepted."""
    _check_vendor(asked.path["vendor_id"])
    provider = await asyncio.to_thread(asked.services.catalog.provider.read)
    return TermsOfService(
        vendor_id=VENDOR_ID,
        vendor_name=VENDOR_NAME,
        terms_of_service_enabled=provider.terms_accepted_at is not None,
        terms_of_service_url=TERMS_URL,
    )


async def put_terms(asked: Asked[QueryIn, TermsOfServiceIn]) -> None:
    """Accept them once for the organisation."""
    _check_vendor(asked.path["vendor_id"])
    if asked.body.terms_of_service_enabled:
        await accept_terms(asked.services, actor=asked.actor)
        return
    provider = await asyncio.to_thread(asked.services.catalog.provider.read)
    if provider.terms_accepted_at is not None:
        raise refuse(409, "are accepted, which cannot be taken back", field="termsOfServiceEnabled")


def _check_vendor(identity: str) -> None:
    if identity != VENDOR_ID:
        raise refuse(404, "there is no such vendor")


async def get_regions(_asked: Asked[QueryIn, None]) -> Regions:
    """The one of this installation."""
    return Regions(regions=[REGION])


async def list_members(asked: Asked[MembersQuery, None]) -> Reply:
    """Users whose calls are recorded, in order of number."""
    after, query = read_cursor(asked.query.cursor), asked.query
    found = await asyncio.to_thread(asked.services.catalog.subscribers.list, after=after)
    recorded = [one for one in found if one.recording.mode is not RecordingMode.NEVER]
    page = [] if query.standard_user_only else recorded[: query.max]
    members = []
    for one in page:
        first, _, last = shown_name(one).partition(" ")
        members.append(
            Member(
                id=ids.person_id(one.number),
                first_name=first,
                last_name=last,
                type="PEOPLE",
                license_type="PROFESSIONAL_USER",
            )
        )
    cursor = page[-1].number if page and len(recorded) > len(page) else None
    return Reply(body=Members(members=members), headers=next_link(asked.request, cursor))


def _get(path: str, handler: Handler, summary: str, answer: type[Out], query: type[QueryIn] = QueryIn) -> Route:
    return Route(
        method="GET",
        path=BASE + path,
        handler=handler,
        summary=summary,
        tag=TAG,
        scopes=(Scope.CONFIG_READ,),
        query=query,
        answer=answer,
    )


def _put(path: str, handler: Handler, summary: str, body: type[In], *errors: int) -> Route:
    return Route(
        method="PUT",
        path=BASE + path,
        handler=handler,
        summary=summary,
        tag=TAG,
        scopes=(Scope.CONFIG_WRITE,),
        query=QueryIn,
        body=body,
        status=204,
        errors=errors,
    )


ROUTES: Final = (
    _get("", get_settings, "The organisation's call recording settings", CallRecordingInfo),
    _put("", put_settings, "Change the organisation's call recording settings", CallRecordingInfoIn, 409, 502, 503),
    _get("/vendors", get_vendors, "Vendors of call recording", Vendors),
    replace(
        _put("/vendor", put_vendor, "Choose the vendor and the failure behaviour", VendorIn), answer=Job, status=200
    ),
    _get("/vendors/{vendor_id}/termsOfService", get_terms, "Terms of service", TermsOfService),
    _put("/vendors/{vendor_id}/termsOfService", put_terms, "Accept the terms of service", TermsOfServiceIn, 409),
    _get("/regions", get_regions, "Regions that recordings are kept in", Regions),
    _get("/vendorUsers", list_members, "Users whose calls are recorded", Members, MembersQuery),
)
