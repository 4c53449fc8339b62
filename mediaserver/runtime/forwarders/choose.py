"""Which forwarder a worker gets (``--forwarder auto|native|python``)."""

from __future__ import annotations

import asyncio
from enum import StrEnum

from callmodel.errors import ConfigError
from mediaserver.media.seam import Forwarder
from mediaserver.runtime.forwarders.python import PythonForwarder

try:
    from mediaserver.runtime.forwarders.native import NativeForwarder
except ImportError as error:
    _native: type[NativeForwarder] | None = None
    _why_not = str(error)
else:
    _native = NativeForwarder
    _why_not = ""


class ForwarderKind(StrEnum):
    """What can be asked for."""

    AUTO = "auto"
    NATIVE = "native"
    PYTHON = "python"


def native_available() -> bool:
    """Whether the extension was built on this machine and fits this version."""
    return _native is not None


def make_forwarder(kind: str, capacity: int, loop: asyncio.AbstractEventLoop) -> Forwarder:
    """A forwarder for ``capacity`` legs; ``auto`` is native where it was built. ConfigError when it was not."""
    wanted = ForwarderKind(kind)
    if _native is not None and wanted is not ForwarderKind.PYTHON:
        return _native(capacity)
    if wanted is ForwarderKind.NATIVE:
        raise ConfigError(
            f"forwarder: native is not available ({_why_not}); use auto or python, or install a C compiler"
        )
    return PythonForwarder(capacity, loop)
