"""One attempt to deliver one recording, from wherever the last one stopped.

The order that makes a lost answer harmless: that a create may have happened is
on disk before it is asked for; the remote id before the first part; every part
when it is taken. What may exist already is looked for by the recording's id in
the meta tags before anything is created.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from callmodel.manifest import RecordingManifest
from catalog import UploadJob, UploadProgress
from dubber_uploader.answers import AttemptError
from dubber_uploader.client import DubberClient, RemoteRecording, account_collection, unidentified_collection
from dubber_uploader.config import MAX_PARTS, UploaderConfig
from dubber_uploader.mapping import RECORDING_TAG, recording_fields, unidentified_fields
from dubber_uploader.planner import Meaning, Outcome
from dubber_uploader.source import BLOCK_BYTES, Delivery, check_local, open_delivery

Save = Callable[[str | None, UploadProgress], Awaitable[None]]
"""Remembers the remote id and the progress; raises :class:`JobTakenError` when the job is not ours any more."""

COMPLETE = ("Active", "Do Not Record")
"""All arrived; with the second the platform keeps the facts only, because the user wants it so."""


class JobTakenError(Exception):
    """Somebody parked or removed the job while it was running."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """Everything one attempt works with."""

    client: DubberClient
    config: UploaderConfig
    group_id: str
    manifest: RecordingManifest
    directory: Path
    at_rest_key: bytes | None
    save: Save
    sent: Callable[[int], None]
    """Told how many bytes went out."""

    async def run(self, job: UploadJob) -> tuple[Outcome, str | None]:
        """The outcome and the remote id, if one is known; AttemptError carries every other outcome."""
        wanted = self.config.delivery_format
        delivery = await asyncio.to_thread(open_delivery, self.directory, self.manifest, wanted, self.at_rest_key)
        try:
            remote, progress = await self._remote(job, delivery)
            if remote.status not in COMPLETE:
                progress = await self._send_parts(remote.id, progress, delivery)
                await self.client.complete_upload(remote.id, progress.parts)
                remote = await self.client.get_recording(remote.id)
            return await self._confirmed(remote, delivery), remote.id
        finally:
            await asyncio.to_thread(delivery.file.close)

    async def _remote(self, job: UploadJob, delivery: Delivery) -> tuple[RemoteRecording, UploadProgress]:
        fresh = UploadProgress(
            sha256=delivery.sha256,
            size_bytes=delivery.size_bytes,
            part_size_bytes=_part_size(self.config, delivery),
            restarts=job.progress.restarts,
        )
        if job.remote_id is not None:
            remote = await self.client.get_recording(job.remote_id)
            same = replace(job.progress, parts=()) == fresh
            return remote, (job.progress if same else fresh)
        collection, fields = await self._place(delivery)
        remote_or_none = None
        if job.progress.sha256:
            remote_or_none = await self.client.find_recording(collection, RECORDING_TAG, self.manifest.recording_id)
        if remote_or_none is None:
            await self.save(None, fresh)
            remote_or_none = await self.client.create_recording(collection, fields)
        await self.save(remote_or_none.id, fresh)
        return remote_or_none, fresh

    async def _place(self, delivery: Delivery) -> tuple[str, Mapping[str, Any]]:
        """The collection the recording belongs in, and its fields there."""
        key = self.manifest.dub_point
        found = None if key is None else await self.client.find_dub_point(key)
        fields = recording_fields(
            self.manifest,
            sha256=delivery.sha256,
            suffix=delivery.suffix,
            recorder=self.config.recorder,
            dub_point_id=found.id if found else None,
        )
        if found is not None:
            return account_collection(found.account_id), fields
        return unidentified_collection(self.group_id), unidentified_fields(fields, key)

    async def _send_parts(self, remote_id: str, progress: UploadProgress, delivery: Delivery) -> UploadProgress:
        size = progress.part_size_bytes
        total = max(1, -(-delivery.size_bytes // size))
        for number in range(len(progress.parts) + 1, total + 1):
            offset = (number - 1) * size
            length = min(size, delivery.size_bytes - offset)
            md5, sha256 = await asyncio.to_thread(delivery.part_digests, offset, length)
            address = await self.client.part_address(remote_id, number, md5=md5, sha256=sha256)
            body = _stream(delivery, offset, length)
            tag = await self.client.put_part(address, body, size=length, media_type=delivery.media_type)
            self.sent(length)
            progress = replace(progress, parts=(*progress.parts, (number, tag)))
            await self.save(remote_id, progress)
        return progress

    async def _confirmed(self, remote: RemoteRecording, delivery: Delivery) -> Outcome:
        if remote.status not in COMPLETE:
            raise AttemptError(Outcome(meaning=Meaning.GARBLED, detail=f"complete, but {remote.status or 'nothing'}"))
        theirs = (remote.size_bytes, remote.sha256)
        if None in theirs:
            return Outcome(meaning=Meaning.UNCONFIRMED, detail="the platform shows no size or digest")
        if theirs == (delivery.size_bytes, delivery.sha256):
            return Outcome(meaning=Meaning.DELIVERED)
        # Whose fault is it? If ours, sending it again will not help.
        await asyncio.to_thread(check_local, self.directory, self.at_rest_key)
        detail = f"the platform has {theirs[0]} bytes, we have {delivery.size_bytes}, or the digests differ"
        raise AttemptError(Outcome(meaning=Meaning.MISMATCH, detail=detail))


def _part_size(config: UploaderConfig, delivery: Delivery) -> int:
    """As configured, or larger when the parts would not be enough."""
    return max(config.part_size_bytes, -(-delivery.size_bytes // MAX_PARTS))


async def _stream(delivery: Delivery, offset: int, size: int) -> AsyncIterator[bytes]:
    while size > 0:
        block = await asyncio.to_thread(delivery.read, offset, min(size, BLOCK_BYTES))
        yield block
        offset, size = offset + len(block), size - len(block)
