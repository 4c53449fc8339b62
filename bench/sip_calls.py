"""How many calls two SIP user agents, back to back in one process, set up and take down a second.

    python bench/sip_calls.py [CALLS]

Each call is INVITE, 100, 180, 200, ACK, BYE, 200: seven messages, each built by one side and read by the other.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mediaserver.sip.events import Answered, Invited
from mediaserver.sip.hops import Hop
from mediaserver.sip.user_agent import UserAgent
from tests.support.sip_link import LEFT, RIGHT, make_agent

OFFER = (
    b"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 20000 RTP/AVP 8 0 101\r\n" * 2
)


def exchange(left: UserAgent, right: UserAgent, now: float) -> int:
    """Carry messages both ways and answer calls until both are silent; messages carried."""
    carried = 0
    while True:
        moved = _carry(left, right, LEFT, now) + _carry(right, left, RIGHT, now)
        while (event := right.next_event()) is not None:
            if isinstance(event, Invited):
                right.progress(event.leg, 180, now=now)
                right.accept(event.leg, OFFER, now=now)
                moved += 1
        while (event := left.next_event()) is not None:
            if isinstance(event, Answered):
                left.bye(event.leg, now=now)
                moved += 1
        if not moved:
            return carried
        carried += moved


def _carry(one: UserAgent, other: UserAgent, source: Hop, now: float) -> int:
    outgoing = one.to_send()
    for item in outgoing:
        other.receive(item.data, source, now)
    return len(outgoing)


def main(calls: int) -> None:
    """Run and print."""
    left, right = make_agent("A"), make_agent("B")
    started, busy = time.perf_counter(), time.process_time()
    for number in range(calls):
        now = number * 0.005
        left.call(
            "sip:bob@192.0.2.2", RIGHT, caller_number="alice", caller_label="", called="bob", offer=OFFER, now=now
        )
        exchange(left, right, now)
        left.handle_timer(now)
        right.handle_timer(now)
    took, worked = time.perf_counter() - started, time.process_time() - busy
    print(f"{calls} calls, both sides: {took:.2f} s by the clock, {worked:.2f} s of processor time")
    print(f"{calls / worked:.0f} calls/s and {7 * calls / worked:.0f} messages/s of one processor")
    print(f"transactions live at the end: {left.transaction_count} and {right.transaction_count}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3000)
