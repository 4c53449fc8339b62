"""``mediaserver run`` and ``mediaserver info``."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import typer
import uvloop

from callmodel.errors import StartError
from mediaserver.app.config import PARTS, Settings
from mediaserver.app.console import (
    ConfigOption,
    DataDirOption,
    JsonOption,
    err,
    out,
    print_json,
    print_table,
    settings_for,
)
from mediaserver.app.info import read_info, write_private
from mediaserver.runtime.logs import set_up_logs


def run(
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on (default 127.0.0.1).")] = None,
    sip_port: Annotated[int | None, typer.Option(help="SIP over UDP and TCP (5060).")] = None,
    tls_port: Annotated[int | None, typer.Option(help="SIP over TLS (5061).")] = None,
    http_port: Annotated[int | None, typer.Option(help="Portals, APIs, health and metrics (8080).")] = None,
    dubber_port: Annotated[int | None, typer.Option(help="Built-in Dubber platform, HTTPS (8443).")] = None,
    rtp_ports: Annotated[str | None, typer.Option(help="LOW-HIGH (20000-20199).")] = None,
    advertise: Annotated[str | None, typer.Option(help="Address told to phones when it is not --host.")] = None,
    media_workers: Annotated[str | None, typer.Option(help="Processes for media: a number, or auto (cores).")] = None,
    forwarder: Annotated[str | None, typer.Option(help="auto, native or python.")] = None,
    demo_users: Annotated[bool | None, typer.Option("--demo-users", help="Add users 1000 to 1005.")] = None,
    allow_demo_users: Annotated[
        bool | None, typer.Option("--allow-demo-users", help="Even on an address that others can reach.")
    ] = None,
    without: Annotated[list[str] | None, typer.Option(help=f"Leave a part out: {', '.join(PARTS)}.")] = None,
    drain: Annotated[float | None, typer.Option(help="On stop, let calls go on for so many seconds.")] = None,
    ready_file: Annotated[Path | None, typer.Option(help="Write `info` here when everything listens.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Run all parts until Ctrl-C or SIGTERM; a second one ends calls at once."""
    settings = settings_for(
        config,
        data_dir,
        host=host,
        sip_port=sip_port,
        tls_port=tls_port,
        http_port=http_port,
        dubber_port=dubber_port,
        rtp_ports=rtp_ports,
        advertise=advertise,
        media_workers=media_workers,
        forwarder=forwarder,
        demo_users=demo_users,
        allow_demo_users=allow_demo_users,
        without=tuple(without) if without else None,
        drain_s=drain,
    )
    set_up_logs(settings.log_format, settings.log_level)
    os.umask(0o077)

    def ready(info: dict[str, Any]) -> None:
        if ready_file is not None:
            try:
                write_private(ready_file, info)
            except OSError as error:
                raise StartError(f"--ready-file: {ready_file} cannot be written: {error.strerror}") from error
        with suppress(OSError, SystemExit):  # whoever was to read it has gone (rich would exit): no reason to stop
            if as_json:
                typer.echo("ready " + json.dumps(info, ensure_ascii=False))
            else:
                print_info(info)

    uvloop.run(_run(settings, ready))


async def _run(settings: Settings, ready: Any) -> None:
    from mediaserver.app.product import Product, serve  # noqa: PLC0415 -- every part is behind it: a second of imports

    product = Product(settings)
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()

    def stop() -> None:
        if stopping.is_set():
            product.server.hub.hang_up_all("operator")
        stopping.set()

    info = await product.start()
    try:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop)
        ready(info)
    except BaseException:
        await product.stop()  # the workers would keep this process from ending
        raise
    await serve(product, stopping)


def info(config: ConfigOption = None, data_dir: DataDirOption = None, as_json: JsonOption = False) -> None:
    """Say where the running server is: addresses, users, credentials, certificate."""
    found = read_info(settings_for(config, data_dir).data_dir)
    if as_json:
        print_json(found)
    else:
        print_info(found)


def print_info(info: dict[str, Any]) -> None:
    """For people."""
    err.print("ready", style="bold green")
    for name, address in info["sip"].items():
        out.print(f"SIP {name.upper():4}        {address}")
    out.print(f"SIP domain      {info['domain']}")
    out.print(f"HTTP            {info['http']}")
    if info["dubber"]:
        out.print(f"Dubber API      {info['dubber']['base']}")
        out.print(f"Dubber Group ID {info['dubber']['group_id']}")
    if info["webex"]:
        out.print(f"Webex API       {info['webex']['base']}")
        out.print(f"API token       {info['webex']['token'] or 'revoked; make another: API access in the portal'}")
    out.print(f"CA certificate  {info['ca_file']}")
    out.print(f"Forwarder       {info['forwarder']}, {info['media_workers']} media workers")
    if info["logins"]:
        out.print("")
        rows = [(login["url"], login["username"], login["password"], login["role"]) for login in info["logins"]]
        print_table(("portal", "sign in as", "password", "role"), rows, empty="")
    if info["users"]:
        out.print("")
        users = [(user["number"], user["password"], user["mode"]) for user in info["users"]]
        print_table(("user", "SIP password", "recording mode"), users, empty="")
        out.print(
            "\nAnyone may dial 9001 (echo), 9002 (talks), 9003 (1004 Hz), 9004 (says digits back) ... 9009 (silence)."
        )
