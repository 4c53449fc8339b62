"""Payload types and what they stand for."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mediaserver.sdp import Attribute, MediaDescription
from mediaserver.sdp.codecs import KEYS, PayloadMap, parsed_events, payload_map, printed_events

STEADY = settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""A busy machine is no failure."""


def mapped(formats: str, *attributes: str) -> PayloadMap:
    pairs = [text.partition(":") for text in attributes]
    return payload_map(
        MediaDescription(
            kind="audio",
            port=4,
            protocol="RTP/AVP",
            formats=tuple(formats.split()),
            attributes=tuple(Attribute(name=name, value=value) for name, _, value in pairs),
        )
    )


def test_static_numbers_need_no_rtpmap() -> None:
    assert mapped("9 8 0 18").codecs == ((9, "G722", 8000), (8, "PCMA", 8000), (0, "PCMU", 8000))


def test_an_rtpmap_says_what_a_dynamic_number_stands_for() -> None:
    assert mapped("97 96", "rtpmap:96 pcma/8000", "rtpmap:97 opus/48000/2", "rtpmap:98 PCMU/8000").codecs == (
        (96, "pcma", 8000),
    )


def test_an_rtpmap_overrules_a_static_number() -> None:
    assert mapped("0", "rtpmap:0 L16/44100/1").codecs == ((0, "L16", 44100),)


def test_the_first_rtpmap_of_a_number_counts() -> None:
    assert mapped("96", "rtpmap:96 PCMU/8000", "rtpmap:96 PCMA/8000").codecs == ((96, "PCMU", 8000),)


@pytest.mark.parametrize("value", ["", "96", "x PCMU/8000", "96 PCMU", "96 PCMU/", "96 PCMU/x", "96 PCMU/" + "1" * 10])
def test_a_broken_rtpmap_stands_for_nothing(value: str) -> None:
    assert mapped("96", f"rtpmap:{value}").codecs == ()


def test_words_and_numbers_beyond_127_are_no_payload_types_and_copies_count_once() -> None:
    assert mapped("0 t38 128 0 999 0000 08 -8").codecs == ((0, "PCMU", 8000),)


def test_of_several_telephone_events_the_one_of_8000_hz_is_taken() -> None:
    found = mapped(
        "0 110 101 102", "rtpmap:110 telephone-event/48000", "rtpmap:101 Telephone-Event/8000",
        "rtpmap:102 telephone-event/8000", "fmtp:110 0-1", "fmtp:101 0-5",
    )  # fmt: skip
    assert (found.events, found.event_codes) == (101, frozenset(range(6)))


@pytest.mark.parametrize("fmtp", ["100 0-3", "101", "101 x", "x 0-3"])
def test_without_a_readable_fmtp_the_sixteen_keys_are_meant(fmtp: str) -> None:
    assert mapped("101", "rtpmap:101 telephone-event/8000", f"fmtp:{fmtp}").event_codes == KEYS


def test_a_list_of_events_with_its_name_is_read_too() -> None:
    assert mapped("101", "rtpmap:101 telephone-event/8000", "fmtp:101 events=0-11").event_codes == frozenset(range(12))


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("0-15,66,70", {*range(16), 66, 70}),
        (" 0 - 2 , 5", {0, 1, 2, 5}),
        ("0-300,7", {7}),
        ("5-3", set()),
        ("x,-4,5-", set()),
    ],
)
def test_event_lists_are_read_leniently(text: str, codes: set[int]) -> None:
    assert parsed_events(text) == codes


def test_event_lists_are_written_as_runs() -> None:
    assert printed_events({0, 1, 2, 5, 7, 8}) == "0-2,5,7-8"


@STEADY
@given(codes=st.frozensets(st.integers(0, 255)))
def test_event_lists_are_read_as_they_were_written(codes: frozenset[int]) -> None:
    assert parsed_events(printed_events(codes)) == codes
