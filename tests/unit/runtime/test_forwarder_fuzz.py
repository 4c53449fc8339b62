"""The native forwarder under sanitizers, with random datagrams, tables and calls: one bounded run each."""

from __future__ import annotations

import os
import shutil
import subprocess
import warnings
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "support" / "native_fuzz.c"
COMPILER = shutil.which(os.environ.get("CC", "cc"))


@pytest.mark.parametrize("sanitizers", ["address,undefined", "thread"])
def test_no_sanitizer_objects_and_every_verdict_comes_up(sanitizers: str, tmp_path: Path) -> None:
    """Without a compiler this says so and checks nothing, but on CI a compiler is asked for."""
    if COMPILER is None:
        assert os.environ.get("CI", "") != "true", "CI has no C compiler: the native forwarder was not fuzzed"
        with pytest.warns(UserWarning, match="not fuzzed"):
            warnings.warn("no C compiler: the native forwarder was not fuzzed", stacklevel=1)
        return
    program = tmp_path / "fuzz"
    flags = ["-g", "-O1", "-std=gnu11", "-Wall", "-Wextra", "-Werror", "-pthread"]
    flags += [f"-fsanitize={sanitizers}", "-fno-sanitize-recover=all"]
    subprocess.run([COMPILER, *flags, "-o", program, SOURCE], check=True, timeout=60)
    done = subprocess.run([program, "20261123", "20000"], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    by_verdict = [int(n) for n in done.stdout.split()]
    assert len(by_verdict) == 7
    assert min(by_verdict) > 20, by_verdict
