"""Session descriptions and offer/answer for one audio stream. Pure."""

from mediaserver.sdp.codecs import G722, PCMA, PCMU, Capabilities, CodecSpec
from mediaserver.sdp.direction import Direction
from mediaserver.sdp.errors import NoCommonCodec, NotAcceptable, SdpError
from mediaserver.sdp.model import Attribute, Connection, MediaDescription, Origin, SessionDescription
from mediaserver.sdp.negotiated import NegotiatedMedia
from mediaserver.sdp.offer_answer import Answer, LocalMedia, accept_answer, answer, make_offer
from mediaserver.sdp.parser import parse

__all__ = [
    "G722",
    "PCMA",
    "PCMU",
    "Answer",
    "Attribute",
    "Capabilities",
    "CodecSpec",
    "Connection",
    "Direction",
    "LocalMedia",
    "MediaDescription",
    "NegotiatedMedia",
    "NoCommonCodec",
    "NotAcceptable",
    "Origin",
    "SdpError",
    "SessionDescription",
    "accept_answer",
    "answer",
    "make_offer",
    "parse",
]
