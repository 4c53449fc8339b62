"""2xx to INVITE and their ACKs, which belong to no transaction (RFC 3261 13.2.2.4, 13.3.1.4)."""

from __future__ import annotations

from typing import Final

from mediaserver.sip.core import Core, with_sdp
from mediaserver.sip.dialogs import Dialog
from mediaserver.sip.fields import parse_cseq
from mediaserver.sip.hops import Outgoing
from mediaserver.sip.legs import Leg, LegTimer, Unacked
from mediaserver.sip.message import Response
from mediaserver.sip.transactions import ServerTransaction

_MAX_ACKS: Final = 32
"""ACKs a leg keeps; a 2xx whose ACK is gone is hung up like that of another fork."""


def start_repeating(core: Core, leg: Leg, tx: ServerTransaction, response: Response, now: float) -> None:
    """Repeat a 2xx, sent just now, until its ACK comes, over any transport."""
    leg.unacked = Unacked(
        tx=tx,
        response=response,
        cseq_number=parse_cseq(tx.request.headers).number,
        interval_s=core.timers.t1,
    )
    core.arm(leg, LegTimer.REPEAT_2XX, now + core.timers.t1)
    core.arm(leg, LegTimer.NO_ACK, now + core.timers.give_up)


def repeat(core: Core, leg: Leg, now: float) -> None:
    """The interval is over: once more, at twice the interval, at most T2."""
    unacked = leg.unacked
    assert unacked is not None, "the timer stops with it"
    core.layer.respond(unacked.tx, unacked.response, now)
    unacked.interval_s = min(2 * unacked.interval_s, core.timers.t2)
    core.arm(leg, LegTimer.REPEAT_2XX, now + unacked.interval_s)


def stop_repeating(core: Core, leg: Leg) -> None:
    """The ACK is in, or there is no need of one."""
    leg.unacked = None
    core.disarm(leg, LegTimer.REPEAT_2XX, LegTimer.NO_ACK)


def send_ack(core: Core, leg: Leg, dialog: Dialog, cseq_number: int, answer: bytes | None = None) -> None:
    """Acknowledge a 2xx to an INVITE of ours and keep the ACK for when the 2xx comes again."""
    request = dialog.request("ACK", cseq_number=cseq_number)
    core.sign(request.headers)
    with_sdp(request, answer)
    hop = core.next_hop(leg, dialog)
    while len(leg.acks) >= _MAX_ACKS:
        del leg.acks[next(iter(leg.acks))]
    leg.acks[(dialog.remote_tag, cseq_number)] = Outgoing(data=core.layer.send_ack(request, hop), hop=hop)


def repeat_ack(core: Core, leg: Leg, remote_tag: str, cseq_number: int) -> bool:
    """A 2xx came (again): send its ACK again; False when there is none to send."""
    known = leg.acks.get((remote_tag, cseq_number))
    if known is not None:
        core.outgoing.append(known)
    owing = leg.owed is not None and (leg.owed[0].remote_tag, leg.owed[1]) == (remote_tag, cseq_number)
    return known is not None or owing
