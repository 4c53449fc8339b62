"""The asset build: when it has nothing to do, where it finds Node.js, and what it says when it fails."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from scripts import build_assets


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small webkit folder with one style and an empty build."""
    (tmp_path / "styles").mkdir()
    (tmp_path / "dist").mkdir()
    (tmp_path / "styles" / "app.css").write_text("body { }")
    monkeypatch.setattr(build_assets, "WEBKIT", tmp_path)
    monkeypatch.setattr(build_assets, "DIST", tmp_path / "dist")
    monkeypatch.setattr(build_assets, "MANIFEST", tmp_path / "dist" / "manifest.json")
    return tmp_path


def program(folder: Path, name: str, says: str) -> str:
    """A program that prints one line."""
    path = folder / name
    path.write_text(f"#!/bin/sh\necho '{says}'\n")
    path.chmod(0o755)
    return str(path)


def write_built(sources: Path, digest: str) -> None:
    """As if these sources had been built into one file."""
    (sources / "dist" / "app-AAAA.css").write_text("")
    manifest = {"sources": digest, "files": {"app-AAAA.css": {}}}
    (sources / "dist" / "manifest.json").write_text(json.dumps(manifest))


def test_a_change_of_a_source_changes_the_digest(sources: Path) -> None:
    before = build_assets.sources_digest()
    (sources / "styles" / "app.css").write_text("html { }")
    assert build_assets.sources_digest() != before


def test_what_lies_beside_the_sources_does_not_change_the_digest(sources: Path) -> None:
    before = build_assets.sources_digest()
    (sources / "site.py").write_text("")
    assert build_assets.sources_digest() == before


def test_nothing_is_built_twice(sources: Path) -> None:
    digest = build_assets.sources_digest()
    assert build_assets.is_built(digest) is False
    write_built(sources, digest)
    assert build_assets.is_built(digest) is True


def test_a_file_that_is_gone_is_built_again(sources: Path) -> None:
    digest = build_assets.sources_digest()
    write_built(sources, digest)
    (sources / "dist" / "app-AAAA.css").unlink()
    assert build_assets.is_built(digest) is False


@pytest.mark.parametrize(
    ("says", "version"),
    [("v18.0.0", "18.0.0"), ("v24.19.0", "24.19.0"), ("v16.20.2", ""), ("something else", "")],
    ids=["oldest", "newest", "too-old", "nonsense"],
)
def test_only_a_node_that_is_new_enough_is_used(tmp_path: Path, says: str, version: str) -> None:
    assert build_assets.node_version(program(tmp_path, "node", says)) == version


def test_a_node_that_is_not_there_is_not_used(tmp_path: Path) -> None:
    assert build_assets.node_version(str(tmp_path / "node")) == ""


def test_a_node_of_the_machine_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    node, npm = program(tmp_path, "node", "v20.1.0"), program(tmp_path, "npm", "10")
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}/bin")
    assert build_assets.find_node() == build_assets.Node(version="20.1.0", node=node, npm=(npm,))


def test_a_step_that_fails_shows_what_it_said(sources: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build_assets, "FRONTEND", sources)
    with pytest.raises(build_assets.BuildFailed, match=r"^the bundler ended with status 3\nno such module$"):
        build_assets.run(("/bin/sh", "-c", "echo no such module; exit 3"), "the bundler", dict(os.environ))


def test_the_lock_names_no_place_to_download_from() -> None:
    lock = (build_assets.ROOT / "webkit" / "frontend" / "package-lock.json").read_text()
    assert "resolved" not in lock
