"""Offers and answers in a call that stands: hold, resume, a new address, a new codec."""

from __future__ import annotations

from typing import TYPE_CHECKING

from callmodel.manifest import MarkKind
from mediaserver.call.effects import AnswerOffer, RejectOffer
from mediaserver.call.negotiation import warning
from mediaserver.call.party import Party
from mediaserver.media.messages import Codec
from mediaserver.sdp import SdpError
from mediaserver.sip import events as sip

if TYPE_CHECKING:
    from mediaserver.call.call import Call


def take_offer(call: Call, party: Party, event: sip.OfferReceived, now: float) -> None:
    """A re-INVITE or UPDATE of a party: answered here, without asking the other one (see ``crossing``)."""
    was_held, was_codec = party.sdp.held, party.sdp.codec
    try:
        if event.offer is None:
            body = party.sdp.make_offer(prefer=(call.other(party).sdp.codec,))
        else:
            party.sdp.read_offer(event.offer)
            body = party.sdp.answer(prefer=call.other(party).sdp.codec)
    except SdpError as error:
        told = warning(error, call.context.config.domain)
        call.emit(RejectOffer(party=party.key, status=error.status_hint, headers=told))
        return
    call.emit(AnswerOffer(party=party.key, body=body))
    _changed(call, party, was_held, was_codec, now)


def take_answer(call: Call, party: Party, answer: bytes, now: float) -> None:
    """A party's answer to an offer of ours: in the ACK to a late offer, or in the 2xx to a re-INVITE."""
    was_held, was_codec = party.sdp.held, party.sdp.codec
    try:
        party.sdp.take_answer(answer)
    except SdpError as error:
        call.note("call.answer-unusable", error=str(error))
        call.end("no-common-codec", now)
        return
    _changed(call, party, was_held, was_codec, now)


def _changed(call: Call, party: Party, was_held: bool, was_codec: Codec | None, now: float) -> None:
    call.legs.set_media(party)
    if party.sdp.held != was_held:
        call.note("leg.held" if party.sdp.held else "leg.resumed", leg=party.role)
        call.takes.mark_all(MarkKind.HOLD, now, (("leg", party.role), ("state", "on" if party.sdp.held else "off")))
    if was_codec is not None and party.sdp.codec is not None and party.sdp.codec != was_codec:
        # the worker marks it in the recordings, at its place in the audio
        call.note("leg.codec-changed", leg=party.role, before=was_codec.value, after=party.sdp.codec.value)
