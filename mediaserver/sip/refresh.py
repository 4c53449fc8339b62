"""Keeping a session alive, and noticing that it is not (RFC 4028 10)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

from mediaserver.sip.core import Core, dialog_verdict
from mediaserver.sip.errors import SipSyntaxError
from mediaserver.sip.fields import parse_min_se, token_list
from mediaserver.sip.legs import Leg, LegTimer
from mediaserver.sip.message import Headers, Message, Response
from mediaserver.sip.sessions import SessionTimer, add_to_request, from_response
from mediaserver.sip.transactions import ClientTransaction

_AGAIN_S: Final = 10.0
"""Pause before a refresh that was refused is tried again."""


class Refresher:
    """Session timers of all legs."""

    def __init__(self, core: Core, refresh_by_invite: Callable[[Leg, float], None]) -> None:
        """``refresh_by_invite`` sends a re-INVITE with the session as it is, when its turn comes."""
        self._core = core
        self._refresh_by_invite = refresh_by_invite

    def agree(self, leg: Leg, timer: SessionTimer | None, now: float) -> None:
        """A 2xx has set the session timer anew, or switched it off."""
        leg.session = timer
        self._core.disarm(leg, LegTimer.REFRESH, LegTimer.EXPIRE)
        if timer is None:
            return
        self._core.arm(leg, LegTimer.EXPIRE, now + timer.give_up_after_s)
        if timer.we_refresh:
            self._core.arm(leg, LegTimer.REFRESH, now + timer.refresh_after_s)

    def agree_response(self, leg: Leg, response: Response, now: float) -> None:
        """As ``agree``, from a 2xx of theirs."""
        note_allow(leg, response)
        self.agree(leg, from_response(self._core.config.session_timer, response), now)

    def ask(self, leg: Leg, headers: Headers) -> None:
        """Put our wish into an INVITE or UPDATE of ours."""
        add_to_request(self._core.config.session_timer, leg.session, leg.min_se_s, headers)

    def due(self, leg: Leg, now: float) -> None:
        """Half the interval is over: refresh by UPDATE where the peer allows it, else by re-INVITE."""
        if leg.peer_updates:
            self._update(leg, now)
        else:
            self._refresh_by_invite(leg, now)
            self._core.arm(leg, LegTimer.REFRESH, now + _AGAIN_S)

    def _update(self, leg: Leg, now: float) -> None:
        request = leg.live_dialog.request("UPDATE")
        request.headers.add("contact", leg.contact)
        self._core.dress(request.headers)
        self.ask(leg, request.headers)
        self._core.send(leg, request, partial(self._updated, leg), now)

    def _updated(self, leg: Leg, tx: ClientTransaction, response: Response, now: float) -> None:
        if leg.over or response.status < 200:
            return
        if response.status < 300:
            leg.live_dialog.refresh_target(response)
            self.agree_response(leg, response, now)
            return
        verdict = dialog_verdict(tx, response)
        if verdict is not None:
            self._core.leg_happened(leg, verdict, now)
        elif response.status == 422 and raise_min_se(leg, response):
            self._update(leg, now)
        else:
            leg.peer_updates = response.status not in (405, 501) and leg.peer_updates
            self._core.arm(leg, LegTimer.REFRESH, now + _AGAIN_S)


def note_allow(leg: Leg, message: Message) -> None:
    """Learn from Allow whether the peer takes UPDATE; without Allow, what was known stays."""
    try:
        methods = token_list(message.headers, "allow")
    except SipSyntaxError:
        return
    if methods:
        leg.peer_updates = "UPDATE" in methods


def raise_min_se(leg: Leg, response: Response) -> bool:
    """Take the Min-SE of a 422; False when it asks for no more than was offered."""
    try:
        least = parse_min_se(response.headers) or 0
    except SipSyntaxError:
        return False
    if least <= leg.min_se_s:
        return False
    leg.min_se_s = least
    return True
