"""How cffi (API mode) builds ``_native``: named by ``setup.py``, or run by hand to build in place."""

from __future__ import annotations

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

from cffi import FFI

_HERE = Path(__file__).parent

ffibuilder = FFI()
ffibuilder.cdef(
    """
    typedef struct fw fw;
    fw *fw_new(uint32_t capacity, uint32_t ring_rows, void *table, uint8_t *rows, int32_t *lengths, int32_t *legs,
               int64_t *arrival_ns, uint8_t *verdicts, uint8_t *sources);
    void fw_free(fw *f);
    uint64_t fw_head(fw *f);
    int fw_failed(fw *f);
    void fw_release(fw *f, uint64_t tail);
    void fw_hold(fw *f);
    void fw_let_go(fw *f);
    int fw_add(fw *f, uint32_t row, int rtp, int rtcp);
    void fw_remove(fw *f, uint32_t row);
    void fw_send(fw *f, const uint8_t *rows, size_t stride, const int32_t *lengths, const int32_t *legs, size_t n);
    extern const uint32_t fw_layout[30];
    """
)
ffibuilder.set_source(
    "mediaserver.runtime.forwarders._native",
    (_HERE / "native.c").read_text(encoding="utf-8"),
    extra_compile_args=["-O2", "-pthread", "-std=gnu11"],
    extra_link_args=["-pthread"],
)


def build_in_place() -> Path:
    """Compile in a scratch folder, where no project file steers the compiler, and copy the library beside this file."""
    with TemporaryDirectory() as scratch:
        built = Path(ffibuilder.compile(tmpdir=scratch))
        target = _HERE / built.name
        # a new inode: a process that has the old one mapped keeps it
        target.unlink(missing_ok=True)
        shutil.copy2(built, target)
    return target


if __name__ == "__main__":
    build_in_place()
