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
