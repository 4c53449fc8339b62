"""Two user agents over a line that loses, repeats and reorders at random, doing whatever fits.

Whatever happens: nothing crashes, every leg ends in exactly one verdict, and once the line is good and
everyone has hung up, both sides have forgotten everything.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from random import Random

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from mediaserver.sip.config import SessionTimerConfig
from mediaserver.sip.errors import SipStateError
from mediaserver.sip.events import (
    Answered,
    InfoReceived,
    Invited,
    LegEnded,
    OfferAnswered,
    OfferReceived,
    OfferRejected,
    Rejected,
    SipEvent,
)
from mediaserver.sip.user_agent import UserAgent
from tests.support.sip_link import QUIET, Link, Packet, arrives, make_agent


def sip_call_id(data: bytes) -> str:
    """Call-ID line of a message of ours."""
    return next(line for line in data.decode().split("\r\n") if line.startswith("Call-ID:"))


SIDES = st.sampled_from("AB")
TIMED = replace(QUIET, session_timer=SessionTimerConfig(expires_s=90, min_se_s=90))


class RandomLine(RuleBasedStateMachine):
    """Legs of both sides, and what each was told about them."""

    @initialize(random=st.randoms(use_true_random=False), loss=st.sampled_from([0.0, 0.1, 0.4]), timed=st.booleans())
    def connect(self, random: Random, loss: float, timed: bool) -> None:
        config = TIMED if timed else QUIET
        self.random, self.loss = random, loss
        self.link = Link(make_agent("A", config), make_agent("B", config), self.fate, on_event=self.heard)
        self.lost: Counter[tuple[str, str, str]] = Counter()
        self.calls: dict[str, dict[str, int]] = {"A": {}, "B": {}}
        self.legs: dict[str, list[int]] = {"A": [], "B": []}
        self.verdicts: dict[str, Counter[int]] = {"A": Counter(), "B": Counter()}
        self.answers: dict[str, Counter[int]] = {"A": Counter(), "B": Counter()}
        self.offers: dict[str, Counter[int]] = {"A": Counter(), "B": Counter()}
        self.infos: dict[str, list[tuple[int, int]]] = {"A": [], "B": []}
        self.late: dict[str, set[int]] = {"A": set(), "B": set()}

    def fate(self, packet: Packet) -> Sequence[float]:
        # At most three in a row: a peer that cannot be reached for 64*T1 is another story.
        key = (packet.side, packet.what, sip_call_id(packet.data))
        if self.lost[key] < 3 and self.random.random() < self.loss:
            self.lost[key] += 1
            return ()
        self.lost[key] = 0
        copies = 2 if self.random.random() < 0.15 else 1
        return [self.random.choice((0.005, 0.01, 0.05, 0.7, 3.0)) for _ in range(copies)]

    def heard(self, side: str, event: SipEvent) -> None:
        match event:
            case Invited():
                self.legs[side].append(event.leg)
                self.calls[side][event.sip_call_id] = event.leg
            case Rejected() | LegEnded():
                self.verdicts[side][event.leg] += 1
            case Answered():
                self.answers[side][event.leg] += 1
                self.calls[side][event.sip_call_id] = event.leg
            case OfferAnswered() | OfferRejected():
                self.offers[side][event.leg] -= 1
                assert self.offers[side][event.leg] == 0, "an outcome nobody asked for"
            case OfferReceived():
                self.late[side].add(event.leg)
            case InfoReceived():
                self.infos[side].append((event.leg, event.token))
            case _:
                pass

    def agent(self, side: str) -> UserAgent:
        return self.link.left if side == "A" else self.link.right

    def pick(self, side: str, data: st.DataObject) -> int:
        return data.draw(st.sampled_from(self.legs[side])) if self.legs[side] else 0

    @rule(offer=st.sampled_from([b"offer", None]))
    def call(self, offer: bytes | None) -> None:
        if len(self.legs["A"]) < 4:
            self.legs["A"].append(self.link.call(offer))

    @rule(side=SIDES, what=st.sampled_from(["progress", "accept", "reject", "cancel", "bye"]), data=st.data())
    def intend(self, side: str, what: str, data: st.DataObject) -> None:
        agent, leg, now = self.agent(side), self.pick(side, data), self.link.now
        try:
            match what:
                case "progress":
                    agent.progress(leg, 180, now=now)
                case "accept":
                    agent.accept(leg, b"answer", now=now)
                case "reject":
                    agent.reject(leg, 486, now=now)
                case "cancel":
                    agent.cancel(leg, now=now)
                case _:
                    agent.bye(leg, now=now)
        except SipStateError:
            pass

    @rule(
        side=SIDES,
        what=st.sampled_from(["INVITE", "UPDATE", "answer", "refuse", "info"]),
        body=st.sampled_from([b"sdp", None]),
        data=st.data(),
    )
    def talk(self, side: str, what: str, body: bytes | None, data: st.DataObject) -> None:
        agent, leg, now = self.agent(side), self.pick(side, data), self.link.now
        try:
            match what:
                case "INVITE" | "UPDATE":
                    agent.offer(leg, body, what, now=now)
                    self.offers[side][leg] += 1
                case "answer":
                    agent.answer_offer(leg, b"answer", now=now)
                case "refuse":
                    agent.reject_offer(leg, 488, now=now)
                case _:
                    agent.info(leg, "text/plain", b"?", now=now)
        except SipStateError:
            pass

    @precondition(lambda self: self.infos["A"] or self.infos["B"])
    @rule(side=SIDES)
    def respond(self, side: str) -> None:
        for leg, token in self.infos[side]:
            with suppress(SipStateError):
                self.agent(side).respond_info(leg, token, 200, now=self.link.now)
        self.infos[side].clear()

    @rule(seconds=st.sampled_from([0.01, 0.06, 0.5, 2.0, 8.0, 40.0]))
    def wait(self, seconds: float) -> None:
        self.link.run(seconds)

    @invariant()
    def one_verdict_at_most(self) -> None:
        if not hasattr(self, "link"):
            return
        for side in "AB":
            assert all(count <= 1 for count in self.verdicts[side].values())
            assert all(count <= 1 for count in self.answers[side].values())

    def teardown(self) -> None:
        if not hasattr(self, "link"):
            return
        self.link.fate = arrives
        self.link.run(70)
        for call_id, leg in self.calls["A"].items():
            other = self.calls["B"][call_id]
            assert bool(self.verdicts["A"][leg]) == bool(self.verdicts["B"][other]), "one side thinks the call is over"
        for side in "AB":
            self.hang_up(side)
        self.link.run(60)
        self.hang_up("B")  # what came in while the line was bad
        self.link.run(200)
        for side in "AB":
            agent = self.agent(side)
            assert {leg for leg, count in self.verdicts[side].items() if count} == set(self.legs[side])
            assert (agent.leg_count, agent.transaction_count, agent.next_timer()) == (0, 0, None)

    def hang_up(self, side: str) -> None:
        for leg in self.legs[side]:
            if not self.verdicts[side][leg]:
                with suppress(SipStateError):
                    self.agent(side).bye(leg, now=self.link.now)
        self.link.pump()


RandomLine.TestCase.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
test_random_line = RandomLine.TestCase
