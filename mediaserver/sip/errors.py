"""Errors of the SIP rooms.

    SipError
    ├── SipSyntaxError     bytes that are not SIP, or a field that breaks its grammar
    └── SipStateError      the caller asked for something the dialog cannot do now
"""

from __future__ import annotations

from typing import ClassVar

from callmodel.errors import Blame, MediaServerError


class SipError(MediaServerError):
    """A peer broke a SIP rule, or we were asked to."""

    status_hint: ClassVar[int] = 400
    """Response code to answer with when a request caused this."""


class SipSyntaxError(SipError):
    """A message, or one of its fields, that cannot be read."""

    blame = Blame.PEER
    reason = "syntax"

    def __init__(self, field: str, why: str) -> None:
        super().__init__(f"{field}: {why}")
        self.field = field
        self.why = why


class SipStateError(SipError):
    """An intent that does not fit the state of its leg."""

    reason = "state"
    status_hint = 500
