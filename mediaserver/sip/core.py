"""What every room of the user agent shares: settings, timers, legs, the two queues; and how messages are dressed."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable

from mediaserver.sip.alarms import Alarms
from mediaserver.sip.config import ALLOW, SDP, SessionTimerMode, SipConfig
from mediaserver.sip.dialogs import Dialog, DialogId
from mediaserver.sip.errors import SipStateError
from mediaserver.sip.events import Discarded, SipEvent
from mediaserver.sip.hops import Hop, Outgoing, Transport
from mediaserver.sip.ids import Ids
from mediaserver.sip.layer import TransactionLayer, TransactionUser
from mediaserver.sip.leg_tables import LegInput
from mediaserver.sip.legs import Leg, LegTimer
from mediaserver.sip.message import Headers, Request, Response
from mediaserver.sip.reasons import reason_phrase
from mediaserver.sip.tables import Input
from mediaserver.sip.transactions import ClientTransaction, ResponseHandler, ServerTransaction
from mediaserver.sip.uri import escape_user


class Core:
    """State shared by the rooms; it decides nothing about SIP."""

    def __init__(self, config: SipConfig, ids: Ids, user: TransactionUser) -> None:
        self.config = config
        self.ids = ids
        self.timers = config.timers
        self.alarms: Alarms[tuple[object, str]] = Alarms()
        self.outgoing: list[Outgoing] = []
        self.events: deque[SipEvent] = deque()
        self.layer = TransactionLayer(config, ids, user, self.alarms, self.outgoing.append)
        self.legs: dict[int, Leg] = {}
        self.dialogs: dict[DialogId, Leg] = {}
        self.leg_happened: Callable[[Leg, LegInput, float], None]
        """Feeds the leg machine; set by ``Invites``."""
        self._next_number = 1

    # --- legs -----------------------------------------------------------------------------

    def next_number(self) -> int:
        """A number no leg or INFO has had."""
        number = self._next_number
        self._next_number += 1
        return number

    def leg(self, number: int) -> Leg:
        """The leg, or SipStateError when it is over."""
        leg = self.legs.get(number)
        if leg is None or leg.over:
            raise SipStateError(f"leg {number} is over")
        return leg

    def add_dialog(self, leg: Leg, dialog: Dialog) -> None:
        """Make requests inside ``dialog`` find the leg."""
        self.dialogs[dialog.id] = leg

    def forget(self, leg: Leg) -> None:
        """Drop a leg, its dialogs and its timers."""
        self.legs.pop(leg.number, None)
        for dialog in (leg.dialog, *leg.early.values()):
            if dialog is not None:
                self.dialogs.pop(dialog.id, None)
        for timer in LegTimer:
            self.alarms.cancel((leg, timer))

    def arm(self, leg: Leg, timer: LegTimer, due: float) -> None:
        """Set a timer of a leg."""
        self.alarms.arm((leg, timer), due)

    def disarm(self, leg: Leg, *timers: LegTimer) -> None:
        """Cancel timers of a leg."""
        for timer in timers:
            self.alarms.cancel((leg, timer))

    def next_hop(self, leg: Leg, dialog: Dialog) -> Hop:
        """Where requests inside ``dialog`` go."""
        return leg.flow if leg.pinned else dialog.next_hop(leg.flow)

    def send(self, leg: Leg, request: Request, handler: ResponseHandler, now: float) -> ClientTransaction:
        """Send a request inside the dialog of a leg."""
        self.sign(request.headers)
        return self.layer.send(request, self.next_hop(leg, leg.live_dialog), handler, now)

    # --- queues ---------------------------------------------------------------------------

    def tell(self, event: SipEvent) -> None:
        """Queue an event for the call logic."""
        self.events.append(event)

    def discard(self, reason: str, source: Hop) -> None:
        """Count a dropped message."""
        self.events.append(Discarded(reason=reason, source=source))

    # --- messages -------------------------------------------------------------------------

    def contact(self, hop: Hop, user: str, *, secure: bool = False) -> str:
        """Our Contact value towards a peer."""
        where, transport = self.config.local(hop), hop.transport
        user_part = f"{escape_user(user)}@" if user else ""
        suffix = "" if transport is Transport.UDP else f";transport={transport.lower()}"
        return f"<{'sips' if secure else 'sip'}:{user_part}{where}{suffix}>"

    def response(self, tx: ServerTransaction, status: int, reason: str | None = None) -> Response:
        """A response with what must be echoed (RFC 3261 8.2.6.2), our tag and the headers all responses carry."""
        return self.response_to(tx.request, status, tx.to_tag, reason)

    def response_to(self, request: Request, status: int, to_tag: str, reason: str | None = None) -> Response:
        """As ``response``, for a request without a transaction. 100 copies Timestamp and takes no tag."""
        headers = Headers()
        for name in ("via", "from"):
            headers.extend(name, request.headers.get_all(name))
        to = request.headers.get("to") or ""
        headers.add("to", to if status == 100 or has_tag(to) else f"{to};tag={to_tag}")
        headers.add("call-id", request.headers.get("call-id") or "")
        headers.add("cseq", request.headers.get("cseq") or "")
        if request.method == "INVITE" and 100 < status < 300:
            headers.extend("record-route", request.headers.get_all("record-route"))
        timestamp = request.headers.get("timestamp")
        if status == 100 and timestamp is not None:
            headers.add("timestamp", timestamp)
        if self.config.user_agent:
            headers.add("server", self.config.user_agent)
        return Response(status=status, reason=reason or reason_phrase(status), headers=headers)

    def dress(self, headers: Headers) -> None:
        """Allow and Supported, for INVITE, UPDATE and their 2xx."""
        for name, value in self.abilities():
            headers.add(name, value)

    def abilities(self) -> tuple[tuple[str, str], ...]:
        """Allow and Supported, as fields."""
        timer = self.config.session_timer.mode is not SessionTimerMode.OFF
        return (("allow", ALLOW), *([("supported", "timer")] if timer else []))

    def sign(self, headers: Headers) -> None:
        """User-Agent, for requests of ours."""
        if self.config.user_agent:
            headers.add("user-agent", self.config.user_agent)

    def answer(
        self, tx: ServerTransaction, status: int, now: float, *extra: tuple[str, str | int], reason: str | None = None
    ) -> None:
        """Send a response without a body."""
        response = self.response(tx, status, reason)
        for name, value in extra:
            response.headers.add(name, value)
        self.layer.respond(tx, response, now)

    def answer_once(
        self, tx: ServerTransaction, status: int, now: float, *extra: tuple[str, str | int], reason: str | None = None
    ) -> None:
        """As ``answer``, to a request nobody vouches for: sent once over UDP, and forgotten (RFC 3261 8.2.7, 26.3.2.4).

        A made-up source is then sent no more than it brought, and a flood leaves nothing behind. A
        request that comes again because the response was lost is judged again, and answered under the same tag.
        """
        if tx.source.transport.reliable:
            self.answer(tx, status, now, *extra, reason=reason)
            return
        tx.to_tag = steady_tag(tx.request)
        self.answer(tx, status, now, *extra, reason=reason)
        self.layer.forget(tx)


def dialog_verdict(tx: ClientTransaction, response: Response) -> LegInput | None:
    """What a failed request inside a dialog says about the dialog (RFC 3261 12.2.1.2); None: nothing."""
    if tx.failed is Input.TRANSPORT_ERROR:
        return LegInput.TRANSPORT_ERROR
    return {481: LegInput.GONE, 408: LegInput.SILENT}.get(response.status)


def ignore(tx: ClientTransaction, response: Response, now: float) -> None:
    """Takes the responses nobody waits for."""


def steady_tag(request: Request) -> str:
    """Our tag in the responses to a request we keep no memory of: the same one whenever it comes (RFC 3261 8.2.7)."""
    seed = "|".join(request.headers.get(name) or "" for name in ("via", "call-id", "from"))
    return hashlib.sha256(seed.encode("utf-8", "surrogateescape")).hexdigest()[:16]


def has_tag(to: str) -> bool:
    """A To value as it came carries a tag parameter."""
    _, _, params = to.rpartition(">") if ">" in to else to.partition(";")
    return any(part.partition("=")[0].strip().lower() == "tag" for part in params.split(";"))


def with_sdp(message: Request | Response, body: bytes | None) -> None:
    """Give a message an SDP body, or none."""
    if body is not None:
        message.headers.add("content-type", SDP)
        message.body = body
