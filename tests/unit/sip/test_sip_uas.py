"""Rules of a UAS, one request at a time (RFC 3261 8.2, 12.2.2, 17.2.3, 18.2)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mediaserver.sip.config import ALLOW, SipLimits
from mediaserver.sip.events import InfoReceived, Invited, LegEnded, OfferReceived
from mediaserver.sip.hops import Hop, Transport
from mediaserver.sip.message import Response
from tests.support.sip_link import QUIET, RIGHT, make_agent
from tests.support.sip_peer import Peer, request_text, statuses

ELSEWHERE = Hop(transport=Transport.UDP, host="198.51.100.9", port=40_000)


def one(peer: Peer, text: str) -> Response:
    """The one response to a request."""
    (answer,) = peer.say(text)
    assert isinstance(answer, Response)
    return answer


def in_call(peer: Peer | None = None) -> tuple[Peer, str]:
    """A confirmed call of the peer to the agent; our tag."""
    peer = peer or Peer()
    peer.say(request_text(body="v=0\r\n"))
    invited = [event for event in peer.events if isinstance(event, Invited)][-1]
    peer.agent.accept(invited.leg, b"answer", now=peer.now)
    (ok,) = peer.take()
    tag = (ok.headers.get("to") or "").partition("tag=")[2]
    peer.say(request_text("ACK", branch="z9hG4bKack", to_tag=tag))
    return peer, tag


# --- what every response carries ---------------------------------------------------------


def test_a_response_echoes_what_it_must() -> None:
    """Via stamped with received and rport, From, To with our tag, Call-ID, CSeq (8.2.6)."""
    peer = Peer(source=ELSEWHERE)
    answer = one(peer, request_text("OPTIONS", "Record-Route: <sip:p.example;lr>", contact=""))
    assert answer.headers.get("via") == ("SIP/2.0/UDP 192.0.2.2:5060;branch=z9hG4bK1;received=198.51.100.9;rport=40000")
    assert answer.headers.get("from") == "<sip:bob@example.test>;tag=b1"
    to, _, tag = (answer.headers.get("to") or "").partition(";tag=")
    assert (to, len(tag)) == ("<sip:alice@example.test>", 16)
    assert answer.headers.get("call-id") == "call-1"
    assert answer.headers.get("cseq") == "1 OPTIONS"
    assert "record-route" not in answer.headers


def test_responses_go_back_to_the_source_port_with_rport() -> None:
    """RFC 3581 4."""
    peer = Peer(source=ELSEWHERE)
    peer.say(request_text("OPTIONS"))
    assert peer.sent[0].hop == ELSEWHERE


@pytest.mark.parametrize(("sent_by", "port"), [("192.0.2.2:5070", 5070), ("192.0.2.2", 5060)])
def test_without_rport_responses_go_to_the_port_of_the_via(sent_by: str, port: int) -> None:
    """18.2.2: the address the request came from, the port the Via says, or 5060."""
    peer = Peer(source=ELSEWHERE)
    peer.say(request_text("OPTIONS", via=f"SIP/2.0/UDP {sent_by}").replace(";rport", ""))
    assert peer.sent[0].hop == replace(ELSEWHERE, port=port)


def test_maddr_is_followed_when_it_is_an_address() -> None:
    """18.2.2; a name in it is not looked up."""
    peer = Peer()
    peer.say(request_text("OPTIONS").replace(";rport", ";maddr=233.252.0.5"))
    peer.say(request_text("OPTIONS", branch="z9hG4bK2", call_id="2").replace(";rport", ";maddr=far.example"))
    assert [item.hop.host for item in peer.sent] == ["233.252.0.5", "192.0.2.2"]


def test_all_vias_are_echoed_and_only_the_top_one_is_stamped() -> None:
    """Two values in one line, a third in another."""
    peer = Peer(source=ELSEWHERE)
    text = request_text("OPTIONS").replace(";rport", ";rport, SIP/2.0/TCP a;branch=1\nVia: SIP/2.0/UDP b;branch=2")
    answer = one(peer, text)
    assert answer.headers.get_all("via") == [
        "SIP/2.0/UDP 192.0.2.2:5060;branch=z9hG4bK1;received=198.51.100.9;rport=40000, SIP/2.0/TCP a;branch=1",
        "SIP/2.0/UDP b;branch=2",
    ]


def test_a_repeated_request_gets_the_same_bytes() -> None:
    """17.2.2, without a second look at the request."""
    peer = Peer()
    peer.say(request_text("INVITE"))
    peer.say(request_text("INVITE"))
    assert peer.sent[0] == peer.sent[1]
    assert peer.agent.transaction_count == 1


# --- refusals ----------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["REFER", "SUBSCRIBE", "NOTIFY", "MESSAGE", "PUBLISH", "PRACK", "DANCE"])
def test_methods_out_of_scope_are_not_allowed(method: str) -> None:
    """405 with what is (8.2.1)."""
    answer = one(Peer(), request_text(method))
    assert (answer.status, answer.headers.get("allow")) == (405, ALLOW)


def test_an_unknown_extension_is_named() -> None:
    """420 with Unsupported (8.2.2.3); timer is known, 100rel is not."""
    answer = one(Peer(), request_text("INVITE", "Require: timer, 100rel, xyz"))
    assert (answer.status, answer.headers.get("unsupported")) == (420, "100rel, xyz")


def test_an_invite_that_has_no_hops_left() -> None:
    """483; OPTIONS ends here in any case and is answered (11)."""
    assert one(Peer(), request_text(max_forwards=0)).status == 483
    assert one(Peer(), request_text("OPTIONS", max_forwards=0)).status == 200


def test_a_uri_that_is_not_for_us() -> None:
    """404, when the domains are told."""
    agent = make_agent("A", replace(QUIET, domains=("voice.test",)))
    assert one(Peer(agent), request_text("OPTIONS", uri="sip:alice@other.test")).status == 404
    for number, host in enumerate(("voice.test", "example.test", "192.0.2.1")):
        text = request_text("OPTIONS", uri=f"sip:alice@{host}", call_id=host, branch=f"z9hG4bKx{number}")
        assert one(Peer(agent), text).status == 200


@pytest.mark.parametrize(
    ("lines", "status", "header", "value"),
    [
        (("Content-Type: text/plain",), 415, "accept", "application/sdp"),
        (("Content-Type: application/sdp", "Content-Encoding: gzip"), 415, "accept-encoding", "identity"),
    ],
)
def test_bodies_that_are_not_plain_sdp(lines: tuple[str, ...], status: int, header: str, value: str) -> None:
    """415 says what is taken (8.2.3)."""
    answer = one(Peer(), request_text("INVITE", *lines, body="x"))
    assert (answer.status, answer.headers.get(header)) == (status, value)


def test_a_caller_that_takes_no_sdp() -> None:
    """406; application/* and */* will do, and Accept may be broken: 400."""
    assert one(Peer(), request_text("INVITE", "Accept: text/plain")).status == 406
    assert statuses(Peer().say(request_text("INVITE", "Accept: text/plain, application/*;q=0.1"))) == [100]
    assert one(Peer(), request_text("INVITE", "Accept: nonsense")).status == 400


def test_a_short_session_interval() -> None:
    """RFC 4028 9: 422 with Min-SE, to a peer that knows what that is."""
    answer = one(Peer(), request_text("INVITE", "Session-Expires: 60", "Supported: timer"))
    assert (answer.status, answer.headers.get("min-se")) == (422, "90")
    assert statuses(Peer().say(request_text("INVITE", "Session-Expires: 60"))) == [100]


def test_a_merged_request_is_a_loop() -> None:
    """8.2.2.2: the same request by two ways; the first goes on."""
    peer = Peer()
    assert statuses(peer.say(request_text())) == [100]
    assert statuses(peer.say(request_text(branch="z9hG4bKother"))) == [482]
    assert len([event for event in peer.events if isinstance(event, Invited)]) == 1


def test_malformed_requests_are_answered_without_a_transaction() -> None:
    """400, the same tag each time (8.2.7); nothing is remembered."""
    peer = Peer()
    broken = request_text("OPTIONS").replace("CSeq: 1 OPTIONS", "CSeq: x OPTIONS")
    first, second = one(peer, broken), one(peer, broken)
    assert (first.status, first.headers.get("to")) == (400, second.headers.get("to"))
    assert peer.agent.transaction_count == 0


def test_a_broken_ack_is_counted_and_not_answered() -> None:
    """There is no response to an ACK."""
    peer = Peer()
    assert peer.say(request_text("ACK").replace("CSeq: 1 ACK", "CSeq: x ACK")) == []
    assert peer.discards == ["bad-ack"]


def test_noise_is_counted() -> None:
    """Neither request nor response."""
    peer = Peer()
    assert peer.give(b"hello") == peer.give(b"\r\n\r\n") == []
    assert peer.discards == ["syntax", "keep-alive"]


def test_draining_refuses_new_calls_only() -> None:
    """503 with Retry-After; a call that stands goes on."""
    peer, tag = in_call()
    peer.agent.draining = True
    assert peer.agent.draining is True
    answer = one(peer, request_text(call_id="call-2", branch="z9hG4bK9"))
    assert (answer.status, answer.headers.get("retry-after")) == (503, "5")
    assert statuses(peer.say(request_text("BYE", branch="z9hG4bKbye", to_tag=tag, cseq=2))) == [200]


def test_the_admission_hook_is_asked() -> None:
    """Its status and Retry-After are what the caller gets."""
    peer = Peer()
    peer.agent.admission = lambda: (486, 30)
    answer = one(peer, request_text())
    assert (answer.status, answer.headers.get("retry-after")) == (486, "30")
    assert peer.agent.admission is not None
    peer.agent.admission = lambda: None
    assert statuses(peer.say(request_text(call_id="2", branch="z9hG4bK2"))) == [100]


def test_too_many_legs_are_refused() -> None:
    """503, and what is there stays."""
    peer = Peer(make_agent("A", replace(QUIET, limits=SipLimits(max_legs=1))))
    assert statuses(peer.say(request_text())) == [100]
    assert statuses(peer.say(request_text(call_id="2", branch="z9hG4bK2"))) == [503]
    assert peer.agent.leg_count == 1


def test_too_many_transactions_are_refused_without_memory() -> None:
    """503 that nobody remembers; a request of a living transaction is not touched."""
    peer = Peer(make_agent("A", replace(QUIET, limits=SipLimits(max_transactions=1))))
    assert statuses(peer.say(request_text("INVITE"))) == [100]
    answer = one(peer, request_text("OPTIONS", call_id="2", branch="z9hG4bK2"))
    assert (answer.status, answer.headers.get("retry-after")) == (503, "5")
    assert peer.agent.transaction_count == 1


def test_options_say_what_we_can() -> None:
    """11.2."""
    answer = one(Peer(), request_text("OPTIONS"))
    names = ("accept", "accept-encoding", "accept-language", "allow", "supported")
    assert [answer.headers.get(name) for name in names] == [
        "application/sdp",
        "identity",
        "en, fr",
        ALLOW,
        "timer",
    ]
    assert answer.headers.get("contact") == "<sip:192.0.2.1:5060>"


def test_the_server_header_is_a_setting() -> None:
    """Empty: none."""
    named = make_agent("A", replace(QUIET, user_agent="simulator/1"))
    assert one(Peer(named), request_text("OPTIONS")).headers.get("server") == "simulator/1"
    assert "server" not in one(Peer(), request_text("OPTIONS")).headers


# --- matching ----------------------------------------------------------------------------


def test_an_rfc_2543_peer_can_call() -> None:
    """No magic cookie, no tag, no Contact: matched by 17.2.3, ACK included."""
    peer = Peer()
    invite = request_text(branch="1", contact="").replace(";tag=b1", "")
    assert statuses(peer.say(invite)) == [100]
    assert statuses(peer.say(invite)) == [100]
    (invited,) = [event for event in peer.events if isinstance(event, Invited)]
    peer.agent.accept(invited.leg, b"answer", now=peer.now)
    (ok,) = peer.take()
    tag = (ok.headers.get("to") or "").partition("tag=")[2]
    peer.say(request_text("ACK", branch="1", contact="", to_tag=tag).replace(";tag=b1", ""))
    assert peer.wait(40) == []
    peer.agent.bye(invited.leg, now=peer.now)
    (bye,) = peer.take()
    assert (bye.headers.get("to"), getattr(bye, "uri", "")) == ("<sip:bob@example.test>", "sip:bob@example.test")


def test_a_cancel_for_nothing() -> None:
    """481 (9.2)."""
    assert one(Peer(), request_text("CANCEL")).status == 481


def test_a_cancel_behind_the_200_changes_nothing() -> None:
    """9.2: 200 to the CANCEL, the call stands."""
    peer = Peer()
    peer.say(request_text())
    (invited,) = [event for event in peer.events if isinstance(event, Invited)]
    peer.agent.accept(invited.leg, b"answer", now=peer.now)
    peer.take()
    assert statuses(peer.say(request_text("CANCEL"))) == [200]
    assert not [event for event in peer.events if isinstance(event, LegEnded)]


def test_an_ack_before_any_final_response_is_dropped() -> None:
    """It acknowledges nothing."""
    peer = Peer()
    peer.say(request_text())
    assert peer.say(request_text("ACK")) == []
    assert peer.discards == ["ack-too-early"]


# --- in the dialog -----------------------------------------------------------------------


@pytest.mark.parametrize("method", ["INVITE", "BYE", "INFO", "UPDATE", "OPTIONS"])
def test_requests_in_no_dialog(method: str) -> None:
    """481 (12.2.2)."""
    assert one(Peer(), request_text(method, to_tag="nobody")).status == 481


@pytest.mark.parametrize("method", ["BYE", "INFO", "UPDATE"])
def test_requests_that_need_a_dialog(method: str) -> None:
    """481 without a To tag as well."""
    assert one(Peer(), request_text(method)).status == 481


def test_a_request_out_of_order() -> None:
    """500 (12.2.2): behind, or equal to, one already seen."""
    peer, tag = in_call()
    assert statuses(peer.say(request_text("OPTIONS", branch="z9hG4bKa", to_tag=tag, cseq=5))) == [200]
    for number, cseq in enumerate((4, 5)):
        assert one(peer, request_text("INFO", branch=f"z9hG4bKb{number}", to_tag=tag, cseq=cseq)).status == 500


def test_a_register_in_a_dialog() -> None:
    """403: it has no business there."""
    peer, tag = in_call()
    assert one(peer, request_text("REGISTER", branch="z9hG4bKr", to_tag=tag, cseq=2)).status == 403


def test_info_without_a_body_but_with_a_record_header() -> None:
    """BroadWorks steering: the header's value, lower case."""
    peer, tag = in_call()
    assert peer.say(request_text("INFO", "Record: ON", branch="z9hG4bKi", to_tag=tag, cseq=2)) == []
    info = peer.events[-1]
    assert isinstance(info, InfoReceived)
    assert (info.content_type, info.body, info.record) == ("", b"", "on")
    peer.agent.respond_info(info.leg, info.token, 488, now=peer.now)
    assert statuses(peer.take()) == [488]


def test_a_flood_of_info_is_bounded() -> None:
    """Sixteen may wait for an answer; the next one gets 500."""
    peer, tag = in_call()
    answers = [peer.say(request_text("INFO", branch=f"z9hG4bKi{n}", to_tag=tag, cseq=2 + n)) for n in range(17)]
    assert [statuses(answer) for answer in answers] == [[]] * 16 + [[500]]


def test_a_second_offer_before_the_first_is_answered() -> None:
    """14.2: 500 with a Retry-After of up to ten seconds."""
    peer, tag = in_call()
    peer.say(request_text(branch="z9hG4bKa", to_tag=tag, cseq=2, body="v=0\r\n"))
    answer = one(peer, request_text("UPDATE", branch="z9hG4bKb", to_tag=tag, cseq=3, body="v=0\r\n"))
    assert answer.status == 500
    assert 0 <= int(answer.headers.get("retry-after") or "x") <= 10


def test_an_update_without_a_body_is_answered_inside() -> None:
    """A refresh and a new target: the next request of ours goes there."""
    peer, tag = in_call()
    moved = request_text("UPDATE", branch="z9hG4bKu", to_tag=tag, cseq=2, contact="<sip:bob@192.0.2.50:5090>")
    assert statuses(peer.say(moved)) == [200]
    assert not [event for event in peer.events if isinstance(event, OfferReceived)]
    peer.agent.info(1, "text/plain", b"?", now=peer.now)
    peer.take()
    assert (peer.sent[-1].hop.host, peer.sent[-1].hop.port) == ("192.0.2.50", 5090)
    assert peer.sent[-1].data.startswith(b"INFO sip:bob@192.0.2.50:5090 SIP/2.0")


def test_an_update_while_the_call_rings() -> None:
    """RFC 3311 5.2: without a body 200, with an offer 500, as the INVITE's own offer has no answer yet."""
    peer = Peer()
    peer.say(request_text(body="v=0\r\n"))
    peer.agent.progress(1, 180, now=peer.now)
    (ringing,) = peer.take()
    tag = (ringing.headers.get("to") or "").partition("tag=")[2]
    assert statuses(peer.say(request_text("UPDATE", branch="z9hG4bKa", to_tag=tag, cseq=2))) == [200]
    assert statuses(peer.say(request_text("UPDATE", branch="z9hG4bKb", to_tag=tag, cseq=3, body="v=0\r\n"))) == [500]


def test_a_caller_may_end_a_ringing_call_by_bye() -> None:
    """15: 200 to the BYE and 487 to the INVITE."""
    peer = Peer()
    peer.say(request_text())
    peer.agent.progress(1, 180, now=peer.now)
    (ringing,) = peer.take()
    tag = (ringing.headers.get("to") or "").partition("tag=")[2]
    assert statuses(peer.say(request_text("BYE", branch="z9hG4bKb", to_tag=tag, cseq=2))) == [200, 487]
    assert peer.events[-1] == LegEnded(leg=1, cause="bye")


def test_a_cancelled_reinvite_still_gets_its_answer() -> None:
    """A CANCEL may have no effect (9.2): 200 to it, and the offer waits on."""
    peer, tag = in_call()
    peer.say(request_text(branch="z9hG4bKa", to_tag=tag, cseq=2, body="v=0\r\n"))
    assert statuses(peer.say(request_text("CANCEL", branch="z9hG4bKa", to_tag=tag, cseq=2))) == [200]
    peer.agent.answer_offer(1, b"answer", now=peer.now)
    assert statuses(peer.take()) == [200]


def test_a_peer_behind_nat_is_answered_where_it_came_from() -> None:
    """Its Contact is private: requests of ours go to the source of its own."""
    peer = Peer(make_agent("A", replace(QUIET, trusted_peers=(ELSEWHERE.host,))), source=ELSEWHERE)
    in_call(peer)
    peer.agent.bye(1, now=peer.now)
    peer.take()
    assert peer.sent[-1].hop == ELSEWHERE
    assert peer.sent[-1].data.startswith(b"BYE sip:bob@192.0.2.2:5060 SIP/2.0")


def test_loose_routes_are_followed() -> None:
    """12.2.1.1: Route as recorded, the Request-URI is the target; the hop is the first route."""
    peer = Peer()
    routes = ("Record-Route: <sip:192.0.2.8;lr>", "Record-Route: <sip:192.0.2.9:5062;lr>")
    peer.say(request_text("INVITE", *routes))
    peer.agent.accept(1, b"answer", now=peer.now)
    (ok,) = peer.take()
    assert ok.headers.get_all("record-route") == ["<sip:192.0.2.8;lr>", "<sip:192.0.2.9:5062;lr>"]
    tag = (ok.headers.get("to") or "").partition("tag=")[2]
    peer.say(request_text("ACK", branch="z9hG4bKack", to_tag=tag))
    peer.agent.bye(1, now=peer.now)
    (bye,) = peer.take()
    assert getattr(bye, "uri", "") == "sip:bob@192.0.2.2:5060"
    assert bye.headers.get_all("route") == ["<sip:192.0.2.8;lr>", "<sip:192.0.2.9:5062;lr>"]
    assert peer.sent[-1].hop == replace(RIGHT, host="192.0.2.8")


def test_strict_routes_are_followed() -> None:
    """12.2.1.1: the first route becomes the Request-URI, the target the last Route."""
    peer = Peer()
    peer.say(request_text("INVITE", "Record-Route: <sip:192.0.2.8>, <sip:192.0.2.9;lr>"))
    peer.agent.accept(1, b"answer", now=peer.now)
    (ok,) = peer.take()
    tag = (ok.headers.get("to") or "").partition("tag=")[2]
    peer.say(request_text("ACK", branch="z9hG4bKack", to_tag=tag))
    peer.agent.bye(1, now=peer.now)
    (bye,) = peer.take()
    assert getattr(bye, "uri", "") == "sip:192.0.2.8"
    assert bye.headers.get_all("route") == ["<sip:192.0.2.9;lr>", "<sip:bob@192.0.2.2:5060>"]


def test_a_repeated_ack_is_counted() -> None:
    """The first one was enough."""
    peer, tag = in_call()
    assert peer.say(request_text("ACK", branch="z9hG4bKack2", to_tag=tag)) == []
    assert peer.discards == ["ack-repeated"]


def test_fields_nobody_needs_may_be_broken() -> None:
    """8.2.2: an Expires that is no number is none; a Supported that is no list lists nothing."""
    peer = Peer()
    assert statuses(peer.say(request_text("INVITE", "Expires: soon", "Supported: @", "Session-Expires: 60"))) == [100]
    assert peer.wait(55) == []


def test_100_copies_the_timestamp() -> None:
    """8.2.6.1."""
    (trying,) = Peer().say(request_text("INVITE", "Timestamp: 54.2"))
    assert (trying.headers.get("timestamp"), trying.headers.get("to")) == ("54.2", "<sip:alice@example.test>")


def test_a_request_that_cannot_even_be_refused_is_counted() -> None:
    """No Call-ID: nothing to echo."""
    peer = Peer()
    assert peer.say(request_text("OPTIONS").replace("Call-ID", "X")) == []
    assert peer.discards == ["syntax"]


def test_a_merged_request_is_forgotten_like_any_other() -> None:
    """Its end does not free the place of the first."""
    peer = Peer()
    peer.say(request_text())
    peer.say(request_text(branch="z9hG4bKother"))
    peer.say(request_text("ACK", branch="z9hG4bKother"))
    peer.wait(50)
    assert peer.agent.transaction_count == 1
    assert statuses(peer.say(request_text(branch="z9hG4bKthird"))) == [482]
