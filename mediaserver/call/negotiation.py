"""Offer and answer of one leg: what the peer said, what we said, and what the media worker is to know of it."""

from __future__ import annotations

from typing import Final

from mediaserver.media import messages as media
from mediaserver.media.messages import Codec
from mediaserver.sdp import (
    G722,
    PCMA,
    PCMU,
    Capabilities,
    LocalMedia,
    NegotiatedMedia,
    SdpError,
    SessionDescription,
    accept_answer,
    answer,
    make_offer,
    parse,
)
from mediaserver.sip.fields import quoted

_SPECS: Final = {Codec.PCMU: PCMU, Codec.PCMA: PCMA, Codec.G722: G722}


def warning(error: SdpError, domain: str) -> tuple[tuple[str, str], ...]:
    """The Warning that tells why an offer is refused (RFC 3261 13.3.1.3, 14.2)."""
    agent = f"[{domain}]" if ":" in domain else domain
    return (("warning", f"{error.warn_code} {agent} {quoted(str(error))}"),)


class LegSdp:
    """The session descriptions of one leg, both ways; SdpError when something does not fit."""

    def __init__(self, *, codecs: tuple[Codec, ...], session_id: int) -> None:
        """``address`` and ``port`` are to be set once the media leg is open."""
        self.address = ""
        self.port = 0
        self._codecs = codecs
        self._session_id = session_id
        self._offer: SessionDescription | None = None
        """The peer's, until it is answered."""
        self._ours: SessionDescription | None = None
        """The last description we sent."""
        self._media: NegotiatedMedia | None = None

    # --- the peer offers ----------------------------------------------------------------------

    def read_offer(self, body: bytes) -> None:
        """Take the peer's offer; SdpError at once when there is nothing in it that we could accept."""
        offer = parse(body)
        answer(offer, self._capabilities(), self._local(probe=True), previous=self._ours)
        self._offer = offer

    @property
    def has_offer(self) -> bool:
        """The peer's offer waits for our answer (or was answered, and may be answered alike again)."""
        return self._offer is not None

    def offered_codecs(self) -> tuple[Codec, ...]:
        """Our codecs that the peer's first offer has, in its order; what the other leg had best offer first."""
        if self._offer is None:
            return ()
        places: dict[Codec, tuple[int, int]] = {}
        for codec in self._codecs:
            try:
                only = answer(self._offer, Capabilities(codecs=(_SPECS[codec],)), self._local(probe=True)).media
            except SdpError:
                continue
            formats = self._offer.media[only.media_index].formats
            places[codec] = (only.media_index, formats.index(str(only.payload_type)))
        return tuple(sorted(places, key=lambda codec: places[codec]))

    def answer(self, prefer: Codec | None) -> bytes:
        """Our answer to the peer's offer: the codec in use, else the preferred one, else the peer's first."""
        if self._offer is None:
            raise SdpError("body", "there is no offer to answer")
        names = tuple(codec.value for codec in (self.codec, prefer) if codec is not None)
        reply = answer(self._offer, self._capabilities(), self._local(), prefer=names, previous=self._ours)
        self._ours, self._media = reply.description, reply.media
        return str(reply.description).encode()

    # --- we offer -----------------------------------------------------------------------------

    def make_offer(self, prefer: tuple[Codec | None, ...]) -> bytes:
        """Our offer: all codecs, the one in use first, then the preferred ones (None is nobody's)."""
        order = tuple(codec for codec in dict.fromkeys((self.codec, *prefer, *self._codecs)) if codec is not None)
        self._ours = make_offer(self._local(), self._capabilities(order), previous=self._ours)
        return str(self._ours).encode()

    def take_answer(self, body: bytes) -> None:
        """The peer's answer to our offer: again, when an early answer is followed by the final one.

        A session refresh by re-INVITE offers what we sent last, an answer of ours perhaps.
        """
        if self._ours is None:
            raise SdpError("body", "an answer came to no offer of ours")
        self._media = accept_answer(self._ours, parse(body), self._capabilities())

    # --- what is settled ----------------------------------------------------------------------

    @property
    def codec(self) -> Codec | None:
        """What we send to the peer; None before anything was settled."""
        return Codec(self._media.codec) if self._media is not None else None

    @property
    def held(self) -> bool:
        """The peer holds us."""
        return self._media is not None and self._media.held

    @property
    def takes_events(self) -> bool:
        """Keys are sent to the peer as telephone-events, not as tones."""
        return self._media is not None and self._media.telephone_event_send is not None

    def describe(self) -> tuple[str, int, str]:
        """Where we send to and in which codec; empty and 0 while unknown."""
        if self._media is None:
            return "", 0, ""
        host, port = self._media.remote or ("", 0)
        return host, port, self._media.codec

    def media_command(self, leg_id: int, signalling_host: str) -> media.SetLegMedia | None:
        """What the worker is to know; None before anything was settled."""
        if self._media is None:
            return None
        settled = self._media
        hosts = {signalling_host} | ({settled.remote[0]} if settled.remote is not None else set())
        return media.SetLegMedia(
            leg_id=leg_id,
            codec=Codec(settled.codec),
            payload_type=settled.payload_type,
            receive_payload_types=tuple((number, Codec(name)) for number, name in settled.receive_payload_types),
            telephone_event_send=settled.telephone_event_send,
            telephone_event_receive=settled.telephone_event_receive,
            remote=settled.remote,
            remote_rtcp=settled.remote_rtcp,
            rtcp_mux=settled.rtcp_mux,
            trusted_hosts=tuple(sorted(hosts)),
            sends=settled.sends,
            receives=settled.receives and not settled.held,
            ptime_ms=settled.ptime_ms,
        )

    # --- ourselves ----------------------------------------------------------------------------

    def _capabilities(self, order: tuple[Codec, ...] | None = None) -> Capabilities:
        return Capabilities(codecs=tuple(_SPECS[codec] for codec in order or self._codecs))

    def _local(self, *, probe: bool = False) -> LocalMedia:
        address = "127.0.0.1" if probe and not self.address else self.address
        return LocalMedia(host=address, port=self.port or 9, session_id=self._session_id)
