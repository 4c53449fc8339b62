"""``python -m dubber_platform --data-dir DIR --cert FILE --key FILE``: the platform alone."""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
from pathlib import Path

import structlog

from dubber_platform.config import UNLIMITED, PlanLimits, PlatformConfig
from dubber_platform.server import PlatformStartError, run_platform


def main() -> int:
    """Run until SIGINT or SIGTERM; the first line printed is the access as JSON."""
    parser = argparse.ArgumentParser(prog="dubber_platform", description=__doc__)
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--cert", type=Path, required=True, help="certificate chain, PEM")
    parser.add_argument("--key", type=Path, required=True, help="private key, PEM")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8443)
    parser.add_argument("--plain-port", type=int, help="also answer plain HTTP, with error 1025")
    parser.add_argument("--region", default="sandbox")
    parser.add_argument("--no-limits", action="store_true", help="switch the plan's rate limits off")
    given = parser.parse_args()
    config = PlatformConfig(
        data_dir=given.data_dir,
        cert_file=given.cert,
        key_file=given.key,
        host=given.host,
        port=given.port,
        plain_port=given.plain_port,
        region=given.region,
        limits=UNLIMITED if given.no_limits else PlanLimits(),
    )
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(file=sys.stderr))
    try:
        asyncio.run(_serve(config))
    except PlatformStartError as error:
        sys.stderr.write(f"dubber_platform: {error}\n")
        return 3
    return 0


async def _serve(config: PlatformConfig) -> None:
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    running = await run_platform(config)
    sys.stdout.write(json.dumps(running.credentials) + "\n")
    sys.stdout.flush()
    await stopping.wait()
    await running.stop()


if __name__ == "__main__":
    sys.exit(main())
