"""Synthetic phones: SIP and RTP end to end, on real sockets or in virtual time."""

from callbench.phone.call import Answering, PhoneCall, PhoneError
from callbench.phone.media import Heard, HeardPacket
from callbench.phone.microphone import Microphone, parse_microphone, quiet, silent, speech, tone
from callbench.phone.phone import Phone, PhoneSetup

__all__ = [
    "Answering",
    "Heard",
    "HeardPacket",
    "Microphone",
    "Phone",
    "PhoneCall",
    "PhoneError",
    "PhoneSetup",
    "parse_microphone",
    "quiet",
    "silent",
    "speech",
    "tone",
]
