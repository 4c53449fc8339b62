"""The wheel, built from a copy of the project and installed elsewhere: everything that the product loads is in it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.server_process import ROOT

pytestmark = pytest.mark.e2e

PACKAGES = (
    *("callmodel", "feature_codes", "prompts", "mediaserver", "catalog", "spool"),
    *("dubber_uploader", "dubber_platform", "callbench", "webkit", "portals"),
)
FILES = ("pyproject.toml", "setup.py", "README.md", "LICENSE")

LOADS = """
import json, pathlib, sys, tempfile
import callbench, catalog, dubber_platform, dubber_uploader, mediaserver, portals.admin, prompts, webkit
from callbench.analysis import analyze
from mediaserver.app import cli
from spool.schema import manifest_schema_text
from webkit.assets import DIST, Assets
store = catalog.Catalog.open_in(pathlib.Path(tempfile.mkdtemp()))
found = {
    "subscribers": len(store.subscribers.list()),
    "sounds": len(prompts.load_prompts().sounds),
    "styles": (DIST / Assets.load().file_name("app.css")).exists(),
    "pages": [(pathlib.Path(p.__file__).parent / "templates").is_dir() for p in (webkit, portals.admin)],
    "schema": json.loads(manifest_schema_text())["title"],
    "from": sorted({str(pathlib.Path(m.__file__).parents[1]) for m in (prompts, catalog, mediaserver, callbench)}),
}
store.close()
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds the project and nothing else, as pip unpacked it from a wheel."""
    folder = tmp_path_factory.mktemp("wheel")
    source, target = folder / "source", folder / "installed"
    left_out = shutil.ignore_patterns("__pycache__", "*.so", "_native*.c", "node_modules")
    for name in PACKAGES:
        shutil.copytree(ROOT / name, source / name, ignore=left_out)
    for name in FILES:
        shutil.copy(ROOT / name, source / name)
    pip = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check")
    subprocess.run([*pip, "wheel", "--no-deps", "--wheel-dir", str(folder), str(source)], check=True, timeout=120)
    (wheel,) = folder.glob("*.whl")
    subprocess.run([*pip, "install", "--no-deps", "--target", str(target), str(wheel)], check=True, timeout=60)
    return target


def test_prompts_migrations_pages_and_schema_are_found_in_it(installed: Path) -> None:
    """Run away from the checkout, with the installed copy first on the path."""
    done = subprocess.run(
        [sys.executable, "-c", LOADS],
        check=True,
        capture_output=True,
        text=True,
        cwd=installed,
        env={"PYTHONPATH": str(installed), "PATH": ""},
        timeout=60,
    )
    sounds = len(list((ROOT / "prompts" / "audio").glob("*/*.wav")))
    wanted = {
        "subscribers": 0,
        "sounds": 2 * sounds,
        "styles": True,
        "pages": [True, True],
        "schema": "Recording manifest, version 1",
        "from": [str(installed)],
    }
    assert json.loads(done.stdout) == wanted


def test_it_has_the_command_the_licence_and_the_source_of_the_voices(installed: Path) -> None:
    """And the types marker of every package."""
    assert (installed / "bin" / "mediaserver").is_file()
    assert [path.name for path in installed.glob("*.dist-info/licenses/LICENSE")] == ["LICENSE"]
    assert (installed / "prompts" / "audio" / "NOTICE.md").is_file()
    assert [name for name in PACKAGES if not (installed / name / "py.typed").is_file()] == []


def test_nothing_of_the_tests_is_in_it(installed: Path) -> None:
    """Tests, benchmarks and scripts stay at home."""
    assert sorted(path.name for path in installed.iterdir() if path.is_dir() and "." not in path.name) == sorted(
        [*PACKAGES, "bin"]
    )
