"""A recording's audio over HTTP, for players: from the disk, whole or in ranges, never through memory."""

from __future__ import annotations

import re
from typing import Any

from aiohttp import hdrs, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.web_request import BaseRequest
from multidict import CIMultiDict

from dubber_platform.api.context import Platform
from dubber_platform.store.refused import RefusedError, Why
from dubber_platform.store.schema import Recording
from dubber_platform.store.visibility import ACTIVE


class AudioResponse(web.FileResponse):
    """A file with ranges (RFC 9110 14): 206, 416, HEAD; ``If-Range`` with a date or an entity tag.

    aiohttp's own knows dates only; with a tag that is not this file's the whole file is sent, as it must be.
    """

    async def prepare(self, request: BaseRequest) -> AbstractStreamWriter | None:
        """Send the head; without the range when it was asked of another version of the file."""
        wanted = request.headers.get(hdrs.IF_RANGE, "").strip()
        if wanted.startswith(('"', "W/")) and wanted != self._tag():
            kept: CIMultiDict[str] = CIMultiDict(request.headers)
            kept.popall(hdrs.RANGE, None)
            request = request.clone(headers=kept)
        return await super().prepare(request)

    def _tag(self) -> str:
        """The entity tag as aiohttp writes it; never a weak one."""
        try:
            known = self._path.stat()
        except OSError:
            return ""
        return f'"{known.st_mtime_ns:x}-{known.st_size:x}"'


def audio_response(own: Platform, recording: Recording, *, download: bool = False) -> AudioResponse:
    """The audio, to be played or saved; RefusedError when there is none (``Uploading``, ``Do Not Record``)."""
    if recording.status != ACTIVE or recording.media_type is None:
        raise RefusedError(Why.UNKNOWN, "audio")
    path = own.files.audio_path(recording.id, recording.media_type)
    if not path.exists():
        raise RefusedError(Why.UNKNOWN, "audio")
    disposition = "attachment" if download else "inline"
    headers: dict[str, Any] = {
        hdrs.CONTENT_TYPE: recording.media_type,
        hdrs.CONTENT_DISPOSITION: f'{disposition}; filename="{file_name(recording)}"',
        hdrs.CACHE_CONTROL: "private, no-store",
        "X-Content-Type-Options": "nosniff",
    }
    return AudioResponse(path, headers=headers)


def file_name(recording: Recording) -> str:
    """``20260326T165146Z_1001_9002_17.wav``: start, from, to, id; ASCII letters, digits and ``+*#-`` only."""
    start = recording.start_time.strftime("%Y%m%dT%H%M%SZ")
    parties = (re.sub(r"[^A-Za-z0-9+*#-]", "", number) or "anonymous" for number in (recording.from_, recording.to))
    suffix = "mp3" if recording.media_type == "audio/mpeg" else "wav"
    return f"{'_'.join((start, *parties, str(recording.id)))}.{suffix}"
