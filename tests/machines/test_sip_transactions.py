"""The transaction layer under any order of inputs: it follows its tables, says what it must, and forgets in the end."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from mediaserver.sip.alarms import Alarms
from mediaserver.sip.config import LocalContact, SipConfig
from mediaserver.sip.hops import Hop, Outgoing, Transport
from mediaserver.sip.layer import TransactionLayer
from mediaserver.sip.message import Request, Response
from mediaserver.sip.tables import Input, State
from mediaserver.sip.timers import Timer
from mediaserver.sip.transactions import ClientTransaction, ServerTransaction
from mediaserver.sip.wire import parse_message
from tests.support.sip_link import RIGHT, SeededIds, what_is
from tests.support.sip_peer import request_text, response_text

CONFIG = SipConfig(
    realm="example.test",
    contacts={transport: LocalContact(host="192.0.2.1", port=5060) for transport in Transport},
)


def crlf(text: str) -> bytes:
    return text.replace("\n", "\r\n").encode()


class Above:
    """A transaction user that only writes down what it is told."""

    def __init__(self) -> None:
        self.requests: list[ServerTransaction] = []
        self.merged: list[ServerTransaction] = []
        self.failures: list[Input] = []
        self.acks = 0
        self.dropped: list[str] = []

    def request_arrived(self, tx: ServerTransaction, now: float) -> None:
        self.requests.append(tx)

    def merged_request_arrived(self, tx: ServerTransaction, now: float) -> None:
        self.merged.append(tx)

    def ack_arrived(self, request: Request, source: Hop, now: float) -> None:
        self.acks += 1

    def server_failed(self, tx: ServerTransaction, event: Input, now: float) -> None:
        self.failures.append(event)

    def discarded(self, reason: str, source: Hop) -> None:
        self.dropped.append(reason)

    def overloaded(self, request: Request, source: Hop) -> None:
        raise AssertionError("far below the limit")

    def stray_2xx(self, response: Response, source: Hop, now: float) -> None:
        self.dropped.append("2xx")


class Rig:
    """One layer with its surroundings."""

    def __init__(self) -> None:
        self.above = Above()
        self.alarms: Alarms[tuple[object, str]] = Alarms()
        self.sent: list[Outgoing] = []
        self.now = 0.0
        self.layer = TransactionLayer(CONFIG, SeededIds(), self.above, self.alarms, self.sent.append)

    def take(self) -> list[str]:
        """What went out since the last time."""
        out = [what_is(item.data) for item in self.sent]
        self.sent.clear()
        return out

    def wait(self, seconds: float) -> None:
        end = self.now + seconds
        while (due := self.alarms.next()) is not None and due <= end:
            self.now = max(self.now, due)
            key = self.alarms.pop(self.now)
            assert key is not None
            owner, name = key
            assert isinstance(owner, ClientTransaction | ServerTransaction)
            self.layer.timer_fired(owner, Timer(name), self.now)
        self.now = end

    def request(self, text: str, source: Hop = RIGHT) -> None:
        message = parse_message(crlf(text))
        assert isinstance(message, Request)
        self.layer.request_received(message, source, self.now)

    def response(self, text: str) -> None:
        message = parse_message(crlf(text))
        assert isinstance(message, Response)
        self.layer.response_received(message, RIGHT, self.now)

    def forgotten(self) -> bool:
        return len(self.layer) == 0 and len(self.alarms) == 0


METHODS = st.sampled_from(["INVITE", "OPTIONS"])
STATUSES = st.sampled_from([100, 180, 200, 486])
HOPS = st.sampled_from([RIGHT, Hop(transport=Transport.TCP, host="192.0.2.2", port=5060, connection=1)])


class ClientSide(RuleBasedStateMachine):
    """One request of ours."""

    @initialize(method=METHODS, hop=HOPS)
    def start(self, method: str, hop: Hop) -> None:
        self.rig = Rig()
        self.told: list[tuple[int, bool]] = []
        message = parse_message(crlf(request_text(method)))
        assert isinstance(message, Request)
        message.headers.remove("via")
        self.tx = self.rig.layer.send(message, hop, self.handler, 0.0)
        assert self.rig.take() == [method]

    def handler(self, tx: ClientTransaction, response: Response, now: float) -> None:
        self.told.append((response.status, tx.failed is not None))

    @rule(status=STATUSES)
    def respond(self, status: int) -> None:
        before, known = self.tx.state, len(self.told)
        self.rig.response(response_text(self.tx.request, status))
        out = self.rig.take()
        acknowledges = self.tx.request.method == "INVITE" and status == 486
        heard = before in (State.CALLING, State.PROCEEDING, State.COMPLETED) and (
            before is not State.COMPLETED or self.tx.acknowledgement != b""
        )
        assert out == (["ACK"] if acknowledges and heard else [])
        if len(self.told) > known:
            assert self.told[-1] == (status, False)

    @rule(seconds=st.sampled_from([0.1, 0.5, 4.0, 33.0]))
    def wait(self, seconds: float) -> None:
        self.rig.wait(seconds)
        out = self.rig.take()
        assert set(out) <= {self.tx.request.method}
        if self.tx.hop.transport.reliable:
            assert out == []

    @rule()
    def fail(self) -> None:
        self.rig.layer.transport_failed(self.tx.hop, self.rig.now)
        assert self.rig.take() == []

    @invariant()
    def finals_are_told_once(self) -> None:
        if not hasattr(self, "rig"):
            return
        finals = [status for status, made_up in self.told if status >= 200 and not made_up]
        assert len(finals) <= 1 or set(finals) == {200}, "only the 2xx of forks come more than once"
        assert len([status for status, made_up in self.told if made_up]) <= 1
        assert (self.tx.state is State.TERMINATED) == (len(self.rig.layer) == 0)

    def teardown(self) -> None:
        if not hasattr(self, "rig"):
            return
        self.rig.response(response_text(self.tx.request, 486))
        self.rig.wait(100)
        assert self.rig.forgotten()
        assert [status for status, _ in self.told if status >= 200], "every request has an outcome"


class ServerSide(RuleBasedStateMachine):
    """One request of theirs."""

    @initialize(method=METHODS, hop=HOPS)
    def start(self, method: str, hop: Hop) -> None:
        self.rig, self.method, self.hop = Rig(), method, hop
        self.final = 0
        self.rig.request(request_text(method), hop)
        assert self.rig.take() == []
        (self.tx,) = self.rig.above.requests

    @rule(status=STATUSES)
    def respond(self, status: int) -> None:
        fits = self.tx.machine.step(
            self.tx.state, Input.SEND_1XX if status < 200 else Input.SEND_2XX if status < 300 else Input.SEND_FAILURE
        )
        response = Response(status=status, reason="X")
        response.headers.add("cseq", f"1 {self.method}")
        self.rig.layer.respond(self.tx, response, self.rig.now)
        assert self.rig.take() == ([f"{status} {self.method}"] if fits else [])
        if fits and status >= 200:
            assert self.final in (0, 200), "a final response is final"
            self.final = status

    @rule()
    def repeat(self) -> None:
        alive, status = self.tx.state is not State.TERMINATED, self.tx.status
        if not alive:
            return
        self.rig.request(request_text(self.method), self.hop)
        silent = self.tx.state in (State.ACCEPTED, State.CONFIRMED, State.TRYING) or not status
        assert self.rig.take() == ([] if silent else [f"{status} {self.method}"])
        assert len(self.rig.above.requests) == 1

    @rule()
    def acknowledge(self) -> None:
        before, acks = self.tx.state, self.rig.above.acks
        if self.method != "INVITE" or before is State.TERMINATED:
            return
        self.rig.request(request_text("ACK"), self.hop)
        assert self.rig.take() == []
        assert self.rig.above.acks - acks == (before is State.ACCEPTED)

    @rule(seconds=st.sampled_from([0.1, 0.5, 4.0, 33.0]))
    def wait(self, seconds: float) -> None:
        before = self.tx.state
        self.rig.wait(seconds)
        out = self.rig.take()
        assert set(out) <= (
            {f"{self.final} INVITE"} if before is State.COMPLETED and self.method == "INVITE" else set()
        )

    @rule()
    def fail(self) -> None:
        before = self.tx.state
        self.rig.layer.transport_failed(self.hop, self.rig.now)
        assert self.tx.state is before, "RFC 6026 8.8"

    def teardown(self) -> None:
        if not hasattr(self, "rig"):
            return
        response = Response(status=486, reason="X")
        response.headers.add("cseq", f"1 {self.method}")
        self.rig.layer.respond(self.tx, response, self.rig.now)
        self.rig.wait(100)
        assert self.rig.forgotten()


SHORT = settings(max_examples=60, stateful_step_count=15, deadline=None)
ClientSide.TestCase.settings = SHORT
ServerSide.TestCase.settings = SHORT
test_client_side = ClientSide.TestCase
test_server_side = ServerSide.TestCase


def test_a_non_invite_in_proceeding_is_repeated_every_t2() -> None:
    """17.1.2.2: once a provisional is in, the interval is T2 at once."""
    rig = Rig()
    message = parse_message(crlf(request_text("OPTIONS")))
    assert isinstance(message, Request)
    message.headers.remove("via")
    tx = rig.layer.send(message, RIGHT, lambda *_: None, 0.0)
    rig.response(response_text(tx.request, 100))
    rig.take()
    rig.wait(0.6)
    assert rig.take() == ["OPTIONS"]
    rig.wait(3.8)
    assert rig.take() == []
    rig.wait(0.2)
    assert rig.take() == ["OPTIONS"]
    rig.wait(60)
    assert rig.forgotten()
