"""One end of a call: who it is, which SIP leg and media leg it has."""

from __future__ import annotations

from callmodel.subscriber import Subscriber
from mediaserver.call.context import CallContext
from mediaserver.call.negotiation import LegSdp
from mediaserver.media import messages as media
from mediaserver.sip.hops import Hop


class Party:
    """Caller (``a``) or callee (``b``)."""

    def __init__(
        self,
        *,
        role: str,
        key: str,
        number: str,
        label: str,
        subscriber: Subscriber | None,
        hop: Hop,
        context: CallContext,
    ) -> None:
        """``key`` names the SIP leg; empty until somebody answered."""
        self.role = role
        self.key = key
        self.number = number
        self.label = label
        self.subscriber = subscriber
        self.hop = hop
        self.sip_call_id = ""
        self.alive = True
        self.is_source = False
        self.media_leg = 0
        self._context = context
        self.sdp = self._new_sdp()

    def _new_sdp(self) -> LegSdp:
        return LegSdp(codecs=self._context.config.codecs, session_id=int(self._context.ids.token(56), 16))

    def forget_media(self) -> None:
        """The media leg was given back; another may come."""
        self.media_leg = 0
        self.sdp = self._new_sdp()

    def media_command(self) -> media.SetLegMedia | None:
        """What the worker is to know about this leg; None before anything was negotiated."""
        return self.sdp.media_command(self.media_leg, self.hop.host)
