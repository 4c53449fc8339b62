"""The root of every error the product raises on purpose.

    MediaServerError
    ├── sip errors        (mediaserver.sip.errors)      status_hint is a SIP status
    ├── sdp, rtp errors   (mediaserver.sdp, .rtp)
    ├── ConfigError       a setting that cannot be used, with the field and the fix
    ├── StartError        the machine does not let a part start, with what to do
    └── SpoolError        a recording that cannot be written, read or sealed

An error tells its own verdict: whose fault it was and a short slug that
counters, logs and tests may rely on.
"""

from __future__ import annotations

import os
from enum import StrEnum
from typing import ClassVar


class Blame(StrEnum):
    """Who was at fault."""

    PEER = "peer"
    US = "us"
    USER = "user"


class MediaServerError(Exception):
    """Base of all errors with a verdict."""

    blame: ClassVar[Blame] = Blame.US
    reason: ClassVar[str] = "internal"
    """Stable slug for counters and logs."""


class ConfigError(MediaServerError):
    """A setting that cannot be used: names the field and what to do."""

    blame = Blame.USER
    reason = "config"


class SpoolError(MediaServerError):
    """A recording could not be written, read or sealed."""

    reason = "spool"


class StartError(MediaServerError):
    """The machine does not let a part start (a port in use, no space): says what to do."""

    blame = Blame.USER
    reason = "start"


def reason_of(error: OSError) -> str:
    """Why the system refused, in its own words; some event loops leave ``strerror`` empty and wrap the first error."""
    if error.strerror:
        return error.strerror
    first = error.__cause__ or error.__context__
    if isinstance(first, OSError):
        return reason_of(first)
    return os.strerror(error.errno) if error.errno else str(error) or type(error).__name__
