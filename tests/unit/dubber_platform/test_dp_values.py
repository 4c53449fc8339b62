"""Dates, signatures, audio: the platform's small pure parts."""

from __future__ import annotations

import stat
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dubber_platform.api.dates import iso8601, parse_date, rfc2822
from dubber_platform.signing import PartClaim, Signer, expired, load_signing_key, parse_amz_date, parse_md5
from dubber_platform.store.audio import AudioFacts, inspect_audio
from dubber_platform.store.peaks import peaks_of
from tests.support.dubber import START, CountedChance, sound

CLAIM = PartClaim(host="h", path="/upload/1/1", date="20260326T165146Z", md5="m", sha256="s")


def test_the_two_forms_of_a_date() -> None:
    """RFC 2822 and ISO 8601, always UTC."""
    assert (rfc2822(START), iso8601(START)) == ("Thu, 26 Mar 2026 16:51:46 +0000", "2026-03-26T16:51:46Z")


@pytest.mark.parametrize(
    "text",
    [
        "Thu, 26 Mar 2026 17:51:46 +0100",
        "26 Mar 2026 16:51:46 GMT",
        "2026-03-26T16:51:46Z",
        "2026-03-26T17:51:46+01:00",
    ],
)
def test_either_form_is_understood(text: str) -> None:
    """With any offset."""
    assert parse_date(text) == START


@given(st.text(max_size=80))
def test_whatever_is_no_date_is_a_value_error(text: str) -> None:
    """Never another error."""
    with suppress(ValueError):
        assert parse_date(text).tzinfo is UTC


@given(st.integers(0, 7 * 10**15).map(lambda us: datetime.fromtimestamp(0, UTC) + timedelta(microseconds=us)))
def test_dates_survive_the_wire(aware: datetime) -> None:
    """ISO 8601 exactly, RFC 2822 to the second."""
    assert parse_date(iso8601(aware)) == aware
    assert parse_date(rfc2822(aware)) == aware.replace(microsecond=0)


def test_a_signature_holds_for_its_claim_and_region_only() -> None:
    """Another key, region or claim is refused, and so is nonsense."""
    signer = Signer(b"key", "sandbox")
    authorization = signer.part_authorization(CLAIM)
    assert signer.part_allowed(CLAIM, authorization)
    other = PartClaim(host="h", path="/upload/1/2", date="20260326T165146Z", md5="m", sha256="s")
    refused = [
        signer.part_allowed(other, authorization),
        Signer(b"other", "sandbox").part_allowed(CLAIM, authorization),
        Signer(b"key", "eu").part_allowed(CLAIM, authorization),
        signer.part_allowed(CLAIM, "AWS4-HMAC-SHA256 nonsense"),
        signer.part_allowed(CLAIM, authorization + "0"),
    ]
    assert refused == [False] * 5


def test_fields_cannot_run_into_one_another() -> None:
    """A digest moved from one field to the next is another claim."""
    first = PartClaim(host="h", path="/p", date="20260326T165146Z", md5="a\nb", sha256="c")
    second = PartClaim(host="h", path="/p", date="20260326T165146Z", md5="a", sha256="b\nc")
    signer = Signer(b"key", "sandbox")
    assert not signer.part_allowed(second, signer.part_authorization(first))


def test_a_signed_address_lapses() -> None:
    """From a minute before its date to the end of its time."""
    edges = [START + timedelta(seconds=seconds) for seconds in (-61, -60, 899, 900)]
    assert [expired(START, now, 900) for now in edges] == [True, False, False, True]


@pytest.mark.parametrize("text", ["", "20260326T165146", "20261326T165146Z", "\u0662" * 8 + "T165146Z"])
def test_what_is_no_amz_date(text: str) -> None:
    """None."""
    assert parse_amz_date(text) is None


@pytest.mark.parametrize(
    ("text", "digest"), [("A" * 22 + "==", bytes(16)), ("0" * 32, bytes(16)), ("AAAA", None), ("!", None), ("é", None)]
)
def test_what_is_a_content_md5(text: str, digest: bytes | None) -> None:
    """Base64, or hexadecimal; 16 bytes."""
    assert parse_md5(text) == digest


def test_the_signing_key_is_made_once_and_private(tmp_path: Path) -> None:
    """Mode 0600."""
    ids = CountedChance()
    first, second = load_signing_key(tmp_path, ids), load_signing_key(tmp_path, ids)
    assert (first == second, len(first), stat.S_IMODE((tmp_path / "signing.key").stat().st_mode)) == (True, 32, 0o600)
    assert [path.name for path in tmp_path.iterdir()] == ["signing.key"]


@pytest.mark.parametrize(("samples", "seconds"), [(0, 0), (3999, 0), (4000, 1), (12_000, 2), (80_000, 10)])
def test_durations_are_rounded_to_whole_seconds(samples: int, seconds: int) -> None:
    """Half up."""
    facts = AudioFacts(media_type="audio/wav", sample_rate_hz=8000, channels=2, samples=samples)
    assert facts.duration_s == seconds


def test_an_empty_wav_is_a_wav(tmp_path: Path) -> None:
    """A recording that was stopped at once has no samples, and no peaks."""
    path = tmp_path / "a.wav"
    path.write_bytes(sound(0))
    assert inspect_audio(path) == AudioFacts(media_type="audio/wav", sample_rate_hz=8000, channels=2, samples=0)
    assert peaks_of(path, 10).channels == [[], []]


def test_peaks_are_spread_over_the_whole_file(tmp_path: Path) -> None:
    """A long file has as many points as asked for, across block borders."""
    path = tmp_path / "a.wav"
    path.write_bytes(sound(20))
    loud, silent = peaks_of(path, 100).channels
    assert (len(loud), len(silent), min(loud) > 0.49, max(loud) <= 0.5, set(silent)) == (100, 100, True, True, {0.0})
