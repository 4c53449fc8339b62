"""The directory of recordings and its rules: open, write, seal, destroy, salvage, read back, encrypt at rest."""

from spool.descriptor import Descriptor
from spool.disk import Disk
from spool.errors import (
    CorruptError,
    DiskFaultError,
    DiskFullError,
    ReadOnlyError,
    WrongKeyError,
)
from spool.keys import load_key_file, read_data_key
from spool.layout import (
    AUDIO_FILE,
    AUDIO_PART,
    HEARD_FILE,
    HEARD_PART,
    MARKS_FILE,
    OpenRecording,
    destroy,
    find_recording,
    finished_recordings,
    open_recording,
    read_descriptor,
    read_manifest,
    seal,
    update_descriptor,
)
from spool.marks import mark_line, read_marks
from spool.reader import digest, open_part, open_plain, verify
from spool.salvage import Fate, Swept, salvage_sweep, settle
from spool.wav import HEADER_BYTES, make_header, parse_header
from spool.writer import PartWriter, WriterFile, open_writer

__all__ = [
    "AUDIO_FILE",
    "AUDIO_PART",
    "HEADER_BYTES",
    "HEARD_FILE",
    "HEARD_PART",
    "MARKS_FILE",
    "CorruptError",
    "Descriptor",
    "Disk",
    "DiskFaultError",
    "DiskFullError",
    "Fate",
    "OpenRecording",
    "PartWriter",
    "ReadOnlyError",
    "Swept",
    "WriterFile",
    "WrongKeyError",
    "destroy",
    "digest",
    "find_recording",
    "finished_recordings",
    "load_key_file",
    "make_header",
    "mark_line",
    "open_part",
    "open_plain",
    "open_recording",
    "open_writer",
    "parse_header",
    "read_data_key",
    "read_descriptor",
    "read_manifest",
    "read_marks",
    "salvage_sweep",
    "seal",
    "settle",
    "update_descriptor",
    "verify",
]
