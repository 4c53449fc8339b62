"""The callee's phones: all contacts ring at once, the first answer wins, the others are cancelled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from callmodel.subscriber import Subscriber
from mediaserver.call import crossing
from mediaserver.call.context import Contact
from mediaserver.call.effects import ArmTimer, Dial, Release
from mediaserver.sdp import SdpError
from mediaserver.sip import events as sip
from mediaserver.sip.reasons import reason_value

if TYPE_CHECKING:
    from mediaserver.call.call import Call

NO_ANSWER_TIMER: Final = "no-answer"
ELSEWHERE: Final = reason_value(200, "Call completed elsewhere")
"""Why phones stop ringing when another one has answered."""


class Forks:
    """The SIP legs that ring the callee, by their party keys ``f0``, ``f1``…"""

    def __init__(self, call: Call) -> None:
        self._call = call
        self._ringing: dict[str, Contact] = {}
        self._refusals: list[int] = []
        self._early = ""
        """The one whose early media the caller hears."""
        self._told: set[int] = set()
        """Provisionals the caller was given; the SIP side repeats them by itself."""
        self._next = 0

    def ring(self, subscriber: Subscriber, contacts: tuple[Contact, ...], now: float) -> None:
        """Ring every contact and start the no-answer timer."""
        call = self._call
        offer = call.b.sdp.make_offer(prefer=call.a.sdp.offered_codecs())
        for contact in contacts:
            key = f"f{self._next}"
            self._next += 1
            self._ringing[key] = contact
            call.emit(
                Dial(
                    party=key,
                    target=contact.target,
                    hop=contact.hop,
                    caller_number=call.a.number,
                    caller_label=call.a.label,
                    private=call.invited.private,
                    called=subscriber.number,
                    offer=offer,
                    max_forwards=call.invited.max_forwards - 1,
                )
            )
        call.emit(ArmTimer(name=NO_ANSWER_TIMER, at=now + subscriber.no_answer_s))

    def leave(self, reason: str = "") -> None:
        """Stop ringing; ``reason`` tells the phones why, which then need not show a missed call."""
        for key in self._ringing:
            self._call.emit(Release(party=key, reason=reason))
        self._ringing.clear()
        self._call.emit(ArmTimer(name=NO_ANSWER_TIMER, at=None))

    def rings(self, key: str, event: sip.Ringing) -> None:
        """A phone rings, perhaps with early media."""
        call = self._call
        if key not in self._ringing or not call.is_ringing:
            return
        if self._early not in ("", key):
            return  # the caller hears another phone's early media: a ringing tone must not take its place
        if event.answer is None:
            self._tell(crossing.provisional_for_caller(event.status))
            return
        try:
            call.b.sdp.take_answer(event.answer)
        except SdpError as error:
            call.note("call.early-media-unusable", error=str(error))
            self._tell(crossing.provisional_for_caller(event.status))
            return
        call.b.hop = self._ringing[key].hop
        call.legs.set_media(call.b)
        if not self._early:
            self._early = key
            self._told.add(183)
            call.progress(183, early=True)

    def _tell(self, status: int | None) -> None:
        """Each provisional once, whichever phone is the first with it."""
        if status is not None and status not in self._told:
            self._told.add(status)
            self._call.progress(status)

    def answered(self, key: str, event: sip.Answered, now: float) -> None:
        """The first answer makes the call; a later one is released at once."""
        call = self._call
        if key not in self._ringing or not call.is_ringing:
            call.emit(Release(party=key, reason=ELSEWHERE if call.answered_at is not None else ""))
            return
        del self._ringing[key]
        call.b.hop = event.source
        try:
            if event.answer is not None:
                call.b.sdp.take_answer(event.answer)
            elif self._early != key:
                raise SdpError("body", "the 200 carries no answer")
        except SdpError as error:
            call.note("call.answer-unusable", error=str(error))
            call.emit(Release(party=key, reason=reason_value(488, str(error))))
            self._failed(488, now)
            return
        call.b.key = key
        call.b.sip_call_id = event.sip_call_id
        self.leave(ELSEWHERE)
        call.accept(now)

    def rejected(self, key: str, event: sip.Rejected, now: float) -> None:
        """A phone refused; a 6xx speaks for the user, so the others stop ringing (RFC 3261 16.7)."""
        if not self._stopped(key) or not self._call.is_ringing:
            return
        self._call.note("leg.rejected", status=str(event.status))
        if event.status >= 600:
            self.leave(reason_value(event.status, event.reason))
            self._refusals.clear()
        self._failed(event.status, now)

    def gone(self, key: str, now: float) -> bool:
        """A leg ended; whether it was one of these."""
        if not self._stopped(key):
            return False
        self._failed(480, now)
        return True

    def _stopped(self, key: str) -> bool:
        """It rings no more, and its early media is over; False when it did not ring."""
        if key == self._early:
            self._early = ""
        return self._ringing.pop(key, None) is not None

    def _failed(self, status: int, now: float) -> None:
        self._refusals.append(status)
        if not self._ringing and self._call.answering is not None:
            self._call.answering.unanswered(crossing.refusal_for_caller(self._refusals), now)
