"""What the media plane costs, beside a C floor and the obvious asyncio relay: ``make bench``.

All in one run and in interleaved rounds, because a figure of one machine on one day says little and a ratio says much.
Server on one core, generator on another; all traffic on 127.0.0.1. CPU is what the kernel counted for all threads of
the server (/proc/PID/task/*/schedstat) within the measured window. One call is two legs, PCMU, 100 packets/s each way.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import servers  # noqa: E402 - found beside this file
import setups  # noqa: E402 - found beside this file

from mediaserver.runtime.forwarders import native_available  # noqa: E402 - found by the path above

FLOOR, ASYNCIO = "C floor", "asyncio + soundfile"
LIMITS = {"native": 1.4, "native, mixed": 2.0, "python": 2.1, "python, mixed": 2.8}
"""CPU as a multiple of the floor, at 100, 300 and 500 calls."""
GATED = (100, 300, 500)
LOST_PERCENT = 0.5
"""More than the ends of the measured window can account for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One server with one number of calls, once."""

    design: str
    calls: int
    cpu_ms_per_call_s: float
    core: float
    lost_percent: float
    latency_p50_ms: float
    latency_p99_ms: float
    late_p99_ms: float
    outcome: dict[str, Any]


def cpu_ns(pid: int) -> int:
    """Time on a processor of all threads, nanoseconds."""
    return sum(int(path.read_text().split()[0]) for path in Path(f"/proc/{pid}/task").glob("*/schedstat"))


def compile_c(folder: Path) -> dict[str, Path]:
    """The C programs; SystemExit without a compiler, for there is nothing to compare with then."""
    compiler = shutil.which(os.environ.get("CC", "cc"))
    if compiler is None:
        raise SystemExit("bench: a C compiler is needed for the load generator and the floor (install gcc or set CC)")
    built = {}
    for name in ("gen", "floor"):
        built[name] = folder / name
        subprocess.run([compiler, "-O2", "-o", built[name], HERE / f"{name}.c"], check=True)
    return built


async def measure(design: str, server: servers.Server, calls: int, gen: Path, options: argparse.Namespace) -> Measure:
    """Start the server, load it, read its CPU at both ends of the window."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        async with server(calls, Path(folder)) as served:
            process = await asyncio.create_subprocess_exec(
                gen,
                str(options.warm),
                str(options.seconds),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                preexec_fn=servers.on_core(options.generator_core, realtime=not options.no_realtime),
            )
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(servers.legs_text(calls, of_phones=True).encode())
            process.stdin.close()
            used: dict[bytes, int] = {}
            last = b""
            async for line in process.stdout:
                if line in (b"begin\n", b"end\n"):
                    used[line] = cpu_ns(served.pid)
                last = line
            await process.wait()
        said = json.loads(last)
        spent = used[b"end\n"] - used[b"begin\n"]
        mixed = "mixed" in design  # what comes back then is new audio, without the stamps
        came = said["received"] if mixed else said["answered"]
        return Measure(
            design=design,
            calls=calls,
            cpu_ms_per_call_s=spent / 1e6 / (said["sent"] / 100),
            core=spent / 1e9 / options.seconds,
            lost_percent=100 * (1 - came / said["sent"]),
            latency_p50_ms=said["latency_p50_ms"],
            latency_p99_ms=said["latency_p99_ms"],
            late_p99_ms=said["late_p99_ms"],
            outcome=asdict(served.outcome),
        )


def designs(options: argparse.Namespace, floor: Path) -> dict[str, servers.Server]:
    """Everything that is compared, in the order it runs in a round."""
    core, realtime = options.server_core, not options.no_realtime
    relay = HERE / "asyncio_relay.py"
    every: dict[str, servers.Server] = {
        FLOOR: servers.program(core, floor, realtime=realtime),
        ASYNCIO: servers.program(core, sys.executable, relay, realtime=realtime),
    }
    for forwarder in ("native", "python"):
        if forwarder == "native" and not native_available():
            print("bench: the native forwarder is not built here", file=sys.stderr)
            continue
        for mixed in (False, True):
            name = forwarder + (", mixed" if mixed else "")
            every[name] = servers.worker(core, forwarder, mixed=mixed, realtime=realtime)
    wanted = options.only.split("/") if options.only else list(every)
    return {name: server for name, server in every.items() if name in wanted}


async def rounds(options: argparse.Namespace, built: dict[str, Path]) -> list[Measure]:
    """Every design with every number of calls, as many times as asked, interleaved."""
    measures: list[Measure] = []
    for number in range(options.rounds):
        for calls in options.calls:
            for name, server in designs(options, built["floor"]).items():
                try:
                    one = await measure(name, server, calls, built["gen"], options)
                except (OSError, AssertionError, TimeoutError, RuntimeError) as error:
                    print(f"  ! {name} with {calls} calls: {error!r}", file=sys.stderr)
                    continue
                measures.append(one)
                print(
                    f"  round {number + 1}, {calls:4} calls, {name:20} {one.cpu_ms_per_call_s:7.2f} CPU-ms/call-s "
                    f"core {one.core:5.1%} p50 {one.latency_p50_ms:6.2f} p99 {one.latency_p99_ms:6.2f} "
                    f"lost {one.lost_percent:5.2f} % late {one.late_p99_ms:5.2f} {told(one.outcome)}",
                    flush=True,
                )
    return measures


def told(outcome: dict[str, Any]) -> str:
    """What went wrong by the server's own account."""
    return " ".join(f"{key}={outcome[key]}" for key in ("incomplete", "gaps", "digits", "lost_copies") if outcome[key])


def summed(measures: Iterable[Measure]) -> list[dict[str, Any]]:
    """Medians by design and calls, with the ratio to the floor of the same rounds."""
    groups: dict[tuple[int, str], list[Measure]] = {}
    for one in measures:
        groups.setdefault((one.calls, one.design), []).append(one)
    rows = []
    for (calls, design), group in groups.items():
        floor = groups.get((calls, FLOOR))
        cpu = median(one.cpu_ms_per_call_s for one in group)
        limit = LIMITS.get(design) if calls in GATED else None
        ratio = cpu / median(one.cpu_ms_per_call_s for one in floor) if floor else None
        rows.append(
            {
                "calls": calls,
                "design": design,
                "rounds": len(group),
                "cpu_ms_per_call_s": round(cpu, 3),
                "cpu_lowest": round(min(one.cpu_ms_per_call_s for one in group), 3),
                "cpu_highest": round(max(one.cpu_ms_per_call_s for one in group), 3),
                "ratio_to_floor": round(ratio, 2) if ratio else None,
                "limit": limit,
                "core": round(median(one.core for one in group), 3),
                "latency_p50_ms": None if "mixed" in design else round(median(o.latency_p50_ms for o in group), 3),
                "latency_p99_ms": None if "mixed" in design else round(median(o.latency_p99_ms for o in group), 3),
                "lost_percent": round(max(one.lost_percent for one in group), 3),
                "generator_late_p99_ms": round(median(one.late_p99_ms for one in group), 3),
                "recordings_incomplete": sum(one.outcome["incomplete"] for one in group),
                "recording_gaps": sum(one.outcome["gaps"] for one in group),
                "false_digits": sum(one.outcome["digits"] for one in group),
            }
        )
    return rows


def table(rows: list[dict[str, Any]], about: dict[str, Any]) -> str:
    """The result as Markdown."""
    lines = [
        f"Measured {about['at']} on {about['machine']}, Python {about['python']}, {about['rounds']} interleaved "
        f"round(s) of {about['seconds']:g} s each; median, lowest to highest. "
        "Generator lateness is the machine's, not the server's.",
        "",
        "| calls | design | CPU-ms per call-second | times the floor | latency added p50 / p99, ms | most lost, % "
        "| generator late p99, ms | recordings with gaps or incomplete |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        ratio = "" if row["ratio_to_floor"] is None else f"{row['ratio_to_floor']:.2f}"
        if row["limit"] is not None and row["ratio_to_floor"] is not None:
            ratio += f" (limit {row['limit']:g}: {verdict(row)})"
        both = (row["latency_p50_ms"], row["latency_p99_ms"])
        latency = "" if None in both else f"{both[0]:.2f} / {both[1]:.2f}"
        ours = row["design"] not in (FLOOR, ASYNCIO)
        faults = str(row["recording_gaps"] + row["recordings_incomplete"]) if ours else ""
        lines.append(
            f"| {row['calls']} | {row['design']} | {row['cpu_ms_per_call_s']:.2f} ({row['cpu_lowest']:.2f}-"
            f"{row['cpu_highest']:.2f}) | {ratio} | {latency} | {row['lost_percent']:.2f} "
            f"| {row['generator_late_p99_ms']:.2f} | {faults} |"
        )
    return "\n".join(lines) + "\n"


def verdict(row: dict[str, Any]) -> str:
    """Whether a limit was held; a server that lost something did less work than it was asked for."""
    if row["lost_percent"] > LOST_PERCENT or row["recording_gaps"] + row["recordings_incomplete"]:
        return "NOT held, overloaded"
    return "held" if row["ratio_to_floor"] <= row["limit"] else "NOT held"


def write_into(path: Path, text: str, *, name: str = "bench") -> None:
    """Replace what is between the markers of this name; a file without them gets them at its end."""
    begin, end = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
    old = path.read_text(encoding="utf-8") if path.exists() else "# Performance\n"
    block = f"{begin}\n{text}{end}"
    if begin in old and end in old:
        new = old[: old.index(begin)] + block + old[old.index(end) + len(end) :]
    else:
        new = f"{old.rstrip()}\n\n{block}\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(new, encoding="utf-8")


def machine() -> str:
    """Processor and system, as they name themselves; no host name."""
    model = next(
        (line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line),
        platform.machine(),
    )
    return f"{model}, {os.cpu_count()} cores, Linux {platform.release().split('-')[0]}"


def arguments() -> argparse.Namespace:
    """The command line."""
    cores = sorted(os.sched_getaffinity(0))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one round, 3 s each, 10, 100 and 500 calls")
    parser.add_argument("--calls", type=lambda text: [int(part) for part in text.split(",")])
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--warm", type=float, default=3.0)
    parser.add_argument("--only", default="", help="designs by name, separated by /")
    parser.add_argument("--server-core", type=int, default=cores[-1])
    parser.add_argument("--generator-core", type=int, default=cores[0])
    parser.add_argument("--no-realtime", action="store_true", help="do not ask for SCHED_RR")
    parser.add_argument("--json", type=Path, help="write all measures here")
    parser.add_argument("--write", type=Path, help="write the table into this Markdown file")
    options = parser.parse_args()
    options.calls = options.calls or ([10, 100, 500] if options.quick else [1, 10, 100, 300, 500])
    options.rounds = options.rounds or (1 if options.quick else 3)
    options.seconds = options.seconds or (3.0 if options.quick else 6.0)
    return options


def set_ups(options: argparse.Namespace) -> list[setups.SetupRate]:
    """Calls set up a second, where SIPp is."""
    if options.only or shutil.which("sipp") is None:
        return []
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        return setups.measure(
            Path(folder), [20, 50] if options.quick else [20, 50, 100, 150], 5 if options.quick else 10
        )


def main() -> None:
    """Run, print, write."""
    options = arguments()
    with tempfile.TemporaryDirectory(prefix="bench-bin-") as folder:
        measures = asyncio.run(rounds(options, compile_c(Path(folder))))
    about = {
        "at": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "machine": machine(),
        "python": platform.python_version(),
        "rounds": options.rounds,
        "seconds": options.seconds,
    }
    rows = summed(measures)
    text = table(rows, about)
    rates = set_ups(options)
    if rates:
        text += "\nCalls set up, with SIPp against a whole server (one media worker, on all cores):\n\n"
        text += setups.table(rates) + "\n"
    print("\n" + text)
    if options.json:
        result = {
            "about": about,
            "rows": rows,
            "set_ups": [asdict(rate) for rate in rates],
            "measures": [asdict(one) for one in measures],
        }
        options.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    if options.write:
        write_into(options.write, text)


if __name__ == "__main__":
    main()
