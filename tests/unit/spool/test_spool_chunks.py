from __future__ import annotations

import io
import os
import random
from pathlib import Path

import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

import spool
from spool.chunks import MAX_CHUNK_BYTES, ChunkReader, ChunkWriter, whole_chunks

KEY = bytes(range(32))
HEAD = b"h" * 44


def encrypted(path: Path, pieces: list[bytes], head: bytes = HEAD) -> bytes:
    writer = ChunkWriter(path, KEY, bytes(len(head)))
    for piece in pieces:
        writer.append(piece)
    writer.set_head(head)
    writer.finish()
    return head + b"".join(pieces)


def test_what_was_written_is_read_and_is_not_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a"
    plain = encrypted(path, [b"first secret words", b"second secret words"])
    with spool.open_part(path, KEY) as file:
        assert file.read() == plain
    assert b"secret" not in path.read_bytes()


def test_the_same_content_never_encrypts_to_the_same_bytes(tmp_path: Path) -> None:
    encrypted(tmp_path / "a", [b"x" * 64])
    encrypted(tmp_path / "b", [b"x" * 64])
    assert (tmp_path / "a").read_bytes()[76:] != (tmp_path / "b").read_bytes()[76:]


def test_pieces_over_a_mebibyte_become_several_chunks(tmp_path: Path) -> None:
    big = os.urandom(2 * MAX_CHUNK_BYTES + 5)
    plain = encrypted(tmp_path / "a", [big])
    with spool.open_part(tmp_path / "a", KEY) as file:
        assert file.read() == plain
    assert whole_chunks(tmp_path / "a", KEY).chunks == 3


@settings(deadline=None)
@given(sizes=st.lists(st.integers(1, 300), max_size=12), seed=st.integers(0, 10**6))
def test_any_range_reads_as_from_the_plain_file(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], seed: int
) -> None:
    chance = random.Random(seed)
    path = tmp_path_factory.mktemp("ranges") / "a"
    plain = encrypted(path, [chance.randbytes(size) for size in sizes])
    reader = ChunkReader(path, KEY)
    with io.BufferedReader(reader, 16) as file:
        for _ in range(10):
            at, length = chance.randrange(len(plain) + 5), chance.randrange(400)
            file.seek(at)
            assert file.read(length) == plain[at : at + length]
        assert (file.seek(-3, io.SEEK_END), file.read()) == (len(plain) - 3, plain[-3:])


def test_seeking_before_the_start_is_refused(tmp_path: Path) -> None:
    encrypted(tmp_path / "a", [])
    with ChunkReader(tmp_path / "a", KEY) as reader, pytest.raises(ValueError, match="negative"):
        reader.seek(-1)


def test_relative_seek_and_tell(tmp_path: Path) -> None:
    encrypted(tmp_path / "a", [b"0123456789"])
    with ChunkReader(tmp_path / "a", KEY) as reader:
        reader.seek(44)
        assert (reader.seek(4, io.SEEK_CUR), reader.tell(), reader.read(3)) == (48, 48, b"456")
        assert (reader.readable(), reader.seekable()) == (True, True)


def test_a_missing_last_chunk_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a"
    encrypted(path, [b"a" * 100, b"b" * 100])
    os.truncate(path, path.stat().st_size - 120)
    with pytest.raises(spool.CorruptError, match="cut short"):
        ChunkReader(path, KEY)


def test_chunks_that_changed_places_are_told(tmp_path: Path) -> None:
    path = tmp_path / "a"
    encrypted(path, [b"a" * 100, b"b" * 100])
    raw = path.read_bytes()
    path.write_bytes(raw[:-240] + raw[-120:] + raw[-240:-120])
    with spool.open_part(path, KEY) as file, pytest.raises(spool.CorruptError, match="chunk 0"):
        file.read()


@settings(deadline=None)
@given(position=st.integers(0, 32 + 85 + 2 * 120 - 1), flip=st.integers(1, 255))
def test_no_changed_byte_goes_unnoticed(tmp_path_factory: pytest.TempPathFactory, position: int, flip: int) -> None:
    path = tmp_path_factory.mktemp("flip") / "a"
    encrypted(path, [b"a" * 100, b"b" * 100])
    raw = bytearray(path.read_bytes())
    assert len(raw) == 32 + 85 + 2 * 120
    raw[position] ^= flip
    path.write_bytes(raw)
    with pytest.raises(spool.CorruptError), spool.open_part(path, KEY) as file:
        file.read()


def test_an_unfinished_file_opens_for_salvage_only(tmp_path: Path) -> None:
    path = tmp_path / "a"
    writer = ChunkWriter(path, KEY, HEAD)
    writer.append(b"x" * 10)
    writer.abandon()
    with pytest.raises(spool.CorruptError, match="never finished"):
        ChunkReader(path, KEY)
    assert whole_chunks(path, KEY).body_bytes == 10


@pytest.mark.parametrize("size", [0, 31, 32])
def test_a_file_without_its_head_is_corrupt(tmp_path: Path, size: int) -> None:
    encrypted(tmp_path / "a", [b"x"])
    os.truncate(tmp_path / "a", size)
    with pytest.raises(spool.CorruptError):
        ChunkReader(tmp_path / "a", KEY)


def test_an_encrypted_file_without_key_names_the_missing_key(tmp_path: Path) -> None:
    encrypted(tmp_path / "a", [b"x"])
    with pytest.raises(spool.WrongKeyError, match=r"key\.json is gone"):
        spool.open_part(tmp_path / "a", None)


def test_a_file_that_exists_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"")
    with pytest.raises(spool.DiskFaultError):
        ChunkWriter(tmp_path / "a", KEY, HEAD)


@pytest.mark.parametrize("key", [None, KEY])
def test_a_head_of_another_length_is_refused(tmp_path: Path, key: bytes | None) -> None:
    writer = spool.open_writer(tmp_path / "a", head=HEAD, data_key=key)
    with pytest.raises(ValueError, match="44 bytes"):
        writer.set_head(b"")
    writer.abandon()


@pytest.mark.parametrize("key", [None, KEY])
def test_flac_can_be_written_through_a_writer(tmp_path: Path, key: bytes | None) -> None:
    """The encoder goes back to complete its header; the file reads back whole."""
    path = tmp_path / "heard.part"
    writer = spool.open_writer(path, head=bytes(42), data_key=key)
    with (
        spool.WriterFile(writer, 42) as raw,
        soundfile.SoundFile(raw, "w", samplerate=8000, channels=4, format="FLAC", subtype="PCM_16") as flac,
    ):
        for _ in range(20):
            flac.buffer_write(bytes(8 * 8000), "int16")
    with spool.open_part(path, key) as file, soundfile.SoundFile(file) as back:
        assert (back.frames, back.channels, back.samplerate) == (160_000, 4, 8000)


def test_a_writer_file_refuses_to_rewrite_the_body(tmp_path: Path) -> None:
    file = spool.WriterFile(spool.open_writer(tmp_path / "a", head=bytes(4), data_key=None), 4)
    file.write(b"headbody")
    file.seek(-2, io.SEEK_CUR)
    with pytest.raises(OSError, match="only the head"):
        file.write(b"xx")
    assert (file.seek(0, io.SEEK_END), file.tell(), file.writable(), file.seekable()) == (8, 8, True, True)
    file.seek(2)
    file.write(b"AD")
    file.close()
    assert (tmp_path / "a").read_bytes() == b"heADbody"


@pytest.mark.parametrize("key", [None, KEY])
def test_a_full_disk_is_named_and_leaves_nothing_half_written(tmp_path: Path, key: bytes | None) -> None:
    """The size limit of this process stands for the end of the disk: whole blocks before it stay readable."""
    import resource
    import signal

    path = tmp_path / "a"
    writer = spool.open_writer(path, head=HEAD, data_key=key)
    writer.append(b"x" * 100)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (300, before[1]))
    try:
        with pytest.raises(spool.DiskFaultError):
            writer.append(b"y" * 1000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)
    writer.append(b"z" * 10)
    writer.finish()
    with spool.open_part(path, key) as file:
        assert file.read() == HEAD + b"x" * 100 + b"z" * 10


def test_dev_full_is_a_full_disk() -> None:
    disk = spool.Disk()
    with pytest.raises(spool.DiskFullError) as caught:
        disk.overwrite(Path("/dev/full"), 0, b"x")
    assert caught.value.reason == "disk-full"
