"""The registrar against a second, simpler one: any sequence of requests, time passing and connections closing."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from mediaserver.sip.hops import Hop, Transport
from mediaserver.sip.message import Headers, Request
from mediaserver.sip.registrar import Registrar

USERS = ("1001", "1002")
PHONES = ("a", "b", "c", "d")
LIMIT = 3


@dataclass(frozen=True)
class Line:
    """What the model knows of one binding."""

    phone: str
    ends: float
    connection: int | None


class RegistrarModel(RuleBasedStateMachine):
    """Lists of lines a user, oldest refresh first; every request has the next CSeq, so order never refuses."""

    def __init__(self) -> None:
        super().__init__()
        self.registrar = Registrar(min_expires_s=60, max_expires_s=600, max_contacts=LIMIT)
        self.now = 0.0
        self.cseq = 0
        self.lines: dict[str, list[Line]] = {user: [] for user in USERS}

    def request(self, user: str, contacts: list[str], expires: int) -> Request:
        self.cseq += 1
        to = f"<sip:{user}@media.example>"
        items = [("via", "SIP/2.0/TLS 10.0.0.9"), ("from", f"{to};tag=1"), ("to", to), ("call-id", "x")]
        items += [("cseq", f"{self.cseq} REGISTER"), ("expires", str(expires))]
        return Request(
            method="REGISTER",
            uri="sip:media.example",
            headers=Headers([*items, *(("contact", contact) for contact in contacts)]),
        )

    def alive(self, user: str) -> list[Line]:
        return [line for line in self.lines[user] if line.ends > self.now]

    @rule(
        user=st.sampled_from(USERS),
        phones=st.lists(st.sampled_from(PHONES), max_size=LIMIT, unique=True),
        expires=st.sampled_from([0, 59, 60, 100, 10_000]),
        connection=st.sampled_from([1, 2, 3]),
    )
    def register(self, user: str, phones: list[str], expires: int, connection: int) -> None:
        source = Hop(transport=Transport.TLS, host="192.0.2.4", port=40000 + connection, connection=connection)
        contacts = [f"<sip:{phone}@10.0.0.9>" for phone in phones]
        answer = self.registrar.handle(self.request(user, contacts, expires), user, source, self.now)
        if phones and expires == 59:
            assert answer.status == 423
            return
        before = {line.phone for line in self.lines[user]}
        kept = [line for line in self.alive(user) if line.phone not in phones]
        ends = self.now + min(expires, 600)
        self.lines[user] = (kept + [Line(phone, ends, connection) for phone in phones if expires])[-LIMIT:]
        assert answer.status == 200
        assert answer.changed == (before != {line.phone for line in self.lines[user]})

    @rule(user=st.sampled_from(USERS))
    def clear(self, user: str) -> None:
        source = Hop(transport=Transport.UDP, host="192.0.2.4", port=5060)
        answer = self.registrar.handle(self.request(user, ["*"], 0), user, source, self.now)
        assert (answer.status, answer.headers) == (200, ())
        self.lines[user] = []

    @rule(seconds=st.sampled_from([0.5, 10.0, 60.0, 300.0]))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def expire(self) -> None:
        losers = {user for user in USERS if len(self.alive(user)) < len(self.lines[user])}
        assert set(self.registrar.expire(self.now)) == losers
        self.lines = {user: self.alive(user) for user in USERS}

    @rule(connection=st.sampled_from([1, 2, 3]))
    def close(self, connection: int) -> None:
        losers = [user for user in USERS if any(line.connection == connection for line in self.lines[user])]
        assert list(self.registrar.drop_connection(connection)) == losers
        for user in losers:
            self.lines[user] = [line for line in self.lines[user] if line.connection != connection]

    @invariant()
    def bindings_agree(self) -> None:
        for user in USERS:
            found = [(one.contact.user, one.expires_at) for one in self.registrar.bindings(user, self.now)]
            assert found == [(line.phone, line.ends) for line in reversed(self.alive(user))]

    @invariant()
    def the_next_end_agrees(self) -> None:
        ends = [line.ends for lines in self.lines.values() for line in lines]
        assert self.registrar.next_expiry() == min(ends, default=None)


TestRegistrarModel = RegistrarModel.TestCase
TestRegistrarModel.settings = settings(max_examples=15, stateful_step_count=30, deadline=None)
