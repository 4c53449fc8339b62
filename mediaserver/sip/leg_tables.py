"""Two machines above the transactions: the life of a leg, and whose turn it is to offer.

A *leg* is one INVITE dialog or dialog to be. A cell that is absent refuses an intent
(``SipStateError``) and ignores what the network brought. Every path ends in exactly one
``Rejected`` (an INVITE of ours that got no dialog) or ``LegEnded`` (everything else).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class LegState(StrEnum):
    """Where a leg stands."""

    INCOMING = "Incoming"
    """Their INVITE waits for our final answer."""
    ACCEPTED = "Accepted"
    """Our 2xx is out and repeated; no ACK yet."""
    PARTING = "Parting"
    """Hung up before the ACK came: the BYE must wait for it (RFC 3261 15)."""
    CALLING = "Calling"
    """Our INVITE is out; nothing has come back."""
    PROCEEDING = "Proceeding"
    """A provisional is in."""
    WITHDRAWN = "Withdrawn"
    """Cancelled before any provisional: the CANCEL must wait for one (9.1)."""
    CANCELLING = "Cancelling"
    """Our CANCEL is out."""
    CONFIRMED = "Confirmed"
    LEAVING = "Leaving"
    """Our BYE is out."""
    ENDED = "Ended"


class LegInput(StrEnum):
    """Intents and what the network brings."""

    PROGRESS = "progress()"
    ACCEPT = "accept()"
    REJECT = "reject()"
    CANCEL = "cancel()"
    BYE = "bye()"
    GOT_1XX = "1xx"
    GOT_2XX = "2xx"
    GOT_FAILURE = "3xx-6xx"
    GOT_ACK = "ACK"
    GOT_CANCEL = "CANCEL"
    GOT_BYE = "BYE"
    NO_ACK = "no ACK in 64*T1"
    NO_FINAL = "no final in 64*T1 after CANCEL"
    BYE_DONE = "BYE over"
    EXPIRED = "session expired"
    GONE = "481 to our request"
    SILENT = "408 to our request"
    TRANSPORT_ERROR = "transport error"


INTENTS: Final = frozenset({LegInput.PROGRESS, LegInput.ACCEPT, LegInput.REJECT, LegInput.CANCEL, LegInput.BYE})
"""Inputs that raise where the table has no cell."""


class LegAction(StrEnum):
    """What a leg then does, in this order."""

    RESPOND = "respond"
    """Send the response at hand (a provisional, a 2xx or a failure) to the INVITE."""
    REPEAT_2XX = "repeat 2xx"
    """Start repeating the 2xx until the ACK (13.3.1.4)."""
    STOP_2XX = "stop 2xx"
    SEND_487 = "send 487"
    SEND_ACK = "send ACK"
    SEND_CANCEL = "send CANCEL"
    SEND_BYE = "send BYE"
    CONFIRM = "confirm"
    """The dialog stands: start the session timer."""
    TELL_RINGING = "tell Ringing"
    TELL_ANSWERED = "tell Answered"
    TELL_REJECTED = "tell Rejected"
    TELL_ENDED = "tell LegEnded"
    FORGET = "forget"
    """Drop the leg, its dialogs and its timers."""


@dataclass(frozen=True, slots=True)
class LegStep:
    """One cell."""

    to: LegState
    do: tuple[LegAction, ...] = ()
    cause: str = ""
    """Of ``LegEnded``."""


class Turn(StrEnum):
    """Offer/answer turn of a leg (RFC 3264, RFC 6337)."""

    IDLE = "Idle"
    OURS = "Ours"
    """An INVITE or UPDATE of ours waits for its final response."""
    THEIRS = "Theirs"
    """An INVITE or UPDATE of theirs waits for our final response."""
    UNACKED = "Unacked"
    """Our 2xx to an INVITE waits for its ACK."""
    OWED = "Owed"
    """Their 2xx brought an offer; our ACK owes the answer."""


class TurnInput(StrEnum):
    """What moves the turn."""

    OFFER = "offer()"
    ANSWER_INVITE = "answer_offer() to INVITE"
    ANSWER_UPDATE = "answer_offer() to UPDATE"
    REFUSE = "reject_offer()"
    THEIR_OFFER = "INVITE or UPDATE with offer"
    GOT_ANSWER = "2xx"
    GOT_OFFER = "2xx with an offer"
    GOT_491 = "491 or 422"
    GOT_FAILURE = "other failure"
    GOT_ACK = "ACK"
    RETRY = "retry due"


TURN_INTENTS: Final = frozenset({TurnInput.OFFER, TurnInput.ANSWER_INVITE, TurnInput.ANSWER_UPDATE, TurnInput.REFUSE})
"""Inputs that raise where the table has no cell."""


class TurnAction(StrEnum):
    """What the offer machine then does, in this order."""

    SEND = "send offer"
    KEEP = "keep for later"
    """Hold our offer until the turn is free."""
    ACK = "send ACK"
    ACK_WITH_ANSWER = "send ACK with answer"
    ANSWER = "send 2xx"
    REPEAT_2XX = "repeat 2xx"
    STOP_2XX = "stop 2xx"
    REFUSE = "send failure"
    REFUSE_491 = "send 491"
    REFUSE_500 = "send 500 with Retry-After"
    WAIT = "wait to retry"
    TELL_OFFER = "tell OfferReceived"
    TELL_ANSWERED = "tell OfferAnswered"
    TELL_REJECTED = "tell OfferRejected"
    TELL_ACK = "tell AckReceived"
    HANG_UP = "hang up"
    """Our answer will not come: ACK without it, then BYE."""


@dataclass(frozen=True, slots=True)
class TurnStep:
    """One cell."""

    to: Turn
    do: tuple[TurnAction, ...] = ()


_LS, _LI, _LA = LegState, LegInput, LegAction

LEG_STEPS: Final[Mapping[tuple[LegState, LegInput], LegStep]] = {
    (_LS.INCOMING, _LI.PROGRESS): LegStep(_LS.INCOMING, (_LA.RESPOND,)),
    (_LS.INCOMING, _LI.ACCEPT): LegStep(_LS.ACCEPTED, (_LA.RESPOND, _LA.REPEAT_2XX)),
    (_LS.INCOMING, _LI.REJECT): LegStep(_LS.ENDED, (_LA.RESPOND, _LA.TELL_ENDED, _LA.FORGET), "rejected"),
    (_LS.INCOMING, _LI.BYE): LegStep(_LS.ENDED, (_LA.SEND_487, _LA.TELL_ENDED, _LA.FORGET), "bye"),
    (_LS.INCOMING, _LI.GOT_CANCEL): LegStep(_LS.ENDED, (_LA.SEND_487, _LA.TELL_ENDED, _LA.FORGET), "cancel"),
    (_LS.INCOMING, _LI.GOT_BYE): LegStep(_LS.ENDED, (_LA.SEND_487, _LA.TELL_ENDED, _LA.FORGET), "bye"),
    (_LS.INCOMING, _LI.TRANSPORT_ERROR): LegStep(_LS.ENDED, (_LA.SEND_487, _LA.TELL_ENDED, _LA.FORGET), "transport"),
    (_LS.ACCEPTED, _LI.GOT_ACK): LegStep(_LS.CONFIRMED, (_LA.CONFIRM,)),
    (_LS.ACCEPTED, _LI.BYE): LegStep(_LS.PARTING, (_LA.TELL_ENDED,), "bye"),
    (_LS.ACCEPTED, _LI.GOT_BYE): LegStep(_LS.ENDED, (_LA.STOP_2XX, _LA.TELL_ENDED, _LA.FORGET), "bye"),
    (_LS.ACCEPTED, _LI.NO_ACK): LegStep(_LS.LEAVING, (_LA.STOP_2XX, _LA.SEND_BYE, _LA.TELL_ENDED), "no-ack"),
    (_LS.ACCEPTED, _LI.TRANSPORT_ERROR): LegStep(_LS.ENDED, (_LA.STOP_2XX, _LA.TELL_ENDED, _LA.FORGET), "transport"),
    (_LS.PARTING, _LI.GOT_ACK): LegStep(_LS.LEAVING, (_LA.STOP_2XX, _LA.SEND_BYE)),
    (_LS.PARTING, _LI.GOT_BYE): LegStep(_LS.ENDED, (_LA.STOP_2XX, _LA.FORGET)),
    (_LS.PARTING, _LI.NO_ACK): LegStep(_LS.LEAVING, (_LA.STOP_2XX, _LA.SEND_BYE)),
    (_LS.PARTING, _LI.TRANSPORT_ERROR): LegStep(_LS.ENDED, (_LA.STOP_2XX, _LA.FORGET)),
    (_LS.CALLING, _LI.GOT_1XX): LegStep(_LS.PROCEEDING, (_LA.TELL_RINGING,)),
    (_LS.CALLING, _LI.GOT_2XX): LegStep(_LS.CONFIRMED, (_LA.SEND_ACK, _LA.CONFIRM, _LA.TELL_ANSWERED)),
    (_LS.CALLING, _LI.GOT_FAILURE): LegStep(_LS.ENDED, (_LA.TELL_REJECTED, _LA.FORGET)),
    (_LS.CALLING, _LI.TRANSPORT_ERROR): LegStep(_LS.ENDED, (_LA.TELL_REJECTED, _LA.FORGET)),
    (_LS.CALLING, _LI.CANCEL): LegStep(_LS.WITHDRAWN),
    (_LS.CALLING, _LI.BYE): LegStep(_LS.WITHDRAWN),
    (_LS.PROCEEDING, _LI.GOT_1XX): LegStep(_LS.PROCEEDING, (_LA.TELL_RINGING,)),
    (_LS.PROCEEDING, _LI.GOT_2XX): LegStep(_LS.CONFIRMED, (_LA.SEND_ACK, _LA.CONFIRM, _LA.TELL_ANSWERED)),
    (_LS.PROCEEDING, _LI.GOT_FAILURE): LegStep(_LS.ENDED, (_LA.TELL_REJECTED, _LA.FORGET)),
    (_LS.PROCEEDING, _LI.TRANSPORT_ERROR): LegStep(_LS.ENDED, (_LA.TELL_REJECTED, _LA.FORGET)),
    (_LS.PROCEEDING, _LI.CANCEL): LegStep(_LS.CANCELLING, (_LA.SEND_CANCEL,)),
    (_LS.PROCEEDING, _LI.BYE): LegStep(_LS.CANCELLING, (_LA.SEND_CANCEL,)),
    (_LS.WITHDRAWN, _LI.CANCEL): LegStep(_LS.WITHDRAWN),
    (_LS.WITHDRAWN, _LI.BYE): LegStep(_LS.WITHDRAWN),
    (_LS.WITHDRAWN, _LI.GOT_1XX): LegStep(_LS.CANCELLING, (_LA.SEND_CANCEL,)),
    (_LS.WITHDRAWN, _LI.GOT_2XX): LegStep(_LS.LEAVING, (_LA.SEND_ACK, _LA.SEND_BYE, _LA.TELL_REJECTED)),
    (_LS.WITHDRAWN, _LI.GOT_FAILURE): LegStep(_LS.ENDED, (_LA.TELL_REJECTED, _LA.FORGET)),
    (_LS.WITHDRAWN, _LI.TRANSPORT_ERROR): LegStep(_LS.ENDED, (_LA.TELL_REJECTED, _LA.FORGET)),
    (_LS.CANCELLING, _LI.CANCEL): LegStep(_LS.CANCELLING),
    (_LS.CANCELLING, _LI.BYE): LegStep(_LS.CANCELLING),
    (_LS.CANCELLING, _LI.GOT_2XX): LegStep(_LS.LEAVING, (_LA.SEND_ACK, _LA.SEND_BYE, _LA.TELL_REJECTED)),
    (_LS.CANCELLING, _LI.GOT_FAILURE): LegStep(_LS.ENDED, (_LA.TELL_REJECTED, _LA.FORGET)),
    (_LS.CANCELLING, _LI.TRANSPORT_ERROR): LegStep(_LS.ENDED, (_LA.TELL_REJECTED, _LA.FORGET)),
    (_LS.CANCELLING, _LI.NO_FINAL): LegStep(_LS.ENDED, (_LA.TELL_REJECTED, _LA.FORGET)),
    (_LS.CONFIRMED, _LI.BYE): LegStep(_LS.LEAVING, (_LA.STOP_2XX, _LA.SEND_BYE, _LA.TELL_ENDED), "bye"),
    (_LS.CONFIRMED, _LI.GOT_BYE): LegStep(_LS.ENDED, (_LA.STOP_2XX, _LA.TELL_ENDED, _LA.FORGET), "bye"),
    (_LS.CONFIRMED, _LI.NO_ACK): LegStep(_LS.LEAVING, (_LA.STOP_2XX, _LA.SEND_BYE, _LA.TELL_ENDED), "no-ack"),
    (_LS.CONFIRMED, _LI.EXPIRED): LegStep(_LS.LEAVING, (_LA.STOP_2XX, _LA.SEND_BYE, _LA.TELL_ENDED), "session-expired"),
    (_LS.CONFIRMED, _LI.GONE): LegStep(_LS.ENDED, (_LA.STOP_2XX, _LA.TELL_ENDED, _LA.FORGET), "dialog-gone"),
    (_LS.CONFIRMED, _LI.SILENT): LegStep(_LS.LEAVING, (_LA.STOP_2XX, _LA.SEND_BYE, _LA.TELL_ENDED), "dialog-gone"),
    (_LS.CONFIRMED, _LI.TRANSPORT_ERROR): LegStep(_LS.ENDED, (_LA.STOP_2XX, _LA.TELL_ENDED, _LA.FORGET), "transport"),
    (_LS.LEAVING, _LI.BYE_DONE): LegStep(_LS.ENDED, (_LA.FORGET,)),
    (_LS.LEAVING, _LI.TRANSPORT_ERROR): LegStep(_LS.ENDED, (_LA.FORGET,)),
}

_TS, _TI, _TA = Turn, TurnInput, TurnAction

TURN_STEPS: Final[Mapping[tuple[Turn, TurnInput], TurnStep]] = {
    (_TS.IDLE, _TI.OFFER): TurnStep(_TS.OURS, (_TA.SEND,)),
    (_TS.IDLE, _TI.THEIR_OFFER): TurnStep(_TS.THEIRS, (_TA.TELL_OFFER,)),
    (_TS.IDLE, _TI.RETRY): TurnStep(_TS.OURS, (_TA.SEND,)),
    (_TS.OURS, _TI.OFFER): TurnStep(_TS.OURS, (_TA.KEEP,)),
    (_TS.OURS, _TI.RETRY): TurnStep(_TS.OURS, (_TA.WAIT,)),
    (_TS.OURS, _TI.THEIR_OFFER): TurnStep(_TS.OURS, (_TA.REFUSE_491,)),
    (_TS.OURS, _TI.GOT_ANSWER): TurnStep(_TS.IDLE, (_TA.ACK, _TA.TELL_ANSWERED)),
    (_TS.OURS, _TI.GOT_OFFER): TurnStep(_TS.OWED, (_TA.TELL_ANSWERED,)),
    (_TS.OURS, _TI.GOT_491): TurnStep(_TS.IDLE, (_TA.WAIT,)),
    (_TS.OURS, _TI.GOT_FAILURE): TurnStep(_TS.IDLE, (_TA.TELL_REJECTED,)),
    # RFC 3261 14.2 and RFC 3311 5.2: a second one before we answered the first.
    (_TS.THEIRS, _TI.THEIR_OFFER): TurnStep(_TS.THEIRS, (_TA.REFUSE_500,)),
    (_TS.THEIRS, _TI.ANSWER_INVITE): TurnStep(_TS.UNACKED, (_TA.ANSWER, _TA.REPEAT_2XX)),
    (_TS.THEIRS, _TI.ANSWER_UPDATE): TurnStep(_TS.IDLE, (_TA.ANSWER,)),
    (_TS.THEIRS, _TI.REFUSE): TurnStep(_TS.IDLE, (_TA.REFUSE,)),
    (_TS.THEIRS, _TI.RETRY): TurnStep(_TS.THEIRS, (_TA.WAIT,)),
    # Their next offer has overtaken the ACK; it comes again once that is in (RFC 5407 3.1.4).
    (_TS.UNACKED, _TI.THEIR_OFFER): TurnStep(_TS.UNACKED, (_TA.REFUSE_491,)),
    (_TS.UNACKED, _TI.OFFER): TurnStep(_TS.UNACKED, (_TA.KEEP,)),
    (_TS.UNACKED, _TI.GOT_ACK): TurnStep(_TS.IDLE, (_TA.STOP_2XX, _TA.TELL_ACK)),
    (_TS.UNACKED, _TI.RETRY): TurnStep(_TS.UNACKED, (_TA.WAIT,)),
    (_TS.OWED, _TI.THEIR_OFFER): TurnStep(_TS.OWED, (_TA.REFUSE_491,)),
    (_TS.OWED, _TI.RETRY): TurnStep(_TS.OWED, (_TA.WAIT,)),
    (_TS.OWED, _TI.ANSWER_INVITE): TurnStep(_TS.IDLE, (_TA.ACK_WITH_ANSWER,)),
    (_TS.OWED, _TI.REFUSE): TurnStep(_TS.IDLE, (_TA.HANG_UP,)),
}
