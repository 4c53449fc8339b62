"""Errors of the SIP rooms.

SipError
├── SipSyntaxError     bytes that are not SIP, or a field that breaks its grammar
│   ├── UnsupportedSchemeError    416
│   ├── VersionError              505
│   ├── UnknownMethodError        501
│   ├── BodyTooLargeError         413
│   ├── MessageTooLargeError      513
│   └── (mediaserver.sip.wire)    BadRequest: a broken request that can still be answered
└── SipStateError      the caller asked for something the dialog cannot do now
"""

from __future__ import annotations

from callmodel.errors import Blame, MediaServerError


class SipError(MediaServerError):
    """A peer broke a SIP rule, or we were asked to."""

    status_hint: int = 400
    """Response code to answer with when a request caused this."""


class SipSyntaxError(SipError):
    """A message, or one of its fields, that cannot be read."""

    blame = Blame.PEER
    reason = "syntax"

    def __init__(self, field: str, why: str) -> None:
        super().__init__(f"{field}: {why}")
        self.field = field
        self.why = why


class UnsupportedSchemeError(SipSyntaxError):
    """A Request-URI of a scheme we do not serve (RFC 3261 8.2.2.1)."""

    reason = "scheme"
    status_hint = 416


class VersionError(SipSyntaxError):
    """A request of another SIP version."""

    reason = "version"
    status_hint = 505


class UnknownMethodError(SipSyntaxError):
    """A broken request of a method nobody knows."""

    reason = "method"
    status_hint = 501


class BodyTooLargeError(SipSyntaxError):
    """A body beyond our limit."""

    reason = "body-size"
    status_hint = 413


class MessageTooLargeError(SipSyntaxError):
    """A head, line or count of lines beyond our limits."""

    reason = "size"
    status_hint = 513


class SipStateError(SipError):
    """An intent that does not fit the state of its leg."""

    reason = "state"
    status_hint = 500
