"""What the demonstration says of a call that went wrong."""

from __future__ import annotations

import numpy as np

from callbench.one_call import CallOutcome
from mediaserver.app.demonstration import SCENES, Finding, Played, judge


def test_a_call_that_was_refused_is_a_verdict_and_not_the_end() -> None:
    """A server that is full says 503; the table says so."""
    nothing = np.zeros(0, np.int16)
    refused = CallOutcome(
        status=503,
        answered=False,
        provisional=(),
        duration_s=0.0,
        ended_by="",
        heard=nothing,
        said=nothing,
        sample_rate_hz=8000,
        digits="",
        packets_sent=0,
        packets_received=0,
    )
    always = SCENES[1]
    assert list(judge(Played(scene=always, user=refused, other=None))) == [
        Finding(scene="1001 Always", what="answered", met=False, found="status 503")
    ]
