"""Built styles and modules: found by name, served for ever, missed in words."""

from __future__ import annotations

import gzip
import json
from hashlib import sha256
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from webkit.assets import DIST, Assets, AssetsMissing

STYLE = b"body { color: black }" * 50
PRESSED = gzip.compress(STYLE, mtime=0)


@pytest.fixture
def built(tmp_path: Path) -> Path:
    """A folder as the build leaves it: a style with its gzip form, a picture without."""
    (tmp_path / "app-AAAA.css").write_bytes(STYLE)
    (tmp_path / "app-AAAA.css.gz").write_bytes(PRESSED)
    (tmp_path / "dot-BBBB.png").write_bytes(b"picture")
    write_manifest(tmp_path)
    return tmp_path


def write_manifest(folder: Path, version: int = 1) -> None:
    """With the digests of the two files."""
    files = {"app-AAAA.css": STYLE, "dot-BBBB.png": b"picture"}
    manifest = {
        "version": version,
        "names": {"app.css": "app-AAAA.css", "dot.png": "dot-BBBB.png"},
        "files": {name: {"bytes": len(body), "sha256": sha256(body).hexdigest()} for name, body in files.items()},
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))


def client_of(assets: Assets) -> TestClient[web.Request, web.Application]:
    """A browser without a head."""
    app = web.Application()
    app.router.add_get("/assets/{name}", assets.serve)
    return TestClient(TestServer(app), auto_decompress=False)


def test_a_logical_name_becomes_the_built_file(built: Path) -> None:
    assert Assets.load(built).file_name("app.css") == "app-AAAA.css"


def test_a_name_that_was_not_built_is_an_error(built: Path) -> None:
    with pytest.raises(KeyError, match=r"other\.css"):
        Assets.load(built).file_name("other.css")


async def test_a_file_is_served_pressed_typed_and_never_asked_for_again(built: Path) -> None:
    async with client_of(Assets.load(built)) as client:
        answer = await client.get("/assets/app-AAAA.css", headers={"Accept-Encoding": "gzip, br"})
        assert (answer.status, await answer.read()) == (200, PRESSED)
        assert {
            name: answer.headers[name] for name in ("Content-Type", "Content-Encoding", "Cache-Control", "ETag", "Vary")
        } == {
            "Content-Type": "text/css; charset=utf-8",
            "Content-Encoding": "gzip",
            "Cache-Control": "public, max-age=31536000, immutable",
            "ETag": f'"{sha256(STYLE).hexdigest()[:32]}"',
            "Vary": "Accept-Encoding",
        }


@pytest.mark.parametrize(
    "accepted", ["", "identity", "br", "gzip;q=0"], ids=["nothing", "identity", "other", "refused"]
)
async def test_a_browser_that_does_not_take_gzip_gets_plain_bytes(built: Path, accepted: str) -> None:
    async with client_of(Assets.load(built)) as client:
        answer = await client.get("/assets/app-AAAA.css", headers={"Accept-Encoding": accepted})
        assert ("Content-Encoding" in answer.headers, await answer.read()) == (False, STYLE)


async def test_a_known_etag_is_answered_with_304(built: Path) -> None:
    etag = f'"{sha256(b"picture").hexdigest()[:32]}"'
    async with client_of(Assets.load(built)) as client:
        answer = await client.get("/assets/dot-BBBB.png", headers={"If-None-Match": etag})
        assert (answer.status, answer.headers["ETag"], await answer.read()) == (304, etag, b"")


@pytest.mark.parametrize("name", ["manifest.json", "app.css", "app-AAAA.css.gz", "..%2Fassets.py"])
async def test_only_what_the_manifest_names_is_served(built: Path, name: str) -> None:
    async with client_of(Assets.load(built)) as client:
        assert (await client.get(f"/assets/{name}")).status == 404


def test_nothing_built_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(AssetsMissing, match=r"there is no manifest\.json in .*make setup"):
        Assets.load(tmp_path)


def test_a_manifest_of_another_version_says_what_to_do(built: Path) -> None:
    write_manifest(built, version=7)
    with pytest.raises(AssetsMissing, match=r"has version 7, not 1.*make setup"):
        Assets.load(built)


def test_a_broken_manifest_says_what_to_do(built: Path) -> None:
    (built / "manifest.json").write_text("{")
    with pytest.raises(AssetsMissing, match=r"cannot be read .*make setup"):
        Assets.load(built)


def test_a_file_that_is_gone_says_what_to_do(built: Path) -> None:
    (built / "dot-BBBB.png").unlink()
    with pytest.raises(AssetsMissing, match=r"dot-BBBB\.png is missing.*make setup"):
        Assets.load(built)


def test_what_was_built_is_what_the_manifest_says() -> None:
    manifest = json.loads((DIST / "manifest.json").read_bytes())
    digests = {name: sha256((DIST / name).read_bytes()).hexdigest() for name in manifest["files"]}
    assert digests == {name: facts["sha256"] for name, facts in manifest["files"].items()}
    assert set(manifest["names"]) >= {"app.css", "app.js", "icons.svg", "favicon.svg"}
