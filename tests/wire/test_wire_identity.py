"""Who a call is from on both sides of the server: From, P-Asserted-Identity, Privacy (RFC 3323, RFC 3325)."""

from __future__ import annotations

from pathlib import Path

import pytest

from callbench.virtual_time import run_virtual
from mediaserver.sip.message import Message
from tests.support.virtual import DOMAIN, Carrier, user
from tests.support.wire_phone import TRUNK, WirePhone, sdp

PLAN = {"trusted_peers": (TRUNK,)}
WITHHELD = ('"Anonymous" <sip:anonymous@anonymous.invalid>', "id", "<sip:anonymous@127.0.0.1:5060>")


def presented(tmp_path: Path, from_: str, *lines: str) -> tuple[tuple[str, str | None, str], tuple[str, str]]:
    """From without its tag, Privacy and Contact of the INVITE the phone gets; the number and name that are kept."""

    async def scenario() -> tuple[Message, tuple[str, str]]:
        async with Carrier(data_dir=tmp_path, subscribers=(user("1002"),), plan=PLAN) as carrier:
            trunk = await WirePhone(carrier).open()
            phone = await WirePhone(carrier, "1002", "127.0.9.2").register()
            trunk.say("INVITE", *lines, to="1002", from_=from_, body=sdp())
            invite = await phone.hears("INVITE")
            phone.reply(invite, 486)
            await trunk.hears("486 INVITE")
            trunk.say("ACK", to="1002", from_=from_, branch="z9hG4bKINVITE1", to_tag="x")
            await carrier.settled()
            (record,) = carrier.server.catalog.calls.list(limit=10)
            return invite, (record.caller.number, record.caller.label)

    invite, kept = run_virtual(scenario())
    from_header, contact = invite.headers.get("from") or "", invite.headers.get("contact") or ""
    return (from_header.partition(";tag=")[0], invite.headers.get("privacy"), contact), kept


def test_a_name_cannot_write_header_lines(tmp_path: Path) -> None:
    """One with a line end in it, by an import perhaps, is shown in one line."""

    async def scenario() -> Message:
        people = (user("1001", name="Ann\r\nX-Evil: 1\x00"), user("1002"))
        async with Carrier(data_dir=tmp_path, subscribers=people) as carrier:
            caller = await carrier.phone("1001")
            phone = await WirePhone(carrier, "1002", "127.0.9.2").register()
            await caller.dial("1002")
            invite = await phone.hears("INVITE")
            phone.reply(invite, 486)
            await carrier.settled()
            return invite

    invite = run_virtual(scenario())
    assert "x-evil" not in invite.headers
    assert (invite.headers.get("from") or "").startswith(f'"Ann  X-Evil: 1\\\x00" <sip:1001@{DOMAIN}>;tag=')


@pytest.mark.parametrize(
    ("from_", "lines", "shown", "kept"),
    [
        (
            '"Zoé \\"Z\\" Petit" <sip:+33123@trunk.example;user=phone>',
            (),
            (f'"Zoé \\"Z\\" Petit" <sip:+33123@{DOMAIN}>', None, "<sip:+33123@127.0.0.1:5060>"),
            ("+33123", 'Zoé "Z" Petit'),
        ),
        (
            "<tel:+33-1.23;phone-context=x>",
            (),
            (f"<sip:+33123@{DOMAIN}>", None, "<sip:+33123@127.0.0.1:5060>"),
            ("+33123", ""),
        ),
        (
            "Ann <sip:+33123@trunk.example>",
            ("Privacy: none", "P-Asserted-Identity: <sip:+33999@trunk.example>"),
            (f'"Ann" <sip:+33123@{DOMAIN}>', None, "<sip:+33123@127.0.0.1:5060>"),
            ("+33123", "Ann"),
        ),
        ("Ann <sip:+33123@trunk.example>", ("Privacy: critical; ID",), WITHHELD, ("+33123", "Ann")),
        (
            '"Anonymous" <sip:anonymous@anonymous.invalid>',
            ("Privacy: id", "P-Asserted-Identity: Zoe <sip:+33123@trunk.example>, <tel:+33123>"),
            WITHHELD,
            ("+33123", "Zoe"),
        ),
        ("<sip:Anonymous@anonymous.invalid>", (), WITHHELD, ("anonymous", "Anonymous")),
        ("<sip:anonymous@anonymous.invalid>", ("P-Asserted-Identity: <<",), WITHHELD, ("anonymous", "Anonymous")),
    ],
)
def test_a_caller_is_shown_as_it_wishes(
    from_: str, lines: tuple[str, ...], shown: tuple[str, str | None, str], kept: tuple[str, str], tmp_path: Path
) -> None:
    assert presented(tmp_path, from_, *lines) == (shown, kept)
