"""A finished recording's audio on the wire: from disk in blocks, decrypted on the way, with ranges (RFC 9110 14)."""

from __future__ import annotations

import asyncio
from typing import BinaryIO, Final

from aiohttp import hdrs, web

from callmodel.errors import SpoolError
from catalog import RecordingRecord
from portals.rest.errors import RestError, refuse
from portals.services import Services
from spool import open_plain

_BLOCK_BYTES: Final = 256 * 1024


async def send_audio(request: web.Request, record: RecordingRecord, services: Services) -> web.StreamResponse:
    """The WAV of a recording, whole or the range that was asked for; RestError 404 and 416."""
    if not record.local:
        raise refuse(404, "the audio was delivered to Dubber, and is not kept here any more")
    size = record.manifest.audio.size_bytes
    start, stop = _range(request, size)
    try:
        # opened and closed here, not in a thread: a caller that goes away meanwhile must not leave it open
        file = open_plain(record.path, at_rest_key=services.at_rest_key)
    except SpoolError as error:
        raise refuse(404, "the audio is not there, or cannot be read") from error
    try:
        partial = (start, stop) != (0, size)
        response = web.StreamResponse(status=206 if partial else 200, headers={hdrs.ACCEPT_RANGES: "bytes"})
        response.content_type = "audio/wav"
        response.content_length = stop - start
        name = record.manifest.recording_id
        response.headers[hdrs.CONTENT_DISPOSITION] = f'attachment; filename="{name}.wav"'
        if partial:
            response.headers[hdrs.CONTENT_RANGE] = f"bytes {start}-{stop - 1}/{size}"
        await response.prepare(request)
        await _copy(file, response, start, stop)
        await response.write_eof()
    except (SpoolError, ConnectionError):
        # half of it is sent: only the end of the connection can still say that this is not the whole
        if request.transport is not None:
            request.transport.abort()
    finally:
        file.close()
    return response


def _range(request: web.Request, size: int) -> tuple[int, int]:
    """First byte, and the one after the last."""
    try:
        asked = request.http_range
    except ValueError:
        return 0, size  # a range that cannot be read is as none at all
    start, stop, _ = asked.indices(size)
    if start >= stop and (asked.start is not None or asked.stop is not None):
        raise RestError(416, headers={hdrs.CONTENT_RANGE: f"bytes */{size}"})
    return start, stop


async def _copy(file: BinaryIO, response: web.StreamResponse, start: int, stop: int) -> None:
    await asyncio.to_thread(file.seek, start)
    left = stop - start
    while left:
        block = await asyncio.to_thread(file.read, min(left, _BLOCK_BYTES))
        if not block:
            raise ConnectionError("the recording is shorter than its manifest says")
        await response.write(block)
        left -= len(block)
