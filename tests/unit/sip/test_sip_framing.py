"""Messages cut out of a stream."""

from __future__ import annotations

import pytest

from mediaserver.sip.errors import SipSyntaxError
from mediaserver.sip.framing import PONG, KeepAlive, StreamFramer
from mediaserver.sip.wire import MAX_BODY_BYTES, MAX_HEAD_BYTES, BadRequest, parse_message

HEAD = (
    b"MESSAGE sip:h SIP/2.0\r\nVia: SIP/2.0/TCP h;branch=z9hG4bK1\r\nFrom: <sip:a@h>;tag=1\r\nTo: <sip:b@h>\r\n"
    b"Call-ID: x\r\nCSeq: 1 MESSAGE\r\n"
)


def framed(body: bytes, name: bytes = b"Content-Length") -> bytes:
    return HEAD + name + b": " + str(len(body)).encode() + b"\r\n\r\n" + body


def test_two_messages_and_the_start_of_a_third() -> None:
    """Each comes whole; what is left waits."""
    framer = StreamFramer()
    one, two = framed(b"hello"), framed(b"")

    assert framer.feed(one + two + one[:50]) == [one, two]
    assert framer.pending == 50
    assert framer.feed(one[50:]) == [one]
    assert framer.pending == 0


def test_a_body_in_pieces() -> None:
    """The head is read once; the body is waited for."""
    framer = StreamFramer()
    message = framed(b"hello")

    assert [framer.feed(message[:-3]), framer.feed(message[-3:-1]), framer.feed(message[-1:])] == [[], [], [message]]


def test_a_body_that_looks_like_a_message() -> None:
    """Only Content-Length says where a message ends."""
    message = framed(b"\r\n\r\n" + framed(b""))

    assert StreamFramer().feed(message) == [message]


@pytest.mark.parametrize("name", [b"l", b"CONTENT-LENGTH", b"Content-Length \t", b"Content-Length:\r\n \t"])
def test_spellings_of_content_length(name: bytes) -> None:
    """Compact, in capitals, with blanks, folded."""
    message = framed(b"hi", name).replace(b"\t: ", b"\t") if name.endswith(b"\r\n \t") else framed(b"hi", name)

    assert StreamFramer().feed(message) == [message]


def test_pings_and_stray_line_ends() -> None:
    """Two line ends are a ping, one is nothing; neither reaches a parser."""
    framer = StreamFramer()
    message = framed(b"")

    assert framer.feed(b"\r\n\r\n" + message + b"\r\n" + message + b"\r\n\r\n\r\n\r\n") == [
        KeepAlive.PING,
        message,
        message,
        KeepAlive.PING,
        KeepAlive.PING,
    ]
    assert PONG == b"\r\n"


@pytest.mark.parametrize("lengths", [b"", b"l: -1\r\n", b"l: x\r\n", b"l: 1\r\nContent-Length: 1\r\n"])
def test_a_length_nobody_can_frame_by(lengths: bytes) -> None:
    """The head comes alone, to be refused with 400; then the stream is of no use."""
    framer = StreamFramer()
    head = HEAD + lengths + b"\r\n"

    assert framer.feed(head + framed(b"")) == [head]
    assert isinstance(framer.broken, SipSyntaxError)
    assert framer.feed(framed(b"")) == []
    assert framer.pending == 0
    with pytest.raises(BadRequest) as caught:
        parse_message(head, datagram=False)
    assert caught.value.status_hint == 400


def test_a_body_beyond_the_limit() -> None:
    """Refused by its announcement, with 413, before any of it is kept."""
    framer = StreamFramer()
    head = HEAD + b"l: %d\r\n\r\n" % (MAX_BODY_BYTES + 1)

    assert framer.feed(head + b"x") == [head]
    with pytest.raises(BadRequest) as caught:
        parse_message(head, datagram=False)
    assert caught.value.status_hint == 413


def test_a_head_beyond_the_limit() -> None:
    """Nothing comes out, and nothing is kept."""
    framer = StreamFramer()

    for _ in range(MAX_HEAD_BYTES // 1000):
        assert framer.feed(b"x" * 1000) == []
        assert framer.broken is None
    assert framer.feed(b"x" * 1000) == []
    assert framer.broken is not None
    assert framer.broken.status_hint == 513
    assert framer.pending == 0


def test_the_longest_head_passes() -> None:
    """Exactly at the limit is inside it; one octet more is not."""
    start = HEAD + b"l: 0\r\nX: "
    fits = start + b"x" * (MAX_HEAD_BYTES - len(start)) + b"\r\n\r\n"

    assert StreamFramer().feed(fits) == [fits]
    framer = StreamFramer()
    assert framer.feed(fits.replace(b"X: x", b"X: xx")) == []
    assert framer.broken is not None
