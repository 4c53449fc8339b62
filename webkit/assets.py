"""Styles, modules and pictures as the asset build wrote them: names with digests in, never-changing answers out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from aiohttp import hdrs, web

DIST: Final = Path(__file__).parent / "dist"
"""Where ``scripts/build_assets.py`` writes."""

MANIFEST: Final = "manifest.json"
VERSION: Final = 1

IMMUTABLE: Final = "public, max-age=31536000, immutable"
"""The digest is in the name: what is there under a name stays (RFC 8246)."""

TYPES: Final = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
    ".png": "image/png",
    ".ico": "image/x-icon",
}


class AssetsMissing(Exception):
    """Nothing was built, or something else than this version expects."""

    def __init__(self, why: str) -> None:
        super().__init__(f"{why}; build the pages' assets with: make setup")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """One file, ready to send."""

    body: bytes
    pressed: bytes | None
    """gzip, when that is smaller."""
    content_type: str
    etag: str


class Assets:
    """Every built file, in memory: a few hundred kilobytes."""

    def __init__(self, names: Mapping[str, str], files: Mapping[str, Asset]) -> None:
        self._names = names
        self._files = files

    @classmethod
    def load(cls, directory: Path = DIST) -> Assets:
        """Read what was built. Raises AssetsMissing."""
        try:
            manifest: dict[str, Any] = json.loads((directory / MANIFEST).read_bytes())
        except FileNotFoundError:
            raise AssetsMissing(f"there is no {MANIFEST} in {directory}") from None
        except ValueError as error:
            raise AssetsMissing(f"{directory / MANIFEST} cannot be read ({error})") from error
        if manifest.get("version") != VERSION:
            raise AssetsMissing(f"{directory / MANIFEST} has version {manifest.get('version')}, not {VERSION}")
        try:
            files = {file: _read(directory, file, facts["sha256"]) for file, facts in manifest["files"].items()}
        except FileNotFoundError as error:
            raise AssetsMissing(f"{error.filename} is missing") from None
        return cls(manifest["names"], files)

    def file_name(self, name: str) -> str:
        """The built file of ``app.css``; KeyError for what was not built."""
        return self._names[name]

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Answer a browser: the handler of a route whose last part is ``{name}``."""
        asset = self._files.get(request.match_info["name"])
        if asset is None:
            raise web.HTTPNotFound
        headers = {
            hdrs.CACHE_CONTROL: IMMUTABLE,
            hdrs.ETAG: asset.etag,
            hdrs.VARY: hdrs.ACCEPT_ENCODING,
            "X-Content-Type-Options": "nosniff",
        }
        if any(tag.value == asset.etag.strip('"') or tag.value == "*" for tag in request.if_none_match or ()):
            return web.Response(status=304, headers=headers)
        headers[hdrs.CONTENT_TYPE] = asset.content_type
        if asset.pressed is not None and _takes_gzip(request.headers.get(hdrs.ACCEPT_ENCODING, "")):
            headers[hdrs.CONTENT_ENCODING] = "gzip"
            return web.Response(body=asset.pressed, headers=headers)
        return web.Response(body=asset.body, headers=headers)


def _read(directory: Path, file: str, digest: str) -> Asset:
    path = directory / file
    body = path.read_bytes()
    beside = path.with_name(f"{file}.gz")
    pressed = beside.read_bytes() if beside.exists() else None
    return Asset(
        body=body,
        pressed=pressed if pressed is not None and len(pressed) < len(body) else None,
        content_type=TYPES.get(path.suffix, "application/octet-stream"),
        etag=f'"{digest[:32]}"',
    )


def _takes_gzip(accepted: str) -> bool:
    """RFC 9110 12.5.3, as far as browsers use it: gzip is named and not weighed zero."""
    for item in accepted.lower().split(","):
        coding, _, weight = item.partition(";")
        if coding.strip() == "gzip":
            return weight.strip().replace(" ", "") not in {"q=0", "q=0.0", "q=0.00", "q=0.000"}
    return False
