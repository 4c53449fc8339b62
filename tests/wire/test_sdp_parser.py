"""Session descriptions as they come over the wire: read leniently, within limits, and written back."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mediaserver.sdp import Attribute, Connection, MediaDescription, Origin, SdpError, SessionDescription, parse

STEADY = settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""A busy machine is no failure."""

PHONE = b"""v=0\r
o=alice 2890844526 2890844527 IN IP4 192.0.2.10\r
s=call\r
i=about\r
c=IN IP4 192.0.2.10\r
b=AS:80\r
t=0 0\r
a=tool:phone\r
m=audio 49170/2 RTP/AVP 8 96\r
i=voice\r
b=AS:64\r
a=rtpmap:96 telephone-event/8000\r
a=sendonly\r
m=video 0 RTP/AVP 31\r
c=IN IP6 2001:db8::1\r
"""


def described(*lines: str) -> SessionDescription:
    """A description of the lines that follow ``o=``."""
    return parse("\r\n".join(("v=0", "o=- 1 1 IN IP4 192.0.2.1", *lines, "")).encode())


def test_a_phones_description_is_read_field_by_field() -> None:
    assert parse(PHONE) == SessionDescription(
        origin=Origin(username="alice", session_id="2890844526", version="2890844527", address="192.0.2.10"),
        name="call",
        connections=(Connection(address="192.0.2.10"),),
        timing=((0, 0),),
        attributes=(Attribute(name="tool", value="phone"),),
        lines=(("i", "about"), ("b", "AS:80")),
        media=(
            MediaDescription(
                kind="audio",
                port=49170,
                port_count=2,
                protocol="RTP/AVP",
                formats=("8", "96"),
                attributes=(
                    Attribute(name="rtpmap", value="96 telephone-event/8000"),
                    Attribute(name="sendonly"),
                ),
                lines=(("i", "voice"), ("b", "AS:64")),
            ),
            MediaDescription(
                kind="video",
                port=0,
                protocol="RTP/AVP",
                formats=("31",),
                connections=(Connection(address_type="IP6", address="2001:db8::1"),),
            ),
        ),
    )


def test_a_well_ordered_description_is_written_as_it_came() -> None:
    assert bytes(parse(PHONE)) == PHONE


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\n\r\n", b" \r\n"])
def test_other_line_ends_empty_lines_and_trailing_blanks_change_nothing(end: bytes) -> None:
    assert parse(PHONE.replace(b"\r\n", end)) == parse(PHONE)


def test_lines_in_the_wrong_order_are_put_right() -> None:
    read = described("a=x", "t=1 2", "b=AS:1", "z=0 0", "k=clear:x", "r=7d 1h 0", "e=me", "c=IN IP4 192.0.2.1", "s=")
    assert str(read).split("\r\n")[2:-1] == [
        "s=-", "e=me", "c=IN IP4 192.0.2.1", "b=AS:1", "t=1 2", "z=0 0", "r=7d 1h 0", "k=clear:x", "a=x",
    ]  # fmt: skip


def test_a_description_without_name_and_time_gets_the_usual_ones() -> None:
    read = described()
    assert (read.name, read.timing) == ("-", ((0, 0),))


@pytest.mark.parametrize("value", ["", "0", "now then", "1 2 3", "1 " + "9" * 21])
def test_a_time_that_is_none_is_passed_over(value: str) -> None:
    assert described(f"t={value}").timing == ((0, 0),)


def test_session_lines_below_an_m_line_still_count() -> None:
    read = parse(b"v=0\ns=-\nm=audio 4 RTP/AVP 0\nt=3 4\no=- 1 2 IN IP4 192.0.2.1\n")
    assert (read.timing, read.origin.version) == (((3, 4),), "2")


def test_a_user_name_with_blanks_does_not_shift_the_origin() -> None:
    read = parse(b"v=0\no=Alice at home 1 2 IN IP4 192.0.2.1\n")
    assert read.origin == Origin(username="Alice_at_home", session_id="1", version="2", address="192.0.2.1")


def test_octets_that_are_no_utf8_survive() -> None:
    body = b"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=caf\xe9\r\nt=0 0\r\n"
    assert bytes(parse(body)) == body


def test_a_refused_line_may_have_no_formats() -> None:
    assert described("m=image 0 udptl").media[0].formats == ()


@pytest.mark.parametrize(
    ("lines", "field"),
    [
        (("m=audio",), "m"),
        (("m=audio x RTP/AVP 0",), "m"),
        (("m=audio 65536 RTP/AVP 0",), "m"),
        (("m=audio -1 RTP/AVP 0",), "m"),
        (("m=audio 4/0 RTP/AVP 0",), "m"),
        (("m=audio 4/ RTP/AVP 0",), "m"),
        (("m=audio 4 RTP/AVP" + " 0" * 129,), "m"),
        (("m=audio 4 RTP/AVP 0",) * 33, "m"),
        (("m=äudio 4 RTP/AVP 0",), "m"),
        (("c=IN IP4",), "c"),
        (("c=IN IP4 /127",), "c"),
        (("a=",), "a"),
        (("a=:value",), "a"),
        (("v=0",), "v"),
        (("audio",), "line"),
        (("aa=b",), "line"),
        (("5=b",), "line"),
        (("i=" + "x" * 5000,), "i"),
        (("i=",) * 1000, "body"),
    ],
)
def test_what_cannot_mean_anything_is_told_by_its_line(lines: tuple[str, ...], field: str) -> None:
    with pytest.raises(SdpError) as caught:
        described(*lines)
    assert (caught.value.field, caught.value.status_hint, caught.value.reason) == (field, 400, "sdp-malformed")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"", "v"),
        (b"v=1\r\no=- 1 1 IN IP4 192.0.2.1\r\n", "v"),
        (b"o=- 1 1 IN IP4 192.0.2.1\r\n", "v"),
        (b"v=0\r\ns=-\r\n", "o"),
        (b"v=0\r\no=- 1 1 IN IP4\r\n", "o"),
        (b"v=0\r\n\0\r\n", "body"),
        (b"v=0\r\n" * 14000, "body"),
    ],
)
def test_what_is_no_description_is_refused(body: bytes, field: str) -> None:
    with pytest.raises(SdpError) as caught:
        parse(body)
    assert caught.value.field == field


def test_attributes_are_found_in_any_case_and_a_flag_is_empty() -> None:
    read = described("a=Tool:x", "m=audio 4 RTP/AVP 0", "a=rtcp-mux", "a=RtpMap:0 PCMU/8000", "a=rtpmap:8 PCMA/8000")
    assert (read.value("tool"), read.value("none"), read.values("tool")) == ("x", None, ("x",))
    assert read.media[0].value("rtcp-mux") == ""
    assert read.media[0].values("rtpmap") == ("0 PCMU/8000", "8 PCMA/8000")


def test_recording_attributes_are_told() -> None:
    media = described("m=audio 4 RTP/AVP 0", "a=record:Paused", "a=recordpref:on").media[0]
    assert (media.record, media.record_preference) == ("paused", "on")
    silent = described("m=audio 4 RTP/AVP 0").media[0]
    assert (silent.record, silent.record_preference) == (None, None)


@pytest.mark.parametrize(
    ("value", "ip", "multicast", "nowhere"),
    [
        ("IN IP4 192.0.2.1", "192.0.2.1", False, False),
        ("IN IP4 224.2.36.42/127/3", "224.2.36.42", True, False),
        ("IN IP4 192.0.2.1/127", "192.0.2.1", True, False),
        ("IN IP6 ff15::101", "ff15::101", True, False),
        ("IN IP4 0.0.0.0", "0.0.0.0", False, True),
        ("IN IP6 ::", "::", False, True),
        ("IN IP6 [2001:db8::1]", "2001:db8::1", False, False),
        ("IN IP4 2001:db8::1", "2001:db8::1", False, False),
        ("IN IP6 ::ffff:192.0.2.1", "192.0.2.1", False, False),
        ("IN IP6 fe80::1%eth0", "fe80::1", False, False),
        ("IN IP4 phone.example.com", "None", False, False),
        ("IN IP6 hold.invalid", "None", False, True),
        ("ATM NSAP 47.0091", "None", False, False),
    ],
)
def test_a_connection_tells_what_it_leads_to(value: str, ip: str, multicast: bool, nowhere: bool) -> None:
    connection = described(f"c={value}").connections[0]
    assert (str(connection.ip), connection.multicast, connection.nowhere) == (ip, multicast, nowhere)


def test_the_first_of_several_connections_counts_and_the_lines_own_before_the_sessions() -> None:
    read = described(
        "c=IN IP4 192.0.2.1", "c=IN IP4 192.0.2.2",
        "m=audio 4 RTP/AVP 0", "m=audio 6 RTP/AVP 0", "c=IN IP6 2001:db8::1", "c=IN IP6 2001:db8::2",
    )  # fmt: skip
    found = [read.connection_of(media) for media in read.media]
    assert found == [Connection(address="192.0.2.1"), Connection(address_type="IP6", address="2001:db8::1")]
    assert described("m=audio 4 RTP/AVP 0").connection_of(described("m=audio 4 RTP/AVP 0").media[0]) is None


@STEADY
@given(data=st.binary(max_size=300))
def test_any_bytes_give_a_description_or_the_one_error(data: bytes) -> None:
    for body in (data, b"v=0\no=- 1 1 IN IP4 192.0.2.1\n" + data):
        try:
            parse(body)
        except SdpError:
            continue


line_text = st.text(st.characters(exclude_characters="\0"), max_size=30)
odd_lines = st.lists(
    st.builds("{}={}".format, st.sampled_from("abcdeikmoprstuzxZ"), line_text)
    | st.builds("m={} {} {} {}".format, line_text, st.integers(-1, 65536), line_text, line_text)
    | st.builds("a={}:{}".format, line_text, line_text)
    | st.builds("c=IN IP4 {}".format, line_text),
    max_size=12,
)


@STEADY
@given(lines=odd_lines)
def test_what_was_read_is_read_the_same_after_it_was_written(lines: list[str]) -> None:
    try:
        read = described(*lines)
    except (SdpError, UnicodeEncodeError):
        return
    written = bytes(read)
    assert parse(written) == read
    assert bytes(parse(written)) == written


@STEADY
@given(at=st.integers(0, len(PHONE) - 1), octet=st.integers(0, 255))
def test_a_description_with_one_octet_spoilt_is_read_or_refused_and_stays_stable(at: int, octet: int) -> None:
    body = bytearray(PHONE)
    body[at] = octet
    try:
        read = parse(bytes(body))
    except SdpError:
        return
    assert parse(bytes(read)) == read
