"""Offers of ours, first and later ones, and what an answer to them settles."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mediaserver.sdp import (
    G722,
    PCMA,
    PCMU,
    Attribute,
    Capabilities,
    CodecSpec,
    Direction,
    LocalMedia,
    NegotiatedMedia,
    NoCommonCodec,
    NotAcceptable,
    SdpError,
    SessionDescription,
    accept_answer,
    answer,
    make_offer,
    parse,
)

STEADY = settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""A busy machine is no failure."""

OURS = LocalMedia(host="198.51.100.1", port=30000, session_id=7, version=3, username="srv")
PEER = LocalMedia(host="192.0.2.10", port=4000)
ALL = Capabilities()


def answered(*lines: str) -> SessionDescription:
    top = ("v=0", "o=phone 1 1 IN IP4 192.0.2.10", "s=-", "c=IN IP4 192.0.2.10", "t=0 0")
    return parse("\r\n".join((*top, *lines, "")).encode())


def audio(description: SessionDescription, at: int = 0) -> list[str]:
    return list(description.media[at].printed())


def test_a_first_offer_names_every_codec() -> None:
    assert str(make_offer(OURS, ALL)).split("\r\n") == [
        "v=0",
        "o=srv 7 3 IN IP4 198.51.100.1",
        "s=-",
        "c=IN IP4 198.51.100.1",
        "t=0 0",
        "m=audio 30000 RTP/AVP 0 8 9 101",
        "a=rtpmap:0 PCMU/8000",
        "a=rtpmap:8 PCMA/8000",
        "a=rtpmap:9 G722/8000",
        "a=rtpmap:101 telephone-event/8000",
        "a=fmtp:101 0-16",
        "a=ptime:20",
        "a=sendrecv",
        "",
    ]


def test_an_offer_says_what_it_is_told_to() -> None:
    offer = make_offer(
        OURS,
        Capabilities(codecs=(PCMA,), telephone_event=None, ptime_ms=30, rtcp_mux=True),
        Direction.SENDONLY,
        extra=(Attribute(name="label", value="1"),),
    )
    assert audio(offer) == [
        "m=audio 30000 RTP/AVP 8", "a=rtpmap:8 PCMA/8000", "a=ptime:30", "a=rtcp-mux", "a=label:1", "a=sendonly",
    ]  # fmt: skip


def test_two_encodings_that_want_one_number_get_two() -> None:
    l16 = CodecSpec(name="L16", payload_type=101)
    assert audio(make_offer(OURS, Capabilities(codecs=(l16,))))[0] == "m=audio 30000 RTP/AVP 101 96"


# --- later offers --------------------------------------------------------------------------------


def test_a_later_offer_that_changes_nothing_keeps_its_version() -> None:
    first = make_offer(OURS, ALL)
    assert make_offer(OURS, ALL, previous=first) == first


def test_hold_and_resume_count_the_version_up() -> None:
    first = make_offer(OURS, ALL)
    hold = make_offer(OURS, ALL, Direction.SENDONLY, previous=first)
    resume = make_offer(OURS, ALL, previous=hold)
    assert [audio(each)[-1] for each in (hold, resume)] == ["a=sendonly", "a=sendrecv"]
    assert [each.origin.version for each in (first, hold, resume)] == ["3", "4", "5"]


def test_a_later_offer_keeps_lines_and_numbers_of_the_peers_offer_before() -> None:
    theirs = answered(
        "m=video 5000 RTP/AVP 31",
        "m=audio 4000 RTP/AVP 100 96",
        "a=rtpmap:100 PCMA/8000",
        "a=rtpmap:96 telephone-event/8000",
    )
    ours = answer(theirs, ALL, OURS).description
    later = make_offer(OURS, ALL, previous=ours)
    assert audio(later, 0) == ["m=video 0 RTP/AVP 31"]
    assert audio(later, 1)[0] == "m=audio 30000 RTP/AVP 0 100 9 96"


def test_a_number_in_use_for_one_encoding_never_comes_to_mean_another() -> None:
    theirs = answered("m=audio 4000 RTP/AVP 101", "a=rtpmap:101 PCMA/8000")
    ours = answer(theirs, ALL, OURS).description
    assert "a=rtpmap:96 telephone-event/8000" in audio(make_offer(OURS, ALL, previous=ours))


def test_a_stream_that_was_taken_out_is_offered_again_in_its_place() -> None:
    first = answer(answered("m=audio 4000 RTP/AVP 0"), ALL, OURS).description
    out = answer(answered("m=audio 0 RTP/AVP 0"), ALL, OURS, previous=first).description
    assert audio(make_offer(OURS, ALL, previous=out))[0] == "m=audio 30000 RTP/AVP 0 8 9 101"


def test_a_description_without_audio_cannot_be_gone_on_from() -> None:
    with pytest.raises(SdpError, match="no audio line"):
        make_offer(OURS, ALL, previous=answered("m=video 0 RTP/AVP 31"))


# --- answers to us -------------------------------------------------------------------------------


def test_an_answer_settles_the_stream() -> None:
    media = accept_answer(
        make_offer(OURS, ALL),
        answered("m=audio 4000 RTP/AVP 8 0 101", "a=rtpmap:101 telephone-event/8000", "a=fmtp:101 0-11", "a=ptime:30"),
    )
    assert media == NegotiatedMedia(
        codec="PCMA",
        payload_type=8,
        receive_payload_types=((0, "PCMU"), (8, "PCMA")),
        telephone_event_send=101,
        telephone_event_receive=101,
        events=frozenset(range(12)),
        remote=("192.0.2.10", 4000),
        remote_rtcp=("192.0.2.10", 4001),
        ptime_ms=30,
    )


def test_a_peer_with_numbers_of_its_own_is_sent_its_numbers_and_sends_ours() -> None:
    media = accept_answer(
        make_offer(OURS, ALL),
        answered("m=audio 4000 RTP/AVP 96 97", "a=rtpmap:96 G722/8000", "a=rtpmap:97 telephone-event/8000"),
    )
    assert (media.payload_type, media.receive_payload_types) == (96, ((9, "G722"),))
    assert (media.telephone_event_send, media.telephone_event_receive) == (97, 101)


def test_a_number_answered_without_rtpmap_means_what_the_offer_said() -> None:
    l16 = CodecSpec(name="L16", payload_type=96)
    capabilities = Capabilities(codecs=(l16,))
    media = accept_answer(make_offer(OURS, capabilities), answered("m=audio 4000 RTP/AVP 96 101 110"), capabilities)
    assert (media.codec, media.payload_type, media.telephone_event_send) == ("L16", 96, 101)


def test_no_telephone_event_in_the_answer_means_none_either_way() -> None:
    media = accept_answer(make_offer(OURS, ALL), answered("m=audio 4000 RTP/AVP 0"))
    assert (media.telephone_event_send, media.telephone_event_receive) == (None, None)


def test_telephone_event_that_was_not_offered_is_passed_over() -> None:
    capabilities = Capabilities(telephone_event=None)
    media = accept_answer(
        make_offer(OURS, capabilities),
        answered("m=audio 4000 RTP/AVP 0 101", "a=rtpmap:101 telephone-event/8000"),
        capabilities,
    )
    assert (media.telephone_event_send, media.telephone_event_receive) == (None, None)


@pytest.mark.parametrize(
    ("offers_mux", "answers_mux", "mux"), [(True, True, True), (False, True, False), (True, False, False)]
)
def test_rtcp_mux_takes_both(offers_mux: bool, answers_mux: bool, mux: bool) -> None:
    offer = make_offer(OURS, Capabilities(rtcp_mux=offers_mux))
    media = accept_answer(offer, answered("m=audio 4000 RTP/AVP 0", *(["a=rtcp-mux"] if answers_mux else [])))
    assert (media.rtcp_mux, media.remote_rtcp) == (mux, ("192.0.2.10", 4000 if mux else 4001))


@pytest.mark.parametrize(
    ("offered", "said", "settled", "held"),
    [
        (Direction.SENDRECV, "sendrecv", Direction.SENDRECV, False),
        (Direction.SENDRECV, "recvonly", Direction.SENDONLY, False),
        (Direction.SENDRECV, "sendonly", Direction.RECVONLY, True),
        (Direction.SENDONLY, "recvonly", Direction.SENDONLY, False),
        (Direction.SENDONLY, "sendrecv", Direction.SENDONLY, False),
        (Direction.SENDONLY, "inactive", Direction.INACTIVE, True),
    ],
)
def test_directions_settle_on_what_both_said(offered: Direction, said: str, settled: Direction, held: bool) -> None:
    media = accept_answer(make_offer(OURS, ALL, offered), answered("m=audio 4000 RTP/AVP 0", f"a={said}"))
    assert (media.direction, media.held) == (settled, held)


def test_an_answer_from_nowhere_is_hold() -> None:
    media = accept_answer(make_offer(OURS, ALL), answered("m=audio 4000 RTP/AVP 0", "c=IN IP4 0.0.0.0"))
    assert (media.remote, media.held, media.sends, media.receives) == (None, True, False, True)


@pytest.mark.parametrize(
    ("lines", "error", "reason"),
    [
        ((), SdpError, "sdp-malformed"),
        (("m=audio 4000 RTP/AVP 0", "m=video 0 RTP/AVP 31"), SdpError, "sdp-malformed"),
        (("m=video 4000 RTP/AVP 31",), SdpError, "sdp-malformed"),
        (("m=audio 0 RTP/AVP 0",), NotAcceptable, "sdp-not-acceptable"),
        (("m=audio 4000 RTP/AVP 18",), NoCommonCodec, "no-common-codec"),
        (("m=audio 4000 RTP/AVP 96", "a=rtpmap:96 L16/8000"), NoCommonCodec, "no-common-codec"),
    ],
)
def test_an_answer_that_does_not_fit_is_told(lines: tuple[str, ...], error: type[SdpError], reason: str) -> None:
    with pytest.raises(error) as caught:
        accept_answer(make_offer(OURS, ALL), answered(*lines))
    assert caught.value.reason == reason


def test_a_codec_that_was_not_offered_is_not_taken() -> None:
    with pytest.raises(NoCommonCodec):
        accept_answer(make_offer(OURS, Capabilities(codecs=(PCMA,))), answered("m=audio 4000 RTP/AVP 0"), ALL)


def test_an_answer_without_address_is_told() -> None:
    with pytest.raises(SdpError) as caught:
        accept_answer(make_offer(OURS, ALL), parse(b"v=0\no=- 1 1 IN IP4 192.0.2.1\nm=audio 4000 RTP/AVP 0\n"))
    assert caught.value.field == "c"


codec_sets = st.lists(st.sampled_from([PCMU, PCMA, G722]), min_size=1, max_size=3, unique=True).map(tuple)
sides = st.builds(
    Capabilities,
    codecs=codec_sets,
    telephone_event=st.none() | st.integers(96, 127),
    ptime_ms=st.sampled_from([10, 20, 30, 40, 60]),
    rtcp_mux=st.booleans(),
)


@STEADY
@given(ours=sides, theirs=sides, we_want=st.sampled_from(Direction), they_want=st.sampled_from(Direction))
def test_both_sides_settle_on_the_same(
    ours: Capabilities, theirs: Capabilities, we_want: Direction, they_want: Direction
) -> None:
    offer = make_offer(OURS, ours, we_want)
    try:
        far = answer(parse(bytes(offer)), theirs, PEER, direction=they_want)
    except NoCommonCodec:
        assert not set(ours.codecs) & set(theirs.codecs)
        return
    near = accept_answer(offer, parse(bytes(far.description)), ours)
    assert (near.codec, near.ptime_ms, near.rtcp_mux) == (far.media.codec, far.media.ptime_ms, far.media.rtcp_mux)
    assert near.direction is far.media.direction.reversed
    assert near.telephone_event_send == far.media.telephone_event_receive
    assert near.telephone_event_receive == far.media.telephone_event_send
    assert (near.payload_type, near.codec) in far.media.receive_payload_types
    assert (far.media.payload_type, far.media.codec) in near.receive_payload_types
    assert (near.remote, far.media.remote) == (("192.0.2.10", 4000), ("198.51.100.1", 30000))
