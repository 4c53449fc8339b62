"""The house's own files: licence, pinned libraries, container files, and words that have no place in them."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from mediaserver.app.cli import app
from mediaserver.app.config import load_settings
from mediaserver.app.drawing import commands, options_of
from scripts.run_tests import PROGRAMS

ROOT = Path(__file__).resolve().parents[3]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
PINS = dict(
    line.split("==")
    for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    if line and not line.startswith("#")
)
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
SERVER = COMPOSE["services"]["mediaserver"]


def same(name: str) -> str:
    """A library's name as the index compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def wanted() -> set[str]:
    """Every library the project asks for."""
    asked = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["test"]]
    return {same(re.split(r"[<>=;\[ ]", line)[0]) for line in asked}


def test_every_library_is_pinned_and_nothing_else_than_a_name_and_a_version_stands_there() -> None:
    assert wanted() - {same(name) for name in PINS} == set()
    assert all(
        re.fullmatch(r"[A-Za-z0-9_.-]+", name) and re.fullmatch(r"[0-9][0-9a-z.]*", v) for name, v in PINS.items()
    )


@pytest.mark.parametrize("name", sorted(wanted()))
def test_the_pinned_version_is_the_one_tested(name: str) -> None:
    assert {same(pin): number for pin, number in PINS.items()}[name] == version(name)


def test_every_library_is_told_of() -> None:
    page = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8").lower()
    assert {name for name in wanted() if name not in page} == {"types-pyyaml", "types-cffi"}


@pytest.mark.parametrize("package", sorted(" ".join(PROGRAMS.values()).split()))
def test_every_test_program_is_told_of(package: str) -> None:
    assert f"`{package}`" in (ROOT / "README.md").read_text(encoding="utf-8")
    assert f"`{package}`" in (ROOT / "docs" / "test-programs.md").read_text(encoding="utf-8")


def test_the_licence_is_mit_everywhere() -> None:
    assert PROJECT["license"] == "MIT"
    assert (ROOT / "LICENSE").read_text(encoding="utf-8").startswith("MIT License")


def test_the_container_runs_a_command_with_flags_that_exist() -> None:
    run = dict(commands())["mediaserver run"]
    assert re.search(r'^ENTRYPOINT \["mediaserver"\]$', DOCKERFILE, re.MULTILINE)
    first, *flags = SERVER["command"]
    assert first == "run"
    assert {flag.partition("=")[0] for flag in flags} - options_of(run) == set()
    assert typer.main.get_command(app).help


def test_the_published_ports_are_those_the_server_listens_on_one_to_one() -> None:
    """An RTP port that is published under another number would be told wrongly in SDP."""
    ports = [str(entry).rpartition("}:")[2] for entry in SERVER["ports"]]
    inside = {entry.partition(":")[2] for entry in ports}
    assert all(entry.partition(":")[0] == entry.partition(":")[2].partition("/")[0] for entry in ports)
    (rtp,) = [flag.partition("=")[2] for flag in SERVER["command"] if flag.startswith("--rtp-ports")]
    settings = load_settings(None, {})
    assert inside == {
        f"{settings.sip_port}/udp",
        f"{settings.sip_port}/tcp",
        f"{settings.tls_port}/tcp",
        f"{settings.http_port}/tcp",
        f"{settings.dubber_port}/tcp",
        f"{rtp}/udp",
    }
    exposed = re.search(r"^EXPOSE (.+)$", DOCKERFILE, re.MULTILINE)
    assert exposed is not None
    assert set(exposed[1].split()) == inside


def test_the_compose_file_has_the_shape_that_compose_reads() -> None:
    """The keys used, and their types, as the Compose specification has them; volumes that are used are declared."""
    shapes: dict[str, type | tuple[type, ...]] = {
        "build": str,
        "image": str,
        "restart": str,
        "init": bool,
        "command": list,
        "environment": dict,
        "ports": list,
        "volumes": list,
        "stop_grace_period": str,
        "ulimits": dict,
        "cap_add": list,
        "healthcheck": dict,
        "profiles": list,
    }
    assert set(COMPOSE) == {"name", "x-image", "services", "volumes"}
    for name, service in COMPOSE["services"].items():
        assert {key for key, value in service.items() if not isinstance(value, shapes[key])} == set(), name
        assert all(isinstance(value, str | int) for value in service["environment"].values())
        assert {volume.partition(":")[0] for volume in service["volumes"]} <= set(COMPOSE["volumes"])
    assert set(SERVER["healthcheck"]) == {"test", "interval", "timeout", "retries"}
    durations = [SERVER["stop_grace_period"], SERVER["healthcheck"]["interval"], SERVER["healthcheck"]["timeout"]]
    assert all(re.fullmatch(r"\d+s", value) for value in durations)


def test_a_stop_leaves_the_server_time_to_drain() -> None:
    (drain,) = [float(flag.partition("=")[2]) for flag in SERVER["command"] if flag.startswith("--drain")]
    assert drain < float(SERVER["stop_grace_period"].rstrip("s"))


def test_why_the_published_range_is_small_is_told() -> None:
    head = (ROOT / "docker-compose.yml").read_text(encoding="utf-8").partition("name:")[0]
    assert "one proxy process for every published port" in " ".join(head.replace("#", " ").split())


def test_no_variable_in_the_container_files_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    found = {name: str(value) for name, value in SERVER["environment"].items()}
    found |= dict(re.findall(r"(MEDIASERVER_\w+)=(\S+)", DOCKERFILE))
    assert str(load_settings(None, found).data_dir) == "/data"


def test_no_path_of_somebodys_machine_is_in_a_text_file() -> None:
    """Home directories and working directories of whoever wrote it."""
    packages = {path.parent for path in ROOT.glob("*/__init__.py")}
    rooms = [*packages, *(ROOT / name for name in ("docs", "tests", "scripts", "bench"))]
    files = [*ROOT.iterdir(), *(path for room in rooms for path in room.rglob("*"))]
    texts = [path for path in files if path.suffix in (".md", ".py", ".toml", ".yml", ".txt", ".json", ".c")]
    pattern = re.compile(r"(?:^|[\s\"'`(=])/(?:home|Users|work|root)/\w")
    found = [str(path.relative_to(ROOT)) for path in texts if pattern.search(path.read_text(encoding="utf-8"))]
    assert found == []
