"""Session timers at work (RFC 4028): refreshed by either side, refused, raised, run out."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mediaserver.sip.config import SessionTimerConfig, SessionTimerMode, SipConfig
from mediaserver.sip.events import Discarded, Invited, LegEnded, OfferAnswered, OfferReceived, SipEvent
from mediaserver.sip.message import Message, Request
from mediaserver.sip.user_agent import UserAgent
from tests.support.sip_link import QUIET, Link, losing, make_agent
from tests.support.sip_peer import Peer, request_text, response_text, statuses

SHORT = replace(QUIET, session_timer=SessionTimerConfig(expires_s=90, min_se_s=90))
PATIENT = replace(QUIET, session_timer=SessionTimerConfig(expires_s=300, min_se_s=200))
OFF = replace(QUIET, session_timer=SessionTimerConfig(mode=SessionTimerMode.OFF))


def pair(left: SipConfig, right: SipConfig) -> Link:
    return Link(make_agent("A", left), make_agent("B", right))


def said(link: Link, after: int = 0) -> list[str]:
    """Time and message."""
    return [f"{line[:8].strip()} {line[11:13]} {line.split(' B  ')[1]}" for line in link.log[after:]]


def told(link: Link) -> list[SipEvent]:
    return link.of("A", LegEnded, OfferReceived, OfferAnswered) + link.of("B", LegEnded, OfferReceived, OfferAnswered)


def test_the_callee_refreshes_by_update_and_nobody_is_told() -> None:
    """Asked without a refresher, we take it on ourselves; half the interval later an UPDATE goes out."""
    link = pair(SHORT, SHORT)
    link.established()
    link.run(100)
    assert said(link, 4) == ["45.120 <- UPDATE", "45.130 -> 200 UPDATE", "90.140 <- UPDATE", "90.150 -> 200 UPDATE"]
    assert told(link) == []


def test_a_session_nobody_can_refresh_ends() -> None:
    """The refresher hears nothing and says 408; who waits hangs up a third before the interval is over."""
    link = pair(SHORT, SHORT)
    leg, other = link.established()
    link.fate = losing(("B", "UPDATE", 0))
    link.run(120)
    assert link.of("A", LegEnded) == [LegEnded(leg=leg, cause="session-expired")]
    assert link.of("B", LegEnded) == [LegEnded(leg=other, cause="bye")]
    assert "60.110 -> BYE" in said(link)


def test_a_422_raises_the_interval() -> None:
    """The callee wants 200 s at least: the call is placed again with that."""
    link = pair(SHORT, PATIENT)
    link.call()
    link.run(0.1)
    link.right.accept(link.invited().leg, b"answer", now=link.now)
    link.run(110)
    assert said(link) == [
        "0.000 -> INVITE",
        "0.010 <- 422 INVITE",
        "0.020 -> ACK",
        "0.020 -> INVITE",
        "0.030 <- 100 INVITE",
        "0.100 <- 200 INVITE",
        "0.110 -> ACK",
        "100.120 <- UPDATE",
        "100.130 -> 200 UPDATE",
    ]


def test_an_offer_refreshes_the_session_too() -> None:
    """The next refresh counts from it."""
    link = pair(SHORT, SHORT)
    leg, other = link.established()
    link.run(29.8)
    link.left.offer(leg, b"hold", now=link.now)
    link.run(0.1)
    link.right.answer_offer(other, b"held", now=link.now)
    link.run(50)
    assert [line for line in said(link) if "UPDATE" in line] == ["75.100 <- UPDATE", "75.110 -> 200 UPDATE"]


def test_switched_off_it_is_neither_offered_nor_supported() -> None:
    """No header of RFC 4028, and Require: timer is refused."""
    peer = Peer(make_agent("A", OFF))
    invite = peer.call()
    assert not [name for name in ("session-expires", "min-se", "supported") if name in invite.headers]
    peer.say(response_text(invite, 200, "Session-Expires: 90;refresher=uac", body="answer"))
    assert peer.wait(200) == []
    assert statuses(peer.say(request_text("INVITE", "Require: timer"))) == [420]


def agreed(*headers: str, mode: SessionTimerMode = SessionTimerMode.ON) -> tuple[Peer, str | None, bool]:
    """Our 2xx to an INVITE with these headers: Session-Expires, and whether timer is required."""
    peer = Peer(make_agent("A", replace(QUIET, session_timer=SessionTimerConfig(mode=mode))))
    peer.say(request_text("INVITE", *headers))
    assert isinstance(peer.events[-1], Invited)
    peer.agent.accept(1, b"answer", now=peer.now)
    (ok,) = peer.take()
    tag = (ok.headers.get("to") or "").partition("tag=")[2]
    peer.say(request_text("ACK", branch="z9hG4bKack", to_tag=tag))
    return peer, ok.headers.get("session-expires"), "require" in ok.headers


@pytest.mark.parametrize(
    ("headers", "value", "required"),
    [
        ((), "1800;refresher=uas", False),
        (("Supported: timer",), "1800;refresher=uas", True),
        (("Supported: timer", "Session-Expires: 600"), "600;refresher=uas", True),
        (("Supported: timer", "Session-Expires: 600;refresher=uac"), "600;refresher=uac", True),
        (("Supported: timer", "Session-Expires: 600;refresher=uas"), "600;refresher=uas", True),
        (("Supported: timer", "Session-Expires: 7200"), "1800;refresher=uas", True),
        (("Supported: timer", "Session-Expires: 7200", "Min-SE: 3600"), "3600;refresher=uas", True),
        (("Session-Expires: 60",), "90;refresher=uas", False),
    ],
)
def test_what_a_2xx_agrees_to(headers: tuple[str, ...], value: str, required: bool) -> None:
    """RFC 4028 9, table 2."""
    assert agreed(*headers)[1:] == (value, required)


def test_in_answer_mode_a_peer_that_does_not_ask_gets_none() -> None:
    """And one that asks does."""
    assert agreed(mode=SessionTimerMode.ANSWER)[1:] == (None, False)
    assert agreed("Session-Expires: 100", mode=SessionTimerMode.ANSWER)[1:] == ("100;refresher=uas", False)


def due(peer: Peer, seconds: float) -> Request:
    """The one request that goes out within ``seconds``."""
    (request,) = peer.wait(seconds)
    assert isinstance(request, Request)
    return request


def test_a_peer_without_update_is_refreshed_by_reinvite() -> None:
    """With the newest SDP of ours; the call logic hears only the answer, which may move the peer's media."""
    peer, _, _ = agreed("Session-Expires: 100")
    refresh = due(peer, 50)
    assert (refresh.method, refresh.body, refresh.headers.get("session-expires")) == (
        "INVITE",
        b"answer",
        "100;refresher=uac",
    )
    told = len(peer.events)
    (ack,) = peer.say(response_text(refresh, 200, "Session-Expires: 100;refresher=uac", body="same"))
    assert isinstance(ack, Request)
    assert (ack.method, peer.events[told:]) == ("ACK", [OfferAnswered(leg=1, answer=b"same")])
    assert due(peer, 50).method == "INVITE"


def test_a_refused_refresh_by_reinvite_is_nobodys_news() -> None:
    """The session stays as it was; so it does when a 2xx brings no description."""
    peer, _, _ = agreed("Session-Expires: 100")
    told = len(peer.events)
    peer.say(response_text(due(peer, 50), 500))
    peer.say(response_text(due(peer, 10), 200, "Session-Expires: 100;refresher=uac"))
    assert peer.events[told:] == []


def test_a_refresh_waits_for_an_offer_that_is_under_way() -> None:
    """The offer is a refresh itself."""
    peer, _, _ = agreed("Session-Expires: 100")
    peer.wait(49)
    peer.agent.offer(1, b"hold", now=peer.now)
    (offer,) = peer.take()
    assert isinstance(offer, Request)
    peer.say(response_text(offer, 100))
    assert peer.wait(5) == []
    peer.say(response_text(offer, 200, "Session-Expires: 100;refresher=uac", body="held"))
    assert peer.wait(49) == []
    assert due(peer, 1).body == b"hold"


def test_an_offer_waits_for_a_refresh_that_is_under_way() -> None:
    """It goes out once the refresh is answered, and its answer is told."""
    peer, _, _ = agreed("Session-Expires: 100")
    refresh = due(peer, 50)
    peer.agent.offer(1, b"hold", now=peer.now)
    assert peer.take() == []
    ack, offer = peer.say(response_text(refresh, 200, "Session-Expires: 100;refresher=uac", body="same"))
    assert isinstance(ack, Request)
    assert isinstance(offer, Request)
    assert (ack.method, offer.method, offer.body) == ("ACK", "INVITE", b"hold")
    peer.say(response_text(offer, 200, body="held"))
    assert peer.events[-1] == OfferAnswered(leg=1, answer=b"held")


def by_update(*headers: str) -> tuple[Peer, Request]:
    """A call whose refresh by UPDATE has just gone out."""
    peer, _, _ = agreed("Session-Expires: 100", "Allow: INVITE, UPDATE", *headers)
    refresh = due(peer, 50)
    assert (refresh.method, refresh.body) == ("UPDATE", b"")
    return peer, refresh


@pytest.mark.parametrize(
    ("status", "next_method"), [(500, "UPDATE"), (491, "UPDATE"), (501, "INVITE"), (405, "INVITE")]
)
def test_a_refused_refresh_is_tried_again(status: int, next_method: str) -> None:
    """Ten seconds later; by re-INVITE, when the peer does not know UPDATE after all."""
    peer, refresh = by_update()
    peer.say(response_text(refresh, status))
    assert due(peer, 10).method == next_method


def test_a_422_to_a_refresh_raises_the_interval() -> None:
    """At once; a provisional before it changes nothing."""
    peer, refresh = by_update()
    peer.say(response_text(refresh, 100))
    (again,) = peer.say(response_text(refresh, 422, "Min-SE: 400"))
    assert again.headers.get("session-expires") == "400;refresher=uac"


def test_a_refresh_the_peer_does_not_know_ends_the_leg() -> None:
    """481."""
    peer, refresh = by_update()
    peer.say(response_text(refresh, 481))
    assert peer.events[-1] == LegEnded(leg=1, cause="dialog-gone")


def test_a_refresh_answered_after_the_end_changes_nothing() -> None:
    """The leg is over; no timer comes back to life."""
    peer, refresh = by_update()
    peer.agent.bye(1, now=peer.now)
    (bye,) = peer.take()
    assert isinstance(bye, Request)
    peer.say(response_text(refresh, 200, "Session-Expires: 100;refresher=uac"))
    peer.say(response_text(bye, 200))
    assert peer.wait(200) == []
    assert peer.agent.leg_count == 0


def test_a_session_without_refresh_ends_before_its_interval() -> None:
    """The peer promised to refresh: BYE 32 s, or a third, before the interval is over."""
    peer, _, _ = agreed("Supported: timer", "Session-Expires: 100;refresher=uac")
    assert peer.wait(67.9) == []
    assert due(peer, 0.2).method == "BYE"
    assert peer.events[-1] == LegEnded(leg=1, cause="session-expired")


@pytest.mark.parametrize("line", ["Session-Expires: x", "Session-Expires: 0", "X: y", "Allow: ,\x01"])
def test_a_2xx_without_a_sensible_interval_means_no_timer(line: str) -> None:
    """7.2: the session does not expire."""
    peer = Peer(make_agent("A", SHORT))
    peer.say(response_text(peer.call(), 200, line, body="answer"))
    messages: list[Message] = peer.wait(200)
    assert messages == []
    assert not [event for event in peer.events if isinstance(event, Discarded | LegEnded)]


def test_an_agent_remembers_nothing_of_an_expired_session() -> None:
    """Leg, transactions and timers are gone."""
    peer, _, _ = agreed("Supported: timer", "Session-Expires: 100;refresher=uac")
    peer.wait(200)
    agent: UserAgent = peer.agent
    assert (agent.leg_count, agent.transaction_count, agent.next_timer()) == (0, 0, None)
