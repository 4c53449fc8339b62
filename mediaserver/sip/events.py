"""What the SIP user agent tells the call logic. Bodies stay bytes: SIP does not read SDP.

``leg`` is the number the user agent gave to one INVITE dialog (or dialog to be); it is never reused.
"""

from __future__ import annotations

from dataclasses import dataclass

from mediaserver.sip.hops import Hop


@dataclass(frozen=True, slots=True, kw_only=True)
class Invited:
    """A new INVITE that passed every check (syntax, loops, Require, digest). 100 has been sent."""

    leg: int
    source: Hop
    sip_call_id: str
    request_uri: str
    called: str
    """User part of the Request-URI, unescaped."""
    user: str | None
    """The authenticated subscriber's number."""
    caller_number: str
    caller_label: str
    offer: bytes | None
    """SDP; None is a late offer: ours goes into the 200 and the ACK brings the answer."""
    max_forwards: int
    private: bool = False
    """The caller is not to be shown to the called party."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ringing:
    """A provisional answer (180 to 199, not 100) to an INVITE of ours."""

    leg: int
    status: int
    answer: bytes | None
    """Early media, when a body came with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """2xx to an INVITE of ours; the ACK has been sent. Further 2xx of other forks are ACKed and BYEd inside.

    Where our INVITE had no offer, ``answer`` is the peer's offer, and the ACK waits for ``answer_offer``.
    """

    leg: int
    source: Hop
    sip_call_id: str
    answer: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """An INVITE of ours failed: 3xx to 6xx, or 408 for silence, or 503 for a transport error, or 487 after cancel()."""

    leg: int
    status: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AckReceived:
    """The ACK to our 200; with the peer's answer when the offer was ours."""

    leg: int
    answer: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferReceived:
    """A re-INVITE or UPDATE from the peer. Reply with answer_offer() or reject_offer().

    Session refreshes without a body by UPDATE are answered inside. Glare (491) too.
    """

    leg: int
    offer: bytes | None
    """None: a re-INVITE with a late offer; answer_offer() then carries our offer and AckReceived brings the answer."""
    method: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferAnswered:
    """2xx to a re-INVITE or UPDATE of ours. To a re-INVITE without an offer as with Answered: theirs is an offer.

    A session refresh by re-INVITE offers the session as it is; its answer may move the peer's media all the same.
    """

    leg: int
    answer: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferRejected:
    """A re-INVITE or UPDATE of ours was refused; the session stays as it was (491 is retried inside, RFC 3261 14.1)."""

    leg: int
    status: int


@dataclass(frozen=True, slots=True, kw_only=True)
class InfoReceived:
    """An INFO in the dialog. Reply with respond_info(leg, token, status)."""

    leg: int
    token: int
    content_type: str
    """Lower case, without parameters; empty without a body."""
    body: bytes
    record: str | None
    """Value of a ``Record`` header, lower case."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LegEnded:
    """The dialog (or the INVITE) is over: nothing more can be said on this leg."""

    leg: int
    cause: str
    """``bye`` (theirs or ours), ``cancel``, ``rejected`` (by us), ``no-ack``, ``session-expired``, ``transport``,
    ``dialog-gone`` (481/408 to a request of ours). Every leg ends in exactly one Rejected or LegEnded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """The registrar's bindings of a subscriber changed."""

    user: str
    contacts: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistrationEnded:
    """What a registrar elsewhere said to a REGISTER of ours."""

    status: int
    reason: str
    expires_s: int
    """Seconds granted; 0 when it failed, or was a removal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Discarded:
    """A message was dropped; counted by reason."""

    reason: str
    source: Hop


LegEvent = (
    Ringing
    | Answered
    | Rejected
    | AckReceived
    | OfferReceived
    | OfferAnswered
    | OfferRejected
    | InfoReceived
    | LegEnded
)
"""What is said about a leg that exists already."""

SipEvent = (
    Invited
    | Ringing
    | Answered
    | Rejected
    | AckReceived
    | OfferReceived
    | OfferAnswered
    | OfferRejected
    | InfoReceived
    | LegEnded
    | Registered
    | RegistrationEnded
    | Discarded
)
