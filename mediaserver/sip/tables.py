"""The four transactions of RFC 3261 17, with RFC 6026, as data.

Two rules govern all of it: a cell that is absent means "stay and do nothing", and a
server transaction never leaves a state because the transport failed (RFC 6026 8.8).
The golden text, the diagrams and the layer are all made from these tables.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from mediaserver.sip.timers import Timer


class State(StrEnum):
    """States of a transaction."""

    CALLING = "Calling"
    TRYING = "Trying"
    PROCEEDING = "Proceeding"
    ACCEPTED = "Accepted"
    COMPLETED = "Completed"
    CONFIRMED = "Confirmed"
    TERMINATED = "Terminated"


class Input(StrEnum):
    """What can happen to a transaction."""

    GOT_1XX = "1xx received"
    GOT_2XX = "2xx received"
    GOT_FAILURE = "300-699 received"
    GOT_REQUEST = "request received again"
    GOT_ACK = "ACK received"
    SEND_1XX = "send 1xx"
    SEND_2XX = "send 2xx"
    SEND_FAILURE = "send 300-699"
    TRANSPORT_ERROR = "transport error"
    TIMER_A = "timer A"
    TIMER_B = "timer B"
    TIMER_D = "timer D"
    TIMER_E = "timer E"
    TIMER_F = "timer F"
    TIMER_G = "timer G"
    TIMER_H = "timer H"
    TIMER_I = "timer I"
    TIMER_J = "timer J"
    TIMER_K = "timer K"
    TIMER_L = "timer L"
    TIMER_M = "timer M"


class Action(StrEnum):
    """What a transaction then does, in this order."""

    SEND = "send"
    """Put the request (client) or the newest response (server) on the wire."""
    ACK = "send ACK"
    """Acknowledge a failure inside the transaction (17.1.1.3)."""
    DELIVER = "deliver"
    """Hand the message to the transaction user."""
    TELL_TIMEOUT = "tell timeout"
    TELL_TRANSPORT = "tell transport error"


@dataclass(frozen=True, slots=True)
class Step:
    """One cell."""

    to: State
    do: tuple[Action, ...] = ()
    arm: tuple[Timer, ...] = ()
    """Timers to (re)start; a retransmission timer armed in its own cell takes its next interval."""
    stop: tuple[Timer, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """One transaction type."""

    name: str
    rfc: str
    first: Step
    """What creating the transaction does."""
    states: tuple[State, ...]
    inputs: tuple[Input, ...]
    steps: Mapping[tuple[State, Input], Step] = field(repr=False)

    def step(self, state: State, event: Input) -> Step | None:
        """The cell, or None where nothing happens."""
        return self.steps.get((state, event))


TIMER_INPUT: Final = {timer: Input(f"timer {timer}") for timer in Timer}

S, I, A, T = State, Input, Action, Timer  # noqa: E741 -- the tables below are read as columns

INVITE_CLIENT: Final = Machine(
    name="INVITE client",
    rfc="RFC 3261 17.1.1, RFC 6026 7.2",
    first=Step(S.CALLING, (A.SEND,), arm=(T.A, T.B)),
    states=(S.CALLING, S.PROCEEDING, S.ACCEPTED, S.COMPLETED, S.TERMINATED),
    inputs=(
        I.GOT_1XX,
        I.GOT_2XX,
        I.GOT_FAILURE,
        I.TRANSPORT_ERROR,
        I.TIMER_A,
        I.TIMER_B,
        I.TIMER_D,
        I.TIMER_M,
    ),
    steps={
        (S.CALLING, I.GOT_1XX): Step(S.PROCEEDING, (A.DELIVER,), stop=(T.A, T.B)),
        (S.CALLING, I.GOT_2XX): Step(S.ACCEPTED, (A.DELIVER,), arm=(T.M,), stop=(T.A, T.B)),
        (S.CALLING, I.GOT_FAILURE): Step(S.COMPLETED, (A.ACK, A.DELIVER), arm=(T.D,), stop=(T.A, T.B)),
        (S.CALLING, I.TRANSPORT_ERROR): Step(S.TERMINATED, (A.TELL_TRANSPORT,)),
        (S.CALLING, I.TIMER_A): Step(S.CALLING, (A.SEND,), arm=(T.A,)),
        (S.CALLING, I.TIMER_B): Step(S.TERMINATED, (A.TELL_TIMEOUT,)),
        (S.PROCEEDING, I.GOT_1XX): Step(S.PROCEEDING, (A.DELIVER,)),
        (S.PROCEEDING, I.GOT_2XX): Step(S.ACCEPTED, (A.DELIVER,), arm=(T.M,)),
        (S.PROCEEDING, I.GOT_FAILURE): Step(S.COMPLETED, (A.ACK, A.DELIVER), arm=(T.D,)),
        (S.ACCEPTED, I.GOT_2XX): Step(S.ACCEPTED, (A.DELIVER,)),
        (S.ACCEPTED, I.TIMER_M): Step(S.TERMINATED),
        (S.COMPLETED, I.GOT_FAILURE): Step(S.COMPLETED, (A.ACK,)),
        (S.COMPLETED, I.TRANSPORT_ERROR): Step(S.TERMINATED, (A.TELL_TRANSPORT,)),
        (S.COMPLETED, I.TIMER_D): Step(S.TERMINATED),
    },
)

NON_INVITE_CLIENT: Final = Machine(
    name="Non-INVITE client",
    rfc="RFC 3261 17.1.2",
    first=Step(S.TRYING, (A.SEND,), arm=(T.E, T.F)),
    states=(S.TRYING, S.PROCEEDING, S.COMPLETED, S.TERMINATED),
    inputs=(
        I.GOT_1XX,
        I.GOT_2XX,
        I.GOT_FAILURE,
        I.TRANSPORT_ERROR,
        I.TIMER_E,
        I.TIMER_F,
        I.TIMER_K,
    ),
    steps={
        (S.TRYING, I.GOT_1XX): Step(S.PROCEEDING, (A.DELIVER,)),
        (S.TRYING, I.GOT_2XX): Step(S.COMPLETED, (A.DELIVER,), arm=(T.K,), stop=(T.E, T.F)),
        (S.TRYING, I.GOT_FAILURE): Step(S.COMPLETED, (A.DELIVER,), arm=(T.K,), stop=(T.E, T.F)),
        (S.TRYING, I.TRANSPORT_ERROR): Step(S.TERMINATED, (A.TELL_TRANSPORT,)),
        (S.TRYING, I.TIMER_E): Step(S.TRYING, (A.SEND,), arm=(T.E,)),
        (S.TRYING, I.TIMER_F): Step(S.TERMINATED, (A.TELL_TIMEOUT,)),
        (S.PROCEEDING, I.GOT_1XX): Step(S.PROCEEDING, (A.DELIVER,)),
        (S.PROCEEDING, I.GOT_2XX): Step(S.COMPLETED, (A.DELIVER,), arm=(T.K,), stop=(T.E, T.F)),
        (S.PROCEEDING, I.GOT_FAILURE): Step(S.COMPLETED, (A.DELIVER,), arm=(T.K,), stop=(T.E, T.F)),
        (S.PROCEEDING, I.TRANSPORT_ERROR): Step(S.TERMINATED, (A.TELL_TRANSPORT,)),
        # Once a provisional is in, the interval is T2 (17.1.2.2); the layer knows this one exception.
        (S.PROCEEDING, I.TIMER_E): Step(S.PROCEEDING, (A.SEND,), arm=(T.E,)),
        (S.PROCEEDING, I.TIMER_F): Step(S.TERMINATED, (A.TELL_TIMEOUT,)),
        (S.COMPLETED, I.TIMER_K): Step(S.TERMINATED),
    },
)

INVITE_SERVER: Final = Machine(
    name="INVITE server",
    rfc="RFC 3261 17.2.1, RFC 6026 7.1",
    first=Step(S.PROCEEDING, (A.DELIVER,)),
    states=(S.PROCEEDING, S.ACCEPTED, S.COMPLETED, S.CONFIRMED, S.TERMINATED),
    inputs=(
        I.GOT_REQUEST,
        I.GOT_ACK,
        I.SEND_1XX,
        I.SEND_2XX,
        I.SEND_FAILURE,
        I.TRANSPORT_ERROR,
        I.TIMER_G,
        I.TIMER_H,
        I.TIMER_I,
        I.TIMER_L,
    ),
    steps={
        (S.PROCEEDING, I.GOT_REQUEST): Step(S.PROCEEDING, (A.SEND,)),
        (S.PROCEEDING, I.SEND_1XX): Step(S.PROCEEDING, (A.SEND,)),
        (S.PROCEEDING, I.SEND_2XX): Step(S.ACCEPTED, (A.SEND,), arm=(T.L,)),
        (S.PROCEEDING, I.SEND_FAILURE): Step(S.COMPLETED, (A.SEND,), arm=(T.G, T.H)),
        (S.PROCEEDING, I.TRANSPORT_ERROR): Step(S.PROCEEDING, (A.TELL_TRANSPORT,)),
        # The transaction user repeats its 2xx by itself (13.3.1.4); a repeated INVITE is only absorbed.
        (S.ACCEPTED, I.GOT_REQUEST): Step(S.ACCEPTED),
        (S.ACCEPTED, I.GOT_ACK): Step(S.ACCEPTED, (A.DELIVER,)),
        (S.ACCEPTED, I.SEND_2XX): Step(S.ACCEPTED, (A.SEND,)),
        (S.ACCEPTED, I.TRANSPORT_ERROR): Step(S.ACCEPTED, (A.TELL_TRANSPORT,)),
        (S.ACCEPTED, I.TIMER_L): Step(S.TERMINATED),
        (S.COMPLETED, I.GOT_REQUEST): Step(S.COMPLETED, (A.SEND,)),
        (S.COMPLETED, I.GOT_ACK): Step(S.CONFIRMED, arm=(T.I,), stop=(T.G, T.H)),
        (S.COMPLETED, I.TRANSPORT_ERROR): Step(S.COMPLETED, (A.TELL_TRANSPORT,)),
        (S.COMPLETED, I.TIMER_G): Step(S.COMPLETED, (A.SEND,), arm=(T.G,)),
        (S.COMPLETED, I.TIMER_H): Step(S.TERMINATED, (A.TELL_TIMEOUT,)),
        (S.CONFIRMED, I.GOT_REQUEST): Step(S.CONFIRMED),
        (S.CONFIRMED, I.GOT_ACK): Step(S.CONFIRMED),
        (S.CONFIRMED, I.TIMER_I): Step(S.TERMINATED),
    },
)

NON_INVITE_SERVER: Final = Machine(
    name="Non-INVITE server",
    rfc="RFC 3261 17.2.2",
    first=Step(S.TRYING, (A.DELIVER,)),
    states=(S.TRYING, S.PROCEEDING, S.COMPLETED, S.TERMINATED),
    inputs=(
        I.GOT_REQUEST,
        I.SEND_1XX,
        I.SEND_2XX,
        I.SEND_FAILURE,
        I.TRANSPORT_ERROR,
        I.TIMER_J,
    ),
    steps={
        (S.TRYING, I.GOT_REQUEST): Step(S.TRYING),
        (S.TRYING, I.SEND_1XX): Step(S.PROCEEDING, (A.SEND,)),
        (S.TRYING, I.SEND_2XX): Step(S.COMPLETED, (A.SEND,), arm=(T.J,)),
        (S.TRYING, I.SEND_FAILURE): Step(S.COMPLETED, (A.SEND,), arm=(T.J,)),
        (S.PROCEEDING, I.GOT_REQUEST): Step(S.PROCEEDING, (A.SEND,)),
        (S.PROCEEDING, I.SEND_1XX): Step(S.PROCEEDING, (A.SEND,)),
        (S.PROCEEDING, I.SEND_2XX): Step(S.COMPLETED, (A.SEND,), arm=(T.J,)),
        (S.PROCEEDING, I.SEND_FAILURE): Step(S.COMPLETED, (A.SEND,), arm=(T.J,)),
        (S.PROCEEDING, I.TRANSPORT_ERROR): Step(S.PROCEEDING, (A.TELL_TRANSPORT,)),
        (S.COMPLETED, I.GOT_REQUEST): Step(S.COMPLETED, (A.SEND,)),
        (S.COMPLETED, I.TRANSPORT_ERROR): Step(S.COMPLETED, (A.TELL_TRANSPORT,)),
        (S.COMPLETED, I.TIMER_J): Step(S.TERMINATED),
    },
)

MACHINES: Final = (INVITE_CLIENT, NON_INVITE_CLIENT, INVITE_SERVER, NON_INVITE_SERVER)
