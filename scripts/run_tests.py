"""Everything that ``make test`` checks, lane by lane, with a summary that says what did not run.

A lane that could not run is listed as *did not run*; with ``CI=true`` that is a failure.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
IN_CI = os.environ.get("CI") == "true"

PROGRAMS = {
    "sipp": "sip-tester",
    "baresip": "baresip-core",
    "linphonec": "linphone-cli",
    "cc": "gcc libc6-dev",
    "chromium": "chromium",
    "postgres": "postgresql",
}
"""Programs that tests drive, and the Debian packages that have each."""

APART = Path("/usr/lib/postgresql")
"""Here Debian keeps what is not on PATH because there may be several versions of it."""
NO_CLUSTER = Path("/etc/postgresql-common/createcluster.d/no_main_cluster.conf")
"""While it is there, Debian's package makes no database of its own, and starts no server for it."""

PYTEST_COUNTS = re.compile(r"(\d+) (passed|failed|error|errors|skipped|xfailed|xpassed|deselected)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """One group of checks."""

    name: str
    command: tuple[str, ...]
    needs: tuple[str, ...] = ()
    """Programs without which it cannot run."""
    absent: Callable[[], str] = lambda: ""
    """Why it cannot run here; empty when it can."""
    group: str = "test"
    beside: bool = False
    """Runs beside the lanes after it, one such after the other, and lets those go first (they mostly wait); what it
    prints comes when it has ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What became of a lane."""

    lane: str
    verdict: str
    seconds: float
    passed: int = 0
    failed: int = 0


def lanes() -> tuple[Lane, ...]:
    """All lanes in order: the quick ones first."""
    python = str(BIN / "python")
    pytest = (python, "-m", "pytest", "-q", "-p", "no:cacheprovider")
    code = ("callmodel", "feature_codes", "prompts", "mediaserver", "catalog", "spool", "dubber_uploader",
            "dubber_platform", "callbench", "webkit", "portals", "tests", "scripts", "bench", "setup.py")  # fmt: skip
    return (
        Lane(name="ruff check", command=(str(BIN / "ruff"), "check", *code), group="lint"),
        Lane(name="ruff format", command=(str(BIN / "ruff"), "format", "--check", *code), group="lint"),
        Lane(name="mypy", command=(str(BIN / "mypy"),), group="lint"),
        Lane(name="import contracts", command=(str(BIN / "lint-imports"),), group="lint"),
        Lane(name="core", command=(*pytest, "-n", "2", "tests/unit", "tests/machines", "tests/wire", "tests/calls")),
        Lane(name="PostgreSQL", command=(*pytest, "--postgresql", *ON_POSTGRESQL), needs=("postgres",), beside=True),
        Lane(name="browser", command=(*pytest, "tests/browser"), needs=("chromium",), absent=no_pages, beside=True),
        Lane(name="end to end", command=(*pytest, "tests/e2e"), needs=("cc",), absent=no_native_forwarder),
        Lane(name="interop", command=(*pytest, "tests/interop"), needs=("sipp", "baresip", "linphonec")),
    )


ON_POSTGRESQL = (
    "tests/postgres",
    *(f"tests/unit/catalog/test_catalog_{room}.py" for room in ("enabling", "lists", "people", "provisioning", "rows")),
    "tests/unit/catalog/test_roster.py",
    "tests/unit/catalog/test_service_settings.py",
    *(f"tests/unit/dubber_platform/test_dp_{room}.py" for room in ("browse", "labels", "visibility")),
)
"""Tests of both stores run a second time, on PostgreSQL, beside those that are about it."""


def no_native_forwarder() -> str:
    """Why the native forwarder cannot be tested; empty when it was built."""
    folder = ROOT / "mediaserver" / "runtime" / "forwarders"
    return "" if any(folder.glob("_native*.so")) else "the native forwarder was not built: make clean, make test"


def no_pages() -> str:
    """Why no page can be looked at; empty when styles, modules and axe-core are there."""
    kit = ROOT / "webkit"
    built = (kit / "dist" / "manifest.json", kit / "frontend" / "node_modules" / "axe-core" / "axe.min.js")
    return "" if all(file.exists() for file in built) else "the pages' styles and modules were not built: make setup"


def main() -> int:
    """Run the lanes; 0 when all is well."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", help="a lane's name or group (lint, test)")
    parser.add_argument("--programs", action="store_true", help="only install the programs that tests drive")
    arguments = parser.parse_args()
    os.chdir(ROOT)
    os.environ["PATH"] = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    install_programs()
    if arguments.programs:
        return 0
    chosen = [lane for lane in lanes() if arguments.only in (None, lane.name, lane.group)]
    with ThreadPoolExecutor(max_workers=1) as beside:
        waiting = [(beside.submit if lane.beside else at_once)(run, lane) for lane in chosen]
        return report([one.result() for one in waiting])


def install_programs() -> None:
    """Install missing test programs when we may; otherwise name them."""
    needed = (packages for program, packages in PROGRAMS.items() if not there(program))
    missing = sorted(package for packages in needed for package in packages.split())
    if not missing:
        return
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        print(f"missing test programs; on Debian: apt-get install {' '.join(missing)}", flush=True)
        return
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    NO_CLUSTER.parent.mkdir(parents=True, exist_ok=True)
    NO_CLUSTER.write_text("create_main_cluster = false\n", encoding="utf-8")
    for command in (
        ("apt-get", "update", "-qq"),
        ("apt-get", "install", "-y", "-qq", "--no-install-recommends", *missing),
    ):
        done = subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=False)
        if done.returncode != 0:
            print(f"{' '.join(command)} failed with status {done.returncode}", flush=True)
    NO_CLUSTER.unlink()


def there(program: str) -> bool:
    """Whether it is installed."""
    return shutil.which(program) is not None or any(APART.glob(f"*/bin/{program}"))


def at_once(work: Callable[[Lane], Result], lane: Lane) -> Future[Result]:
    """What comes of doing it here and now, as if somebody else did it."""
    found: Future[Result] = Future()
    found.set_result(work(lane))
    return found


def run(lane: Lane) -> Result:
    """Run one lane, passing its output on as it comes, or all at once when it runs beside others."""
    why = lane.absent() or ", ".join(f"no {program}" for program in lane.needs if not there(program))
    if why:
        return Result(lane=lane.name, verdict=f"did not run: {why}", seconds=0.0)
    began = time.monotonic()
    polite = ("nice", "-n", "15") if lane.beside else ()
    process = subprocess.Popen((*polite, *lane.command), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert process.stdout is not None
    kept = [f"\n=== {lane.name}\n"]
    last = ""
    for line in process.stdout:
        kept.append(line)
        last = line if PYTEST_COUNTS.search(line) else last
        if not lane.beside:
            show(kept)
    show(kept)
    status = process.wait()
    counts = {word: int(number) for number, word in PYTEST_COUNTS.findall(last)}
    failed = counts.get("failed", 0) + counts.get("error", 0) + counts.get("errors", 0)
    verdict = "passed" if status == 0 else f"failed (status {status})"
    if counts.get("skipped"):
        verdict = f"did not run: {counts['skipped']} tests were skipped" if status == 0 else verdict
    seconds = time.monotonic() - began
    return Result(lane=lane.name, verdict=verdict, seconds=seconds, passed=counts.get("passed", 0), failed=failed)


def show(lines: list[str]) -> None:
    """Print what is kept, and keep it no longer."""
    print("".join(lines), end="", flush=True)
    lines.clear()


def report(results: list[Result]) -> int:
    """The summary; the exit status."""
    print("\n=== summary")
    for result in results:
        tests = f"{result.passed} tests" if result.passed or result.failed else ""
        print(f"{result.lane:18} {result.verdict:32} {tests:12} {result.seconds:6.1f} s")
    missing = [result for result in results if result.verdict.startswith("did not run")]
    broken = [result for result in results if result.verdict.startswith("failed")]
    passed = sum(result.passed for result in results)
    failed = sum(result.failed for result in results)
    print(f"{passed} passed, {max(failed, len(broken))} failed")
    return 1 if broken or (missing and IN_CI) else 0


if __name__ == "__main__":
    sys.exit(main())
