"""The service provider's set-up: Group ID, terms, auto-provisioning, and where each user's provisioning stands."""

from __future__ import annotations

import asyncio
from typing import Final

from pydantic import Field

from catalog import ProvisioningStatus
from portals.api.wire import In, Instant, Out, QueryIn
from portals.rest import Asked, Reply, Route, Scope, refuse
from portals.rest.faults import told_by_field
from portals.rest.paging import next_link, read_cursor
from portals.saving import accept_terms, install_group, remove_group, retry_provisioning, set_auto_provisioning

TAG: Final = "Provider"
READ: Final = (Scope.READ,)
WRITE: Final = (Scope.WRITE,)


class Provider(Out):
    """What holds for the whole carrier."""

    group_id: str | None = Field(default=None, description="Left out until call recording is installed.")
    group_name: str = Field(description="As Dubber has it.")
    auto_provisioning: bool
    service_provider: str
    external_group: str
    account_id: str | None = Field(default=None, description="Dubber's account, once there is one.")
    terms_accepted_at: Instant | None = None
    terms_accepted_by: str


class GroupIn(In):
    """The Group ID that Dubber issued."""

    group_id: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._\-]{0,63}$")


class AutoProvisioningIn(In):
    """Whether Dubber's users and dub points are made by us."""

    enabled: bool


class Provisioning(Out):
    """Where the provisioning of one user stands."""

    number: str
    status: ProvisioningStatus
    problem: str = Field(description="Why it is not done, in the platform's own words where it gave some.")
    dub_point_id: str | None = None
    attempts: int
    next_at: Instant
    updated_at: Instant


class ProvisioningList(Out):
    """A page of them."""

    items: list[Provisioning]


class ProvisioningQuery(QueryIn):
    """Which of them."""

    status: ProvisioningStatus | None = None
    limit: int = Field(default=100, ge=1, le=1000)
    cursor: str | None = Field(default=None, max_length=512)


async def get_provider(asked: Asked[None, None]) -> Provider:
    """What holds for the whole carrier."""
    return Provider.model_validate(await asyncio.to_thread(asked.services.catalog.provider.read))


async def put_group(asked: Asked[None, GroupIn]) -> Provider:
    """The group is looked up at Dubber first."""
    with told_by_field():
        return Provider.model_validate(await install_group(asked.services, asked.body.group_id, actor=asked.actor))


async def delete_group(asked: Asked[None, None]) -> None:
    """Nobody can be enabled any more; who is enabled stays so."""
    if not await remove_group(asked.services, actor=asked.actor):
        raise refuse(404, "call recording is not installed")


async def put_auto_provisioning(asked: Asked[None, AutoProvisioningIn]) -> Provider:
    """What is not done yet goes the other way at once."""
    return Provider.model_validate(await set_auto_provisioning(asked.services, asked.body.enabled, actor=asked.actor))


async def post_terms(asked: Asked[None, None]) -> Provider:
    """Once for the whole carrier; again changes nothing."""
    return Provider.model_validate(await accept_terms(asked.services, actor=asked.actor))


async def list_provisioning(asked: Asked[ProvisioningQuery, None]) -> Reply:
    """Of everybody who was ever enabled, in order of number."""
    query, after = asked.query, read_cursor(asked.query.cursor)
    found = await asyncio.to_thread(asked.services.catalog.provisioning.list, status=query.status)
    rows = [state for state in found if state.number > after]
    page = rows[: query.limit]
    cursor = page[-1].number if len(rows) > query.limit else None
    body = ProvisioningList(items=[Provisioning.model_validate(state) for state in page])
    return Reply(body=body, headers=next_link(asked.request, cursor))


async def get_provisioning(asked: Asked[None, None]) -> Provisioning:
    """Of one user."""
    found = await asyncio.to_thread(asked.services.catalog.provisioning.get, asked.path["number"])
    if found is None:
        raise refuse(404, "nobody of this number was ever enabled")
    return Provisioning.model_validate(found)


async def post_retry(asked: Asked[None, None]) -> Provisioning:
    """Have it done again at once."""
    number = asked.path["number"]
    if not await retry_provisioning(asked.services, number, actor=asked.actor):
        raise refuse(404, "there is no user of this number whose calls are recorded")
    return await get_provisioning(asked)


ROUTES: Final = (
    Route(
        method="GET",
        path="/provider",
        handler=get_provider,
        summary="What holds for the whole carrier",
        tag=TAG,
        scopes=READ,
        answer=Provider,
    ),
    Route(
        method="PUT",
        path="/provider/group",
        handler=put_group,
        summary="Install call recording with a Group ID",
        tag=TAG,
        scopes=WRITE,
        body=GroupIn,
        answer=Provider,
        errors=(409, 502, 503),
    ),
    Route(
        method="DELETE",
        path="/provider/group",
        handler=delete_group,
        summary="Remove the Group ID",
        tag=TAG,
        scopes=WRITE,
        status=204,
        errors=(404,),
    ),
    Route(
        method="PUT",
        path="/provider/auto_provisioning",
        handler=put_auto_provisioning,
        summary="Switch auto-provisioning",
        tag=TAG,
        scopes=WRITE,
        body=AutoProvisioningIn,
        answer=Provider,
    ),
    Route(
        method="POST",
        path="/provider/terms",
        handler=post_terms,
        summary="Accept Dubber's terms of service",
        tag=TAG,
        scopes=WRITE,
        answer=Provider,
    ),
    Route(
        method="GET",
        path="/provisioning",
        handler=list_provisioning,
        summary="Where provisioning stands",
        tag=TAG,
        scopes=READ,
        query=ProvisioningQuery,
        answer=ProvisioningList,
    ),
    Route(
        method="GET",
        path="/provisioning/{number}",
        handler=get_provisioning,
        summary="Where one user's provisioning stands",
        tag=TAG,
        scopes=READ,
        answer=Provisioning,
    ),
    Route(
        method="POST",
        path="/provisioning/{number}/retry",
        handler=post_retry,
        summary="Provision a user again",
        tag=TAG,
        scopes=WRITE,
        answer=Provisioning,
        errors=(409,),
    ),
)
