"""Audio as players ask for it: whole, in ranges, by HEAD, and again after it was changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from dubber_platform.store.files import AudioFiles
from dubber_platform.store.peaks import read_peaks
from tests.support.dubber import CALL, Bench, CountedChance, sound

AUDIO = sound(0.5)


async def link(bench: Bench) -> str:
    """Path and query of a link to a recording's audio."""
    posted = await bench.call("POST", "/accounts/demo/recordings", json={**CALL, "from": "+33 6/12", "to": "../é"})
    await bench.upload(posted.body["id"], AUDIO)
    shown = await bench.call("GET", f"/recordings/{posted.body['id']}", params={"listener": bench.seed["username"]})
    return str(shown.body["recording_url"]).split(str(bench.client.port), 1)[1]


async def test_the_whole_file_and_its_head(bench: Bench) -> None:
    """With a name that can be saved anywhere."""
    address = await link(bench)
    answers = [await bench.raw(method, address) for method in ("GET", "HEAD")]
    wanted = ("Content-Type", "Content-Length", "Accept-Ranges", "Content-Disposition", "X-Content-Type-Options")
    head = (
        "audio/wav",
        str(len(AUDIO)),
        "bytes",
        'inline; filename="20260326T165146Z_+33612_anonymous_1.wav"',
        "nosniff",
    )
    assert [(answer.status, tuple(answer.headers[name] for name in wanted)) for answer in answers] == [(200, head)] * 2
    assert [answer.body for answer in answers] == [AUDIO, b""]


@pytest.mark.parametrize(
    ("asked", "status", "told", "content"),
    [
        ("bytes=0-0", 206, f"bytes 0-0/{len(AUDIO)}", AUDIO[:1]),
        ("bytes=44-", 206, f"bytes 44-{len(AUDIO) - 1}/{len(AUDIO)}", AUDIO[44:]),
        ("bytes=-10", 206, f"bytes {len(AUDIO) - 10}-{len(AUDIO) - 1}/{len(AUDIO)}", AUDIO[-10:]),
        ("bytes=10-999999", 206, f"bytes 10-{len(AUDIO) - 1}/{len(AUDIO)}", AUDIO[10:]),
        ("bytes=999999-", 416, f"bytes */{len(AUDIO)}", b"416: Range Not Satisfiable"),
    ],
)
async def test_ranges(bench: Bench, asked: str, status: int, told: str, content: bytes) -> None:
    """RFC 9110 14."""
    answer = await bench.raw("GET", await link(bench), headers={"Range": asked})
    body = answer.body if status == 206 else content
    assert (answer.status, answer.headers["Content-Range"], body) == (status, told, content)


async def test_a_range_of_another_version_is_not_served(bench: Bench) -> None:
    """If-Range with the file's own tag or date gets the range, with any other the whole file."""
    address = await link(bench)
    known = (await bench.raw("HEAD", address)).headers
    statuses = {}
    for name, value in {
        "tag": known["ETag"],
        "other tag": '"other"',
        "weak tag": f"W/{known['ETag']}",
        "date": known["Last-Modified"],
        "older date": "Mon, 01 Jan 2001 00:00:00 GMT",
    }.items():
        answer = await bench.raw("GET", address, headers={"Range": "bytes=0-9", "If-Range": value})
        statuses[name] = (answer.status, len(answer.body))
    part, whole = (206, 10), (200, len(AUDIO))
    assert statuses == {"tag": part, "other tag": whole, "weak tag": whole, "date": part, "older date": whole}


async def test_audio_that_is_gone_is_not_found(bench: Bench, tmp_path: Path) -> None:
    """In the object store's words."""
    address = await link(bench)
    next((tmp_path / "audio").rglob("*.wav")).unlink()
    answer = await bench.raw("GET", address)
    assert (answer.status, b"<Code>NoSuchKey</Code>" in answer.body) == (404, True)


def test_peaks_are_computed_once(tmp_path: Path) -> None:
    """Kept beside the audio, made anew when they cannot be used, gone with it."""
    files = AudioFiles(tmp_path, CountedChance())
    files.open()
    with files.incoming() as incoming:
        incoming.write(sound(1.0))
        files.keep_audio(incoming, 7)
    fresh = files.peaks(7, "audio/wav", 100)
    kept = tmp_path / "audio" / "007" / "7.peaks"
    assert (len(fresh.channels), [len(channel) for channel in fresh.channels], fresh.duration_s) == (2, [100, 100], 1.0)
    assert (read_peaks(kept), files.peaks(7, "audio/wav", 100)) == (fresh, fresh)
    assert len(files.peaks(7, "audio/wav", 50).channels[0]) == 50
    for spoilt in ("", "{}", '{"version": 0}', "[1]"):
        kept.write_text(spoilt)
        assert files.peaks(7, "audio/wav", 100) == fresh
    files.drop(7)
    assert [path for path in (tmp_path / "audio").rglob("*") if path.is_file()] == []
    with pytest.raises(FileNotFoundError):
        files.peaks(7, "audio/wav", 100)
