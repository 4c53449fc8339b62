"""What crosses from one leg to the other, and what does not: the one list.

The server is a back-to-back user agent: each leg is a dialog of its own, and media always runs through it.

| crosses | how |
|---|---|
| the callee's ringing (180 to 183; others as 183) | each once to the caller, and early media of one phone at a time |
| the callee's final refusal | by the table below; a 6xx of one phone stops the others |
| the caller's number and name | From of the outgoing INVITE, at our domain; an anonymous From when they are withheld |
| Max-Forwards | one less |
| digits (RFC 4733, INFO, in-band) | collected, then sent on anew: events where the other leg takes them, else tones |
| audio | through the media worker |
| the end of either leg | the other one is released |

| does not cross | why |
|---|---|
| SDP addresses, codecs, ptime | each leg is negotiated with us; the worker transcodes |
| hold (``sendonly``, ``inactive``, ``0.0.0.0``) | a held party must go on hearing announcements |
| session timers, UPDATE, re-INVITE | answered by us, each leg on its own |
| Via, Record-Route, Contact, Call-ID, tags, CSeq | dialog identity is a leg's own |
| credentials, Authorization | the carrier's, not the callee's |
| P-Asserted-Identity | of a trunk, the caller's where From names nobody; phones are not told it |
| 199 | it ends an early dialog of the callee's leg; the caller's goes on |
| headers nobody here knows, INFO bodies other than digits | nothing may rely on them |
"""

from __future__ import annotations

from typing import Final

RINGING_STATUSES: Final = frozenset({180, 181, 182, 183})
DIALOG_TERMINATED: Final = 199
BUSY_STATUSES: Final = frozenset({486, 600})
DECLINED_STATUSES: Final = frozenset({603})
NO_CODEC_STATUSES: Final = frozenset({488, 606, 415})

_RANK: Final = (603, 486, 488, 480)
"""What the caller is told when several contacts refused differently: the first of these that any of them gave."""


def provisional_for_caller(status: int) -> int | None:
    """The provisional for the caller, from what a phone told without a session description (RFC 3261 8.1.3.2)."""
    if status == DIALOG_TERMINATED:
        return None
    return status if status in RINGING_STATUSES else 183


def refusal_for_caller(statuses: list[int]) -> int:
    """The one status for the caller, from what each contact answered (RFC 3261 16.7, as a B2BUA needs it)."""
    classes = {_class_of(status) for status in statuses}
    return next((status for status in _RANK if status in classes), 480)


def _class_of(status: int) -> int:
    if status in BUSY_STATUSES:
        return 486
    if status in DECLINED_STATUSES:
        return 603
    if status in NO_CODEC_STATUSES:
        return 488
    return 480
