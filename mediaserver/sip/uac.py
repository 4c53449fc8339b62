"""Calls of ours: the INVITE, its responses and its forks (RFC 3261 13.2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from mediaserver.sip.acks import repeat_ack, send_ack
from mediaserver.sip.checks import check_request_uri
from mediaserver.sip.client import MAX_TRIES, ClientCredentials, answer_challenge
from mediaserver.sip.core import Core, ignore, with_sdp
from mediaserver.sip.dialogs import Dialog
from mediaserver.sip.errors import SipStateError
from mediaserver.sip.fields import NameAddr, parse_cseq, parse_single
from mediaserver.sip.hops import Hop
from mediaserver.sip.identity import ANONYMOUS, WITHHELD, number_of
from mediaserver.sip.invites import Invites
from mediaserver.sip.leg_tables import LEG_STEPS, LegInput, LegState, Turn
from mediaserver.sip.legs import Leg
from mediaserver.sip.message import Headers, Request, Response
from mediaserver.sip.refresh import Refresher, note_allow, raise_min_se
from mediaserver.sip.routing import hop_to
from mediaserver.sip.transactions import ClientTransaction
from mediaserver.sip.uri import SipUri, escape_user


class Uac:
    """Places calls and follows their INVITE."""

    def __init__(
        self, core: Core, invites: Invites, refresher: Refresher, credentials: ClientCredentials | None
    ) -> None:
        self._core = core
        self._credentials = credentials
        self._invites = invites
        self._refresher = refresher

    def call(
        self,
        target: str,
        hop: Hop,
        *,
        caller_number: str,
        caller_label: str,
        private: bool,
        called: str,
        offer: bytes | None,
        max_forwards: int,
        headers: Sequence[tuple[str, str]],
        now: float,
    ) -> int:
        """Send an INVITE; see ``UserAgent.call``."""
        core = self._core
        if len(core.legs) >= core.config.limits.max_legs:
            raise SipStateError("too many legs")
        if core.config.is_self(hop):
            raise SipStateError("a call to ourselves would call itself again")
        uri = check_request_uri(target)
        caller = ANONYMOUS if private else NameAddr(display=caller_label, uri=self._identity(caller_number))
        from_ = replace(caller, params=(("tag", core.ids.token(64)),))
        to = NameAddr(uri=self._identity(called))
        leg = Leg(
            number=core.next_number(),
            state=LegState.CALLING,
            turn=Turn.OURS,
            flow=hop,
            # An address other than the URI's own was chosen by who calls us: the registrar knows better.
            pinned=hop_to(uri, hop) != hop,
            call_id=core.ids.token(128),
            invite=Request(method="INVITE", uri=target, body=offer or b""),
            contact=core.contact(hop, number_of(caller), secure=uri.scheme == "sips"),
            local_body=offer,
        )
        fields = leg.invite.headers
        fields.add("max-forwards", max_forwards)
        fields.add("from", str(from_))
        fields.add("to", str(to))
        fields.add("call-id", leg.call_id)
        fields.add("cseq", "1 INVITE")
        for name, value in (*headers, *([WITHHELD] if private else [])):
            fields.add(name, value)
        core.legs[leg.number] = leg
        self._send(leg, now)
        return leg.number

    def _identity(self, number: str) -> SipUri:
        host = self._core.config.realm
        return SipUri(user=escape_user(number) or None, host=f"[{host}]" if ":" in host else host)

    def _send(self, leg: Leg, now: float) -> None:
        """Send the leg's INVITE, a copy of it, dressed for this attempt."""
        core = self._core
        request = Request(method="INVITE", uri=leg.invite.uri, headers=Headers(list(leg.invite.headers)))
        request.headers.add("contact", leg.contact)
        core.dress(request.headers)
        self._refresher.ask(leg, request.headers)
        core.sign(request.headers)
        with_sdp(request, leg.invite.body or None)
        leg.client = core.layer.send(request, leg.flow, partial(self._replied, leg), now)

    # --- responses ------------------------------------------------------------------------

    def _replied(self, leg: Leg, tx: ClientTransaction, response: Response, now: float) -> None:
        if tx is not leg.client:
            return  # an attempt that a 422 has ended
        if tx.heard is not None and not (leg.pinned and tx.heard.connection is None):
            leg.flow = tx.heard
        if response.status < 200:
            self._provisional(leg, tx, response, now)
        elif response.status < 300:
            self._success(leg, tx, response, now)
        elif not self._mended(leg, tx, response, now):
            self._invites.happened(leg, LegInput.GOT_FAILURE, now, response)

    def _mended(self, leg: Leg, tx: ClientTransaction, response: Response, now: float) -> bool:
        """A failure that another attempt may mend was answered by one."""
        if response.status == 422:
            return self._ask_longer(leg, response, now)
        return response.status in (401, 407) and self._authorize(leg, tx, response, now)

    def _provisional(self, leg: Leg, tx: ClientTransaction, response: Response, now: float) -> None:
        tag = parse_single(response.headers, "to").tag
        new = tag is not None and tag not in leg.early and leg.dialog is None
        if tag is not None and new and response.status > 100 and len(leg.early) < self._core.config.limits.max_forks:
            dialog = Dialog.of_client(tx.request, response)
            leg.early[tag] = dialog
            self._core.add_dialog(leg, dialog)
        self._invites.happened(leg, LegInput.GOT_1XX, now, response)

    def _success(self, leg: Leg, tx: ClientTransaction, response: Response, now: float) -> None:
        tag = parse_single(response.headers, "to").tag or ""
        if repeat_ack(self._core, leg, tag, parse_cseq(tx.request.headers).number):
            return
        first = leg.dialog is None and (leg.state, LegInput.GOT_2XX) in LEG_STEPS
        dialog = (leg.early.pop(tag, None) if first else None) or Dialog.of_client(tx.request, response)
        dialog.confirm(response)
        if not first:
            self._refuse_fork(leg, dialog, tx, now)
            return
        leg.dialog = dialog
        for other in leg.early.values():
            self._core.dialogs.pop(other.id, None)
        leg.early.clear()
        self._core.add_dialog(leg, dialog)
        note_allow(leg, response)
        self._invites.happened(leg, LegInput.GOT_2XX, now, response)

    def _refuse_fork(self, leg: Leg, dialog: Dialog, tx: ClientTransaction, now: float) -> None:
        """Another phone has answered as well, or too late: ACK and BYE (13.2.2.4). There cannot be that many."""
        if leg.refused_forks >= self._core.config.limits.max_forks:
            self._core.discard("too-many-forks", tx.heard or tx.hop)
            return
        leg.refused_forks += 1
        send_ack(self._core, leg, dialog, parse_cseq(tx.request.headers).number)
        bye = dialog.request("BYE")
        self._core.sign(bye.headers)
        self._core.layer.send(bye, self._core.next_hop(leg, dialog), ignore, now)

    def _ask_longer(self, leg: Leg, response: Response, now: float) -> bool:
        """422: once more with the interval the peer demands (RFC 4028 7.4)."""
        if leg.state not in (LegState.CALLING, LegState.PROCEEDING) or not raise_min_se(leg, response):
            return False
        self._try_again(leg, now)
        return True

    def _authorize(self, leg: Leg, tx: ClientTransaction, response: Response, now: float) -> bool:
        """401 and 407: once more with credentials, when we have any (RFC 3261 22.2)."""
        if leg.state not in (LegState.CALLING, LegState.PROCEEDING):
            return False
        if parse_cseq(leg.invite.headers).number >= MAX_TRIES:
            return False
        answer = answer_challenge(self._core, self._credentials, tx.request, response)
        if answer is None:
            return False
        leg.invite.headers.set(*answer)
        self._try_again(leg, now)
        return True

    def _try_again(self, leg: Leg, now: float) -> None:
        cseq_number = parse_cseq(leg.invite.headers).number + 1
        leg.invite.headers.set("cseq", f"{cseq_number} INVITE")
        leg.state = LegState.CALLING
        self._send(leg, now)

    def stray_2xx(self, response: Response) -> bool:
        """A 2xx to an INVITE whose transaction is over: repeat its ACK if its leg still lives."""
        call_id = response.headers.get("call-id") or ""
        remote_tag = parse_single(response.headers, "to").tag or ""
        local_tag = parse_single(response.headers, "from").tag or ""
        leg = self._core.dialogs.get((call_id, local_tag, remote_tag))
        return leg is not None and repeat_ack(self._core, leg, remote_tag, parse_cseq(response.headers).number)
