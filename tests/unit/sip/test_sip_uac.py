"""Calls of ours against a peer written by hand: forks, redirects, odd responses, connections."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from mediaserver.sip.config import LocalContact, SipLimits
from mediaserver.sip.errors import SipStateError, SipSyntaxError
from mediaserver.sip.events import (
    Answered,
    LegEnded,
    OfferAnswered,
    OfferReceived,
    OfferRejected,
    Rejected,
    Ringing,
)
from mediaserver.sip.hops import Hop, Transport
from mediaserver.sip.message import Message, Request
from mediaserver.sip.user_agent import UserAgent
from tests.support.sip_link import QUIET, RIGHT, make_agent
from tests.support.sip_peer import Peer, request_text, response_text, statuses

TCP = Hop(transport=Transport.TCP, host="192.0.2.2", port=40_000, connection=7)
WS = Hop(transport=Transport.WS, host="192.0.2.2", port=40_000, connection=8)
MANY = replace(
    QUIET,
    contacts={
        transport: LocalContact(host="192.0.2.1", port=port)
        for transport, port in ((Transport.UDP, 5060), (Transport.TCP, 5060), (Transport.TLS, 5061), (Transport.WS, 80))
    },
)


def methods(messages: list[Message]) -> list[str]:
    """Of the requests among them."""
    return [message.method for message in messages if isinstance(message, Request)]


def answered(peer: Peer | None = None, *extra: str, hop: Hop = RIGHT) -> tuple[Peer, Request]:
    """A call of ours that the peer has answered, and its INVITE."""
    peer = peer or Peer()
    invite = peer.call(hop=hop)
    peer.say(response_text(invite, 200, *extra, body="answer"))
    return peer, invite


def test_the_invite_says_who_calls_whom() -> None:
    """Header by header."""
    peer = Peer()
    peer.agent.call(
        "sip:+331@192.0.2.2:5070;user=phone",
        replace(RIGHT, port=5070),
        caller_number="*44",
        caller_label='Ann "A"',
        called="1 2",
        offer=b"offer",
        now=0.0,
        max_forwards=11,
        headers=(("X-Call", "c-1"),),
    )
    (invite,) = peer.take()
    assert isinstance(invite, Request)
    assert invite.uri == "sip:+331@192.0.2.2:5070;user=phone"
    assert (invite.headers.get("from") or "").startswith('"Ann \\"A\\"" <sip:*44@example.test>;tag=')
    assert invite.headers.get("to") == "<sip:1%202@example.test>"
    assert invite.headers.get("max-forwards") == "11"
    assert invite.headers.get("cseq") == "1 INVITE"
    assert invite.headers.get("contact") == "<sip:*44@192.0.2.1:5060>"
    assert invite.headers.get("x-call") == "c-1"
    assert invite.headers.get("content-type") == "application/sdp"
    assert invite.body == b"offer"
    assert (invite.headers.get("via") or "").startswith("SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK")
    assert peer.sent[0].hop == replace(RIGHT, port=5070)


def test_a_target_that_is_no_sip_uri() -> None:
    """Refused before anything is sent."""
    peer = Peer()
    with pytest.raises(SipSyntaxError):
        peer.call("tel:+331")
    assert peer.agent.leg_count == 0


def test_calls_of_ours_are_bounded_too() -> None:
    """max_legs."""
    peer = Peer(make_agent("A", replace(QUIET, limits=SipLimits(max_legs=1))))
    peer.call()
    with pytest.raises(SipStateError):
        peer.call()


def test_of_several_phones_the_first_wins() -> None:
    """13.2.2.4: each further 2xx is acknowledged and hung up; its repeats are acknowledged again."""
    peer = Peer()
    invite = peer.call()
    peer.say(response_text(invite, 180, tag="x"))
    peer.say(response_text(invite, 183, tag="y", body="early"))
    assert methods(peer.say(response_text(invite, 200, tag="y", body="answer"))) == ["ACK"]
    second = peer.say(response_text(invite, 200, tag="x", body="other", contact="<sip:bob@192.0.2.40>"))
    assert methods(second) == ["ACK", "BYE"]
    assert {message.headers.get("to") for message in second} == {"<sip:bob@example.test>;tag=x"}
    assert [item.hop.host for item in peer.sent[-2:]] == ["192.0.2.40", "192.0.2.40"]
    assert methods(peer.say(response_text(invite, 200, tag="x", body="other"))) == ["ACK"]
    assert methods(peer.say(response_text(invite, 200, tag="y", body="answer"))) == ["ACK"]
    assert [type(event) for event in peer.events] == [Ringing, Ringing, Answered]
    assert isinstance(peer.events[2], Answered)
    assert peer.events[2].answer == b"answer"


def test_a_flood_of_2xx_is_bounded() -> None:
    """So many phones do not answer one call: the rest is counted."""
    peer = Peer(make_agent("A", replace(QUIET, limits=SipLimits(max_forks=2))))
    invite = peer.call()
    said = [methods(peer.say(response_text(invite, 200, tag=tag, body="answer"))) for tag in "wxyz"]
    assert said == [["ACK"], ["ACK", "BYE"], ["ACK", "BYE"], []]
    assert peer.discards == ["too-many-forks"]


def test_only_the_newest_acks_are_kept() -> None:
    """A call that lives through many re-INVITEs does not grow."""
    peer, first = answered()
    for _ in range(40):
        peer.say(response_text(offered(peer), 200, body="yes"))
    peer.wait(40)
    assert peer.say(response_text(first, 200, body="answer")) == []
    assert peer.discards == ["2xx-without-leg"]


def test_a_failed_attempt_that_cannot_be_acknowledged_is_no_second_failure() -> None:
    """A 422 was answered by another INVITE; then the ACK to it cannot be sent."""
    peer = Peer(make_agent("A", MANY), source=TCP)
    peer.say(response_text(peer.call(hop=TCP), 422, "Min-SE: 2000"))
    fail(peer)
    peer.take()
    assert peer.events == [Rejected(leg=1, status=503, reason="Service Unavailable")]


def test_a_provisional_to_a_bye_does_not_end_it() -> None:
    """Only the final response lets the leg be forgotten."""
    peer, _ = answered()
    peer.agent.bye(1, now=peer.now)
    (bye,) = peer.take()
    assert isinstance(bye, Request)
    peer.say(response_text(bye, 100))
    assert peer.agent.leg_count == 1
    peer.say(response_text(bye, 200))
    assert peer.agent.leg_count == 0


def test_a_provisional_to_a_reinvite_is_no_answer() -> None:
    """Nothing is told, nothing is acknowledged."""
    peer, _ = answered()
    assert peer.say(response_text(offered(peer), 183)) == []
    assert isinstance(peer.events[-1], Answered)


def test_the_agent_names_itself() -> None:
    """User-Agent in every request of ours, ACK and BYE too."""
    peer = Peer(make_agent("A", replace(QUIET, user_agent="simulator/1")))
    invite = peer.call()
    (ack,) = peer.say(response_text(invite, 200, body="answer"))
    peer.agent.bye(1, now=peer.now)
    (bye,) = peer.take()
    assert [message.headers.get("user-agent") for message in (invite, ack, bye)] == ["simulator/1"] * 3


def test_early_dialogs_are_bounded() -> None:
    """Provisionals of more forks are told, but open no dialog."""
    peer = Peer(make_agent("A", replace(QUIET, limits=SipLimits(max_forks=1))))
    invite = peer.call()
    ours = (invite.headers.get("from") or "").partition("tag=")[2]
    call_id = invite.headers.get("call-id") or ""
    for tag in "xy":
        peer.say(response_text(invite, 180, tag=tag))
    found = [
        statuses(peer.say(request_text("OPTIONS", branch=f"z9hG4bK{tag}", to_tag=ours, from_tag=tag, call_id=call_id)))
        for tag in "xy"
    ]
    assert found == [[200], [481]]
    assert len(peer.events) == 2


def test_requests_inside_an_early_dialog_of_ours() -> None:
    """UPDATE without a body 200, with an offer 491 (ours has no answer yet); the callee may not BYE (15)."""
    peer = Peer()
    invite = peer.call()
    peer.say(response_text(invite, 180, tag="x"))
    ours = (invite.headers.get("from") or "").partition("tag=")[2]
    call_id = invite.headers.get("call-id") or ""

    def ask(method: str, number: int, body: str = "") -> list[int]:
        return statuses(
            peer.say(
                request_text(
                    method,
                    branch=f"z9hG4bK{number}",
                    to_tag=ours,
                    from_tag="x",
                    call_id=call_id,
                    cseq=number,
                    body=body,
                )
            )
        )

    assert [ask("UPDATE", 1), ask("UPDATE", 2, "v=0\r\n"), ask("BYE", 3)] == [[200], [491], [481]]


@pytest.mark.parametrize("status", [301, 404, 486, 500, 603])
def test_a_refusal_is_told_as_it_came(status: int) -> None:
    """Status and reason; the ACK is sent, and again for a repeat."""
    peer = Peer()
    invite = peer.call()
    assert methods(peer.say(response_text(invite, status))) == ["ACK"]
    assert methods(peer.say(response_text(invite, status))) == ["ACK"]
    assert peer.sent[-1] == peer.sent[-2]
    assert peer.events == [Rejected(leg=1, status=status, reason="Some Reason")]


def test_a_longer_session_is_offered_after_a_422() -> None:
    """RFC 4028 7.4: same Call-ID and From, a higher CSeq, the interval the peer wants; once."""
    peer = Peer()
    first = peer.call()
    ack, second = peer.say(response_text(first, 422, "Min-SE: 2000"))
    assert (isinstance(ack, Request) and ack.method, isinstance(second, Request) and second.method) == ("ACK", "INVITE")
    assert isinstance(second, Request)
    assert second.headers.get("cseq") == "2 INVITE"
    assert [second.headers.get(name) for name in ("call-id", "from")] == [
        first.headers.get(name) for name in ("call-id", "from")
    ]
    assert methods(peer.say(response_text(second, 422, "Min-SE: 2000"))) == ["ACK"]
    assert peer.events == [Rejected(leg=1, status=422, reason="Some Reason")]


def test_a_422_without_a_use_is_a_refusal() -> None:
    """No Min-SE, or a broken one."""
    for line in ("Min-SE: x", "X: y"):
        peer = Peer()
        peer.say(response_text(peer.call(), 422, line))
        assert peer.events == [Rejected(leg=1, status=422, reason="Some Reason")]


def test_a_2xx_without_contact_or_tag() -> None:
    """An RFC 2543 peer: the call goes to the URI it was placed to."""
    peer = Peer()
    invite = peer.call()
    (ack,) = peer.say(response_text(invite, 200, tag="", contact="", body="answer"))
    assert isinstance(ack, Request)
    assert (ack.method, ack.uri) == ("ACK", "sip:bob@192.0.2.2")


def test_a_2xx_long_after_its_transaction() -> None:
    """The ACK is repeated as long as the leg lives; then the 2xx is counted."""
    peer, invite = answered()
    peer.wait(60)
    late = response_text(invite, 200, body="answer")
    assert methods(peer.say(late)) == ["ACK"]
    peer.agent.bye(1, now=peer.now)
    (bye,) = peer.take()
    assert isinstance(bye, Request)
    peer.say(response_text(bye, 200))
    assert peer.say(late) == []
    assert peer.discards == ["2xx-without-leg"]


def test_responses_that_are_not_ours() -> None:
    """Unknown branch, two Vias, no Via at all."""
    peer = Peer()
    invite = peer.call()
    peer.say(response_text(invite, 180).replace("branch=z9hG4bK", "branch=z9hG4bKx"))
    peer.say(response_text(invite, 180).replace("\nFrom:", "\nVia: SIP/2.0/UDP a;branch=z\nFrom:"))
    peer.say(response_text(invite, 180).replace("Via:", "X-Via:"))
    assert peer.discards == ["response-without-transaction", "response-not-ours", "syntax"]
    assert not [event for event in peer.events if isinstance(event, Ringing)]


def test_the_route_set_of_the_2xx_counts() -> None:
    """13.2.2.4: not that of the provisional; reversed for a caller (12.1.2)."""
    peer = Peer()
    invite = peer.call()
    peer.say(response_text(invite, 180, "Record-Route: <sip:192.0.2.30;lr>"))
    (ack,) = peer.say(response_text(invite, 200, "Record-Route: <sip:192.0.2.31;lr>, <sip:192.0.2.32;lr>", body="a"))
    assert ack.headers.get_all("route") == ["<sip:192.0.2.32;lr>", "<sip:192.0.2.31;lr>"]
    assert peer.sent[-1].hop.host == "192.0.2.32"


def test_a_registered_phone_behind_nat_keeps_its_hop() -> None:
    """The hop is not the URI's own address, so the Contact is not believed either."""
    public = Hop(transport=Transport.UDP, host="203.0.113.7", port=40_000)
    peer = Peer(source=public)
    invite = peer.call("sip:bob@10.0.0.5:5060", hop=public)
    peer.say(response_text(invite, 200, body="answer", contact="<sip:bob@10.0.0.5:5060>"))
    assert [item.hop for item in peer.sent] == [public, public]


# --- answers to requests of ours in the dialog -------------------------------------------


def offered(peer: Peer, method: str = "INVITE") -> Request:
    """Have the agent offer; its request."""
    peer.agent.offer(1, b"new", method, now=peer.now)
    (request,) = peer.take()
    assert isinstance(request, Request)
    return request


def test_update_needs_the_peers_word() -> None:
    """SipStateError unless its Allow lists UPDATE."""
    peer, _ = answered()
    with pytest.raises(SipStateError):
        peer.agent.offer(1, b"new", "UPDATE", now=peer.now)
    peer, _ = answered(None, "Allow: INVITE, UPDATE")
    assert offered(peer, "UPDATE").method == "UPDATE"


@pytest.mark.parametrize(("status", "cause"), [(481, "dialog-gone"), (408, "dialog-gone")])
def test_a_dialog_the_peer_does_not_know_is_over(status: int, cause: str) -> None:
    """12.2.1.2; a BYE only where the peer may still be there."""
    peer, _ = answered()
    reinvite = offered(peer)
    assert methods(peer.say(response_text(reinvite, status))) == (["ACK"] if status == 481 else ["ACK", "BYE"])
    assert peer.events[-1] == LegEnded(leg=1, cause=cause)


def test_a_refused_reinvite_leaves_the_call() -> None:
    """OfferRejected with the status."""
    peer, _ = answered()
    peer.say(response_text(offered(peer), 488))
    assert peer.events[-1] == OfferRejected(leg=1, status=488)


def test_a_422_to_a_reinvite_is_tried_again_at_once() -> None:
    """With the interval the peer wants; to the call logic it is one offer."""
    peer, _ = answered(None, "Session-Expires: 100;refresher=uas", "Require: timer")
    peer.say(response_text(offered(peer), 422, "Min-SE: 300"))
    (again,) = peer.wait(0.0)
    assert isinstance(again, Request)
    assert (again.body, again.headers.get("session-expires")) == (b"new", "300;refresher=uas")
    peer.say(response_text(again, 200, body="yes"))
    assert peer.events[-1] == OfferAnswered(leg=1, answer=b"yes")


def test_a_2xx_to_a_reinvite_that_comes_again() -> None:
    """Its own ACK is repeated, also when the leg is over by then."""
    peer, _ = answered()
    reinvite = offered(peer)
    for _ in range(2):
        assert methods(peer.say(response_text(reinvite, 200, body="yes"))) == ["ACK"]
    second = offered(peer)
    peer.agent.bye(1, now=peer.now)
    peer.take()
    assert methods(peer.say(response_text(second, 200, body="yes"))) == ["ACK"]
    assert len([event for event in peer.events if isinstance(event, OfferAnswered)]) == 1


def test_their_offer_meets_an_answer_of_ours_that_is_owed() -> None:
    """491 until our ACK is out."""
    peer = Peer()
    invite = peer.call(offer=None)
    assert peer.say(response_text(invite, 200, body="their offer")) == []
    assert peer.say(response_text(invite, 200, body="their offer")) == []
    ours = (invite.headers.get("from") or "").partition("tag=")[2]
    call_id = invite.headers.get("call-id") or ""
    text = request_text(branch="z9hG4bKa", to_tag=ours, call_id=call_id, body="v=0\r\n")
    assert statuses(peer.say(text)) == [491]
    peer.agent.answer_offer(1, b"our answer", now=peer.now)
    (ack,) = peer.take()
    assert ack.body == b"our answer"
    assert not [event for event in peer.events if isinstance(event, OfferReceived)]


# --- transports --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("target", "transport", "contact"),
    [
        ("sip:bob@192.0.2.2;transport=tcp", Transport.TCP, "<sip:alice@192.0.2.1:5060;transport=tcp>"),
        ("sips:bob@192.0.2.2", Transport.TLS, "<sips:alice@192.0.2.1:5061;transport=tls>"),
        ("sip:bob@x.invalid;transport=ws", Transport.WS, "<sip:alice@192.0.2.1:80;transport=ws>"),
    ],
)
def test_via_and_contact_name_the_transport(target: str, transport: Transport, contact: str) -> None:
    """And the address that transport is reached at."""
    peer = Peer(make_agent("A", MANY))
    invite = peer.call(target, hop=replace(TCP, transport=transport))
    assert (invite.headers.get("via") or "").startswith(f"SIP/2.0/{transport} 192.0.2.1:")
    assert invite.headers.get("contact") == contact


def test_nothing_is_repeated_over_a_stream() -> None:
    """Timer A does not run; timer B does."""
    peer = Peer(make_agent("A", MANY), source=TCP)
    peer.call(hop=TCP)
    assert peer.wait(40) == []
    assert peer.events == [Rejected(leg=1, status=408, reason="Request Timeout")]


def close(peer: Peer) -> None:
    """The connection goes."""
    peer.agent.connection_closed(TCP.connection or 0, peer.now)


def fail(peer: Peer) -> None:
    """The hop cannot be reached."""
    peer.agent.transport_failed(TCP, peer.now)


@pytest.mark.parametrize("trouble", [close, fail])
def test_a_call_over_a_dead_stream_fails(trouble: Callable[[Peer], None]) -> None:
    """503 (8.1.3.1)."""
    peer = Peer(make_agent("A", MANY), source=TCP)
    peer.call(hop=TCP)
    trouble(peer)
    peer.take()
    assert peer.events == [Rejected(leg=1, status=503, reason="Service Unavailable")]


def test_a_call_survives_its_stream() -> None:
    """The next request of ours opens another to the Contact."""
    peer = Peer(make_agent("A", MANY), source=TCP)
    invite = peer.call("sip:bob@192.0.2.2:5080;transport=tcp", hop=TCP)
    peer.say(response_text(invite, 200, body="answer", contact="<sip:bob@192.0.2.2:5080;transport=tcp>"))
    assert peer.sent[-1].hop == TCP
    close(peer)
    peer.agent.bye(1, now=peer.now)
    peer.take()
    assert peer.sent[-1].hop == Hop(transport=Transport.TCP, host="192.0.2.2", port=5080)


def test_a_browsers_call_ends_with_its_connection() -> None:
    """Nobody can dial a browser (RFC 7118 5); one that still rings is rejected."""
    peer = Peer(make_agent("A", MANY), source=WS)
    invite = peer.call(hop=WS)
    peer.say(response_text(invite, 200, body="answer", contact="<sip:x@y.invalid;transport=ws>"))
    assert peer.sent[-1].hop == WS
    ringing = peer.call(hop=WS)
    peer.say(response_text(ringing, 180))
    peer.agent.connection_closed(8, peer.now)
    peer.take()
    assert peer.events[-2:] == [
        LegEnded(leg=1, cause="transport"),
        Rejected(leg=2, status=503, reason="Service Unavailable"),
    ]
    assert peer.agent.leg_count == 0


def test_a_response_that_cannot_be_sent_over_a_closed_stream_takes_another() -> None:
    """18.2.2: to the address of the Via."""
    peer = Peer(make_agent("A", MANY), source=TCP)
    peer.say(request_text(via="SIP/2.0/TCP 192.0.2.2:5099"))
    close(peer)
    peer.agent.reject(1, 486, now=peer.now)
    peer.take()
    assert peer.sent[-1].hop == Hop(transport=Transport.TCP, host="192.0.2.2", port=5099)


def test_a_call_whose_responses_cannot_be_sent_is_over() -> None:
    """The shell says so; the leg ends with transport."""
    peer = Peer()
    peer.say(request_text())
    peer.agent.transport_failed(RIGHT, peer.now)
    peer.take()
    assert peer.events[-1] == LegEnded(leg=1, cause="transport")


def test_a_request_in_the_dialog_that_cannot_be_sent_ends_it() -> None:
    """transport; there is nowhere to send a BYE."""
    peer, _ = answered()
    peer.agent.info(1, "text/plain", b"?", now=peer.now)
    peer.take()
    peer.agent.transport_failed(RIGHT, peer.now)
    assert peer.take() == []
    assert peer.events[-1] == LegEnded(leg=1, cause="transport")


@pytest.mark.parametrize(
    "intent",
    [
        lambda agent: agent.info(1, "text/plain", b"", now=0.0),
        lambda agent: agent.offer(1, b"", now=0.0),
        lambda agent: agent.answer_offer(1, b"", now=0.0),
    ],
    ids=["info", "offer", "answer_offer"],
)
def test_nothing_is_said_inside_a_call_that_rings(intent: Callable[[UserAgent], None]) -> None:
    """SipStateError."""
    peer = Peer()
    peer.call()
    with pytest.raises(SipStateError):
        intent(peer.agent)


@pytest.mark.parametrize("status", [99, 100, 200])
def test_progress_takes_provisionals_only(status: int) -> None:
    """And reject failures only."""
    peer = Peer()
    peer.say(request_text())
    with pytest.raises(SipStateError):
        peer.agent.progress(1, status, now=0.0)
    with pytest.raises(SipStateError):
        peer.agent.reject(1, status, now=0.0)
