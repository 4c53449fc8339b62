"""Dubber's REST interface, as far as an uploader needs it (research notes 8.2 to 8.6).

TLS is always verified, redirects are not followed, answers are bounded, and no
token or password is ever part of an error or a ``repr``.
"""

from __future__ import annotations

import asyncio
import json
import re
import ssl
from collections.abc import AsyncIterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote, urlsplit

import aiohttp

from callmodel.errors import ConfigError, reason_of
from callmodel.subscriber import DubPointKey
from dubber_uploader.answers import AttemptError, detail_of, retry_after_of
from dubber_uploader.clock import Clock
from dubber_uploader.config import DubberConfig
from dubber_uploader.planner import Meaning, Outcome, Source, classify

MAX_ANSWER_BYTES = 1 << 20
SLOWEST_BYTES_PER_S = 16 * 1024
LIMIT_PATIENCE = 5
"""How often a call that came too soon after others is repeated in place, before its job waits."""
LIMIT_WAIT_MAX_S = 10.0
MAX_NAME_CHARS = 128
TOKEN_MARGIN = timedelta(seconds=60)

_SAFE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9@._-]{0,127}")


@dataclass(frozen=True, slots=True, kw_only=True)
class DubPoint:
    """Where recordings of one line go."""

    id: str
    account_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteRecording:
    """A recording as the platform shows it."""

    id: str
    status: str
    size_bytes: int | None
    """None when the platform does not show it."""
    sha256: str | None
    meta_tags: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class PartAddress:
    """Where one part may be put."""

    url: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)


@dataclass(slots=True)
class _Token:
    access: str = field(repr=False)
    refresh: str | None = field(repr=False)
    expires_at: datetime


class DubberClient:
    """One user of the platform. Use as an asynchronous context manager."""

    def __init__(self, config: DubberConfig, clock: Clock) -> None:
        self._config = config
        self._clock = clock
        self._token: _Token | None = None
        self._token_lock = asyncio.Lock()
        self._pace_lock = asyncio.Lock()
        self._next_call_at: datetime | None = None
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        connector = aiohttp.TCPConnector(ssl=trusted_roots(self._config))
        self._session = aiohttp.ClientSession(connector=connector, trust_env=False, raise_for_status=False)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def find_dub_point(self, key: DubPointKey) -> DubPoint | None:
        """GET /dub_points/find; None when the platform knows no such line."""
        query = {
            "external_type": key.external_type,
            "service_provider": key.service_provider,
            "external_group": key.external_group,
            "external_identifier": key.external_identifier,
        }
        try:
            found = await self._call("GET", "/dub_points/find", params=query)
        except AttemptError as error:
            if error.status == 404:
                return None
            raise
        return DubPoint(id=_id_of(found, "id"), account_id=_id_of(found, "account"))

    async def find_user(self, collection: str, username: str) -> str | None:
        """GET the users of an account; the id of the one with this name, None when there is none."""
        page = 1
        while True:
            found = await self._call("GET", collection, params={"count": "100", "page": str(page)})
            users = _list_of(found, "users")
            for user in users:
                if str(user.get("username", "")).lower() == username.lower():
                    return _id_of(user, "id")
            if len(users) < 100:
                return None
            page += 1

    async def get_group_name(self, group: str) -> str:
        """GET /groups/:id (see :func:`group_path`); AttemptError with status 404 when there is none."""
        name = (await self._call("GET", group)).get("name")
        return "".join(c for c in name if c.isprintable())[:MAX_NAME_CHARS] if isinstance(name, str) else ""

    async def find_account(self, group: str, key: str, value: str) -> str | None:
        """GET the accounts of a group; the id of the first whose metadata say so, None when none does."""
        page = 1
        while True:
            params = {"count": "100", "page": str(page)}
            accounts = _list_of(await self._call("GET", f"{group}/accounts", params=params), "accounts")
            for account in accounts:
                metadata = account.get("metadata")
                if isinstance(metadata, dict) and metadata.get(key) == value:
                    return _id_of(account, "id")
            if len(accounts) < 100:
                return None
            page += 1

    async def create(self, collection: str, fields: Mapping[str, Any]) -> str:
        """POST to a collection; the id of what was made."""
        return _id_of(await self._call("POST", collection, body=fields), "id")

    async def find_recording(self, collection: str, tag: str, value: str) -> RemoteRecording | None:
        """A recording of a collection (see :func:`collection_of`) that carries this meta tag, whatever its status."""
        for status in ("Uploading", "Active", "Do Not Record"):
            params = {"query": value, "status": status, "count": "100"}
            found = await self._call("GET", collection, params=params)
            for item in _list_of(found, "recordings"):
                recording = _recording(item)
                if recording.meta_tags.get(tag) == value:
                    return recording
        return None

    async def create_recording(self, collection: str, fields: Mapping[str, Any]) -> RemoteRecording:
        """POST to a collection without ``recording_url``: the audio follows in parts."""
        return _recording(await self._call("POST", collection, body=fields))

    async def get_recording(self, remote_id: str) -> RemoteRecording:
        """GET /recordings/:id."""
        return _recording(await self._call("GET", _path(remote_id), source=Source.RECORDING))

    async def part_address(self, remote_id: str, number: int, *, md5: str, sha256: str) -> PartAddress:
        """GET /recordings/:id/upload; ``md5`` is base64, ``sha256`` hexadecimal."""
        params = {"part_number": str(number), "content_md5": md5, "content_sha256": sha256}
        found = await self._call("GET", f"{_path(remote_id)}/upload", source=Source.RECORDING, params=params)
        url = found.get("url")
        if not isinstance(url, str) or urlsplit(url).scheme != "https":
            raise AttemptError(Outcome(meaning=Meaning.GARBLED, detail="the part's address is not an https address"))
        headers = {
            "Authorization": str(found.get("authorization", "")),
            "X-Amz-Date": str(found.get("X-Amz-Date", "")),
            "Host": str(found.get("Host", "")),
            "Content-MD5": md5,
            "X-Amz-Content-Sha256": sha256,
        }
        return PartAddress(url=url, headers={name: value for name, value in headers.items() if value})

    async def put_part(self, address: PartAddress, data: AsyncIterable[bytes], *, size: int, media_type: str) -> str:
        """PUT one part to its signed address; its tag."""
        headers = {**address.headers, "Content-Type": media_type, "Content-Length": str(size)}
        # A peer that stops reading would never be noticed by a read timeout: the whole has a slowest speed too.
        longest_s = self._config.idle_timeout_s + size / SLOWEST_BYTES_PER_S
        timeout = aiohttp.ClientTimeout(
            total=longest_s, sock_connect=self._config.connect_timeout_s, sock_read=self._config.idle_timeout_s
        )
        options: dict[str, Any] = {"data": data, "headers": headers, "timeout": timeout}
        tag, _ = await self._send("PUT", address.url, Source.STORE, options)
        if not tag:
            raise AttemptError(Outcome(meaning=Meaning.GARBLED, detail="a part was taken without an ETag"))
        return tag

    async def complete_upload(self, remote_id: str, parts: tuple[tuple[int, str], ...]) -> None:
        """PUT /recordings/:id/complete_upload."""
        body = {"parts": [{"part_number": number, "e_tag": tag} for number, tag in parts]}
        await self._call("PUT", f"{_path(remote_id)}/complete_upload", source=Source.COMPLETE, body=body)

    async def abort(self, remote_id: str) -> None:
        """DELETE /recordings/:id; one that is gone already is fine."""
        try:
            await self._call("DELETE", _path(remote_id), source=Source.RECORDING)
        except AttemptError as error:
            if error.outcome.meaning is not Meaning.REMOTE_GONE:
                raise

    async def set_metadata(self, remote_id: str, metadata: Mapping[str, str]) -> None:
        """PUT /recordings/:id/metadata."""
        path = f"{_path(remote_id)}/metadata"
        await self._call("PUT", path, source=Source.RECORDING, body={"metadata": dict(metadata)})

    async def set_tags(self, remote_id: str, tags: tuple[str, ...]) -> None:
        """POST /recordings/:id/tags: the whole set."""
        await self._call("POST", f"{_path(remote_id)}/tags", source=Source.RECORDING, body={"tags": list(tags)})

    async def refresh_token(self) -> None:
        """Get a new token: by the refresh grant when there is one, else (or when refused) by password."""
        async with self._token_lock:
            await self._renew()

    async def _call(
        self,
        method: str,
        path: str,
        *,
        source: Source = Source.API,
        params: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        patience = LIMIT_PATIENCE
        while True:
            token = await self._access_token()
            await self._wait_turn()
            try:
                return await self._call_once(method, path, source, token, params, body)
            except AttemptError as error:
                if error.outcome.meaning is not Meaning.PER_SECOND_LIMIT or patience == 0:
                    raise
                patience -= 1
                await self._clock.sleep(max(1.0, min(error.outcome.retry_after_s or 0.0, LIMIT_WAIT_MAX_S)))

    async def _call_once(
        self,
        method: str,
        path: str,
        source: Source,
        token: str,
        params: Mapping[str, str] | None,
        body: Mapping[str, Any] | None,
    ) -> dict[str, Any]:
        options: dict[str, Any] = {
            "params": params,
            "json": body,
            "headers": {"Authorization": f"Bearer {token}", "Accept": "application/json"},
            "timeout": self._call_timeout(),
        }
        _, raw = await self._send(method, self._config.base_url + path, source, options)
        return _json_object(raw)

    async def _access_token(self) -> str:
        async with self._token_lock:
            if self._token is None or self._token.expires_at - TOKEN_MARGIN <= self._clock.now():
                await self._renew()
            assert self._token is not None
            return self._token.access

    async def _renew(self) -> None:
        refresh, self._token = (self._token.refresh if self._token else None), None
        if refresh is not None:
            try:
                self._token = await self._grant({"grant_type": "refresh_token", "refresh_token": refresh})
                return
            except AttemptError as error:
                if error.outcome.meaning is not Meaning.BAD_CREDENTIALS:
                    raise
        config = self._config
        self._token = await self._grant(
            {"grant_type": "password", "username": config.username, "password": config.password}
        )

    async def _grant(self, form: Mapping[str, str]) -> _Token:
        whole = {**form, "client_id": self._config.client_id, "client_secret": self._config.client_secret}
        options: dict[str, Any] = {"data": whole, "timeout": self._call_timeout()}
        asked_at = self._clock.now()
        _, raw = await self._send("POST", f"{self._config.base_url}/token", Source.TOKEN, options)
        answer = _json_object(raw)
        access, refresh, lifetime = answer.get("access_token"), answer.get("refresh_token"), answer.get("expires_in")
        if not isinstance(access, str) or not access.isprintable() or not isinstance(lifetime, int):
            raise AttemptError(Outcome(meaning=Meaning.GARBLED, detail="the token answer has no token"))
        lasts = timedelta(seconds=max(0, min(lifetime, 10 * 365 * 86_400)))
        # A lifetime shorter than the margin must not make every call ask for a token.
        expires_at = asked_at + max(lasts, TOKEN_MARGIN + timedelta(seconds=1))
        return _Token(access=access, refresh=refresh if isinstance(refresh, str) else None, expires_at=expires_at)

    async def _wait_turn(self) -> None:
        if self._config.calls_per_second is None:
            return
        async with self._pace_lock:
            now = self._clock.now()
            if self._next_call_at is not None and self._next_call_at > now:
                await self._clock.sleep((self._next_call_at - now).total_seconds())
                now = self._clock.now()
            self._next_call_at = now + timedelta(seconds=1 / self._config.calls_per_second)

    async def _send(self, method: str, url: str, source: Source, options: Mapping[str, Any]) -> tuple[str, bytes]:
        """The answer's ETag and body; AttemptError for anything but success."""
        if self._session is None:
            raise RuntimeError("the client is not open")
        try:
            async with self._session.request(method, url, allow_redirects=False, **options) as response:
                raw = await _bounded_body(response)
                if 200 <= response.status < 300:
                    return response.headers.get("ETag", "")[:256], raw
                code, words = detail_of(raw, response.content_type)
                meaning = classify(source, response.status, code)
                detail = f"{method} {_masked(url)} gave {response.status} {words}".strip()
                retry_after_s = retry_after_of(response.headers.get("Retry-After"), self._clock.now())
                outcome = Outcome(meaning=meaning, detail=detail, retry_after_s=retry_after_s)
                raise AttemptError(outcome, status=response.status)
        except TimeoutError as error:
            raise AttemptError(Outcome(meaning=Meaning.TIMEOUT, detail=f"{method} {_masked(url)}")) from error
        except aiohttp.ClientError as error:
            detail = f"{method} {_masked(url)}: {_why_not_reached(error)}"
            raise AttemptError(Outcome(meaning=Meaning.UNREACHABLE, detail=detail)) from error
        except OSError as error:
            detail = f"{method} {_masked(url)}: {error.strerror or type(error).__name__}"
            raise AttemptError(Outcome(meaning=Meaning.UNREACHABLE, detail=detail)) from error

    def _call_timeout(self) -> aiohttp.ClientTimeout:
        return aiohttp.ClientTimeout(total=self._config.call_timeout_s, sock_connect=self._config.connect_timeout_s)


def account_path(account_id: str) -> str:
    """Where an account is."""
    return f"/accounts/{_quoted(account_id)}"


def group_path(group_id: str) -> str:
    """Where a group is."""
    return f"/groups/{_quoted(group_id)}"


def account_collection(account_id: str) -> str:
    """Where an account's recordings are."""
    return f"{account_path(account_id)}/recordings"


def unidentified_collection(group_id: str) -> str:
    """Where recordings wait that belong to no dub point."""
    return f"{group_path(group_id)}/unidentified_recordings"


def trusted_roots(config: DubberConfig) -> ssl.SSLContext:
    """What the platform's certificate is checked against; ConfigError when the file cannot be read."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if config.ca_file is not None:
        try:
            context.load_verify_locations(config.ca_file)
        except (OSError, ssl.SSLError) as error:
            raise ConfigError(
                f"uploader.ca_file: {config.ca_file} cannot be used: {error.strerror or error}"
            ) from error
    return context


def _why_not_reached(error: aiohttp.ClientError) -> str:
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        refused = error.certificate_error
        why = refused.verify_message if isinstance(refused, ssl.SSLCertVerificationError) else str(refused)
        return f"its certificate is not trusted ({why}); check uploader.base_url and uploader.ca_file"
    return reason_of(error.os_error) if isinstance(error, aiohttp.ClientConnectorError) else type(error).__name__


async def _bounded_body(response: aiohttp.ClientResponse) -> bytes:
    raw = bytearray()
    async for piece in response.content.iter_chunked(65_536):
        raw += piece
        if len(raw) > MAX_ANSWER_BYTES:
            response.close()
            raise AttemptError(Outcome(meaning=Meaning.GARBLED, detail="an answer longer than 1 MiB"))
    return bytes(raw)


def _json_object(raw: bytes) -> dict[str, Any]:
    try:
        found = json.loads(raw) if raw.strip() else {}
    except (ValueError, RecursionError) as error:
        raise AttemptError(Outcome(meaning=Meaning.GARBLED, detail="an answer that is not JSON")) from error
    if not isinstance(found, dict):
        raise AttemptError(Outcome(meaning=Meaning.GARBLED, detail="an answer that is not a JSON object"))
    return found


def _list_of(found: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    items = found.get(name)
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise AttemptError(Outcome(meaning=Meaning.GARBLED, detail=f"an answer without a list of {name}"))
    return items


def _recording(found: Mapping[str, Any]) -> RemoteRecording:
    size, sha256, tags = found.get("size"), found.get("content_sha256"), found.get("meta_tags")
    return RemoteRecording(
        id=_id_of(found, "id"),
        status=str(found.get("status", "")),
        size_bytes=size if isinstance(size, int) else None,
        sha256=sha256.lower() if isinstance(sha256, str) else None,
        meta_tags=tags if isinstance(tags, dict) else {},
    )


def _id_of(found: Mapping[str, Any], name: str) -> str:
    """An id; where a URI stands for one, its last part."""
    value = found.get(name)
    text = str(value) if isinstance(value, str | int) else ""
    if text.startswith("https://"):
        text = text.rstrip("/").rsplit("/", 1)[-1]
    if not _SAFE_ID.fullmatch(text):
        raise AttemptError(Outcome(meaning=Meaning.GARBLED, detail=f"an answer without a usable {name}"))
    return text


def _path(remote_id: str) -> str:
    return f"/recordings/{_quoted(remote_id)}"


def _quoted(text: str) -> str:
    return quote(text, safe="")


def _masked(url: str) -> str:
    """The address without its query, which may hold a signature."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rsplit('@', 1)[-1]}{parts.path}"
