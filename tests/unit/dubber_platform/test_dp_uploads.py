"""Multi-part uploads: addresses, parts, completion."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from dubber_platform import UNLIMITED, PlatformConfig
from dubber_platform.api.upkeep import drop_orphans, sweep
from tests.support.dubber import CALL, Bench, open_bench, sound

WAV = sound(0.5)


@pytest.fixture
async def small(tmp_path: Path) -> AsyncIterator[Bench]:
    """A platform whose parts have 1000 to 20000 bytes and whose uploads have at most 30000."""
    config = PlatformConfig(
        data_dir=tmp_path, limits=UNLIMITED, part_min_bytes=1000, part_max_bytes=20_000, upload_max_bytes=30_000
    )
    async with open_bench(config) as opened:
        yield opened


async def begin(bench: Bench) -> str:
    """A recording that waits for its audio."""
    return str((await bench.call("POST", "/accounts/demo/recordings", json=CALL)).body["id"])


async def complete(bench: Bench, recording: str, *parts: tuple[int, str]) -> Any:
    """Status, then status of the recording or the complaints."""
    body = {"parts": [{"part_number": number, "e_tag": e_tag} for number, e_tag in parts]}
    answer = await bench.call("PUT", f"/recordings/{recording}/complete_upload", json=body)
    return answer.status, answer.body["status"] if answer.status == 200 else answer.body["details"][0]["details"]


def e_tag(part: bytes) -> str:
    """The MD5 in quotes."""
    return f'"{hashlib.md5(part).hexdigest()}"'


def files(data_dir: Path) -> list[str]:
    """Parts, audio and unfinished files."""
    places = [path for name in ("parts", "audio", "incoming") for path in (data_dir / name).rglob("*")]
    return sorted(str(path.relative_to(data_dir)) for path in places if path.is_file())


async def test_the_address_of_a_part(bench: Bench) -> None:
    """url, authorization, X-Amz-Date and Host."""
    recording = await begin(bench)
    query = {"part_number": "1", "content_md5": base64.b64encode(bytes(16)).decode(), "content_sha256": "0" * 64}
    answer = await bench.call("GET", f"/recordings/{recording}/upload", params=query)
    signature = answer.body.pop("authorization")
    host = f"127.0.0.1:{bench.client.port}"
    assert (answer.status, answer.body) == (
        200,
        {"url": f"https://{host}/upload/{recording}/1", "X-Amz-Date": "20260326T165146Z", "Host": host},
    )
    assert signature.startswith(
        "AWS4-HMAC-SHA256 Credential=platform/20260326/sandbox/s3/aws4_request, "
        "SignedHeaders=content-md5;host;x-amz-content-sha256;x-amz-date, Signature="
    )


@pytest.mark.parametrize(
    ("changed", "complaint"),
    [
        ({"part_number": "0"}, "part_number (must be a whole number from 1 to 10000)"),
        ({"part_number": "10001"}, "part_number (must be a whole number from 1 to 10000)"),
        ({"content_md5": "x"}, "content_md5 (must be the base64 of an MD5 digest)"),
        ({"content_md5": "AAAA"}, "content_md5 (must be the base64 of an MD5 digest)"),
        ({"content_sha256": "F" * 64}, "content_sha256 (must be 64 lower-case hexadecimal digits)"),
    ],
)
async def test_what_is_wrong_with_a_part_is_named(bench: Bench, changed: dict[str, str], complaint: str) -> None:
    """Before anything is sent."""
    query = {"part_number": "1", "content_md5": "A" * 22 + "==", "content_sha256": "0" * 64, **changed}
    answer = await bench.call("GET", f"/recordings/{await begin(bench)}/upload", params=query)
    assert (answer.status, answer.body["details"][0]["details"]) == (400, [f"Invalid parameter: {complaint}"])


async def test_a_part_is_answered_with_its_etag(bench: Bench, tmp_path: Path) -> None:
    """The quoted MD5; a part sent again replaces the earlier one."""
    recording = await begin(bench)
    for part in (b"first", b"second"):
        answer = await bench.put_part(recording, 3, part)
        assert (answer.status, answer.headers["ETag"]) == (200, e_tag(part))
    (path,) = files(tmp_path)
    assert path == f"parts/{recording}/3.{hashlib.md5(b'second').hexdigest()}"
    assert (tmp_path / path).read_bytes() == b"second"


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"Authorization": ""}, 403, "SignatureDoesNotMatch"),
        ({"X-Amz-Date": "20260326T165147Z"}, 403, "SignatureDoesNotMatch"),
        ({"X-Amz-Date": "20261326T165147Z"}, 403, "SignatureDoesNotMatch"),
        ({"X-Amz-Content-Sha256": "0" * 64}, 403, "SignatureDoesNotMatch"),
        ({"Content-MD5": "A" * 22 + "=="}, 403, "SignatureDoesNotMatch"),
        ({"Host": "elsewhere.example"}, 403, "SignatureDoesNotMatch"),
    ],
)
async def test_a_part_whose_signed_headers_differ_is_refused(
    bench: Bench, headers: dict[str, str], status: int, code: str
) -> None:
    """In S3's words."""
    answer = await bench.put_part(await begin(bench), 1, b"audio", **headers)
    assert (answer.status, f"<Code>{code}</Code>".encode() in answer.body) == (status, True)


async def signed_headers(bench: Bench, recording: str, promised: bytes) -> dict[str, str]:
    """What to send with part 1 that is promised to be ``promised``."""
    md5, sha256 = base64.b64encode(hashlib.md5(promised).digest()).decode(), hashlib.sha256(promised).hexdigest()
    query = {"part_number": "1", "content_md5": md5, "content_sha256": sha256}
    signed = (await bench.call("GET", f"/recordings/{recording}/upload", params=query)).body
    return {
        "Authorization": signed["authorization"],
        "X-Amz-Date": signed["X-Amz-Date"],
        "Content-MD5": md5,
        "X-Amz-Content-Sha256": sha256,
    }


async def test_other_bytes_than_promised_are_refused(bench: Bench, tmp_path: Path) -> None:
    """BadDigest, and nothing is kept."""
    recording = await begin(bench)
    headers = await signed_headers(bench, recording, b"promised")
    answer = await bench.raw("PUT", f"/upload/{recording}/1", data=b"sent", headers=headers)
    assert (answer.status, b"<Code>BadDigest</Code>" in answer.body, files(tmp_path)) == (400, True, [])


async def test_a_signature_is_good_for_its_own_part_only(bench: Bench) -> None:
    """And for fifteen minutes."""
    recording = await begin(bench)
    headers = await signed_headers(bench, recording, b"part")
    other = await bench.raw("PUT", f"/upload/{recording}/2", data=b"part", headers=headers)
    bench.clock.advance(900)
    late = await bench.raw("PUT", f"/upload/{recording}/1", data=b"part", headers=headers)
    assert (other.status, b"SignatureDoesNotMatch" in other.body) == (403, True)
    assert (late.status, b"AccessDenied" in late.body) == (403, True)


@pytest.mark.parametrize("length_known", [True, False])
async def test_a_part_that_is_too_long_is_refused(small: Bench, tmp_path: Path, length_known: bool) -> None:
    """With or without a Content-Length."""
    recording, part = await begin(small), bytes(20_001)
    headers = await signed_headers(small, recording, part)

    async def pieces() -> AsyncIterator[bytes]:
        yield part

    data: Any = part if length_known else pieces()
    answer = await small.raw("PUT", f"/upload/{recording}/1", data=data, headers=headers)
    assert (answer.status, b"<Code>EntityTooLarge</Code>" in answer.body, files(tmp_path)) == (400, True, [])


async def test_all_parts_together_have_a_limit(small: Bench) -> None:
    """Replacing a part counts once."""
    recording = await begin(small)
    answers = [await small.put_part(recording, number, bytes(15_000)) for number in (1, 1, 2, 3)]
    assert [answer.status for answer in answers] == [200, 200, 200, 400]


@pytest.mark.parametrize(("kind", "media_type"), [("WAV", "audio/wav"), ("MP3", "audio/mpeg")])
async def test_parts_become_audio(small: Bench, tmp_path: Path, kind: str, media_type: str) -> None:
    """Size, digest and duration are told; the parts are gone."""
    audio = sound(0.8 if kind == "WAV" else 5, kind=kind)
    recording = await begin(small)
    done = await small.upload(recording, *(audio[start : start + 10_000] for start in range(0, len(audio), 10_000)))
    expected = {"size": len(audio), "content_sha256": hashlib.sha256(audio).hexdigest(), "status": "Active"}
    assert {name: done.body[name] for name in expected} == expected
    assert done.body["duration"] == (1 if kind == "WAV" else 5)
    suffix = "wav" if kind == "WAV" else "mp3"
    assert files(tmp_path) == [f"audio/001/1.{suffix}"]
    assert (tmp_path / f"audio/001/1.{suffix}").read_bytes() == audio


async def test_a_duration_that_was_given_stays(bench: Bench) -> None:
    """The carrier knows better; the end follows from it."""
    answer = await bench.call("POST", "/accounts/demo/recordings", json={**CALL, "duration": 7})
    done = await bench.upload(answer.body["id"], WAV)
    assert (done.body["duration"], done.body["end_time"]) == (7, "Thu, 26 Mar 2026 16:51:53 +0000")


async def test_completing_twice_gives_the_same_answer(bench: Bench) -> None:
    """As after an answer that was lost; other parts are refused."""
    recording = await begin(bench)
    first = await bench.upload(recording, WAV)
    body = {"parts": [{"part_number": 1, "e_tag": e_tag(WAV)}]}
    again = await bench.call("PUT", f"/recordings/{recording}/complete_upload", json=body)
    assert (again.status, again.body) == (200, first.body)
    complaint = (400, ["parts: the upload is already complete, with other parts"])
    assert await complete(bench, recording, (1, e_tag(b"other"))) == complaint


async def test_completing_at_once_from_two_sides_makes_one_recording(bench: Bench) -> None:
    """Both get the same answer."""
    recording = await begin(bench)
    await bench.put_part(recording, 1, WAV)
    both = await asyncio.gather(*(complete(bench, recording, (1, e_tag(WAV))) for _ in range(2)))
    assert both == [(200, "Active"), (200, "Active")]


@pytest.mark.parametrize(
    ("parts", "complaint"),
    [
        ([(2, b"B")], "parts.0.part_number: part 2 was not uploaded"),
        ([(1, b"other")], "parts.0.e_tag: is not the ETag of part 1"),
        ([(3, b"C"), (1, b"A")], "parts: must be in ascending order of part_number, each once"),
        ([(1, b"A"), (1, b"A")], "parts: must be in ascending order of part_number, each once"),
        ([(1, b"A"), (3, b"C")], "parts.0: every part but the last has at least 1000 bytes"),
        ([(1, b"A")], "parts: the bytes are neither WAV nor MP3"),
    ],
)
async def test_a_part_list_that_does_not_fit_is_refused(
    small: Bench, parts: list[tuple[int, bytes]], complaint: str
) -> None:
    """Parts 1 and 3 were uploaded; the recording goes on waiting."""
    recording = await begin(small)
    await small.put_part(recording, 1, b"A")
    await small.put_part(recording, 3, b"C")
    answer = await complete(small, recording, *((number, e_tag(part)) for number, part in parts))
    assert answer == (400, [complaint])
    assert (await small.call("GET", f"/recordings/{recording}")).body["status"] == "Uploading"


@pytest.mark.parametrize(
    ("audio", "complaint"),
    [
        (WAV[:-100], "parts: the WAV file is cut off: 100 bytes of its b'data' chunk are missing"),
        (WAV[:36], "parts: the WAV file has no data chunk"),
        (sound(0.5, kind="FLAC"), "parts: the format FLAC is not accepted: send WAV or MP3"),
        (b"", "parts: the bytes are neither WAV nor MP3"),
    ],
    ids=["cut off", "header only", "FLAC", "nothing"],
)
async def test_what_is_no_whole_audio_file_is_refused(
    bench: Bench, tmp_path: Path, audio: bytes, complaint: str
) -> None:
    """With the reason; the right bytes may be sent afterwards."""
    recording = await begin(bench)
    assert (await bench.put_part(recording, 1, audio)).status == 200
    assert await complete(bench, recording, (1, e_tag(audio))) == (400, [complaint])
    assert files(tmp_path) == [f"parts/{recording}/1.{hashlib.md5(audio).hexdigest()}"]
    assert (await bench.upload(recording, WAV)).status == 200


async def test_a_part_that_was_kept_but_not_noted_does_not_count(bench: Bench, tmp_path: Path) -> None:
    """As a crash in between leaves it: the part noted before is still whole."""
    recording = await begin(bench)
    await bench.put_part(recording, 1, WAV)
    with bench.platform.files.incoming() as incoming:
        incoming.write(b"newer bytes")
        bench.platform.files.keep_part(incoming, int(recording), 1)
    assert await complete(bench, recording, (1, e_tag(WAV))) == (200, "Active")
    assert (tmp_path / "audio/001/1.wav").read_bytes() == WAV


async def test_an_upload_is_aborted_by_deleting_its_recording(bench: Bench, tmp_path: Path) -> None:
    """Its parts go, and no more are taken."""
    recording = await begin(bench)
    await bench.put_part(recording, 1, WAV)
    headers = await signed_headers(bench, recording, WAV)
    assert (await bench.call("DELETE", f"/recordings/{recording}")).status == 200
    late = await bench.raw("PUT", f"/upload/{recording}/1", data=WAV, headers=headers)
    assert (late.status, b"<Code>NoSuchUpload</Code>" in late.body, files(tmp_path)) == (404, True, [])


async def test_no_part_is_taken_for_a_complete_recording(bench: Bench) -> None:
    """Neither its address is given out."""
    recording = await begin(bench)
    await bench.upload(recording, WAV)
    query = {"part_number": "1", "content_md5": "A" * 22 + "==", "content_sha256": "0" * 64}
    answer = await bench.call("GET", f"/recordings/{recording}/upload", params=query)
    assert (answer.status, answer.body["details"][0]["details"]) == (
        400,
        ["recording: its upload is already complete"],
    )


async def test_an_upload_nobody_completes_is_dropped_after_a_day(bench: Bench, tmp_path: Path) -> None:
    """Row and parts."""
    recording = await begin(bench)
    await bench.put_part(recording, 1, WAV)
    bench.clock.advance(86399)
    assert await sweep(bench.platform) == []
    bench.clock.advance(1)
    assert (await sweep(bench.platform), files(tmp_path)) == ([1], [])


async def test_a_recording_is_dropped_when_its_retention_ends(bench: Bench, tmp_path: Path) -> None:
    """90 days after the call."""
    await bench.upload(await begin(bench), WAV)
    bench.clock.advance(90 * 86400 - 1)
    assert await sweep(bench.platform) == []
    bench.clock.advance(1)
    assert (await sweep(bench.platform), files(tmp_path)) == ([1], [])


async def test_files_nobody_owns_are_dropped_at_the_start(bench: Bench, tmp_path: Path) -> None:
    """As a crash in the middle of a deletion leaves them."""
    await bench.upload(await begin(bench), WAV)
    (tmp_path / "parts" / "77").mkdir()
    (tmp_path / "parts" / "77" / "1").write_bytes(b"x")
    (tmp_path / "audio" / "001" / "2001.wav").write_bytes(b"x")
    assert await drop_orphans(bench.platform) == [77, 2001]
    assert files(tmp_path) == ["audio/001/1.wav"]


async def test_a_sender_that_falls_silent_is_given_up(tmp_path: Path) -> None:
    """After the time set."""
    config = PlatformConfig(data_dir=tmp_path, limits=UNLIMITED, part_idle_s=0.05)
    async with open_bench(config) as bench:
        recording = await begin(bench)
        headers = await signed_headers(bench, recording, b"never")
        silent = asyncio.Event()

        async def nothing() -> AsyncIterator[bytes]:
            yield b"nev"
            await silent.wait()

        answer = await bench.raw("PUT", f"/upload/{recording}/1", data=nothing(), headers=headers)
        silent.set()
        assert (answer.status, b"<Code>RequestTimeout</Code>" in answer.body, files(tmp_path)) == (400, True, [])
