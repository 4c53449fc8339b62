"""``mediaserver call``: one synthetic call against any SIP server."""

from __future__ import annotations

import json
import re
import socket
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Final

import soundfile
import typer
import uvloop

from callbench.expectations import HELP, Verdict, judge, parse_expectation
from callbench.network import UdpNetwork
from callbench.one_call import CallOutcome, CallPlan, KeyPlan, place_call
from callbench.phone import PhoneError, PhoneSetup, parse_microphone
from mediaserver.app.console import (
    CommandError,
    ConfigOption,
    DataDirOption,
    Exit,
    JsonOption,
    out,
    print_json,
    print_table,
    settings_for,
    verdict,
)
from mediaserver.app.info import read_info
from mediaserver.media.messages import Codec
from mediaserver.runtime.chance import SecureIds

_NUMBER: Final = re.compile(r"[A-Za-z0-9*#+_.-]{1,64}")


def call(
    from_: Annotated[str, typer.Option("--from", help="The user who calls.")],
    to: Annotated[str, typer.Option(help="The number to call.")],
    play: Annotated[str, typer.Option(help="speech, speech:fr, tone:440, silence, nothing, or a WAV file.")] = "speech",
    dtmf: Annotated[list[str] | None, typer.Option(help="SECONDS:KEYS after the answer, such as 3.0:*44.")] = None,
    via: Annotated[str, typer.Option(help="How keys are sent: rfc4733, info or inband.")] = "rfc4733",
    duration: Annotated[float, typer.Option(min=0.1, max=86400, help="Seconds from answer to hang-up.")] = 10.0,
    expect: Annotated[list[str] | None, typer.Option(help=HELP)] = None,
    save: Annotated[
        Path | None, typer.Option(help="Directory for heard.wav, said.wav, result.json and heard.json.")
    ] = None,
    codec: Annotated[list[Codec] | None, typer.Option(help="Offered in this order (default PCMU).")] = None,
    server: Annotated[str | None, typer.Option(help="HOST:PORT (default: the running server).")] = None,
    domain: Annotated[str | None, typer.Option(help="SIP domain (default: the running server's).")] = None,
    password: Annotated[str | None, typer.Option(help="SIP password (default: the demo user's).")] = None,
    local: Annotated[str | None, typer.Option(help="Our own IP address (default: the way to the server).")] = None,
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """Place one call, press keys, listen, and check what was heard; status 1 when an expectation is not met."""
    try:
        expectations = [parse_expectation(text) for text in expect or ["answered"]]
        microphone = parse_microphone(play)
        keys = tuple(_key_plan(text) for text in dtmf or ())
        _check_number("--from", from_)
        _check_number("--to", to)
    except ValueError as error:
        raise CommandError(str(error), Exit.WRONG_USE) from error
    if via not in ("rfc4733", "info", "inband"):
        raise CommandError(f"--via {via}: use rfc4733, info or inband", Exit.WRONG_USE)
    address, domain, password = _account(from_, server, domain, password, config, data_dir)
    address, local = _way(address, local)
    setup = PhoneSetup(
        number=from_,
        password=password,
        domain=domain,
        server=address,
        host=local,
        codecs=tuple(codec or (Codec.PCMU,)),
        telephone_event=None if via == "inband" else 101,
        microphone=microphone,
    )
    plan = CallPlan(setup=setup, to=to, keys=keys, via=via, duration_s=duration)
    try:
        outcome = uvloop.run(place_call(plan, UdpNetwork(), SecureIds()))
    except (PhoneError, OSError) as error:
        raise CommandError(str(error)) from error
    verdicts = judge(outcome, expectations)
    result = _result(outcome, verdicts)
    if save is not None:
        _save(save, outcome, result)
    if as_json:
        print_json(result)
    else:
        _print(outcome, verdicts)
    if not all(verdict.met for verdict in verdicts):
        raise typer.Exit(Exit.VERDICT_FAILED)


def _account(
    user: str, server: str | None, domain: str | None, password: str | None, config: Path | None, data_dir: Path | None
) -> tuple[tuple[str, int], str, str]:
    """Server, domain and password; what is not given comes from the server that runs in the data directory."""
    info: dict[str, Any] = {}
    if server is None or (domain is None or password is None):
        try:
            info = read_info(settings_for(config, data_dir).data_dir)
        except CommandError:
            if server is None:
                raise
    known = {entry["number"]: entry["password"] for entry in info.get("users", ())}
    if password is None and user not in known:
        raise CommandError(f"--password is needed: {user} is no demo user of a running server", Exit.WRONG_USE)
    where = server or info["sip"]["udp"]
    host, colon, port = where.rpartition(":")
    if not colon or not port.isdigit():
        raise CommandError(f"--server {where}: use HOST:PORT, such as 127.0.0.1:5060", Exit.WRONG_USE)
    address = (host.strip("[]"), int(port))
    return address, domain or info.get("domain", address[0]), password if password is not None else known[user]


def _way(server: tuple[str, int], local: str | None) -> tuple[tuple[str, int], str]:
    """The server's address as a number, and ours: the one given, or the one that the system would send from."""
    try:
        found = socket.getaddrinfo(*server, type=socket.SOCK_DGRAM)
        family, _, _, _, address = next(
            one for one in found if local is None or (":" in local) is (one[0] == socket.AF_INET6)
        )
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            if local is not None:
                probe.bind((local, 0))
            probe.connect(address)  # sends nothing
            return (str(address[0]), server[1]), str(probe.getsockname()[0])
    except (OSError, StopIteration) as error:
        why = f": {error.strerror}" if isinstance(error, OSError) and error.strerror else ""
        ours = f" from {local}" if local else ""
        raise CommandError(f"{server[0]} cannot be reached{ours}{why}; see --server and --local") from error


def _check_number(option: str, text: str) -> None:
    if not _NUMBER.fullmatch(text):
        raise ValueError(f"{option} {text}: give a number or a name, such as 1004 or *44")


def _key_plan(text: str) -> KeyPlan:
    at, colon, digits = text.partition(":")
    try:
        seconds = float(at)
    except ValueError:
        seconds = -1.0
    if not colon or seconds < 0 or not digits or set(digits) - set("0123456789*#ABCD"):
        raise ValueError(f"--dtmf {text}: use SECONDS:KEYS, such as 3.0:*44")
    return KeyPlan(at_s=seconds, digits=digits)


def _result(outcome: CallOutcome, verdicts: list[Verdict]) -> dict[str, Any]:
    return {
        "status": outcome.status,
        "answered": outcome.answered,
        "provisional": list(outcome.provisional),
        "duration_s": round(outcome.duration_s, 3),
        "ended_by": outcome.ended_by,
        "digits": outcome.digits,
        "packets_sent": outcome.packets_sent,
        "packets_received": outcome.packets_received,
        "verdicts": [asdict(verdict) for verdict in verdicts],
    }


def _save(directory: Path, outcome: CallOutcome, result: dict[str, Any]) -> None:
    try:
        directory.mkdir(parents=True, exist_ok=True)
        soundfile.write(directory / "heard.wav", outcome.heard, outcome.sample_rate_hz, subtype="PCM_16")
        soundfile.write(directory / "said.wav", outcome.said, outcome.sample_rate_hz, subtype="PCM_16")
        (directory / "result.json").write_text(json.dumps(result, indent=2) + "\n", "utf-8")
        (directory / "heard.json").write_text(outcome.listen().to_json(), "utf-8")
    except OSError as error:
        raise CommandError(f"--save {directory}: {error.strerror}") from error


def _print(outcome: CallOutcome, verdicts: list[Verdict]) -> None:
    said = f"answered, {outcome.duration_s:.2f} s" if outcome.answered else f"not answered: {outcome.status}"
    out.print(f"{said}; sent {outcome.packets_sent} packets, heard {outcome.packets_received}")
    print_table(
        ("expected", "", "found"),
        ((v.expected, verdict(v.met), v.found) for v in verdicts),
        empty="",
    )
