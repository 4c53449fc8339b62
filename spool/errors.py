"""What can go wrong with a recording on disk, each with a slug that counters and callers rely on."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from callmodel.errors import Blame, SpoolError


class DiskFullError(SpoolError):
    """No room left, or the quota is used up."""

    reason = "disk-full"


class ReadOnlyError(SpoolError):
    """The data directory cannot be written by this process."""

    reason = "read-only"


class DiskFaultError(SpoolError):
    """The disk or the path refused in any other way."""

    reason = "disk-error"


class CorruptError(SpoolError):
    """What is on disk is not what was written: cut short, changed, or never complete."""

    reason = "corrupt"


class WrongKeyError(SpoolError):
    """The configured at-rest key is missing, unusable, or not the one this recording was locked with."""

    blame = Blame.USER
    reason = "wrong-key"


_BY_ERRNO: dict[int, type[SpoolError]] = {
    errno.ENOSPC: DiskFullError,
    errno.EDQUOT: DiskFullError,
    errno.EROFS: ReadOnlyError,
    errno.EACCES: ReadOnlyError,
    errno.EPERM: ReadOnlyError,
}


@contextmanager
def disk_errors() -> Iterator[None]:
    """Turn an OSError of the block into the SpoolError that names its kind."""
    try:
        yield
    except OSError as error:
        kind = _BY_ERRNO.get(error.errno or 0, DiskFaultError)
        raise kind(f"{error.strerror or error}: {error.filename or 'recording'}") from error
