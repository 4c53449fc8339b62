from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callmodel.errors import ConfigError
from callmodel.manifest import Mark, MarkKind, Party
from dubber_uploader import DubberClient, DubberConfig, RealClock, UploaderConfig
from dubber_uploader.answers import detail_of, retry_after_of
from dubber_uploader.mapping import original_filename, recording_fields, unidentified_fields, whole_seconds
from tests.support.recordings import DUB_POINT, finished

NOW = datetime(2026, 3, 4, 9, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("body", "code", "words"),
    [
        ({"status": 403, "message": "Forbidden: QPS Limit", "code": 1021}, 1021, "1021 Forbidden: QPS Limit"),
        ({"code": "1022", "message": "Daily"}, 1022, "1022 Daily"),
        ({"error": "invalid_grant", "error_description": "no\nway"}, "invalid_grant", "invalid_grant no way"),
        (
            {"code": 2000, "message": "Validation Errors", "details": [{"code": 4001, "details": ["to: blank"]}, 7]},
            2000,
            "2000 Validation Errors to: blank",
        ),
        ({"code": "x", "message": ["?"], "details": [{"details": "?"}]}, None, ""),
        ([1], None, ""),
    ],
)
def test_a_json_refusal_gives_its_code_and_words(body: object, code: object, words: str) -> None:
    assert detail_of(json.dumps(body).encode(), "application/json") == (code, words)


def test_an_object_stores_refusal_gives_its_code() -> None:
    raw = b'<?xml version="1.0"?><Error><Code>BadDigest</Code><Message>x</Message></Error>'
    assert detail_of(raw, "application/xml") == ("BadDigest", "BadDigest")
    assert detail_of(b"<html>", "text/html") == (None, "")


@settings(deadline=None)
@given(raw=st.binary(max_size=300), content_type=st.sampled_from(["application/json", "text/xml", ""]))
def test_any_refusal_is_read_without_a_fault(raw: bytes, content_type: str) -> None:
    _, words = detail_of(raw, content_type)
    assert len(words) <= 300
    assert words.isprintable()


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("120", 120.0),
        (" 0 ", 0.0),
        ("Wed, 04 Mar 2026 09:31:00 GMT", 60.0),
        ("Wed, 04 Mar 2026 09:29:00 +0000", 0.0),
        ("Wed, 04 Mar 2026 09:31:00 -0000", 60.0),
        ("soon", None),
        ("-5", None),
        ("9" * 40, None),
    ],
)
def test_retry_after_is_a_number_or_a_date(value: str | None, seconds: float | None) -> None:
    assert retry_after_of(value, NOW) == seconds


@pytest.mark.parametrize(("ms", "seconds"), [(0.0, 0), (499.9, 0), (500.0, 1), (1499.0, 1), (2500.0, 3)])
def test_durations_are_rounded_half_up(ms: float, seconds: int) -> None:
    assert whole_seconds(ms) == seconds


def test_times_are_rfc_2822_in_utc(tmp_path: Path) -> None:
    _, manifest = finished(tmp_path, frames=10)
    paris = replace(manifest, started_at=datetime(2026, 3, 4, 10, 30, tzinfo=timezone(timedelta(hours=1))))
    fields = recording_fields(paris, sha256="x", suffix="wav", recorder="r")
    assert fields["start_time"] == "Wed, 04 Mar 2026 09:30:00 +0000"
    assert original_filename(paris, "mp3") == "dub_1001_+33155512345_20260304T093000+0000_rec-1.mp3"


def test_what_callers_write_into_headers_costs_no_delivery(tmp_path: Path) -> None:
    _, manifest = finished(tmp_path, frames=10)
    odd = replace(
        manifest,
        caller=Party(number="\x00 \n", label="a\tb" + "x" * 200),
        callee=Party(number="9" * 60),
        sip_call_ids=("c" * 300,),
    )
    fields = recording_fields(odd, sha256="x", suffix="wav", recorder="r", dub_point_id="d")
    assert (fields["from"], fields["to"], fields["dub_point_id"]) == ("anonymous", "9" * 50, "d")
    assert fields["from_label"] == "a b" + "x" * 125
    assert max(len(value) for value in fields["meta_tags"].values()) <= 255


@pytest.mark.parametrize(("rendering", "pause"), [("cut", "p1+20:cut"), ("silence", "p1+20")])
def test_marks_travel_as_meta_tags(tmp_path: Path, rendering: str, pause: str) -> None:
    """Whether a pause is in the file or not is told with it."""
    _, manifest = finished(tmp_path, frames=8000)
    paused = replace(
        manifest,
        marks=(
            Mark(kind=MarkKind.CODE, file_ms=1000, call_ms=1000, channel=1, detail={"command": "pause"}),
            Mark(kind=MarkKind.PAUSE, file_ms=1000, call_ms=1000, length_ms=20_000, detail={"rendering": rendering}),
        ),
    )
    tags = recording_fields(paused, sha256="x", suffix="wav", recorder="r")["meta_tags"]
    assert tags["marks-01"] == f"c1/1:pause {pause}"
    tones = [Mark(kind=MarkKind.TONE, file_ms=1000.0 * at, call_ms=0, length_ms=200) for at in range(5000)]
    tags = recording_fields(replace(paused, marks=tuple(tones)), sha256="x", suffix="wav", recorder="r")["meta_tags"]
    assert (len(tags) <= 50, max(len(value) for value in tags.values()) <= 255) == (True, True)


def test_an_unidentified_recording_takes_its_key_along() -> None:
    assert unidentified_fields({"to": "1"}, None) == {"to": "1"}
    assert unidentified_fields({"to": "1"}, DUB_POINT) == {
        "to": "1",
        "external_type": "BroadWorks",
        "service_provider": "ACME1",
        "external_group": "ACME1SITE",
        "external_identifier": "1001@acme.test",
    }


def dubber(base_url: str = "https://api.dubber.test/us/v1", **changes: object) -> DubberConfig:
    known = {"client_id": "c", "client_secret": "s3cret", "username": "u", "password": "pa55", "group_id": "g"}
    return DubberConfig(base_url=base_url, **{**known, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize("base_url", ["http://api.dubber.net/us/v1", "https://", "api.dubber.net"])
def test_only_https_is_possible(base_url: str) -> None:
    with pytest.raises(ConfigError, match="must be an https address"):
        dubber(base_url)


def test_a_group_id_is_needed() -> None:
    with pytest.raises(ConfigError, match="Group ID"):
        dubber(group_id="")


def test_secrets_are_not_in_a_repr() -> None:
    assert "s3cret" not in repr(dubber())
    assert "pa55" not in repr(dubber())


@pytest.mark.parametrize("change", [{"concurrency": 0}, {"part_size_bytes": 0}])
def test_settings_that_cannot_work_are_refused(change: dict[str, int]) -> None:
    with pytest.raises(ConfigError):
        UploaderConfig(**change)  # type: ignore[arg-type]


async def test_a_ca_file_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    client = DubberClient(dubber(ca_file=tmp_path / "none.pem"), RealClock())
    with pytest.raises(ConfigError, match=r"none\.pem"):
        await client.__aenter__()


async def test_a_client_must_be_opened() -> None:
    with pytest.raises(RuntimeError, match="not open"):
        await DubberClient(dubber(), RealClock()).refresh_token()
