"""The one error of the RTP rooms."""

from __future__ import annotations

from callmodel.errors import Blame, MediaServerError


class RtpError(MediaServerError):
    """A datagram, or a payload inside it, that cannot be read (or a value that cannot be written)."""

    blame = Blame.PEER
    reason = "rtp-malformed"

    def __init__(self, field: str, why: str) -> None:
        super().__init__(f"{field}: {why}")
        self.field = field
        self.why = why
