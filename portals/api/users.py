"""The carrier's users, whole; the Webex shapes of ``/v1/people`` are another view of the same."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any, Final

from aiohttp import web
from pydantic import Field

from callmodel.modes import Language, NotificationType, RecordingMode
from callmodel.subscriber import REMINDER_MAX_S, REMINDER_MIN_S, RecordingSettings, Subscriber
from catalog import is_number
from catalog.enabling import MAX_NO_ANSWER_S
from catalog.users_file import MAX_FILE_BYTES, FileFormat, export_users, import_users
from portals.api.wire import In, Name, Out, QueryIn
from portals.rest import Asked, Reply, Route, Scope, refuse
from portals.rest.faults import told_by_field
from portals.saving import edit_user, remove_user, reset_sip_password

TAG: Final = "Users"
READ: Final = (Scope.READ,)
WRITE: Final = (Scope.WRITE,)
CSV: Final = "text/csv"
YAML: Final = "application/yaml"


class RecordingFields(Out):
    """When and how a user's calls are recorded."""

    mode: RecordingMode
    announce_internal: bool
    announce_pstn: bool
    notification: NotificationType
    reminder_s: int | None = Field(default=None, description="Seconds between two reminder tones; left out is off.")
    record_voicemail: bool


class DubPoint(Out):
    """Under what Dubber knows the user's line."""

    external_type: str
    service_provider: str
    external_group: str
    external_identifier: str


class User(Out):
    """A user of the carrier."""

    number: str
    name: str
    language: Language
    mailbox: bool
    no_answer_s: int
    recording: RecordingFields
    dub_point: DubPoint | None = None
    registered: list[str] = Field(description="SIP URIs of the phones that are registered now.")


class Users(Out):
    """A page of users, and how many there are in all."""

    items: list[User]
    total: int


class UsersQuery(QueryIn):
    """Which users."""

    text: str = Field(default="", max_length=128, description="Looked for in numbers and names.")
    mode: RecordingMode | None = None
    sort: str = Field(default="number", pattern="^(number|name|mode)$")
    descending: bool = False
    offset: int = Field(default=0, ge=0, le=1_000_000)
    limit: int = Field(default=50, ge=1, le=500)


class RecordingIn(In):
    """When and how a user's calls are recorded; what is not sent is its default."""

    mode: RecordingMode = RecordingMode.NEVER
    announce_internal: bool = False
    announce_pstn: bool = False
    notification: NotificationType = NotificationType.NONE
    reminder_s: int | None = Field(default=None, ge=REMINDER_MIN_S, le=REMINDER_MAX_S)
    record_voicemail: bool = False


class UserIn(In):
    """A user, whole; what is not sent is its default. The dub point is made with the user, and stays."""

    name: Name = ""
    language: Language = Language.EN
    mailbox: bool = False
    no_answer_s: int = Field(default=20, ge=1, le=MAX_NO_ANSWER_S)
    recording: RecordingIn = RecordingIn()


class Password(Out):
    """Told this once."""

    number: str
    password: str


class Imported(Out):
    """What an import did."""

    added: list[str]
    changed: list[str]


class ExportQuery(QueryIn):
    """In which form."""

    format: FileFormat = FileFormat.CSV


async def list_users(asked: Asked[UsersQuery, None]) -> Users:
    """Sorted, searched, a page at a time."""
    query = asked.query
    rows, total = await asyncio.to_thread(
        asked.services.catalog.subscribers.page,
        query.text,
        query.sort,
        query.descending,
        query.offset,
        query.limit,
        mode=query.mode,
    )
    return Users(items=[_shown(one, asked) for one in rows], total=total)


async def get_user(asked: Asked[None, None]) -> User:
    """One, by number."""
    found = await asyncio.to_thread(asked.services.catalog.subscribers.get, asked.path["number"])
    if found is None:
        raise _nobody()
    return _shown(found, asked)


async def put_user(asked: Asked[None, UserIn]) -> Reply:
    """Add or replace; the next call uses it. A new user has no SIP password until one is reset."""
    number, body, services = asked.path["number"], asked.body, asked.services
    if not is_number(number):
        raise refuse(400, "1 to 32 of 0-9 a-z + - _ .", field="number")
    if body.recording.record_voicemail and not body.mailbox:
        raise refuse(400, "the user has no mailbox", field="recording.record_voicemail")
    new = await asyncio.to_thread(services.catalog.subscribers.get, number) is None

    def applied(one: Subscriber) -> Subscriber:
        recording = RecordingSettings(**body.recording.model_dump())
        return replace(one, **{**body.model_dump(exclude={"recording"}), "recording": recording})

    with told_by_field():
        saved = await edit_user(services, number, applied, actor=asked.actor)
    return Reply(body=_shown(saved, asked), status=201 if new else 200)


async def delete_user(asked: Asked[None, None]) -> None:
    """Remove one; recordings stay."""
    if not await remove_user(asked.services, asked.path["number"], actor=asked.actor):
        raise _nobody()


async def post_password(asked: Asked[None, None]) -> Password:
    """A new password for the user's phones; the old one ends."""
    number = asked.path["number"]
    return Password(number=number, password=await reset_sip_password(asked.services, number, actor=asked.actor))


async def post_import(asked: Asked[None, bytes]) -> Imported:
    """All rows or none; an error names row and column."""
    services = asked.services
    file_format = FileFormat.CSV if asked.request.content_type == CSV else FileFormat.YAML
    with told_by_field():
        done = await asyncio.to_thread(
            import_users,
            services.catalog,
            asked.body,
            file_format,
            realm=services.domain,
            actor=asked.actor,
            now=services.clock(),
        )
    services.dubber.wake()
    await services.switchboard.refresh()
    return Imported(added=list(done.added), changed=list(done.changed))


async def get_export(asked: Asked[ExportQuery, None]) -> web.Response:
    """Everybody in a file that can be imported, without passwords."""
    everybody = await asyncio.to_thread(asked.services.catalog.subscribers.list)
    file_format = asked.query.format
    text = await asyncio.to_thread(export_users, everybody, file_format)
    kind = CSV if file_format is FileFormat.CSV else YAML
    headers = {"Content-Disposition": f'attachment; filename="users.{file_format}"'}
    return web.Response(text=text, content_type=kind, charset="utf-8", headers=headers)


def _nobody() -> Exception:
    return refuse(404, "there is no user of this number")


def _shown(one: Subscriber, asked: Asked[Any, Any]) -> User:
    return User(
        number=one.number,
        name=one.name,
        language=one.language,
        mailbox=one.mailbox,
        no_answer_s=one.no_answer_s,
        recording=RecordingFields.model_validate(one.recording),
        dub_point=None if one.dub_point is None else DubPoint.model_validate(one.dub_point),
        registered=list(asked.services.switchboard.registered(one.number)),
    )


ROUTES: Final = (
    Route(
        method="GET",
        path="/users",
        handler=list_users,
        summary="List users",
        tag=TAG,
        scopes=READ,
        query=UsersQuery,
        answer=Users,
    ),
    Route(
        method="POST",
        path="/users_file",
        handler=post_import,
        summary="Import users from a CSV or YAML file",
        tag=TAG,
        scopes=WRITE,
        upload=(CSV, YAML),
        upload_max_bytes=MAX_FILE_BYTES,
        answer=Imported,
        errors=(409,),
    ),
    Route(
        method="GET",
        path="/users_file",
        handler=get_export,
        summary="Export users to a CSV or YAML file",
        tag=TAG,
        scopes=READ,
        query=ExportQuery,
        media=f"{CSV}, {YAML}",
    ),
    Route(
        method="GET",
        path="/users/{number}",
        handler=get_user,
        summary="One user",
        tag=TAG,
        scopes=READ,
        answer=User,
    ),
    Route(
        method="PUT",
        path="/users/{number}",
        handler=put_user,
        summary="Add or replace a user",
        tag=TAG,
        scopes=WRITE,
        body=UserIn,
        answer=User,
        also=(201,),
        errors=(409,),
    ),
    Route(
        method="DELETE",
        path="/users/{number}",
        handler=delete_user,
        summary="Remove a user",
        tag=TAG,
        scopes=WRITE,
        status=204,
    ),
    Route(
        method="POST",
        path="/users/{number}/password",
        handler=post_password,
        summary="Reset the SIP password of a user",
        tag=TAG,
        scopes=WRITE,
        answer=Password,
    ),
)
