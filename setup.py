"""Builds the optional native forwarder; everything else about the package is in ``pyproject.toml``.

With a C compiler and Linux the extension is built; without, the installation goes on quietly and
``--forwarder auto`` takes the Python one.
"""

from __future__ import annotations

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

from setuptools import Extension, setup


def native_extension() -> list[Extension]:
    """The cffi extension marked optional; none where epoll is not."""
    if not sys.platform.startswith("linux"):
        return []
    path = Path(__file__).parent / "mediaserver" / "runtime" / "forwarders" / "build_native.py"
    spec = spec_from_file_location("build_native", path)
    if spec is None or spec.loader is None:
        return []
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    extension: Extension = module.ffibuilder.distutils_extension(tmpdir="build")
    extension.optional = True
    return [extension]


setup(ext_modules=native_extension())
