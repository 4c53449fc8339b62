"""Whole flows between two user agents, message by message (RFC 3261, 3665, 5407, 6026)."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import dedent, indent

import pytest

from mediaserver.sip.errors import SipStateError
from mediaserver.sip.events import (
    AckReceived,
    Answered,
    Discarded,
    InfoReceived,
    Invited,
    LegEnded,
    OfferAnswered,
    OfferReceived,
    OfferRejected,
    Rejected,
    Ringing,
)
from tests.support.sip_link import RIGHT, Link, Packet, losing


def flow(text: str) -> str:
    """A log as ``Link.flow`` gives it."""
    return indent(dedent(text).strip("\n "), "   ")


def said(link: Link, after: int = 0) -> list[str]:
    """What went over the line, without times and directions, from one message on."""
    return [line.split(" B  ")[1] for line in link.log[after:]]


def quiet(link: Link) -> bool:
    """Nothing is remembered on either side, and no timer runs."""
    ends = (link.left, link.right)
    return not any(end.leg_count or end.transaction_count or end.next_timer() for end in ends)


def reasons(link: Link, side: str) -> list[str]:
    return [event.reason for event in link.heard[side] if isinstance(event, Discarded)]


# --- set up and take down ----------------------------------------------------------------


def test_a_call_is_set_up_and_the_caller_hangs_up() -> None:
    """RFC 3665 3.1."""
    link = Link()
    leg = link.call()
    link.run(0.1)
    other = link.invited().leg
    link.right.progress(other, 180, now=link.now)
    link.run(0.1)
    link.right.accept(other, b"answer", now=link.now)
    link.run(0.1)
    link.left.bye(leg, now=link.now)
    link.run(60)
    assert link.flow() == flow("""
       0.000 A -> B  INVITE
       0.010 A <- B  100 INVITE
       0.100 A <- B  180 INVITE
       0.200 A <- B  200 INVITE
       0.210 A -> B  ACK
       0.300 A -> B  BYE
       0.310 A <- B  200 BYE
    """)
    assert [type(event) for event in link.heard["A"]] == [Ringing, Answered, LegEnded]
    assert [type(event) for event in link.heard["B"]] == [Invited, AckReceived, LegEnded]
    assert quiet(link)


def test_the_events_carry_what_was_said() -> None:
    """Every field of Invited, Ringing, Answered, AckReceived and LegEnded."""
    link = Link()
    leg = link.call()
    link.run(0.1)
    invited = link.invited()
    assert (invited.called, invited.user, invited.caller_number) == ("bob", None, "alice")
    assert (invited.caller_label, invited.offer, invited.max_forwards) == ("Alice", b"offer", 70)
    link.right.progress(invited.leg, 183, b"early", now=link.now)
    link.run(0.1)
    link.right.accept(invited.leg, b"answer", now=link.now)
    link.run(0.1)
    link.right.bye(invited.leg, now=link.now)
    link.run(0.1)
    assert link.of("A", Ringing) == [Ringing(leg=leg, status=183, answer=b"early")]
    answered = link.of("A", Answered)[0]
    assert isinstance(answered, Answered)
    assert (answered.leg, answered.answer, answered.sip_call_id) == (leg, b"answer", invited.sip_call_id)
    assert link.of("B", AckReceived) == [AckReceived(leg=invited.leg, answer=None)]
    assert link.of("A", LegEnded) == [LegEnded(leg=leg, cause="bye")]
    assert link.of("B", LegEnded) == [LegEnded(leg=invited.leg, cause="bye")]


def test_a_busy_callee() -> None:
    """RFC 3665 3.8: the failure is acknowledged inside the transaction."""
    link = Link()
    leg = link.call()
    link.run(0.1)
    link.right.reject(link.invited().leg, 486, now=link.now, headers=(("Retry-After", "7"),))
    link.run(60)
    assert link.flow() == flow("""
       0.000 A -> B  INVITE
       0.010 A <- B  100 INVITE
       0.100 A <- B  486 INVITE
       0.110 A -> B  ACK
    """)
    assert link.heard["A"] == [Rejected(leg=leg, status=486, reason="Busy Here")]
    assert link.of("B", LegEnded) == [LegEnded(leg=link.invited().leg, cause="rejected")]
    assert quiet(link)


def test_a_late_offer() -> None:
    """An INVITE without SDP: the 200 offers, the ACK answers, once the call logic has given it."""
    link = Link()
    leg = link.call(offer=None)
    link.run(0.1)
    assert link.invited().offer is None
    link.right.accept(link.invited().leg, b"their offer", now=link.now)
    link.run(0.7)
    assert said(link) == ["INVITE", "100 INVITE", "200 INVITE", "200 INVITE"]
    link.left.answer_offer(leg, b"our answer", now=link.now)
    link.run(0.1)
    assert link.of("B", AckReceived) == [AckReceived(leg=link.invited().leg, answer=b"our answer")]
    link.left.bye(leg, now=link.now)
    link.run(60)
    assert quiet(link)


def test_hanging_up_instead_of_answering_a_late_offer() -> None:
    """reject_offer() on the offer of a 200: ACK without a body, then BYE."""
    link = Link()
    leg = link.call(offer=None)
    link.run(0.1)
    link.right.accept(link.invited().leg, b"their offer", now=link.now)
    link.run(0.1)
    link.left.reject_offer(leg, 488, now=link.now)
    link.run(60)
    assert said(link)[-3:] == ["ACK", "BYE", "200 BYE"]
    assert link.of("A", LegEnded) == [LegEnded(leg=leg, cause="bye")]
    assert quiet(link)


# --- loss --------------------------------------------------------------------------------


def test_a_lost_invite_is_repeated() -> None:
    """Timer A: after T1, then twice as long."""
    link = Link(fate=losing(("A", "INVITE", 1), ("A", "INVITE", 2)))
    link.call()
    link.run(2)
    assert link.flow() == flow("""
       0.000 A -> B  INVITE  lost
       0.500 A -> B  INVITE  lost
       1.500 A -> B  INVITE
       1.510 A <- B  100 INVITE
    """)


def test_silence_is_a_timeout_after_64_t1() -> None:
    """Timer B: Rejected with 408, after seven INVITEs."""
    link = Link(fate=losing(("A", "INVITE", 0)))
    leg = link.call()
    link.run(31.9)
    assert link.heard["A"] == []
    link.run(0.2)
    assert link.heard["A"] == [Rejected(leg=leg, status=408, reason="Request Timeout")]
    assert len(link.log) == 7
    assert quiet(link)


def test_a_lost_200_is_repeated_until_the_ack() -> None:
    """13.3.1.4: T1, then doubled; the INVITE is not repeated once a provisional was in."""
    link = Link(fate=losing(("B", "200 INVITE", 1), ("B", "200 INVITE", 2)))
    leg = link.call()
    link.run(0.1)
    link.right.accept(link.invited().leg, b"answer", now=link.now)
    link.run(5)
    assert link.flow() == flow("""
       0.000 A -> B  INVITE
       0.010 A <- B  100 INVITE
       0.100 A <- B  200 INVITE  lost
       0.600 A <- B  200 INVITE  lost
       1.600 A <- B  200 INVITE
       1.610 A -> B  ACK
    """)
    assert [event.leg for event in link.of("A", Answered) if isinstance(event, Answered)] == [leg]


def test_a_lost_ack_is_repeated_for_each_repeated_200() -> None:
    """13.2.2.4, and Answered is told once."""
    link = Link(fate=losing(("A", "ACK", 1), ("A", "ACK", 2)))
    link.established()
    link.run(5)
    assert said(link, 2) == ["200 INVITE", "ACK  lost", "200 INVITE", "ACK  lost", "200 INVITE", "ACK"]
    assert len(link.of("A", Answered)) == 1
    assert len(link.of("B", AckReceived)) == 1


def test_no_ack_ends_the_leg_by_bye() -> None:
    """64*T1 after the 200: BYE, and LegEnded says no-ack."""
    link = Link(fate=losing(("A", "ACK", 0)))
    leg, other = link.established()
    link.run(31.8)
    assert link.of("B", LegEnded) == []
    link.run(60)
    assert link.of("B", LegEnded) == [LegEnded(leg=other, cause="no-ack")]
    assert link.of("A", LegEnded) == [LegEnded(leg=leg, cause="bye")]
    assert quiet(link)


def test_a_lost_bye_is_repeated() -> None:
    """Timer E; the leg has ended for its owner at once."""
    link = Link(fate=losing(("A", "BYE", 1)))
    leg, other = link.established()
    link.left.bye(leg, now=link.now)
    link.run(0.01)
    assert link.of("A", LegEnded) == [LegEnded(leg=leg, cause="bye")]
    link.run(60)
    assert link.of("B", LegEnded) == [LegEnded(leg=other, cause="bye")]
    assert quiet(link)


def test_a_failure_is_repeated_until_the_ack() -> None:
    """Timer G, T1 doubled to T2; timer I absorbs what comes later."""
    link = Link(fate=losing(("A", "ACK", 1), ("A", "ACK", 2)))
    link.call()
    link.run(0.1)
    link.right.reject(link.invited().leg, 480, now=link.now)
    link.run(60)
    assert said(link, 2) == [
        "480 INVITE",
        "ACK  lost",
        "480 INVITE",
        "ACK  lost",
        "480 INVITE",
        "ACK",
    ]
    assert quiet(link)


def test_a_repeated_invite_gets_the_newest_provisional() -> None:
    """17.2.1, and no second call is made of it."""
    link = Link(fate=lambda packet: (0.010, 0.3) if packet.what == "INVITE" else (0.010,))
    link.call()
    link.run(0.1)
    link.right.progress(link.invited().leg, 180, now=link.now)
    link.run(0.5)
    assert said(link) == ["INVITE  x2", "100 INVITE", "180 INVITE", "180 INVITE"]
    assert len(link.of("B", Invited)) == 1


def test_a_provisional_behind_the_200_changes_nothing() -> None:
    """A 180 that overtakes nobody: RFC 5407 2, late provisional."""
    link = Link(fate=lambda packet: (0.5,) if packet.what == "180 INVITE" else (0.010,))
    link.call()
    link.run(0.1)
    link.right.progress(link.invited().leg, 180, now=link.now)
    link.right.accept(link.invited().leg, b"answer", now=link.now)
    link.run(1)
    assert [type(event) for event in link.heard["A"]] == [Answered, Discarded]
    assert reasons(link, "A") == ["response-repeated"]


def test_a_provisional_is_repeated_every_minute() -> None:
    """13.3.1.1: proxies on the way must not time out."""
    link = Link()
    link.call()
    link.run(0.1)
    link.right.progress(link.invited().leg, 180, now=link.now)
    link.run(150)
    assert [line[:8].strip() for line in link.log if "180" in line] == ["0.100", "60.100", "120.100"]


# --- CANCEL ------------------------------------------------------------------------------


def test_a_cancelled_call() -> None:
    """RFC 3665 3.8: 200 to the CANCEL, 487 to the INVITE."""
    link = Link()
    leg = link.call()
    link.run(0.1)
    link.left.cancel(leg, now=link.now)
    link.run(60)
    assert link.flow() == flow("""
       0.000 A -> B  INVITE
       0.010 A <- B  100 INVITE
       0.100 A -> B  CANCEL
       0.110 A <- B  200 CANCEL
       0.110 A <- B  487 INVITE
       0.120 A -> B  ACK
    """)
    assert link.heard["A"] == [Rejected(leg=leg, status=487, reason="Request Terminated")]
    assert link.of("B", LegEnded) == [LegEnded(leg=link.invited().leg, cause="cancel")]
    assert quiet(link)


def test_a_cancel_waits_for_the_first_provisional() -> None:
    """9.1: no CANCEL before the peer has shown a sign of life."""
    link = Link(fate=losing(("A", "INVITE", 1)))
    leg = link.call()
    link.run(0.1)
    link.left.bye(leg, now=link.now)
    link.run(60)
    assert said(link) == [
        "INVITE  lost",
        "INVITE",
        "100 INVITE",
        "CANCEL",
        "200 CANCEL",
        "487 INVITE",
        "ACK",
    ]
    assert link.heard["A"] == [Rejected(leg=leg, status=487, reason="Request Terminated")]


def test_a_cancel_that_crosses_the_200() -> None:
    """RFC 5407 3.1.1: the call stands, so it is acknowledged and hung up; the caller hears 487."""
    link = Link()
    leg = link.call()
    link.run(0.1)
    other = link.invited().leg
    link.right.accept(other, b"answer", now=link.now)
    link.left.cancel(leg, now=link.now)
    link.run(60)
    assert sorted(said(link, 2)) == [
        "200 BYE",
        "200 CANCEL",
        "200 INVITE",
        "ACK",
        "BYE",
        "CANCEL",
    ]
    assert link.of("A", Rejected, Answered, LegEnded) == [Rejected(leg=leg, status=487, reason="Request Terminated")]
    assert link.of("B", LegEnded) == [LegEnded(leg=other, cause="bye")]
    assert quiet(link)


def test_a_cancel_nobody_answers_ends_after_64_t1() -> None:
    """9.1: the INVITE is given up."""
    link = Link(fate=losing(("B", "200 CANCEL", 0), ("B", "487 INVITE", 0)))
    leg = link.call()
    link.run(0.1)
    link.left.cancel(leg, now=link.now)
    link.run(32.2)
    assert link.of("A", Rejected) == [Rejected(leg=leg, status=487, reason="Request Terminated")]
    link.run(60)
    assert quiet(link)


def test_an_invite_expires() -> None:
    """13.3.1: the Expires of an INVITE is the callee's patience."""
    link = Link()
    leg = link.left.call(
        "sip:bob@192.0.2.2",
        RIGHT,
        caller_number="alice",
        caller_label="",
        called="bob",
        offer=b"offer",
        now=0.0,
        headers=(("Expires", "20"),),
    )
    link.run(25)
    assert link.of("A", Rejected) == [Rejected(leg=leg, status=487, reason="Request Terminated")]
    assert link.of("B", LegEnded) == [LegEnded(leg=link.invited().leg, cause="cancel")]


# --- BYE ---------------------------------------------------------------------------------


def test_two_byes_cross() -> None:
    """RFC 5407 3.1.3: both get a 200."""
    link = Link()
    leg, other = link.established()
    link.left.bye(leg, now=link.now)
    link.right.bye(other, now=link.now)
    link.run(60)
    assert sorted(said(link, 4)) == ["200 BYE", "200 BYE", "BYE", "BYE"]
    assert link.of("A", LegEnded) == [LegEnded(leg=leg, cause="bye")]
    assert link.of("B", LegEnded) == [LegEnded(leg=other, cause="bye")]
    assert quiet(link)


def test_hanging_up_before_the_ack_waits_for_it() -> None:
    """RFC 3261 15: the callee's BYE must not overtake the ACK."""
    link = Link(fate=losing(("A", "ACK", 1)))
    link.call()
    link.run(0.1)
    other = link.invited().leg
    link.right.accept(other, b"answer", now=link.now)
    link.right.bye(other, now=link.now)
    link.run(60)
    assert said(link, 2) == [
        "200 INVITE",
        "ACK  lost",
        "200 INVITE",
        "ACK",
        "BYE",
        "200 BYE",
    ]
    assert link.of("B", LegEnded) == [LegEnded(leg=other, cause="bye")]
    assert quiet(link)


def test_hanging_up_an_unanswered_call_is_a_487() -> None:
    """bye() on a call that rings here."""
    link = Link()
    leg = link.call()
    link.run(0.1)
    link.right.bye(link.invited().leg, now=link.now)
    link.run(60)
    assert link.heard["A"] == [Rejected(leg=leg, status=487, reason="Request Terminated")]
    assert quiet(link)


def test_a_leg_that_is_over_takes_no_intent() -> None:
    """SipStateError, and nothing is sent."""
    link = Link()
    leg, other = link.established()
    link.left.bye(leg, now=link.now)
    before = len(link.log)
    for intent in (link.left.bye, link.left.cancel):
        with pytest.raises(SipStateError):
            intent(leg, now=link.now)
    with pytest.raises(SipStateError):
        link.right.accept(other, b"again", now=link.now)
    with pytest.raises(SipStateError):
        link.right.cancel(other, now=link.now)
    with pytest.raises(SipStateError):
        link.left.progress(leg, 180, now=link.now)
    link.pump()
    assert said(link, before) == ["BYE"]


# --- offers in a dialog ------------------------------------------------------------------


def test_a_reinvite_and_its_answer() -> None:
    """RFC 3665 3.7: hold, for instance."""
    link = Link()
    leg, other = link.established()
    link.left.offer(leg, b"hold", now=link.now)
    link.run(0.1)
    assert link.of("B", OfferReceived) == [OfferReceived(leg=other, offer=b"hold", method="INVITE")]
    link.right.answer_offer(other, b"held", now=link.now)
    link.run(0.1)
    assert link.of("A", OfferAnswered) == [OfferAnswered(leg=leg, answer=b"held")]
    assert said(link, 4) == ["INVITE", "100 INVITE", "200 INVITE", "ACK"]
    assert len(link.of("B", AckReceived)) == 2


def test_a_lost_ack_of_a_reinvite_is_repeated() -> None:
    """As for the first INVITE; an offer of the callee waits for it."""
    link = Link(fate=losing(("A", "ACK", 2)))
    leg, other = link.established()
    link.left.offer(leg, b"hold", now=link.now)
    link.run(0.1)
    link.right.answer_offer(other, b"held", now=link.now)
    link.right.offer(other, b"mine", now=link.now)
    link.run(1)
    assert said(link, 6) == [
        "200 INVITE",
        "ACK  lost",
        "200 INVITE",
        "ACK",
        "INVITE",
        "100 INVITE",
    ]
    assert link.of("A", OfferReceived) == [OfferReceived(leg=leg, offer=b"mine", method="INVITE")]


def test_an_update_and_its_answer() -> None:
    """RFC 3311, both ways."""
    link = Link()
    leg, other = link.established()
    link.right.offer(other, b"new", "UPDATE", now=link.now)
    link.run(0.1)
    assert link.of("A", OfferReceived) == [OfferReceived(leg=leg, offer=b"new", method="UPDATE")]
    link.left.answer_offer(leg, b"fine", now=link.now)
    link.run(0.1)
    assert link.of("B", OfferAnswered) == [OfferAnswered(leg=other, answer=b"fine")]
    assert said(link, 4) == ["UPDATE", "200 UPDATE"]


def test_an_offer_is_refused() -> None:
    """488: the session stays, and another offer may follow."""
    link = Link()
    leg, other = link.established()
    link.left.offer(leg, b"video", now=link.now)
    link.run(0.1)
    link.right.reject_offer(other, 488, now=link.now)
    link.run(0.1)
    assert link.of("A", OfferRejected) == [OfferRejected(leg=leg, status=488)]
    link.left.offer(leg, b"audio", now=link.now)
    link.run(0.1)
    assert len(link.of("B", OfferReceived)) == 2


def test_a_reinvite_without_an_offer() -> None:
    """The 200 offers; its ACK waits for our answer."""
    link = Link()
    leg, other = link.established()
    link.left.offer(leg, None, now=link.now)
    link.run(0.1)
    assert link.of("B", OfferReceived) == [OfferReceived(leg=other, offer=None, method="INVITE")]
    link.right.answer_offer(other, b"theirs", now=link.now)
    link.run(0.1)
    assert link.of("A", OfferAnswered) == [OfferAnswered(leg=leg, answer=b"theirs")]
    link.left.answer_offer(leg, b"ours", now=link.now)
    link.run(0.1)
    assert link.of("B", AckReceived)[-1] == AckReceived(leg=other, answer=b"ours")


@pytest.mark.parametrize("method", ["INVITE", "UPDATE"])
def test_glare(method: str) -> None:
    """RFC 3261 14.1: both get 491 and try again; who made the Call-ID waits longer, so both come through."""
    link = Link()
    leg, other = link.established()
    link.left.offer(leg, b"left", method, now=link.now)
    link.right.offer(other, b"right", method, now=link.now)
    link.run(0.1)
    assert said(link, 4)[:4] == [method, method, f"491 {method}", f"491 {method}"]
    assert link.of("A", OfferReceived, OfferRejected) == link.of("B", OfferReceived, OfferRejected) == []
    link.run(2)
    assert link.of("A", OfferReceived) == [OfferReceived(leg=leg, offer=b"right", method=method)]
    link.left.answer_offer(leg, b"yes", now=link.now)
    link.run(2.1)
    assert link.of("B", OfferReceived) == [OfferReceived(leg=other, offer=b"left", method=method)]
    link.right.answer_offer(other, b"yes", now=link.now)
    link.run(0.1)
    assert link.of("A", OfferAnswered) == [OfferAnswered(leg=leg, answer=b"yes")]
    assert link.of("B", OfferAnswered) == [OfferAnswered(leg=other, answer=b"yes")]


def test_only_one_offer_at_a_time() -> None:
    """A second offer() before the first is settled is refused, and so is one while theirs waits."""
    link = Link()
    leg, other = link.established()
    link.left.offer(leg, b"one", now=link.now)
    with pytest.raises(SipStateError):
        link.left.offer(leg, b"two", now=link.now)
    link.run(0.1)
    with pytest.raises(SipStateError):
        link.right.offer(other, b"three", now=link.now)
    with pytest.raises(SipStateError):
        link.left.answer_offer(leg, b"none asked", now=link.now)


def test_a_bye_settles_an_offer_that_waits() -> None:
    """15.1.2: the pending re-INVITE gets a 487."""
    link = Link()
    leg, _ = link.established()
    link.left.offer(leg, b"hold", now=link.now)
    link.run(0.1)
    link.left.bye(leg, now=link.now)
    link.run(60)
    assert said(link, 6) == ["BYE", "200 BYE", "487 INVITE", "ACK"]
    assert link.of("A", OfferRejected) == []
    assert quiet(link)


# --- INFO --------------------------------------------------------------------------------


def test_info_and_its_answer() -> None:
    """The call logic answers; a token is good once."""
    link = Link()
    leg, other = link.established()
    link.left.info(leg, "application/dtmf-relay", b"Signal=5\r\n", now=link.now)
    link.run(0.1)
    info = link.of("B", InfoReceived)[0]
    assert isinstance(info, InfoReceived)
    assert (info.leg, info.content_type, info.body, info.record) == (
        other,
        "application/dtmf-relay",
        b"Signal=5\r\n",
        None,
    )
    link.right.respond_info(other, info.token, 200, now=link.now)
    link.run(0.1)
    assert said(link, 4) == ["INFO", "200 INFO"]
    with pytest.raises(SipStateError):
        link.right.respond_info(other, info.token, 200, now=link.now)


def test_silence_to_a_request_in_the_dialog_ends_it() -> None:
    """12.2.1.2: 408, then BYE; LegEnded says dialog-gone."""
    link = Link()
    leg, _ = link.established()
    link.fate = losing(("A", "INFO", 0))
    link.left.info(leg, "text/plain", b"?", now=link.now)
    link.run(33)
    assert link.of("A", LegEnded) == [LegEnded(leg=leg, cause="dialog-gone")]
    assert "BYE" in said(link)


def test_reordered_messages_of_a_call_settle() -> None:
    """An ACK that comes behind the caller's BYE: the call ends, the ACK is dropped and counted."""

    def fate(packet: Packet) -> Sequence[float]:
        return (0.4,) if packet.what == "ACK" else (0.010,)

    link = Link(fate=fate)
    leg, other = link.established()
    link.left.bye(leg, now=link.now)
    link.run(60)
    assert link.of("B", LegEnded) == [LegEnded(leg=other, cause="bye")]
    assert reasons(link, "B") == ["ack-without-dialog"]
    assert quiet(link)
