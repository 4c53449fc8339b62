"""Who may speak: challenges, credentials, the registrar, trusted peers (RFC 3261 10.3, 22)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mediaserver.sip.config import LocalContact, SipConfig
from mediaserver.sip.digest import Algorithm, compute_ha1, compute_response, parse_digest
from mediaserver.sip.events import Invited, Registered
from mediaserver.sip.hops import Hop, Transport
from mediaserver.sip.message import Response
from mediaserver.sip.throttle import TRIES, Throttle
from tests.support.sip_link import QUIET, REALM, RIGHT, make_agent
from tests.support.sip_peer import Peer, request_text, statuses

STRANGER = Hop(transport=Transport.UDP, host="198.51.100.9", port=5060)
PHONE = "User-Agent: callbench"
"""A phone that reads both algorithms."""
USERS = {"bob": "secret", "carol": "hidden"}


def phone(config: SipConfig = QUIET, source: Hop = STRANGER) -> Peer:
    """A peer that nobody trusts, at a server with two users."""
    return Peer(make_agent("A", config, users=USERS), source=source)


def credentials(
    challenge: Response, method: str, *, user: str = "bob", password: str = "secret", number: int = 0, count: int = 1
) -> str:
    """Authorization line that answers one of the challenges."""
    pairs = parse_digest(challenge.headers.get_all("www-authenticate")[number], "www-authenticate")
    assert pairs is not None
    algorithm = Algorithm(pairs["algorithm"])
    answer = {"nonce": pairs["nonce"], "uri": "sip:x", "qop": "auth", "nc": f"{count:08x}", "cnonce": "c"}
    ha1 = compute_ha1(user, REALM, password, algorithm)
    response = compute_response(ha1, answer, method, algorithm)
    return (
        f'Authorization: Digest username="{user}", realm="{REALM}", nonce="{pairs["nonce"]}", uri="sip:x", '
        f'algorithm={algorithm}, qop=auth, nc={count:08x}, cnonce="c", response="{response}"'
    )


def challenged(peer: Peer, method: str = "INVITE", user: str = "bob") -> Response:
    """The challenge to a first request."""
    (challenge,) = peer.say(request_text(method, PHONE, user=user, call_id=f"{method}-{user}"))
    assert isinstance(challenge, Response)
    assert challenge.status == 401
    return challenge


@pytest.mark.parametrize("method", ["INVITE", "REGISTER"])
def test_a_request_without_credentials_is_challenged(method: str) -> None:
    """401, both algorithms to a phone that reads both."""
    values = challenged(phone(), method).headers.get_all("www-authenticate")
    assert [value.partition("algorithm=")[2].partition(",")[0] for value in values] == ["SHA-256", "MD5"]


@pytest.mark.parametrize("number", [0, 1])
def test_a_call_with_credentials_comes_through(number: int) -> None:
    """With either algorithm; the event names the subscriber."""
    peer = phone()
    line = credentials(challenged(peer), "INVITE", number=number)
    assert statuses(peer.say(request_text("INVITE", line, branch="z9hG4bK2", cseq=2, call_id="INVITE-bob"))) == [100]
    assert isinstance(peer.events[-1], Invited)
    assert (peer.events[-1].user, peer.events[-1].caller_number) == ("bob", "bob")


def test_a_wrong_password_is_refused() -> None:
    """403, for a user who exists and for one who does not."""
    for user in ("bob", "nobody"):
        peer = phone()
        line = credentials(challenged(peer, user=user), "INVITE", user=user, password="wrong")
        text = request_text("INVITE", line, branch="z9hG4bK2", cseq=2, user=user)
        assert statuses(peer.say(text)) == [403]


def test_nobody_speaks_in_anothers_name() -> None:
    """403: From is carol, the credentials are bob's."""
    peer = phone()
    line = credentials(challenged(peer, user="carol"), "INVITE", user="bob")
    assert statuses(peer.say(request_text("INVITE", line, branch="z9hG4bK2", cseq=2, user="carol"))) == [403]


def test_a_caller_may_hide_its_number_from_the_other_party_only() -> None:
    """An anonymous From with bob's credentials: bob calls; nobody but a trunk is believed what it asserts."""
    peer = phone()
    line = credentials(challenged(peer, user="anonymous"), "INVITE")
    asserted = "P-Asserted-Identity: Carol <sip:carol@example.test>"
    peer.say(request_text("INVITE", line, asserted, branch="z9hG4bK2", cseq=2, user="anonymous"))
    called = peer.events[-1]
    assert isinstance(called, Invited)
    assert (called.user, called.caller_number, called.caller_label, called.private) == ("bob", "bob", "", True)


def test_a_stale_nonce_is_challenged_again() -> None:
    """The password was right: stale=true."""
    peer = phone()
    challenge = challenged(peer)
    peer.wait(400)
    text = request_text("INVITE", credentials(challenge, "INVITE"), PHONE, branch="z9hG4bK2", cseq=2)
    (again,) = peer.say(text)
    assert statuses([again]) == [401]
    assert all(value.endswith("stale=true") for value in again.headers.get_all("www-authenticate"))


@pytest.mark.parametrize("method", ["INVITE", "REGISTER", "OPTIONS", "BYE"])
def test_nothing_is_kept_of_a_stranger(method: str) -> None:
    """One response over UDP, smaller than two of its requests, and no transaction: no amplifier, no memory to fill."""
    peer = phone()
    text = request_text(method, user="nobody")
    (answer,) = peer.say(text)
    assert peer.agent.transaction_count == 0
    peer.wait(40)
    assert len(peer.sent) == 1
    assert len(bytes(answer)) < 2 * len(text)


def guess(peer: Peer, number: int, *, user: str = "bob", password: str = "wrong") -> int:
    """Status of the answer to a call with a fresh nonce and this password."""
    call_id = f"guess-{user}-{number}"
    (challenge,) = peer.say(request_text("INVITE", user=user, branch=f"z9hG4bKg{number}", call_id=call_id))
    assert isinstance(challenge, Response)
    line = credentials(challenge, "INVITE", user=user, password=password)
    text = request_text("INVITE", line, user=user, branch=f"z9hG4bKh{number}", cseq=2, call_id=call_id)
    return statuses(peer.say(text))[0]


def test_who_guesses_passwords_has_to_wait() -> None:
    """Ten wrong ones; then even the right one gets 503 for a minute, and comes through after it."""
    peer = phone()
    assert [guess(peer, number) for number in range(10)] == [403] * 10
    assert [guess(peer, 10), guess(peer, 11, password="secret")] == [503, 503]
    assert guess(peer, 12, user="carol", password="hidden") == 100
    peer.wait(61)
    assert guess(peer, 13, password="secret") == 100


def test_the_right_password_forgives_wrong_ones() -> None:
    """A user who mistypes nine times, twice, is not kept waiting."""
    peer = phone()
    assert [guess(peer, number) for number in range(9)] == [403] * 9
    assert guess(peer, 9, password="secret") == 100
    assert [guess(peer, number) for number in range(10, 20)] == [403] * 10


def test_the_memory_of_guesses_is_bounded() -> None:
    """The source longest quiet goes first; a network of IPv6 is one source."""
    throttle = Throttle(2)
    for number in range(TRIES):
        throttle.wrong(f"2001:db8::{number + 1:x}", "bob", 0.0)
    assert throttle.wait_s("2001:db8::ffff", "bob", 0.5) == 60
    throttle.wrong("198.51.100.1", "bob", 1.0)
    throttle.wrong("a name", "bob", 2.0)
    assert (len(throttle), throttle.wait_s("2001:db8::1", "bob", 2.0)) == (2, 0)


def test_broken_credentials_are_a_bad_request() -> None:
    """400."""
    line = f'Authorization: Digest realm="{REALM}", nonce="x", algorithm=MD5'
    assert statuses(phone().say(request_text("INVITE", line))) == [400]


def test_a_trusted_peer_calls_without_credentials() -> None:
    """A trunk: no subscriber, its own number and name."""
    peer = phone(source=RIGHT)
    text = request_text(user="+33123").replace("From: <", 'From: "Zoé" <')
    assert statuses(peer.say(text)) == [100]
    assert isinstance(peer.events[-1], Invited)
    assert (peer.events[-1].user, peer.events[-1].caller_number, peer.events[-1].caller_label) == (
        None,
        "+33123",
        "Zoé",
    )


def test_a_trusted_peer_that_claims_a_subscriber_is_challenged() -> None:
    """A phone may sit on the same host as a trunk."""
    assert statuses(phone(source=RIGHT).say(request_text(user="bob"))) == [401]


def test_options_need_no_password() -> None:
    """They say nothing worth one."""
    assert statuses(phone().say(request_text("OPTIONS"))) == [200]


# --- the registrar -----------------------------------------------------------------------


def register(
    peer: Peer, cseq: int, *extra: str, contact: str = "<sip:bob@198.51.100.9>", user: str = "bob"
) -> Response:
    """An authorised REGISTER's answer."""
    call_id = f"reg-{user}-{cseq}"
    text = request_text(
        "REGISTER", PHONE, uri=f"sip:{REALM}", call_id=call_id, branch=f"z9hG4bKa{cseq}", contact=contact
    )
    (challenge,) = peer.say(text)
    assert isinstance(challenge, Response)
    text = request_text(
        "REGISTER",
        credentials(challenge, "REGISTER"),
        *extra,
        uri=f"sip:{REALM}",
        call_id=call_id,
        branch=f"z9hG4bKb{cseq}",
        cseq=cseq + 1,
        contact=contact,
    ).replace("To: <sip:alice@", f"To: <sip:{user}@")
    (answer,) = peer.say(text)
    assert isinstance(answer, Response)
    return answer


def test_a_phone_registers_and_unregisters() -> None:
    """200 with its Contact; Registered is told when the contacts change, not for a refresh."""
    peer = phone()
    answer = register(peer, 1, "Expires: 600")
    assert (answer.status, answer.headers.get("contact")) == (200, "<sip:bob@198.51.100.9>;expires=600")
    register(peer, 3, "Expires: 600")
    assert [binding.request_uri for binding in peer.agent.registrar.bindings("bob", peer.now)] == [
        "sip:bob@198.51.100.9"
    ]
    register(peer, 5, "Expires: 0")
    assert peer.events == [
        Registered(user="bob", contacts=("sip:bob@198.51.100.9",)),
        Registered(user="bob", contacts=()),
    ]


def test_a_binding_runs_out() -> None:
    """By the agent's own timer."""
    peer = phone()
    register(peer, 1, "Expires: 600")
    peer.wait(700)
    assert peer.events[-1] == Registered(user="bob", contacts=())
    assert peer.agent.next_timer() is None


def test_registering_for_somebody_else() -> None:
    """403."""
    assert register(phone(), 1, user="carol").status == 403


def test_too_brief_a_registration() -> None:
    """423 with Min-Expires."""
    answer = register(phone(), 1, "Expires: 5")
    assert (answer.status, answer.headers.get("min-expires")) == (423, "60")


def test_a_browsers_binding_goes_with_its_connection() -> None:
    """Registered without contacts; the connection's number tells."""
    ws = Hop(transport=Transport.WS, host="198.51.100.9", port=50_000, connection=3)
    contacts = {transport: LocalContact(host="192.0.2.1", port=5060) for transport in Transport}
    peer = phone(replace(QUIET, contacts=contacts), ws)
    register(peer, 1, contact="<sip:bob@x.invalid;transport=ws>")
    peer.agent.connection_closed(3, peer.now)
    peer.take()
    assert peer.events[-1] == Registered(user="bob", contacts=())
