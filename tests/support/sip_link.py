"""Two SIP user agents back to back on a fake clock, over a line that loses, repeats and delays as told."""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from mediaserver.sip.config import LocalContact, SessionTimerConfig, SessionTimerMode, SipConfig
from mediaserver.sip.digest import Algorithm, Challenger, compute_ha1
from mediaserver.sip.events import Invited, SipEvent
from mediaserver.sip.hops import Hop, Transport
from mediaserver.sip.user_agent import UserAgent

LEFT = Hop(transport=Transport.UDP, host="192.0.2.1", port=5060)
RIGHT = Hop(transport=Transport.UDP, host="192.0.2.2", port=5060)
REALM = "example.test"
QUIET = SipConfig(
    realm=REALM,
    contacts={Transport.UDP: LocalContact(host=LEFT.host, port=LEFT.port)},
    trusted_peers=(LEFT.host, RIGHT.host),
    session_timer=SessionTimerConfig(mode=SessionTimerMode.ANSWER),
    user_agent="",
)
"""Settings of the left side: no session timer of its own, both peers trusted."""

Fate = Callable[["Packet"], Sequence[float]]
"""Delays, in seconds, after which a message arrives: none for loss, two for a repeat."""


class SeededIds:
    """Tokens that are the same in every run."""

    def __init__(self, seed: str = "") -> None:
        self._seed = seed
        self._count = 0

    def token(self, bits: int = 64) -> str:
        """Hash of seed and count."""
        self._count += 1
        return hashlib.sha256(f"{self._seed}/{self._count}".encode()).hexdigest()[: (bits + 3) // 4]


@dataclass(frozen=True, slots=True, kw_only=True)
class Packet:
    """One message on the line."""

    number: int
    """Count of messages so far, from 1."""
    side: str
    """Sender, ``A`` (left) or ``B``."""
    what: str
    """Method, or status and CSeq method: ``INVITE``, ``200 INVITE``."""
    data: bytes


def what_is(data: bytes) -> str:
    """``INVITE``, ``180 INVITE``, ``ACK``."""
    first, _, rest = data.decode().partition("\r\n")
    if not first.startswith("SIP/2.0"):
        return first.partition(" ")[0]
    cseq = next(line for line in rest.split("\r\n") if line.startswith("CSeq:"))
    return f"{first.split(' ')[1]} {cseq.rpartition(' ')[2]}"


def make_agent(
    side: str = "A",
    config: SipConfig = QUIET,
    *,
    users: dict[str, str] | None = None,
) -> UserAgent:
    """A user agent with seeded ids; ``users`` are number -> password."""
    known = users or {}
    hop = LEFT if side == "A" else RIGHT
    contacts = {
        transport: LocalContact(host=hop.host, port=contact.port) for transport, contact in config.contacts.items()
    }

    def hash_of(user: str, algorithm: Algorithm) -> str | None:
        password = known.get(user)
        return None if password is None else compute_ha1(user, REALM, password, algorithm)

    return UserAgent(
        replace(config, contacts=contacts),
        SeededIds(side),
        hash_of,
        is_local_user=known.__contains__,
        challenger=Challenger(realm=REALM, secret=b"0123456789abcdef"),
    )


def arrives(packet: Packet) -> Sequence[float]:
    """The good line: everything arrives after 10 ms."""
    return (0.010,)


def losing(*lost: tuple[str, str, int], delay: float = 0.010) -> Fate:
    """A line that loses some: (side, what, which one of these), counted from 1; 0 for all of them."""
    seen: dict[tuple[str, str], int] = {}

    def fate(packet: Packet) -> Sequence[float]:
        key = (packet.side, packet.what)
        seen[key] = seen.get(key, 0) + 1
        return () if (*key, seen[key]) in lost or (*key, 0) in lost else (delay,)

    return fate


@dataclass(slots=True)
class Link:
    """The line and both ends. Events pile up in ``heard``; the flow is in ``log``."""

    left: UserAgent = field(default_factory=lambda: make_agent("A"))
    right: UserAgent = field(default_factory=lambda: make_agent("B"))
    fate: Fate = arrives
    now: float = 0.0
    log: list[str] = field(default_factory=list)
    heard: dict[str, list[SipEvent]] = field(default_factory=lambda: {"A": [], "B": []})
    on_event: Callable[[str, SipEvent], None] | None = None
    """Told of each event as it comes; may use the intents."""
    _flying: list[tuple[float, int, str, bytes]] = field(default_factory=list)
    _count: int = 0

    def run(self, seconds: float) -> None:
        """Let ``seconds`` pass."""
        end = self.now + seconds
        self.pump()
        while (due := self._next()) is not None and due <= end:
            self.now = max(self.now, due)
            self._deliver()
            self.left.handle_timer(self.now)
            self.right.handle_timer(self.now)
            self.pump()
        self.now = end

    def pump(self) -> None:
        """Take events and messages from both ends."""
        busy = True
        while busy:
            busy = False
            for side, agent, source in (("A", self.left, LEFT), ("B", self.right, RIGHT)):
                while (event := agent.next_event()) is not None:
                    busy = True
                    self.heard[side].append(event)
                    if self.on_event is not None:
                        self.on_event(side, event)
                for outgoing in agent.to_send():
                    busy = True
                    self._put(side, outgoing.data, outgoing.hop, source)

    def call(self, offer: bytes | None = b"offer") -> int:
        """Have the left call the right."""
        return self.left.call(
            f"sip:bob@{RIGHT.host}:{RIGHT.port}",
            RIGHT,
            caller_number="alice",
            caller_label="Alice",
            called="bob",
            offer=offer,
            now=self.now,
        )

    def established(self) -> tuple[int, int]:
        """Make a call and answer it; both legs, left and right."""
        leg = self.call()
        self.run(0.1)
        other = self.invited().leg
        self.right.accept(other, b"answer", now=self.now)
        self.run(0.1)
        return leg, other

    def invited(self) -> Invited:
        """The newest Invited the right heard."""
        return [event for event in self.heard["B"] if isinstance(event, Invited)][-1]

    def of(self, side: str, *kinds: type) -> list[SipEvent]:
        """Events of these kinds that a side heard."""
        return [event for event in self.heard[side] if isinstance(event, kinds)]

    def flow(self) -> str:
        """The log as text, one message a line."""
        return "\n".join(self.log)

    def _next(self) -> float | None:
        dues = [self.left.next_timer(), self.right.next_timer(), self._flying[0][0] if self._flying else None]
        return min((due for due in dues if due is not None), default=None)

    def _deliver(self) -> None:
        while self._flying and self._flying[0][0] <= self.now:
            _, _, side, data = heapq.heappop(self._flying)
            if side == "A":
                self.right.receive(data, LEFT, self.now)
            else:
                self.left.receive(data, RIGHT, self.now)
            self.pump()

    def _put(self, side: str, data: bytes, hop: Hop, source: Hop) -> None:
        assert hop == (RIGHT if source == LEFT else LEFT), hop
        self._count += 1
        packet = Packet(number=self._count, side=side, what=what_is(data), data=data)
        delays = self.fate(packet)
        arrow = "->" if side == "A" else "<-"
        note = "" if len(delays) == 1 else "  lost" if not delays else f"  x{len(delays)}"
        self.log.append(f"{self.now:8.3f} A {arrow} B  {packet.what}{note}")
        for delay in delays:
            self._count += 1
            heapq.heappush(self._flying, (self.now + delay, self._count, side, data))
