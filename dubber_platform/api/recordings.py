"""Recordings: create, list, show, label, move, delete."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from urllib.parse import urlencode

from aiohttp import web
from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from dubber_platform.api.access import (
    account_for,
    dub_point_for,
    group_for,
    may_listen,
    may_see_dub_point,
    named,
    recording_for,
    recording_id_of,
    require_administrator,
    require_group_auth,
)
from dubber_platform.api.activation import drop_withheld
from dubber_platform.api.bodies import MetadataBody, MoveBody, PartyBody, RecordingBody, TagsBody, UnidentifiedBody
from dubber_platform.api.context import Links, Platform, body, caller, links, platform, run
from dubber_platform.api.dub_points import KEY, destination
from dubber_platform.api.errors import bad_parameter, feature_off, invalid, not_found
from dubber_platform.api.paging import RECORDING_PARAMETERS, page_of, parameters, recording_filter_of
from dubber_platform.api.pull import pull_audio, require_pullable
from dubber_platform.api.removal import remove
from dubber_platform.api.render import Json, recording_details_json, recording_json
from dubber_platform.store import changes
from dubber_platform.store.recordings import (
    dub_point_by_key,
    of_account,
    of_user,
    page_of_recordings,
    retention_end,
    set_tags,
    tags_of,
    unidentified_of,
)
from dubber_platform.store.schema import Account, DubPoint, Group, Recording, User
from dubber_platform.store.visibility import DO_NOT_RECORD, viewer_of

WAVEFORM_POINTS = 1000

Found = tuple[Recording, list[str]]


async def list_recordings(request: web.Request) -> web.Response:
    """GET /accounts/:id/recordings: administrators see all of the account's, standard users their own."""
    account_id = request.match_info["account"]

    def whose(session: Session) -> Select[Recording]:
        account_for(session, caller(request), account_id)
        return of_account(account_id) if caller(request).administers else of_user(caller(request).user_id)

    return await _list(request, whose, links(request).to("accounts", account_id, "recordings"))


async def list_unidentified(request: web.Request) -> web.Response:
    """GET /groups/:id/unidentified_recordings."""
    group_id = request.match_info["group"]

    def whose(session: Session) -> Select[Recording]:
        group_for(session, caller(request), group_id)
        return unidentified_of(group_id)

    return await _list(request, whose, links(request).to("groups", group_id, "unidentified_recordings"))


async def _list(request: web.Request, whose: Callable[[Session], Select[Recording]], own: str) -> web.Response:
    given = parameters(request, *RECORDING_PARAMETERS)
    wanted, page = recording_filter_of(given), page_of(given)

    def work(session: Session) -> list[Found]:
        rows = page_of_recordings(session, whose(session), wanted, page)
        tags = tags_of(session, rows)
        return [(row, tags[row.id]) for row in rows]

    to, found = links(request), await run(request, work)
    return web.json_response({"self": own, "recordings": [recording_json(row, tags, to) for row, tags in found]})


async def create_recording(request: web.Request) -> web.Response:
    """POST /accounts/:id/recordings: 201 with status Uploading, or Active when ``recording_url`` was fetched."""
    wanted, own = await body(request, RecordingBody), platform(request)

    def work(session: Session) -> Recording:
        account = account_for(session, caller(request), request.match_info["account"])
        require_administrator(caller(request))
        dub_point = _dub_point_for_new(session, request, wanted, account)
        recording = _new_recording(session, own, wanted, account.group_id)
        recording.account_id = account.id
        if dub_point is not None:
            recording.dub_point_id, recording.user_id = dub_point.id, dub_point.user_id
            recording.channel = wanted.channel or _user_name(session, dub_point.user_id)
        set_tags(session, recording, wanted.tags, own.clock())
        return recording

    return await _created(request, wanted, work)


async def create_unidentified(request: web.Request) -> web.Response:
    """POST /groups/:id/unidentified_recordings: a key that is known by now leads to its account at once."""
    require_group_auth(caller(request))
    wanted, own = await body(request, UnidentifiedBody), platform(request)
    if wanted.channel_user is not None or wanted.dub_point_id is not None:
        raise invalid("dub_point_id: an unidentified recording has neither dub_point_id nor channel_user")

    def work(session: Session) -> Recording:
        group = group_for(session, caller(request), request.match_info["group"])
        recording = _new_recording(session, own, wanted, group.id)
        dub_point = _dub_point_of_key(session, request, wanted, group)
        if dub_point is not None:
            recording.dub_point_id, recording.user_id = dub_point.id, dub_point.user_id
            recording.account_id, recording.group_id = dub_point.account_id, dub_point.group_id
        set_tags(session, recording, wanted.tags, own.clock())
        return recording

    return await _created(request, wanted, work)


async def _created(request: web.Request, wanted: RecordingBody, work: Callable[[Session], Recording]) -> web.Response:
    if wanted.recording_url is not None:
        require_pullable(platform(request).config, wanted.recording_url)
    recording = await run(request, work)
    if wanted.recording_url is not None:
        recording = await pull_audio(platform(request), recording.id, wanted.recording_url)
    return await answer_one(request, recording, status=201)


async def get_recording(request: web.Request) -> web.Response:
    """GET /recordings/:id?listener: only a listener gets a ``recording_url``, and it is good for seconds."""
    given = parameters(request, "listener")

    def work(session: Session) -> tuple[Recording, list[str], User | None]:
        recording = recording_for(session, caller(request), request.match_info["recording"])
        listener = _listener(session, recording, given["listener"]) if "listener" in given else None
        return recording, tags_of(session, [recording])[recording.id], listener

    recording, tags, listener = await run(request, work)
    answer = recording_details_json(recording, tags, links(request))
    if listener is not None and recording.status == "Active":
        answer["recording_url"] = _listener_url(platform(request), links(request), recording, listener.id)
    return web.json_response(answer)


async def get_waveform(request: web.Request) -> web.Response:
    """GET /recordings/:id/waveform: peaks per channel, 0 to 1, over at most 1000 equal spans."""
    parameters(request)
    recording = await run(request, lambda session: _recording(session, request))
    if recording.status != "Active" or recording.media_type is None:
        raise not_found()
    files = platform(request).files
    try:
        peaks = await asyncio.to_thread(files.peaks, recording.id, recording.media_type, WAVEFORM_POINTS)
    except FileNotFoundError as error:
        raise not_found() from error
    own = links(request).to("recordings", str(recording.id))
    return web.json_response(
        {"self": f"{own}/waveform", "recording": own, "duration": recording.duration, "channels": peaks.channels}
    )


async def put_metadata(request: web.Request) -> web.Response:
    """PUT /recordings/:id/metadata: replaces the whole set."""
    wanted = await body(request, MetadataBody)

    def work(session: Session) -> Recording:
        recording = _recording(session, request)
        now = platform(request).clock()
        changes.set_metadata(session, caller(request).viewer, recording.id, wanted.metadata, now=now)
        return recording

    return await answer_one(request, await run(request, work))


async def post_tags(request: web.Request) -> web.Response:
    """POST /recordings/:id/tags: replaces the whole set."""
    return await _tag(request, (await body(request, TagsBody)).tags)


async def delete_tags(request: web.Request) -> web.Response:
    """DELETE /recordings/:id/tags: clears the set."""
    parameters(request)
    return await _tag(request, [])


async def _tag(request: web.Request, tags: list[str]) -> web.Response:
    def work(session: Session) -> Recording:
        recording = _recording(session, request)
        now = platform(request).clock()
        changes.set_tags(session, caller(request).viewer, recording.id, tags, now=now)
        return recording

    return await answer_one(request, await run(request, work))


async def move_recording(request: web.Request) -> web.Response:
    """PUT /recordings/:id/move {user | dub_point | account}: takes an unidentified recording to its owner."""
    require_group_auth(caller(request))
    wanted = await body(request, MoveBody)

    def work(session: Session) -> Recording:
        recording, dub_point = _recording(session, request), None
        if wanted.dub_point is not None:
            dub_point_id = wanted.dub_point
            dub_point = named("dub_point", lambda: dub_point_for(session, caller(request), dub_point_id))
            if dub_point.account_id is None:
                raise invalid("dub_point: is itself unidentified; move the dub point first")
            account, user_id = account_for(session, caller(request), dub_point.account_id), dub_point.user_id
        else:
            account, user_id = destination(session, caller(request), wanted)
        now = platform(request).clock()
        changes.give(session, recording, account, user_id, now=now, dub_point=dub_point)
        return recording

    recording = await run(request, work)
    if recording.status == DO_NOT_RECORD:
        await drop_withheld(platform(request), recording.id)
    return await answer_one(request, recording)


async def delete_recording(request: web.Request) -> web.Response:
    """DELETE /recordings/:id: also how a multi-part upload is aborted."""
    parameters(request)
    recording_id = recording_id_of(request.match_info["recording"])
    await remove(platform(request), caller(request).viewer, recording_id)
    return web.json_response({})


async def feature_not_enabled(request: web.Request) -> web.Response:
    """What this plan does not include: AI, exports, insights."""
    raise feature_off()


async def answer_one(request: web.Request, recording: Recording, status: int = 200) -> web.Response:
    """The recording as an answer."""
    tags = await run(request, lambda session: tags_of(session, [recording])[recording.id])
    return web.json_response(recording_details_json(recording, tags, links(request)), status=status)


def _recording(session: Session, request: web.Request) -> Recording:
    return recording_for(session, caller(request), request.match_info["recording"])


def _new_recording(session: Session, own: Platform, wanted: RecordingBody, group_id: str) -> Recording:
    now = own.clock()
    recording = Recording(
        group_id=group_id,
        to=wanted.to,
        to_label=wanted.to_label,
        from_=wanted.from_,
        from_label=wanted.from_label,
        call_type=wanted.call_type,
        recording_type=wanted.recording_type,
        channel=wanted.channel,
        status="Uploading",
        start_time=wanted.start_time,
        end_time=wanted.end_time,
        duration=wanted.duration,
        expiry_time=retention_end(wanted.start_time, now, own.config.retention_days),
        transfers=[_party(party) for party in wanted.transfers],
        additional_parties=[_party(party) for party in wanted.additional_parties],
        meta_tags=dict(wanted.meta_tags),
        details=dict(wanted.metadata),
        upload_expires_at=now + timedelta(seconds=own.config.upload_ttl_s),
        date_created=now,
        date_updated=now,
    )
    session.add(recording)
    session.flush()
    return recording


def _party(party: PartyBody) -> Json:
    dump: Json = party.model_dump(mode="json", exclude_none=True)
    return dump


def _dub_point_for_new(
    session: Session, request: web.Request, wanted: RecordingBody, account: Account
) -> DubPoint | None:
    """The dub point named by id, or the account's ``Api`` one for the channel, made when there is none."""
    if wanted.dub_point_id is not None:
        dub_point = session.get(DubPoint, wanted.dub_point_id)
        if dub_point is None or dub_point.account_id != account.id:
            raise invalid("dub_point_id: is not a dub point of the account")
        return dub_point
    if not wanted.channel:
        return None
    known = select(DubPoint).where(
        DubPoint.account_id == account.id, DubPoint.type == "Api", DubPoint.label == wanted.channel
    )
    dub_point = session.scalars(known.order_by(DubPoint.id)).first()
    if dub_point is not None or wanted.channel_user is None:
        return dub_point
    user = session.get(User, wanted.channel_user)
    if user is None or user.account_id != account.id:
        raise invalid("channel_user: is not a user of the account")
    own = platform(request)
    now = own.clock()
    dub_point = DubPoint(
        id=own.ids.token_hex(10),
        group_id=account.group_id,
        account_id=account.id,
        user_id=user.id,
        type="Api",
        label=wanted.channel,
        date_created=now,
        date_updated=now,
    )
    session.add(dub_point)
    session.flush()
    return dub_point


def _dub_point_of_key(
    session: Session, request: web.Request, wanted: UnidentifiedBody, group: Group
) -> DubPoint | None:
    """The dub point of the recording's key; an unknown key becomes an unidentified dub point of the group."""
    if wanted.external_type is None:
        return None
    key = [getattr(wanted, name) for name in KEY]
    dub_point = dub_point_by_key(session, *key)
    if dub_point is not None:
        return dub_point if may_see_dub_point(caller(request), dub_point) else None
    own = platform(request)
    now = own.clock()
    dub_point = DubPoint(
        id=own.ids.token_hex(10),
        group_id=group.id,
        **dict(zip(KEY, key, strict=True)),
        date_created=now,
        date_updated=now,
    )
    session.add(dub_point)
    session.flush()
    return dub_point


def _user_name(session: Session, user_id: str | None) -> str:
    user = session.get(User, user_id) if user_id else None
    return f"{user.first_name} {user.last_name}".strip()[:128] if user else ""


def _listener(session: Session, recording: Recording, text: str) -> User:
    statement = select(User).where((User.id == text) | (User.username == text.lower()))
    user = session.scalars(statement).first()
    listener = viewer_of(session, user.id) if user else None
    if user is None or listener is None or not may_listen(session, listener, recording):
        raise bad_parameter("listener", "is no user who may hear this recording")
    return user


def _listener_url(own: Platform, to: Links, recording: Recording, listener_id: str) -> str:
    expires = int(own.clock().timestamp()) + own.config.listener_url_ttl_s
    signature = own.signer.link_signature(recording.id, listener_id, expires)
    query = urlencode({"listener": listener_id, "expires": expires, "signature": signature})
    return f"{to.origin}/media/{recording.id}?{query}"
