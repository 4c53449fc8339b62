"""The call logic's small tables: INFO bodies, and what crosses from a callee's refusal to the caller."""

from __future__ import annotations

import pytest

from callmodel.modes import Language
from mediaserver.call.crossing import refusal_for_caller
from mediaserver.call.info_bodies import InfoDigit, parse_dtmf
from mediaserver.call.services import SERVICES, say_address, say_keys
from mediaserver.media.messages import PromptAudio

RELAY, BARE = "application/dtmf-relay", "application/dtmf"


@pytest.mark.parametrize(
    ("content_type", "body", "digit", "duration_ms"),
    [
        (RELAY, b"Signal=5\r\nDuration=100\r\n", "5", 100),
        (RELAY, b"signal = *\nDURATION = 250\n", "*", 250),
        (RELAY, b"Signal= #\r\n", "#", 160),
        (RELAY, b"Signal=d\r\nDuration=160", "D", 160),
        (RELAY, b"Duration=90\r\nSignal=10", "*", 90),
        (RELAY, b"Signal=11", "#", 160),
        (RELAY, b"Signal=12", "A", 160),
        (RELAY, b"Signal=15", "D", 160),
        (RELAY, b"Signal=5\r\nDuration=1", "5", 40),
        (RELAY, b"Signal=5\r\nDuration=999999", "5", 8000),
        (BARE, b"7", "7", 160),
        (BARE, b" 0\r\n", "0", 160),
        (BARE, b"10", "*", 160),
    ],
)
def test_a_key_in_an_info_is_read(content_type: str, body: bytes, digit: str, duration_ms: int) -> None:
    assert parse_dtmf(content_type, body) == InfoDigit(digit=digit, duration_ms=duration_ms)


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        (RELAY, b""),
        (RELAY, b"Signal=16"),
        (RELAY, b"Signal=55"),
        (RELAY, b"Signal="),
        (RELAY, b"Signal=E"),
        (RELAY, b"\xff\xfe\x00"),
        (BARE, b"55"),
        (BARE, b"hello"),
        ("text/plain", b"5"),
        (RELAY, b" " * 300 + b"Signal=5"),
    ],
)
def test_what_is_no_key_is_none(content_type: str, body: bytes) -> None:
    assert parse_dtmf(content_type, body) is None


@pytest.mark.parametrize(
    ("statuses", "told"),
    [
        ([], 480),
        ([404], 480),
        ([486], 486),
        ([600], 486),
        ([603, 486], 603),
        ([486, 603], 603),
        ([488, 486], 486),
        ([606], 488),
        ([415, 480], 488),
        ([408, 503], 480),
    ],
)
def test_the_caller_is_told_the_refusal_that_says_most(statuses: list[int], told: int) -> None:
    assert refusal_for_caller(statuses) == told


def test_the_service_numbers_are_nine() -> None:
    assert list(SERVICES) == [f"900{number}" for number in range(1, 10)]


def test_an_address_is_spelt_key_by_key() -> None:
    said = say_address("10.2", 4000, "PCMA", Language.FR)

    words = [part.prompt for part in said if isinstance(part, PromptAudio)]
    expected = [
        "your-address",
        "digit-1",
        "digit-0",
        "dot",
        "digit-2",
        "port",
        "digit-4",
        "digit-0",
        "digit-0",
        "digit-0",
    ]
    assert words == [*expected, "your-codec", "codec-pcma"]
    assert {part.language for part in said if isinstance(part, PromptAudio)} == {"fr"}


def test_an_unknown_codec_is_left_out() -> None:
    words = [part.prompt for part in say_address("1", 2, "", Language.EN) if isinstance(part, PromptAudio)]

    assert words[-1] == "your-codec"


def test_keys_are_said_one_by_one() -> None:
    words = [part.prompt for part in say_keys("#A", Language.EN) if isinstance(part, PromptAudio)]

    assert words == ["digit-pound", "digit-a"]
