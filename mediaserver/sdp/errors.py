"""Errors of the SDP rooms.

SdpError               bytes that are not a session description                      400, warning 399
└── NotAcceptable      a fair description that we cannot serve                       488, warning 304
    └── NoCommonCodec  ... because no audio codec is on both sides                   488, warning 305
"""

from __future__ import annotations

from typing import ClassVar

from callmodel.errors import Blame, MediaServerError


class SdpError(MediaServerError):
    """A session description that cannot be read, or breaks a rule of offer/answer."""

    blame = Blame.PEER
    reason = "sdp-malformed"
    status_hint: ClassVar[int] = 400
    """Response code to answer with when a request carried it."""
    warn_code: ClassVar[int] = 399
    """Code of the Warning that says why (RFC 3261 20.43)."""

    def __init__(self, field: str, why: str) -> None:
        super().__init__(f"{field}: {why}")
        self.field = field
        self.why = why


class NotAcceptable(SdpError):
    """Nothing is wrong with it, but there is no media in it that we could speak."""

    reason = "sdp-not-acceptable"
    status_hint = 488
    warn_code = 304


class NoCommonCodec(NotAcceptable):
    """Audio was offered, in codecs or transports we do not have."""

    reason = "no-common-codec"
    warn_code = 305
