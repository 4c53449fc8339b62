"""Errors of the SDP rooms.

SdpError               bytes that are not a session description                      400
└── NotAcceptable      a fair description that we cannot serve                       488
    └── NoCommonCodec  ... because no audio codec is on both sides
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

    def __init__(self, field: str, why: str) -> None:
        super().__init__(f"{field}: {why}")
        self.field = field
        self.why = why


class NotAcceptable(SdpError):
    """Nothing is wrong with it, but there is no media in it that we could speak."""

    reason = "sdp-not-acceptable"
    status_hint = 488


class NoCommonCodec(NotAcceptable):
    """Audio was offered, in codecs or transports we do not have."""

    reason = "no-common-codec"
