"""Fetching a ``recording_url``: only from hosts the operator listed, within limits."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

import aiohttp

from dubber_platform.api.activation import activate
from dubber_platform.api.context import Platform
from dubber_platform.api.errors import ApiError, invalid
from dubber_platform.config import PlatformConfig
from dubber_platform.store.audio import AudioError
from dubber_platform.store.files import Incoming
from dubber_platform.store.schema import Recording

CHUNK_BYTES = 256 * 1024
TIMEOUT = aiohttp.ClientTimeout(total=600, connect=10, sock_read=30)


def require_pullable(config: PlatformConfig, url: str) -> None:
    """ApiError unless the host of ``url`` is listed."""
    if urlsplit(url).hostname not in config.pull_hosts:
        raise invalid(
            "recording_url: its host is not one this platform fetches from;"
            " leave recording_url out and use the multi-part upload"
        )


async def pull_audio(own: Platform, recording_id: int, url: str) -> Recording:
    """Fetch, check and keep the audio; ApiError, and no recording is left, when that fails."""
    try:
        with own.files.incoming() as incoming:
            await _fetch(url, incoming, own.config.upload_max_bytes)
            stored = await asyncio.to_thread(own.files.keep_audio, incoming, recording_id)
        return await activate(own, recording_id, stored, None)
    except (aiohttp.ClientError, TimeoutError) as error:
        failure: ApiError = invalid(f"recording_url: could not be fetched ({type(error).__name__})")
        failure.__cause__ = error
    except AudioError as error:
        failure = invalid(f"recording_url: {error}")
    except ApiError as error:
        failure = error
    await own.database.run(lambda session: session.delete(session.get_one(Recording, recording_id)))
    await asyncio.to_thread(own.files.drop, recording_id)
    raise failure


async def _fetch(url: str, incoming: Incoming, most_bytes: int) -> None:
    async with (
        aiohttp.ClientSession(timeout=TIMEOUT, trust_env=False) as client,
        client.get(url, allow_redirects=False) as response,
    ):
        if response.status != 200:
            raise invalid(f"recording_url: answered {response.status}")
        async for chunk in response.content.iter_chunked(CHUNK_BYTES):
            if incoming.size + len(chunk) > most_bytes:
                raise invalid(f"recording_url: is longer than {most_bytes} bytes")
            await asyncio.to_thread(incoming.write, chunk)
