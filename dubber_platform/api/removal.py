"""Deleting a recording: row first, then files, while nobody else works on it."""

from __future__ import annotations

import asyncio

from dubber_platform.api.context import Platform
from dubber_platform.store import changes
from dubber_platform.store.visibility import Viewer


async def remove(own: Platform, viewer: Viewer, recording_id: int) -> None:
    """Irreversible; RefusedError when the viewer may not, or it is on legal hold."""
    async with own.lock(recording_id):
        await own.database.run(lambda session: changes.delete(session, viewer, recording_id))
        await asyncio.to_thread(own.files.drop, recording_id)
