"""Answers to what phones offer (RFC 3264 6)."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mediaserver.sdp import (
    G722,
    PCMA,
    PCMU,
    Answer,
    Attribute,
    Capabilities,
    Direction,
    LocalMedia,
    NegotiatedMedia,
    NoCommonCodec,
    NotAcceptable,
    SdpError,
    SessionDescription,
    answer,
    parse,
)

STEADY = settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""A busy machine is no failure."""

OURS = LocalMedia(host="198.51.100.1", port=30000, session_id=7)
ALL = Capabilities()
KEYS = frozenset(range(16))


def offered(*lines: str, host: str = "192.0.2.10", session: tuple[str, ...] = ()) -> SessionDescription:
    address = f"IN IP{6 if ':' in host else 4} {host}"
    top = ("v=0", f"o=phone 1 1 {address}", "s=-", f"c={address}", "t=0 0", *session)
    return parse("\r\n".join((*top, *lines, "")).encode())


def audio_lines(result: Answer) -> list[str]:
    """The answer's ``m=`` line in use and what belongs to it."""
    return list(result.description.media[result.media.media_index].printed())


def test_a_usual_offer_gets_this_answer() -> None:
    offer = offered(
        "m=audio 4000 RTP/AVP 8 0 101", "a=rtpmap:101 telephone-event/8000", "a=fmtp:101 0-15", "a=ptime:20"
    )
    result = answer(offer, ALL, OURS)
    assert str(result.description).split("\r\n") == [
        "v=0",
        "o=- 7 1 IN IP4 198.51.100.1",
        "s=-",
        "c=IN IP4 198.51.100.1",
        "t=0 0",
        "m=audio 30000 RTP/AVP 8 101",
        "a=rtpmap:8 PCMA/8000",
        "a=rtpmap:101 telephone-event/8000",
        "a=fmtp:101 0-15",
        "a=ptime:20",
        "a=sendrecv",
        "",
    ]
    assert result.media == NegotiatedMedia(
        codec="PCMA",
        payload_type=8,
        receive_payload_types=((8, "PCMA"),),
        telephone_event_send=101,
        telephone_event_receive=101,
        events=KEYS,
        remote=("192.0.2.10", 4000),
        remote_rtcp=("192.0.2.10", 4001),
        rtcp_mux=False,
        direction=Direction.SENDRECV,
        held=False,
        ptime_ms=20,
        media_index=0,
        record_preference=None,
    )
    assert (result.media.sends, result.media.receives) == (True, True)


# --- codecs --------------------------------------------------------------------------------------


def test_the_offerers_order_decides() -> None:
    assert answer(offered("m=audio 4000 RTP/AVP 9 0"), ALL, OURS).media.codec == "G722"


def test_a_preferred_codec_comes_first_when_it_was_offered() -> None:
    offer = offered("m=audio 4000 RTP/AVP 9 0")
    assert answer(offer, ALL, OURS, prefer=("PCMA", "pcmu")).media.codec == "PCMU"
    assert answer(offer, ALL, OURS, prefer=("PCMA",)).media.codec == "G722"


def test_only_codecs_we_have_are_taken() -> None:
    assert answer(offered("m=audio 4000 RTP/AVP 9 0 8"), Capabilities(codecs=(PCMA,)), OURS).media.codec == "PCMA"


def test_g722_is_answered_with_its_clock_of_8000() -> None:
    result = answer(offered("m=audio 4000 RTP/AVP 9"), ALL, OURS)
    assert "a=rtpmap:9 G722/8000" in audio_lines(result)


def test_a_dynamic_number_is_kept_as_offered() -> None:
    offer = offered("m=audio 4000 RTP/AVP 112 97", "a=rtpmap:112 pcmu/8000/1", "a=rtpmap:97 telephone-event/8000")
    media = answer(offer, ALL, OURS).media
    assert (media.codec, media.payload_type, media.receive_payload_types) == ("PCMU", 112, ((112, "PCMU"),))
    assert (media.telephone_event_send, media.telephone_event_receive) == (97, 97)


@pytest.mark.parametrize(
    "lines",
    [
        ("m=audio 4000 RTP/AVP 18 4",),
        ("m=audio 4000 RTP/AVP 96", "a=rtpmap:96 opus/48000/2"),
        ("m=audio 4000 RTP/AVP 101", "a=rtpmap:101 telephone-event/8000"),
        ("m=audio 4000 RTP/AVP 9", "a=rtpmap:9 G722/16000"),
        ("m=audio 4000 RTP/SAVP 0",),
        ("m=audio 4000 UDP/TLS/RTP/SAVPF 0",),
        ("m=audio 4000 TCP/RTP/AVP 0",),
        ("m=audio 4000 RTP/AVP 0", "c=IN IP4 224.2.0.1/127"),
        ("m=audio 4000 RTP/AVP 0", "c=IN IP6 ff15::101"),
    ],
)
def test_audio_that_we_cannot_speak_is_488(lines: tuple[str, ...]) -> None:
    with pytest.raises(NoCommonCodec) as caught:
        answer(offered(*lines), ALL, OURS)
    assert (caught.value.status_hint, caught.value.reason) == (488, "no-common-codec")


@pytest.mark.parametrize("lines", [(), ("m=video 4000 RTP/AVP 31",), ("m=audio 0 RTP/AVP 0",)])
def test_a_first_offer_without_live_audio_is_488(lines: tuple[str, ...]) -> None:
    with pytest.raises(NotAcceptable) as caught:
        answer(offered(*lines), ALL, OURS)
    assert (caught.value.status_hint, caught.value.reason) == (488, "sdp-not-acceptable")


def test_audio_without_any_address_is_400() -> None:
    offer = parse(b"v=0\no=- 1 1 IN IP4 192.0.2.1\nm=audio 4000 RTP/AVP 0\n")
    with pytest.raises(SdpError) as caught:
        answer(offer, ALL, OURS)
    assert (caught.value.field, caught.value.status_hint) == ("c", 400)


def test_feedback_is_granted_where_it_was_offered() -> None:
    assert audio_lines(answer(offered("m=audio 4000 RTP/AVPF 0"), ALL, OURS))[0] == "m=audio 30000 RTP/AVPF 0"


# --- telephone-event -----------------------------------------------------------------------------


def test_the_events_of_both_are_answered() -> None:
    offer = offered("m=audio 4000 RTP/AVP 0 101", "a=rtpmap:101 telephone-event/8000", "a=fmtp:101 0-16,66")
    result = answer(offer, ALL, OURS)
    assert "a=fmtp:101 0-16" in audio_lines(result)
    assert result.media.events == frozenset({*range(17), 66})


@pytest.mark.parametrize(
    ("capabilities", "attributes"),
    [
        (ALL, ()),
        (ALL, ("a=rtpmap:101 telephone-event/16000",)),
        (ALL, ("a=rtpmap:101 telephone-event/8000", "a=fmtp:101 32-49")),
        (Capabilities(telephone_event=None), ("a=rtpmap:101 telephone-event/8000",)),
    ],
)
def test_without_events_in_common_there_are_none(capabilities: Capabilities, attributes: tuple[str, ...]) -> None:
    result = answer(offered("m=audio 4000 RTP/AVP 0 101", *attributes), capabilities, OURS)
    assert (result.media.telephone_event_send, result.media.telephone_event_receive) == (None, None)
    assert audio_lines(result)[0] == "m=audio 30000 RTP/AVP 0"


# --- other lines ---------------------------------------------------------------------------------


def test_every_other_line_is_refused_in_its_place() -> None:
    offer = offered(
        "m=video 5000 RTP/AVP 31 32", "m=audio 4000 RTP/SAVP 0", "m=audio 4002 RTP/AVP 0", "m=audio 4004 RTP/AVP 0",
        "m=image 0 udptl t38", "m=application 9 UDP/BFCP",
    )  # fmt: skip
    result = answer(offer, ALL, OURS)
    assert [next(iter(line.printed())) for line in result.description.media] == [
        "m=video 0 RTP/AVP 31",
        "m=audio 0 RTP/SAVP 0",
        "m=audio 30000 RTP/AVP 0",
        "m=audio 0 RTP/AVP 0",
        "m=image 0 udptl t38",
        "m=application 0 UDP/BFCP 0",
    ]
    assert (result.media.media_index, result.media.remote) == (2, ("192.0.2.10", 4002))


def test_bandwidth_labels_and_unknown_attributes_are_not_echoed() -> None:
    offer = offered("m=audio 4000 RTP/AVP 0", "b=AS:64", "a=label:3", "a=candidate:x", "a=group:BUNDLE 0")
    assert audio_lines(answer(offer, ALL, OURS)) == audio_lines(answer(offered("m=audio 4000 RTP/AVP 0"), ALL, OURS))


def test_the_time_of_the_offer_is_repeated() -> None:
    offer = parse(b"v=0\no=- 1 1 IN IP4 192.0.2.1\nc=IN IP4 192.0.2.1\nt=3 4\nm=audio 4000 RTP/AVP 0\n")
    assert answer(offer, ALL, OURS).description.timing == ((3, 4),)


def test_attributes_of_ours_are_added_to_the_audio() -> None:
    result = answer(
        offered("m=audio 4000 RTP/AVP 0", "a=recordpref:on"), ALL, OURS, extra=(Attribute(name="record", value="on"),)
    )
    assert result.description.media[0].record == "on"
    assert result.media.record_preference == "on"


# --- addresses -----------------------------------------------------------------------------------


def test_an_ipv6_phone_is_answered_from_an_ipv6_address() -> None:
    result = answer(
        offered("m=audio 4000 RTP/AVP 0", host="2001:db8::10"), ALL, LocalMedia(host="2001:db8::1", port=30000)
    )
    assert str(result.description.connections[0]) == "IN IP6 2001:db8::1"
    assert str(result.description.origin) == "- 1 1 IN IP6 2001:db8::1"
    assert result.media.remote == ("2001:db8::10", 4000)


def test_the_lines_own_address_comes_before_the_sessions() -> None:
    offer = offered("m=audio 4000 RTP/AVP 0", "c=IN IP4 192.0.2.77", "m=video 4002 RTP/AVP 31", "c=IN IP6 2001:db8::1")
    assert answer(offer, ALL, OURS).media.remote == ("192.0.2.77", 4000)


@pytest.mark.parametrize(
    ("port", "attribute", "rtcp"),
    [
        (4000, "a=x", ("192.0.2.10", 4001)),
        (4000, "a=rtcp:5003", ("192.0.2.10", 5003)),
        (4000, "a=rtcp:5003 IN IP4 192.0.2.99", ("192.0.2.99", 5003)),
        (4000, "a=rtcp:5003 IN IP4 0.0.0.0", ("192.0.2.10", 5003)),
        (4000, "a=rtcp:5003 IN IP4 224.2.0.1", ("192.0.2.10", 5003)),
        (4000, "a=rtcp:5003 IN IP4 name.example", ("192.0.2.10", 5003)),
        (4000, "a=rtcp:0", ("192.0.2.10", 4001)),
        (4000, "a=rtcp:65536", ("192.0.2.10", 4001)),
        (4000, "a=rtcp:next", ("192.0.2.10", 4001)),
        (65535, "a=x", None),
    ],
)
def test_rtcp_goes_where_it_is_said_else_to_the_port_above(
    port: int, attribute: str, rtcp: tuple[str, int] | None
) -> None:
    assert answer(offered(f"m=audio {port} RTP/AVP 0", attribute), ALL, OURS).media.remote_rtcp == rtcp


def test_rtcp_mux_is_granted_when_it_is_offered() -> None:
    result = answer(offered("m=audio 4000 RTP/AVP 0", "a=rtcp-mux", "a=rtcp:4001"), ALL, OURS)
    assert "a=rtcp-mux" in audio_lines(result)
    assert (result.media.rtcp_mux, result.media.remote_rtcp) == (True, ("192.0.2.10", 4000))


def test_a_host_name_is_nowhere_to_send_yet() -> None:
    media = answer(offered("m=audio 4000 RTP/AVP 0", "c=IN IP4 phone.example.com"), ALL, OURS).media
    assert (media.remote, media.remote_rtcp, media.held) == (None, None, False)


def test_an_address_of_ours_that_is_none_is_told() -> None:
    with pytest.raises(SdpError, match="host"):
        answer(offered("m=audio 4000 RTP/AVP 0"), ALL, LocalMedia(host="localhost", port=30000))


# --- packet times --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("attributes", "ptime_ms"),
    [
        ((), 20),
        (("a=ptime:10",), 10),
        (("a=ptime:30",), 30),
        (("a=ptime:40",), 40),
        (("a=ptime:60",), 60),
        (("a=ptime:30.0",), 30),
        (("a=ptime:25",), 20),
        (("a=ptime:200",), 20),
        (("a=ptime:x",), 20),
        (("a=ptime",), 20),
        (("a=maxptime:10",), 10),
        (("a=ptime:60", "a=maxptime:45"), 40),
        (("a=maxptime:5",), 10),
        (("a=maxptime:150",), 20),
    ],
)
def test_packets_are_as_long_as_the_peer_asks_when_we_can(attributes: tuple[str, ...], ptime_ms: int) -> None:
    result = answer(offered("m=audio 4000 RTP/AVP 0", *attributes), ALL, OURS)
    assert result.media.ptime_ms == ptime_ms
    assert f"a=ptime:{ptime_ms}" in audio_lines(result)


# --- directions and hold -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "wanted", "answered", "held"),
    [
        ("sendrecv", Direction.SENDRECV, Direction.SENDRECV, False),
        ("sendonly", Direction.SENDRECV, Direction.RECVONLY, True),
        ("recvonly", Direction.SENDRECV, Direction.SENDONLY, False),
        ("inactive", Direction.SENDRECV, Direction.INACTIVE, True),
        ("sendrecv", Direction.SENDONLY, Direction.SENDONLY, False),
        ("sendrecv", Direction.RECVONLY, Direction.RECVONLY, False),
        ("sendrecv", Direction.INACTIVE, Direction.INACTIVE, False),
        ("sendonly", Direction.SENDONLY, Direction.INACTIVE, True),
        ("recvonly", Direction.SENDONLY, Direction.SENDONLY, False),
    ],
)
def test_the_answered_direction_is_what_both_want(
    said: str, wanted: Direction, answered: Direction, held: bool
) -> None:
    result = answer(offered("m=audio 4000 RTP/AVP 0", f"a={said}"), ALL, OURS, direction=wanted)
    assert audio_lines(result)[-1] == f"a={answered}"
    assert (result.media.direction, result.media.held) == (answered, held)


def test_a_direction_at_session_level_counts_unless_the_line_has_its_own() -> None:
    session = ("a=inactive",)
    assert answer(offered("m=audio 4000 RTP/AVP 0", session=session), ALL, OURS).media.direction == Direction.INACTIVE
    own = offered("m=audio 4000 RTP/AVP 0", "a=sendrecv", session=session)
    assert answer(own, ALL, OURS).media.direction == Direction.SENDRECV


@pytest.mark.parametrize("address", ["IN IP4 0.0.0.0", "IN IP6 ::", "IN IP4 phone.invalid"])
def test_an_address_that_is_nowhere_is_hold(address: str) -> None:
    media = answer(offered("m=audio 4000 RTP/AVP 0", f"c={address}"), ALL, OURS).media
    assert (media.held, media.direction, media.remote, media.remote_rtcp) == (True, Direction.RECVONLY, None, None)


# --- later offers --------------------------------------------------------------------------------


def test_the_version_stays_while_nothing_changes_and_goes_up_by_one_when_something_does() -> None:
    offer = offered("m=audio 4000 RTP/AVP 0")
    first = answer(offer, ALL, OURS).description
    again = answer(offer, ALL, LocalMedia(host=OURS.host, port=OURS.port, session_id=99), previous=first).description
    assert again == first
    held = answer(offered("m=audio 4000 RTP/AVP 0", "a=sendonly"), ALL, OURS, previous=first).description
    assert (held.origin.session_id, held.origin.version) == ("7", "2")
    resumed = answer(offer, ALL, OURS, previous=held).description
    assert (resumed.origin.version, resumed.media) == ("3", first.media)


def test_moving_to_another_address_keeps_the_session_id() -> None:
    offer = offered("m=audio 4000 RTP/AVP 0")
    first = answer(offer, ALL, OURS).description
    moved = answer(offer, ALL, LocalMedia(host="2001:db8::1", port=30000), previous=first).description
    assert str(moved.origin) == "- 7 2 IN IP6 2001:db8::1"


def test_the_line_in_use_is_kept_when_others_come_alive() -> None:
    first = answer(offered("m=audio 0 RTP/AVP 0", "m=audio 4002 RTP/AVP 0"), ALL, OURS)
    later = answer(offered("m=audio 4000 RTP/AVP 0", "m=audio 4002 RTP/AVP 0"), ALL, OURS, previous=first.description)
    assert (first.media.media_index, later.media.media_index) == (1, 1)


def test_a_stream_taken_out_later_rests_until_it_is_offered_again() -> None:
    first = answer(offered("m=audio 4000 RTP/AVP 8 101", "a=rtpmap:101 telephone-event/8000"), ALL, OURS)
    out = answer(offered("m=audio 0 RTP/AVP 8"), ALL, OURS, previous=first.description)
    assert [line.port for line in out.description.media] == [0]
    assert (out.media.codec, out.media.remote, out.media.direction, out.media.held) == (
        "PCMA",
        None,
        Direction.INACTIVE,
        True,
    )
    back = answer(offered("m=audio 4000 RTP/AVP 8"), ALL, OURS, previous=out.description)
    assert (back.media.remote, back.description.origin.version) == (("192.0.2.10", 4000), "3")


def test_a_later_offer_that_turns_audio_into_something_else_is_488() -> None:
    first = answer(offered("m=audio 4000 RTP/AVP 8"), ALL, OURS).description
    with pytest.raises(NotAcceptable):
        answer(offered("m=video 4000 RTP/AVP 31"), ALL, OURS, previous=first)


def test_a_later_offer_with_fewer_lines_is_answered_all_the_same() -> None:
    first = answer(offered("m=video 5000 RTP/AVP 31", "m=audio 4000 RTP/AVP 8"), ALL, OURS).description
    later = answer(offered("m=audio 4000 RTP/AVP 8"), ALL, OURS, previous=first)
    assert (len(later.description.media), later.media.media_index) == (1, 0)


# --- whatever is offered -------------------------------------------------------------------------

attribute_lines = st.sampled_from(
    [
        "a=sendonly", "a=recvonly", "a=inactive", "a=sendrecv", "a=rtpmap:96 PCMA/8000", "a=rtpmap:0 opus/48000/2",
        "a=rtpmap:101 telephone-event/8000", "a=fmtp:101 0-15,300", "a=fmtp:101 32", "a=ptime:30", "a=maxptime:1",
        "a=rtcp-mux", "a=rtcp:1 IN IP6 ::", "c=IN IP4 0.0.0.0", "c=IN IP6 ::1", "c=ATM x y", "c=IN IP4 239.1.1.1/3",
        "b=AS:1", "i=x",
    ]
)  # fmt: skip
media_lines = st.builds(
    "m={} {} {} {}".format,
    st.sampled_from(["audio", "audio", "Audio", "video", "image", "x"]),
    st.sampled_from([0, 1, 4000, 65535]),
    st.sampled_from(["RTP/AVP", "rtp/avp", "RTP/AVPF", "RTP/SAVP", "TCP", "udptl"]),
    st.lists(st.sampled_from(["0", "8", "9", "96", "101", "127", "128", "t38"]), max_size=5).map(" ".join),
)
offers = st.lists(st.tuples(media_lines, st.lists(attribute_lines, max_size=6)), max_size=5).map(
    lambda parts: offered(*(line for media, attributes in parts for line in (media, *attributes)))
)
sides = st.builds(
    Capabilities,
    codecs=st.permutations([PCMU, PCMA, G722]).flatmap(lambda all_: st.integers(1, 3).map(lambda n: tuple(all_[:n]))),
    telephone_event=st.none() | st.just(101),
)


@STEADY
@given(offer=offers, later=offers, capabilities=sides, wanted=st.sampled_from(Direction))
def test_an_answer_always_fits_its_offer(
    offer: SessionDescription, later: SessionDescription, capabilities: Capabilities, wanted: Direction
) -> None:
    previous = None
    for described in (offer, later):
        try:
            result = answer(described, capabilities, OURS, direction=wanted, previous=previous)
        except SdpError:
            continue
        lines = result.description.media
        assert parse(bytes(result.description)) == result.description
        assert [(line.kind, line.protocol) for line in lines] == [(m.kind, m.protocol) for m in described.media]
        assert sum(line.port != 0 for line in lines) <= 1
        assert all(not line.port or asked.port for line, asked in zip(lines, described.media, strict=True))
        live = lines[result.media.media_index]
        if live.port:
            assert set(live.formats) <= set(described.media[result.media.media_index].formats)
        assert result.media.direction.within(wanted) is result.media.direction
        previous = result.description
