"""What the user agent answers to the torture messages of RFC 4475 and RFC 5118."""

from __future__ import annotations

import pytest

from mediaserver.sip.hops import Hop, Transport
from tests.support.sip_peer import Peer, statuses
from tests.support.torture import TortureCase, torture_cases

SOURCE = Hop(transport=Transport.UDP, host="192.0.2.77", port=5060)


def fits(answer: int | str, wanted: int | str) -> bool:
    """``2xx`` stands for a class, ``none`` for silence."""
    if isinstance(wanted, str) and wanted[0].isdigit():
        return str(answer)[0] == wanted[0]
    return answer == wanted


@pytest.mark.parametrize("case", torture_cases(), ids=lambda case: case.name)
def test_a_torture_message_gets_a_fitting_answer(case: TortureCase) -> None:
    """Among the allowed answers, not among the forbidden ones; silence is counted."""
    peer = Peer(source=SOURCE)
    answers = statuses(peer.give(case.data))
    final: int | str = answers[-1] if answers else "none"
    assert any(fits(final, wanted) for wanted in case.allowed), (final, case.allowed)
    assert not any(fits(final, wanted) for wanted in case.forbid), (final, case.forbid)
    assert bool(answers) != bool(peer.discards)
