"""Arbitrary and damaged octets: one family of errors, stable printing, framing that does not depend on the cuts."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st

from mediaserver.sip.checks import check_request, check_response
from mediaserver.sip.digest import parse_challenge, parse_digest
from mediaserver.sip.errors import SipSyntaxError
from mediaserver.sip.fields import CSeq, MediaType, NameAddr, SessionExpires, Via, split_commas
from mediaserver.sip.framing import KeepAlive, StreamFramer
from mediaserver.sip.message import Message, Request
from mediaserver.sip.uri import SipUri, parse_uri
from mediaserver.sip.wire import parse_message
from tests.support.torture import torture_cases

SEEDS = [
    b"INVITE sip:1002@media.example;user=phone SIP/2.0\r\n"
    b'Via: SIP/2.0/UDP [2001:db8::4]:5062;branch=z9hG4bKa*1;rport;x="a,b"\r\n'
    b"v: SIP/2.0/TCP b.example, SIP/2.0/TLS c\r\n"
    b'f: "Ann \\"A\\" B" <sip:1001@media.example;lr>;tag=1\r\nTo: sip:1002@media.example\r\n  ;tag=2\r\n'
    b"Call-ID : a-b@c\r\nCSeq: 0007\r\n INVITE\r\nMax-Forwards: 70\r\n"
    b"Contact: <sip:1001@[2001:db8::4]?X=%41>;q=0.5\r\n"
    b"Route: <sip:p.example;lr>\r\nSupported: timer, 100rel\r\nContent-Type: application/sdp\r\n"
    b"Content-Length: 4\r\n\r\nv=0\n",
    b"SIP/2.0 180 Ringing\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKq\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>;tag=2\r\n"
    b"Call-ID: x\r\nCSeq: 1 INVITE\r\nl: 0\r\n\r\n",
    *(case.data for case in torture_cases()),
]
SNIPPETS = [
    b"\r\n",
    b"\r",
    b"\n",
    b"\0",
    b'"',
    b"<",
    b">",
    b",",
    b";",
    b":",
    b"\r\n ",
    b"\xff",
    b"Via: ",
    b"l: 9\r\n",
    b"\r\n\r\n",
]


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A sound message after a few cuts, swaps and insertions."""
    data = bytearray(draw(st.sampled_from(SEEDS)))
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, len(data)))
        match draw(st.integers(0, 3)):
            case 0:
                data[at:at] = draw(st.sampled_from(SNIPPETS) | st.binary(max_size=4))
            case 1:
                del data[at : at + draw(st.integers(1, 40))]
            case 2:
                data[at : at + 1] = draw(st.binary(min_size=1, max_size=1))
            case _:
                other = draw(st.integers(0, len(data)))
                data[at:at] = data[other : other + 60]
    return bytes(data)


def read(data: bytes, *, datagram: bool) -> Message | None:
    """The message, checked; None for what is refused in the one way there is."""
    try:
        message = parse_message(data, datagram=datagram)
        if isinstance(message, Request):
            check_request(message)
        else:
            check_response(message)
    except SipSyntaxError:
        return None
    return message


def without_length(message: Message) -> list[tuple[str, str]]:
    return [item for item in message.headers if item[0] != "content-length"]


@given(data=st.binary(max_size=300) | damaged(), datagram=st.booleans())
@settings(max_examples=150, deadline=None)
def test_only_one_family_of_errors_comes_out(data: bytes, datagram: bool) -> None:
    """Whatever arrives is read or raises SipSyntaxError."""
    read(data, datagram=datagram)


@given(data=st.sampled_from(SEEDS) | damaged())
@settings(max_examples=120, deadline=None)
def test_printing_and_reading_again_changes_nothing(data: bytes) -> None:
    """Start line, header texts and body survive; only Content-Length is written anew."""
    try:
        first = parse_message(data)
    except SipSyntaxError:
        return
    second = parse_message(bytes(first))

    assert bytes(second) == bytes(first)
    assert (without_length(second), second.body) == (without_length(first), first.body)


@given(
    parts=st.lists(st.sampled_from([*SEEDS, b"\r\n\r\n", b"\r\n", b"\r\n\r\n\r\n"]) | damaged(), max_size=6),
    seed=st.integers(0, 2**32),
)
@settings(max_examples=60, deadline=None)
def test_cuts_do_not_change_what_a_stream_holds(parts: list[bytes], seed: int) -> None:
    """All at once, octet by octet and in chance pieces: the same messages, the same end."""
    stream = b"".join(parts)
    whole, single, pieces = StreamFramer(), StreamFramer(), StreamFramer()
    expected = whole.feed(stream)
    found: list[bytes | KeepAlive] = []
    for octet in stream:
        found += single.feed(bytes([octet]))
    cut: list[bytes | KeepAlive] = []
    dice = random.Random(seed)
    at = 0
    while at < len(stream):
        size = dice.randint(1, 700)
        cut += pieces.feed(stream[at : at + size])
        at += size

    assert found == expected == cut
    assert repr(whole.broken) == repr(single.broken) == repr(pieces.broken)
    assert whole.pending == single.pending == pieces.pending


FIELD_TEXT = st.text(alphabet=st.sampled_from('abZ019 \t"\\<>@:;,=?%*[]/.-\0é\udcff'), max_size=60) | st.text(
    max_size=40
)
READERS: list[Callable[[str], object]] = [
    parse_uri,
    Via.parse,
    NameAddr.parse,
    CSeq.parse,
    MediaType.parse,
    SessionExpires.parse,
    split_commas,
    parse_challenge,
    lambda text: parse_digest(f"Digest {text}", "authorization"),
    lambda text: NameAddr.parse(f'"x" <sip:{text}>'),
    lambda text: Via.parse(f"SIP/2.0/UDP {text}"),
]


@given(text=FIELD_TEXT, reader=st.sampled_from(READERS))
@settings(max_examples=300, deadline=None)
def test_field_readers_raise_one_family_of_errors(text: str, reader: Callable[[str], object]) -> None:
    """Whatever stands in a field is read or raises SipSyntaxError."""
    with contextlib.suppress(SipSyntaxError):
        reader(text)


@given(text=FIELD_TEXT.map(lambda text: f"sip:{text}"))
@settings(max_examples=200, deadline=None)
def test_a_uri_that_was_read_prints_as_it_was(text: str) -> None:
    """Only the case of the scheme may change, and it has one here."""
    with contextlib.suppress(SipSyntaxError):
        assert str(parse_uri(text)) == text


@given(display=st.text(max_size=20).filter(lambda text: "\r" not in text and "\n" not in text))
def test_any_display_name_survives_quoting(display: str) -> None:
    """Quotes and backslashes included."""
    address = NameAddr(display=display, uri=SipUri(host="h"))

    assert NameAddr.parse(str(address)) == address
