"""How many calls a second can be set up: SIPp against a whole running server, on 127.0.0.1.

    python bench/setups.py [--rates 20,50,100,150] [--seconds 10] [--json FILE]

Each call: INVITE from a trusted peer to 9009 (which answers and stays silent), ACK, one second of call, BYE. A rate
holds when no call failed and SIPp had to repeat no request. The server runs with all its parts, one media worker.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

SCENARIO = """<?xml version="1.0" encoding="UTF-8"?>
<scenario name="set up, one second, hang up">
  <send retrans="500"><![CDATA[
INVITE sip:9009@[remote_ip]:[remote_port] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: <sip:5550100@[local_ip]:[local_port]>;tag=[call_number]
To: <sip:9009@[remote_ip]:[remote_port]>
Call-ID: [call_id]
CSeq: 1 INVITE
Contact: <sip:5550100@[local_ip]:[local_port]>
Max-Forwards: 70
Content-Type: application/sdp
Content-Length: [len]

v=0
o=- 1 1 IN IP4 [local_ip]
s=-
c=IN IP4 [local_ip]
t=0 0
m=audio 9 RTP/AVP 0 101
a=rtpmap:101 telephone-event/8000
]]></send>
  <recv response="100" optional="true"/>
  <recv response="180" optional="true"/>
  <recv response="200" rtd="true" rrs="true"/>
  <send><![CDATA[
ACK [next_url] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: <sip:5550100@[local_ip]:[local_port]>;tag=[call_number]
To: <sip:9009@[remote_ip]:[remote_port]>[peer_tag_param]
Call-ID: [call_id]
CSeq: 1 ACK
Max-Forwards: 70
Content-Length: 0
]]></send>
  <pause milliseconds="1000"/>
  <send retrans="500"><![CDATA[
BYE [next_url] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: <sip:5550100@[local_ip]:[local_port]>;tag=[call_number]
To: <sip:9009@[remote_ip]:[remote_port]>[peer_tag_param]
Call-ID: [call_id]
CSeq: 2 BYE
Max-Forwards: 70
Content-Length: 0
]]></send>
  <recv response="200"/>
</scenario>
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetupRate:
    """One rate, once."""

    asked_per_s: int
    calls: int
    failed: int
    retransmissions: int
    cpu_ms_per_call: float
    """Of the server's main process, which does all the signalling."""
    core: float


def main() -> int:
    """Measure every rate and print the table; 0 when the lowest rate held."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rates", default="20,50,100,150", help="calls a second, comma separated")
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    if shutil.which("sipp") is None:
        print("bench: sipp is needed (Debian: apt-get install sip-tester)")
        return 3
    rates = [int(rate) for rate in options.rates.split(",")]
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        found = measure(Path(folder), rates, options.seconds)
    print(table(found))
    if options.json:
        options.json.write_text(json.dumps([asdict(rate) for rate in found], indent=2) + "\n")
    return 0 if found and found[0].failed == 0 else 1


def measure(folder: Path, rates: list[int], seconds: int) -> list[SetupRate]:
    """Run a server and load it at each rate."""
    environment = {
        **os.environ,
        "MEDIASERVER_CALLS__TRUSTED_PEERS": "127.0.0.1",
        "MEDIASERVER_CALLS__MAX_CALLS": "2000",
        "MEDIASERVER_LOG_LEVEL": "error",
    }
    command = [
        str(Path(sys.executable).parent / "mediaserver"), "run", "--json", "--data-dir", str(folder / "data"),
        "--sip-port", "0", "--tls-port", "0", "--http-port", "0", "--rtp-ports", "20000-27999",
        "--media-workers", "1", "--without", "dubber-platform", "--without", "uploader",
    ]  # fmt: skip
    server = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        info = json.loads(server.stdout.readline().removeprefix("ready "))
        return [one_rate(folder, info["sip"]["udp"], server.pid, rate, seconds) for rate in rates]
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(30)


def one_rate(folder: Path, address: str, pid: int, rate: int, seconds: int) -> SetupRate:
    """Load the server for so long at this rate."""
    scenario = folder / "setup.xml"
    scenario.write_text(SCENARIO)
    calls = rate * seconds
    before = cpu_s(pid)
    command = [
        "sipp", address, "-sf", str(scenario), "-i", "127.0.0.1", "-r", str(rate), "-m", str(calls), "-l", "5000",
        "-nostdin", "-trace_screen", "-screen_file", str(folder / f"screen-{rate}.log"), "-timeout", f"{seconds + 30}s",
    ]  # fmt: skip
    subprocess.run(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    used = cpu_s(pid) - before
    screen = (folder / f"screen-{rate}.log").read_text(errors="replace")
    good = _last_number(screen, r"Successful call\s*\|\s*\d+\s*\|\s*(\d+)")
    repeated = sum(int(n) for n in re.findall(r"(?:INVITE|BYE) -*>\s+(?:B-RTD\d )?\s*\d+\s+(\d+)", screen))
    return SetupRate(
        asked_per_s=rate,
        calls=calls,
        failed=calls - good,
        retransmissions=repeated,
        cpu_ms_per_call=used * 1000 / calls,
        core=used / (seconds + 1),
    )


def cpu_s(pid: int) -> float:
    """Time on a processor of the process itself."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def table(found: list[SetupRate]) -> str:
    """Markdown."""
    lines = [
        "| calls set up per second | calls | failed | requests repeated | CPU-ms per call (signalling) | of a core |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {r.asked_per_s} | {r.calls} | {r.failed} | {r.retransmissions} | {r.cpu_ms_per_call:.2f} | {r.core:.0%} |"
        for r in found
    ]
    return "\n".join(lines)


def _last_number(text: str, pattern: str) -> int:
    found = re.findall(pattern, text)
    return int(found[-1]) if found else 0


if __name__ == "__main__":
    sys.exit(main())
