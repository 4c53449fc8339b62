"""Multi-part uploads: signed part addresses, the parts themselves, putting them together; and the audio link."""

from __future__ import annotations

import asyncio
import hashlib
import re
from datetime import UTC, datetime

from aiohttp import web
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from dubber_platform.api.access import recording_for, require_administrator
from dubber_platform.api.activation import activate
from dubber_platform.api.audio import audio_response
from dubber_platform.api.bodies import CompleteBody
from dubber_platform.api.context import Platform, body, caller, links, platform, run
from dubber_platform.api.errors import ObjectError, bad_parameter, invalid
from dubber_platform.api.paging import parameters
from dubber_platform.api.render import recording_details_json
from dubber_platform.signing import PartClaim, expired, format_amz_date, parse_amz_date, parse_md5
from dubber_platform.store.audio import AudioError
from dubber_platform.store.files import Incoming, StoredAudio
from dubber_platform.store.recordings import tags_of
from dubber_platform.store.refused import RefusedError
from dubber_platform.store.schema import Part, Recording

PART_NUMBER_MAX = 10000
CHUNK_BYTES = 256 * 1024


async def get_upload(request: web.Request) -> web.Response:
    """GET /recordings/:id/upload?part_number&content_md5&content_sha256: where and how to PUT this part."""
    given = parameters(request, "part_number", "content_md5", "content_sha256")
    part_number = _part_number(given.get("part_number", ""))
    md5, sha256 = given.get("content_md5", ""), given.get("content_sha256", "")
    if parse_md5(md5) is None:
        raise bad_parameter("content_md5", "must be the base64 of an MD5 digest")
    if not re.fullmatch(r"[0-9a-f]{64}", sha256, re.ASCII):
        raise bad_parameter("content_sha256", "must be 64 lower-case hexadecimal digits")
    recording = await run(request, lambda session: _uploading(session, request))
    to, own = links(request), platform(request)
    path = f"/upload/{recording.id}/{part_number}"
    host = to.origin.split("://", 1)[1]
    claim = PartClaim(host=host, path=path, date=format_amz_date(own.clock()), md5=md5, sha256=sha256)
    return web.json_response(
        {
            "url": to.origin + path,
            "authorization": own.signer.part_authorization(claim),
            "X-Amz-Date": claim.date,
            "Host": host,
        }
    )


async def put_part(request: web.Request) -> web.Response:
    """PUT /upload/:id/:part_number: the signature is the permission; the ETag is the quoted MD5."""
    own = platform(request)
    claim = _claim(request, own)
    recording_id, part_number = _object_of(request)
    await run(request, lambda session: _open_upload(session, recording_id))
    if (request.content_length or 0) > own.config.part_max_bytes:
        raise ObjectError(400, "EntityTooLarge", f"A part has at most {own.config.part_max_bytes} bytes")
    with own.files.incoming() as incoming:
        await _receive(request, incoming, own)
        if incoming.md5 != parse_md5(claim.md5):
            raise ObjectError(400, "BadDigest", "The Content-MD5 you specified did not match what we received")
        if incoming.sha256 != claim.sha256:
            raise ObjectError(400, "XAmzContentSHA256Mismatch", "The provided x-amz-content-sha256 does not match")
        part = Part(recording_id=recording_id, part_number=part_number, md5=incoming.md5.hex(), size=incoming.size)
        async with own.lock(recording_id):
            await run(request, lambda session: _check_room(session, own, part))
            await asyncio.to_thread(own.files.keep_part, incoming, recording_id, part_number)
            await run(request, lambda session: _note_part(session, part))
            await asyncio.to_thread(own.files.drop_earlier_parts, recording_id, part_number, part.md5)
    return web.Response(headers={"ETag": f'"{part.md5}"'})


async def complete_upload(request: web.Request) -> web.Response:
    """PUT /recordings/:id/complete_upload {parts}: Uploading becomes Active; asked again, the answer is the same."""
    wanted, own = await body(request, CompleteBody), platform(request)
    parts = [(part.part_number, part.e_tag.strip('"')) for part in wanted.parts]
    digest = hashlib.sha256(repr(parts).encode()).hexdigest()
    recording = await run(request, lambda session: _administered(session, request))
    async with own.lock(recording.id):
        recording = await run(request, lambda session: _administered(session, request))
        if recording.status == "Uploading":
            await run(request, lambda session: _check_parts(session, own, recording.id, parts))
            stored = await _assemble(own, recording.id, parts)
            recording = await activate(own, recording.id, stored, digest)
            await asyncio.to_thread(own.files.drop_parts, recording.id)
        elif recording.parts_digest != digest:
            raise invalid("parts: the upload is already complete, with other parts")
    tags = await run(request, lambda session: tags_of(session, [recording])[recording.id])
    return web.json_response(recording_details_json(recording, tags, links(request)))


async def get_media(request: web.Request) -> web.StreamResponse:
    """GET /media/:id?listener&expires&signature: the audio, whole or in ranges."""
    own = platform(request)
    recording_id, expires = request.match_info["recording"], request.query.get("expires", "")
    if not re.fullmatch(r"[1-9][0-9]{0,17}", recording_id, re.ASCII):
        raise ObjectError(404, "NoSuchKey", "The specified key does not exist")
    listener, signature = request.query.get("listener", ""), request.query.get("signature", "")
    if not re.fullmatch(r"[0-9]{1,12}", expires, re.ASCII) or not own.signer.link_allowed(
        int(recording_id), listener, int(expires), signature
    ):
        raise ObjectError(403, "SignatureDoesNotMatch", "The link is not one we gave out")
    if own.clock() >= datetime.fromtimestamp(int(expires), UTC):
        raise ObjectError(403, "AccessDenied", "Request has expired")
    recording = await run(request, lambda session: session.get(Recording, int(recording_id)))
    try:
        if recording is not None:
            return audio_response(own, recording)
    except RefusedError:
        pass
    raise ObjectError(404, "NoSuchKey", "The specified key does not exist")


async def _receive(request: web.Request, incoming: Incoming, own: Platform) -> None:
    """Stream the body to the disk; a silent or endless sender is given up."""
    while True:
        try:
            chunk = await asyncio.wait_for(request.content.read(CHUNK_BYTES), own.config.part_idle_s)
        except TimeoutError as error:
            raise ObjectError(400, "RequestTimeout", "The body stopped coming") from error
        except (ConnectionError, web.RequestPayloadError) as error:
            raise ObjectError(400, "IncompleteBody", "The body broke off") from error
        if not chunk:
            return
        if incoming.size + len(chunk) > own.config.part_max_bytes:
            raise ObjectError(400, "EntityTooLarge", f"A part has at most {own.config.part_max_bytes} bytes")
        await asyncio.to_thread(incoming.write, chunk)


async def _assemble(own: Platform, recording_id: int, parts: list[tuple[int, str]]) -> StoredAudio:
    try:
        return await asyncio.to_thread(own.files.assemble, recording_id, parts)
    except AudioError as error:
        raise invalid(f"parts: {error}") from error


def _claim(request: web.Request, own: Platform) -> PartClaim:
    """The signed facts of a part upload; ObjectError unless the signature holds and is young enough."""
    headers = request.headers
    claim = PartClaim(
        host=headers.get("Host", ""),
        path=request.rel_url.raw_path,
        date=headers.get("X-Amz-Date", ""),
        md5=headers.get("Content-MD5", ""),
        sha256=headers.get("X-Amz-Content-Sha256", ""),
    )
    date = parse_amz_date(claim.date)
    if date is None or not own.signer.part_allowed(claim, headers.get("Authorization", "")):
        raise ObjectError(403, "SignatureDoesNotMatch", "The signature does not match the request and its headers")
    if expired(date, own.clock(), own.config.part_url_ttl_s):
        raise ObjectError(403, "AccessDenied", "Request has expired")
    return claim


def _object_of(request: web.Request) -> tuple[int, int]:
    # the path is covered by the signature, so both are numbers we wrote ourselves
    return int(request.match_info["recording"]), int(request.match_info["part_number"])


def _open_upload(session: Session, recording_id: int) -> Recording:
    recording = session.get(Recording, recording_id)
    if recording is None or recording.status != "Uploading":
        raise ObjectError(404, "NoSuchUpload", "The upload does not exist, was aborted or is complete")
    return recording


def _check_room(session: Session, own: Platform, part: Part) -> None:
    _open_upload(session, part.recording_id)
    others = select(func.coalesce(func.sum(Part.size), 0)).where(
        Part.recording_id == part.recording_id, Part.part_number != part.part_number
    )
    if int(session.scalar(others) or 0) + part.size > own.config.upload_max_bytes:
        raise ObjectError(400, "EntityTooLarge", f"An upload has at most {own.config.upload_max_bytes} bytes")


def _note_part(session: Session, part: Part) -> None:
    _open_upload(session, part.recording_id)
    session.merge(part)


def _check_parts(session: Session, own: Platform, recording_id: int, parts: list[tuple[int, str]]) -> None:
    numbers = [number for number, _ in parts]
    if numbers != sorted(set(numbers)):
        raise invalid("parts: must be in ascending order of part_number, each once")
    known = {row.part_number: row for row in session.scalars(select(Part).where(Part.recording_id == recording_id))}
    for index, (number, e_tag) in enumerate(parts):
        row = known.get(number)
        if row is None:
            raise invalid(f"parts.{index}.part_number: part {number} was not uploaded")
        if row.md5 != e_tag:
            raise invalid(f"parts.{index}.e_tag: is not the ETag of part {number}")
        if row.size < own.config.part_min_bytes and index < len(parts) - 1:
            raise invalid(f"parts.{index}: every part but the last has at least {own.config.part_min_bytes} bytes")


def _part_number(text: str) -> int:
    if not re.fullmatch(r"[1-9][0-9]{0,4}", text, re.ASCII) or int(text) > PART_NUMBER_MAX:
        raise bad_parameter("part_number", f"must be a whole number from 1 to {PART_NUMBER_MAX}")
    return int(text)


def _administered(session: Session, request: web.Request) -> Recording:
    require_administrator(caller(request))
    return recording_for(session, caller(request), request.match_info["recording"])


def _uploading(session: Session, request: web.Request) -> Recording:
    recording = _administered(session, request)
    if recording.status != "Uploading":
        raise invalid("recording: its upload is already complete")
    return recording
