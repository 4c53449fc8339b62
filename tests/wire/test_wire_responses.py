"""Responses as a capture shows them: tags, and the fields that a status calls for."""

from __future__ import annotations

import pytest

from mediaserver.sip.errors import SipSyntaxError
from mediaserver.sip.events import Invited
from mediaserver.sip.hops import Hop, Transport
from mediaserver.sip.message import Response
from mediaserver.sip.reasons import syntax_phrase
from tests.support.sip_link import make_agent
from tests.support.sip_peer import Peer, request_text

STRANGER = Hop(transport=Transport.UDP, host="198.51.100.9", port=40_000)


def one(peer: Peer, text: str) -> Response:
    """The one response to a request."""
    (answer,) = peer.say(text)
    assert isinstance(answer, Response)
    return answer


def invited(peer: Peer) -> int:
    """The leg of the newest call of the peer's."""
    return [event for event in peer.events if isinstance(event, Invited)][-1].leg


@pytest.mark.parametrize(
    ("text", "status"),
    [
        (request_text("REGISTER", uri="sip:example.test"), 401),
        (request_text("INVITE"), 401),
        (request_text("INVITE", "Require: xyz"), 420),
        (request_text("INVITE", max_forwards=0), 483),
        (request_text("DANCE"), 405),
        (request_text("BYE"), 481),
        (request_text("OPTIONS"), 200),
    ],
)
def test_a_request_nobody_remembers_is_answered_under_one_tag(text: str, status: int) -> None:
    """However often it comes (RFC 3261 8.2.7); another request has another tag."""
    peer = Peer(source=STRANGER, agent=make_agent(users={"bob": "secret"}))
    first, again, other = one(peer, text), one(peer, text), one(peer, text.replace("z9hG4bK1", "z9hG4bK2"))
    assert (first.status, peer.agent.transaction_count) == (status, 0)
    assert first.headers.get("to") == again.headers.get("to") != other.headers.get("to")


def test_a_request_inside_a_dialog_that_is_refused_keeps_its_tag() -> None:
    """There is no second tag in To."""
    refused = one(Peer(), request_text("BYE", to_tag="ours"))
    assert (refused.status, refused.headers.get("to")) == (481, "<sip:alice@example.test>;tag=ours")


def test_options_are_answered_as_an_invite_would_be() -> None:
    """A server that takes no calls says so to whoever probes it (11.2); a phone in a call still gets its 200."""
    peer = Peer()
    assert one(peer, request_text("OPTIONS")).status == 200
    peer.say(request_text(branch="z9hG4bKi", body="v=0\r\n"))
    peer.agent.accept(invited(peer), b"answer", now=peer.now)
    (ok,) = peer.take()
    tag = (ok.headers.get("to") or "").partition("tag=")[2]

    peer.agent.draining = True
    probe = one(peer, request_text("OPTIONS", branch="z9hG4bKo", call_id="probe"))
    inside = one(peer, request_text("OPTIONS", branch="z9hG4bKp", to_tag=tag, cseq=2))

    assert (probe.status, probe.headers.get("retry-after")) == (503, "5")
    assert inside.status == 200
    assert [inside.headers.get(name) for name in ("accept", "supported")] == ["application/sdp", "timer"]


def test_a_call_that_finds_no_media_is_told_when_to_try_again() -> None:
    """503 with Retry-After, as when no call is taken at all; one that is given stands."""
    peer, told = Peer(), []
    for number, headers in enumerate(((), (("retry-after", "60"),))):
        peer.say(request_text(body="v=0\r\n", branch=f"z9hG4bK{number}", call_id=f"call-{number}"))
        peer.agent.reject(invited(peer), 503, now=peer.now, headers=headers)
        (refused,) = peer.take()
        told.append(refused.headers.get_all("retry-after"))
    assert told == [["5"], ["60"]]


BAD_CREDENTIALS = 'Authorization: Digest realm="example.test", nonce="x", algorithm=MD5'


@pytest.mark.parametrize(
    ("text", "status", "phrase"),
    [
        (request_text("INVITE").replace("CSeq: 1", "CSeq: one"), 400, "Bad Request: cseq: not a number and a method"),
        (request_text("INVITE").replace("From: <sip:", "From: <<sip:"), 400, "Bad Request: from: "),
        (request_text("INVITE", "a<b"), 400, "Bad Request: headers: a line without a name"),
        (
            request_text("INVITE").replace("1 INVITE", "1 D%N`CE"),
            400,
            "Bad Request: cseq: method is not that of the request, INVITE",
        ),
        (request_text("INVITE", "Session-Expires: x"), 400, "Bad Request: session-expires: not a number"),
        (request_text("REGISTER", BAD_CREDENTIALS, uri="sip:example.test"), 400, "Bad Request: authorization: "),
        (request_text("INVITE", uri="tel:+331"), 416, "Unsupported URI Scheme"),
    ],
)
def test_a_request_that_cannot_be_read_is_told_where(text: str, status: int, phrase: str) -> None:
    """21.4.1: the reason phrase of a 400 says what is wrong with the syntax."""
    refused = one(Peer(source=STRANGER, agent=make_agent(users={"bob": "secret"})), text)
    assert refused.status == status
    assert refused.reason.startswith(phrase)


def test_a_reason_phrase_has_no_place_for_odd_characters() -> None:
    """Those of a peer's own words are left out (25.1)."""
    assert syntax_phrase(SipSyntaxError("via", 'a "b" <c>%\x00é')) == "Bad Request: via: a b c"
