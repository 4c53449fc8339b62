"""``mediaserver demo``: start everything, place one call per mode, print verdicts, go on serving."""

from __future__ import annotations

import asyncio
import os
import signal
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer
import uvloop

from mediaserver.app.commands.running import print_info
from mediaserver.app.config import Settings
from mediaserver.app.console import (
    ConfigOption,
    DataDirOption,
    Exit,
    JsonOption,
    err,
    out,
    print_json,
    print_table,
    settings_for,
    verdict,
)
from mediaserver.runtime.logs import set_up_logs

if TYPE_CHECKING:
    from mediaserver.app.demonstration import Finding


def demo(
    exit_: Annotated[bool, typer.Option("--exit", help="Stop after the verdicts; status 1 when one failed.")] = False,
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
    sip_port: Annotated[int | None, typer.Option(help="SIP over UDP and TCP (5060).")] = None,
    tls_port: Annotated[int | None, typer.Option(help="SIP over TLS (5061).")] = None,
    http_port: Annotated[int | None, typer.Option(help="Portals, APIs, health and metrics (8080).")] = None,
    dubber_port: Annotated[int | None, typer.Option(help="Built-in Dubber platform (8443).")] = None,
    rtp_ports: Annotated[str | None, typer.Option(help="LOW-HIGH (20000-20199).")] = None,
    forwarder: Annotated[str | None, typer.Option(help="auto, native or python.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Start every part, place one call for each recording mode, dial the codes, deliver, and judge the result."""
    settings = settings_for(
        config,
        data_dir,
        sip_port=sip_port,
        tls_port=tls_port,
        http_port=http_port,
        dubber_port=dubber_port,
        rtp_ports=rtp_ports,
        forwarder=forwarder,
        demo_users=True,
        recording={"bench_capture": "recorded"},
        log_level="warning",
    )
    set_up_logs(settings.log_format, settings.log_level)
    os.umask(0o077)
    findings = uvloop.run(_demo(settings, stay=not exit_, as_json=as_json))
    if not all(finding.met for finding in findings):
        raise typer.Exit(Exit.VERDICT_FAILED)


async def _demo(settings: Settings, *, stay: bool, as_json: bool) -> list[Finding]:
    # every part is behind these: a second of imports that other commands need not wait for
    from mediaserver.app.demonstration import demonstrate  # noqa: PLC0415 -- see above
    from mediaserver.app.product import Product  # noqa: PLC0415 -- see above

    product = Product(settings)
    err.print("starting every part ...")
    info = await product.start()
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    try:
        err.print("placing six calls at once; the longest lasts 20 seconds ...")
        findings = await demonstrate(product)
        if as_json:
            print_json([asdict(finding) for finding in findings])
        else:
            _print_verdicts(findings)
            if stay:
                print_info(info)
                out.print("\nOpen the portals, or register a softphone and call 9002. Ctrl-C stops the server.")
        if stay:
            await stopping.wait()
    finally:
        await product.stop()
    return findings


def _print_verdicts(findings: list[Finding]) -> None:
    scene = ""
    rows = []
    for finding in findings:
        rows.append(
            (
                "" if finding.scene == scene else finding.scene,
                finding.what,
                verdict(finding.met),
                finding.found,
            )
        )
        scene = finding.scene
    print_table(("call", "verdict", "", "measured"), rows, empty="nothing was judged")
    failed = sum(not finding.met for finding in findings)
    out.print(f"\n{len(findings) - failed} verdicts are green, {failed} are not")
