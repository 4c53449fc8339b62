"""SIPp with the scenarios of ``tests/interop/sipp``."""

from __future__ import annotations

import shutil
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.support.server_process import ROOT, ServerProcess

SCENARIOS = ROOT / "tests" / "interop" / "sipp"
TRUNK = "127.0.0.2"
"""The address that the server under test trusts."""
PHONE = "127.0.0.3"
"""One that it does not: digest is asked for."""


@dataclass(frozen=True, slots=True)
class SippResult:
    """What SIPp came to."""

    status: int
    """0 when every call went as the scenario says."""
    told: str
    """Its errors and the messages it exchanged."""


def free_port(host: str, kind: int = socket.SOCK_DGRAM) -> int:
    """A port that is free now."""
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def run_sipp(
    server: ServerProcess,
    scenario: str,
    folder: Path,
    *,
    service: str = "9002",
    calls: int = 1,
    rate: float = 10,
    host: str = TRUNK,
    transport: str = "u1",
    rows: tuple[str, ...] = (),
    timeout_s: int = 40,
    messages: bool = True,
    early_answers: bool = False,
) -> SippResult:
    """Run one scenario to its end; ``rows`` are lines of its injection file.

    ``early_answers``: an answer may come before SIPp has sent what is to be sent twice; else that ends the call.
    """
    program = shutil.which("sipp")
    assert program, "SIPp is missing: install the Debian package sip-tester"
    kind = socket.SOCK_DGRAM if transport.startswith("u") else socket.SOCK_STREAM
    command = [program, server.sip, "-sf", str(SCENARIOS / f"{scenario}.xml"), "-s", service]
    command += ["-m", str(calls), "-r", str(rate), "-i", host, "-mi", host, "-p", str(free_port(host, kind))]
    command += ["-mp", str(free_port(host)), "-t", transport, "-nostdin", "-timeout", f"{timeout_s}s", "-timeout_error"]
    command += ["-trace_err", "-error_file", str(folder / f"{scenario}.err")]
    if early_answers:
        command += ["-default_behaviors", "all,-abortunexp"]
    if messages:
        command += ["-trace_msg", "-message_file", str(folder / f"{scenario}.msg")]
    if rows:
        file = folder / f"{scenario}.csv"
        file.write_text("\n".join(("SEQUENTIAL", *rows)) + "\n", "utf-8")
        command += ["-inf", str(file)]
    done = subprocess.run(
        command,
        check=False,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout_s + 10,
        cwd=folder,
    )
    told = [file.read_text("utf-8", "replace") for file in sorted(folder.glob(f"{scenario}.[em]*"))]
    return SippResult(done.returncode, "\n".join([done.stdout[-1500:], done.stderr[-1500:], *told])[-12000:])
