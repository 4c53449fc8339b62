"""RFC 4475 and RFC 5118 against the parser and the checks that every message passes first."""

from __future__ import annotations

import os
import sys

import pytest

from tests.support.torture import Fate, Outcome, TortureCase, corpus, judge, torture_cases

CASES = torture_cases()
REQUESTS = [case for case in CASES if case.request]
RESPONSES = [case for case in CASES if not case.request]

REFUSED = {
    "badaspec": 400,
    "badbranch": 400,
    "baddn": 400,
    "badinv01": 400,
    "badvers": 505,
    "clerr": 400,
    "escruri": 400,
    "ipv6-bad": 400,
    "ltgtruri": 400,
    "lwsruri": 400,
    "lwsstart": 400,
    "mcl01": 400,
    "mismatch01": 400,
    "mismatch02": 501,
    "multi01": 400,
    "ncl": 400,
    "novelsc": 416,
    "quotbal": 400,
    "regbadct": 400,
    "scalar02": 400,
    "trws": 400,
    "unkscm": 416,
    "unksm2": 400,
}
"""Requests answered at once, by the RFC's own labels."""
DROPPED = {"bigcode", "insuf", "scalarlg"}
"""Broken responses, and a request without From, To and Call-ID, to which no response can be built."""


def named(case: TortureCase) -> str:
    return case.name


def test_the_torture_corpus_is_present_where_it_must_be() -> None:
    """In CI an absent corpus is an error; elsewhere the lane is told as not run."""
    if corpus() is None:
        sys.stderr.write("torture lane: did not run, no corpus (set MEDIASERVER_CORPORA)\n")
        assert os.environ.get("CI") != "true", "the torture corpus is missing"
    else:
        assert len(CASES) == 61


@pytest.mark.parametrize("case", CASES, ids=named)
def test_every_torture_message_meets_its_fate(case: TortureCase) -> None:
    """Accepted, refused with one status, or dropped: each message as the tables above say."""
    outcome = judge(case.data)

    if case.name in DROPPED:
        assert (outcome.fate, outcome.status) == (Fate.DROPPED, None), outcome.why
    elif case.name in REFUSED:
        assert (outcome.fate, outcome.status) == (Fate.REFUSED, REFUSED[case.name]), outcome.why
    else:
        assert outcome == Outcome(fate=Fate.ACCEPTED)


@pytest.mark.parametrize("case", REQUESTS, ids=named)
def test_the_fate_of_a_request_is_one_the_rfc_allows(case: TortureCase) -> None:
    """What is refused here may be refused so; what is accepted may be answered by something other than a refusal."""
    outcome = judge(case.data)

    if outcome.fate is Fate.ACCEPTED:
        assert case.well_formed or "2xx" in case.allowed
    elif outcome.fate is Fate.REFUSED:
        assert outcome.status in case.allowed
        assert outcome.status not in case.forbid
    else:
        assert "none" in case.allowed


@pytest.mark.parametrize("case", RESPONSES, ids=named)
def test_a_broken_response_is_dropped_and_a_sound_one_read(case: TortureCase) -> None:
    """No response is ever answered; sound ones go on to be matched."""
    assert judge(case.data).fate is (Fate.ACCEPTED if case.well_formed else Fate.DROPPED)


@pytest.mark.parametrize("case", [case for case in CASES if case.name in ("clerr", "ncl", "mcl01")], ids=named)
def test_length_errors_are_refused_on_streams_too(case: TortureCase) -> None:
    """A Content-Length nobody can frame by is a 400 whatever the transport."""
    assert judge(case.data, datagram=False).status == 400
