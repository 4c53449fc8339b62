"""What the user agent remembers of one leg."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from mediaserver.sip.dialogs import Dialog
from mediaserver.sip.hops import Hop, Outgoing
from mediaserver.sip.leg_tables import LegState, Turn
from mediaserver.sip.message import Request, Response
from mediaserver.sip.sessions import SessionTimer
from mediaserver.sip.transactions import ClientTransaction, ServerTransaction


class LegTimer(StrEnum):
    """Timers of a leg, beside those of its transactions."""

    REPEAT_2XX = "repeat 2xx"
    NO_ACK = "no ACK"
    PROVISIONAL = "repeat provisional"
    INVITE_EXPIRES = "INVITE expires"
    NO_FINAL = "no final after CANCEL"
    RETRY_OFFER = "retry offer"
    REFRESH = "refresh session"
    EXPIRE = "session expires"


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferPlan:
    """A re-INVITE or UPDATE of ours that is out, or waits for its turn."""

    method: str
    body: bytes | None
    told: bool
    """The call logic asked for it and hears how it went; of a session refresh it hears the answer only."""


@dataclass(slots=True, kw_only=True)
class Unacked:
    """A 2xx of ours to an INVITE that waits for its ACK."""

    tx: ServerTransaction
    response: Response
    cseq_number: int
    interval_s: float


@dataclass(slots=True, eq=False, kw_only=True)
class Leg:
    """One INVITE dialog, or dialog to be. Identity is what counts, so that it can key timers."""

    number: int
    state: LegState
    turn: Turn
    flow: Hop
    """The way the peer was heard last, or, before that, where the call was sent."""
    pinned: bool = False
    """The peer's addresses are not to be believed (NAT): stay on ``flow``."""
    call_id: str
    dialog: Dialog | None = None
    """None until a response with a To tag comes."""
    early: dict[str, Dialog] = field(default_factory=dict)
    """Dialogs of the forks of an INVITE of ours, by their tag."""
    invite: Request
    contact: str
    """Our Contact in this leg."""
    server: ServerTransaction | None = None
    """Their first INVITE."""
    client: ClientTransaction | None = None
    """Ours."""
    provisional: Response | None = None
    """Newest 101 to 199 we sent."""
    unacked: Unacked | None = None
    acks: dict[tuple[str, int], Outgoing] = field(default_factory=dict)
    """ACKs to 2xx by (their tag, CSeq), to be repeated with the 2xx; the newest ones."""
    refused_forks: int = 0
    local_body: bytes | None = None
    """The newest SDP of ours, for refreshes by re-INVITE."""
    plan: OfferPlan | None = None
    """Offer of ours that is out."""
    asked: OfferPlan | None = None
    """The last one that had its final response."""
    queued: OfferPlan | None = None
    """Offer of ours that waits for its turn."""
    owed: tuple[Dialog, int] | None = None
    """Dialog and CSeq of the ACK that owes an answer."""
    their_offer: ServerTransaction | None = None
    """Their re-INVITE or UPDATE that waits for our answer."""
    infos: dict[int, ServerTransaction] = field(default_factory=dict)
    """INFO requests that wait for respond_info, by token."""
    session: SessionTimer | None = None
    min_se_s: int = 0
    """What a 422 demanded."""
    peer_updates: bool = False
    """Their Allow lists UPDATE."""
    reason: str = ""
    """Reason of our CANCEL or BYE (RFC 3326); empty for none."""
    over: bool = False
    """Rejected or LegEnded has been told."""

    @property
    def live_dialog(self) -> Dialog:
        """The dialog of a leg that has one."""
        assert self.dialog is not None
        return self.dialog
