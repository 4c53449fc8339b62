"""Corners of offers in a dialog that whole flows seldom reach."""

from __future__ import annotations

from mediaserver.sip.core import Core
from mediaserver.sip.events import LegEnded, OfferAnswered, OfferReceived
from mediaserver.sip.leg_tables import LegState, Turn
from mediaserver.sip.legs import Leg
from mediaserver.sip.message import Message, Request
from mediaserver.sip.offers import Offers
from tests.support.sip_link import QUIET, RIGHT, SeededIds, make_agent
from tests.support.sip_peer import Peer, request_text, response_text, statuses


def methods(messages: list[Message]) -> list[str]:
    return [message.method for message in messages if isinstance(message, Request)]


def our_call() -> tuple[Peer, Request, str]:
    """A call of ours that was answered; its INVITE and our tag."""
    peer = Peer()
    invite = peer.call()
    peer.say(response_text(invite, 200, body="answer"))
    return peer, invite, (invite.headers.get("from") or "").partition("tag=")[2]


def test_an_ack_nobody_waits_for_changes_nothing() -> None:
    """The cell is absent, so the turn stays and nothing is told."""
    core = Core(QUIET, SeededIds(), make_agent())
    leg = Leg(
        number=1,
        state=LegState.CONFIRMED,
        turn=Turn.IDLE,
        flow=RIGHT,
        call_id="c",
        invite=Request(method="INVITE", uri="sip:a@b"),
        contact="<sip:a@b>",
    )
    Offers(core).acknowledged(leg, b"answer", 0.0)
    assert (leg.turn, list(core.events), core.outgoing) == (Turn.IDLE, [], [])


def test_silence_to_a_reinvite_ends_the_call() -> None:
    """Timer B, then BYE (12.2.1.2)."""
    peer, _, _ = our_call()
    peer.agent.offer(1, b"new", now=peer.now)
    peer.take()
    out = methods(peer.wait(33))
    assert out[:6] == ["INVITE"] * 6
    assert "BYE" in out
    assert peer.events[-1] == LegEnded(leg=1, cause="dialog-gone")


def test_a_retry_waits_while_it_is_their_turn() -> None:
    """491 to ours; then theirs comes, and is not acknowledged for a while: ours goes out after that."""
    peer, invite, ours = our_call()
    call_id = invite.headers.get("call-id") or ""
    peer.agent.offer(1, b"new", now=peer.now)
    (offer,) = peer.take()
    assert isinstance(offer, Request)
    peer.say(response_text(offer, 491))
    peer.wait(1.0)
    theirs = request_text(branch="z9hG4bKt", to_tag=ours, call_id=call_id, body="v=0\r\n")
    assert statuses(peer.say(theirs)) == [100]
    assert peer.events[-1] == OfferReceived(leg=1, offer=b"v=0\r\n", method="INVITE")
    assert peer.wait(4.0) == []
    peer.agent.answer_offer(1, b"fine", now=peer.now)
    assert statuses(peer.take()) == [200]
    assert methods(peer.wait(4.0)) == []
    peer.say(request_text("ACK", branch="z9hG4bKa", to_tag=ours, call_id=call_id))
    (again, *_) = [message for message in peer.wait(4.0) if isinstance(message, Request)]
    assert (again.method, again.body) == ("INVITE", b"new")
    peer.say(response_text(again, 200, body="yes"))
    assert peer.events[-1:] == [OfferAnswered(leg=1, answer=b"yes")]


def test_their_reinvite_before_the_ack_of_the_last_is_pending() -> None:
    """491 while our 2xx is not acknowledged (RFC 5407 3.1.4)."""
    peer, invite, ours = our_call()
    call_id = invite.headers.get("call-id") or ""
    peer.say(request_text(branch="z9hG4bKt", to_tag=ours, call_id=call_id, body="v=0\r\n"))
    peer.agent.answer_offer(1, b"fine", now=peer.now)
    peer.take()
    second = request_text(branch="z9hG4bKu", to_tag=ours, call_id=call_id, cseq=2, body="v=0\r\n")
    assert statuses(peer.say(second)) == [491]


def test_a_late_2xx_of_a_leg_that_is_over_is_acknowledged() -> None:
    """The re-INVITE was out when we hung up; its 2xx still needs an ACK, its failure is done by the transaction."""
    peer, _, _ = our_call()
    peer.agent.offer(1, b"new", now=peer.now)
    (offer,) = peer.take()
    assert isinstance(offer, Request)
    peer.agent.bye(1, now=peer.now)
    peer.take()
    assert methods(peer.say(response_text(offer, 200, body="yes"))) == ["ACK"]
    assert methods(peer.say(response_text(offer, 200, body="yes"))) == ["ACK"]
